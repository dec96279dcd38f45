// Package pacer waits until points in time, exactly: on an idle machine it is
// late by some tens of microseconds, where the Go runtime's own timers may be
// late by a millisecond on Linux (an idle runtime sleeps in whole milliseconds).
//
// One goroutine waits for an alarm, which on Linux is a kernel timer. What waits
// stands in a heap, earliest first: goroutines to wake ([Pacer.Sleep]), and
// functions to call ([Pacer.Repeat]), which cost no switch to another goroutine.
// A timer of the Go runtime stands by: a busy runtime does not look at kernel
// timers before it has nothing else to do or 10 ms have passed, but at its own
// ones between any two goroutines. [Sleep] and [Repeat] do the same as a pacer
// with such timers alone.
//
// Nothing here makes a machine faster: where all processors are busy everything
// comes late, in the order of its time, and the caller has to look at the clock.
package pacer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClosed is what waits end with when their pacer is closed.
var ErrClosed = errors.New("the pacer is closed")

// errCancelled ends a repetition whose context is done.
var errCancelled = errors.New("cancelled")

// rest is how long the alarm is silent after it was served. Times that lie
// closer together are served by one ringing, late by this much at most; each
// ringing costs a timer interrupt, a thread switch and two system calls, which
// at 50,000 times a second were half of the cost of all waiting.
const rest = 50 * time.Microsecond

// standBy is how much later than the alarm the stand-by timer rings: on an idle
// machine never, as the alarm has rung and both have been set anew.
const standBy = 100 * time.Microsecond

// Pacer serves any number of waits. It may be used by several goroutines; make
// it with [New].
type Pacer struct {
	alarm   alarm
	standBy *time.Timer   // calls serve
	base    time.Time     // origin of the times below; it has a monotonic reading
	done    chan struct{} // closed when the pacer's goroutine has ended
	pool    sync.Pool     // of *wait

	mu      sync.Mutex // protects the following fields
	waiting waits
	armed   time.Duration // what the alarm is set to; never when it is not set
	serving bool          // somebody is at work, and will set the alarm
	served  sync.Cond     // serving has become false
	closed  bool
}

// never is later than everything.
const never = time.Duration(1<<63 - 1)

// alarm is a clock that rings once after it was set.
type alarm interface {
	// set makes the alarm ring after d, which is positive; an earlier setting is
	// forgotten.
	set(d time.Duration) error
	// wait returns nil when the alarm has rung, an error once it is closed.
	wait() error
	// close makes wait return an error, now and later.
	close() error
}

// New returns a pacer. It holds a kernel timer and a goroutine until it is
// closed. The error says why the system gives no timer.
func New() (*Pacer, error) {
	a, err := newAlarm()
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return newPacer(a), nil
}

func newPacer(a alarm) *Pacer {
	p := &Pacer{alarm: a, base: time.Now(), done: make(chan struct{}), armed: never}
	p.pool.New = func() any { return &wait{over: make(chan error, 1)} }
	p.served.L = &p.mu
	p.standBy = time.AfterFunc(time.Hour, p.serve)
	p.standBy.Stop()
	go p.loop()
	return p
}

// Close ends the pacer, and with [ErrClosed] everything that still waits.
func (p *Pacer) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.done
		return nil
	}
	p.closed = true
	for len(p.waiting) > 0 {
		p.waiting.pop().over <- ErrClosed
	}
	for p.serving {
		p.served.Wait()
	}
	p.mu.Unlock()
	p.standBy.Stop()
	err := p.alarm.close()
	<-p.done
	return err
}

// Sleep waits until a point in time, given with a monotonic clock reading; it
// returns at once for one that has passed. It returns early with the error of
// ctx when that is done, and with [ErrClosed] when the pacer is closed.
func (p *Pacer) Sleep(ctx context.Context, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !time.Now().Before(until) {
		return nil
	}
	return p.wait(ctx, until, nil)
}

