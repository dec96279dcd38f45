package publish

import (
	"math"
	"slices"

	"weir/runtime/metrics"
)

// perOctave is how many buckets a power of two has. Each bound is one of those that were
// counted with, so that no sample is in a bucket by guess.
const perOctave = 4

// counted are the bounds that latencies are counted with, seconds.
var counted = func() (list []float64) {
	for _, ms := range (metrics.Histogram{}).Bounds() {
		list = append(list, math.Round(ms*1e6)/1e9) // whole nanoseconds
	}
	return list
}()

// boundsFrom are those of them from 2^from ns to 2^to ns, as many an octave as perOctave
// says.
func boundsFrom(from, to int) (list []float64) {
	at := func(power int) int {
		i, _ := slices.BinarySearch(counted, float64(int64(1)<<power)/1e9)
		return i
	}
	step := max((at(from+1)-at(from))/perOctave, 1)
	for i := at(from); i <= at(to) && i < len(counted); i += step {
		list = append(list, counted[i])
	}
	return list
}

// distribution is a histogram as it is published: cumulative since its scope began.
type distribution struct {
	counts []uint64 // samples in each of the metric's buckets; the last has no bound
	n      uint64
	sum    float64 // seconds
}

// addLatencies adds a histogram.
func (s *snapshot) addLatencies(v *series, h metrics.Histogram) {
	d := &distribution{counts: make([]uint64, len(v.bounds)+1), n: uint64(h.N), sum: h.Sum / 1000}
	i := 0
	for j, n := range h.Counts {
		for i < len(v.bounds) && (j >= len(counted) || counted[j] > v.bounds[i]) {
			i++
		}
		d.counts[i] += uint64(n)
	}
	s.samples = append(s.samples, sample{series: v, fresh: !v.sent, dist: d})
	v.sent = true
}
