package terminal

import (
	"time"

	"weir/runtime/device"
	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Snapshot is how far a run is at a moment.
type Snapshot struct {
	At          time.Time
	Case, Cases int            // case number from 1, and how many there are; Cases 0: not known
	Name        string         // of the case
	Tags        map[string]any // of the case
	Warmup      bool           // it is not measured yet
	Stopping    bool           // nothing more starts
	Elapsed     time.Duration  // of the case, or of its warm-up
	Left        time.Duration  // meaningful only if LeftKnown
	LeftKnown   bool

	Iterations Iterations
	Live       metrics.Live     // requests
	Warnings   []result.Reason  // what speaks against the case so far
	Devices    []device.Reading // last ones of what is monitored
}

// Iterations is how many of them are where.
type Iterations struct {
	Planned int64 // in all; 0: as many as fit in the time
	Ended   int64 // in whatever way
	Failed  int64 // of those, with an exception
	Queued  int64 // are due and wait, as no more may run at once
	Dropped int64
	Late    int64
}

// phase is what is special about a moment; "": nothing is.
func (s *Snapshot) phase() string {
	switch {
	case s.Stopping:
		return "stopping"
	case s.Warmup:
		return "warm-up"
	}
	return ""
}

// tokens is how many output tokens there are so far, those of answers that still stream
// included.
func (s *Snapshot) tokens() int64 { return s.Live.OutputTokens + s.Live.OpenTokens }

// completed is how many requests have ended well.
func (s *Snapshot) completed() int64 { return s.Live.Ended - s.Live.Failed }

// done is the share of the case that has been played; false: nobody knows.
func (s *Snapshot) done() (float64, bool) {
	switch {
	case s.LeftKnown && s.Elapsed+s.Left > 0:
		return s.Elapsed.Seconds() / (s.Elapsed + s.Left).Seconds(), true
	case s.Iterations.Planned > 0:
		return min(float64(s.Iterations.Ended)/float64(s.Iterations.Planned), 1), true
	}
	return 0, false
}

// recentTime is what "now" means.
const recentTime = 10 * time.Second

// course is what has been seen of a run: of its case, the snapshots of the last
// recentTime, and how much had come at what time. A warm-up is a course of its own, as
// another recorder counts from 0 after it.
type course struct {
	begin Snapshot   // the first one
	looks []Snapshot // the last ones, oldest first
	trace []total    // from the begin
	step  time.Duration

	caseBegan time.Time     // with its warm-up
	took      time.Duration // all cases before it, with what was between them …
	cases     int           // … and how many those are
}

// total is how much there was at a time after the course's begin.
type total struct {
	at               time.Duration
	tokens, requests float64
}

// traced is how many points a course keeps: more than a terminal has columns.
const traced = 512

// add takes the newest snapshot. They come in the order of their times.
func (c *course) add(s Snapshot) {
	another := len(c.looks) == 0 || s.Case != c.last().Case
	if another {
		if !c.caseBegan.IsZero() {
			c.took += s.At.Sub(c.caseBegan)
			c.cases++
		}
		c.caseBegan = s.At
	}
	if another || s.Warmup != c.last().Warmup {
		c.begin, c.looks, c.trace, c.step = s, nil, nil, 0
	}
	old := 0 // looks that are older than is asked for, but for the last of them
	for old+1 < len(c.looks) && s.At.Sub(c.looks[old+1].At) >= recentTime {
		old++
	}
	c.looks = append(c.looks[:copy(c.looks, c.looks[old:])], s)
	c.follow(total{s.At.Sub(c.begin.At), float64(s.tokens()), float64(s.Live.Ended)})
}

// follow keeps totals at times that are evenly apart: twice as far whenever there are
// too many.
func (c *course) follow(t total) {
	if n := len(c.trace); n > 0 && t.at-c.trace[n-1].at < c.step {
		return
	}
	c.trace = append(c.trace, t)
	if len(c.trace) < traced {
		return
	}
	for i := range traced / 2 {
		c.trace[i] = c.trace[2*i]
	}
	c.trace = c.trace[:traced/2]
	c.step = c.trace[len(c.trace)-1].at / (traced / 2)
}

func (c *course) last() *Snapshot { return &c.looks[len(c.looks)-1] }

// runLeft estimates how long the whole run still takes, as if the cases to come took as
// long as those before on average. It is false as long as nobody knows.
func (c *course) runLeft() (time.Duration, bool) {
	s := c.last()
	if s.Cases == 0 || s.Case > s.Cases || !s.LeftKnown || s.Warmup {
		return 0, false
	}
	whole := s.At.Sub(c.caseBegan) + s.Left
	each := (c.took + whole) / time.Duration(c.cases+1)
	return s.Left + time.Duration(s.Cases-s.Case)*each, true
}

// speed is per second.
type speed struct{ requests, tokens float64 }

// recent is the speed of the last recentTime, overall that since the begin.
func (c *course) recent() speed { return between(&c.looks[0], c.last()) }

func (c *course) overall() speed { return between(&c.begin, c.last()) }

func between(from, to *Snapshot) speed {
	seconds := to.At.Sub(from.At).Seconds()
	if seconds <= 0 {
		return speed{}
	}
	return speed{
		requests: max(float64(to.completed()-from.completed()), 0) / seconds,
		tokens:   max(float64(to.tokens()-from.tokens()), 0) / seconds,
	}
}

// history is the speed in each of n equal parts of the time so far: of tokens, or of
// requests where there are no tokens. Fewer parts where there were fewer looks.
func (c *course) history(n int) (perSecond []float64, tokens bool) {
	tokens = c.last().tokens() > 0
	points := c.trace
	if n = min(n, len(points)-1); n < 1 {
		return nil, tokens
	}
	amount := func(t total) float64 {
		if tokens {
			return t.tokens
		}
		return t.requests
	}
	part := points[len(points)-1].at.Seconds() / float64(n)
	if part <= 0 {
		return nil, tokens
	}
	at := 0 // the last point that is not after the time
	until := func(seconds float64) float64 {
		for at+2 < len(points) && points[at+1].at.Seconds() <= seconds {
			at++
		}
		a, b := points[at], points[at+1]
		width := (b.at - a.at).Seconds()
		if width <= 0 {
			return amount(b)
		}
		return amount(a) + (amount(b)-amount(a))*min(max((seconds-a.at.Seconds())/width, 0), 1)
	}
	before := until(0)
	for i := range n {
		now := until(float64(i+1) * part)
		perSecond = append(perSecond, max(now-before, 0)/part)
		before = now
	}
	return perSecond, tokens
}
