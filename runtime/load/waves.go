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
	name:      "waves",
	options:   []string{"vus", "waves", "maxDuration", "rate", "process", "burstiness"},
	check:     checkWaves,
	planned:   func(p Profile) int64 { return int64(p.share(p.VUs)) * int64(p.waves()) },
	limit:     func(p Profile) time.Duration { return p.MaxDuration },
	scheduled: true,
	unsteady:  "the load comes in waves",
	closed:    func(p Profile) int { return p.share(p.VUs) },
	run:       runWaves,
}

func (p Profile) waves() int { return max(p.Waves, 1) }

func checkWaves(p Profile) []string {
	var faults []string
	switch {
	case p.Waves < 0:
		faults = append(faults, fmt.Sprintf("waves must be positive, got %d", p.Waves))
	case p.VUs > 0 && p.Waves > math.MaxInt/p.VUs:
		faults = append(faults, fmt.Sprintf("%d waves of %d vus are more than can be counted", p.Waves, p.VUs))
	case p.waves() > 1 && p.instances() > 1:
		faults = append(faults, "instances applies to a single wave only: the instances would not wait for each other before the next one")
	}
	if math.IsNaN(p.Rate) || p.Rate < 0 {
		faults = append(faults, fmt.Sprintf("rate must be positive starts per second, or Infinity for all at once, got %v", p.Rate))
	}
	return append(faults, p.checkProcess()...)
}

func runWaves(p *play) {
	for wave := 0; wave < p.waves() && p.more(); wave++ {
		p.wave(wave)
	}
}

// wave plays one wave. A stop in the middle of a spaced wave leaves out the
// starts that are still to come.
func (p *play) wave(number int) {
	var running sync.WaitGroup
	defer running.Wait()
	begin := time.Now()
	starts := Arrivals{Rate: p.Rate, Process: p.Process, Burstiness: p.Burstiness, Seed: p.Seed, Stream: p.Stream + uint64(number)}
	vu := 0
	for i, offset := range p.stripe(starts.Offsets()) {
		at := begin.Add(offset)
		if i >= p.VUs || !p.wait(at) {
			return
		}
		if number == p.waves()-1 && i+p.instances() >= p.VUs {
			p.lastStarts()
		}
		it := Iteration{Index: number*p.VUs + i, VU: vu, IterationInVU: number, Scheduled: at}
		running.Go(func() { p.iteration(p.iterations, it) })
		vu++
	}
}
