package result_test

import (
	"math"
	"testing"

	"weir/runtime/result"
)

func TestStats(t *testing.T) {
	m := &result.Metric{
		Kind: "distribution", N: 100, Avg: new(1.), Min: new(2.), Max: new(3.), P50: new(50.), P75: new(75.), P90: new(90.), P95: new(95.), P99: new(99.), P999: new(99.9),
	}
	calculated := *m
	calculated.Quantile = func(p float64) float64 { return 1000 * p }
	f := func(name string, want float64, ok bool, of *result.Metric, supported bool) {
		t.Helper()
		s, err := result.ParseStat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, is := s.Of(of); got != want || is != ok {
			t.Errorf("%s is %v, %v; want %v, %v", name, got, is, want, ok)
		}
		if of != nil && s.Supported(of) != supported {
			t.Errorf("%s supported: %v", name, !supported)
		}
	}
	f("avg", 1, true, m, true)
	f("min", 2, true, m, true)
	f("max", 3, true, m, true)
	f("count", 100, true, m, true)
	f("med", 50, true, m, true)
	f("p(50)", 50, true, m, true)
	f("p( 90 )", 90, true, m, true)
	f("p(95)", 95, true, m, false)
	f("p(99.9)", 99.9, true, m, false)
	f("p(0)", 2, true, m, true)
	f("p(100)", 3, true, m, true)
	f("p(97)", 0, false, m, false)
	f("p(97)", 97_000, true, &calculated, false)
	f("p(99)", 99, true, &calculated, false)
	f("avg", 0, false, nil, true)
	f("avg", 0, false, &result.Metric{Kind: "counter", N: 3}, true)
	f("p(97)", 0, false, &result.Metric{Kind: "distribution", Quantile: func(float64) float64 { return math.NaN() }}, false)
	f("p(97)", 0, false, &result.Metric{Kind: "distribution", N: 3, Quantile: func(float64) float64 { return math.NaN() }}, false)

	for _, wrong := range []string{"", "mean", "p99", "p()", "p(101)", "p(-1)", "p(NaN)", "p(99", "avg(1)"} {
		if s, err := result.ParseStat(wrong); err == nil {
			t.Errorf("%q is %+v, want an error", wrong, s)
		}
	}
	all, err := result.ParseStats("avg,p(50)", "max")
	if err != nil || len(all) != 3 || all[1].P != 50 || all[2].Name != "max" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := result.ParseStats("avg,,max"); err == nil {
		t.Error("a list with a hole in it was read")
	}
}

func FuzzParseStat(f *testing.F) {
	for _, s := range []string{"avg", "med", "p(99.9)", "p(1e1)", "p(0x1p3)", "p(", ")"} {
		f.Add(s)
	}
	m := &result.Metric{Kind: "distribution", N: 2, Quantile: func(p float64) float64 { return p }}
	f.Fuzz(func(t *testing.T, name string) {
		s, err := result.ParseStat(name)
		if err != nil {
			return
		}
		if s.P < 0 || s.P > 100 || math.IsNaN(s.P) {
			t.Errorf("%q is the percentile %v", name, s.P)
		}
		s.Of(m)
		s.Supported(m)
	})
}
