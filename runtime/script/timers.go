package script

import (
	"cmp"
	"container/heap"
	"math"
	"time"

	"github.com/dop251/goja"
)

// timer is one setTimeout, setInterval or Sleep. It counts as pending work of the
// task that set it, until it has fired or was cleared.
type timer struct {
	id       int64
	scope    *scope
	counted  bool
	callback goja.Callable
	args     []goja.Value
	every    time.Duration // 0 for setTimeout
	clock    *time.Timer
	cleared  bool
	due      time.Duration // since the runtime began
	place    int           // in dues, -1: it is not there any more
}

// timers are the timers that are set; used on the loop only.
type timers struct {
	last int64
	set  map[int64]*timer
	next dues
}

// dues are timers as a heap, the one that is due first on top; of those that are due at the
// same time, the one that was set first. Go's own timers, each of which ends on a goroutine
// of its own, keep no order among them.
type dues []*timer

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(d[i].due, d[j].due), cmp.Compare(d[i].id, d[j].id)) < 0
}
func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}
func (d *dues) Push(x any) {
	t := x.(*timer)
	t.place = len(*d)
	*d = append(*d, t)
}
func (d *dues) Pop() any {
	last := len(*d) - 1
	t := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	t.place = -1
	return t
}

// remove takes out a timer that is not waited for any more.
func (d *dues) remove(t *timer) {
	if t.place >= 0 {
		heap.Remove(d, t.place)
	}
}

// maxTimer is the longest delay that JavaScript knows, in milliseconds.
const maxTimer = math.MaxInt32

func (r *Runtime) setTimers() {
	r.timers.set = map[int64]*timer{}
	r.global("setTimeout", func(call goja.FunctionCall) goja.Value { return r.setTimer("setTimeout", call, false) })
	r.global("setInterval", func(call goja.FunctionCall) goja.Value { return r.setTimer("setInterval", call, true) })
	r.global("setImmediate", func(call goja.FunctionCall) goja.Value {
		args := append([]goja.Value{call.Argument(0), r.vm.ToValue(0)}, call.Arguments[min(1, len(call.Arguments)):]...)
		return r.setTimer("setImmediate", goja.FunctionCall{Arguments: args}, false)
	})
	clearTimer := func(call goja.FunctionCall) goja.Value {
		r.clear(r.timers.set[call.Argument(0).ToInteger()])
		return goja.Undefined()
	}
	for _, name := range []string{"clearTimeout", "clearInterval", "clearImmediate"} {
		r.global(name, clearTimer)
	}
}

func (r *Runtime) setTimer(name string, call goja.FunctionCall, repeat bool) goja.Value {
	r.refuseAborted()
	callback, ok := goja.AssertFunction(call.Argument(0))
	if !ok {
		r.Throw(TypeErrorf("%s: the first argument must be a function, not %s", name, inspect(r, call.Argument(0))))
	}
	if repeat && r.inInit {
		r.Throw(TypeErrorf("setInterval is not possible in init code, which would never end: use it in setup() or in an iteration"))
	}
	ms := call.Argument(1).ToFloat()
	if !(ms >= 0 && ms <= maxTimer) { // also NaN
		ms = 0
	}
	delay := time.Duration(ms * float64(time.Millisecond))
	t := &timer{scope: r.current, callback: callback}
	if len(call.Arguments) > 2 {
		t.args = append(t.args, call.Arguments[2:]...)
	}
	if repeat {
		t.every = max(delay, time.Millisecond)
		delay = t.every
	}
	r.set(t, delay)
	return r.vm.ToValue(t.id)
}

// Sleep makes a promise that is fulfilled after d. It counts as pending work of
// the current task; when that is cut off, so is the sleep. woken is called on the
// loop before the promise is fulfilled; nil: nothing is.
func (r *Runtime) Sleep(d time.Duration, woken func()) goja.Value {
	r.refuseAborted()
	promise, resolve, _ := r.vm.NewPromise()
	wake := func(goja.Value, ...goja.Value) (goja.Value, error) {
		if woken != nil {
			woken()
		}
		return nil, resolve(goja.Undefined())
	}
	r.set(&timer{scope: r.current, callback: wake}, d)
	return r.vm.ToValue(promise)
}

// set starts a timer.
func (r *Runtime) set(t *timer, delay time.Duration) {
	r.timers.last++
	t.id = r.timers.last
	t.counted = r.beginWork(t.scope)
	r.timers.set[t.id] = t
	t.due = r.now() + max(delay, 0)
	heap.Push(&r.timers.next, t)
	if delay <= 0 {
		r.enqueue(item{timer: t})
	} else {
		t.clock = time.AfterFunc(delay, func() { r.enqueue(item{timer: t}) })
	}
}

// fire calls a timer's function on the loop, after those of timers that are due before it.
func (r *Runtime) fire(t *timer) {
	if t.cleared || t.place < 0 || t.due > r.now() { // it was called in the turn of another one
		return
	}
	if first := r.timers.next[0]; first != t {
		r.enqueue(item{timer: t})
		t = first
	}
	if t.scope != nil && r.cutOff(t.scope.task) {
		r.timers.next.remove(t)
		return
	}
	r.enter(t.scope)
	if t.every == 0 {
		r.clear(t)
	}
	_, err := t.callback(goja.Undefined(), t.args...)
	if err != nil {
		r.uncaught(err, t.scope)
	}
	if t.every > 0 && !t.cleared {
		t.due = r.now() + t.every
		heap.Fix(&r.timers.next, t.place)
		t.clock.Reset(t.every)
	}
}

// uncaught makes the task fail whose timer threw.
func (r *Runtime) uncaught(err error, s *scope) {
	if s == nil || s.task == nil || s.task.ended {
		if fault := r.fault("timer", err); fault != ErrInterrupted {
			r.script.console.write("error", fault.Error())
		}
		return
	}
	if fault := r.fault(s.task.Op, err); fault != ErrInterrupted {
		s.task.fail(fault)
	}
}

func (r *Runtime) clear(t *timer) {
	if t == nil || t.cleared {
		return
	}
	r.timers.drop(t)
	r.endWork(t.scope, t.counted)
}

func (ts *timers) drop(t *timer) {
	t.cleared = true
	if t.clock != nil {
		t.clock.Stop()
	}
	delete(ts.set, t.id)
	ts.next.remove(t)
}

// dropAborted stops the timers of aborted tasks; their work is not counted any more.
func (ts *timers) dropAborted() {
	for _, t := range ts.set {
		if t.counted && t.scope.task.aborted {
			ts.drop(t)
		}
	}
}

// dropAll stops every timer, when the loop ends.
func (ts *timers) dropAll() {
	for _, t := range ts.set {
		ts.drop(t)
	}
}
