package load

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// rampingArrivalRate is k6's: the rate goes from startRate to the target of each
// stage in a straight line, and iteration i starts when the integral of the rate
// has reached i+1. So the first one does not start at 0 but when the first whole
// iteration is due; one that is due at the very end still starts.
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/ramping-arrival-rate/
var rampingArrivalRate = kind{
	name:      "ramping-arrival-rate",
	unsteady:  "the rate ramps",
	options:   append([]string{"startRate", "stages"}, k6OpenOptions...),
	check:     checkRampingArrivalRate,
	planned:   func(p Profile) int64 { return int64(p.share(p.ramp().count())) },
	limit:     Profile.staged,
	scheduled: true,
	schedule:  func(p Profile) iter.Seq2[int, time.Duration] { return p.stripe(p.ramp().offsets()) },
	lasts:     Profile.staged,
	run:       runOpen,
}

func checkRampingArrivalRate(p Profile) []string {
	faults := p.checkStages("starts per timeUnit")
	if !(p.StartRate >= 0) || math.IsInf(p.StartRate, 1) {
		faults = append(faults, fmt.Sprintf("startRate must be starts per timeUnit, 0 or more, got %v", p.StartRate))
	}
	faults = append(faults, p.checkOpen()...)
	if len(faults) > 0 {
		return faults
	}
	switch area := p.ramp().area(); {
	case area > mostIterations:
		return []string{"the stages have more iterations than can be counted"}
	case p.ramp().count() == 0:
		return []string{fmt.Sprintf("the stages add up to %.3g iterations, so none would start: raise their targets or durations", area)}
	}
	return nil
}

// ramp is a rate that changes linearly, leg by leg.
type ramp []leg

// leg is one stage: with the rate a + (b−a)·t/d after t of its duration d,
//
//	n(t) = a·t + (b−a)·t²/2d
//
// iterations have been due. Rates are per nanosecond, times nanoseconds.
type leg struct {
	a, b, d float64
	n       float64 // of the whole leg
}

func (p Profile) ramp() ramp {
	unit := float64(p.timeUnit())
	legs := make(ramp, len(p.Stages))
	from := p.StartRate
	for i, s := range p.Stages {
		d := float64(s.Duration)
		// n is computed from the numbers as they were written: most often it is whole.
		legs[i] = leg{a: from / unit, b: s.Target / unit, d: d, n: (from + s.Target) * d / (2 * unit)}
		from = s.Target
	}
	return legs
}

// area is the integral of the rate.
func (r ramp) area() float64 {
	n := 0.0
	for _, leg := range r {
		n += leg.n
	}
	return n
}

// almost is added to the area before its fraction is cut off: what rounding may
// have taken from an iteration that is due at the very end.
const almost = 1e-9

func (r ramp) count() int { return int(r.area() + almost) }

// offsets solves n(t) for each iteration.
func (r ramp) offsets() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		count := r.count()
		stage := 0
		before, begin := 0.0, 0.0 // iterations and time before this stage
		for i := 1; i <= count; i++ {
			for stage < len(r)-1 && float64(i) > before+r[stage].n+almost {
				before += r[stage].n
				begin += r[stage].d
				stage++
			}
			if !yield(nanoseconds(begin + r[stage].when(float64(i)-before))) {
				return
			}
		}
	}
}

// when solves n(t) = n for t. Of the forms of the quadratic formula this is the
// one that subtracts nothing, and that holds for a = b as well.
func (l leg) when(n float64) float64 {
	root := math.Sqrt(max(l.a*l.a+2*(l.b-l.a)/l.d*n, 0))
	return min(2*n/(l.a+root), l.d)
}
