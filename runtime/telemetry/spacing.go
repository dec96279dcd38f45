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

// spacingOf is how many gaps the usual one is found from. With fewer than a quarter of
// them it is not known.
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

// usual is the median of the last gaps; 0: not known.
func (s *spacing) usual() time.Duration {
	if len(s.gaps) < spacingOf/4 {
		return 0
	}
	sorted := slices.Clone(s.gaps)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
