package report

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"weir/runtime/metrics"
)

// gaps are the gaps between token events of a case: exactly up to exactGaps of them, and
// then in a histogram that is off by 0.1 % at most, with the exact extremes.
type gaps struct {
	n        int64
	min, max time.Duration
	exact    []float32 // ms
	hist     *hdrhistogram.Histogram
}

func (g *gaps) add(v time.Duration) {
	if g.n == 0 {
		g.min, g.max = v, v
	}
	g.n++
	g.min, g.max = min(g.min, v), max(g.max, v)
	if g.hist == nil && len(g.exact) < exactGaps {
		g.exact = append(g.exact, float32(milliseconds(v)))
		return
	}
	if g.hist == nil {
		g.hist = hdrhistogram.New(1, int64(farthest/time.Microsecond), 3)
		for _, e := range g.exact {
			g.record(float64(e))
		}
		g.exact = nil
	}
	g.record(milliseconds(v))
}

func (g *gaps) record(ms float64) {
	g.hist.RecordValue(max(1, int64(math.Round(ms*1000)))) // never out of range: farthest is the range
}

// quantiles gives the percentiles (0…100) of the gaps, ms.
func (g *gaps) quantiles(ps []float64) []float64 {
	if g.hist == nil {
		return quantiles(g.exact, ps)
	}
	values := make([]float64, len(ps))
	for i, p := range ps {
		values[i] = min(max(float64(g.hist.ValueAtQuantile(p))/1000, milliseconds(g.min)), milliseconds(g.max))
		switch p {
		case 0:
			values[i] = milliseconds(g.min)
		case 100:
			values[i] = milliseconds(g.max)
		}
	}
	return values
}

// quantiles gives the percentiles of samples, by weir's definition.
func quantiles(samples []float32, ps []float64) []float64 {
	sorted := slices.Clone(samples)
	slices.Sort(sorted)
	values := make([]float64, len(ps))
	for i, p := range ps {
		values[i] = metrics.Percentile(sorted, p)
	}
	return values
}

// gap is the longest gap of a request.
type gap struct {
	from, to time.Duration // after its start
}

func (g *gap) widen(from, to time.Duration) {
	if to-from > g.to-g.from {
		g.from, g.to = from, to
	}
}
