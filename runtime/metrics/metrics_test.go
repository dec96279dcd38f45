package metrics_test

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// request is the life of a request in a test; all times are milliseconds since
// the case's start.
type request struct {
	kind      metrics.Kind
	start     float64
	head      float64
	events    []float64
	reads     []uint64  // that brought them; none: each its own
	spreads   []float64 // within which a read's data may have come, ms; none: nobody knows
	lags      []float64 // of the reads; none: 0
	user      bool      // the kernel gave no stamps
	output    float64   // first event that is not reasoning; 0: the first event
	end       float64
	firstSeen float64 // when First is called; 0: at the first event
	closed    float64 // when Close is called; 0: at the end
	err       string  // error kind
	edit      func(*metrics.Record)
}

func duration(ms float64) time.Duration {
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}

// play lives through requests in the order of their times. It has to run in a
// synctest bubble, where its clock is exact.
func play(r *metrics.Recorder, requests []request) {
	base := time.Now()
	at := func(ms float64) time.Time { return base.Add(duration(ms)) }
	type action struct {
		at    float64
		order int // of actions at the same time
		do    func()
	}
	var actions []action
	for _, q := range requests {
		rec := metrics.NewRecord()
		rec.Kind = q.kind
		actions = append(actions, action{q.start, 0, func() { r.Begin(rec) }})
		if len(q.events) > 0 {
			actions = append(actions, action{max(q.firstSeen, q.events[0]), 1, func() {
				q.arrive(rec, at)
				r.First(rec)
			}})
		}
		actions = append(actions, action{max(q.closed, q.end, q.firstSeen), 2, func() {
			if q.head > 0 {
				rec.HeadAt = at(q.head)
			}
			rec.End = at(q.end)
			if q.err != "" {
				rec.Error = &metrics.Error{Kind: q.err, Message: q.err + " failed"}
			}
			if q.edit != nil {
				q.edit(rec)
			}
			r.Close(rec)
		}})
	}
	slices.SortStableFunc(actions, func(a, b action) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	for _, a := range actions {
		time.Sleep(time.Until(at(a.at)))
		a.do()
	}
}

// arrive appends the token events.
func (q request) arrive(rec *metrics.Record, at func(ms float64) time.Time) {
	for i, e := range q.events {
		a := wire.Arrival{At: at(e), Kernel: !q.user, Read: uint64(i + 1)}
		if q.reads != nil {
			a.Read = q.reads[i]
		}
		if q.lags != nil {
			a.Lag = duration(q.lags[i])
		}
		if q.spreads != nil {
			a.Spread = duration(q.spreads[i])
		}
		rec.Token(a, 0)
		if rec.FirstOutput == 0 && e >= q.output {
			rec.FirstOutput = i + 1
		}
	}
}

// finish plays requests and returns the case.
func finish(t *testing.T, counts result.Counts, requests []request) *result.Case {
	t.Helper()
	var c *result.Case
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{})
		play(r, requests)
		if open := r.Open(); open != 0 {
			t.Errorf("%d requests are still open", open)
		}
		c = r.Finish(counts, nil, metrics.Rules{})
	})
	return c
}

func usage(in, out int) func(*metrics.Record) {
	return func(rec *metrics.Record) {
		rec.Input = metrics.Count{N: in, Source: metrics.CountUsage}
		rec.Output = metrics.Count{N: out, Source: metrics.CountUsage}
	}
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// holds compares a distribution with n, avg, min, max, std and the percentiles
// 50, 75, 90, 95, 99 and 99.9.
func holds(t *testing.T, c *result.Case, name string, n int64, want ...float64) {
	t.Helper()
	m := c.Metrics[name]
	if m == nil {
		t.Errorf("%s: there is no such metric", name)
		return
	}
	if m.N != n {
		t.Errorf("%s: %d samples, want %d", name, m.N, n)
	}
	for i, got := range []*float64{m.Avg, m.Min, m.Max, m.Std, m.P50, m.P75, m.P90, m.P95, m.P99, m.P999} {
		if i < len(want) && (got == nil || !near(*got, want[i])) {
			what := [...]string{"avg", "min", "max", "std", "p50", "p75", "p90", "p95", "p99", "p999"}[i]
			t.Errorf("%s %s: %v, want %v", name, what, value(got), want[i])
		}
	}
}

func value(v *float64) any {
	if v == nil {
		return "none"
	}
	return *v
}

// record makes the record of a request at once, without its clock.
func record(q request) *metrics.Record {
	base := time.Now()
	at := func(ms float64) time.Time { return base.Add(duration(ms)) }
	rec := metrics.NewRecord()
	rec.Kind, rec.End = q.kind, at(q.end)
	rec.Started = at(q.start)
	q.arrive(rec, at)
	if q.err != "" {
		rec.Error = &metrics.Error{Kind: q.err, Message: q.err + " failed"}
	}
	if q.edit != nil {
		q.edit(rec)
	}
	return rec
}
