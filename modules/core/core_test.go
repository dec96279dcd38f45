package core_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"weir/modules/core"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
)

// played is what came of a script's iterations.
type played struct {
	result  *result.Case
	err     error  // of init, or the last iteration's
	console string // what the script wrote
	tags    string // what probe() saw: "group=::a", one a line
	value   any    // what the last iteration returned
}

// buffer is a bytes.Buffer that several runtimes may write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// probe is a module that tells the tags of the iteration that calls it.
type probe struct{ seen *buffer }

func (p probe) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{"probe": func(name string) {
		tags := "no iteration"
		if it, ok := rt.Current().(*metrics.Iteration); ok {
			tags = "group=" + it.Tags["group"] + " case=" + it.Tags["case"]
		}
		p.seen.Write([]byte(name + ": " + tags + "\n"))
	}}, nil
}

// play runs the default export of a script n times, one after another.
func play(t *testing.T, source string, n int, args ...string) played {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.ts")
	source = `import { params, check, sleep, group, fail, randomSeeded, parseYAML } from "weir"; import { probe } from "probe";` + "\n" + source
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	console, seen := &buffer{}, &buffer{}
	s, err := script.Load(path, script.Config{
		Modules: map[string]script.Module{"weir": core.New(), "probe": probe{seen}},
		Args:    args,
		Console: console,
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		return played{err: err}
	}
	defer rt.Close()
	recorder := metrics.NewRecorder(metrics.Options{})
	var p played
	for i := range n {
		p.err = rt.Wait(script.Task{
			Op:    "iteration",
			Value: &metrics.Iteration{Recorder: recorder, Index: i, Tags: map[string]string{"case": "c"}},
			Run: func(vm *goja.Runtime) (goja.Value, error) {
				iterate, ok := goja.AssertFunction(rt.Export("default"))
				if !ok {
					return nil, errors.New("no default export")
				}
				return iterate(goja.Undefined())
			},
		}, func(v goja.Value) error { p.value = v.Export(); return nil })
	}
	p.console, p.tags = console.b.String(), seen.b.String()
	p.result = recorder.Finish(result.Counts{}, nil, metrics.Rules{})
	return p
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, source string
		n            int
		want         []result.Check
		value        any
		console      string // part of it; "" for none at all
	}{{
		name:   "all hold",
		source: `export default () => check(5, { positive: (v) => v > 0, constant: true });`,
		n:      3,
		want:   []result.Check{{Name: "positive", Passes: 3}, {Name: "constant", Passes: 3}},
		value:  true,
	}, {
		name:   "one fails, the others count all the same",
		source: `export default () => check(5, { negative: (v) => v < 0, odd: (v) => v % 2 === 1 });`,
		n:      2,
		want:   []result.Check{{Name: "negative", Fails: 2}, {Name: "odd", Passes: 2}},
		value:  false,
	}, {
		name:   "anything is true or false as in JavaScript",
		source: `export default () => check({}, { text: () => "", none: () => {}, one: () => 1, object: () => ({}) });`,
		n:      1,
		want:   []result.Check{{Name: "text", Fails: 1}, {Name: "none", Fails: 1}, {Name: "one", Passes: 1}, {Name: "object", Passes: 1}},
		value:  false,
	}, {
		name:    "a predicate that throws fails, and is reported once",
		source:  `export default () => check(null, { "has text": (v: any) => v.text !== "", after: true });`,
		n:       3,
		want:    []result.Check{{Name: "has text", Fails: 3}, {Name: "after", Passes: 3}},
		value:   false,
		console: `check "has text" failed with an exception (reported once)`,
	}, {
		name:   "after an await",
		source: `export default async () => { await sleep("1ms"); return check(1, { one: (v) => v === 1 }); }`,
		n:      2,
		want:   []result.Check{{Name: "one", Passes: 2}},
		value:  true,
	}, {
		name:   "no conditions",
		source: `export default () => check(1, {});`,
		n:      1,
		value:  true,
	}} {
		t.Run(c.name, func(t *testing.T) {
			got := play(t, c.source, c.n)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if p, ok := got.value.(*goja.Promise); ok {
				got.value = p.Result().Export()
			}
			if got.value != c.value {
				t.Errorf("check returned %v, want %v", got.value, c.value)
			}
			if !slices.Equal(got.result.Checks, c.want) {
				t.Errorf("counted %+v, want %+v", got.result.Checks, c.want)
			}
			switch {
			case c.console == "" && got.console != "":
				t.Errorf("unexpected output %q", got.console)
			case strings.Count(got.console, c.console) != 1 && c.console != "":
				t.Errorf("output %q, want %q once", got.console, c.console)
			case c.console != "" && !strings.Contains(got.console, "test.ts:2:"):
				t.Errorf("output %q does not name the place of the exception", got.console)
			}
		})
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{{
		"sync",
		`export default () => { probe("before"); group("a", () => probe("in")); probe("after"); }`,
		"before: group= case=c\nin: group=::a case=c\nafter: group= case=c\n",
	}, {
		"nested",
		`export default () => group("a", () => { group("b", () => probe("in")); probe("out"); });`,
		"in: group=::a::b case=c\nout: group=::a case=c\n",
	}, {
		"async",
		`export default async () => {
			const inside = group("a", async () => { await sleep("5ms"); probe("in"); });
			probe("meanwhile");
			await inside;
			probe("after");
		}`,
		"meanwhile: group= case=c\nin: group=::a case=c\nafter: group= case=c\n",
	}, {
		"after an exception",
		`export default () => { try { group("a", () => { throw new Error("x"); }); } catch { probe("caught"); } }`,
		"caught: group= case=c\n",
	}} {
		got := play(t, c.source, 1)
		if got.err != nil || got.tags != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got.tags, got.err, c.want)
		}
	}
	if got := play(t, `export default () => group("a", () => 42);`, 1); got.value != int64(42) {
		t.Errorf("group returned %v, %v, want what its function returns", got.value, got.err)
	}
}

