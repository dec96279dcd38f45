package execution_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/execution"
	"weir/runtime/metrics"
	"weir/runtime/script"
)

// call evaluates a script and calls its default export on runtime 3, for an
// iteration or, when it is nil, as setup is called. It returns its text.
func call(t *testing.T, hooks execution.Hooks, source string, it *metrics.Iteration) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.ts")
	source = `import exec, { scenario, runtime, run, test, sim } from "weir/execution";` + "\n" + source
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir/execution": execution.New(hooks)}})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(t.Context(), 3)
	if err != nil {
		return "", err
	}
	defer rt.Close()
	task := script.Task{Op: "iteration", Run: func(*goja.Runtime) (goja.Value, error) {
		f, ok := goja.AssertFunction(rt.Export("default"))
		if !ok {
			return nil, errors.New("no default export")
		}
		return f(goja.Undefined())
	}}
	if it != nil {
		task.Value = it
	}
	var text string
	err = rt.Wait(task, func(v goja.Value) error {
		if p, ok := v.Export().(*goja.Promise); ok {
			v = p.Result()
		}
		text = v.String()
		return nil
	})
	return text, err
}

func TestInformation(t *testing.T) {
	it := &metrics.Iteration{Scenario: "chat", Index: 12, VU: 4, Tags: map[string]string{"rate": "2"}}
	all := `JSON.stringify([scenario.name, scenario.iteration, scenario.vu, scenario.tags])`
	for _, c := range []struct {
		name, source string
		it           *metrics.Iteration
		hooks        execution.Hooks
		want         string
	}{
		{"in an iteration", `export default () => ` + all, it, execution.Hooks{}, `["chat",12,4,{"rate":"2"}]`},
		{"after an await", `export default async () => { await Promise.resolve(); return ` + all + `; }`, it, execution.Hooks{}, `["chat",12,4,{"rate":"2"}]`},
		{"outside of iterations", `export default () => ` + all, nil, execution.Hooks{}, `[null,null,null,null]`},
		{"in init code", `const then = ` + all + `; export default () => then`, it, execution.Hooks{}, `[null,null,null,null]`},
		{"as a whole", `export default () => JSON.stringify(scenario)`, &metrics.Iteration{Scenario: "s"}, execution.Hooks{}, ``},
		{"the runtime", `export default () => runtime.id`, it, execution.Hooks{}, `3`},
		{"no simulator", `export default () => sim`, it, execution.Hooks{}, `null`},
		{"a simulator", `export default () => sim.url`, it, execution.Hooks{SimURL: "http://127.0.0.1:9"}, `http://127.0.0.1:9`},
		{"instances and SLOs", `export default () => JSON.stringify([run.instances, run.goodput])`, nil, execution.Hooks{Instances: 3, SLOs: metrics.SLOs{"ttft": 500}}, `[3,{"ttft":500}]`},
		{"one instance, no SLOs", `export default () => JSON.stringify([run.instances, run.goodput])`, nil, execution.Hooks{Instances: 1}, `[1,{}]`},
		{"the default export", `export default () => [exec.scenario === scenario, exec.run.abort === run.abort, exec.test.abort === test.abort, exec.runtime.id].join()`, it, execution.Hooks{}, `true,true,true,3`},
		{"tags are a copy", `export default () => { scenario.tags.rate = "9"; return scenario.tags.rate; }`, it, execution.Hooks{}, `2`},
	} {
		got, err := call(t, c.hooks, c.source, c.it)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.name == "as a whole" { // the order of the members is no matter
			for _, part := range []string{`"name":"s"`, `"iteration":0`, `"vu":0`, `"tags":{}`} {
				if !strings.Contains(got, part) {
					t.Errorf("%s: got %s, want %s in it", c.name, got, part)
				}
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAbort(t *testing.T) {
	for _, c := range []struct {
		source, reason, message string
	}{
		{`export default () => { run.abort("too slow"); }`, "too slow", "run aborted: too slow"},
		{`export default () => { test.abort(); }`, "run.abort() was called", "run aborted"},
		{`run.abort("in init"); export default () => {};`, "in init", "run aborted: in init"},
		{`export default async () => { await Promise.resolve(); run.abort("later"); }`, "later", "run aborted: later"},
	} {
		var reasons []string
		hooks := execution.Hooks{Abort: func(reason string) { reasons = append(reasons, reason) }}
		_, err := call(t, hooks, c.source, &metrics.Iteration{})
		if !errors.Is(err, execution.ErrAborted) || !strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), "test.ts:2:") {
			t.Errorf("%s: got error %v, want ErrAborted with %q and its place", c.source, err, c.message)
		}
		if !errors.Is(err, script.ErrInterrupted) {
			t.Errorf("%s: got error %v, which would count as a failure of the script", c.source, err)
		}
		if len(reasons) != 1 || reasons[0] != c.reason {
			t.Errorf("%s: the run was told %q, want %q once", c.source, reasons, c.reason)
		}
	}
	if _, err := call(t, execution.Hooks{}, `export default () => run.abort("x")`, nil); err == nil || errors.Is(err, execution.ErrAborted) {
		t.Errorf("without a run that can be ended: got %v", err)
	}
}
