package machine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"weir/runtime/machine"
	"weir/runtime/result"
)

// A machine is a file of testdata, "-- path --" before each of its files' texts, "-- path
// -> target --" for a symbolic link; its facts are in the file of the same name with
// .json. Those of the program that runs the test, and of the kernel's clock, are left out.
func TestMachines(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d machines: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			e := machine.Read(context.Background(), filesOf(string(text)))
			got := facts(t, e)
			golden := strings.TrimSuffix(file, ".txt") + ".json"
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("facts of %s:\n%s\nwant those of %s:\n%s", file, got, golden, want)
			}
		})
	}
}

// facts is what the files tell.
func facts(t *testing.T, e result.Environment) []byte {
	t.Helper()
	e.OS, e.Arch, e.CPUs = "", "", 0
	if c := e.Clock; c != nil {
		c.Synchronized, c.MaxError, c.EstError = nil, nil, nil
		if reflect.ValueOf(*c).IsZero() {
			e.Clock = nil
		}
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// filesOf makes the files that a text describes.
func filesOf(text string) fstest.MapFS {
	root := fstest.MapFS{}
	for part := range strings.SplitSeq("\n"+text, "\n-- ") {
		name, content, ok := strings.Cut(part+"\n", " --\n")
		if !ok {
			continue
		}
		if name, target, link := strings.Cut(name, " -> "); link {
			root[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		if content = strings.TrimRight(content, "\n"); content != "" {
			content += "\n"
		}
		if strings.HasSuffix(name, "environ") { // a line for each variable
			content = strings.ReplaceAll(content, "\n", "\x00")
		}
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return root
}

// What a processor is called, by /proc/cpuinfo.
func TestCPUModel(t *testing.T) {
	f := func(cpuinfo, want string) {
		t.Helper()
		e := machine.Read(context.Background(), filesOf("-- proc/cpuinfo --\n"+cpuinfo))
		if e.CPUModel != want {
			t.Errorf("%q is called %q, want %q", cpuinfo, e.CPUModel, want)
		}
	}
	arm := func(implementer, part string) string {
		return "processor\t: 0\nBogoMIPS\t: 200.00\nCPU implementer\t: " + implementer + "\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: " + part + "\nCPU revision\t: 0\n"
	}
	f("processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8480+\n\nprocessor\t: 1\nmodel name\t: other\n", "Intel(R) Xeon(R) Platinum 8480+")
	f(arm("0x48", "0xd01"), "HiSilicon Kunpeng 920 (TaiShan v110)")
	f(arm("0x48", "0xd02"), "HiSilicon Kunpeng HIP09 (TaiShan v120)")
	f(arm("0x41", "0xd0c"), "Arm Neoverse N1")
	f(arm("0x41", "0xd4f"), "Arm Neoverse V2")
	f(arm("0xc0", "0xac3"), "AmpereOne")
	f(arm("0x70", "0x663"), "Phytium FTC663")
	f("processor\t: 0\nmodel name\t: Kunpeng-920\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n", "Kunpeng-920") // as some distributions of openEuler add

	// Nobody knows all of them.
	f(arm("0x48", "0xd24"), "HiSilicon part 0xd24")
	f(arm("0x99", "0x1"), "implementer 0x99 part 0x1")
	f("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: \n", "")
	f("processor\t: 0\nHardware\t: BCM2835\n", "BCM2835")
	f("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported")
	f("", "")
	f("model name", "")
}

// Under which hypervisor a machine runs.
func TestVirtualization(t *testing.T) {
	f := func(want string, files ...string) {
		t.Helper()
		if e := machine.Read(context.Background(), filesOf(strings.Join(files, ""))); e.Virtualization != want {
			t.Errorf("%q: %q, want %q", files, e.Virtualization, want)
		}
	}
	file := func(name, text string) string { return "-- " + name + " --\n" + text + "\n" }
	vendor := func(text string) string { return file("sys/class/dmi/id/sys_vendor", text) }
	product := func(text string) string { return file("sys/class/dmi/id/product_name", text) }
	bare := file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme sse2\n")
	guest := file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor sse2\n")

	f("none", bare)
	f("none", bare, vendor("Amazon EC2"), product("m5.metal"))
	f("unknown", guest)
	f("kvm", guest, file("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc kvm-clock"))
	f("unknown", guest, file("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc acpi_pm"))
	f("kvm", guest, vendor("QEMU"))
	f("kvm", guest, vendor("Amazon EC2"), product("c7i.xlarge"))
	f("vmware", guest, vendor("VMware, Inc."), product("VMware7,1"))
	f("hyper-v", guest, vendor("Microsoft Corporation"), product("Virtual Machine"))
	f("xen", file("sys/hypervisor/type", "xen"))
	// Processors of Arm do not say it.
	f("none", vendor("Huawei"), product("Atlas 800T A2"))
	f("none", vendor("Amazon EC2"), product("c6g.metal"))
	f("kvm", vendor("OpenStack Foundation"), product("OpenStack Nova"))
	f("kvm", "-- proc/device-tree/hypervisor/compatible --\nlinux,kvm\x00")
	f("")
}

// In what this process is, and by what that is known.
func TestContainer(t *testing.T) {
	f := func(kind, known string, files ...string) {
		t.Helper()
		c := machine.Read(context.Background(), filesOf(strings.Join(files, ""))).Container
		if c == nil {
			c = &result.Container{}
		}
		if c.Kind != kind || c.Known != known {
			t.Errorf("%q: %+v, want %q by %q", files, *c, kind, known)
		}
	}
	file := func(name, text string) string { return "-- " + name + " --\n" + text + "\n" }
	group := func(text string) string { return file("proc/self/cgroup", text) }
	docker := "-- .dockerenv --\n"

	f("none", "", group("0::/user.slice/session-1.scope"))
	f("docker", "/.dockerenv", docker, group("0::/"))
	f("docker", "/proc/self/cgroup", group("4:memory:/docker/8f1d"))
	f("docker", "/proc/self/cgroup", group("0::/system.slice/docker-8f1d.scope"))
	f("podman", "/run/.containerenv", "-- run/.containerenv --\n", group("0::/"))
	f("podman", "/proc/self/cgroup", group("0::/machine.slice/libpod-8f1d.scope/libpod/container"))
	f("kubernetes", "/proc/self/cgroup", group("0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-8f1d.scope"))
	f("kubernetes", "KUBERNETES_SERVICE_HOST is set", docker, file("proc/self/environ", "KUBERNETES_SERVICE_HOST=10.0.0.1"))
	f("containerd", "/proc/self/mountinfo", group("0::/"),
		file("proc/self/mountinfo", "600 500 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs"))
	f("docker", "/proc/self/mountinfo", group("0::/"), file("proc/self/mountinfo", "600 500 0:50 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/1/diff"))
	f("none", "", group("0::/"), file("proc/self/mountinfo", "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 25 0:50 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw"))
	f("lxc", "container is set", group("0::/"), file("proc/self/environ", "container=lxc"))
	f("", "")
}

// No secret gets into a result, and what is long is cut.
func TestSecrets(t *testing.T) {
	e := machine.Read(context.Background(), filesOf("-- proc/self/environ --\n"+
		"ASCEND_HOME_PATH=/opt/cann\nASCEND_API_KEY=k1\nASCEND_AUTH_TOKEN=k2\nHF_TOKEN=k3\nPATH=/bin\nGOGC=200\nHTTPS_PROXY=http://me:k4@proxy:8080\nLD_PRELOAD="+strings.Repeat("x", 4000)+"\n"+
		"-- proc/cmdline --\nquiet ssh.key=k5 password=k6 BOOT_IMAGE=/vmlinuz\n"))
	all, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"k1", "k2", "k3", "k4", "k5", "k6", "PATH\":\"/bin"} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("%s is in %s", secret, all)
		}
	}
	if len(e.Variables) != 4 || e.Variables["HTTPS_PROXY"] != "http://…@proxy:8080" || e.Variables["GOGC"] != "200" || len(e.Variables["LD_PRELOAD"]) > 600 {
		t.Errorf("variables %q", e.Variables)
	}
	if want := "quiet ssh.key=… password=… BOOT_IMAGE=/vmlinuz"; e.KernelArgs != want {
		t.Errorf("command line %q, want %q", e.KernelArgs, want)
	}
}

// A file system that does not answer keeps nobody waiting.
func TestReadEndsWithItsContext(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	e := machine.Read(ctx, hangs{held})
	if e.OS == "" || e.Arch == "" || e.CPUs == 0 || e.Kernel != "" {
		t.Errorf("%+v", e)
	}
}

type hangs struct{ held chan struct{} }

func (h hangs) Open(string) (fs.File, error) {
	<-h.held
	return nil, fs.ErrNotExist
}

// This machine, whatever it is, has a name for its system and numbers that are possible.
func TestThisMachine(t *testing.T) {
	e := machine.Read(t.Context(), os.DirFS("/"))
	if e.OS == "" || e.Arch == "" || e.CPUs < 1 {
		t.Errorf("%+v", e)
	}
	possible(t, e)
}

// possible tells of numbers that no machine has.
func possible(t *testing.T, e result.Environment) {
	t.Helper()
	if c := e.CPU; c != nil {
		for what, n := range map[string]*int{"online": c.Online, "sockets": c.Sockets, "cores": c.Cores, "threads": c.Threads, "nodes": c.NUMANodes} {
			if n != nil && *n < 1 {
				t.Errorf("%s: %d", what, *n)
			}
		}
	}
	if m := e.Memory; m != nil && m.Total != nil && *m.Total < 0 {
		t.Errorf("memory %d", *m.Total)
	}
	if l := e.Limits; l != nil && (l.CPUQuota != nil && !(*l.CPUQuota > 0) || l.Memory != nil && *l.Memory <= 0) {
		t.Errorf("limits %+v", *l)
	}
	for _, n := range e.Networks {
		if n.Speed != nil && *n.Speed <= 0 {
			t.Errorf("%s: %d Mbit/s", n.Name, *n.Speed)
		}
	}
	if text, err := json.Marshal(e); err != nil || len(text) > 1<<20 {
		t.Errorf("%d bytes: %v", len(text), err)
	}
}

func FuzzRead(f *testing.F) {
	samples, _ := filepath.Glob("testdata/*.txt")
	for _, name := range samples {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("-- sys/devices/system/cpu/online --\n0-9999999,5-2\n-- sys/devices/system/cpu/cpu0/topology/core_cpus_list --\n0-\n")
	f.Add("-- proc/self/limits --\nMax open files            unlimited  -5 files\n-- proc/meminfo --\nMemTotal: 99999999999999999 kB\n")
	f.Add("-- sys/class/net/eth0/operstate --\nup\n-- sys/class/net/eth0/queues/rx-99999999999999999999 --\n-- dev/davinci007 --\n-- dev/davinci-1 --\n")
	f.Fuzz(func(t *testing.T, text string) {
		root := filesOf(text)
		for name := range root {
			if !fs.ValidPath(name) {
				delete(root, name)
			}
		}
		possible(t, machine.Read(context.Background(), root))
	})
}

func BenchmarkRead(b *testing.B) {
	root := os.DirFS("/")
	for b.Loop() {
		machine.Read(context.Background(), root)
	}
}

func ExampleRead() {
	e := machine.Read(context.Background(), fstest.MapFS{
		"proc/sys/kernel/osrelease": {Data: []byte("5.10.0-136.12.0.86.aarch64\n")},
		"proc/cpuinfo":              {Data: []byte("CPU implementer\t: 0x48\nCPU part\t: 0xd01\n")},
	})
	fmt.Println(e.Kernel, "on", e.CPUModel)
	// Output: 5.10.0-136.12.0.86.aarch64 on HiSilicon Kunpeng 920 (TaiShan v110)
}
