package metrics_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/wire"
)

var long = flag.Bool("long", false, "also run the tests of full size")

// onProcessors runs f with as many processors, by which recorders choose how many
// shards they have.
func onProcessors(n int, f func()) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	f()
}

// What comes out does not depend on how many shards and goroutines took part,
// nor on the order: neither of exact metrics nor of those past the exact limit.
func TestShardsMergeExactly(t *testing.T) {
	base := time.Now()
	const requests = 9000
	play := func(r *metrics.Recorder, n int) {
		rng := rand.New(rand.NewPCG(uint64(n), 7))
		q := request{start: float64(n), user: n%7 == 0, err: []string{"", "", "", "", "truncated", "interrupted", "", "", "", ""}[n%10]}
		q.kind = metrics.Kind(n / 3 % 2)
		for at, i := q.start+rng.ExpFloat64()*50, 0; i < 1+n%20; i++ {
			q.events = append(q.events, at)
			q.reads = append(q.reads, uint64(1+i-i%(1+n%3)))
			q.lags = append(q.lags, rng.ExpFloat64())
			if (i+1)%(1+n%3) == 0 {
				at += rng.ExpFloat64() * 20
			}
		}
		q.end = q.start + 1000*rng.Float64()
		q.edit = asked(100, 90+n%40, 20, 1+n%20, metrics.CountUsage)
		rec := record(q)
		rec.Started, rec.End = base.Add(duration(q.start)), base.Add(duration(q.end))
		r.Close(rec)
	}
	var want, got *result.Case
	onProcessors(1, func() {
		r := metrics.NewRecorder(metrics.Options{ExactLimit: 6000})
		for n := range requests {
			play(r, n)
		}
		want = r.Finish(result.Counts{}, nil, metrics.Rules{})
	})
	onProcessors(8, func() {
		r := metrics.NewRecorder(metrics.Options{ExactLimit: 6000})
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for n := requests - 1 - worker; n >= 0; n -= 16 {
					play(r, n)
				}
			})
		}
		wg.Wait()
		got = r.Finish(result.Counts{}, nil, metrics.Rules{})
	})
	estimators := map[string]int{}
	for name, w := range want.Metrics {
		g := got.Metrics[name]
		if g == nil || g.N != w.N || g.Estimator != w.Estimator {
			t.Fatalf("%s: %+v, want %+v", name, g, w)
		}
		if w.Kind != "distribution" {
			continue
		}
		estimators[w.Estimator]++
		if !near(*g.Avg, *w.Avg) || !near(*g.Std, *w.Std) || *g.Min != *w.Min || *g.Max != *w.Max {
			t.Errorf("%s: %v ± %v from %v to %v, want %v ± %v from %v to %v", name, *g.Avg, *g.Std, *g.Min, *g.Max, *w.Avg, *w.Std, *w.Min, *w.Max)
		}
		for p := 0.0; p <= 100; p += 0.9 {
			if g.Quantile(p) != w.Quantile(p) {
				t.Errorf("%s: percentile %.1f is %v, want %v", name, p, g.Quantile(p), w.Quantile(p))
				break
			}
		}
	}
	if len(got.Metrics) != len(want.Metrics) || estimators["exact"] == 0 || estimators["hdr"] == 0 {
		t.Errorf("%d metrics, want %d; by estimator %v, want some of both", len(got.Metrics), len(want.Metrics), estimators)
	}
	if got.Counts != want.Counts || got.Throughput != want.Throughput || got.TokenEvents != want.TokenEvents || got.Duration != want.Duration {
		t.Errorf("%+v %+v %+v, want %+v %+v %+v", got.Counts, got.Throughput, got.TokenEvents, want.Counts, want.Throughput, want.TokenEvents)
	}
	if len(got.Validity.Reasons) != len(want.Validity.Reasons) {
		t.Errorf("%v, want %v", got.Validity, want.Validity)
	}
	for i, reason := range want.Validity.Reasons {
		if got.Validity.Reasons[i].Rule != reason.Rule {
			t.Errorf("reason %v, want %v", got.Validity.Reasons[i], reason)
		}
	}
}

