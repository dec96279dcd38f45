package profiling_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// config writes a configuration file.
func config(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ms_service_profiler_config.json")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Only the digit of enable changes, wherever and however it stands in the file.
func TestSwitch(t *testing.T) {
	m := maker(t)
	f := func(off, on, where string) {
		t.Helper()
		path := config(t, off)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.MSServiceProfiler(fields{"config": path, "settle": int64(0)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // as in two cases
			if err := p.Start(t.Context()); err != nil {
				t.Errorf("%s: %v", off, err)
				return
			}
			if got := content(t, path); got != on {
				t.Errorf("during the case: %q, want %q", got, on)
			}
			if trace := p.Stop(t.Context()); trace.Error != "" || trace.Where != where || trace.Target != path {
				t.Errorf("%s: %+v", off, trace)
			}
			if got := content(t, path); got != off {
				t.Errorf("after the case: %q, want %q", got, off)
			}
		}
		if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || before.Mode() != after.Mode() {
			t.Errorf("%s: it is another file now, or has another mode: %v", off, err)
		}
	}
	f(`{"enable":0}`, `{"enable":1}`, "")
	f("{\n\t\"enable\" : 0 ,\n  \"prof_dir\": \"/tmp/p\", \"acl_task_time\": 0\n}\n", "{\n\t\"enable\" : 1 ,\n  \"prof_dir\": \"/tmp/p\", \"acl_task_time\": 0\n}\n", "/tmp/p")
	f(`{"a":{"enable":0},"prof_dir":7,"enable":0}`, `{"a":{"enable":0},"prof_dir":7,"enable":1}`, "")
	f(`{"中":"文","\u0065nable":0}`, `{"中":"文","\u0065nable":1}`, "")
}

// Files that cannot be switched stay as they are.
func TestSwitchRefuses(t *testing.T) {
	m := maker(t)
	f := func(text, want string) {
		t.Helper()
		path := config(t, text)
		p, err := m.MSServiceProfiler(fields{"config": path, "settle": int64(0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "\n  hint: ") {
			t.Errorf("%.60s: got %v, want %s", text, err, want)
		}
		if got := content(t, path); got != text {
			t.Errorf("%.60s: it has become %.60s", text, got)
		}
	}
	f(`{"enable":1}`, "enable is 1 already")
	f(`{"enable":"0"}`, `its enable is "0", not 0 or 1`)
	f(`{"enable":0.0}`, `its enable is 0.0, not 0 or 1`)
	f(`{"enable":2}`, `its enable is 2, not 0 or 1`)
	f(`{"enable":false}`, "its enable is false, not 0 or 1")
	f(`{"enable":0,"enable":0}`, "it has enable twice")
	f(`{"enabled":0}`, "it has no enable")
	f(`{}`, "it has no enable")
	f(`[0]`, "it is no JSON object")
	f(`0`, "it is no JSON object")
	f(``, "it is no JSON: ")
	f(`{"enable":0`, "it is no JSON: ")
	f(`{"enable":0} x`, "it is no JSON: ")
	f(`{"enable":0,"x":"`+strings.Repeat("x", 1<<20)+`"}`, "it is larger than")

	missing, err := m.MSServiceProfiler(fields{"config": filepath.Join(t.TempDir(), "none.json")})
	if err != nil {
		t.Fatal(err)
	}
	if err := missing.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no such file\n  hint: it is the file that the service was started with as SERVICE_PROF_CONFIG_PATH") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// An interrupt leaves the profiler switched off, whenever it comes.
func TestSwitchInterrupted(t *testing.T) {
	const off = `{"enable": 0}`
	m, path := maker(t), config(t, off)
	p, err := m.MSServiceProfiler(fields{"config": path, "settle": "1h"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Start(ctx); err == nil {
		t.Error("a start that was interrupted succeeded")
	}
	if got := content(t, path); got != off {
		t.Errorf("after a start that was interrupted: %s", got)
	}
	p, err = m.MSServiceProfiler(fields{"config": path, "settle": int64(0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if trace := p.Stop(ctx); trace.Error != "" {
		t.Error(trace.Error)
	}
	if got := content(t, path); got != off {
		t.Errorf("after a stop that was interrupted: %s", got)
	}

	// What others do to the file meanwhile is told.
	for text, want := range map[string]string{off: "somebody else has set enable to 0", `{`: "set enable to 0 by hand"} {
		if err := os.WriteFile(path, []byte(off), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if trace := p.Stop(t.Context()); !strings.Contains(trace.Error, want) {
			t.Errorf("%s: %q, want %s", text, trace.Error, want)
		}
	}
}

// Whatever the file is, a start either changes one digit of it or nothing, and a stop
// restores it.
func FuzzSwitch(f *testing.F) {
	for _, seed := range []string{`{"enable":0}`, `{"enable":1}`, `{"x":[{"enable":0}],"enable" : 0}`, `{"enable":0,"enable":1}`, `{"\u0065nable":0}`, "\ufeff{}", `{"enable":00}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := config(t, string(text))
		p, err := maker(t).MSServiceProfiler(fields{"config": path, "settle": int64(0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			if got := content(t, path); got != string(text) {
				t.Fatalf("%q was refused and has become %q", text, got)
			}
			return
		}
		got := []byte(content(t, path))
		changed := 0
		for i := range text {
			if got[i] != text[i] {
				changed++
				if text[i] != '0' || got[i] != '1' {
					t.Fatalf("%q has become %q", text, got)
				}
			}
		}
		if changed != 1 || len(got) != len(text) {
			t.Fatalf("%q has become %q", text, got)
		}
		if trace := p.Stop(t.Context()); trace.Error != "" {
			t.Fatal(trace.Error)
		}
		if got := content(t, path); !bytes.Equal([]byte(got), text) {
			t.Fatalf("%q has become %q in the end", text, got)
		}
	})
}
