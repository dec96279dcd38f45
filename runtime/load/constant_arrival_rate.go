package load

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// constantArrivalRate is k6's: iteration i starts at i·timeUnit/rate, the first
// at 0, all before the duration. An arrival that finds maxVUs iterations running
// is dropped. VUs cost nothing here until they run, so preAllocatedVUs is no
// more than the default of maxVUs, and without both there is no limit.
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/constant-arrival-rate/
var constantArrivalRate = kind{
	name:      "constant-arrival-rate",
	options:   append([]string{"rate", "duration"}, k6OpenOptions...),
	check:     checkConstantArrivalRate,
	planned:   plannedArrivals,
	limit:     func(p Profile) time.Duration { return p.Duration },
	scheduled: true,
	schedule:  func(p Profile) iter.Seq2[int, time.Duration] { return p.stripe(p.arrivals()) },
	lasts:     lastArrival,
	run:       runOpen,
}

func checkConstantArrivalRate(p Profile) []string {
	faults := p.checkRate()
	if math.IsInf(p.Rate, 1) {
		faults = append(faults, `rate must be finite here: use executor "arrival-rate" with iterations to start a number at once`)
	}
	switch {
	case p.Duration == 0:
		faults = append(faults, "duration is missing or 0: say how long iterations are started")
	case p.Duration < 0:
		faults = append(faults, fmt.Sprintf("duration must be positive, got %v", p.Duration))
	}
	return slices.Concat(faults, p.checkOpen())
}
