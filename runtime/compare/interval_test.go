package compare_test

import (
	"math"
	"testing"

	"weir/runtime/compare"
	"weir/runtime/result"
)

// uniforms are those of testdata/intervals.py.
func uniforms(seed uint64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		seed = (1103515245*seed + 12345) % (1 << 31)
		out[i] = float64(seed) / (1 << 31)
	}
	return out
}

func latencies(seed uint64, n int, factor float64) []float64 {
	u, out := uniforms(seed, 4*n), make([]float64, n)
	for i := range out {
		out[i] = factor * 100 * (0.6 + (u[4*i]+u[4*i+1]+u[4*i+2]+u[4*i+3])/5)
	}
	return out
}

func autoregressive(seed uint64, n int) []float64 {
	out, e := uniforms(seed, n), 0.0
	for i, u := range out {
		e = 0.7*e + (u - 0.5)
		out[i] = 100 + 10*e
	}
	return out
}

// withTTFT is a run whose requests have these times to the first token, one after
// another, and of which the first ones failed.
func withTTFT(ms []float64, failed int) *compare.Run {
	requests := make([]*result.Request, len(ms))
	at := int64(1e18)
	for i, v := range ms {
		us := int64(math.Round(v * 1000))
		requests[i] = &result.Request{Case: 1, Kind: "llm", Started: at, End: &us, TokenGaps: []int64{us}, OutputTokens: &result.TokenCount{N: 1, Source: "usage"}}
		if (i*7919)%len(ms) < failed { // all over the run
			requests[i].Error = &result.RequestError{Kind: "truncated"}
		}
		at += us * 1000
	}
	return runOf("one", requests)
}

// Intervals are those of textbooks where these have one: testdata/intervals.py works
// them out.
func TestIntervals(t *testing.T) {
	f := func(what, metric string, base, new []*compare.Run, change, low, high float64) {
		t.Helper()
		c, err := compare.Compare(base, new, compare.Options{Metrics: []string{metric}, Confidence: 0.95, Resamples: 5000})
		if err != nil {
			t.Fatal(err)
		}
		r := c.Cases[0].Rows[0]
		if r.Low == nil {
			t.Fatalf("%s: no interval: %s", what, r.Why)
		}
		t.Logf("%-20s %+.5f %+.5f %+.5f, want %+.5f %+.5f %+.5f", what, *r.Change, *r.Low, *r.High, change, low, high)
		// What the length of blocks and chance make of it: 15 % of the width.
		width := high - low
		if math.Abs(*r.Change-change) > 1e-4 || math.Abs(*r.Low-low) > 0.15*width || math.Abs(*r.High-high) > 0.15*width {
			t.Errorf("%s: %+.5f (%+.5f … %+.5f), want %+.5f (%+.5f … %+.5f)", what, *r.Change, *r.Low, *r.High, change, low, high)
		}
	}
	one := func(ms []float64, failed int) []*compare.Run { return []*compare.Run{withTTFT(ms, failed)} }
	runs := func(seed uint64, levels ...float64) (list []*compare.Run) {
		for i, level := range levels {
			list = append(list, withTTFT(latencies(seed+uint64(i), 200, level), 0))
		}
		return list
	}
	f("mean", "ttft.avg", one(latencies(1, 500, 1), 0), one(latencies(2, 400, 1.05), 0), 0.05512, 0.03845, 0.07206)
	f("median", "ttft.p50", one(latencies(1, 500, 1), 0), one(latencies(2, 400, 1.05), 0), 0.06034, 0.03345, 0.08793)
	f("share", "request_failed", one(latencies(1, 500, 1), 30), one(latencies(2, 400, 1), 56), 0.08, 0.03992, 0.12008)
	f("autoregressive mean", "ttft.avg", one(autoregressive(3, 4000), 0), one(autoregressive(4, 4000), 0), -0.00230, -0.00654, 0.00196)
	f("five runs", "ttft.avg", runs(10, 1, 1.08, 0.95, 1.03, 0.94), runs(20, 1.2, 1.11, 1.17, 1.25, 1.12), 0.17271, 0.09129, 0.26021)
}
