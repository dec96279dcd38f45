package script

import (
	"sync"
	"sync/atomic"

	"github.com/dop251/goja"
)

// item is one thing for the loop to do. Exactly one field is set: a struct
// and not a closure, because every iteration makes several.
type item struct {
	start  *task
	settle *pending
	timer  *timer
}

// loop is the queue that goroutines put work in and the loop's goroutine takes
// it from, whole batches under one lock.
type loop struct {
	mu      sync.Mutex // protects the following fields
	ready   sync.Cond  // the loop waits on it when there is nothing to do
	waiting bool
	queue   []item
	aborts  []chan struct{} // Abort calls that wait for the loop
	closing bool

	requested atomic.Bool // interrupt was called and the loop has not dealt with it; set with mu held

	stopWatching func() bool // ends the watch on the run's context
	closed       chan struct{}
}

func (l *loop) init() {
	l.ready.L = &l.mu
	l.closed = make(chan struct{})
}

// enqueue reports whether the loop will take the item.
func (l *loop) enqueue(it item) bool {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return false
	}
	l.queue = append(l.queue, it)
	wake := l.waiting
	l.waiting = false
	l.mu.Unlock()
	if wake {
		l.ready.Signal()
	}
	return true
}

// run is the loop's goroutine.
func (r *Runtime) run() {
	defer close(r.closed)
	var batch []item
	for {
		var stop bool
		if batch, stop = r.next(batch[:0]); stop {
			return
		}
		for i := range batch {
			if r.requested.Load() || r.runEnded() && len(r.open) > 0 {
				// What follows in the batch is dealt with as the queue is.
				r.putBack(batch[i:])
				break
			}
			r.do(&batch[i])
		}
		clear(batch) // lets go of what the items hold
	}
}

// next waits for work, ends what Abort, Close or the run's end cut off, and
// returns the whole queue. The queue's old array becomes the next queue.
func (r *Runtime) next(empty []item) (batch []item, stop bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.cutOffLocked() {
			return empty, r.closing
		}
		if len(r.queue) > 0 {
			batch, r.queue = r.queue, empty
			return batch, false
		}
		if r.stuck() {
			// Nothing is pending and nothing is queued: nobody can settle the open tasks.
			r.mu.Unlock()
			r.failStuck()
			r.mu.Lock()
			continue
		}
		r.waiting = true
		r.ready.Wait()
		r.waiting = false
	}
}

// cutOffLocked ends the open and the queued tasks if that was asked for. mu is
// held; it is let go while the tasks' Done functions run.
func (r *Runtime) cutOffLocked() bool {
	hasTasks := len(r.open) > 0
	for _, it := range r.queue {
		hasTasks = hasTasks || it.start != nil
	}
	if !r.requested.Load() && !(hasTasks && r.runEnded()) {
		return false
	}
	r.requested.Store(false)
	aborts, queued := r.aborts, r.queue
	r.aborts, r.queue = nil, nil
	// Interrupt is only called with mu held and a request noted, so from here
	// on the flag is down until the next request.
	r.vm.ClearInterrupt()
	r.mu.Unlock()
	r.machine.dropJobs()
	r.abortTasks(queued)
	if r.isClosing() {
		r.timers.dropAll()
	}
	for _, done := range aborts {
		close(done)
	}
	r.mu.Lock()
	return true
}

// interrupt notes a request under the lock and stops running JavaScript.
func (r *Runtime) interrupt(note func()) {
	r.mu.Lock()
	note()
	r.requested.Store(true)
	r.vm.Interrupt(ErrInterrupted)
	wake := r.waiting
	r.waiting = false
	r.mu.Unlock()
	if wake {
		r.ready.Signal()
	}
}

func (r *Runtime) isClosing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

func (r *Runtime) putBack(rest []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(append([]item(nil), rest...), r.queue...)
}

// do runs one item and what follows from it until nothing is left to run but
// what others have to queue.
func (r *Runtime) do(it *item) {
	switch {
	case it.start != nil && r.runEnded():
		it.start.err = ErrInterrupted
		r.finish(it.start)
	case it.start != nil:
		r.begin(it.start)
	case it.settle != nil:
		r.settle(it.settle)
	case it.timer != nil:
		r.fire(it.timer)
	}
	r.endTurn()
}

// runEnded is true when the run's context has ended: tasks end at once.
func (r *Runtime) runEnded() bool { return r.runCtx.Err() != nil }

// mend repairs the engine after code was cut off, when nothing runs.
func (r *Runtime) mend() {
	for r.damaged {
		r.damaged = false
		r.machine.mend()
		// A stack overflow of one task must not keep the others' reactions from running.
		if !r.requested.Load() && !r.runEnded() {
			r.current = nil
			_, err := r.intrinsic.nothing(goja.Undefined())
			r.cutShort(err)
		}
	}
}

// try calls f, which may run JavaScript, and returns what was thrown in it:
// a *goja.Exception, *goja.InterruptedError or *goja.StackOverflowError.
func (r *Runtime) try(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *goja.InterruptedError:
			err, r.damaged = x, true
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

// Abort interrupts running code and ends every open task with ErrInterrupted;
// what those tasks had pending is dropped. The runtime can be used again when
// it returns. Any goroutine but the loop's.
func (r *Runtime) Abort() {
	done := make(chan struct{})
	accepted := false
	r.interrupt(func() {
		if accepted = !r.closing; accepted {
			r.aborts = append(r.aborts, done)
		}
	})
	if !accepted {
		<-r.closed
		return
	}
	<-done
}

// Close interrupts running code, ends open tasks with ErrInterrupted and ends
// the loop. Any goroutine but the loop's; a second call waits for the first.
func (r *Runtime) Close() {
	r.stopWatching()
	r.interrupt(func() { r.closing = true })
	<-r.closed
}
