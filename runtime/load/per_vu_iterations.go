package load

import (
	"sync/atomic"
	"time"
)

// perVUIterations has every VU run the same number of iterations, one after
// another: "the total number of completed iterations equals vus * iterations".
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/per-vu-iterations/
var perVUIterations = kind{
	name:      "per-vu-iterations",
	options:   []string{"vus", "iterations", "maxDuration"},
	check:     checkIterations,
	planned:   func(p Profile) int64 { return int64(p.VUs) * int64(p.Iterations) },
	limit:     Profile.maxDuration,
	closed:    func(p Profile) int { return p.VUs },
	unstriped: "every VU runs its own iterations: give each instance its part of the vus",
	run: func(p *play) {
		var taken atomic.Int64
		p.everyVU(func(vu int) {
			for n := 0; n < p.Iterations && p.more(); n++ {
				index := int(taken.Add(1)) - 1
				p.iteration(p.iterations, Iteration{Index: index, VU: vu, IterationInVU: n, Scheduled: time.Now()})
			}
		})
	},
}
