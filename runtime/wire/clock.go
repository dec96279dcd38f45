package wire

import "time"

// base is what stored times are relative to. It has a wall and a monotonic
// clock reading of one moment.
var base = time.Now()

// The kernel stamps with the wall clock, which may be slewed or set at any
// time; everything that weir measures is on the monotonic clock. A stamp is
// mapped by its distance from now on the wall clock, which is right as long as
// the wall clock was not set in between.
//
// Whether it was shows in the drift of the wall clock from the monotonic one:
// slewing changes it by 500 parts in a million at most (adjtimex(2)), and by
// less than settled it where the stamp is young.
const (
	driftSlack = 100 * time.Microsecond // two clock readings, and a thread switch between them
	driftRate  = 1000                   // one part in so many of the time that has passed

	// Both clocks are read in one call but not at one instant: a stamp may seem
	// to lie this far in the future.
	future = 20 * time.Microsecond
)

// mapping brings stamps of the wall clock to the monotonic clock. It belongs to
// one connection. The zero value is ready for use.
type mapping struct {
	seen  bool
	drift time.Duration // of the wall clock from the monotonic one, when it was last looked at
	when  time.Duration // that was, since base
}

// lag tells how long ago a stamp was made, given the present of both clocks:
// wall in Unix nanoseconds, as the stamp is, and since base. It is 0 and not ok
// when there is no stamp (0), or when the wall clock was set between the two,
// or may have been.
func (m *mapping) lag(stamp, wall int64, since time.Duration) (lag time.Duration, ok bool) {
	steady := m.look(wall, since)
	lag = time.Duration(wall - stamp)
	if stamp == 0 || !steady || lag < -future || lag > since {
		return 0, false
	}
	return max(lag, 0), true
}

// look compares the clocks, and tells whether their drift since the last look is
// no more than slewing.
func (m *mapping) look(wall int64, since time.Duration) (steady bool) {
	drift := time.Duration(wall) - since
	change := drift - m.drift
	steady = !m.seen || max(change, -change) <= driftSlack+(since-m.when)/driftRate
	m.seen, m.drift, m.when = true, drift, since
	return steady
}
