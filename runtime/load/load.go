// Package load decides when iterations start: it plays a [Profile] by calling
// a function, once for every iteration, from as many goroutines as iterations
// run at the same time.
//
// A profile names an executor. [New] checks the profile, [Executor.Run] plays
// it, and [Executor.Progress] tells how far it is. Each executor has a file of
// its own; what they share (may another iteration start? has this one failed or
// was it cut off?) is in play.go, and the schedules are in arrivals.go.
//
// The names and rules of shared-iterations, per-vu-iterations, constant-vus,
// maxDuration, gracefulStop and dropped iterations are those of k6's documentation
// (https://grafana.com/docs/k6/latest/using-k6/scenarios/).
//
// All waiting is done with package time and contexts, so that testing/synctest
// plays hours of load in milliseconds. The package knows nothing of JavaScript,
// requests or metrics: a warm-up is a Run of its own, and so is each of several
// concurrent scenarios.
package load

import (
	"context"
	"errors"
	"time"
)

// ErrInterrupted is what an Iterate function returns, possibly wrapped, for an
// iteration that was cut off before its end. It is also the cause
// (context.Cause) of the iterations' context when the graceful stop has run out.
var ErrInterrupted = errors.New("iteration interrupted")

// LateAfter is how long after its scheduled time an iteration may start before
// it is counted as late.
const LateAfter = 10 * time.Millisecond

// Iteration identifies one start.
type Iteration struct {
	Index         int       // number of the iteration in the case, from 0, without gaps
	VU            int       // number of the virtual user, from 0; one VU runs one iteration at a time
	IterationInVU int       // number of the iteration in its VU, from 0
	Scheduled     time.Time // when it was to start; without a schedule, when it did start
}

// Iterate runs one iteration and returns when it has ended: nil, an error when
// it failed, or an error that matches ErrInterrupted when it was cut off. It is
// called from many goroutines. When ctx ends, it should return soon; any error
// that it returns after that counts as an interruption, not as a failure.
type Iterate func(ctx context.Context, it Iteration) error

// Counts are numbers of iterations.
//
// At the end Started = Completed + Failed + Interrupted, and Scheduled − Started
// are those that never started: Dropped ones for lack of time, the others
// because the run was stopped.
type Counts struct {
	Scheduled   int64 // that the profile asked for; with a duration instead of a number, those that started
	Started     int64
	Completed   int64 // ended well
	Failed      int64 // ended with an error
	Interrupted int64 // cut off by the end of the graceful stop or of the run
	Dropped     int64 // not started because maxDuration was over
	Late        int64 // started more than LateAfter after their scheduled time
}

// Ending says why an executor ended.
type Ending string

const (
	EndDone        Ending = "done"         // everything was played
	EndMaxDuration Ending = "max-duration" // iterations were dropped or cut because maxDuration was over
	EndStopped     Ending = "stopped"      // the stop channel was closed
	EndCancelled   Ending = "cancelled"    // the context ended
)

// Outcome is what came of a profile.
type Outcome struct {
	Counts
	Ended Ending
}

// Executor plays one profile, once.
type Executor struct {
	profile Profile
	kind    kind
	meter   meter
}

// New makes the executor that a profile asks for, or reports everything that is
// wrong with it, in one error.
func New(p Profile) (*Executor, error) {
	k, err := p.kind()
	if err != nil {
		return nil, err
	}
	return &Executor{profile: p, kind: k}, nil
}

// Run plays the profile; it may be called once.
//
// When stop is closed or the profile's time is over, nothing more starts, and
// what runs has the graceful stop to end; then the context of the iterations is
// cancelled. When ctx ends, it is cancelled at once. Run returns when every call
// of iterate has returned. A nil stop never stops.
func (e *Executor) Run(ctx context.Context, stop <-chan struct{}, iterate Iterate) Outcome {
	iterations, cut := context.WithCancelCause(ctx)
	defer cut(nil)

	p := &play{
		Profile:    e.profile,
		stop:       stop,
		ctx:        ctx,
		iterations: iterations,
		iterate:    iterate,
		meter:      &e.meter,
	}
	begin, limit := time.Now(), e.kind.limit(e.profile)
	if limit > 0 {
		p.end = begin.Add(limit)
	}
	e.meter.begin.Store(&begin)

	ended := make(chan struct{})
	watched := make(chan Ending, 1)
	go func() { watched <- p.watch(ended, limit, cut) }()
	e.kind.run(p)
	close(ended)

	return e.outcome(p, <-watched)
}

// outcome sums up. The clock alone does not say that maxDuration ended the case:
// the last iteration may have ended at that very moment, and then all is done.
func (e *Executor) outcome(p *play, why Ending) Outcome {
	o := Outcome{Counts: e.meter.counts(), Ended: why}
	if e.kind.planned == nil {
		o.Scheduled = o.Started
		return o
	}
	o.Scheduled = e.kind.planned(e.profile)
	cut := p.iterations.Err() != nil && o.Interrupted > 0
	if why == EndDone && (cut || o.Started < o.Scheduled) {
		o.Ended = EndMaxDuration
		o.Dropped = o.Scheduled - o.Started
	}
	return o
}
