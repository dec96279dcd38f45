package prefix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
)

// play evaluates a script on two runtimes, as a run does, and plays an iteration on each.
func play(t *testing.T, source string) (*result.Case, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.ts")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	module := New()
	s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir/x/prefix": module}})
	if err != nil {
		t.Fatal(err)
	}
	recorder := metrics.NewRecorder(metrics.Options{})
	for id := range 2 {
		rt, err := s.NewRuntime(t.Context(), id)
		if err != nil {
			return nil, err
		}
		defer rt.Close()
		f, _ := goja.AssertFunction(rt.Export("default"))
		if err := rt.Wait(script.Task{
			Op: "default", Value: &metrics.Iteration{Recorder: recorder, Index: id},
			Run: func(*goja.Runtime) (goja.Value, error) { return f(goja.Undefined()) },
		}, nil); err != nil {
			return nil, errors.Join(err, module.Close())
		}
	}
	return recorder.Finish(result.Counts{}, nil, metrics.Rules{}), module.Close()
}

func TestPrefixCache(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.jsonl")
	source := `import { PrefixCache } from "weir/x/prefix";
		const cache = new PrefixCache({ blockTokens: 2, trace: "` + trace + `" });
		export default async function () {
			const found = await cache.add(new Uint32Array([1, 2, 3, 4, 5]));
			if (found.tokens !== 5 || cache.blockTokens !== 2) throw new Error(JSON.stringify(found));
		}`
	c, err := play(t, source)
	if err != nil {
		t.Fatal(err)
	}
	// The second runtime has the cache of the first.
	m := c.Metrics[hitShare]
	if m == nil || m.N != 2 || *m.Min != 0 || *m.Max != 0.8 {
		t.Errorf("metric: %+v", m)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[1], `{"block_size":2,"hash_ids":[0,1],"prompt_tokens":5,"timestamp_ms":`) {
		t.Errorf("trace:\n%s", text)
	}
	if _, err := play(t, source); err == nil || !strings.Contains(err.Error(), "writing the trace") {
		t.Errorf("a trace that is there: %v", err)
	}
}

func TestFaults(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		_, err := play(t, `import { PrefixCache } from "weir/x/prefix";`+source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", source, err, want)
		}
	}
	f(`new PrefixCache(5);`, "the options are 5, not an object")
	f(`new PrefixCache({ blockTokens: 0 });`, "a block has one token at least")
	f(`new PrefixCache({ blockTokens: "many" });`, "new PrefixCache: the options")
	f(`export default () => { new PrefixCache(); };`, "a cache is made in init code")
	f(`const c = new PrefixCache(); export default () => c.add("why?");`, "not a list of token ids")
	f(`const c = new PrefixCache(); export default () => c.add([]);`, "not a list of token ids")
}
