package metrics

import (
	"sync"
	"sync/atomic"
)

// longExact is how many samples a metric keeps exactly in a long case: one in
// which some metric has passed the exact limit. They take 400 kB, about as much
// as the histogram that comes after them, which does not grow with the length of
// the run. With more than these, what chance does to a percentile is more than
// the 0.1 % of a histogram.
const longExact = 50_000

// collector is a distribution that many goroutines add to.
type collector struct {
	mu sync.Mutex // protects the following field
	distribution
}

// take adds samples. long is set when they do not all fit below the exact limit.
func (c *collector) take(samples []float64, long *atomic.Bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range samples {
		c.add(v)
	}
	if c.hist != nil && !long.Load() {
		long.Store(true)
	}
	c.shorten(long.Load())
}

// shorten goes over to a histogram if the case is a long one and there are more
// samples than are kept exactly then. The caller holds c.mu.
func (c *collector) shorten(long bool) {
	if long && c.hist == nil && c.count > longExact {
		c.spill()
	}
}
