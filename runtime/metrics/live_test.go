package metrics_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// What streams is counted while it streams: all but the newest event, once in a quarter
// of a second; and in the end it is what is reported.
func TestLiveWhileAStreamRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{})
		rec := metrics.NewRecord()
		rec.Iteration = &metrics.Iteration{Recorder: r, Scheduled: time.Now()}
		time.Sleep(3 * time.Millisecond)
		r.Begin(rec)
		rec.Reused = true
		token := func(after time.Duration) {
			time.Sleep(after)
			rec.Token(wire.Arrival{At: time.Now(), Kernel: true, Lag: time.Millisecond}, 2)
			r.First(rec)
		}
		see := func(what string, want ...int64) {
			t.Helper()
			l := r.Live()
			got := []int64{int64(l.Open), l.Ended, l.TTFT.N, l.ITL.N, l.ReadLag.N, l.StartLag.N, l.Events, l.OpenTokens, l.OutputTokens, l.E2EL.N, l.TPOT.N}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: %v, want %v", what, got, want)
					return
				}
			}
		}
		see("waits", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		token(100 * time.Millisecond)
		see("one event, which may turn out to be shared", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		token(20 * time.Millisecond)
		see("the first one is known", 1, 0, 1, 0, 1, 1, 1, 2, 0, 0, 0)
		for range 12 {
			token(20 * time.Millisecond)
		}
		see("not yet due again", 1, 0, 1, 0, 1, 1, 1, 2, 0, 0, 0)
		token(20 * time.Millisecond)
		see("14 of 15 events", 1, 0, 1, 13, 14, 1, 14, 28, 0, 0, 0)
		token(20 * time.Millisecond)
		rec.Output = metrics.Count{N: 33, Source: metrics.CountUsage}
		r.Close(rec)
		see("ended", 0, 1, 1, 15, 16, 1, 16, 0, 33, 1, 1)

		l := r.Live()
		for _, row := range []struct {
			name string
			h    metrics.Histogram
			want float64
		}{{"ttft", l.TTFT, 100}, {"itl", l.ITL, 20}, {"e2el", l.E2EL, 400}, {"tpot", l.TPOT, 300. / 32}, {"start_lag", l.StartLag, 3}, {"read_lag", l.ReadLag, 1}} {
			if v, _ := row.h.Mean(); math.Abs(v-row.want) > 0.001 {
				t.Errorf("%s: mean %v, want %v", row.name, v, row.want)
			}
			if v, ok := row.h.Quantile(50); !ok || math.Abs(v-row.want) > row.want/8 {
				t.Errorf("%s: p50 %v, want about %v", row.name, v, row.want)
			}
		}
	})
}

// Events that were read together are one arrival, and what came with a later one has no
// ttft: as it is reported.
func TestLiveHasTheDefinitionsOfWhatIsReported(t *testing.T) {
	for name, q := range map[string]request{
		"together":        {events: []float64{10, 10, 30, 50}, reads: []uint64{1, 1, 2, 3}, spreads: []float64{0.1, 0.1, 0, 0}, end: 60},
		"read late":       {events: []float64{10, 20, 20, 50}, reads: []uint64{1, 2, 2, 3}, spreads: []float64{0, 5, 5, 0}, end: 60},
		"first read late": {events: []float64{10, 10, 20, 30}, reads: []uint64{1, 1, 2, 3}, spreads: []float64{5, 5, 0, 0}, end: 60},
		"one":             {events: []float64{10}, end: 60},
		"failed":          {events: []float64{10, 20}, end: 60, err: "truncated"},
		"no answer":       {end: 60, err: "idle_timeout"},
		"pooling":         {kind: metrics.KindPooling, end: 60},
		"http":            {kind: metrics.KindHTTP, end: 60},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{})
			play(r, []request{q})
			l := r.Live()
			c := r.Finish(result.Counts{Started: 1}, nil, metrics.Rules{})
			n := func(metric string) int64 {
				if m := c.Metrics[metric]; m != nil {
					return m.N
				}
				return 0
			}
			for metric, h := range map[string]metrics.Histogram{"tpot": l.TPOT, "e2el": l.E2EL, "http_req_duration": l.HTTP} {
				if h.N != n(metric) {
					t.Errorf("%s: %d of %s, want %d", name, h.N, metric, n(metric))
				}
			}
			if q.err != "" {
				if l.Failed != 1 || len(l.Failures) != 1 || l.Failures[0] != (metrics.Failure{Kind: q.err, Count: 1}) {
					t.Errorf("%s: failures %+v", name, l.Failures)
				}
				return
			}
			if l.TTFT.N != n("ttft") || l.ITL.N != n("itl") || l.Shared != c.TokenEvents.Shared || l.ReadLate != c.TokenEvents.ReadLate {
				t.Errorf("%s: %d ttft, %d itl, %d shared, %d read late; want %d, %d, %+v", name, l.TTFT.N, l.ITL.N, l.Shared, l.ReadLate, n("ttft"), n("itl"), c.TokenEvents)
			}
		})
	}
}

