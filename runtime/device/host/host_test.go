package host

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
)

// root makes a root file system of paths and texts.
func root(texts ...string) fstest.MapFS {
	f := make(fstest.MapFS)
	for i := 0; i < len(texts); i += 2 {
		f[texts[i]] = &fstest.MapFile{Data: []byte(texts[i+1])}
	}
	return f
}

const meminfo = "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    4194304 kB\n"

// read takes a reading of one device.
func reading(t *testing.T, s *Source) map[device.Quantity]float64 {
	t.Helper()
	r, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Devices) != 1 || r.Devices[0].Kind != "host" || r.Devices[0].Index != 0 {
		t.Fatalf("%+v", r)
	}
	return r.Devices[0].Of
}

func text(of map[device.Quantity]float64) string {
	var all []string
	for q, x := range of {
		all = append(all, fmt.Sprintf("%s=%g", q, math.Round(x*1000)/1000))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// What the files of one moment tell.
func TestMoment(t *testing.T) {
	const stat = "proc/stat"
	f := func(want string, texts ...string) {
		t.Helper()
		if got := text(reading(t, Local(root(append(texts, stat, "cpu 1 2 3 4\n")...)))); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("")
	f("memory_pct=75 memory_total_mib=16384 memory_used_mib=12288", "proc/meminfo", meminfo)
	f("memory_total_mib=16384", "proc/meminfo", "MemTotal: 16777216 kB\n") // before Linux 3.14
	f("", "proc/meminfo", "MemTotal: many kB\n")
	const hwmon = "sys/class/hwmon/hwmon"
	f("temperature_c=61.5",
		hwmon+"0/name", "coretemp\n", hwmon+"0/temp1_input", "54000\n", hwmon+"0/temp2_input", "90000\n",
		hwmon+"1/name", "coretemp\n", hwmon+"1/temp1_input", "61500\n",
		hwmon+"2/name", "nvme\n", hwmon+"2/temp1_input", "80000\n",
		hwmon+"3/name", "k10temp\n", hwmon+"3/temp1_input", "\n")
	f("power_w=812.5",
		hwmon+"0/name", "power_meter\n", hwmon+"0/power1_average", "412000000\n", hwmon+"0/power1_input", "1\n",
		hwmon+"1/name", "power_meter\n", hwmon+"1/power1_input", "400500000\n",
		hwmon+"2/name", "amdgpu\n", hwmon+"2/power1_average", "300000000\n")
	// Another machine's meter is no account of this one's processors, nor the other way round.
	f("power_w=412",
		hwmon+"0/name", "power_meter\n", hwmon+"0/power1_average", "412000000\n",
		"sys/class/powercap/intel-rapl:0/name", "package-0\n", "sys/class/powercap/intel-rapl:0/energy_uj", "5\n")
}

// The use of the CPUs is that between two looks.
func TestCPU(t *testing.T) {
	files := root("proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
	s := Local(files)
	f := func(stat, want string) {
		t.Helper()
		files["proc/stat"] = &fstest.MapFile{Data: []byte(stat)}
		if got := text(reading(t, s)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("cpu  100 0 100 800 0 0 0 0 0 0\n", "")
	f("cpu  130 0 120 850 0 0 0 0 0 0\n", "cpu_pct=50")
	f("cpu  130 0 120 850 0 0 0 0 0 0\n", "") // no time has passed
	f("cpu  130 0 120 850 100 0 0 0 0 0\n", "cpu_pct=0")
	f("cpu  230 0 120 850 100 0 0 100 0 0\n", "cpu_pct=50") // half of it the hypervisor took
	f("cpu  230 0 120 840 90 0 0 100 0 0\n", "")            // it went back
	f("cpu  240 0 120 840 90 0 0 100 0 0\n", "cpu_pct=100")
}

// List tells what the host is, and is the first look at its CPUs.
func TestList(t *testing.T) {
	files := root("proc/stat", "cpu  100 0 100 800\n", "proc/meminfo", meminfo,
		"proc/cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC 9654 96-Core Processor\n\nprocessor\t: 1\n")
	s := Local(files)
	l, err := s.List(t.Context())
	if err != nil || len(l.Devices) != 1 {
		t.Fatalf("%+v %v", l, err)
	}
	d := l.Devices[0]
	if d.Kind != "host" || d.Source != "host" || d.Name != "AMD EPYC 9654 96-Core Processor" || d.MemoryKind != "RAM" || *d.MemoryMiB != 16384 {
		t.Errorf("%+v", d)
	}
	files["proc/stat"] = &fstest.MapFile{Data: []byte("cpu  200 0 100 800\n")}
	if got := reading(t, s)[device.CPU]; got != 100 {
		t.Errorf("%v %%", got)
	}
}

// Counters of energy: which count, where they begin anew, and one that is gone for a while.
func TestEnergy(t *testing.T) {
	const zone = "sys/class/powercap/intel-rapl:"
	files := root("proc/stat", "cpu 1 2 3 4\n",
		zone+"0/name", "package-0\n", zone+"0/max_energy_range_uj", "262143328850\n",
		zone+"0:0/name", "core\n", zone+"0:0/energy_uj", "7000000\n",
		zone+"0:1/name", "dram\n", zone+"0:1/max_energy_range_uj", "65712999613\n",
		zone+"1/name", "psys\n", zone+"1/energy_uj", "9000000\n",
		"sys/class/powercap/intel-rapl-mmio:0/name", "package-0\n", "sys/class/powercap/intel-rapl-mmio:0/energy_uj", "1\n")
	s := Local(files)
	f := func(pkg, dram, want string) {
		t.Helper()
		for name, x := range map[string]string{zone + "0/energy_uj": pkg, zone + "0:1/energy_uj": dram} {
			if x == "" {
				delete(files, name)
			} else {
				files[name] = &fstest.MapFile{Data: []byte(x + "\n")}
			}
		}
		if got := text(reading(t, s)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("262143000000", "500000000", "energy_j=0")
	f("262143328850", "510000000", "energy_j=10.329")
	f("50000000", "520000000", "energy_j=70.329") // its range has ended between the two
	f("", "530000000", "")
	f("60000000", "540000000", "energy_j=100.329")
	delete(files, zone+"0:1/max_energy_range_uj")
	f("60000000", "1000000", "energy_j=100.329") // begun anew, nobody knows where
	f("60000000", "2000000", "energy_j=101.329")
}

func TestNoLinux(t *testing.T) {
	f := func(files fstest.MapFS) {
		t.Helper()
		s := Local(files)
		_, read := s.Read(t.Context())
		_, listed := s.List(t.Context())
		for _, err := range []error{read, listed} {
			if err == nil || !strings.Contains(err.Error(), "this machine has no /proc/stat") {
				t.Errorf("%v", err)
			}
		}
	}
	f(root())
	f(root("proc/stat", ""))
	f(root("proc/stat", "cpu many\n"))
}

// ssh is a fake one, that runs the command here.
const ssh = `while test "$1" != --; do shift; done; echo "$2" > "$HERE/host"; shift 2; exec sh -c "$*"`

// The files of another host come in one command; here it is this one.
func TestRemote(t *testing.T) {
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("this machine has no /proc/stat")
	}
	dir := devicetest.Fake(t, "ssh", ssh)
	s := Remote("root@node1")
	l, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := l.Devices[0]; d.Host != "root@node1" || d.Source != "host@root@node1" || *d.MemoryMiB <= 0 {
		t.Errorf("%+v", d)
	}
	of := reading(t, s)
	here := reading(t, Local(nil))
	if of[device.MemoryTotal] != here[device.MemoryTotal] || of[device.MemoryUsed] <= 0 {
		t.Errorf("%v, here %v", of, here)
	}
	if host, _ := os.ReadFile(dir + "/host"); strings.TrimSpace(string(host)) != "root@node1" {
		t.Errorf("ssh was given %q", host)
	}
}

func TestRemoteErrors(t *testing.T) {
	f := func(script string, want ...string) {
		t.Helper()
		devicetest.Fake(t, "ssh", script)
		_, err := Remote("node1").Read(t.Context())
		if err == nil {
			t.Fatal("no error")
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is of several lines", err)
		}
	}
	f("echo 'Permission denied (publickey).' >&2; exit 255", "sh -c … on node1", "Permission denied", "ssh-copy-id")
	f("echo hello", "node1 has no /proc/stat")
	devicetest.Fake(t, "ssh", "sleep 1000")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Remote("node1").Read(ctx); err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("%v", err)
	}
}

func FuzzFiles(f *testing.F) {
	f.Add(mark+"proc/stat\ncpu 1 2 3 4\n"+mark+"proc/meminfo\n"+meminfo, mark+"proc/stat\ncpu 2 2 3 4\n")
	f.Add("==> sys/class/hwmon/hwmon0/name\npower_meter\n==> sys/class/hwmon/hwmon0/power1_input\n1e300\n==> proc/stat\ncpu 1 1 1 1",
		"==> sys/class/powercap/intel-rapl:0/name\npackage-0\n==> sys/class/powercap/intel-rapl:0/energy_uj\nNaN\n==> proc/stat\ncpu 1 1 1 1")
	f.Fuzz(func(t *testing.T, first, second string) {
		out := ""
		s := &Source{gather: func(context.Context) (files, error) { return parse(out), nil }}
		for _, out = range []string{first, second, first} {
			if len(parse(out)) > mostFiles {
				t.Error("too many files")
			}
			s.List(t.Context())
			r, err := s.Read(t.Context())
			if err != nil {
				continue
			}
			for q, x := range r.Devices[0].Of {
				var again device.Values
				if again.Set(q, x); len(again.Of) != 1 {
					t.Errorf("%s cannot be %v", q, x)
				}
			}
		}
	})
}
