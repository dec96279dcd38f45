package npu_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/npu"
	"weir/runtime/device/devicetest"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
)

// fake puts an npu-smi on PATH that has two chips, counts its calls, and cannot watch.
func fake(t *testing.T) (dir string) {
	t.Helper()
	table, err := filepath.Abs("../../testdata/npu-smi/info_23.0.2.1_910B2C.txt")
	if err != nil {
		t.Fatal(err)
	}
	return devicetest.Fake(t, "npu-smi", `echo "$*" >>"$HERE/calls"
case "$*" in
info) cat `+table+`;;
"info -m") printf 'NPU ID  Chip ID  Chip Logic ID  Chip Name\n0 0 0 Ascend\n1 0 1 Ascend\n';;
*) exit 1;;
esac`)
}

// load loads a script whose module is used with a hub; nil: not at all.
func load(t *testing.T, hub *telemetry.Hub, source string) *script.Script {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.ts")
	source = `import npu, { list, sample, monitor } from "weir/npu";` + "\n" + source
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	m := npu.New()
	if hub != nil {
		clients := transport.NewClients(nil, nil)
		t.Cleanup(clients.Close)
		m.Use(hub, clients)
	}
	s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir/npu": m}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call calls the default export of a runtime and returns what it resolves to, as text.
func call(t *testing.T, s *script.Script) (string, error) {
	t.Helper()
	rt, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		return "", err
	}
	defer rt.Close()
	var text string
	err = rt.Wait(script.Task{Op: "iteration", Run: func(*goja.Runtime) (goja.Value, error) {
		f, ok := goja.AssertFunction(rt.Export("default"))
		if !ok {
			return nil, errors.New("no default export")
		}
		return f(goja.Undefined())
	}}, func(v goja.Value) error {
		if p, ok := v.Export().(*goja.Promise); ok {
			v = p.Result()
		}
		text = v.String()
		return nil
	})
	return text, err
}

func TestListAndSample(t *testing.T) {
	fake(t)
	f := func(expression, want string) {
		t.Helper()
		got, err := call(t, load(t, telemetry.NewHub(telemetry.Config{}), `export default async () => JSON.stringify(`+expression+`);`))
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", expression, got, want, err)
		}
	}
	f(`(await list({ source: "npu-smi", devices: "npu:0" }))[0]`,
		`{"bus":"0000:5A:00.0","chip":0,"driver":"23.0.2.1","health":"OK","id":"0","index":0,"kind":"npu","logic_id":0,"memory_kind":"HBM","memory_mib":65536,"name":"910B2C","processes":[{"memory_mib":17400,"name":"python3.8","pid":124528}],"source":"npu-smi","tool":"23.0.2.1"}`)
	f(`(await list({ source: ["npu-smi"] })).map((d) => d.index)`, `[0,1]`)
	f(`(await sample({ source: "npu-smi" })).map((d) => [d.source, d.kind, d.index, d.health, d.values.power_w, d.values.energy_j])`,
		`[["npu-smi","npu",0,"OK",88.6,null],["npu-smi","npu",1,"OK",99.6,null]]`)
	f(`(await sample({ source: "npu-smi", devices: "1" })).map((d) => Math.abs(Date.now() - d.at) < 60000)`, `[true]`)
	f(`(await npu.sample({ source: "npu-smi", devices: "gpu" }))`, `[]`)
	// Several at once: the sources are asked one question at a time.
	f(`(await Promise.all([1, 2, 3].map(() => sample({ source: "npu-smi" })))).map((all) => all.length)`, `[2,2,2]`)
	f(`[npu.list === list, npu.sample === sample, npu.monitor === monitor]`, `[true,true,true]`)
}