// traffic plays requests, of which inFlight overlap at a time.
func traffic(r *metrics.Recorder, requests, events, inFlight int) {
	open := make([]*metrics.Record, inFlight)
	for n := range requests + inFlight {
		at := &open[n%inFlight]
		if rec := *at; rec != nil {
			rec.Sent, rec.HeadAt = rec.Started, time.Now()
			for i := range events {
				rec.Token(wire.Arrival{At: rec.HeadAt.Add(time.Duration(i*i) * time.Nanosecond), Kernel: true, Lag: 50 * time.Microsecond, Read: uint64(i + 1)}, 1)
			}
			rec.FirstOutput = 1
			r.First(rec)
			rec.Output = metrics.Count{N: events, Source: metrics.CountUsage}
			rec.Input = metrics.Count{N: 100, Source: metrics.CountUsage}
			r.Close(rec)
			*at = nil
		}
		if n < requests {
			*at = metrics.NewRecord()
			r.Begin(*at)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The recorder's memory does not grow with the length of a run. The first part
// is past the exact limit, as the first minute of a long run is.
func TestMemoryIsBounded(t *testing.T) {
	if race.Enabled {
		t.Skip("under -race, the heap holds more than the program's own")
	}
	limit, requests, events, parts := 60_000, 51_000, 4, 4
	if *long {
		limit, requests, events, parts = metrics.DefaultExactLimit, 51_000, 200, 10 // 34 minutes at 50,000 events a second
	}
	r := metrics.NewRecorder(metrics.Options{ExactLimit: limit})
	traffic(r, requests, events, 1) // so that no prefill touches another
	before := heap()
	began := time.Now()
	for range parts - 1 {
		traffic(r, requests, events, 1)
	}
	after := heap()
	took := time.Since(began)
	t.Logf("%.2f MB after the first part, %.2f MB after all %d: %d events, %v each", float64(before)/1e6, float64(after)/1e6, parts,
		parts*requests*events, took/time.Duration((parts-1)*requests*events))
	if float64(after) > 1.05*float64(before) {
		t.Errorf("%d bytes after the first part and %d at the end, want less than 5%% more", before, after)
	}
	c := r.Finish(result.Counts{}, nil, metrics.Rules{})
	if n := int64(parts * requests); c.Metrics["ttft"].N != n || c.Metrics["itl"].N != n*int64(events-1) || c.Metrics["itl"].Estimator != "hdr" {
		t.Errorf("ttft %d, itl %d (%s)", c.Metrics["ttft"].N, c.Metrics["itl"].N, c.Metrics["itl"].Estimator)
	}
}

// In a case in which no metric passes the limit, all are exact; where one does,
// only those of few samples are.
func TestLongCase(t *testing.T) {
	for _, row := range []struct {
		requests, events int
		itl, ttft        string
	}{
		{50_001, 2, "exact", "exact"}, // 50,001 gaps
		{50_000, 4, "hdr", "exact"},   // 150,000
		{50_001, 4, "hdr", "hdr"},     //
		{70_001, 1, "", "hdr"},        // no gaps
		{70_000, 2, "exact", "exact"}, // just the limit
	} {
		r := metrics.NewRecorder(metrics.Options{ExactLimit: 70_000})
		for range row.requests {
			q := request{}
			for i := range row.events {
				q.events = append(q.events, float64(i+1))
			}
			q.user, q.end = true, 10
			r.Close(record(q))
		}
		c := r.Finish(result.Counts{}, nil, metrics.Rules{})
		if got := c.Metrics["ttft"].Estimator; got != row.ttft {
			t.Errorf("%d requests of %d events: ttft is %s, want %s", row.requests, row.events, got, row.ttft)
		}
		if m := c.Metrics["itl"]; m != nil && m.Estimator != row.itl {
			t.Errorf("%d requests of %d events: itl is %s, want %s", row.requests, row.events, m.Estimator, row.itl)
		}
	}
}

// One request of 200 token events, from its start to its end.
func BenchmarkRequest(b *testing.B) {
	for name, kept := range map[string]int64{"plain": 0, "kept": metrics.KeptBytes} {
		b.Run(name, func(b *testing.B) {
			r := metrics.NewRecorder(metrics.Options{ExactLimit: 10_000, KeptBytes: kept})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					traffic(r, 1, 200, 1)
				}
			})
		})
	}
}
