package convention

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/montanaflynn/stats"

	"weir/runtime/metrics"
)

// samples are the values of one metric of a tool, in the unit that it computes in. There
// may be tens of millions: stat brings them into order, once.
type samples []float64

func (s samples) sum() float64 {
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum
}

// mean is NaN without samples.
func (s samples) mean() float64 {
	mean, _ := stats.Mean(stats.Float64Data(s))
	return mean
}

// std is that of the population, as np.std; NaN without samples.
func (s samples) std() float64 {
	std, _ := stats.StandardDeviationPopulation(stats.Float64Data(s))
	return std
}

// stat is one of the statistics "mean", "std", "min", "max" and percentiles such as
// "p50", interpolated as np.percentile does; NaN without samples.
func (s samples) stat(name string) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	if !slices.IsSorted(s) {
		slices.Sort(s)
	}
	switch name {
	case "mean":
		return s.mean()
	case "std":
		return s.std()
	case "min":
		return s[0]
	case "max":
		return s[len(s)-1]
	}
	p, err := strconv.ParseFloat(name[1:], 64)
	if err != nil {
		return math.NaN()
	}
	return metrics.Percentile(s, p)
}

// ms and seconds are a duration in the units that tools compute in.
func ms(d time.Duration) float64      { return float64(d) / float64(time.Millisecond) }
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// per is a total over a time, per second; NaN when no time has passed.
func per(total float64, d time.Duration) float64 {
	if d <= 0 {
		return math.NaN()
	}
	return total / seconds(d)
}
