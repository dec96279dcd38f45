package script

import (
	"github.com/dop251/goja"
)

// pendingFrames is how many calls a pending promise remembers, to name the
// place of the call when it is rejected.
const pendingFrames = 4

// pending is a promise that a native function has promised to settle.
type pending struct {
	r               *Runtime
	scope           *scope
	counted         bool // in its task's pending
	settled         bool
	resolve, reject func(any) error
	result          func() (any, error)
	frames          []goja.StackFrame
	frameSpace      [pendingFrames]goja.StackFrame
}

// Promise makes a promise that counts as pending work of the current task.
// settle may be called from any goroutine, once; its function runs on the loop,
// in the task's context, and resolves or rejects the promise. When the task was
// aborted, the function is not called.
func (r *Runtime) Promise() (promise goja.Value, settle func(func() (any, error))) {
	r.refuseAborted()
	p := &pending{r: r, scope: r.current}
	native, resolve, reject := r.vm.NewPromise()
	p.resolve, p.reject = resolve, reject
	p.frames = r.vm.CaptureCallStack(pendingFrames, p.frameSpace[:0])
	p.counted = r.beginWork(p.scope)
	return r.vm.ToValue(native), p.settleWith
}

func (p *pending) settleWith(result func() (any, error)) {
	p.result = result
	p.r.enqueue(item{settle: p})
}

// settle resolves or rejects a promise with what its native function found.
func (r *Runtime) settle(p *pending) {
	if p.settled || r.dropped(p.scope, p.counted) {
		return
	}
	if p.scope != nil && r.cutOff(p.scope.task) {
		return
	}
	p.settled = true
	r.endWork(p.scope, p.counted)
	r.enter(p.scope)
	var v any
	var err error
	if thrown := r.try(func() { v, err = p.result() }); thrown != nil {
		err = thrown
	}
	if err != nil {
		err = p.reject(r.rejectionValue(err, p.frames))
	} else {
		err = p.resolve(r.value(v))
	}
	r.cutShort(err)
}

// rejectionValue is the error with the stack of the call that began the work:
// where the work ended there is no JavaScript on the stack.
func (r *Runtime) rejectionValue(err error, stack []goja.StackFrame) goja.Value {
	v := r.errorValue(err)
	obj, ok := v.(*goja.Object)
	if !ok || !r.isError(obj) || len(parseStack(text(obj.Get("stack")))) > 0 {
		return v
	}
	if frames := userFrames(stack); len(frames) > 0 {
		full := errorText(obj)
		for _, f := range frames {
			full += "\n\t" + f.String()
		}
		_ = obj.DefineDataProperty("stack", r.vm.ToValue(full), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return v
}

// cutShort makes the running task fail when JavaScript ended in a way that
// promises do not see: the stack overflowed. (An interrupt ends the task itself.)
func (r *Runtime) cutShort(err error) {
	if err == nil || r.current == nil || r.current.task == nil {
		return
	}
	t := r.current.task
	if fault := r.fault(t.Op, err); fault != ErrInterrupted {
		r.settleTask(t, nil, fault)
	}
}

// beginWork counts work of the task of s. A task that has ended counts no
// more; the runtime always does.
func (r *Runtime) beginWork(s *scope) (counted bool) {
	r.pending++
	if s == nil || s.task == nil || s.task.ended {
		return false
	}
	s.task.pending++
	return true
}

func (r *Runtime) endWork(s *scope, counted bool) {
	r.pending--
	if counted {
		s.task.pending--
		r.finished = append(r.finished, s.task)
	}
}

// dropped is true for work whose task was aborted: it is not counted any more.
func (r *Runtime) dropped(s *scope, counted bool) bool { return counted && s.task.aborted }

// refuseAborted keeps code of an aborted task, should another one wake it up,
// from beginning anything new.
func (r *Runtime) refuseAborted() {
	if r.current != nil && r.current.task != nil && r.current.task.aborted {
		r.Throw(errAbortedTask)
	}
}
