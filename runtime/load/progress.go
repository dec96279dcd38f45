package load

import (
	"sync/atomic"
	"time"
)

// Progress is how far an executor is.
type Progress struct {
	Counts             // so far
	Running  int64     // iterations under way
	Planned  int64     // iterations in all; 0: as many as fit in the time
	Begin    time.Time // may be ahead, with a start time; zero: not begun
	Last     time.Time // open loop: when the last arrival is due, or expected where gaps are random; otherwise zero
	End      time.Time // nothing starts after this; zero: no limit
	Stopping bool      // nothing more starts; what runs has its graceful stop
}

// Progress tells how far Run is. Any goroutine, at any time.
func (e *Executor) Progress() Progress {
	var p Progress
	p.Counts = e.meter.counts()
	p.Running = p.Started - p.Completed - p.Failed - p.Interrupted
	p.Stopping = e.meter.stopping.Load()
	p.Planned = max(e.kind.planned(e.profile), 0)
	p.Scheduled = e.scheduled(p.Counts)
	if begin := e.meter.begin.Load(); begin != nil {
		p.Begin = *begin
		if e.kind.lasts != nil {
			p.Last = begin.Add(e.kind.lasts(e.profile))
		}
		if limit := e.kind.limit(e.profile); limit > 0 {
			p.End = begin.Add(limit)
		}
	}
	return p
}

// Ended is the number of iterations that have ended, in whatever way.
func (p Progress) Ended() int64 { return p.Completed + p.Failed + p.Interrupted }

// Left estimates how long it takes from now until the executor ends, or an open
// loop has started everything: for a schedule until its last arrival, otherwise
// for a number of iterations from the rate at which they have ended so far, but
// not past the time limit. It is false as long as there is nothing to judge from.
func (p Progress) Left(now time.Time) (time.Duration, bool) {
	if p.Begin.IsZero() {
		return 0, false
	}
	limit := max(p.End.Sub(now), 0)
	if p.Last.After(now) {
		return p.Last.Sub(now), true
	}
	if p.Planned == 0 {
		return limit, !p.End.IsZero()
	}
	ended := p.Ended()
	if ended == 0 {
		return 0, false
	}
	perIteration := now.Sub(p.Begin).Seconds() / float64(ended)
	left := seconds(perIteration * float64(p.Planned-p.Dropped-ended))
	if !p.End.IsZero() {
		left = min(left, limit)
	}
	return left, true
}

// meter counts what happens while a profile is played. Safe for concurrent use.
type meter struct {
	begin    atomic.Pointer[time.Time]
	stopping atomic.Bool

	started, completed, failed, interrupted, dropped, late atomic.Int64
}

// counts reads the ends before the starts, so that a reader never sees more
// iterations ended than started.
func (m *meter) counts() Counts {
	c := Counts{
		Completed:   m.completed.Load(),
		Failed:      m.failed.Load(),
		Interrupted: m.interrupted.Load(),
	}
	c.Late = m.late.Load()
	c.Dropped = m.dropped.Load()
	c.Started = m.started.Load()
	return c
}
