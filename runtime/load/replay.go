package load

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"time"
)

// replay starts iteration i at timestamp i of a trace, divided by speed.
var replay = kind{
	name:      "replay",
	options:   append([]string{"timestamps", "speed", "duration"}, openOptions...),
	check:     checkReplay,
	planned:   func(p Profile) int64 { return int64(p.share(p.replayed())) },
	limit:     func(p Profile) time.Duration { return p.Duration },
	scheduled: true,
	schedule:  func(p Profile) iter.Seq2[int, time.Duration] { return p.stripe(p.trace()) },
	lasts:     func(p Profile) time.Duration { return p.traced(max(p.replayed()-1, 0)) },
	run:       runOpen,
}

// traced is when arrival number i of the trace is due.
func (p Profile) traced(i int) time.Duration {
	if p.Speed == 0 || p.Speed == 1 {
		return p.Timestamps[i]
	}
	return seconds(p.Timestamps[i].Seconds() / p.Speed)
}

// replayed is how many arrivals of the trace are due before the duration is over.
func (p Profile) replayed() int {
	if p.Duration == 0 {
		return len(p.Timestamps)
	}
	return sort.Search(len(p.Timestamps), func(i int) bool { return p.traced(i) >= p.Duration })
}

func (p Profile) trace() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for i := range p.replayed() {
			if !yield(p.traced(i)) {
				return
			}
		}
	}
}

func checkReplay(p Profile) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	switch t := p.Timestamps; {
	case len(t) == 0:
		fault("timestamps is missing or empty: list when iterations start, in milliseconds from the begin")
	case t[0] < 0:
		fault("timestamps[0] is %v, before the begin: subtract the first from all", t[0])
	case !slices.IsSorted(t):
		i := 1
		for t[i] >= t[i-1] {
			i++
		}
		fault("timestamps[%d] (%v) is before timestamps[%d] (%v): sort the trace together with its data, as iteration i takes item i", i, t[i], i-1, t[i-1])
	}
	if !(p.Speed >= 0) || math.IsInf(p.Speed, 1) {
		fault("speed must be a number above 0 (2 plays the trace in half the time), got %v", p.Speed)
	}
	if p.Duration < 0 {
		fault("duration must be positive, got %v", p.Duration)
	}
	return append(faults, p.checkOpen()...)
}
