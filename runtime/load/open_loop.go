package load

import (
	"fmt"
	"iter"
	"math"
	"sync"
	"time"
)

// What happens to an arrival while MaxInFlight iterations run.
const (
	Queue = "queue" // it starts when one of them has ended, and counts from its scheduled time
	Drop  = "drop"  // it is not played; it counts as dropped
)

// runOpen starts iterations when their schedule says so, whether or not earlier
// ones have ended. The schedule says by itself when it ends, so an arrival that
// was due before the end is started even if the clock has gone past it
// meanwhile; only what waits for a free VU then, and what waits behind it, is
// dropped.
func runOpen(p *play) {
	var running sync.WaitGroup
	defer running.Wait()
	var vus slots
	limit := p.limiter()
	if limit.room != nil && !limit.drop {
		due := p.countDue()
		p.meter.due.Store(due)
		defer func() {
			p.meter.due.Store(nil)
			due.stop()
		}()
	}
	passed := int64(0) // arrivals that were started or dropped
	for index, offset := range p.kind.schedule(p.Profile) {
		at := p.begin.Add(offset)
		if !p.until(at) {
			return
		}
		switch limit.enter(at) {
		case dropped:
			p.meter.dropped.Add(1)
			passed++
			continue
		case over:
			p.dropRest(passed)
			return
		case stopped:
			return
		}
		passed++
		vu, n := vus.take()
		it := Iteration{Index: index, VU: vu, IterationInVU: n, Scheduled: at}
		running.Go(func() {
			p.iteration(p.iterations, it)
			vus.release(vu)
			limit.leave()
		})
	}
	p.lastStarts()
}

// dueCounter counts the arrivals of a schedule that are due. Whoever looks pays for
// those that have become due since somebody looked before.
type dueCounter struct {
	mu    sync.Mutex // protects the following fields
	pull  func() (index int, offset time.Duration, ok bool)
	end   func() // of pull
	next  time.Duration
	more  bool // next is one
	count int64
}

func (p *play) countDue() *dueCounter {
	if math.IsInf(p.Rate, 1) { // all are due at once, and may be more than anybody can count
		return &dueCounter{count: p.kind.planned(p.Profile), end: func() {}}
	}
	d := &dueCounter{}
	d.pull, d.end = iter.Pull2(p.kind.schedule(p.Profile))
	_, d.next, d.more = d.pull()
	return d
}

// until is how many arrivals are due at a time since the begin. Any goroutine; times
// do not go back.
func (d *dueCounter) until(elapsed time.Duration) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.more && d.next <= elapsed {
		d.count++
		_, d.next, d.more = d.pull()
	}
	return d.count
}

// stop ends the counting: what follows is not due.
func (d *dueCounter) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.more = false
	d.end()
}

// dropRest counts all arrivals as dropped but those that have passed.
func (p *play) dropRest(passed int64) {
	if planned := p.kind.planned(p.Profile); planned >= 0 {
		p.meter.dropped.Add(planned - passed)
		return
	}
	var scheduled int64
	for range p.kind.schedule(p.Profile) {
		scheduled++
		if scheduled > passed {
			p.meter.dropped.Add(1)
		}
		if p.stopped() {
			return
		}
	}
}

// limiter holds back arrivals while as many iterations run as may.
type limiter struct {
	p      *play
	drop   bool
	room   chan struct{} // one element for each that runs; nil: no limit
	timer  *time.Timer   // of the end; made when somebody waits for the first time
	waited time.Time     // until when an arrival has waited: those due before had to wait behind it
}

func (p *play) limiter() *limiter {
	n, overflow := p.inFlight()
	if n == 0 {
		return &limiter{}
	}
	return &limiter{p: p, drop: overflow == Drop, room: make(chan struct{}, n)}
}

// What becomes of an arrival.
const (
	entered = iota
	dropped // no VU is free, and it does not wait
	over    // no VU was free until the end
	stopped // the run was stopped while it waited
)

// enter waits until the arrival that is due at a time may start.
func (l *limiter) enter(at time.Time) int {
	if l.room == nil {
		return entered
	}
	select {
	case l.room <- struct{}{}:
		if at.Before(l.waited) && l.atEnd() {
			return over
		}
		return entered
	default:
	}
	if l.drop {
		return dropped
	}
	var end <-chan time.Time
	if !l.p.end.IsZero() {
		if l.timer == nil {
			l.timer = time.NewTimer(time.Until(l.p.end))
		}
		end = l.timer.C
	}
	select {
	case l.room <- struct{}{}:
		// Both may have happened, and then the end counts.
		if l.atEnd() {
			return over
		}
		l.waited = time.Now()
		return entered
	case <-end:
		return over
	case <-l.p.starting.Done():
		return stopped
	}
}

// atEnd tells whether the time is over.
func (l *limiter) atEnd() bool { return !l.p.end.IsZero() && !time.Now().Before(l.p.end) }

func (l *limiter) leave() {
	if l.room != nil {
		<-l.room
	}
}

// inFlight is the largest number of iterations at once, 0 for no limit, and what
// happens to the others.
func (p Profile) inFlight() (n int, overflow string) {
	switch {
	case p.MaxInFlight > 0 && p.Overflow == "":
		return p.MaxInFlight, Queue
	case p.MaxInFlight > 0:
		return p.MaxInFlight, p.Overflow
	case p.MaxVUs > 0:
		return p.MaxVUs, Drop
	}
	return p.PreAllocatedVUs, Drop
}

// openOptions are those of every open loop.
var openOptions = []string{"maxInFlight", "overflow"}

// k6OpenOptions are those that k6's executors have besides.
var k6OpenOptions = append([]string{"preAllocatedVUs", "maxVUs", "timeUnit"}, openOptions...)

// checkOpen finds faults in openOptions and k6OpenOptions.
func (p Profile) checkOpen() []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, o := range []struct {
		name  string
		value int
	}{{"maxInFlight", p.MaxInFlight}, {"maxVUs", p.MaxVUs}, {"preAllocatedVUs", p.PreAllocatedVUs}} {
		if o.value < 0 || o.value > MaxVUs {
			fault("%s must be 1 to %d, got %d", o.name, MaxVUs, o.value)
		}
	}
	switch {
	case p.MaxInFlight != 0 && (p.MaxVUs != 0 || p.PreAllocatedVUs != 0):
		fault("maxInFlight and maxVUs both limit how many iterations run at once: give one of them (what is too much for maxVUs is dropped)")
	case p.MaxVUs != 0 && p.MaxVUs < p.PreAllocatedVUs:
		fault("maxVUs (%d) must not be less than preAllocatedVUs (%d)", p.MaxVUs, p.PreAllocatedVUs)
	}
	switch {
	case p.Overflow != "" && p.Overflow != Queue && p.Overflow != Drop:
		fault("overflow must be %q or %q, got %q", Queue, Drop, p.Overflow)
	case p.Overflow != "" && p.MaxInFlight == 0:
		fault("overflow says what happens to arrivals beyond maxInFlight: give maxInFlight too")
	}
	if p.TimeUnit < 0 {
		fault("timeUnit must be positive, got %v", p.TimeUnit)
	}
	return faults
}

// timeUnit is the time that rates are counted in.
func (p Profile) timeUnit() time.Duration {
	if p.TimeUnit == 0 {
		return time.Second
	}
	return p.TimeUnit
}
