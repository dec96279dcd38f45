package sources

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
	"weir/runtime/device/exporter"
	"weir/runtime/transport"
)

func clients(t *testing.T) *transport.Clients {
	t.Helper()
	c := transport.NewClients(nil, nil)
	t.Cleanup(c.Close)
	return c
}

func names(all []device.Source) string {
	var text []string
	for _, s := range all {
		text = append(text, s.Name())
	}
	return strings.Join(text, " ")
}

// bare makes PATH a directory with nothing but what a shell needs, and the given tools.
func bare(t *testing.T, tools ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range tools {
		if err := os.WriteFile(dir+"/"+tool, []byte("#!/bin/sh\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func linux(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("this machine has no /proc/stat")
	}
}

// Auto is what this machine has, and one tool for the same devices.
func TestAuto(t *testing.T) {
	linux(t)
	f := func(want string, tools ...string) {
		t.Helper()
		bare(t, tools...)
		all, err := Open(t.Context(), []string{Auto}, nil, clients(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := names(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("host")
	f("npu-smi host", "npu-smi")
	f("npu-smi nvidia-smi host", "nvidia-smi", "npu-smi")
	f("amd-smi host", "rocm-smi", "amd-smi")
	f("rocm-smi host", "rocm-smi")
	f("hy-smi host", "rocm-smi", "hy-smi")
}

func TestNames(t *testing.T) {
	f := func(specs, hosts []string, want string) {
		t.Helper()
		all, err := Open(t.Context(), specs, hosts, clients(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := names(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f([]string{"npu-smi"}, nil, "npu-smi")
	f([]string{"npu-smi", " host ", "npu-smi"}, nil, "npu-smi host")
	f([]string{"npu-smi", "host"}, []string{"a", "root@b"}, "npu-smi@a npu-smi@root@b host@a host@root@b")
	f([]string{"rocm-smi", "amd-smi", "hy-smi", "nvidia-smi"}, []string{"a"}, "rocm-smi@a amd-smi@a hy-smi@a nvidia-smi@a")
	f([]string{"npu-smi"}, []string{"localhost", "a"}, "npu-smi npu-smi@a")
	f([]string{"npu-smi@root@b", "host@localhost"}, []string{"a"}, "npu-smi@root@b host")
	f([]string{"npu-smi@ssh://root@b:2222"}, nil, "npu-smi@ssh://root@b:2222")
	f(nil, nil, "")
}

// ssh is a fake one: of host b, which has no tools, of c, whose shell greets, and of d,
// which does not let anybody in.
const ssh = `while test "$1" != --; do shift; done
echo "$2" >> "$HERE/calls"
case "$2" in
b) echo /proc/stat;;
c) echo "Welcome to npu-smi node c"; echo npu-smi; echo rocm-smi; echo amd-smi;;
d) echo 'Permission denied (publickey).' >&2; exit 255;;
e) ;;
*) shift 2; exec sh -c "$*";;
esac`

// Auto asks each host once.
func TestAutoRemote(t *testing.T) {
	linux(t)
	dir := devicetest.Fake(t, "ssh", ssh)
	all, err := Open(t.Context(), []string{Auto}, []string{"b", "c", "me@here"}, clients(t))
	if err != nil {
		t.Fatal(err)
	}
	// The last one is this machine, whatever tools it has.
	if got := names(all); !strings.HasPrefix(got, "host@b npu-smi@c amd-smi@c ") || !strings.HasSuffix(got, " host@me@here") {
		t.Errorf("%q", got)
	}
	calls, err := os.ReadFile(dir + "/calls")
	if err != nil || strings.Count(string(calls), "\n") != 3 {
		t.Errorf("%q %v", calls, err)
	}
	f := func(host string, want ...string) {
		t.Helper()
		_, err := Open(t.Context(), []string{Auto}, []string{"b", host}, clients(t))
		if err == nil {
			t.Fatal("no error")
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
	}
	f("d", "look for tools", "on d", "Permission denied", "ssh-copy-id")
	f("e", "nothing to monitor", "e has none of npu-smi, nvidia-smi", "exporter")
	f("-oProxyCommand=x", "no host that ssh can take")
}

func TestUnknown(t *testing.T) {
	f := func(spec string, want ...string) {
		t.Helper()
		_, err := Open(t.Context(), []string{"host", spec}, nil, clients(t))
		if err == nil {
			t.Fatalf("%q: no error", spec)
		}
		for _, w := range append(want, fmt.Sprintf("%q", spec)) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
	}
	f("npusmi", `did you mean "npu-smi"`)
	f("NPU-SMI@b", `did you mean "npu-smi"`)
	f("prometheus", "auto, npu-smi, nvidia-smi", "host", "http://host:8082/metrics")
	f("", "auto")
	f("node1:metrics", "auto")
	f("npu-smi@", "no host")
}

// A page is known by its content, and read at once.
func TestPages(t *testing.T) {
	var page atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page.Load()) }))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	f := func(text, kind string, specs ...string) {
		t.Helper()
		page.Store(text)
		all, err := Open(t.Context(), specs, []string{"a", "b"}, clients(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := names(all); got != server.URL+"/metrics" {
			t.Errorf("%q", got)
		}
		r, err := all[0].Read(t.Context())
		if err != nil || len(r.Devices) != 1 || r.Devices[0].Kind != kind {
			t.Errorf("%+v %v", r, err)
		}
	}
	f("npu_chip_info_power{id=\"0\"} 1\n", "npu", address)
	f("DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 1\n", "gpu", server.URL+"/metrics", address+"/metrics")
	f("amd_gpu_power_usage{gpu_id=\"0\"} 1\n", "gpu", address)

	page.Store("go_goroutines 1\n")
	if _, err := Open(t.Context(), []string{address}, nil, clients(t)); err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "npu_chip_info") {
		t.Errorf("%v", err)
	}
	server.Close()
	if _, err := Open(t.Context(), []string{address}, nil, clients(t)); err == nil || !strings.Contains(err.Error(), "is the exporter running") {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.Context(), []string{"http://user:secret@node1/metrics"}, nil, clients(t)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// A tool that is not there says where it comes from when it is asked.
func TestHints(t *testing.T) {
	bare(t)
	for _, tool := range tools {
		all, err := Open(t.Context(), []string{tool.name}, nil, clients(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all[0].List(t.Context()); err == nil || !strings.Contains(err.Error(), tool.hint) {
			t.Errorf("%v", err)
		}
	}
}

// What is taken for a page's address can be asked for, or is an error.
func FuzzPageOf(f *testing.F) {
	for _, s := range []string{"node1:8082", "[::1]:9400/x", "http://a", "npu-smi@a:22", "a:b:1", ":1", "a b:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		page, ok := pageOf(spec)
		if !ok {
			return
		}
		c := transport.NewClients(nil, nil)
		defer c.Close()
		if s, err := exporter.New(page, c); err == nil && !strings.Contains(s.Name(), "://") {
			t.Errorf("%q is the page %q", spec, s.Name())
		}
	})
}
