package custommetrics_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dop251/goja"

	custommetrics "weir/modules/metrics"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
)

// play evaluates a script on several runtimes and runs its default export once
// on each; it returns the case and the first error.
func play(t *testing.T, source string, runtimes int) (*custommetrics.Module, *result.Case, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.ts")
	source = `import { Trend, Counter, Gauge, Rate } from "weir/metrics";` + "\n" + source
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	module := custommetrics.New()
	s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir/metrics": module}})
	if err != nil {
		t.Fatal(err)
	}
	recorder := metrics.NewRecorder(metrics.Options{})
	for id := range runtimes {
		rt, err := s.NewRuntime(t.Context(), id)
		if err != nil {
			return module, nil, err
		}
		defer rt.Close()
		call := func(name string, value any) error {
			f, ok := goja.AssertFunction(rt.Export(name))
			if !ok {
				return nil
			}
			return rt.Wait(script.Task{Op: name, Value: value, Run: func(*goja.Runtime) (goja.Value, error) {
				return f(goja.Undefined())
			}}, nil)
		}
		err = errors.Join(call("setup", nil), call("default", &metrics.Iteration{Recorder: recorder, Index: id}))
		if err != nil {
			return module, nil, err
		}
	}
	return module, recorder.Finish(result.Counts{}, nil, metrics.Rules{}), nil
}

func TestMetrics(t *testing.T) {
	module, c, err := play(t, `
		const latency = new Trend("latency", true);
		const size = new Trend("size", "bytes");
		const plain = new Trend("plain", false);
		const errors = new Counter("errors");
		const depth = new Gauge("depth");
		const good = new Rate("good");
		export default async function () {
			for (const v of [10, 20, 30, 40]) latency.add(v);
			await Promise.resolve();
			size.add(1.5, { step: "one" });
			plain.add(-1);
			errors.add(2); errors.add(true); errors.add(false);
			depth.add(7); depth.add(3);
			good.add(true); good.add(0); good.add(false); good.add(5);
			if (latency.name !== "latency") throw new Error("name is " + latency.name);
		}`, 2) // two runtimes: two iterations
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		kind, unit string
		n          int64
		value      func(*result.Metric) *float64
		is         float64
	}{
		"latency": {"distribution", "ms", 8, func(m *result.Metric) *float64 { return m.Avg }, 25},
		"size":    {"distribution", "bytes", 2, func(m *result.Metric) *float64 { return m.Max }, 1.5},
		"plain":   {"distribution", "", 2, func(m *result.Metric) *float64 { return m.P50 }, -1},
		"errors":  {"counter", "", 6, func(m *result.Metric) *float64 { return m.Sum }, 6},
		"depth":   {"gauge", "", 4, func(m *result.Metric) *float64 { return m.Value }, 3},
		"good":    {"rate", "", 8, func(m *result.Metric) *float64 { return m.Rate }, 0.5},
	} {
		m := c.Metrics[name]
		if m == nil {
			t.Errorf("%s is not in the result", name)
			continue
		}
		got := want.value(m)
		if m.Kind != want.kind || m.Unit != want.unit || m.N != want.n || got == nil || *got != want.is {
			t.Errorf("%s: got %+v (value %v), want %+v", name, m, got, want)
		}
	}
	kinds := map[string]metrics.CustomKind{
		"latency": metrics.Trend, "size": metrics.Trend, "plain": metrics.Trend,
		"errors": metrics.Counter, "depth": metrics.Gauge, "good": metrics.Rate,
	}
	if got := module.Kinds(); !reflect.DeepEqual(got, kinds) {
		t.Errorf("Kinds: got %v, want %v", got, kinds)
	}
}

func TestEqualDeclarations(t *testing.T) {
	_, c, err := play(t, `
		const a = new Counter("n"), b = new Counter("n");
		export default () => { a.add(1); b.add(1); }`, 1)
	if err != nil || *c.Metrics["n"].Sum != 2 {
		t.Errorf("two declarations of one metric: %v", err)
	}
}

// Source line 2 is the first of the table's.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []string
	}{
		{`new Trend();`, []string{"test.ts:2:", "new Trend: the name is undefined, not a string"}},
		{`new Trend("no blanks");`, []string{"test.ts:2:", `new Trend: metric "no blanks"`, "letters, digits and _"}},
		{`new Trend("");`, []string{`metric ""`}},
		{`new Rate("ttft");`, []string{`new Rate: metric "ttft"`, "choose another name"}},
		{`new Counter("checks");`, []string{`metric "checks"`, "choose another name"}},
		{`new Counter("a"); new Gauge("a");`, []string{"test.ts:2:", "it is a Counter already and cannot also be a Gauge"}},
		{`new Trend("a", true); new Trend("a");`, []string{`it has the unit "ms" already, not ""`}},
		{`new Trend("a", 5);`, []string{"the second argument is 5, not a unit"}},
		{`export default () => { new Trend("late"); }`, []string{"test.ts:2:", `metric "late": metrics are made in init code`}},
		{`new Counter("a").add(1);`, []string{"test.ts:2:", `add to metric "a": no iteration runs`}},
		{`const a = new Counter("a"); export function setup() { a.add(1); } export default () => {};`, []string{"no iteration runs", "no case"}},

		{`const a = new Trend("a"); export default () => a.add(NaN);`, []string{"test.ts:2:", `add to metric "a": the value is NaN, not a finite number`}},
		{`const a = new Trend("a"); export default () => a.add(1 / 0);`, []string{"the value is Infinity, not a finite number"}},
		{`const a = new Trend("a"); export default () => a.add("5");`, []string{"the value is 5, not a finite number"}},
		{`const a = new Trend("a"); export default () => a.add();`, []string{"the value is undefined"}},
		{`const a = new Gauge("a"); export default () => a.add(null);`, []string{"the value is null"}},
		{`const a = new Trend("a"); export default () => a.add(true);`, []string{"the value is true, not a finite number"}},
		{`const a = new Trend("a"); export default () => a.add(1, "tag");`, []string{`add to metric "a": the tags are not an object`}},
	} {
		_, _, err := play(t, c.source, 1)
		if err == nil {
			t.Errorf("%s: no error", c.source)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s:\n got %v\nwant %s", c.source, err, part)
			}
		}
	}
}
