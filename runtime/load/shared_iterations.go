package load

import (
	"sync/atomic"
	"time"
)

// sharedIterations runs a number of iterations that the VUs take from a common
// stock: "iterations are not guaranteed to be evenly distributed", a faster VU
// runs more of them.
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/shared-iterations/
var sharedIterations = kind{
	name:    "shared-iterations",
	options: []string{"vus", "iterations", "maxDuration"},
	check:   checkIterations,
	planned: func(p Profile) int64 { return int64(p.Iterations) },
	limit:   Profile.maxDuration,
	run: func(p *play) {
		var taken atomic.Int64
		p.everyVU(func(vu int) {
			for n := 0; p.more(); n++ {
				index := int(taken.Add(1)) - 1
				if index >= p.Iterations {
					return
				}
				p.iteration(Iteration{Index: index, VU: vu, IterationInVU: n, Scheduled: time.Now()})
			}
		})
	},
}
