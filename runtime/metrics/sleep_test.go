package metrics_test

import (
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// What the script sleeps before its first request is in start_lag, but it is not
// the client that is late.
func TestSleepIsNotLate(t *testing.T) {
	for slept, want := range map[time.Duration]bool{0: true, 900 * time.Millisecond: false, time.Hour: false} {
		r := metrics.NewRecorder(metrics.Options{})
		for range 200 {
			rec := metrics.NewRecord()
			rec.Kind = metrics.KindHTTP
			rec.Iteration = &metrics.Iteration{Recorder: r, Begun: new(atomic.Bool), Asleep: new(metrics.Sleep), Scheduled: time.Now().Add(-900 * time.Millisecond)}
			at := time.Now()
			rec.Iteration.Asleep.Add(at, at.Add(slept))
			r.Begin(rec)
			rec.Reused = true
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
			t.Errorf("slept %v: judged late: %v, %+v", slept, found, c.Validity)
		}
	}
}
