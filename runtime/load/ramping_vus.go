package load

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// rampingVUs is k6's: the number of VUs goes from startVUs to the target of each
// stage in a straight line, in steps of one, each at the moment when the line
// reaches the whole number. VUs run iterations one after another. When there are
// too many, the one with the highest number may end what it runs within the
// graceful ramp-down; it goes on where it is if it is needed again meanwhile.
// https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/ramping-vus/
var rampingVUs = kind{
	name:      "ramping-vus",
	ramps:     true,
	options:   []string{"startVUs", "stages", "gracefulRampDown", "iterations"},
	check:     checkRampingVUs,
	planned:   plannedRampingVUs,
	limit:     limitRampingVUs,
	closed:    atOnceRampingVUs,
	unstriped: "the VUs of one instance do not know those of the others: give each its part of the targets",
	run:       runRampingVUs,
}

func checkRampingVUs(p Profile) []string {
	faults := p.checkStages("a number of VUs")
	for i, s := range p.Stages {
		if s.Target != math.Trunc(s.Target) {
			faults = append(faults, fmt.Sprintf("stages[%d]: target must be a whole number of VUs, got %v", i, s.Target))
		}
	}
	if p.StartVUs != nil && *p.StartVUs < 0 {
		faults = append(faults, fmt.Sprintf("startVUs must be 0 or more, got %d", *p.StartVUs))
	}
	if p.GracefulRampDown != nil && *p.GracefulRampDown < 0 {
		faults = append(faults, fmt.Sprintf("gracefulRampDown must not be negative, got %v", *p.GracefulRampDown))
	}
	if p.Iterations < 0 {
		faults = append(faults, fmt.Sprintf("iterations must be positive, got %d", p.Iterations))
	}
	if len(faults) > 0 {
		return faults
	}
	switch most := p.mostVUs(); {
	case p.Iterations > 0 && p.Stages[len(p.Stages)-1].Target == 0:
		return []string{"the last target is 0, so the iterations would never come to their end: raise it, or leave out iterations"}
	case most == 0:
		return []string{"startVUs and all targets are 0, so nothing would run: raise one of them"}
	case most > MaxVUs:
		return []string{fmt.Sprintf("a target or startVUs is %d, but there are at most %d VUs", most, MaxVUs)}
	}
	return nil
}

func plannedRampingVUs(p Profile) int64 {
	if p.Iterations == 0 {
		return unplanned(p)
	}
	return int64(p.Iterations)
}

func limitRampingVUs(p Profile) time.Duration {
	if p.Iterations > 0 {
		return 0
	}
	return p.staged()
}

func atOnceRampingVUs(p Profile) int {
	if p.Iterations > 0 {
		return min(p.mostVUs(), p.Iterations)
	}
	return p.mostVUs()
}

func (p Profile) startVUs() int {
	if p.StartVUs == nil {
		return 1
	}
	return *p.StartVUs
}

func (p Profile) gracefulRampDown() time.Duration {
	if p.GracefulRampDown == nil {
		return DefaultGracefulRampDown
	}
	return *p.GracefulRampDown
}

func (p Profile) mostVUs() int {
	most := float64(p.startVUs())
	for _, s := range p.Stages {
		most = max(most, s.Target)
	}
	return int(min(most, math.MaxInt32))
}

// steps yields how many VUs there are from when on, in the order of time. Stage
// a → b reaches c at the fraction |c−a|/|b−a| of its duration.
func (p Profile) steps() iter.Seq2[time.Duration, int] {
	return func(yield func(time.Duration, int) bool) {
		a := p.startVUs()
		var begin time.Duration
		if !yield(0, a) {
			return
		}
		for _, s := range p.Stages {
			b := int(s.Target)
			step := 1
			if b < a {
				step = -1
			}
			for c := a; c != b; {
				c += step
				if !yield(begin+fraction(s.Duration, (c-a)*step, (b-a)*step), c) {
					return
				}
			}
			a = b
			begin += s.Duration
		}
	}
}

