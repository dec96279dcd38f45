package metrics

import (
	"math"
	"math/bits"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/montanaflynn/stats"

	"weir/runtime/result"
)

// distribution collects samples of one quantity: exactly up to a limit, then in
// a histogram whose percentiles are off by 0.1 % at most. Extremes, mean and
// standard deviation are of all samples either way.
//
// Not safe for concurrent use.
type distribution struct {
	limit int
	scale float64     // of the histogram; 0: as the samples ask for
	count int         // of exact samples
	exact [][]float64 // the samples, until there are more than limit
	hist  *histogram  // from then on
	brief bool        // describe only what thresholds look at, and do not sort
}

// Exact samples are kept in pieces, so that nothing is copied as they grow:
// small ones first, as most metrics have few.
const (
	firstPiece = 64
	piece      = 8192
)

// add takes one finite sample.
func (d *distribution) add(v float64) {
	if d.hist == nil && d.count >= d.limit {
		d.spill()
	}
	if d.hist != nil {
		d.hist.add(v)
		return
	}
	last := len(d.exact) - 1
	if last < 0 || len(d.exact[last]) == cap(d.exact[last]) {
		size := firstPiece
		if last >= 0 {
			size = min(2*cap(d.exact[last]), piece)
		}
		d.exact = append(d.exact, make([]float64, 0, size))
		last++
	}
	d.exact[last] = append(d.exact[last], v)
	d.count++
}

// spill goes over from exact samples to a histogram.
func (d *distribution) spill() {
	scale := d.scale
	if scale == 0 {
		scale = scaleFor(d.exact)
	}
	d.hist = newHistogram(scale)
	for _, samples := range d.exact {
		for _, v := range samples {
			d.hist.add(v)
		}
	}
	d.exact, d.count = nil, 0
}

func (d *distribution) n() int64 {
	if d.hist != nil {
		return d.hist.n
	}
	return int64(d.count)
}

// metric describes the samples. It takes them over: d is empty afterwards.
func (d *distribution) metric(unit string) *result.Metric {
	m := &result.Metric{Kind: kindDistribution, Unit: unit, N: d.n(), Estimator: "exact"}
	exact, hist := d.exact, d.hist
	d.exact, d.count, d.hist = nil, 0, nil
	if d.brief && len(exact) > 0 {
		brief(m, exact)
		return m
	}
	samples := slices.Concat(exact...)
	switch {
	case hist != nil:
		m.Estimator = "hdr"
		m.Quantile = hist.percentile
		m.Min, m.Max = &hist.min, &hist.max
		m.Avg, m.Std = &hist.mean, new(math.Sqrt(hist.squares/float64(hist.n)))
	case len(samples) > 0:
		slices.Sort(samples)
		m.Quantile = func(p float64) float64 { return Percentile(samples, p) }
		m.Min, m.Max = &samples[0], &samples[len(samples)-1]
		// They only fail for no samples.
		avg, _ := stats.Mean(samples)
		std, _ := stats.StandardDeviationPopulation(samples)
		m.Avg, m.Std = &avg, &std
	default:
		m.Quantile = func(float64) float64 { return math.NaN() }
		return m
	}
	for _, q := range []struct {
		to **float64
		p  float64
	}{{&m.P50, 50}, {&m.P75, 75}, {&m.P90, 90}, {&m.P95, 95}, {&m.P99, 99}, {&m.P999, 99.9}} {
		*q.to = new(m.Quantile(q.p))
	}
	m.Supported = new(result.Supported(m.N))
	return m
}

// brief describes samples in time that grows with their number and no faster.
func brief(m *result.Metric, exact [][]float64) {
	least, most, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, part := range exact {
		for _, v := range part {
			least, most = min(least, v), max(most, v)
			sum += v
		}
	}
	m.Min, m.Max, m.Avg = &least, &most, new(sum/float64(m.N))
	var samples []float64
	m.Quantile = func(p float64) float64 {
		if samples == nil {
			samples = slices.Concat(exact...)
		}
		return interpolate(m.N, p, func(rank int64) float64 { return choose(samples, int(rank)) })
	}
}

// choose gives the sample of a rank, from 0. It changes the order of the samples:
// Hoare's selection.
func choose(samples []float64, rank int) float64 {
	low, high := 0, len(samples)-1
	for low < high {
		a, b, c := samples[low], samples[low+(high-low)/2], samples[high]
		pivot := max(min(a, b), min(max(a, b), c)) // their median
		i, j := low, high
		for i <= j {
			for samples[i] < pivot {
				i++
			}
			for samples[j] > pivot {
				j--
			}
			if i <= j {
				samples[i], samples[j] = samples[j], samples[i]
				i++
				j--
			}
		}
		switch {
		case rank <= j:
			high = j
		case rank >= i:
			low = i
		default:
			return samples[rank]
		}
	}
	return samples[rank]
}

