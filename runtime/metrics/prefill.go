package metrics

import (
	"math"
	"slices"
	"sort"
	"sync"
	"time"
)

// maxUndecided bounds how many gaps wait for the end of a prefill. A gap waits
// only when it began after the start of a prefill that has not been seen to
// end, because our reader may be a moment behind the wire. When so many later
// gaps have piled up, the prefill really is still going on.
const maxUndecided = 1 << 16

// prefillLog decides which gaps between tokens overlap no request's prefill
// (the metric itl_decode).
//
// A prefill is the closed interval from a request's start to its first token
// event, or to its end when no token came. The gap [s,e] overlaps the prefill
// [p0,p1] when s ≤ p1 and e ≥ p0. Gaps are offered when their request has ended,
// so every prefill that can matter has begun, but not every one has ended: a gap
// that began after such a prefill waits in a heap.
//
// Memory is bounded by the requests in flight and by the prefills since the
// oldest of them began, 16 bytes each, as far as these touch no other: what
// ended before can overlap no gap that is still to come. All times are
// nanoseconds since an origin that the log's owner keeps. Safe for concurrent
// use.
type prefillLog struct {
	mu sync.Mutex // protects the following fields

	requests []int64 // starts of the requests in flight, ascending
	open     []int64 // starts of those whose prefill is under way, ascending

	ended     []interval // union of the ended prefills: disjoint, ascending
	dropped   int        // of ended, from its beginning: too old to matter
	undecided gapHeap    // gaps that began after open[0]
	clear     []int64    // lengths of gaps that overlap no prefill, not yet taken
}

// interval is closed at both ends.
type interval struct{ start, end int64 }

// begin registers a prefill and returns its start, also as nanoseconds since the
// origin. again tells that it is not its request's first. The clock is read
// under the lock so that the starts are in order.
func (l *prefillLog) begin(origin time.Time, again bool) (start time.Time, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	start = time.Now()
	at = int64(start.Sub(origin))
	l.open = append(l.open, at)
	if !again {
		l.requests = append(l.requests, at)
	}
	return start, at
}

// finish ends the prefill that began at start.
func (l *prefillLog) finish(start, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = remove(l.open, start)
	l.add(interval{start, max(end, start)})
	for len(l.undecided) > 0 && !l.mustWait(l.undecided[0]) {
		l.decide(l.undecided.pop())
	}
}

// leave takes the gaps of a request that has ended and began at start; its
// prefill has ended before. It returns dst with the lengths of all gaps added
// that have turned out clear since the last call.
func (l *prefillLog) leave(start int64, gaps []interval, dst []int64) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range gaps {
		if !l.mustWait(g) {
			l.decide(g)
			continue
		}
		if l.overlapsEnded(g) || l.overlapsOpen(g) {
			continue
		}
		l.undecided.push(g)
		if len(l.undecided) > maxUndecided {
			l.undecided.pop()
		}
	}
	l.requests = remove(l.requests, start)
	l.forget()
	return l.take(dst)
}

// rest returns dst with the lengths of the gaps that have turned out clear since
// the last leave. Those that still wait at the end of the case overlap what they
// wait for.
func (l *prefillLog) rest(dst []int64) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(dst)
}

// take moves what is clear to dst. The caller holds l.mu.
func (l *prefillLog) take(dst []int64) []int64 {
	dst = append(dst, l.clear...)
	l.clear = l.clear[:0]
	return dst
}

// mustWait reports whether a prefill is under way that began before g: only its
// end tells whether it overlaps.
func (l *prefillLog) mustWait(g interval) bool {
	return len(l.open) > 0 && l.open[0] < g.start
}

// decide judges a gap that need not wait.
func (l *prefillLog) decide(g interval) {
	if !l.overlapsEnded(g) && !l.overlapsOpen(g) {
		l.clear = append(l.clear, g.end-g.start)
	}
}

// overlapsEnded reports whether g touches an ended prefill.
func (l *prefillLog) overlapsEnded(g interval) bool {
	ended := l.ended[l.dropped:]
	i := sort.Search(len(ended), func(i int) bool { return ended[i].end >= g.start })
	return i < len(ended) && ended[i].start <= g.end
}

// overlapsOpen reports whether a prefill that is under way began within g:
// wherever it ends, it touches g.
func (l *prefillLog) overlapsOpen(g interval) bool {
	i, _ := slices.BinarySearch(l.open, g.start)
	return i < len(l.open) && l.open[i] <= g.end
}

// add merges v into the union. Prefills end roughly in the order in which they
// began, so the place is near the end and little is moved.
func (l *prefillLog) add(v interval) {
	ended := l.ended[l.dropped:]
	from := sort.Search(len(ended), func(i int) bool { return ended[i].end >= v.start })
	to := from
	for to < len(ended) && ended[to].start <= v.end {
		v.start = min(v.start, ended[to].start)
		v.end = max(v.end, ended[to].end)
		to++
	}
	l.ended = slices.Replace(l.ended, l.dropped+from, l.dropped+to, v)
}

// forget drops the ended prefills that no gap can overlap any more: gaps are
// only offered by requests in flight, and begin after them.
func (l *prefillLog) forget() {
	oldest := int64(math.MaxInt64)
	if len(l.requests) > 0 {
		oldest = l.requests[0]
	}
	if len(l.undecided) > 0 {
		oldest = min(oldest, l.undecided[0].start)
	}
	for l.dropped < len(l.ended) && l.ended[l.dropped].end < oldest {
		l.dropped++
	}
	// Moved when half of it is done with, so that each is moved once on average.
	if l.dropped > len(l.ended)/2 {
		l.ended = append(l.ended[:0], l.ended[l.dropped:]...)
		l.dropped = 0
	}
}

// remove takes one v out of an ascending list that holds it.
func remove(list []int64, v int64) []int64 {
	if i, found := slices.BinarySearch(list, v); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// gapHeap has the gap that began first on top. (container/heap would allocate
// for every gap.)
type gapHeap []interval

func (h *gapHeap) push(g interval) {
	*h = append(*h, g)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if s[parent].start <= s[i].start {
			return
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
}

func (h *gapHeap) pop() interval {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	*h = s
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if child+1 < last && s[child+1].start < s[child].start {
			child++
		}
		if s[i].start <= s[child].start {
			return top
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
}
