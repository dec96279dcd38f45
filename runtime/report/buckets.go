package report

import (
	"math"
	"time"
)

// buckets are the values of a quantity over the time of a case: of each stretch of time
// how many there were, their sum and their extremes. When the time gets too long for
// them, two neighbours become one, so that no value is lost, however long a run takes.
type buckets struct {
	width time.Duration
	most  int
	all   []bucket
}

type bucket struct {
	n        int
	sum      float64
	min, max float64
}

func newBuckets(width time.Duration, most int) *buckets { return &buckets{width: width, most: most} }

func (b *buckets) add(at time.Duration, v float64) {
	at = max(at, 0) // what is before the begin is in the first one
	for at/b.width >= time.Duration(b.most) {
		b.fold()
	}
	i := int(at / b.width)
	for len(b.all) <= i {
		b.all = append(b.all, bucket{})
	}
	b.all[i].merge(bucket{1, v, v, v})
}

func (b *buckets) fold() {
	b.width *= 2
	for i := range b.all {
		if i%2 == 0 {
			b.all[i/2] = b.all[i]
		} else {
			b.all[i/2].merge(b.all[i])
		}
	}
	b.all = b.all[:(len(b.all)+1)/2]
}

func (b *bucket) merge(other bucket) {
	switch {
	case other.n == 0:
	case b.n == 0:
		*b = other
	default:
		b.n, b.sum = b.n+other.n, b.sum+other.sum
		b.min, b.max = min(b.min, other.min), max(b.max, other.max)
	}
}

// count is how many values there are.
func (b *buckets) count() (n int) {
	for _, v := range b.all {
		n += v.n
	}
	return n
}

// middle is the middle of a bucket.
func (b *buckets) middle(i int) time.Duration { return time.Duration(i)*b.width + b.width/2 }

// roundWidth is how wide buckets are that are to share a time of so many seconds: 1, 2
// or 5 times a power of ten, and 1 ms at least.
func roundWidth(seconds float64, most int) time.Duration {
	if !(seconds < farthest.Seconds()) {
		seconds = 0
	}
	for width := time.Millisecond; ; width *= 10 {
		for _, digit := range []time.Duration{1, 2, 5} {
			if float64(most)*(digit*width).Seconds() >= seconds {
				return digit * width
			}
		}
	}
}

// level is how many there were at the same time, over a case: from moments at which
// one more or one less begins. It keeps the extremes of each stretch of time, and the
// mean over it.
type level struct {
	low, high, mean []float64
}

// levelOf sweeps over moments, which are sorted, those at which one ends before those
// at which one begins.
func levelOf(moments []moments, edges func(i int) (from, to time.Duration), n int) level {
	l := level{make([]float64, n), make([]float64, n), make([]float64, n)}
	now, next := 0.0, 0
	for i := range n {
		from, to := edges(i)
		low, high, area, at := math.Inf(1), math.Inf(-1), 0.0, from
		for ; next < len(moments) && moments[next].at < to; next++ {
			m := moments[next]
			if m.at > at {
				low, high = min(low, now), max(high, now)
				area += now * (m.at - at).Seconds()
				at = m.at
			}
			now += m.change
		}
		if to > at {
			low, high = min(low, now), max(high, now)
			area += now * (to - at).Seconds()
		}
		l.low[i], l.high[i], l.mean[i] = low, high, area/(to-from).Seconds()
	}
	return l
}

// moments are when how many more, or fewer, there are.
type moments struct {
	at     time.Duration
	change float64
}
