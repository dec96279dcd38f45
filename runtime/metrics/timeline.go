package metrics

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// timeline counts starts and ends of requests in bins of time, so that it is known how
// many were in flight when. Its memory does not grow: when a case lasts longer than the
// bins reach, these become twice as wide.
type timeline struct {
	mu     sync.Mutex // protects the following fields
	width  time.Duration
	starts []int32
	ends   []int32
}

const timelineBins = 1 << 14

func newTimeline() *timeline {
	return &timeline{width: time.Microsecond, starts: make([]int32, timelineBins), ends: make([]int32, timelineBins)}
}

// add takes a request, in times after the recorder's origin.
func (t *timeline) add(start, end time.Duration) {
	start, end = max(start, 0), max(start, end, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	for end/t.width >= timelineBins {
		for _, bins := range [...][]int32{t.starts, t.ends} {
			for i := range timelineBins / 2 {
				bins[i] = bins[2*i] + bins[2*i+1]
			}
			clear(bins[timelineBins/2:])
		}
		t.width *= 2
	}
	t.starts[start/t.width]++
	t.ends[end/t.width]++
}

// Load is what is known of a case's load before it begins, for finding its steady state.
type Load struct {
	// Concurrency is how many requests at once a closed loop keeps up; 0: there is an
	// open loop, in which a request is there from when it is scheduled.
	Concurrency int
	// Ramps says that the loop has ever more or fewer users, Concurrency of them at most.
	Ramps bool
	// Unsteady says why the load is not meant to be steady, such as "the load comes in
	// waves"; "": it is.
	Unsteady string
}

// The rule by which the steady state is found; docs/metrics.md has it in words.
const (
	steadyShare    = 0.95 // of the level that is kept up
	steadyRequests = 20   // at least, that start in it
	steadyGrowth   = 0.1  // s a second, of latencies from the schedule: then a queue grows
	steadySlices   = 64   // in which a trend is looked for
	steadyRise     = 0.2  // of the mean level: a trend that adds up to less is none
	steadyT        = 5    // of a trend: simulated series without one, of independent slices or such that are half alike, pass it in 1 of 100 cases
)

// steady is the part of a case without warming up and draining.
type steady struct {
	found    bool
	from, to time.Duration // after the recorder's origin
	note     string
}

func unsteady(format string, args ...any) steady { return steady{note: fmt.Sprintf(format, args...)} }

// steady finds the steady state.
func (t *timeline) steady(l Load) steady {
	if l.Unsteady != "" {
		return unsteady("no steady state: %s", l.Unsteady)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	first := slices.IndexFunc(t.starts, func(n int32) bool { return n > 0 })
	if first < 0 {
		return unsteady("no steady state: no request was started")
	}
	last := timelineBins - 1 // bin of the last start
	for t.starts[last] == 0 {
		last--
	}
	f := newFlights(t.starts, t.ends)
	if total := f.started[timelineBins]; total < steadyRequests {
		return unsteady("no steady state: %d requests are too few (%d are needed)", total, steadyRequests)
	}

	// The level that is kept up, and from when to when it is.
	level := float64(l.Concurrency)
	up := func(i int) bool { return float64(f.in(i)) >= steadyShare*level }
	to := last + 1
	closed := false
	for i := first; i <= to && l.Concurrency > 0 && !closed; i++ {
		closed = up(i)
	}
	switch {
	case closed:
		for !up(to) {
			to--
		}
	case l.Ramps:
		return unsteady("no steady state: the load ramps, and never came to %g requests in flight", math.Ceil(steadyShare*level))
	default:
		level = f.mean(first+(last+1-first)/4, last+1-(last+1-first)/4)
	}
	reached := first
	for reached < to && !up(reached) {
		reached++
	}
	turned := reached // as many requests have ended since as are in flight
	for turned < to && float64(f.ended[turned]-f.ended[reached]) < level {
		turned++
	}
	turned = max(turned-1, reached) // those that replace the last of them mostly start in the same bin
	least := max(steadyRequests, int64(math.Ceil(level)))
	at := func(i int) float64 { return (time.Duration(i-first) * t.width).Seconds() }
	if n := f.started[to] - f.started[turned]; n < least {
		return unsteady("no steady state: too short: %.4g requests were in flight at %.3g s, as many had ended at %.3g s, and from then until nothing new came, at %.3g s, %d requests started (%d are needed)",
			level, at(reached), at(turned), at(to), n, least)
	}
	if begin, end, trends := f.trend(turned, to); trends {
		if end > begin {
			return unsteady("no steady state: from %.3g s to %.3g s the requests in flight grew from %.3g to %.3g: they came faster than they were served", at(turned), at(to), begin, end)
		}
		return unsteady("no steady state: from %.3g s to %.3g s the requests in flight fell from %.3g to %.3g: the load was not constant", at(turned), at(to), begin, end)
	}
	return steady{found: true, from: time.Duration(turned) * t.width, to: time.Duration(to) * t.width,
		note: fmt.Sprintf("from when %.4g requests in flight (at %.3g s) had been replaced, to when nothing new came or fewer were in flight", math.Ceil(steadyShare*level), at(reached))}
}

// flights tells, at the beginning of each bin, how many requests had started and ended.
type flights struct{ started, ended []int64 }

func newFlights(starts, ends []int32) flights {
	f := flights{make([]int64, len(starts)+1), make([]int64, len(ends)+1)}
	for i := range starts {
		f.started[i+1] = f.started[i] + int64(starts[i])
		f.ended[i+1] = f.ended[i] + int64(ends[i])
	}
	return f
}

// in is how many requests are in flight at the beginning of a bin.
func (f flights) in(i int) int64 { return f.started[i] - f.ended[i] }

// mean is how many are in flight on average.
func (f flights) mean(from, to int) float64 {
	sum := int64(0)
	for i := from; i < to; i++ {
		sum += f.in(i)
	}
	return float64(sum) / float64(max(to-from, 1))
}

// trend tells whether the number in flight grows or falls from one end to the other, by
// more than chance lets it: where the least-squares line through its means in slices begins
// and ends.
func (f flights) trend(from, to int) (begin, end float64, trends bool) {
	n := min(steadySlices, to-from)
	if n < leastRows {
		return 0, 0, false
	}
	line, means := growth{}, make([]float64, n)
	for i := range means {
		means[i] = f.mean(from+(to-from)*i/n, from+(to-from)*(i+1)/n)
		line.add(float64(i), means[i])
	}
	slope := line.xy / line.xx
	moments := make([]float64, n)
	for i, v := range means {
		x := float64(i) - line.x
		moments[i] = x * (v - line.y - slope*x)
	}
	variance, _ := longRun(moments)
	half := slope * float64(n-1) / 2
	begin, end = line.y-half, line.y+half
	rise := math.Abs(end - begin)
	return begin, end, rise > max(steadyRise*line.y, 1) && math.Abs(slope)*line.xx > steadyT*math.Sqrt(variance)
}
