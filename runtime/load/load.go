// Package load decides when iterations start: it plays a [Profile] by calling
// a function, once for every iteration, from as many goroutines as iterations
// run at the same time.
//
// A profile names an executor. [New] checks the profile, [Executor.Run] plays
// it, and [Executor.Progress] tells how far it is. Each executor has a file of
// its own; what they share (may another iteration start? has this one failed or
// was it cut off?) is in play.go.
//
// There are two families. In a closed loop a number of virtual users (VUs) start
// their next iteration when the last one has ended: waves, shared-iterations,
// per-vu-iterations, constant-vus, ramping-vus. In an open loop (open_loop.go)
// iterations start when a schedule says so, however long the others take:
// arrival-rate, constant-arrival-rate, ramping-arrival-rate, replay. Schedules
// are pure functions of the profile (kind.schedule), in times from the begin;
// nothing that happens moves them.
//
// The names and rules of shared-iterations, per-vu-iterations, constant-vus,
// ramping-vus, constant-arrival-rate, ramping-arrival-rate, maxDuration,
// gracefulStop, startTime and dropped iterations are those of k6's documentation
// (https://grafana.com/docs/k6/latest/using-k6/scenarios/).
//
// Starts with a schedule wait with package pacer, to some tens of microseconds;
// nothing spins. The package knows nothing of JavaScript, requests or metrics: a
// warm-up is a Run of its own, and so is each of several concurrent scenarios.
// Runs share nothing.
package load

import (
	"context"
	"errors"
	"slices"
	"time"

	"weir/runtime/pacer"
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
	Index         int       // number of the iteration in the schedule of all instances, from 0; dropped ones leave gaps
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
// are those that never started: Dropped ones for lack of time or of a free VU,
// the others because the run was stopped.
type Counts struct {
	Scheduled   int64 // that the profile asked for; where it does not say how many, those that started or were dropped
	Started     int64
	Completed   int64 // ended well
	Failed      int64 // ended with an error
	Interrupted int64 // cut off by the end of the graceful stop or of the run
	Dropped     int64 // not started because maxDuration was over, or because no VU was free
	Late        int64 // started more than LateAfter after their scheduled time
}

// Add adds counts of other iterations.
func (c *Counts) Add(o Counts) {
	c.Scheduled += o.Scheduled
	c.Started += o.Started
	c.Completed += o.Completed
	c.Failed += o.Failed
	c.Interrupted += o.Interrupted
	c.Dropped += o.Dropped
	c.Late += o.Late
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
	// Sleep is what the starts of a schedule are waited for with; nil: a timer of
	// the kernel, which is exact to some microseconds. Set it before Run, to
	// [pacer.Sleep] in a bubble of testing/synctest, which knows no other timers.
	Sleep func(ctx context.Context, until time.Time) error

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

// Scheduled tells whether iterations have a time at which they are to start, so
// that Iteration.Scheduled is more than the time when they did.
func (e *Executor) Scheduled() bool { return e.kind.scheduled }

// AtOnce is the largest number of iterations that run at once. A closed loop has
// always one, which is 0 where this instance has no share of the load; an open
// loop has one if it is limited, and otherwise 0.
func (p Profile) AtOnce() (n int, closed bool) {
	k, err := p.kind()
	switch {
	case err != nil:
		return 0, false
	case k.closed != nil:
		return k.closed(p), true
	}
	n, _ = p.inFlight()
	return n, false
}

// Ramps tells whether a closed loop has ever more or fewer VUs: AtOnce is the most then.
func (p Profile) Ramps() bool {
	k, _ := p.kind()
	return k.ramps
}

// Unsteady says why the load of this profile is not meant to be steady, such as "the load
// comes in waves"; "": it is.
func (p Profile) Unsteady() string {
	k, _ := p.kind()
	return k.unsteady
}

// Run plays the profile; it may be called once.
//
// Nothing starts before the profile's start time, from which all its other times
// count. When stop is closed or the profile's time is over, nothing more starts,
// and what runs has the graceful stop to end; then the context of the iterations
// is cancelled. Where there is no time limit, that holds after the last iteration
// has started, if the profile has a GracefulStop of its own. When ctx ends, it is cancelled at once. Run returns when every
// call of iterate has returned. A nil stop never stops.
func (e *Executor) Run(ctx context.Context, stop <-chan struct{}, iterate Iterate) Outcome {
	iterations, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	starting, halt := context.WithCancel(ctx)
	defer halt()
	sleep, done := e.sleeper()
	defer done()

	p := &play{
		Profile:    e.profile,
		kind:       e.kind,
		stop:       stop,
		ctx:        ctx,
		starting:   starting,
		iterations: iterations,
		begin:      time.Now().Add(e.profile.StartTime),
		sleep:      sleep,
		iterate:    iterate,
		meter:      &e.meter,
		exhausted:  make(chan struct{}),
	}
	if limit := e.kind.limit(e.profile); limit > 0 {
		p.end = p.begin.Add(limit)
	}
	e.meter.begin.Store(&p.begin)

	ended := make(chan struct{})
	watched := make(chan Ending, 1)
	go func() { watched <- p.watch(ended, halt, cut) }()
	if p.until(p.begin) {
		e.kind.run(p)
	}
	close(ended)
	why := <-watched
	e.meter.over.Store(true)
	return e.outcome(why, !p.end.IsZero() && iterations.Err() != nil)
}

// sleeper is what starts wait with. Where the system has no timer to spare, those
// of the Go runtime must do: up to a millisecond late, which start_lag will show.
func (e *Executor) sleeper() (sleep func(context.Context, time.Time) error, done func()) {
	if e.Sleep != nil {
		return e.Sleep, func() {}
	}
	if e.kind.scheduled {
		if precise, err := pacer.New(); err == nil {
			return precise.Sleep, func() { _ = precise.Close() }
		}
	}
	return pacer.Sleep, func() {}
}

// outcome sums up. The clock alone does not say that maxDuration ended the case:
// the last iteration may have ended at that very moment, and then all is done. So
// it is when a stop found the last iterations under way, and they ended by themselves.
// cut says that iterations were cut off because the time was over.
func (e *Executor) outcome(why Ending, cut bool) Outcome {
	o := Outcome{Counts: e.meter.counts(), Ended: why}
	o.Scheduled = e.scheduled(o.Counts)
	short := o.Started < o.Scheduled || cut && o.Interrupted > 0
	if why == EndDone && short && slices.Contains(e.kind.options, "maxDuration") {
		o.Ended = EndMaxDuration
		o.Dropped = o.Scheduled - o.Started
	}
	if why != EndDone && e.kind.planned(e.profile) >= 0 && o.Completed+o.Failed == o.Scheduled {
		o.Ended = EndDone
	}
	return o
}

// scheduled is Counts.Scheduled.
func (e *Executor) scheduled(c Counts) int64 {
	if planned := e.kind.planned(e.profile); planned >= 0 {
		return planned
	}
	return c.Started + c.Dropped
}
