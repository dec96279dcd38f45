package load

import (
	"math"
	"math/bits"
	"sync"
)

// slots hands out the VUs of an open loop: an arrival gets the free VU with the
// lowest number, so that there are as many VUs as iterations ever ran at once.
// Safe for concurrent use.
type slots struct {
	mu    sync.Mutex // protects the following fields
	taken []uint64   // one bit a VU
	full  int        // words before this one have no free VU
	runs  []int      // iterations that each VU has begun
}

// take returns a free VU, and the number of the iteration in it.
func (s *slots) take() (vu, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.full < len(s.taken) && s.taken[s.full] == math.MaxUint64 {
		s.full++
	}
	if s.full == len(s.taken) {
		s.taken = append(s.taken, 0)
		s.runs = append(s.runs, make([]int, 64)...)
	}
	bit := bits.TrailingZeros64(^s.taken[s.full])
	s.taken[s.full] |= 1 << bit
	vu = s.full*64 + bit
	n = s.runs[vu]
	s.runs[vu]++
	return vu, n
}

// release gives a VU back.
func (s *slots) release(vu int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[vu/64] &^= 1 << (vu % 64)
	s.full = min(s.full, vu/64)
}
