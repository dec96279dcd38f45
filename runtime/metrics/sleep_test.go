package metrics_test

import (
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// What the script sleeps before its first request, and how long that waits for others'
// prefills, is in start_lag, but it is not the client that is late.
func TestSleepIsNotLate(t *testing.T) {
	const all = 900 * time.Millisecond
	for _, row := range []struct {
		slept, prefill time.Duration
		want           bool
	}{{0, 0, true}, {all, 0, false}, {time.Hour, 0, false}, {0, all, false}, {all / 2, all / 2, false}, {all / 10, all / 10, true}} {
		slept, want := row.slept, row.want
		r := metrics.NewRecorder(metrics.Options{})
		for range 200 {
			rec := metrics.NewRecord()
			rec.Kind = metrics.KindHTTP
			rec.Iteration = &metrics.Iteration{Recorder: r, Begun: new(atomic.Bool), Asleep: new(metrics.Sleep), Scheduled: time.Now().Add(-900 * time.Millisecond)}
			at := time.Now()
			rec.Iteration.Asleep.Add(at, at.Add(slept))
			r.Begin(rec)
			rec.Reused, rec.PrefillWait = true, row.prefill
			rec.End = rec.Started.Add(time.Second)
			r.Close(rec)
		}
		c := r.Finish(result.Counts{Scheduled: 200, Started: 200, Completed: 200}, nil, metrics.Rules{})
		if lag := c.Metrics["start_lag"]; lag == nil || lag.N != 200 || *lag.Min < 900 {
			t.Errorf("slept %v: start_lag %+v", slept, lag)
		}
		found := false
		for _, reason := range c.Validity.Reasons {
			found = found || reason.Rule == "start_lag"
		}
		if found != want {
			t.Errorf("slept %v, waited %v: judged late: %v, %+v", slept, row.prefill, found, c.Validity)
		}
	}
}
