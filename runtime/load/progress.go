package load

import (
	"sync/atomic"
	"time"
)

// Progress is how far an executor is.
type Progress struct {
	Counts             // so far
	Running  int64     // iterations under way
	Queued   int64     // open loop: arrivals that are due and wait, as maxInFlight iterations run
	Planned  int64     // iterations in all; 0: as many as fit in the time
	Begin    time.Time // may be ahead, with a start time; zero: not begun
	Last     time.Time // open loop: when the last arrival is due, or expected where gaps are random; otherwise zero
	End      time.Time // nothing starts after this; zero: no limit
	Stopping bool      // nothing more starts; what runs has its graceful stop
	Over     bool      // Run has ended, or is about to return

	parts []Progress // of Together
}

// Together is how far several executors that run at the same time are.
func Together(parts []Progress) Progress {
	if len(parts) == 1 {
		return parts[0]
	}
	sum := Progress{Over: true, parts: parts}
	planned, last, end, starting := true, true, true, false
	for _, one := range parts {
		sum.Counts.Add(one.Counts)
		sum.Running += one.Running
		sum.Queued += one.Queued
		sum.Planned += one.Planned
		// As one that has no number or no end, neither have all of them.
		planned = planned && one.Planned > 0
		last = last && !one.Last.IsZero()
		end = end && !one.End.IsZero()
		if !one.Begin.IsZero() && (sum.Begin.IsZero() || one.Begin.Before(sum.Begin)) {
			sum.Begin = one.Begin
		}
		sum.Last = latest(sum.Last, one.Last)
		sum.End = latest(sum.End, one.End)
		sum.Stopping = sum.Stopping || one.Stopping && !one.Over
		starting = starting || !one.Stopping && !one.Over
		sum.Over = sum.Over && one.Over
	}
	if !planned {
		sum.Planned = 0
	}
	if !last {
		sum.Last = time.Time{}
	}
	if !end {
		sum.End = time.Time{}
	}
	sum.Stopping = sum.Stopping && !starting
	return sum
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Progress tells how far Run is. Any goroutine, at any time.
func (e *Executor) Progress() Progress {
	var p Progress
	p.Counts = e.meter.counts()
	p.Running = p.Started - p.Completed - p.Failed - p.Interrupted
	p.Stopping = e.meter.stopping.Load()
	p.Over = e.meter.over.Load()
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
		if due := e.meter.due.Load(); due != nil {
			p.Queued = max(due.until(time.Since(*begin))-p.Started-p.Dropped, 0)
		}
	}
	return p
}

// Ended is the number of iterations that have ended, in whatever way.
func (p Progress) Ended() int64 { return p.Completed + p.Failed + p.Interrupted }

// Left estimates how long it takes from now until the executor ends, or an open
// loop has started everything: for a schedule until its last arrival, otherwise
// for a number of iterations from the rate at which they have ended so far, but
// not past the time limit. Of several executors it is the one that takes longest.
// It is false as long as there is nothing to judge from.
func (p Progress) Left(now time.Time) (time.Duration, bool) {
	if p.Over {
		return 0, true
	}
	if len(p.parts) > 0 {
		return p.leftOfParts(now)
	}
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

func (p Progress) leftOfParts(now time.Time) (longest time.Duration, ok bool) {
	for _, one := range p.parts {
		left, ok := one.Left(now)
		if !ok {
			return 0, false
		}
		longest = max(longest, left)
	}
	return longest, true
}

// meter counts what happens while a profile is played. Safe for concurrent use.
type meter struct {
	begin    atomic.Pointer[time.Time]
	stopping atomic.Bool
	over     atomic.Bool
	due      atomic.Pointer[dueCounter] // while arrivals may have to wait; nil: they never do

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
