package load

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// arrivalRate starts iterations at a mean rate, by an arrival process, until
// their number or the duration is reached, whichever comes first. The first one
// starts at 0.
var arrivalRate = kind{
	name:      "arrival-rate",
	options:   append([]string{"rate", "timeUnit", "process", "burstiness", "burst", "duration", "iterations"}, openOptions...),
	check:     checkArrivalRate,
	planned:   plannedArrivals,
	limit:     func(p Profile) time.Duration { return p.Duration },
	scheduled: true,
	schedule:  func(p Profile) iter.Seq2[int, time.Duration] { return p.stripe(p.arrivals()) },
	lasts:     lastArrival,
	run:       runOpen,
}

// process is the profile's schedule without its end.
func (p Profile) process() Arrivals {
	return Arrivals{
		Rate:       p.Rate / p.timeUnit().Seconds(),
		Process:    p.Process,
		Burstiness: p.Burstiness,
		Burst:      p.Burst,
		Seed:       p.Seed,
		Stream:     p.Stream,
	}
}

// arrivals are those of all instances.
func (p Profile) arrivals() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		i := 0
		for at := range p.process().Offsets() {
			if p.Iterations > 0 && i == p.Iterations || p.Duration > 0 && at >= p.Duration || !yield(at) {
				return
			}
			i++
		}
	}
}

// plannedArrivals is -1 where only the random schedule itself knows how many
// arrivals its duration has.
func plannedArrivals(p Profile) int64 {
	switch a := p.process(); {
	case p.Duration == 0 || math.IsInf(p.Rate, 1):
		return int64(p.share(p.Iterations))
	case p.Process != "" && p.Process != Constant:
		return -1
	case p.Iterations == 0:
		return int64(p.share(a.before(p.Duration)))
	default:
		return int64(p.share(min(p.Iterations, a.before(p.Duration))))
	}
}

func lastArrival(p Profile) time.Duration {
	switch {
	case p.Iterations == 0:
		return p.Duration
	case p.Duration == 0:
		return p.process().at(p.Iterations - 1)
	}
	return min(p.Duration, p.process().at(p.Iterations-1))
}

func checkArrivalRate(p Profile) []string {
	faults := append(p.checkRate(), p.checkProcess()...)
	switch {
	case p.Burst < 0 || p.Burst > MaxVUs:
		faults = append(faults, fmt.Sprintf("burst must be 1 to %d, got %d", MaxVUs, p.Burst))
	case p.Duration < 0:
		faults = append(faults, fmt.Sprintf("duration must be positive, got %v", p.Duration))
	case p.Iterations < 0:
		faults = append(faults, fmt.Sprintf("iterations must be positive, got %d", p.Iterations))
	case p.Duration == 0 && p.Iterations == 0:
		faults = append(faults, "duration and iterations are missing: say how long iterations are started, or how many")
	case math.IsInf(p.Rate, 1) && p.Iterations == 0:
		faults = append(faults, "rate is Infinity, so all start at once: give iterations, the number of them")
	case math.IsInf(p.Rate, 1) && p.Iterations > MaxVUs && p.MaxInFlight == 0:
		faults = append(faults, fmt.Sprintf("%d iterations would run at once, but there are at most %d VUs: give maxInFlight", p.Iterations, MaxVUs))
	}
	return append(faults, p.checkOpen()...)
}

// checkRate finds faults in the rate of an open loop.
func (p Profile) checkRate() []string {
	perSecond := p.Rate / p.timeUnit().Seconds()
	switch {
	case p.Rate == 0:
		return []string{"rate is missing or 0: say how many iterations start per second (or per timeUnit)"}
	case !(p.Rate > 0):
		return []string{fmt.Sprintf("rate must be positive starts per second (or per timeUnit), got %v", p.Rate)}
	case p.Iterations == 0 && !math.IsInf(p.Rate, 1) && perSecond*p.Duration.Seconds() > mostIterations:
		return []string{fmt.Sprintf("a rate of %v for %v are more iterations than can be counted", p.Rate, p.Duration)}
	case perSecond == 0:
		return []string{fmt.Sprintf("a rate of %v is too small to be counted with", p.Rate)}
	}
	return nil
}

// checkProcess finds faults in process and burstiness.
func (p Profile) checkProcess() []string {
	var faults []string
	switch p.Process {
	case "", Constant, Poisson, Gamma:
	default:
		faults = append(faults, fmt.Sprintf("process must be %q, %q or %q, got %q", Constant, Poisson, Gamma, p.Process))
	}
	switch {
	case p.Burstiness == 0:
	case !(p.Burstiness > 0) || math.IsInf(p.Burstiness, 1):
		faults = append(faults, fmt.Sprintf("burstiness must be a number above 0, got %v", p.Burstiness))
	case p.Process != Gamma:
		faults = append(faults, fmt.Sprintf("burstiness is the shape of the gamma process: give process %q too", Gamma))
	}
	return faults
}
