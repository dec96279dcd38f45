package script

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"
)

// item is one thing for the loop to do. Exactly one of the pointers is set: a
// struct and not a closure, because every iteration makes several.
type item struct {
	start  *task
	settle *pending
	timer  *timer
	queued time.Duration // when it was queued, since the runtime began
}

// loop is the queue that goroutines put work in and the loop's goroutine takes
// it from, whole batches under one lock.
type loop struct {
	mu      sync.Mutex // protects the following fields
	ready   sync.Cond  // the loop waits on it when there is nothing to do
	waiting bool
	queue   []item
	closing bool

	// requested says that a task's context or the run's has ended, or that Close
	// was called, and that the loop has not dealt with it. Set with mu held.
	requested atomic.Bool
	running   atomic.Pointer[task] // whose code runs; nil: nobody's. Set by the loop only

	lag   atomic.Int64 // longest wait of an item since the last TakeLag, nanoseconds
	since atomic.Int64 // when the loop took up what it does, since the runtime began; 0: nothing, or it does not count
	begun atomic.Int64 // the same of the init code with all that it has begun
	next  atomic.Int64 // when the batch's next item was queued, since the runtime began; 0: there is none

	stopWatching func() bool // ends the watch on the run's context
	closed       chan struct{}
}

func (l *loop) init() {
	l.ready.L = &l.mu
	l.closed = make(chan struct{})
}

// enqueue reports whether the loop will take the item.
func (r *Runtime) enqueue(it item) bool {
	it.queued = r.now()
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		return false
	}
	r.queue = append(r.queue, it)
	wake := r.waiting
	r.waiting = false
	r.mu.Unlock()
	if wake {
		r.ready.Signal()
	}
	return true
}

// now is the time since the runtime began: a single read of the monotonic clock.
func (r *Runtime) now() time.Duration { return time.Since(r.began) }

// TakeLag is the longest time that something queued (an iteration to start, a
// request that has ended, a timer) has waited for the event loop since the last
// call; what waits now counts as long as it has waited. Any goroutine.
func (r *Runtime) TakeLag() time.Duration {
	lag := r.lag.Swap(0)
	oldest := r.next.Load()
	if oldest == 0 {
		r.mu.Lock()
		if len(r.queue) > 0 {
			oldest = int64(r.queue[0].queued)
		}
		r.mu.Unlock()
	}
	if oldest > 0 {
		lag = max(lag, int64(r.now())-oldest)
	}
	return time.Duration(lag)
}

// turnTime is how long the loop works before it lets the goroutines run that are
// ready, such as those that read responses. That alone is not enough: while every
// processor of Go has something to run, nobody asks the network what has arrived,
// for up to 10 ms. So a program should have a processor (GOMAXPROCS) more than
// it has loops.
const turnTime = time.Millisecond

// run is the loop's goroutine.
func (r *Runtime) run() {
	defer close(r.closed)
	var batch []item
	var gaveWay time.Duration
	for {
		var stop bool
		if batch, stop = r.nextBatch(batch[:0]); stop {
			return
		}
		for i := range batch {
			if r.requested.Load() && r.cut() {
				r.putBack(batch[i:])
				break
			}
			if now := r.note(batch, i); now-gaveWay > turnTime {
				runtime.Gosched()
				gaveWay = now
			}
			r.do(&batch[i])
		}
		r.next.Store(0)
		r.since.Store(0)
		clear(batch) // lets go of what the items hold
	}
}

// note keeps how long an item of the batch has waited. It returns the time.
func (r *Runtime) note(batch []item, i int) time.Duration {
	now := r.now()
	if lag := int64(now - batch[i].queued); lag > r.lag.Load() {
		r.lag.Store(lag)
	}
	next := int64(0)
	if i+1 < len(batch) {
		next = int64(batch[i+1].queued)
	}
	r.next.Store(next)
	r.since.Store(int64(now))
	return now
}

// nextBatch waits for work, deals with what was cut off meanwhile, and returns
// the whole queue. The queue's old array becomes the next queue.
func (r *Runtime) nextBatch(empty []item) (batch []item, stop bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.requested.Load() || r.closing:
			r.mu.Unlock()
			closing := r.cut()
			r.mu.Lock()
			if closing {
				queued := r.queue
				r.queue = nil
				r.mu.Unlock()
				r.drop(queued)
				r.mu.Lock()
				return empty, true
			}
		case len(r.queue) > 0:
			batch, r.queue = r.queue, empty
			return batch, false
		case r.stuck():
			// Nothing is pending and nothing is queued: nobody can settle the open tasks.
			r.mu.Unlock()
			r.failStuck()
			r.mu.Lock()
		default:
			r.waiting = true
			r.ready.Wait()
			r.waiting = false
		}
	}
}