// Percentile is numpy's default percentile p (0…100) of sorted samples: linear
// interpolation between the closest ranks, Hyndman and Fan's type 7. NaN
// without samples or for a p out of range.
//
// stats.Percentile gives the same to the last bit but one, and sorts a copy of
// all samples in every call.
func Percentile[T ~float32 | ~float64](sorted []T, p float64) float64 {
	return interpolate(int64(len(sorted)), p, func(rank int64) float64 { return float64(sorted[rank]) })
}

// interpolate is the type 7 percentile of n samples of which at gives the one
// with a rank, from 0.
func interpolate(n int64, p float64, at func(rank int64) float64) float64 {
	if n == 0 || !(p >= 0 && p <= 100) {
		return math.NaN()
	}
	place := p / 100 * float64(n-1)
	rank := int64(place)
	low := at(rank)
	part := place - float64(rank)
	if part == 0 {
		return low
	}
	high := at(rank + 1)
	// As numpy does it: from the nearer end, so that the result is monotonic.
	// float64() keeps the compiler from fusing the operations, which would give
	// other last bits on other processors.
	if part >= 0.5 {
		return high - float64((high-low)*(1-part))
	}
	return low + float64((high-low)*part)
}

// histogram counts samples in HDR histograms, one for each sign.
type histogram struct {
	positive, negative *hdrhistogram.Histogram
	scale              float64 // histogram units per sample unit: a power of two

	n             int64
	min, max      float64
	mean, squares float64 // Welford's running mean and sum of squared deviations
}

const (
	// Three significant figures: 1024 steps for every doubling, so a value is
	// off by less than 1/1024 of itself.
	hdrFigures = 3
	hdrBits    = 11 // significant bits that such a histogram keeps
	hdrHighest = 1<<62 - 1

	// Where the scale is taken from samples, the largest of them comes to about
	// 2^hdrLargest. That leaves a factor of 2^12 for larger ones, and keeps the
	// promised accuracy down to 2^-39 of that sample.
	hdrLargest = 50
)

// Scales of quantities whose range is known: the histogram then depends on what
// the samples are, and not on which came first.
const (
	// A nanosecond, the least that two times differ by, is 1074 steps, and the
	// largest time 24 days.
	millisecondScale = 1 << 30
	// One is 1024 steps, and the largest count 2^51.
	countScale = 1 << 10
)

// scaleFor is the scale for quantities of which some samples are known.
func scaleFor(samples [][]float64) float64 {
	largest := 0.0
	for _, part := range samples {
		for _, v := range part {
			largest = max(largest, math.Abs(v))
		}
	}
	exponent := 0 // all zero
	if largest > 0 {
		_, exponent = math.Frexp(largest)
	}
	return math.Ldexp(1, min(hdrLargest-exponent, 1000))
}

func newHistogram(scale float64) *histogram {
	return &histogram{
		positive: hdrhistogram.New(1, hdrHighest, hdrFigures),
		scale:    scale,
		min:      math.Inf(1),
		max:      math.Inf(-1),
	}
}

func (h *histogram) add(v float64) {
	h.n++
	h.min, h.max = min(h.min, v), max(h.max, v)
	delta := v - h.mean
	h.mean += delta / float64(h.n)
	h.squares += delta * (v - h.mean)

	to := h.positive
	if v < 0 {
		if h.negative == nil {
			h.negative = hdrhistogram.New(1, hdrHighest, hdrFigures)
		}
		to = h.negative
	}
	// It cannot fail: the value is within the bounds.
	_ = to.RecordValue(int64(math.Round(min(math.Abs(v)*h.scale, hdrHighest/2))))
}

// percentile is the type 7 percentile, with each of its two samples off by
// 0.1 % at most.
func (h *histogram) percentile(p float64) float64 {
	return interpolate(h.n, p, h.at)
}

// at gives the sample of a rank.
func (h *histogram) at(rank int64) float64 {
	var negatives int64
	if h.negative != nil {
		negatives = h.negative.TotalCount()
	}
	v := 0.0
	if rank < negatives {
		v = -nth(h.negative, negatives-1-rank)
	} else {
		v = nth(h.positive, rank-negatives)
	}
	return max(h.min, min(v/h.scale, h.max))
}

// nth gives the value of a rank at the lower end of its bucket: whole numbers
// below 2048, such as counts of tokens, then come back as they are.
func nth(h *hdrhistogram.Histogram, rank int64) float64 {
	v := h.ValueAtPercentile(float64(rank+1) / float64(h.TotalCount()) * 100)
	if extra := bits.Len64(uint64(v)) - hdrBits; extra > 0 {
		v = v >> extra << extra
	}
	return float64(v)
}