// A sleep may take longer on a busy machine, but never less.
func TestSleep(t *testing.T) {
	for _, c := range []struct {
		time string
		want time.Duration
	}{{"0.02", 20 * time.Millisecond}, {`"20ms"`, 20 * time.Millisecond}, {"0", 0}} {
		begin := time.Now()
		got := play(t, `export default async () => { await sleep(`+c.time+`); }`, 1)
		if took := time.Since(begin); got.err != nil || took < c.want {
			t.Errorf("sleep(%s) took %v, %v, want at least %v", c.time, took, got.err, c.want)
		}
	}
}

func TestParams(t *testing.T) {
	got := play(t, `
		const p = params({ rate: { default: 1 }, name: { default: "x" } });
		export default () => p.name + p.rate;`, 1, "--rate", "7")
	if got.err != nil || got.value != "x7" {
		t.Errorf("got %v, %v, want x7", got.value, got.err)
	}
	got = play(t, `params({ rate: { default: 1 } }); export default () => {};`, 1, "--rate", "fast")
	var wrong *script.ParamError
	if !errors.As(got.err, &wrong) {
		t.Errorf("a wrong value: got %v, want a *script.ParamError", got.err)
	}
}

func TestRandomSeeded(t *testing.T) {
	got := play(t, `
		const take = (seed: number) => { const r = randomSeeded(seed); return [r(), r(), r(), r()]; };
		export default () => {
			const a = take(1), b = take(1), c = take(2);
			if (a.join() !== b.join()) fail("the same seed, other numbers");
			if (a.join() === c.join()) fail("another seed, the same numbers");
			if (new Set(a).size !== 4 || !a.every((x) => x >= 0 && x < 1)) fail("not random: " + a);
		}`, 1)
	if got.err != nil {
		t.Error(got.err)
	}
}

func TestParseYAML(t *testing.T) {
	got := play(t, `
		const { providers } = parseYAML("providers:\n- {name: one, port: 80}\n- name: two\n  __proto__: {x: 1}\n");
		export default () => JSON.stringify(providers) + providers[1].x;`, 1)
	if want := `[{"name":"one","port":80},{"name":"two","__proto__":{"x":1}}]undefined`; got.err != nil || got.value != want {
		t.Errorf("got %v, %v, want %v", got.value, got.err, want)
	}
}

