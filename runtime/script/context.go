package script

import (
	"context"
	"reflect"
)

// ioContext is the context that tasks do their I/O with: it ends with the
// task's own and when the task is aborted. Tasks with the same parent share
// one, so that an iteration does not have to register with the parent.
type ioContext struct {
	parent context.Context
	ctx    context.Context
	cancel context.CancelFunc
	users  int
}

// Context ends when the current task should give up its I/O: with the task's
// Context, with the run, or when the task is aborted.
func (r *Runtime) Context() context.Context {
	if r.current == nil || r.current.task == nil {
		return r.runCtx
	}
	t := r.current.task
	if t.io == nil {
		t.io = r.contextFor(t)
		t.io.users++
	}
	return t.io.ctx
}

func (r *Runtime) contextFor(t *task) *ioContext {
	parent := t.Task.Context
	if parent == nil {
		parent = r.runCtx
	}
	comparable := reflect.TypeOf(parent).Comparable()
	if r.io != nil && comparable && r.io.parent == parent && !t.aborted {
		return r.io
	}
	made := &ioContext{parent: parent}
	made.ctx, made.cancel = context.WithCancel(parent)
	if t.aborted || t.ended {
		made.cancel()
		return made
	}
	if old := r.io; old != nil && old.users == 0 {
		old.cancel()
	}
	if comparable {
		r.io = made
	}
	return made
}

// releaseContext ends a context that no task uses and no task will get.
func (r *Runtime) releaseContext(t *task) {
	if t.io == nil {
		return
	}
	t.io.users--
	if t.io.users == 0 && t.io != r.io {
		t.io.cancel()
	}
}
