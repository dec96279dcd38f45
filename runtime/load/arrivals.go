package load

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Arrivals yields when things start, as offsets from a common origin that
// never decrease; the first is 0. It never ends: take as many as needed.
//
// It is a pure function of its arguments, so several machines can follow one
// schedule. Offsets are absolute: being late with one does not move the next.
//
//	rate     starts per second; 0 or +Inf: all at 0
//	process  Constant: offset i is i/rate. Poisson: gaps are exponential with
//	         the mean 1/rate, so the starts have no memory, as those of many
//	         independent users
//	seed     of the random gaps
//	stream   tells independent schedules of one seed apart, such as the waves of a case
func Arrivals(rate float64, process string, seed, stream uint64) iter.Seq[time.Duration] {
	switch {
	case rate == 0 || math.IsInf(rate, 1):
		return atOnce
	case process == Poisson:
		return poissonArrivals(rate, seed, stream)
	default:
		return constantArrivals(rate)
	}
}

func atOnce(yield func(time.Duration) bool) {
	for yield(0) {
	}
}

// constantArrivals computes each offset from its number: adding gaps up would
// let their rounding errors add up too.
func constantArrivals(rate float64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for i := 0; yield(seconds(float64(i) / rate)); i++ {
		}
	}
}

func poissonArrivals(rate float64, seed, stream uint64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		random := rand.New(rand.NewPCG(seed, stream))
		for at := 0.0; yield(seconds(at)); at += random.ExpFloat64() / rate {
		}
	}
}

// seconds converts to a Duration, rounded to nanoseconds; what does not fit
// becomes the longest Duration (292 years).
func seconds(s float64) time.Duration {
	if ns := math.Round(s * float64(time.Second)); ns < math.MaxInt64 {
		return time.Duration(ns)
	}
	return math.MaxInt64
}
