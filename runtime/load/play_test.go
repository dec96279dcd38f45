//go:build !race

// The race detector of Go 1.26 now and then crashes the program when a synctest
// bubble ends thousands of goroutines; the executors are race-tested with real
// time through cmd.

package load

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Nothing is late in simulated time, where goroutines start at once; so this
// test hands over starts that are overdue already.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &play{
			iterations: t.Context(),
			iterate:    func(context.Context, Iteration) error { return nil },
			meter:      &meter{},
		}
		for overdue, want := range map[time.Duration]int64{
			0:             0,
			LateAfter:     0,
			LateAfter + 1: 1,
			time.Hour:     1,
		} {
			before := p.meter.late.Load()
			p.iteration(t.Context(), Iteration{Scheduled: time.Now().Add(-overdue)})
			if got := p.meter.late.Load() - before; got != want {
				t.Errorf("a start %v after its time: counted late %d times, want %d", overdue, got, want)
			}
		}
		if c := p.meter.counts(); c.Started != 4 || c.Completed != 4 {
			t.Errorf("late iterations run all the same: %+v", c)
		}
	})
}
