package dataset_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/dataset"
	"weir/modules/tokenizer"
	"weir/runtime/script"
)

type modules map[string]script.Module

func newModules(t *testing.T) modules {
	m := tokenizer.New()
	t.Cleanup(func() { m.Close() })
	return modules{"weir/tokenizer": m, "weir/dataset": dataset.New()}
}

// open runs a script's init code on a new runtime.
func (m modules) open(t *testing.T, source string) (rt *script.Runtime, console string, err error) {
	t.Helper()
	var out bytes.Buffer
	rt, err = m.load(t, source, &out).NewRuntime(context.Background(), 0)
	if err == nil {
		t.Cleanup(rt.Close)
	}
	return rt, out.String(), err
}

// load bundles a script.
func (m modules) load(t *testing.T, source string, console io.Writer) *script.Script {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load(path, script.Config{
		Modules:   m,
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   console,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const head = `import { Tokenizer } from "weir/tokenizer"; import { synthetic, Dataset } from "weir/dataset";
	const tokenizer = new Tokenizer("builtin"); const d = synthetic({ tokenizer, count: 5, input: 20, output: { mean: 30, std: 5, min: 28, max: 32 } });
	`

// A dataset is read like an array.
func TestInScripts(t *testing.T) {
	m := newModules(t)
	evaluate := func(expression, want string) {
		t.Helper()
		_, got, err := m.open(t, head+"console.log(JSON.stringify("+expression+"));")
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s prints %q, %v, want %s", expression, got, err, want)
		}
	}
	evaluate(`[d.length, d.inexact]`, "[5,0]")
	evaluate(`Object.keys(d[0])`, `["outputTokens","prompt","promptTokens"]`)
	evaluate(`[...d].map((item) => tokenizer.count(item.prompt))`, "[20,20,20,20,20]")
	evaluate(`[...d].every((item, i) => item.prompt === d[i].prompt && d.at(i).prompt === d[i].prompt)`, "true")
	evaluate(`[...d].every((item) => item.promptTokens === 20 && item.outputTokens >= 28 && item.outputTokens <= 32)`, "true")
	evaluate(`new Set([...d].map((item) => item.prompt)).size`, "5")
	evaluate(`(() => { let n = 0; for (const { promptTokens } of d) n += promptTokens; return n; })()`, "100")
	evaluate(`Array.from(d, (item) => item.promptTokens)`, "[20,20,20,20,20]")
	evaluate(`d.at(-1).prompt === d[4].prompt`, "true")
	evaluate(`[typeof d[5], typeof d[-1], typeof d.at(5), typeof d.at(-6), typeof d["x"], typeof d[1.5]]`, `["undefined","undefined","undefined","undefined","undefined","undefined"]`)
	evaluate(`d instanceof Dataset`, "true")

	options := func(o, expression, want string) {
		t.Helper()
		evaluate(`((d) => `+expression+`)(synthetic({ tokenizer, count: 3, input: 8, output: 4, `+o+` }))`, want)
	}
	options(`same: true`, `new Set([...d].map((item) => item.prompt)).size`, "1")
	options(`prefix: 4`, `[...d].every((item) => item.prompt.startsWith("HelloHelloHelloHello") && item.promptTokens === 8)`, "true")
	options(`prefix: { tokens: 4, groups: 1 }`, `((p) => [p.length, p[0].promptTokens, p[0].outputTokens, [...d].every((item) => item.prompt.startsWith(p[0].prompt))])(d.prefixes())`, "[1,4,4,true]")
	options(`seed: 1`, `d[0].prompt === synthetic({ tokenizer, count: 3, input: 8, output: 4 })[0].prompt`, "false")
	options(`seed: undefined, specialTokens: null`, `d.length`, "3")
	options(`input: { mean: 9 }`, `d[2].promptTokens`, "9")
}

func TestOptionErrors(t *testing.T) {
	m := newModules(t)
	fail := func(call, want string) {
		t.Helper()
		_, _, err := m.open(t, head+call+";")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "scenario.ts:3:") {
			t.Errorf("%s: error %v, want one with %q and its place", call, err, want)
		}
	}
	fail(`d.prefixes()`, "prefixes: the items have no groups")
	fail(`synthetic()`, "the options are undefined, not an object with tokenizer, count")
	fail(`synthetic({ count: 1, input: 1, output: 1 })`, "no tokenizer given")
	fail(`synthetic({ tokenizer: "builtin", count: 1, input: 1, output: 1 })`, "tokenizer is builtin, not a tokenizer")
	fail(`synthetic({ tokenizer: d, count: 1, input: 1, output: 1 })`, "not a tokenizer")
	fail(`synthetic({ tokenizer, input: 1, output: 1 })`, "count: 0 prompts is out of range")
	fail(`synthetic({ tokenizer, count: "5", input: 1, output: 1 })`, "count is 5, not a whole number")
	fail(`synthetic({ tokenizer, count: 1.5, input: 1, output: 1 })`, "count is 1.5, not a whole number")
	fail(`synthetic({ tokenizer, count: 1, output: 1 })`, "input is undefined, not a number of tokens or {mean, std, min, max}")
	fail(`synthetic({ tokenizer, count: 1, input: -4, output: 1 })`, "input: a length of -4 tokens")
	fail(`synthetic({ tokenizer, count: 1, input: NaN, output: 1 })`, "input is NaN, not a whole number")
	fail(`synthetic({ tokenizer, count: 1, input: { std: 4 }, output: 1 })`, "synthetic: input: mean is undefined")
	fail(`synthetic({ tokenizer, count: 1, input: { mean: 4, stddev: 1 }, output: 1 })`, `synthetic: input: there is no option "stddev"; there are mean, std, min, max`)
	fail(`synthetic({ tokenizer, count: 1, input: 4, output: 1, seed: -1 })`, "seed: -1 is negative")
	fail(`synthetic({ tokenizer, count: 1, input: 4, output: 1, same: 1 })`, "same is 1, not true or false")
	fail(`synthetic({ tokenizer, count: 1, input: 4, output: 1, prefix: 4 })`, "the least is 5")
	fail(`synthetic({ tokenizer, count: 1, input: 4, outputs: 1 })`, `there is no option "outputs"`)
	fail(`new Dataset()`, "Dataset")
}

// Init code runs in each runtime; equal options give them one dataset, which
// goes from one to another by reference.
func TestOneDatasetForAllRuntimes(t *testing.T) {
	m := newModules(t)
	var runtimes []*script.Runtime
	var datasets []any
	for range 2 {
		rt, _, err := m.open(t, head+`export default (data) => (data ?? d)[1].prompt; export const data = d;`)
		if err != nil {
			t.Fatal(err)
		}
		runtimes = append(runtimes, rt)
		if err := rt.Wait(script.Task{Op: "setup", Run: func(*goja.Runtime) (goja.Value, error) { return rt.Export("data"), nil }}, func(v goja.Value) error {
			detached, err := rt.Detach(v)
			datasets = append(datasets, detached)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if d, ok := datasets[0].(*dataset.Dataset); !ok || datasets[1] != any(d) {
		t.Fatalf("the runtimes have %v and %v, want one dataset", datasets[0], datasets[1])
	}

	plain, _, err := m.open(t, `export default (data) => data[1].prompt;`)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range append(runtimes, plain) {
		call := func(*goja.Runtime) (goja.Value, error) {
			prompt, _ := goja.AssertFunction(rt.Export("default"))
			return prompt(goja.Undefined(), rt.Attach(datasets[0]))
		}
		if err := rt.Wait(script.Task{Op: "iteration", Run: call}, func(v goja.Value) error {
			if want := at(datasets[0].(*dataset.Dataset), 1).Prompt; v.String() != want {
				t.Errorf("the prompt is %q, want %q", v, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// A dataset that is made after init code is not kept, nor is one of init code
// taken for it: what a sweep makes for one case goes with the case.
func TestDatasetsAfterInitAreNotKept(t *testing.T) {
	m := newModules(t)
	rt, _, err := m.open(t, head+`const options = { tokenizer, count: 5, input: 20, output: 4 };
		export const data = synthetic(options), again = synthetic(options); export default () => synthetic(options);`)
	if err != nil {
		t.Fatal(err)
	}
	detach := func(f func() (goja.Value, error)) *dataset.Dataset {
		t.Helper()
		var d *dataset.Dataset
		if err := rt.Wait(script.Task{Op: "setup", Run: func(*goja.Runtime) (goja.Value, error) { return f() }}, func(v goja.Value) error {
			detached, err := rt.Detach(v)
			d, _ = detached.(*dataset.Dataset)
			return err
		}); err != nil || d == nil {
			t.Fatal(d, err)
		}
		return d
	}
	exported := func(name string) *dataset.Dataset {
		return detach(func() (goja.Value, error) { return rt.Export(name), nil })
	}
	made := func() *dataset.Dataset {
		return detach(func() (goja.Value, error) {
			f, _ := goja.AssertFunction(rt.Export("default"))
			return f(goja.Undefined())
		})
	}
	kept, one, two := exported("data"), made(), made()
	if exported("again") != kept {
		t.Error("init code has two datasets of equal options, want one")
	}
	if one == kept || two == kept || one == two {
		t.Error("a dataset was kept that was made after init code")
	}
	if at(one, 4) != at(kept, 4) {
		t.Errorf("equal options give the items %v and %v", at(one, 4), at(kept, 4))
	}
}