func TestHistogram(t *testing.T) {
	bounds := metrics.Histogram{}.Bounds()
	for i, b := range bounds {
		if i > 0 && (b <= bounds[i-1] || b > 1.126*bounds[i-1]) {
			t.Errorf("bound %d is %v ms, after %v", i, b, bounds[i-1])
		}
	}
	if first, last := bounds[0], bounds[len(bounds)-1]; first != 0.008192 || last < 3600_000 {
		t.Errorf("bounds from %v to %v ms", first, last)
	}

	if v, ok := (metrics.Histogram{}).Quantile(50); ok {
		t.Errorf("a quantile of nothing: %v", v)
	}
	if v, ok := (metrics.Histogram{}).Mean(); ok {
		t.Errorf("a mean of nothing: %v", v)
	}

	// of builds the histogram of e2el, the request's only latency here.
	of := func(latencies ...time.Duration) (before, after metrics.Histogram) {
		r := metrics.NewRecorder(metrics.Options{})
		for i, d := range latencies {
			rec := metrics.NewRecord()
			rec.Kind = metrics.KindPooling
			rec.Started = time.Now()
			rec.End = rec.Started.Add(d)
			r.Close(rec)
			if i == len(latencies)/2 {
				before = r.Live().E2EL
			}
		}
		return before, r.Live().E2EL
	}
	f := func(d time.Duration) {
		t.Helper()
		_, h := of(d)
		i := 0
		for i < len(bounds) && bounds[i] <= float64(d)/1e6 {
			i++
		}
		if h.N != 1 || h.Counts[i] != 1 {
			t.Errorf("%v is not in bucket %d", d, i)
		}
	}
	f(0)
	f(-time.Second) // a clock that was set back
	f(8191)
	f(8192)
	f(8193)
	f(time.Millisecond)
	f(1 << 20)
	f(1<<20 - 1)
	f(time.Hour)
	f(1<<43 - 1)
	f(1 << 43)
	f(math.MaxInt64 / 2)

	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	before, h := of(all...)
	for _, p := range []float64{1, 10, 50, 90, 99, 100} {
		if v, ok := h.Quantile(p); !ok || math.Abs(v-10*p) > 0.04*10*p+1 {
			t.Errorf("p%g of 1…1000 ms is %v", p, v)
		}
	}
	late := h.Sub(before)
	if v, _ := late.Quantile(50); late.N != 499 || math.Abs(v-750) > 30 {
		t.Errorf("the second half: %d samples, p50 %v", late.N, v)
	}
	if before.N != 501 {
		t.Errorf("an earlier look has changed: %d samples", before.N)
	}
	if same := h.Sub(metrics.Histogram{}); same.N != h.N {
		t.Errorf("without anything before: %d samples", same.N)
	}
	if v, ok := h.Sub(h).Quantile(50); ok {
		t.Errorf("a quantile of nothing new: %v", v)
	}
}
