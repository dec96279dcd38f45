package telemetry

import (
	"slices"
	"time"
)

// spacing is how far apart a source's readings usually are.
type spacing struct {
	last time.Time
	gaps []time.Duration // the last ones, at most spacingOf
	next int
}

// spacingOf is how many gaps the usual one is found from, at most.
const spacingOf = 16

func (s *spacing) add(at time.Time) {
	gap := at.Sub(s.last)
	first := s.last.IsZero()
	if gap <= 0 && !first {
		return
	}
	s.last = at
	switch {
	case first:
	case len(s.gaps) < spacingOf:
		s.gaps = append(s.gaps, gap)
	default:
		s.gaps[s.next] = gap
		s.next = (s.next + 1) % spacingOf
	}
}

// usual is the median of the last gaps, of two that are in the middle the shorter one;
// 0: not known. One gap alone may be an exception.
func (s *spacing) usual() time.Duration {
	if len(s.gaps) < 2 {
		return 0
	}
	sorted := slices.Clone(s.gaps)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
}