// cut ends the tasks that are over, all of them when the run has ended or the
// runtime is being closed, which it reports.
func (r *Runtime) cut() (closing bool) {
	r.mu.Lock()
	// What asks for more from here on will be dealt with the next time.
	r.requested.Store(false)
	closing = r.closing
	r.vm.ClearInterrupt()
	r.mu.Unlock()
	all := closing || r.runEnded()
	r.dropContexts(all)
	r.cutTasks(all)
	if closing {
		r.timers.dropAll()
	}
	return closing
}

// drop ends the tasks that were queued when the loop ends.
func (r *Runtime) drop(queued []item) {
	for _, it := range queued {
		if it.start != nil {
			it.start.err = ErrInterrupted
			r.finish(it.start)
		}
	}
}

// interrupt asks the loop to end the tasks that are over, and stops the code
// that runs if it belongs to one of them. Any goroutine.
func (r *Runtime) interrupt() {
	r.mu.Lock()
	r.requested.Store(true)
	r.aim()
	wake := r.waiting
	r.waiting = false
	r.mu.Unlock()
	if wake {
		r.ready.Signal()
	}
}

// aim sets the engine's interrupt flag if the code that runs has to stop, and
// takes it back if other code runs by now. mu is held.
func (r *Runtime) aim() {
	t := r.running.Load()
	if t != nil && t.over() || r.closing || r.runEnded() {
		r.vm.Interrupt(ErrInterrupted)
	} else {
		r.vm.ClearInterrupt()
	}
}

// enter notes that code of s runs from now on. Whoever interrupts makes the
// request first and looks then at whose code runs; enter goes the other way
// round, so one of the two sees the other and the right code is hit.
func (r *Runtime) enter(s *scope) {
	r.current = s
	if s == nil {
		r.runFor(nil)
	} else {
		r.runFor(s.task)
	}
}

func (r *Runtime) runFor(t *task) {
	if r.running.Load() == t {
		return
	}
	r.running.Store(t)
	if r.requested.Load() {
		r.mu.Lock()
		r.aim()
		r.mu.Unlock()
	}
}

func (r *Runtime) putBack(rest []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(append([]item(nil), rest...), r.queue...)
}

// do runs one item and what follows from it until nothing is left to run but
// what others have to queue.
func (r *Runtime) do(it *item) {
	defer r.survive()
	switch {
	case it.start != nil:
		r.begin(it.start)
	case it.settle != nil:
		r.settle(it.settle)
	case it.timer != nil:
		r.fire(it.timer)
	}
	r.endTurn()
}

// survive makes a fault of the script of what the engine cannot do and does not check, such
// as a number with more bits than there is memory for.
func (r *Runtime) survive() {
	x := recover()
	if x == nil {
		return
	}
	fault, ok := x.(runtime.Error)
	if !ok {
		panic(x)
	}
	r.damaged = true
	if t := r.running.Load(); t != nil && !t.ended {
		r.settleTask(t, nil, &Error{Op: t.Op, File: r.script.Path, Message: "the script engine cannot do what the code asks for: " + fault.Error(), Hint: "look for numbers, texts or lists that are far too large"})
	}
	r.endTurn()
}

// runEnded is true when the run's context has ended: tasks end at once.
func (r *Runtime) runEnded() bool { return r.runCtx.Err() != nil }

// mend repairs the engine after code was cut off, when nothing runs.
//
// Promise reactions that waited behind interrupted code are gone: goja does not
// keep them. They are nearly always the interrupted task's own, since only a
// promise that tasks share puts reactions of several into one turn.
func (r *Runtime) mend() {
	for r.damaged {
		r.damaged = false
		r.machine.mend()
		if r.interrupted {
			r.interrupted = false
			r.machine.dropJobs()
			continue
		}
		// A stack overflow of one task must not keep the others' reactions from running.
		r.enter(nil)
		_, err := r.intrinsic.nothing(goja.Undefined())
		r.cutShort(err)
	}
}

// try calls f, which may run JavaScript, and returns what was thrown in it:
// a *goja.Exception, *goja.InterruptedError or *goja.StackOverflowError.
func (r *Runtime) try(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *goja.InterruptedError:
			err, r.damaged, r.interrupted = x, true, true
			r.stoppedAt(x)
		case *goja.StackOverflowError:
			err, r.damaged = x, true
		default:
			panic(x)
		}
	}()
	if ex := r.vm.Try(f); ex != nil {
		return ex
	}
	return nil
}

// Close interrupts running code, ends open tasks with ErrInterrupted and ends
// the loop. Any goroutine but the loop's; a second call waits for the first.
func (r *Runtime) Close() {
	r.stopWatching()
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.interrupt()
	<-r.closed
	r.script.alive(r, false)
}
