package metrics_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// Many goroutines use one recorder for everything that it can do; nothing is lost.
func TestConcurrentUse(t *testing.T) {
	const workers, each, events = 16, 200, 20
	r := metrics.NewRecorder(metrics.Options{ExactLimit: 5000})
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				rec := metrics.NewRecord()
				if len(rec.Events) != 0 || rec.Error != nil || !rec.Started.IsZero() {
					t.Errorf("a record from the pool is not empty: %+v", rec)
				}
				r.Begin(rec)
				now := time.Now()
				for range events {
					rec.Token(wire.Arrival{At: now, Kernel: true, Lag: time.Millisecond}, 1)
					now = now.Add(time.Microsecond)
				}
				r.First(rec)
				if i%10 == 0 {
					rec.Error = &metrics.Error{Kind: "truncated", Message: "cut"}
				}
				rec.Output = metrics.Count{N: events, Source: metrics.CountUsage}
				r.Close(rec)
				r.Check("fine", i%2 == 0)
				r.IterationFailed("exception", "thrown")
				if err := errors.Join(r.Observe("sent", metrics.Counter, "", 1), r.Observe("wait", metrics.Trend, "ms", float64(worker))); err != nil {
					t.Error(err)
				}
				r.Live()
			}
		})
	}
	wg.Wait()
	if err := r.WaitClosed(t.Context()); err != nil {
		t.Error(err)
	}
	live := r.Live()
	if live.Ended != workers*each || live.Failed != workers*each/10 || live.OutputTokens != workers*each*events || live.Events != workers*each*events || live.OpenTokens != 0 {
		t.Errorf("live %+v, want %d requests of which a tenth has failed, with %d tokens each", live, workers*each, events)
	}
	if live.TTFT.N != workers*each || live.ITL.N != workers*each*(events-1) || live.E2EL.N != workers*each*9/10 {
		t.Errorf("live: %d ttft, %d itl, %d e2el", live.TTFT.N, live.ITL.N, live.E2EL.N)
	}
	c := r.Finish(result.Counts{Started: workers * each}, nil, metrics.Rules{})
	completed := int64(workers * each * 9 / 10)
	if c.Counts.Requests != workers*each || c.Metrics["ttft"].N != completed || c.Metrics["itl"].N != completed*(events-1) {
		t.Errorf("%d requests, %d ttft, %d itl; want %d, %d, %d", c.Counts.Requests, c.Metrics["ttft"].N, c.Metrics["itl"].N, workers*each, completed, completed*(events-1))
	}
	if c.Metrics["itl"].Estimator != "hdr" || c.Metrics["ttft"].Estimator != "exact" {
		t.Errorf("itl is %s and ttft %s, want hdr and exact", c.Metrics["itl"].Estimator, c.Metrics["ttft"].Estimator)
	}
	if *c.Metrics["sent"].Sum != workers*each || c.Checks[0] != (result.Check{Name: "fine", Passes: workers * each / 2, Fails: workers * each / 2}) {
		t.Errorf("sent %v, checks %+v", *c.Metrics["sent"].Sum, c.Checks)
	}
	for _, e := range c.Errors {
		if e.Scope == "iteration" && e.Count != workers*each {
			t.Errorf("%d iteration errors, want %d", e.Count, workers*each)
		}
	}
}

// In the steady state a request allocates nothing, however many events it has.
func TestNoAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("under -race, sync.Pool drops a part of what is put into it")
	}
	r := metrics.NewRecorder(metrics.Options{ExactLimit: 1000, KeptBytes: 1 << 20})
	request := func() {
		rec := metrics.NewRecord()
		r.Begin(rec)
		now := time.Now()
		for range 500 {
			rec.Token(wire.Arrival{At: now, Kernel: true, Lag: time.Millisecond}, 1)
			now = now.Add(time.Millisecond)
		}
		r.First(rec)
		rec.FirstOutput = 1
		r.Close(rec)
	}
	for range 2000 { // past the exact limit of each metric
		request()
	}
	if n := testing.AllocsPerRun(500, request); n > 0 {
		t.Errorf("%v allocations a request of 500 events, want 0", n)
	}
}

