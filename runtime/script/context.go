package script

import "context"

// taskContext is a context that tasks were started with, as one runtime knows
// it. Tasks with the same one share it, so that an iteration neither registers
// with its context nor makes one of its own.
type taskContext struct {
	ctx     context.Context // what tasks do their I/O with: ends with theirs, or when the runtime is closed
	cancel  context.CancelFunc
	unwatch func() bool // ends the watch on ctx
}

// contexts are the contexts of tasks that have not ended; used on the loop only.
type contexts struct {
	known map[context.Context]*taskContext // by the tasks' own
	last  context.Context                  // the newest one asked for
	found *taskContext                     // which is this
}

// Context ends when the current task should give up its I/O: with the task's
// Context, with the run, or when the runtime is closed.
func (r *Runtime) Context() context.Context {
	if r.current == nil || r.current.task == nil {
		return r.runCtx
	}
	return r.current.task.context.ctx
}

// contextOf is what the runtime knows of a task's context, nil: the run's.
func (r *Runtime) contextOf(own context.Context) *taskContext {
	if own == nil {
		own = r.runCtx
	}
	c := &r.contexts
	if own == c.last {
		return c.found
	}
	made := c.known[own]
	if made == nil {
		made = &taskContext{}
		made.ctx, made.cancel = context.WithCancel(own)
		made.unwatch = context.AfterFunc(made.ctx, r.interrupt)
		c.known[own] = made
	}
	c.last, c.found = own, made
	return made
}

// dropContexts forgets the contexts that have ended; all: it ends the others too.
func (r *Runtime) dropContexts(all bool) {
	for own, c := range r.contexts.known {
		if all || c.ctx.Err() != nil {
			c.unwatch()
			c.cancel()
			delete(r.contexts.known, own)
		}
	}
	r.contexts.last, r.contexts.found = nil, nil
}
