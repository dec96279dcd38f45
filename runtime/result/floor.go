package result

import "math"

// floorConfidence is how sure one wants to be of a percentile: 99 %.
const floorConfidence = 0.99

// Floor is how many samples the percentile p (above 0, below 100) takes to be known
// with 99 % confidence, by MLPerf's rule of early stopping with one sample tolerated
// above it: the least n for which pⁿ + n (1−p) pⁿ⁻¹ ≤ 0.01. That is 11 for p50, 64 for
// p90, 130 for p95, 662 for p99 and 6 636 for p99.9.
func Floor(p float64) int64 {
	q := p / 100
	enough := func(n int64) bool {
		power := math.Pow(q, float64(n-1))
		return power*q+float64(n)*(1-q)*power <= 1-floorConfidence
	}
	low, high := int64(1), int64(2) // not enough, perhaps enough
	for !enough(high) {
		low, high = high, 2*high
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// Percentiles are those that a distribution is described by.
var Percentiles = [...]float64{50, 75, 90, 95, 99, 99.9}

// Supported is the highest of the [Percentiles] that n samples are enough for; 0: none.
func Supported(n int64) float64 {
	highest := 0.0
	for _, p := range Percentiles {
		if n >= Floor(p) {
			highest = p
		}
	}
	return highest
}

// Supports tells whether the metric has the samples that its percentile p takes to be
// known with 99 % confidence. Below, the value is what was seen, and no more: it is
// marked wherever it is shown.
func (m *Metric) Supports(p float64) bool { return p <= 0 || p >= 100 || m.N >= Floor(p) }
