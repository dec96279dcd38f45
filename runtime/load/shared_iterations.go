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
	planned: func(p Profile) int64 { return int64(p.share(p.Iterations)) },
	limit:   Profile.maxDuration,
	closed:  func(p Profile) int { return min(p.VUs, p.share(p.Iterations)) },
	run: func(p *play) {
		var taken atomic.Int64
		p.everyVU(func(vu int) {
			for n := 0; p.more(); n++ {
				index := p.own(int(taken.Add(1)) - 1)
				if index >= p.Iterations {
					return
				}
				p.iteration(p.iterations, Iteration{Index: index, VU: vu, IterationInVU: n, Scheduled: time.Now()})
			}
		})
	},
}
