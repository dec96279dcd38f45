package load

import (
	"iter"
	"math"
	"time"
)

// Forecast is what a profile is going to start, as far as that is known before it is
// played: of the share of this instance.
type Forecast struct {
	Iterations int64         // that it starts, if nothing ends it early; −1: as many as the service makes possible
	About      bool          // Iterations is the mean of a random schedule that is too long to be counted
	AtOnce     int           // the most at the same time; 0: as many as the service makes of it
	Rate       float64       // open loop: mean starts per second; +Inf: all at once; 0: a closed loop
	Lasts      time.Duration // from the begin of the case: at least so long it starts iterations, or waits to; 0: only the service knows
	Limit      time.Duration // from the begin of the case: nothing starts later; 0: no limit
}

// mostCounted bounds the schedules that are counted arrival by arrival.
const mostCounted = 5_000_000

// Forecast tells what the profile is going to start. It may take some tenths of a second
// for a long random schedule. The error is that of Validate.
func (p Profile) Forecast() (Forecast, error) {
	k, err := p.kind()
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Iterations: k.planned(p)}
	if limit := k.limit(p); limit > 0 {
		f.Limit = p.StartTime + limit
	}
	if k.closed != nil {
		f.AtOnce = k.closed(p)
		if f.Iterations < 0 {
			f.Lasts = f.Limit // its time alone ends it
		}
		return f, nil
	}
	f.AtOnce, _ = p.inFlight()
	random := p.Rate > 0 && p.Process != "" && p.Process != Constant && !math.IsInf(p.Rate, 1)
	expected := p.Rate / p.timeUnit().Seconds() * p.Duration.Seconds() / float64(p.instances())
	if random && p.Iterations > 0 {
		expected = float64(p.share(p.Iterations))
	}
	switch {
	case random && expected > mostCounted:
		if f.Iterations < 0 {
			f.Iterations, f.About = int64(expected), true
		}
		f.Lasts = p.StartTime + k.lasts(p)
	case random:
		f.Iterations, f.Lasts = counted(k.schedule(p))
		f.Lasts += p.StartTime
	default:
		f.Lasts = p.StartTime + k.lasts(p)
	}
	f.Rate = p.meanRate(f)
	if math.IsInf(f.Rate, 1) && f.AtOnce == 0 {
		f.AtOnce = int(f.Iterations)
	}
	return f, nil
}

// counted is how many arrivals a schedule has, and when the last one is due.
func counted(schedule iter.Seq2[int, time.Duration]) (n int64, last time.Duration) {
	for _, at := range schedule {
		n++
		last = at
	}
	return n, last
}

// meanRate is the mean rate of an open loop in which so many arrivals are due.
func (p Profile) meanRate(f Forecast) float64 {
	share := 1 / float64(p.instances())
	span := f.Lasts - p.StartTime
	switch {
	case p.Rate > 0:
		return p.Rate / p.timeUnit().Seconds() * share
	case span == 0:
		return math.Inf(1)
	case p.Timestamps != nil: // the last one is due at the end of the span
		return float64(f.Iterations-1) / span.Seconds()
	}
	return float64(f.Iterations) / span.Seconds()
}

// Index is the number, in the schedule of all instances, of the i-th iteration that this
// one starts: what it.index of the script is.
func (p Profile) Index(i int64) int64 { return int64(p.own(int(i))) }
