package compare

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// series is a statistic of one run as a ratio of two sums over its requests, which are
// in order of time: a mean is the sum of values over their number, a throughput the sum
// of tokens over that of the times between ends, the share of samples below a percentile
// that of two counts. A request is drawn whole, also where it adds many samples (gaps
// between tokens).
type series struct {
	num, den []float64
	least    int // of a throughput: requests that are drawn together, at the least; 0: of all else
}

func (s series) sums() (num, den float64) {
	for i := range s.num {
		num += s.num[i]
		den += s.den[i]
	}
	return num, den
}

const (
	// A resample is drawn in so many blocks at most: what more would add to the accuracy
	// of a standard error is below 3 %.
	mostBlocks = 1024
	// A series whose memory is so long that it has fewer is not enough to go by.
	fewestBlocks = 6
	// Twice the length that is best for the error of the variance: longer blocks leave
	// less of the dependence out, and it is by leaving it out that intervals become too
	// narrow.
	blockFactor = 2
	// Fewest requests that anything is concluded from.
	fewestRequests = 10
)

// blocks is a series in all blocks that may be drawn from it: circular ones, so that
// every request is in as many.
type blocks struct {
	length   int     // requests in a block
	count    float64 // how many the series has room for
	memory   float64 // requests over which they are alike
	enough   bool    // it is short enough
	num, den []float64
}

func (s series) blocks() blocks {
	n := len(s.num)
	num, den := s.sums()
	influence := make([]float64, n) // of each request on the ratio
	for i := range influence {
		influence[i] = s.num[i] - num/den*s.den[i]
	}
	length := blockLength(influence)
	b := blocks{memory: length, enough: n >= fewestRequests && length <= float64(n)/fewestBlocks}
	if s.least > 0 { // which requests that end together make look like a long memory
		b.enough = n >= fewestRequests && s.least/2 <= n/fewestBlocks
	}
	if length > 1.5 {
		length *= blockFactor
	}
	b.length = int(math.Round(min(max(length, float64(s.least)), float64(n)/fewestBlocks)))
	if b.length >= fewestRequests {
		b.length = period(influence, b.length*3/4, b.length)
	}
	b.length = max(1, b.length, (n+mostBlocks-1)/mostBlocks)
	b.count = float64(n) / float64(b.length)

	sum := func(x []float64) []float64 { // of the first i, over the series twice
		sums := make([]float64, 2*n+1)
		for i := range 2 * n {
			sums[i+1] = sums[i] + x[i%n]
		}
		return sums
	}
	nums, dens := sum(s.num), sum(s.den)
	stride := max(1, n/(4*mostBlocks))
	for from := 0; from < n; from += stride {
		b.num = append(b.num, nums[from+b.length]-nums[from])
		b.den = append(b.den, dens[from+b.length]-dens[from])
	}
	return b
}

// resample draws as many blocks from each run as it has room for, and gives the ratio of
// the sums over all runs: once for each of into.
func resample(runs []blocks, rng *rand.Rand, into []float64) {
	for i := range into {
		var num, den float64
		for _, b := range runs {
			for range max(1, int(math.Round(b.count))) {
				at, _ := bits.Mul64(rng.Uint64(), uint64(len(b.num)))
				num += b.num[at]
				den += b.den[at]
			}
		}
		into[i] = num / den
	}
}
