package serving

import (
	"math"

	"weir/runtime/result"
)

// percentile estimates the percentile p (0…100) of n values in cumulative buckets as
// Prometheus' histogram_quantile does (promql/quantile.go, bucketQuantile): the values
// of a bucket are taken to lie evenly in it, the first one beginning at 0 unless its
// bound is negative. One in the open last bucket, above all bounds, has the highest
// bound as its value, and no upper one. nil: there are no values, or no buckets.
func percentile(p float64, n float64, buckets []bucket) *result.Estimate {
	if n <= 0 || len(buckets) == 0 {
		return nil
	}
	rank, below, low := p/100*n, 0.0, math.Min(0, buckets[0].bound)
	for _, b := range buckets {
		if b.n >= rank && b.n > below {
			high := b.bound
			value := low
			if high > low {
				value += (high - low) * (rank - below) / (b.n - below)
			}
			return &result.Estimate{Value: value, Low: low, High: &high}
		}
		below, low = math.Max(below, b.n), b.bound
	}
	return &result.Estimate{Value: low, Low: low}
}
