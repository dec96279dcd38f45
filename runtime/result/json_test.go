package result_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

func TestJSON(t *testing.T) {
	data, err := resulttest.Troubled().Encode()
	if err != nil {
		t.Fatal(err)
	}
	resulttest.Golden(t, "result.json", string(data))
}

// Nothing that a script or a calculation comes up with makes the file invalid.
func TestJSONHasNoNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	c := &result.Case{
		Name: "odd <&>", Duration: nan,
		Tags:       map[string]any{"rate": inf, "list": []any{1.5, nan}, "floats": []float64{math.Inf(-1)}, "deep": map[string]any{"x": nan}, "f": func() {}},
		Metrics:    map[string]*result.Metric{"m": {Kind: "distribution", N: 3, Avg: &nan, Max: &inf, Min: new(1.0)}},
		Throughput: result.Throughput{Requests: inf, OutputTokens: nan},
		Thresholds: []result.Threshold{{Metric: "m", Expr: "avg<1", Value: &nan}},
		Warmup:     &result.Warmup{Iterations: 1},
	}
	r := &result.Result{Params: map[string]any{"rates": []any{1.0, inf}}}
	r.Add(c)
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Params map[string]any
		Cases  []struct {
			Name     string
			Duration *float64 `json:"duration_s"`
			Tags     map[string]any
			Metrics  map[string]map[string]any
			Errors   []any
			Validity struct{ Reasons []any }
		}
	}
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	got := back.Cases[0]
	if got.Tags["rate"] != "Infinity" || got.Tags["list"].([]any)[1] != "NaN" || got.Tags["floats"].([]any)[0] != "-Infinity" || got.Tags["f"] != "(func)" {
		t.Errorf("tags %v, want the names of the numbers", got.Tags)
	}
	if back.Params["rates"].([]any)[1] != "Infinity" {
		t.Errorf("params %v", back.Params)
	}
	if m := got.Metrics["m"]; m["avg"] != nil || m["max"] != nil || m["min"] != 1.0 {
		t.Errorf("metric %v, want min alone", m)
	}
	if got.Errors == nil || got.Validity.Reasons == nil {
		t.Error("an empty list is written as null")
	}
	if !strings.Contains(string(data), "odd <&>") {
		t.Error("the name is escaped for HTML")
	}
	if !math.IsInf(c.Tags["rate"].(float64), 1) {
		t.Error("writing has changed the case")
	}
}

func TestVerdictOfARun(t *testing.T) {
	r := &result.Result{}
	for _, row := range []struct{ add, want result.Verdict }{
		{result.Valid, result.Valid}, {result.Suspect, result.Suspect}, {result.Valid, result.Suspect},
		{result.Invalid, result.Invalid}, {result.Suspect, result.Invalid},
	} {
		r.Add(&result.Case{Validity: result.Validity{Verdict: row.add}})
		if r.Verdict != row.want {
			t.Errorf("after a case that is %s: %s, want %s", row.add, r.Verdict, row.want)
		}
	}
}
