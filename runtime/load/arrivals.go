package load

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Arrival processes: how the gaps between starts are distributed. Their mean is
// 1/rate in all of them.
const (
	Constant = "constant" // all are equal
	Poisson  = "poisson"  // exponential: starts without memory, as those of many independent users
	Gamma    = "gamma"    // gamma with the shape burstiness, as vLLM's --burstiness
)

// Arrivals is a schedule of starts. It is a pure function of its fields, so that
// several machines can follow one schedule; the zero value starts everything at once.
type Arrivals struct {
	Rate    float64 // mean starts per second; 0 or +Inf: all at 0
	Process string  // Constant, Poisson or Gamma; "": Constant

	// Burstiness is the shape k > 0 of Gamma; 0: 1. The gaps have the mean 1/Rate
	// and the coefficient of variation 1/√k: below 1 starts come in bunches, 1 is
	// Poisson, and the larger it is the more even they are.
	Burstiness float64

	// Burst is how many start at the same instant; 0: 1. The instants are Burst
	// times as far apart, so that the mean rate stays Rate.
	Burst int

	Seed   uint64 // of the random gaps
	Stream uint64 // tells independent schedules of one seed apart, such as the waves of a case
}

// Offsets yields when things start, as offsets from a common origin that never
// decrease; the first is 0. It never ends: take as many as needed.
//
// Offsets are absolute: being late with one does not move the next.
func (a Arrivals) Offsets() iter.Seq[time.Duration] {
	instants := a.instants()
	burst := a.burst()
	if burst == 1 {
		return instants
	}
	return func(yield func(time.Duration) bool) {
		for at := range instants {
			for range burst {
				if !yield(at) {
					return
				}
			}
		}
	}
}

func (a Arrivals) burst() int { return max(a.Burst, 1) }

// gap is the mean time between instants, in seconds; 0: all at once.
func (a Arrivals) gap() float64 {
	if a.Rate == 0 {
		return 0
	}
	return float64(a.burst()) / a.Rate
}

// at is when start number i of a Constant process is due, and the expected time
// of the others. It is computed from the number: adding gaps up would let their
// rounding errors add up too.
func (a Arrivals) at(i int) time.Duration {
	return seconds(float64(i/a.burst()) * a.gap())
}

// before is how many starts of a Constant process are due before the end, at
// most math.MaxInt.
func (a Arrivals) before(end time.Duration) int {
	// at rounds to nanoseconds, so what is due less than half of one before the
	// end is not before it. The loops make good for the rounding of the estimate.
	estimate := math.Ceil((float64(end)-0.5)/(a.gap()*1e9)) * float64(a.burst())
	if !(estimate < math.MaxInt/2) {
		return math.MaxInt
	}
	n := int(estimate)
	for n > 0 && a.at(n-1) >= end {
		n -= a.burst()
	}
	for a.at(n) < end {
		n += a.burst()
	}
	return n
}

// instants yields the moments at which something starts.
func (a Arrivals) instants() iter.Seq[time.Duration] {
	gap := a.gap()
	switch {
	case gap == 0:
		return atOnce
	case a.Process == Poisson, a.Process == Gamma && (a.Burstiness == 0 || a.Burstiness == 1):
		return a.random(gap, (*rand.Rand).ExpFloat64)
	case a.Process == Gamma:
		shape := a.Burstiness
		return a.random(gap/shape, func(r *rand.Rand) float64 { return gamma(r, shape) })
	default:
		return func(yield func(time.Duration) bool) {
			for i := 0; yield(seconds(float64(i) * gap)); i++ {
			}
		}
	}
}

func atOnce(yield func(time.Duration) bool) {
	for yield(0) {
	}
}

// random adds up draws of a distribution, which scale turns into seconds.
func (a Arrivals) random(scale float64, draw func(*rand.Rand) float64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		r := rand.New(rand.NewPCG(a.Seed, a.Stream))
		for sum := 0.0; yield(seconds(sum * scale)); sum += draw(r) {
		}
	}
}

// gamma draws from the gamma distribution with a shape and the scale 1: the
// rejection method of Marsaglia and Tsang, "A simple method for generating gamma
// variables", ACM TOMS 26 (2000). It is here rather than from a library so that
// a seed gives the same schedule for ever.
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		// Their note: γ(k) = γ(k+1)·U^(1/k).
		return gamma(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// seconds converts to a Duration, rounded to nanoseconds; what does not fit
// becomes the longest Duration (292 years).
func seconds(s float64) time.Duration { return nanoseconds(s * float64(time.Second)) }

func nanoseconds(ns float64) time.Duration {
	if ns = math.Round(ns); ns < math.MaxInt64 {
		return time.Duration(ns)
	}
	return math.MaxInt64
}
