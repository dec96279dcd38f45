package load

import (
	"context"
	"errors"
	"sync"
	"time"
)

// play is one Run under way: what executors are made of.
type play struct {
	Profile
	kind       kind
	stop       <-chan struct{}
	ctx        context.Context                        // of the run
	starting   context.Context                        // ends with ctx, or a moment after stop is closed
	iterations context.Context                        // of the iterations: ends with ctx, or when the graceful stop has run out
	begin      time.Time                              // nothing starts before it
	end        time.Time                              // nothing starts from then on; zero: no limit
	sleep      func(context.Context, time.Time) error // until a time; an error means that the context has ended
	iterate    Iterate
	meter      *meter

	exhausted chan struct{} // closed when the last iteration starts, if the graceful stop counts from there
}

// lastStarts notes that nothing starts any more, as the last iteration of a number
// has started or is about to; to be called once. Where there is a time limit, the
// graceful stop follows that. Where there is none it begins now, but only if the
// profile asks for one: the default would cut off a wave of long generations.
func (p *play) lastStarts() {
	if p.GracefulStop != nil && p.end.IsZero() {
		close(p.exhausted)
	}
}

// stopped tells whether nothing may start any more, whatever the time.
func (p *play) stopped() bool {
	select {
	case <-p.stop:
		return true
	case <-p.ctx.Done():
		return true
	default:
		return false
	}
}

// more tells whether another iteration may start now. It looks at the clock
// itself rather than at a timer, so that an iteration that ends exactly when
// the time is over is never followed by another one.
func (p *play) more() bool {
	return !p.stopped() && (p.end.IsZero() || time.Now().Before(p.end))
}

// until sleeps until a moment, whatever the end is, and tells whether an
// iteration may start then. It returns early when the run is stopped.
func (p *play) until(at time.Time) bool {
	return p.sleep(p.starting, at) == nil && !p.stopped()
}

// wait sleeps until a moment, or until the end if that is earlier, and tells
// whether an iteration may start then. It returns early when the run is stopped.
func (p *play) wait(until time.Time) bool {
	if !p.end.IsZero() && until.After(p.end) {
		until = p.end
	}
	return p.until(until) && p.more()
}

// iteration runs one iteration to its end and counts it. ctx is p.iterations, or
// made from it.
func (p *play) iteration(ctx context.Context, it Iteration) {
	if time.Since(it.Scheduled) > LateAfter {
		p.meter.late.Add(1)
	}
	p.meter.started.Add(1)
	err := p.iterate(ctx, it)
	switch {
	case err == nil:
		p.meter.completed.Add(1)
	case ctx.Err() != nil || errors.Is(err, ErrInterrupted):
		p.meter.interrupted.Add(1)
	default:
		p.meter.failed.Add(1)
	}
}

// everyVU runs vu for each virtual user, all at the same time, and returns when
// all have returned.
func (p *play) everyVU(vu func(number int)) {
	var vus sync.WaitGroup
	for number := range p.VUs {
		vus.Go(func() { vu(number) })
	}
	vus.Wait()
}

// watch ends the waiting for starts when the run is stopped, and cuts the
// iterations when they have had their graceful stop. It returns when the
// executor has ended, and says what made it end early.
func (p *play) watch(ended <-chan struct{}, halt context.CancelFunc, cut context.CancelCauseFunc) Ending {
	var over <-chan time.Time
	if !p.end.IsZero() {
		timer := time.NewTimer(time.Until(p.end))
		defer timer.Stop()
		over = timer.C
	}
	why := EndDone
	select {
	case <-ended:
		return p.asked()
	case <-p.ctx.Done():
		<-ended
		return EndCancelled
	case <-p.stop:
		halt()
		why = EndStopped
	case <-over:
	case <-p.exhausted:
	}
	p.meter.stopping.Store(true)

	grace := time.NewTimer(p.gracefulStop())
	defer grace.Stop()
	select {
	case <-ended:
		return why
	case <-p.ctx.Done():
		why = EndCancelled
	case <-grace.C:
		cut(ErrInterrupted)
	}
	<-ended
	return why
}

// asked tells whether somebody asked for the end by now. An executor that sees
// a stop may end before watch sees it.
func (p *play) asked() Ending {
	select {
	case <-p.ctx.Done():
		return EndCancelled
	case <-p.stop:
		return EndStopped
	default:
		return EndDone
	}
}
