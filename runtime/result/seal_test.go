package result_test

import (
	"encoding/json"
	"math"
	"testing"

	"weir/runtime/result"
)

// A result is known by its seal after it was written and read, and no longer when anything
// that repeats the run was changed.
func TestSeal(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	f := func(name string, change func(r *result.Result), want bool) {
		t.Helper()
		r := &result.Result{
			Schema: result.Schema, Script: result.Script{Name: "x", Path: "x.ts", SHA256: "00"}, Command: []string{"weir", "run", "x.ts"}, Directory: "/w",
			Params:  map[string]any{"seed": int64(1)<<62 + 1, "rate": math.Inf(1), "share": 0.1, "list": []any{int64(1), "<two>"}, "none": nil},
			Written: []string{"t.csv"}, Environment: result.Environment{Hostname: "here"},
		}
		if err := r.SealWith(key); err != nil {
			t.Fatal(err)
		}
		text, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read := new(result.Result)
		if err := json.Unmarshal(text, read); err != nil {
			t.Fatal(err)
		}
		change(read)
		if got := read.SealedWith(key); got != want {
			t.Errorf("%s: sealed %t, want %t", name, got, want)
		}
	}
	f("as it was", func(*result.Result) {}, true)
	f("with more cases", func(r *result.Result) { r.Cases = append(r.Cases, &result.Case{Name: "one"}) }, true)
	f("another script", func(r *result.Result) { r.Script.Path = "builtin:static" }, false)
	f("another program", func(r *result.Result) { r.Script.SHA256 = "01" }, false)
	f("another value", func(r *result.Result) { r.Params["share"] = 0.2 }, false)
	f("a value more", func(r *result.Result) { r.Params["url"] = "http://a" }, false)
	f("a chosen value", func(r *result.Result) { r.Chosen = map[string]any{"seed": 1.0} }, false)
	f("another flag", func(r *result.Result) { r.Command = append(r.Command, "--allow-host=*") }, false)
	f("another folder", func(r *result.Result) { r.Directory = "/" }, false)
	f("nothing written", func(r *result.Result) { r.Written = nil }, false)
	f("another machine", func(r *result.Result) { r.Environment.Hostname = "there" }, false)
	f("no seal", func(r *result.Result) { r.Seal = "" }, false)
	f("half a seal", func(r *result.Result) { r.Seal = r.Seal[:10] }, false)
	f("no seal at all", func(r *result.Result) { r.Seal = "seal" }, false)
	if (&result.Result{}).SealedWith(key) {
		t.Error("an empty result is sealed")
	}
}
