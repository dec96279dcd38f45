package metrics

import (
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
// Memory grows with the requests at most (16 bytes for each prefill that touches
// no other), never with the tokens. All times are nanoseconds since an origin
// that the log's owner keeps. Safe for concurrent use.
type prefillLog struct {
	mu sync.Mutex // protects the following fields

	// open holds the prefills in order of their starts, from the first one that
	// is under way; those that ended behind it stay until it has ended too.
	open []prefill
	// gone is how many prefills have left open: open[i] has number gone+i+1.
	gone int

	ended     []interval // union of the ended prefills: disjoint, ascending
	undecided gapHeap    // gaps that began after open[0]
	clear     []int64    // lengths of gaps that overlap no prefill, not yet taken
}

type prefill struct {
	start int64
	ended bool
}

// interval is closed at both ends.
type interval struct{ start, end int64 }

// begin registers a prefill and returns its start and its number, from 1. The
// clock is read under the lock so that the starts are in order.
func (l *prefillLog) begin(origin time.Time) (start time.Time, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	start = time.Now()
	l.open = append(l.open, prefill{start: int64(start.Sub(origin))})
	return start, l.gone + len(l.open)
}

// finish ends a prefill; a second call for the same one is ignored.
func (l *prefillLog) finish(number int, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := number - l.gone - 1
	if i < 0 || i >= len(l.open) || l.open[i].ended {
		return
	}
	l.open[i].ended = true
	l.add(interval{l.open[i].start, max(end, l.open[i].start)})

	done := 0
	for done < len(l.open) && l.open[done].ended {
		done++
	}
	if done == 0 {
		return
	}
	l.gone += done
	l.open = append(l.open[:0], l.open[done:]...)
	for len(l.undecided) > 0 && !l.mustWait(l.undecided[0]) {
		l.decide(l.undecided.pop())
	}
}

// offer takes the gaps of a request that has ended, and returns dst with the
// lengths of all gaps added that have turned out clear since the last call.
// Gaps that still wait at the end of the case overlap what they wait for.
func (l *prefillLog) offer(gaps []interval, dst []int64) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range gaps {
		if !l.mustWait(g) {
			l.decide(g)
			continue
		}
		if l.overlapsEnded(g) || l.overlapsStart(g) {
			continue
		}
		l.undecided.push(g)
		if len(l.undecided) > maxUndecided {
			l.undecided.pop()
		}
	}
	dst = append(dst, l.clear...)
	l.clear = l.clear[:0]
	return dst
}

// mustWait reports whether a prefill is under way that began before g: only its
// end tells whether it overlaps.
func (l *prefillLog) mustWait(g interval) bool {
	return len(l.open) > 0 && l.open[0].start < g.start
}

// decide judges a gap that need not wait.
func (l *prefillLog) decide(g interval) {
	if !l.overlapsEnded(g) && !l.overlapsStart(g) {
		l.clear = append(l.clear, g.end-g.start)
	}
}

// overlapsEnded reports whether g touches an ended prefill.
func (l *prefillLog) overlapsEnded(g interval) bool {
	i := sort.Search(len(l.ended), func(i int) bool { return l.ended[i].end >= g.start })
	return i < len(l.ended) && l.ended[i].start <= g.end
}

// overlapsStart reports whether a prefill that is under way began within g:
// wherever it ends, it touches g.
func (l *prefillLog) overlapsStart(g interval) bool {
	i := sort.Search(len(l.open), func(i int) bool { return l.open[i].start >= g.start })
	for ; i < len(l.open) && l.open[i].start <= g.end; i++ {
		if !l.open[i].ended {
			return true
		}
	}
	return false
}

// add merges v into the union. Prefills end roughly in the order in which they
// began, so the place is near the end and little is moved.
func (l *prefillLog) add(v interval) {
	from := sort.Search(len(l.ended), func(i int) bool { return l.ended[i].end >= v.start })
	to := from
	for to < len(l.ended) && l.ended[to].start <= v.end {
		v.start = min(v.start, l.ended[to].start)
		v.end = max(v.end, l.ended[to].end)
		to++
	}
	l.ended = slices.Replace(l.ended, from, to, v)
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
