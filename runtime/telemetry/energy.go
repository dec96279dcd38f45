package telemetry

import "time"

// point is what was read at a moment: power in W, or a counter of energy in J.
type point struct {
	at    time.Time
	value float64
}

// integral is the energy of a device over the window of a case: the power P,
// integrated by trapezoids,
//
//	E = Σ (P(tᵢ) + P(tᵢ₊₁))/2 · (tᵢ₊₁ − tᵢ)      J
//
// or the difference of a counter of energy C
//
//	E = Σ C(tᵢ₊₁) − C(tᵢ)                        J
//
// where the readings around the window's edges are interpolated linearly. It is
// summed up as the readings come, so that none has to be kept but the last one.
type integral struct {
	counter    bool
	start, end time.Time     // the end is zero while the case is played
	longest    time.Duration // between two readings: more are no account of the time between them

	first, last point
	any         bool

	joules  float64
	covered time.Duration // of the window, by readings on both sides
	lacking time.Duration // without readings
	resets  int           // of the counter
}

// add takes the next reading; the first one may be from before the window.
func (i *integral) add(p point) {
	if !i.any {
		i.first, i.last, i.any = p, p, true
		return
	}
	if a := i.last; p.at.After(a.at) { // an exporter may tell the same sample twice
		i.segment(a, p)
		i.last = p
	}
}

// segment adds what is inside the window of the time between two readings.
func (i *integral) segment(a, b point) {
	from, to := later(a.at, i.start), b.at
	if !i.end.IsZero() && to.After(i.end) {
		to = i.end
	}
	inside, whole := to.Sub(from), b.at.Sub(a.at)
	if inside <= 0 {
		return
	}
	switch {
	case i.counter && b.value < a.value: // it was set back, or ran over: nobody knows how far
		i.resets++
		i.lacking += inside
	case whole > i.longest && !(i.counter && inside == whole): // a counter knows what happened meanwhile
		i.lacking += inside
	case i.counter:
		i.joules += (b.value - a.value) * float64(inside) / float64(whole)
		i.covered += inside
	default:
		power := func(at time.Time) float64 {
			return a.value + (b.value-a.value)*float64(at.Sub(a.at))/float64(whole)
		}
		i.joules += (power(from) + power(to)) / 2 * inside.Seconds()
		i.covered += inside
	}
}

// used is what an integral comes to.
type used struct {
	joules  float64
	held    time.Duration // at the edges, where the nearest value was taken to hold
	lacking time.Duration // without readings, where the mean power of the rest was
	resets  int
}

// total is the energy of the window, which must have ended; false: too little was
// read to tell.
func (i *integral) total() (used, bool) {
	if !i.any {
		return used{}, false
	}
	u := used{joules: i.joules, lacking: i.lacking, resets: i.resets}
	known := i.covered
	edge := func(t, away time.Duration, value float64) {
		switch {
		case t <= 0:
		case away > i.longest:
			u.lacking += t
		case i.counter: // it tells no power: that of the rest has to do
			u.held += t
		default:
			u.held += t
			u.joules += value * t.Seconds()
			known += t
		}
	}
	edge(earlier(i.first.at, i.end).Sub(i.start), i.first.at.Sub(i.start), i.first.value)
	edge(i.end.Sub(later(i.last.at, i.start)), i.end.Sub(i.last.at), i.last.value)
	if known <= 0 || u.lacking > i.end.Sub(i.start)/2 { // the better part would be a guess
		return used{}, false
	}
	if missing := i.end.Sub(i.start) - known; missing > 0 {
		u.joules *= 1 + missing.Seconds()/known.Seconds()
	}
	return u, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