// fraction is d·part/whole, where part ≤ whole; the product may have 128 bits.
func fraction(d time.Duration, part, whole int) time.Duration {
	high, low := bits.Mul64(uint64(d), uint64(part))
	quotient, _ := bits.Div64(high, low, uint64(whole))
	return time.Duration(quotient)
}

func runRampingVUs(p *play) {
	// Once all iterations have been taken, nobody waits for another step.
	var exhaust context.CancelFunc
	p.starting, exhaust = context.WithCancel(p.starting)
	defer exhaust()
	stock := &rampedStock{play: p, exhaust: exhaust}

	var running sync.WaitGroup
	defer running.Wait()
	var vus []*rampedVU
	active := 0
	for offset, count := range p.steps() {
		// A step at the very end starts nothing any more, but VUs may leave in it.
		if !p.until(p.begin.Add(offset)) {
			return
		}
		for ; active < count; active++ {
			if active == len(vus) {
				vus = append(vus, &rampedVU{play: p, number: active, stock: stock, running: &running})
			}
			vus[active].start()
		}
		for ; active > count; active-- {
			vus[active-1].leave()
		}
	}
}

// rampedStock is what all VUs take their iterations from.
type rampedStock struct {
	play    *play
	taken   atomic.Int64
	exhaust context.CancelFunc // ends the waiting for further VUs
}

// take numbers an iteration; it is false when there is none left.
func (s *rampedStock) take() (index int, ok bool) {
	index = int(s.taken.Add(1)) - 1
	most := s.play.Iterations
	if most > 0 && index == most-1 {
		s.play.lastStarts()
		s.exhaust()
	}
	return index, most == 0 || index < most
}

// rampedVU is a VU that comes and goes.
type rampedVU struct {
	play    *play
	number  int
	stock   *rampedStock
	running *sync.WaitGroup

	mu      sync.Mutex // protects the following fields
	wanted  bool
	looping bool                    // its goroutine is there
	n       int                     // iterations so far
	ctx     context.Context         // of its iterations, as long as it loops and is not cut off
	cut     context.CancelCauseFunc // ends ctx
	cutAt   time.Time               // when it is cut off, if the VU is not wanted
	timer   *time.Timer
}

func (v *rampedVU) start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wanted = true
	if v.timer != nil {
		v.timer.Stop()
	}
	if !v.looping {
		v.looping = true
		v.running.Go(v.loop)
	}
}

// leave lets the VU end what it runs.
func (v *rampedVU) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wanted = false
	if !v.looping {
		return
	}
	grace := v.play.gracefulRampDown()
	v.cutAt = time.Now().Add(grace)
	v.timer = time.AfterFunc(grace, v.cutOff)
}

func (v *rampedVU) cutOff() {
	v.mu.Lock()
	defer v.mu.Unlock()
	// The timer may have rung just before the VU was wanted again, and left again.
	if !v.wanted && !time.Now().Before(v.cutAt) && v.ctx != nil {
		v.cut(ErrInterrupted)
		v.ctx = nil
	}
}

func (v *rampedVU) loop() {
	for {
		ctx, index, n, ok := v.next()
		if !ok {
			return
		}
		v.play.iteration(ctx, Iteration{Index: index, VU: v.number, IterationInVU: n, Scheduled: time.Now()})
	}
}

// next prepares another iteration, or ends the loop.
func (v *rampedVU) next() (ctx context.Context, index, n int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wanted && v.play.more() {
		index, ok = v.stock.take()
	}
	if !ok {
		v.looping = false
		if v.ctx != nil {
			v.cut(nil)
			v.ctx = nil
		}
		if v.timer != nil {
			v.timer.Stop()
		}
		return nil, 0, 0, false
	}
	// One context for all of them: the event loops keep track of each that they meet.
	if v.ctx == nil {
		v.ctx, v.cut = context.WithCancelCause(v.play.iterations)
	}
	n = v.n
	v.n++
	return v.ctx, index, n, true
}
