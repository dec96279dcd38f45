package metrics

import (
	"fmt"
	"math"
	"slices"
	"time"

	"weir/runtime/result"
)

// mark notes from when to when a request was in flight: in an open loop since it should
// have started, so that one which a limit holds back counts.
func (r *Recorder) mark(rec *Record) {
	if r.timeline == nil || rec.Started.IsZero() {
		return
	}
	start := rec.Started
	if at := rec.scheduled(); r.load.Concurrency == 0 && !at.IsZero() && at.Before(start) {
		start = at
	}
	r.timeline.add(start.Sub(r.origin), rec.End.Sub(r.origin))
}

// findWindows finds the case's windows, and computes what was measured in the steady one.
// It returns why there is none, where the case's numbers were to be of it.
func (r *Recorder) findWindows(c *result.Case, s *sums) (missed string) {
	if r.timeline == nil || s.first.IsZero() {
		return ""
	}
	all := &result.Window{To: c.Duration, Found: true, Requests: s.completed()}
	r.steady = r.timeline.steady(r.load)
	if g := s.growth.result(); !r.steady.found && r.load == (Load{}) && g != nil && g.N >= steadyRequests && g.Slope > max(steadyGrowth, steadyT*g.StdErr) {
		r.steady = unsteady("no steady state: latencies from the schedule grew by %.2g s each second: requests came faster than they were served", g.Slope)
	}
	w := &result.Window{Note: r.steady.note}
	c.Window = result.WindowAll
	c.Windows = map[string]*result.Window{result.WindowAll: all, result.WindowSteady: w}
	if !r.steady.found {
		if r.window == result.WindowSteady {
			missed = r.steady.note
		}
		return missed
	}
	before := s.first.Sub(r.origin)
	w.Found = true
	w.From, w.To = max(0, (r.steady.from-before).Seconds()), (r.steady.to - before).Seconds()
	kept := r.Kept()
	in := r.inSteady(r, kept)
	w.Metrics, w.Throughput, w.Goodput = in.Metrics, &in.Throughput, in.Goodput
	completed := in.Counts.Requests - in.Counts.RequestsFailed - in.Counts.RequestsCut
	w.Requests = int64(math.Round(float64(completed) * each(kept)))
	if kept.Every > 1 {
		w.Note += fmt.Sprintf("; of one of every %d requests, so that totals are estimates, and itl_decode is not known", kept.Every)
	}
	return ""
}

// showWindow makes the numbers of the case those of its steady window, if they are to be.
// Percentiles that nobody asks for at run time need no samples.
func (r *Recorder) showWindow(c *result.Case) {
	if r.showsSteady() {
		c.Show(result.WindowSteady)
	}
	for _, w := range c.Windows {
		for _, m := range w.Metrics {
			m.Quantile = nil
		}
	}
}

// shown are the metrics that the numbers of the case are of.
func (r *Recorder) shown(c *result.Case) map[string]*result.Metric {
	if r.showsSteady() {
		return c.Windows[result.WindowSteady].Metrics
	}
	return c.Metrics
}

// showsSteady tells whether the numbers are those of the steady window.
func (r *Recorder) showsSteady() bool { return r.window == result.WindowSteady && r.steady.found }

// showPart does the same for a part, whose window is that of the whole. What was selected
// by tags is of the whole case always.
func (r *Recorder) showPart(c *result.Case) {
	whole := r.whole
	if whole == nil || !whole.showsSteady() || slices.ContainsFunc(whole.selections, func(s selection) bool { return s.to == r }) {
		return
	}
	in := whole.inSteady(r, whole.Kept())
	c.Window = result.WindowAll
	c.Windows = map[string]*result.Window{result.WindowAll: {Found: true},
		result.WindowSteady: {Found: true, Metrics: in.Metrics, Throughput: &in.Throughput, Goodput: in.Goodput}}
	c.Show(result.WindowSteady)
	c.Windows = nil
}

// each is for how many requests one that is kept stands.
func each(k result.Kept) float64 { return float64(k.Of) / float64(max(k.Requests, 1)) }

// inSteady computes what was measured in the steady window, of the requests of a part, or
// of all: of is r then.
func (r *Recorder) inSteady(of *Recorder, kept result.Kept) *result.Case {
	in := NewRecorder(Options{ExactLimit: r.limit})
	in.slos, in.judges = of.slos, of.judges
	p := in.replay(r.requests(1))
	p.partial = kept.Every > 1 || of != r
	a := arrived{from: r.origin.Add(r.steady.from), to: r.origin.Add(r.steady.to)}
	p.from(a.from)
	for rec := range r.Requests() {
		sender := r
		if it := rec.Iteration; it != nil && it.Recorder.root() == r {
			sender = it.Recorder
		}
		if of != r && sender != of {
			continue
		}
		j := sender.slos.judge(rec)
		a.add(rec, j)
		at := rec.Started
		if at.IsZero() {
			at = rec.End
		}
		if a.in(at) {
			p.take(rec, j)
		}
	}
	c := in.Finish(result.Counts{}, nil, Rules{})
	delete(c.Metrics, "iteration_failed")
	a.describe(c, each(kept))
	return c
}

// from makes requests count from that time on.
func (p *replay) from(at time.Time) { p.base = p.rank(at) }
