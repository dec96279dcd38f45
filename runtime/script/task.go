package script

import (
	"context"
	"errors"
	"reflect"

	"github.com/dop251/goja"
)

// Task is a call into JavaScript: a setup, one step of a plan, an iteration.
type Task struct {
	Op string // for error texts: "setup", "iteration"
	// When Context ends, the task ends with ErrInterrupted: its code is
	// interrupted if it is running, and what it has pending is dropped. Other
	// tasks go on. It must be comparable, as those of package context are; many
	// tasks should share one. nil: the run's.
	Context context.Context
	Value   any // what Runtime.Current returns while it runs, also after an await
	// Run is called on the loop. When it returns a promise, the task waits for it.
	Run func(vm *goja.Runtime) (goja.Value, error)
	// Done is called once, on the loop: with the value or what the promise
	// became, a *Error for an exception or rejection, or ErrInterrupted. An
	// error of Run that did not come from JavaScript is passed on as it is.
	// A task is done when its promise is settled and no work that it began is
	// pending; and it fails when nothing is pending that could settle it.
	// When the Runtime is closed already, Start calls it instead.
	Done func(v goja.Value, err error)
}

// task is a Task that was started.
type task struct {
	Task
	scope   scope
	place   int  // in tasks.open
	pending int  // promises and timers that it began
	settled bool // value and err are final, but for an unhandled rejection
	ended   bool // Done was called
	aborted bool
	value   goja.Value
	err     error
	context *taskContext // nil: it has not begun
}

// over tells whether the task has to end because its context has.
func (t *task) over() bool { return t.context != nil && t.context.ctx.Err() != nil }

// scope is what follows a task through its awaits; With makes further ones.
type scope struct {
	task  *task
	value any
}

// tasks is the state of the loop's goroutine about open tasks.
type tasks struct {
	open     []*task
	pending  int     // promises and timers of the whole runtime
	current  *scope  // of the code that runs now; enter sets it
	finished []*task // may have ended in this turn
	rejected []rejection

	onFulfilled, onRejected goja.Value // reactions to tasks' promises
}

// rejection is a promise that was rejected while nobody listened.
type rejection struct {
	promise *goja.Promise
	scope   *scope
}

// Start queues a task. Any goroutine. Tasks run one after another but overlap
// in their awaits.
func (r *Runtime) Start(t Task) {
	started := &task{Task: t}
	started.scope = scope{task: started, value: t.Value}
	if !r.enqueue(item{start: started}) && t.Done != nil {
		t.Done(nil, ErrInterrupted)
	}
}

// Wait runs a task and waits for its end; not from the loop. read is called on
// the loop with the task's value (nil: ignore it); an exception in it is an
// *Error as well. The task's own Done, if any, is called before.
func (r *Runtime) Wait(t Task, read func(goja.Value) error) error {
	result := make(chan error, 1)
	done := t.Done
	t.Done = func(v goja.Value, err error) {
		if done != nil {
			done(v, err)
		}
		if err == nil && read != nil {
			if thrown := r.try(func() { err = read(v) }); thrown != nil {
				err = thrown
			}
			err = r.fault(t.Op, err)
		}
		result <- err
	}
	r.Start(t)
	return <-result
}

// begin runs a task's Run.
func (r *Runtime) begin(t *task) {
	t.context = r.contextOf(t.Task.Context)
	if t.over() || r.runEnded() {
		t.err = ErrInterrupted
		r.finish(t)
		return
	}
	t.place = len(r.open)
	r.open = append(r.open, t)
	r.enter(&t.scope)
	var v goja.Value
	var err error
	if thrown := r.try(func() { v, err = t.Run(r.vm) }); thrown != nil {
		err = thrown
	}
	if err != nil {
		err = r.fault(t.Op, err)
	}
	if r.interrupted { // also when Run took what it could not read for something that is not there
		err = ErrInterrupted
	}
	if err != nil {
		r.settleTask(t, nil, err)
		return
	}
	promise := promiseOf(v)
	if promise == nil {
		r.settleTask(t, v, nil)
		return
	}
	switch promise.State() {
	case goja.PromiseStateFulfilled:
		r.settleTask(t, promise.Result(), nil)
	case goja.PromiseStateRejected:
		r.forgetRejection(promise)
		r.settleTask(t, nil, r.thrown(t.Op, promise.Result(), nil))
	default:
		// One pair of reactions serves all tasks: which one is meant comes
		// with the async context.
		r.enter(&t.scope)
		if _, err := r.intrinsic.promiseThen(v, r.onFulfilled, r.onRejected); err != nil {
			r.settleTask(t, nil, r.fault(t.Op, err))
		}
	}
}

func (r *Runtime) taskFulfilled(call goja.FunctionCall) goja.Value {
	r.settleTask(r.current.task, call.Argument(0), nil)
	return goja.Undefined()
}

func (r *Runtime) taskRejected(call goja.FunctionCall) goja.Value {
	t := r.current.task
	r.settleTask(t, nil, r.thrown(t.Op, call.Argument(0), nil))
	return goja.Undefined()
}

// settleTask notes what became of a task; the first fault stays.
func (r *Runtime) settleTask(t *task, v goja.Value, err error) {
	t.settled, t.value = true, v
	t.fail(err)
	r.finished = append(r.finished, t)
}

