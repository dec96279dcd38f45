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
	stop       <-chan struct{}
	ctx        context.Context // of the run
	iterations context.Context // of the iterations: ends with ctx, or when the graceful stop has run out
	end        time.Time       // nothing starts from then on; zero: no limit
	iterate    Iterate
	meter      *meter
}

// more tells whether another iteration may start now. It looks at the clock
// itself rather than at a timer, so that an iteration that ends exactly when
// the time is over is never followed by another one.
func (p *play) more() bool {
	select {
	case <-p.stop:
		return false
	case <-p.ctx.Done():
		return false
	default:
		return p.end.IsZero() || time.Now().Before(p.end)
	}
}

// wait sleeps until a moment and tells whether an iteration may start then.
// It returns early when nothing may start any more.
func (p *play) wait(until time.Time) bool {
	if !p.end.IsZero() && until.After(p.end) {
		until = p.end
	}
	left := time.Until(until)
	if left <= 0 {
		return p.more()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-p.stop:
	case <-p.ctx.Done():
	case <-timer.C:
	}
	return p.more()
}

// iteration runs one iteration to its end and counts it.
func (p *play) iteration(it Iteration) {
	if time.Since(it.Scheduled) > LateAfter {
		p.meter.late.Add(1)
	}
	p.meter.started.Add(1)
	err := p.iterate(p.iterations, it)
	switch {
	case err == nil:
		p.meter.completed.Add(1)
	case p.iterations.Err() != nil || errors.Is(err, ErrInterrupted):
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

// watch cuts the iterations when they have had their graceful stop. It returns
// when the executor has ended, and says what made it end early.
func (p *play) watch(ended <-chan struct{}, limit time.Duration, cut context.CancelCauseFunc) Ending {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
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
		why = EndStopped
	case <-over:
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