func TestWrongUse(t *testing.T) {
	fake(t)
	f := func(source string, parts ...string) {
		t.Helper()
		_, err := call(t, load(t, telemetry.NewHub(telemetry.Config{}), source))
		if err == nil {
			t.Errorf("%s: no error", source)
			return
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error has no %q: %v", source, part, err)
			}
		}
	}
	f(`export default () => list({ sauce: "npu-smi" });`, `npu.list: unknown option "sauce"; did you mean "source"?`)
	f(`export default () => sample({ interval: "1s" });`, `npu.sample: unknown option "interval"`)
	f(`export default () => list("npu-smi");`, `must be an object, not npu-smi`)
	f(`export default () => list({ source: [7] });`, `option source: 7 is no string`)
	f(`export default () => list({ hosts: 7 });`, `option hosts: expected a string or an array`)
	f(`export default () => list({ devices: "x-y" });`, `option devices: "x-y" names no device`)
	f(`export default () => list({ source: "npusmi" });`, `npu.list: there is no source of devices "npusmi"; did you mean "npu-smi"?`)
	f(`export default () => sample({ source: "no-such-smi" });`, `npu.sample: there is no source of devices "no-such-smi"`)
	f(`export default () => monitor({ source: "npu-smi" });`, `npu.monitor: it is called in init code`)
	f(`monitor({ interval: "1ms" }); export default () => 1;`, `npu.monitor: option interval: 1ms is too short`)
	f(`monitor({ source: "npusmi" }); export default () => 1;`, `did you mean "npu-smi"?`)
	// A source that cannot be read rejects, with the host's name.
	devicetest.Fake(t, "ssh", `echo "user@node9: Permission denied (publickey)." >&2; exit 255`)
	f(`export default () => sample({ source: "npu-smi", hosts: "node9" });`, `npu.sample: npu-smi info on node9: ssh failed`, `ssh-copy-id node9`)
}

// A monitor is one for all runtimes, samples while the run goes on, and is in the result.
func TestMonitor(t *testing.T) {
	fake(t)
	hub := telemetry.NewHub(telemetry.Config{})
	s := load(t, hub, `
const all = monitor({ source: "npu-smi", interval: "100ms" });
const same = monitor({ source: "npu-smi", interval: 100 });
const second = monitor({ source: "npu-smi", interval: "100ms", devices: "1" });
export default async () => {
  while (second.latest().length === 0) await new Promise((next) => setTimeout(next, 10));
  return JSON.stringify([all.sources, all.latest().map((d) => d.values.power_w), second.latest().map((d) => d.index)]);
};`)
	hub.Begin(t.Context())
	for range 3 {
		got, err := call(t, s)
		if want := `[["npu-smi"],[88.6,99.6],[1]]`; err != nil || got != want {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	}
	var r result.Result
	hub.End(&r)
	if len(r.Monitors) != 1 || r.Monitors[0].Source != "npu-smi" || r.Monitors[0].Interval != 0.1 || r.Monitors[0].Readings == 0 {
		t.Errorf("monitors: %+v", r.Monitors)
	}
	if len(r.Devices) != 2 || r.Devices[1].Name != "910B2C" {
		t.Errorf("devices: %+v", r.Devices)
	}
}

// While a script is only looked at, nothing is run.
func TestOnlyLookedAt(t *testing.T) {
	dir := fake(t)
	got, err := call(t, load(t, nil, `const m = monitor({ source: "npu-smi" }); export default () => JSON.stringify([m.sources, m.latest()])`))
	if err != nil || got != `[[],[]]` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := call(t, load(t, nil, `export default () => list()`)); err == nil || !strings.Contains(err.Error(), "only looked at") {
		t.Errorf("%v", err)
	}
	if calls, err := os.ReadFile(filepath.Join(dir, "calls")); !os.IsNotExist(err) {
		t.Errorf("calls: %s%v", calls, err)
	}
}

// What a task that has ended was asking ends too.
func TestEnds(t *testing.T) {
	devicetest.Fake(t, "npu-smi", `echo >"$HERE/begun"; exec sleep 1000`)
	s := load(t, telemetry.NewHub(telemetry.Config{}), `export default () => sample({ source: "npu-smi" })`)
	rt, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	ctx, cancel := context.WithCancel(t.Context())
	task := script.Task{Op: "iteration", Context: ctx, Run: func(*goja.Runtime) (goja.Value, error) {
		f, _ := goja.AssertFunction(rt.Export("default"))
		v, err := f(goja.Undefined())
		cancel()
		return v, err
	}}
	if err := rt.Wait(task, func(goja.Value) error { return nil }); err == nil {
		t.Error("no error")
	}
}
