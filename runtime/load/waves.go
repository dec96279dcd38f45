package load

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// waves starts one iteration of every VU, waits for ALL of them, and begins the
// next wave. It is not a sliding window: a VU that is ready early waits for the
// slowest. With a rate, the starts inside a wave follow a schedule that begins
// with the wave.
var waves = kind{
	name:    "waves",
	options: []string{"vus", "waves", "maxDuration", "rate", "process"},
	check:   checkWaves,
	planned: func(p Profile) int64 { return int64(p.VUs) * int64(p.waves()) },
	limit:   func(p Profile) time.Duration { return p.MaxDuration },
	run:     runWaves,
}

func (p Profile) waves() int { return max(p.Waves, 1) }

func checkWaves(p Profile) []string {
	var faults []string
	switch {
	case p.Waves < 0:
		faults = append(faults, fmt.Sprintf("waves must be positive, got %d", p.Waves))
	case p.VUs > 0 && p.Waves > math.MaxInt/p.VUs:
		faults = append(faults, fmt.Sprintf("%d waves of %d vus are more than can be counted", p.Waves, p.VUs))
	}
	if math.IsNaN(p.Rate) || p.Rate < 0 {
		faults = append(faults, fmt.Sprintf("rate must be positive starts per second, or Infinity for all at once, got %v", p.Rate))
	}
	if p.Process != "" && p.Process != Constant && p.Process != Poisson {
		faults = append(faults, fmt.Sprintf("process must be %q or %q, got %q", Constant, Poisson, p.Process))
	}
	return faults
}

func runWaves(p *play) {
	for wave := 0; wave < p.waves() && p.more(); wave++ {
		p.wave(wave)
	}
}

// wave plays one wave. A stop in the middle of a spaced wave leaves out the
// starts that are still to come.
func (p *play) wave(number int) {
	var vus sync.WaitGroup
	defer vus.Wait()
	begin, vu := time.Now(), 0
	for offset := range Arrivals(p.Rate, p.Process, p.Seed, uint64(number)) {
		at := begin.Add(offset)
		if vu == p.VUs || !p.wait(at) {
			return
		}
		it := Iteration{Index: number*p.VUs + vu, VU: vu, IterationInVU: number, Scheduled: at}
		vus.Go(func() { p.iteration(it) })
		vu++
	}
}