func (t *task) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// endTurn judges unhandled rejections, now that the microtask queue is empty,
// and ends the tasks that have nothing more to wait for.
func (r *Runtime) endTurn() {
	r.mend()
	for len(r.rejected) > 0 || len(r.finished) > 0 {
		r.enter(nil)
		rejected := r.rejected
		r.rejected = nil
		for _, x := range rejected {
			r.unhandled(x)
		}
		finished := r.finished
		r.finished = nil
		for _, t := range finished {
			if t.settled && t.pending == 0 && !t.ended {
				r.end(t)
			}
		}
		r.mend()
	}
	r.enter(nil)
}

// end takes a task off the open ones and calls its Done.
func (r *Runtime) end(t *task) {
	t.aborted = t.err == ErrInterrupted
	last := len(r.open) - 1
	r.open[t.place] = r.open[last]
	r.open[t.place].place = t.place
	r.open[last] = nil
	r.open = r.open[:last]
	r.finish(t)
}

func (r *Runtime) finish(t *task) {
	t.ended = true
	if t.Done == nil {
		return
	}
	r.runFor(t) // Done may look at the value, and so run getters
	if t.err != nil {
		t.Done(nil, t.err)
	} else {
		t.Done(t.value, nil)
	}
	r.runFor(nil)
}

// cutTasks ends the open tasks that are over, or all, with ErrInterrupted, and
// drops what they have pending.
func (r *Runtime) cutTasks(all bool) {
	var over []*task
	for _, t := range r.open {
		if all || t.over() {
			over = append(over, t)
		}
	}
	if len(over) == 0 {
		return
	}
	for _, t := range over {
		t.aborted, t.err = true, ErrInterrupted
		r.pending -= t.pending
		t.pending = 0
	}
	r.timers.dropAborted()
	for _, t := range over {
		r.end(t)
	}
}

// cutOff ends what is over when that includes t, which comes up for running:
// code that is being cut off must not go on with what its requests, given up,
// came to. It is false for a task that may go on.
func (r *Runtime) cutOff(t *task) bool {
	if t == nil || t.ended || !t.over() {
		return false
	}
	r.cutTasks(false)
	return true
}

// stuck is true when open tasks wait for what nobody can do any more.
func (r *Runtime) stuck() bool { return r.pending == 0 && len(r.open) > 0 }

// failStuck ends all open tasks: no promise, timer or queued task is left that
// could settle theirs.
func (r *Runtime) failStuck() {
	for _, t := range append([]*task(nil), r.open...) {
		t.fail(&Error{
			Op:      t.Op,
			Message: "waits for a promise that nothing can settle any more: no request, timer or other task is pending",
			Hint:    "look for a promise whose resolve function is never called",
		})
		r.end(t)
	}
	r.endTurn()
}

// trackRejection is goja's report of promises that are rejected unheard, and
// of those that get a listener after all.
func (r *Runtime) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionHandle {
		r.forgetRejection(p)
		return
	}
	r.rejected = append(r.rejected, rejection{p, r.current})
}

func (r *Runtime) forgetRejection(p *goja.Promise) {
	for i, x := range r.rejected {
		if x.promise == p {
			r.rejected = append(r.rejected[:i], r.rejected[i+1:]...)
			return
		}
	}
}

// unhandled makes the task fail in which a promise was rejected unheard. When
// that task has ended already, all that is left is to say it.
func (r *Runtime) unhandled(x rejection) {
	if x.scope != nil && x.scope.task != nil && x.scope.task.aborted {
		return
	}
	if x.scope == nil || x.scope.task == nil || x.scope.task.ended {
		err := r.thrown("after the end of its task", x.promise.Result(), nil)
		r.script.console.write("error", err.Error())
		return
	}
	t := x.scope.task
	err := r.thrown(t.Op, x.promise.Result(), nil)
	err.Message += " (unhandled rejection)"
	t.fail(err)
	r.finished = append(r.finished, t)
}

var promiseType = reflect.TypeFor[*goja.Promise]()

// promiseOf returns the promise that v is, or nil.
func promiseOf(v goja.Value) *goja.Promise {
	obj, ok := v.(*goja.Object)
	if !ok || obj.ExportType() != promiseType {
		return nil
	}
	promise, _ := obj.Export().(*goja.Promise)
	return promise
}

// Current is the Value of the current task, nil in init code.
func (r *Runtime) Current() any {
	if r.current == nil {
		return nil
	}
	return r.current.value
}

// With calls fn with another Current value, which also holds in what fn awaits.
func (r *Runtime) With(value any, fn func() (goja.Value, error)) (goja.Value, error) {
	outer := r.current
	defer func() { r.enter(outer) }()
	inner := &scope{value: value}
	if outer != nil {
		inner.task = outer.task
	}
	r.enter(inner)
	return fn()
}

// contextTracker carries the scope over awaits and promise reactions; see goja.AsyncContextTracker.
type contextTracker Runtime

func (c *contextTracker) Grab() any { return c.current }

func (c *contextTracker) Resumed(tracked any) {
	s, _ := tracked.(*scope)
	(*Runtime)(c).enter(s)
}

// Exited leaves the scope in place: goja rejects a reaction's promise after it,
// and does not track the call of a thenable's then, which most likely belongs
// to the job that ran before it.
func (c *contextTracker) Exited() {}

var errAbortedTask = errors.New("the task that this code belongs to was interrupted; it cannot begin anything new")
