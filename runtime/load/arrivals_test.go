package load_test

import (
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"weir/runtime/load"
)

// take is the begin of a schedule.
func take(n int, schedule iter.Seq[time.Duration]) []time.Duration {
	got := make([]time.Duration, 0, n)
	for at := range schedule {
		if got = append(got, at); len(got) == n {
			break
		}
	}
	return got
}

func TestArrivals(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, c := range []struct {
		name     string
		arrivals load.Arrivals
		want     []time.Duration
	}{
		{"all at once", load.Arrivals{Rate: math.Inf(1)}, []time.Duration{0, 0, 0}},
		{"all at once, at random", load.Arrivals{Rate: math.Inf(1), Process: load.Gamma, Burstiness: 2}, []time.Duration{0, 0, 0}},
		{"no rate is all at once", load.Arrivals{}, []time.Duration{0, 0}},
		{"four a second", load.Arrivals{Rate: 4}, []time.Duration{0, 250 * ms, 500 * ms, 750 * ms, s}},
		{"thirds do not add up rounding errors", load.Arrivals{Rate: 3, Process: load.Constant}, []time.Duration{0, 333_333_333, 666_666_667, s, 1_333_333_333}},
		{"one in ten seconds", load.Arrivals{Rate: 0.1}, []time.Duration{0, 10 * s, 20 * s}},
		{"so rare that it never comes", load.Arrivals{Rate: 1e-300}, []time.Duration{0, math.MaxInt64, math.MaxInt64}},
		{"three at once, six a second", load.Arrivals{Rate: 6, Burst: 3}, []time.Duration{0, 0, 0, 500 * ms, 500 * ms, 500 * ms, s}},
		{"bursts of one", load.Arrivals{Rate: 2, Burst: 1}, []time.Duration{0, 500 * ms, s}},
	} {
		if got := take(len(c.want), c.arrivals.Offsets()); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}

	// A random schedule is the same for the same seed and stream, another one for others.
	for _, process := range []string{load.Poisson, load.Gamma} {
		schedule := func(seed, stream uint64) []time.Duration {
			return take(1000, load.Arrivals{Rate: 50, Process: process, Burstiness: 0.5, Seed: seed, Stream: stream}.Offsets())
		}
		a := schedule(7, 0)
		if !slices.Equal(a, schedule(7, 0)) {
			t.Errorf("%s: the same seed gave two schedules", process)
		}
		if slices.Equal(a, schedule(8, 0)) || slices.Equal(a, schedule(7, 1)) {
			t.Errorf("%s: another seed or stream gave the same schedule", process)
		}
		if a[0] != 0 || !slices.IsSorted(a) {
			t.Errorf("%s: a schedule must begin at 0 and never go back", process)
		}
	}

	// Gamma with the shape 1 is Poisson, and not only in the mean.
	poisson := load.Arrivals{Rate: 9, Process: load.Poisson, Seed: 4}
	for _, burstiness := range []float64{0, 1} {
		gamma := load.Arrivals{Rate: 9, Process: load.Gamma, Burstiness: burstiness, Seed: 4}
		if !slices.Equal(take(100, gamma.Offsets()), take(100, poisson.Offsets())) {
			t.Errorf("gamma with burstiness %v is not the Poisson schedule", burstiness)
		}
	}
}

// TestGaps holds the gaps of random schedules against the distribution that they
// must have, by the Kolmogorov-Smirnov test, and against its mean and its
// coefficient of variation.
func TestGaps(t *testing.T) {
	const n, rate = 100_000, 50.0
	for _, c := range []struct {
		name     string
		arrivals load.Arrivals
		cv       float64                 // standard deviation / mean
		cdf      func(x float64) float64 // of x = gap/mean
	}{
		{"poisson", load.Arrivals{Process: load.Poisson}, 1,
			func(x float64) float64 { return 1 - math.Exp(-x) }},
		{"poisson bursts of 5", load.Arrivals{Process: load.Poisson, Burst: 5}, 1,
			func(x float64) float64 { return 1 - math.Exp(-x) }},
		// The distributions of Erlang: whole shapes have a closed form.
		{"gamma 2", load.Arrivals{Process: load.Gamma, Burstiness: 2}, 1 / math.Sqrt2,
			func(x float64) float64 { return 1 - math.Exp(-2*x)*(1+2*x) }},
		{"gamma 4", load.Arrivals{Process: load.Gamma, Burstiness: 4}, 0.5,
			func(x float64) float64 {
				y := 4 * x
				return 1 - math.Exp(-y)*(1+y+y*y/2+y*y*y/6)
			}},
		// Half a chi-squared variable with one degree of freedom.
		{"gamma 0.5", load.Arrivals{Process: load.Gamma, Burstiness: 0.5}, math.Sqrt2,
			func(x float64) float64 { return math.Erf(math.Sqrt(x / 2)) }},
	} {
		c.arrivals.Rate, c.arrivals.Seed = rate, 11
		burst := max(c.arrivals.Burst, 1)
		offsets := take((n+1)*burst, c.arrivals.Offsets())
		mean := float64(burst) / rate
		gaps := make([]float64, n)
		for i := range gaps {
			gaps[i] = (offsets[(i+1)*burst] - offsets[i*burst]).Seconds() / mean
		}
		slices.Sort(gaps)

		var sum, squares, distance float64
		for i, x := range gaps {
			sum += x
			squares += (x - 1) * (x - 1)
			f := c.cdf(x)
			distance = max(distance, f-float64(i)/n, float64(i+1)/n-f)
		}
		// At the level of 1 % the largest distance is 1.628/√n.
		if limit := 1.628 / math.Sqrt(n); distance > limit {
			t.Errorf("%s: Kolmogorov-Smirnov distance %.5f, want at most %.5f", c.name, distance, limit)
		}
		if got := sum / n; math.Abs(got-1) > 0.015 {
			t.Errorf("%s: the mean gap is %.4f of 1/rate", c.name, got)
		}
		if got := math.Sqrt(squares / n); math.Abs(got/c.cv-1) > 0.02 {
			t.Errorf("%s: coefficient of variation %.4f, want %.4f", c.name, got, c.cv)
		}
	}
}
