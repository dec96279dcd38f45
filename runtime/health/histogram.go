package health

import (
	"math"
	"runtime/metrics"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"weir/runtime/result"
)

const msPerSecond = 1000

// histogram is one of the Go runtime's histograms of durations, from when it was
// made. A duration is known by its bucket alone, whose bounds are up to 25 %
// apart, and given as the upper one.
type histogram struct {
	name   string
	before []uint64 // counts when it was made; nil: the runtime has no such histogram
}

func newHistogram(name string) *histogram {
	h := &histogram{name: name}
	if now := h.read(); now != nil {
		h.before = now.Counts
	}
	return h
}

func (h *histogram) read() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: h.name}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	return s[0].Value.Float64Histogram()
}

// buckets yields the buckets that have got durations, from the shortest up:
// their bounds in seconds, and how many.
func (h *histogram) buckets(yield func(low, high float64, n int64)) {
	now := h.read()
	if now == nil || len(now.Counts) != len(h.before) {
		return
	}
	for i, count := range now.Counts {
		if n := int64(count - h.before[i]); n > 0 {
			low, high := now.Buckets[i], now.Buckets[i+1]
			if math.IsInf(high, 1) {
				high = low
			}
			yield(max(low, 0), max(high, 0), n)
		}
	}
}

// tail is nil where there was nothing.
func (h *histogram) tail() *result.Tail {
	var total, seen int64
	h.buckets(func(_, _ float64, n int64) { total += n })
	if total == 0 {
		return nil
	}
	t := &result.Tail{N: total}
	rank := int64(math.Ceil(0.99 * float64(total)))
	h.buckets(func(_, high float64, n int64) {
		if seen < rank {
			t.P99 = high * msPerSecond
		}
		seen += n
		t.Max = high * msPerSecond
	})
	return t
}

// pauses sums the durations up, each as the middle of its bucket. It is nil
// where the runtime has no such histogram.
func (h *histogram) pauses() *result.Pauses {
	if h.before == nil {
		return nil
	}
	p := &result.Pauses{}
	h.buckets(func(low, high float64, n int64) {
		p.Count += n
		p.Total += float64(n) * (low + high) / 2 * msPerSecond
		p.Max = high * msPerSecond
	})
	return p
}

// Tail collects durations of up to an hour, with an error of at most 1 %, in
// memory that does not grow. It is for one goroutine at a time.
type Tail struct {
	micros *hdrhistogram.Histogram
	max    time.Duration
}

// NewTail makes an empty one.
func NewTail() *Tail { return &Tail{micros: hdrhistogram.New(1, time.Hour.Microseconds(), 2)} }

func (t *Tail) Add(d time.Duration) {
	d = max(d, 0)
	t.max = max(t.max, d)
	_ = t.micros.RecordValue(min(d, time.Hour).Microseconds()) // it is in range
}

// Result is nil where nothing was added.
func (t *Tail) Result() *result.Tail {
	n := t.micros.TotalCount()
	if n == 0 {
		return nil
	}
	highest := float64(t.max) / float64(time.Millisecond)
	p99 := float64(t.micros.ValueAtPercentile(99)) / 1000
	return &result.Tail{N: n, P99: min(p99, highest), Max: highest}
}
