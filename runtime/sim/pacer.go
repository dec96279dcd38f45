package sim

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// timerSleeper waits with the Go runtime's timers. Their wake-ups may be late by
// a millisecond on Linux, where an idle runtime sleeps in whole milliseconds.
type timerSleeper struct{}

func (timerSleeper) sleep(ctx context.Context, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := time.Until(until)
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pacer wakes any number of goroutines at their due times, with an alarm that is
// exact to some microseconds. One goroutine waits for the alarm; the sleepers
// stand in a heap, earliest first.
type pacer struct {
	alarm alarm
	done  chan struct{} // closed when the pacer's goroutine has ended
	pool  sync.Pool     // of *sleeperEntry

	mu      sync.Mutex // protects the following fields
	waiting sleeperHeap
	armed   time.Time // what the alarm is set to; zero when it is not set
}

// alarm is a clock that rings once after it was set.
type alarm interface {
	// set makes the alarm ring after d; an earlier setting is forgotten.
	set(d time.Duration) error
	// wait returns nil when the alarm has rung, an error once it is closed.
	wait() error
	close() error
}

func newPacer(a alarm) *pacer {
	p := &pacer{alarm: a, done: make(chan struct{})}
	p.pool.New = func() any { return &sleeperEntry{woken: make(chan struct{}, 1)} }
	go p.loop()
	return p
}

// close ends the pacer. Nobody may sleep then.
func (p *pacer) close() error {
	err := p.alarm.close()
	<-p.done
	return err
}

func (p *pacer) sleep(ctx context.Context, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !time.Now().Before(until) {
		return nil
	}
	e := p.pool.Get().(*sleeperEntry)
	e.until = until
	p.mu.Lock()
	heap.Push(&p.waiting, e)
	p.arm()
	p.mu.Unlock()

	select {
	case <-e.woken:
		p.pool.Put(e)
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		if e.index >= 0 {
			heap.Remove(&p.waiting, e.index)
		} else {
			<-e.woken // it was woken in the same moment
		}
		p.mu.Unlock()
		p.pool.Put(e)
		return ctx.Err()
	}
}

func (p *pacer) loop() {
	defer close(p.done)
	for p.alarm.wait() == nil {
		p.mu.Lock()
		p.armed = time.Time{}
		p.wake()
		p.arm()
		p.mu.Unlock()
	}
}

// wake takes everyone who is due out of the heap. The caller holds mu.
func (p *pacer) wake() {
	now := time.Now()
	for len(p.waiting) > 0 && !p.waiting[0].until.After(now) {
		e := heap.Pop(&p.waiting).(*sleeperEntry)
		e.woken <- struct{}{}
	}
}

// arm sets the alarm for the earliest sleeper, unless it rings before that
// anyway. The caller holds mu.
func (p *pacer) arm() {
	if len(p.waiting) == 0 {
		return
	}
	next := p.waiting[0].until
	if !p.armed.IsZero() && !next.Before(p.armed) {
		return
	}
	p.armed = next
	// The alarm can only fail when it is closed, and then everything ends.
	_ = p.alarm.set(max(time.Until(next), time.Nanosecond))
}

// sleeperEntry is one sleeping goroutine.
type sleeperEntry struct {
	until time.Time
	index int           // in the heap; -1 when it has left it
	woken chan struct{} // capacity 1
}

// sleeperHeap implements heap.Interface, earliest first.
type sleeperHeap []*sleeperEntry

func (h sleeperHeap) Len() int           { return len(h) }
func (h sleeperHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h sleeperHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *sleeperHeap) Push(x any) {
	e := x.(*sleeperEntry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *sleeperHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