// Repeat calls f at a point in time, then at each further one that f returns,
// until f says that it does not want to be called again. It returns early as
// Sleep does; f is never running when Repeat has returned.
//
// The functions of all repetitions of a pacer are called one after the other: f
// must not block and should be done in some microseconds, or it makes
// the others late. It must not use the pacer.
func (p *Pacer) Repeat(ctx context.Context, at time.Time, f func() (next time.Time, again bool)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.wait(ctx, at, f)
}

// wait puts a wait into the heap and returns when it is over.
func (p *Pacer) wait(ctx context.Context, until time.Time, call func() (time.Time, bool)) error {
	w := p.pool.Get().(*wait)
	w.until, w.call, w.cancelled = until.Sub(p.base), call, false
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.waiting.push(w)
	if !p.serving {
		p.arm(time.Since(p.base), 0)
	}
	p.mu.Unlock()

	var err error
	select {
	case err = <-w.over:
	case <-ctx.Done():
		err = p.cancel(w)
		if call == nil || err == errCancelled {
			err = ctx.Err()
		}
	}
	w.call = nil
	p.pool.Put(w)
	return err
}

// cancel takes a wait out of the heap, or awaits the end of the call that is
// under way.
func (p *Pacer) cancel(w *wait) error {
	p.mu.Lock()
	if w.place >= 0 {
		p.waiting.remove(w.place)
		p.mu.Unlock()
		return errCancelled
	}
	w.cancelled = true
	p.mu.Unlock()
	return <-w.over
}

// loop is the pacer's goroutine.
func (p *Pacer) loop() {
	defer close(p.done)
	for p.alarm.wait() == nil {
		p.serve()
	}
}

// serve ends the waits whose time has come.
func (p *Pacer) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.serving {
		return
	}
	p.serving, p.armed = true, never
	now := time.Since(p.base)
	for len(p.waiting) > 0 && p.waiting[0].until <= now {
		if w := p.waiting.pop(); w.call == nil {
			w.over <- nil
		} else {
			p.call(w)
			now = time.Since(p.base)
		}
	}
	p.serving = false
	p.served.Broadcast()
	p.arm(now, rest)
}

// call calls the function of a wait that has left the heap, and puts it back if
// it wants so. The caller holds mu, which is free during the call.
func (p *Pacer) call(w *wait) {
	p.mu.Unlock()
	next, again := w.call()
	p.mu.Lock()
	switch {
	case !again:
		w.over <- nil
	case p.closed:
		w.over <- ErrClosed
	case w.cancelled:
		w.over <- errCancelled
	default:
		w.until = next.Sub(p.base)
		p.waiting.push(w)
	}
}

// arm sets the alarm for the earliest wait, but not before the pause has passed,
// unless it rings before that anyway. The caller holds mu.
func (p *Pacer) arm(now, pause time.Duration) {
	if p.closed || len(p.waiting) == 0 {
		return
	}
	next := max(p.waiting[0].until, now+max(pause, time.Nanosecond))
	if next >= p.armed {
		return
	}
	p.armed = next
	// The alarm can only fail when it is closed, and then everything ends.
	_ = p.alarm.set(next - now)
	p.standBy.Reset(next - now + standBy)
}

// Sleep waits as [Pacer.Sleep] does, with the Go runtime's timers: for times that
// a millisecond does not matter to, and for the clock of testing/synctest.
func Sleep(ctx context.Context, until time.Time) error {
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

// Repeat calls f as [Pacer.Repeat] does, on the caller's own goroutine, so that f
// may block; sleep does the waiting in between, such as [Sleep] or the method of
// a pacer.
func Repeat(ctx context.Context, at time.Time, f func() (next time.Time, again bool), sleep func(context.Context, time.Time) error) error {
	for again := true; again; {
		if err := sleep(ctx, at); err != nil {
			return err
		}
		at, again = f()
	}
	return nil
}