// Faults name what was wrong and the script's own place: source line 2 is the
// first of the table's.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []string
	}{
		{`export default () => fail("not today");`, []string{"test.ts:2:", "Error: not today"}},
		{`export default () => fail();`, []string{"fail() was called"}},
		{`export default async () => { await sleep(0); fail("later"); }`, []string{"test.ts:2:", "later"}},
		{`export default () => group("a", () => fail("inside"));`, []string{"test.ts:2:", "inside"}},

		{`export default () => check(1);`, []string{"test.ts:2:", "check: the second argument is undefined", "object of conditions"}},
		{`export default () => check(1, { later: async () => true });`, []string{"a condition is a promise", "await it"}},
		{`export default () => check(1, { later: Promise.resolve(true) });`, []string{"a condition is a promise"}},
		{`check(1, { a: true }); export default () => {};`, []string{"test.ts:2:", "check: it cannot be used in init code"}},

		{`export default () => sleep(-1);`, []string{"test.ts:2:", "sleep: -1 is not a number of seconds"}},
		{`export default () => sleep(NaN);`, []string{"sleep: NaN is not a number of seconds"}},
		{`export default () => sleep(1e300);`, []string{"sleep: 1e+300 is not a number of seconds"}},
		{`export default () => sleep("5");`, []string{`sleep: "5" is not`, `"500ms"`}},
		{`export default () => sleep("soon");`, []string{`sleep: "soon" is not`}},
		{`export default () => sleep("-1s");`, []string{`sleep: "-1s" is not`}},
		{`export default () => sleep();`, []string{"sleep: undefined is not"}},
		{`sleep(1); export default () => {};`, []string{"sleep: it cannot be used in init code"}},

		{`export default () => group("a");`, []string{"test.ts:2:", `group: the second argument of group "a" is undefined, not a function`}},
		{`export default () => group("a::b", () => {});`, []string{"group: the name is a::b"}},
		{`export default () => group(5, () => {});`, []string{"group: the name is 5"}},
		{`group("a", () => {}); export default () => {};`, []string{"group: it cannot be used in init code"}},

		{`params(5); export default () => {};`, []string{"test.ts:2:", "params(spec): the spec is 5"}},
		{`export default () => params({ a: 1 });`, []string{"test.ts:2:", "init code"}},
		{`export default () => randomSeeded(0.5);`, []string{"randomSeeded: the seed is 0.5"}},
		{`export default () => parseYAML("a: 1\na: 2");`, []string{"test.ts:2:", `parseYAML: 2:1: mapping key "a" already defined`}},
		{`export default () => parseYAML();`, []string{"parseYAML: the argument is undefined, not a text"}},
	} {
		got := play(t, c.source, 1)
		if got.err == nil {
			t.Errorf("%s: no error", c.source)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(got.err.Error(), part) {
				t.Errorf("%s:\n got %v\nwant %s", c.source, got.err, part)
			}
		}
	}
}

// Ctrl-C in the middle: a sleep and an endless predicate end with the iteration,
// and are no failures of the script.
func TestInterrupted(t *testing.T) {
	for name, source := range map[string]string{
		"sleep":     `export default async () => { probe("go"); await sleep(3600); }`,
		"predicate": `export default () => check(1, { endless: () => { probe("go"); for (;;); } });`,
		"group":     `export default () => group("a", () => { probe("go"); for (;;); });`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.ts")
			source = `import { check, sleep, group } from "weir"; import { probe } from "probe";` + source
			if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
			began := make(signal)
			s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir": core.New(), "probe": began}})
			if err != nil {
				t.Fatal(err)
			}
			rt, err := s.NewRuntime(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer rt.Close()
			recorder := metrics.NewRecorder(metrics.Options{})
			ended := make(chan error, 1)
			ctx, cancel := context.WithCancel(t.Context())
			rt.Start(script.Task{
				Op:      "iteration",
				Context: ctx,
				Value:   &metrics.Iteration{Recorder: recorder},
				Run: func(*goja.Runtime) (goja.Value, error) {
					iterate, _ := goja.AssertFunction(rt.Export("default"))
					return iterate(goja.Undefined())
				},
				Done: func(_ goja.Value, err error) { ended <- err },
			})
			<-began
			cancel()
			if err := <-ended; !errors.Is(err, script.ErrInterrupted) {
				t.Errorf("ended with %v, want script.ErrInterrupted", err)
			}
			if checks := recorder.Finish(result.Counts{}, nil, metrics.Rules{}).Checks; len(checks) > 0 {
				t.Errorf("an interrupted predicate was counted: %+v", checks)
			}
		})
	}
}

// signal is a module whose probe() tells that the script has come that far.
type signal chan struct{}

func (s signal) Exports(*script.Runtime) (map[string]any, error) {
	return map[string]any{"probe": func(string) { close(s) }}, nil
}