// Every record is shown before it goes back to the pool, whatever became of it.
func TestKeep(t *testing.T) {
	var mu sync.Mutex
	kept := map[string]int{}
	r := metrics.NewRecorder(metrics.Options{Keep: func(rec *metrics.Record) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case rec.Error != nil:
			kept[rec.Error.Kind]++
		case rec.Output == metrics.Count{N: 2, Source: metrics.CountEvents} && len(rec.Events) == 2 && !rec.End.IsZero():
			kept["whole"]++
		}
		return 0
	}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r.Close(record(request{events: []float64{1, 2}, end: 3}))
				r.Close(record(request{end: 3, err: "interrupted"}))
				r.Close(record(request{end: 3, err: "connect"}))
			}
		})
	}
	wg.Wait()
	if kept["whole"] != 400 || kept["interrupted"] != 400 || kept["connect"] != 400 {
		t.Errorf("kept %v, want 400 of each", kept)
	}
}

func TestWaitClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{})
		if err := r.WaitClosed(t.Context()); err != nil {
			t.Errorf("nothing is open: %v", err)
		}
		one, two := metrics.NewRecord(), metrics.NewRecord()
		r.Begin(one)
		r.Begin(two)
		r.Begin(two) // sent again
		if r.Open() != 2 {
			t.Errorf("%d open, want 2", r.Open())
		}
		go func() {
			time.Sleep(time.Second)
			r.Close(one)
			time.Sleep(time.Second)
			r.Close(two)
		}()
		start := time.Now()
		why := errors.New("tired")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, why)
		defer cancel()
		if err := r.WaitClosed(ctx); err != why {
			t.Errorf("%v, want the context's cause", err)
		}
		if err := r.WaitClosed(t.Context()); err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v, want nil after 2 s", err, time.Since(start))
		}
	})
}

func TestNilRecorder(t *testing.T) {
	var r *metrics.Recorder
	rec := metrics.NewRecord()
	r.Begin(rec)
	if rec.Started.IsZero() {
		t.Error("the record is not stamped")
	}
	r.First(rec)
	r.Close(rec)
	r.Check("x", true)
	r.IterationFailed("exception", "x")
	if err := r.Observe("x", metrics.Trend, "", 1); err != nil {
		t.Error(err)
	}
	if r.Open() != 0 || r.Live().Ended != 0 || r.WaitClosed(t.Context()) != nil {
		t.Error("a nil recorder has something open")
	}
	if w := r.Warmup(3); w.Iterations != 3 || w.Requests != 0 {
		t.Errorf("warm-up %+v", w)
	}
	if c := r.Finish(result.Counts{}, nil, metrics.Rules{}); c.Counts.Requests != 0 {
		t.Errorf("case %+v", c)
	}
}

func TestWarmup(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	r.Close(record(request{events: []float64{1}, end: 2}))
	r.Close(record(request{end: 2, err: "connect"}))
	r.Close(record(request{end: 2, err: "connect"}))
	w := r.Warmup(3)
	if w.Iterations != 3 || w.Requests != 3 || w.Failed != 2 || len(w.Errors) != 1 || w.Errors[0].Count != 2 {
		t.Errorf("%+v, want 3 requests, 2 of them failed for one reason", w)
	}
}

func TestObserveErrors(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	if err := r.Observe("wait", metrics.Trend, "ms", 1); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		kind metrics.CustomKind
		v    float64
		want string
	}{
		{"wait", metrics.Counter, 1, "it is a Trend and cannot also be a Counter"},
		{"ttft", metrics.Trend, 1, "weir measures a metric of this name itself"},
		{"wait", metrics.Trend, math.NaN(), "not a finite number"},
		{"wait", metrics.Trend, math.Inf(1), "not a finite number"},
		{"", metrics.Trend, 1, "a name is a letter"},
		{"1st", metrics.Trend, 1, "a name is a letter"},
		{"a-b", metrics.Trend, 1, "a name is a letter"},
		{strings.Repeat("a", 129), metrics.Trend, 1, "a name is a letter"},
		{"x", metrics.CustomKind(9), 1, "no kind CustomKind(9)"},
	} {
		err := r.Observe(row.name, row.kind, "", row.v)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %v %v: error %v, want one with %q", row.name, row.kind, row.v, err, row.want)
		}
	}
	if m := r.Finish(result.Counts{}, nil, metrics.Rules{}).Metrics["wait"]; m.N != 1 || !m.Custom || m.Unit != "ms" {
		t.Errorf("wait %+v, want the one sample that was right", m)
	}
}
