package load

import (
	"fmt"
	"sync/atomic"
	"time"
)

// constantVUs has every VU run as many iterations as it can, one after another,
// until the duration is over; those that run then may end within the graceful stop.
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/constant-vus/
var constantVUs = kind{
	name:    "constant-vus",
	options: []string{"vus", "duration"},
	check: func(p Profile) []string {
		switch {
		case p.Duration == 0:
			return []string{"duration is missing or 0: say how long iterations are started"}
		case p.Duration < 0:
			return []string{fmt.Sprintf("duration must be positive, got %v", p.Duration)}
		}
		return nil
	},
	planned:   unplanned,
	closed:    func(p Profile) int { return p.VUs },
	unstriped: "every VU runs its own iterations: give each instance its part of the vus",
	limit:     func(p Profile) time.Duration { return p.Duration },
	run: func(p *play) {
		var taken atomic.Int64
		p.everyVU(func(vu int) {
			for n := 0; p.more(); n++ {
				index := int(taken.Add(1)) - 1
				p.iteration(p.iterations, Iteration{Index: index, VU: vu, IterationInVU: n, Scheduled: time.Now()})
			}
		})
	},
}
