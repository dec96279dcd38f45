package amd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
)

const testdata = "../../../testdata/amd/"

func sample(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(testdata + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestROCm(t *testing.T) {
	f := func(tool, file string) {
		t.Helper()
		devicetest.Fake(t, tool, "cat '"+sample(t, file)+"'")
		devicetest.Golden(t, testdata+strings.TrimSuffix(file, ".txt")+".golden.json", New(device.Tool{Name: tool}), "")
	}
	f("rocm-smi", "rocm-smi_one_card.txt")
	f("rocm-smi", "rocm-smi_MI250_lowercase.txt")
	f("rocm-smi", "rocm-smi_MI350.txt")
	f("hy-smi", "hy-smi_K100_commas.txt")
}

func TestAMDSMI(t *testing.T) {
	f := func(metric, static, process string) {
		t.Helper()
		script := "case $1 in\nmetric) cat '" + sample(t, metric) + "';;\n"
		for command, file := range map[string]string{"static": static, "process": process} {
			if file != "" {
				script += command + ") cat '" + sample(t, file) + "';;\n"
			}
		}
		devicetest.Fake(t, "amd-smi", script+"*) echo no such command >&2; exit 1;;\nesac")
		devicetest.Golden(t, testdata+strings.TrimSuffix(metric, ".txt")+".golden.json", New(device.Tool{Name: "amd-smi"}), "")
	}
	f("amd-smi_metric_gpu_data.txt", "amd-smi_static_gpu_data.txt", "amd-smi_process.txt")
	f("amd-smi_metric_list_warning.txt", "", "")
}

// An old amd-smi, that knows no options for a part of the values, is asked for all.
func TestPlain(t *testing.T) {
	dir := devicetest.Fake(t, "amd-smi", `echo "$*" >> "$HERE/calls"
case "$*" in *--usage*) echo 'unrecognized arguments: --usage' >&2; exit 2;; esac
cat '`+sample(t, "amd-smi_metric_list_warning.txt")+"'")
	s := New(device.Tool{Name: "amd-smi"})
	for range 2 {
		if r, err := s.Read(t.Context()); err != nil || len(r.Devices) != 2 {
			t.Fatalf("%+v %v", r, err)
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || strings.Count(string(calls), "\n") != 3 || strings.Count(string(calls), "--usage") != 1 {
		t.Errorf("the calls are %q (%v)", calls, err)
	}
}

// An exit code other than 0 does not matter when the values are there.
func TestCode(t *testing.T) {
	devicetest.Fake(t, "rocm-smi", "cat '"+sample(t, "rocm-smi_MI350.txt")+"'; exit 2")
	r, err := New(device.Tool{Name: "rocm-smi"}).Read(t.Context())
	if err != nil || len(r.Devices) != 3 || len(r.Unread) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestErrors(t *testing.T) {
	f := func(script string, want ...string) {
		t.Helper()
		for _, tool := range []string{"rocm-smi", "amd-smi", "hy-smi"} {
			devicetest.Fake(t, tool, script)
			s := New(device.Tool{Name: tool})
			_, err := s.Read(t.Context())
			_, listed := s.List(t.Context())
			for _, err := range []error{err, listed} {
				if err == nil {
					t.Fatal("no error")
				}
				for _, w := range append(want, tool, "GPUs: ") {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%q does not say %q", err, w)
					}
				}
			}
		}
	}
	f("echo 'Driver not initialized (amdgpu not found in modules)'; exit 1", "Driver not initialized", "code 1")
	f("echo 'Driver not initialized'", "printed no JSON", "Driver not initialized")
	f("echo '{}'", "told of no GPUs")
	f("echo '[]'", "told of no GPUs")
	f("echo '{\"card0\": '", "printed no JSON")
}

func TestNoTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, tool := range []string{"rocm-smi", "amd-smi"} {
		if _, err := New(device.Tool{Name: tool}).List(t.Context()); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
}

func TestHangs(t *testing.T) {
	for _, tool := range []string{"rocm-smi", "amd-smi"} {
		devicetest.Fake(t, tool, "sleep 1000")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := New(device.Tool{Name: tool}).Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}
}

// A value and a card that come and go.
func TestVanishes(t *testing.T) {
	dir := devicetest.Fake(t, "rocm-smi", `cat "$HERE/now"`)
	s := New(device.Tool{Name: "rocm-smi"})
	f := func(out string, powers ...float64) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "now"), []byte(out), 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := s.Read(t.Context())
		if err != nil || len(r.Devices) != len(powers) {
			t.Fatalf("%+v %v", r, err)
		}
		for i, want := range powers {
			if got, told := r.Devices[i].Of[device.Power]; told != (want >= 0) || told && got != want {
				t.Errorf("card %d: %v %v, want %v", i, got, told, want)
			}
		}
	}
	const key = `"Current Socket Graphics Package Power (W)"`
	f(`{"card0":{`+key+`:"100.5"},"card1":{`+key+`:200}}`, 100.5, 200)
	f(`{"card0":{`+key+`:"N/A"},"card1":{`+key+`:"65535"}}`, -1, -1)
	f(`{"card0":{`+key+`:"0.0"}}`, 0)
	f(`{"card0":{`+key+`:"101 W"},"card1":{}}`, 101, -1)
}

func TestNumber(t *testing.T) {
	f := func(v any, x float64, unit string) {
		t.Helper()
		if got, u, ok := number(v); !ok || got != x || u != unit {
			t.Errorf("%v is %v %q (%v), want %v %q", v, got, u, ok, x, unit)
		}
	}
	f(5.0, 5, "")
	f("95", 95, "")
	f(" 95.5 W", 95.5, "W")
	f("(173Mhz)", 173, "Mhz")
	f("1.004 J", 1.004, "J")
	f("2e3", 2000, "")
	f("3 eV", 3, "eV")
	f(map[string]any{"value": "7", "unit": "mJ"}, 7, "mJ")
	for _, v := range []any{nil, "N/A", "", "-", map[string]any{"value": "N/A", "unit": "W"}, map[string]any{}, []any{}, true} {
		if x, _, ok := number(v); ok {
			t.Errorf("%v is %v", v, x)
		}
	}
}

func FuzzFind(f *testing.F) {
	files, _ := filepath.Glob(testdata + "*.txt")
	if len(files) < 7 {
		f.Fatalf("samples: %v", files)
	}
	for _, file := range files {
		out, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(out))
	}
	f.Add("[0]\n{\"card0\": NaN}\n[\n[[{\n")
	f.Fuzz(func(t *testing.T, out string) {
		v, unread, ok := find(out)
		if len(unread) > mostUnread || !ok && v != nil {
			t.Errorf("%v %v", v, unread)
		}
		for _, g := range append(parseROCm(v), parseMetric(v)...) {
			if g.values.Index < 0 {
				t.Errorf("%+v", g)
			}
			for q, x := range g.values.Of {
				var again device.Values
				if again.Set(q, x); len(again.Of) != 1 {
					t.Errorf("%s cannot be %v", q, x)
				}
			}
		}
		for _, object := range objects(v) {
			var g gpu
			describe(&g, object)
			occupy(&g, object)
			for _, p := range g.device.Processes {
				if p.PID < 1 {
					t.Errorf("%+v", p)
				}
			}
		}
	})
}
