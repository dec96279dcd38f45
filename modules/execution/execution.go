// Package execution is the module "weir/execution": where in the run a script
// is, and how it ends the run.
//
// Everything that it tells is read anew each time, from the iteration that runs
// (metrics.Iteration, the value that follows an iteration through its awaits).
// Outside of iterations — in init code, setup, plan and teardown — there is
// none, and what belongs to an iteration is null.
package execution

import (
	"errors"
	"maps"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// Hooks are what the module needs of the run around it.
type Hooks struct {
	// Abort ends the run: nothing more starts, and what runs ends as it does at a
	// Ctrl-C. It is called on a runtime's loop, may be called several times and
	// from several runtimes at once, and must not wait for an iteration to end.
	// nil: scripts cannot end the run.
	Abort func(reason string)

	// SimURL is the base URL of the simulator that was started for this run, ""
	// for none.
	SimURL string

	// Instances is how many runs play the load together (--instance), at least 1.
	Instances int

	// SLOs are those that replace the script's (--goodput); may be nil.
	SLOs metrics.SLOs
}

// Module is "weir/execution" for one run.
type Module struct{ hooks Hooks }

// New makes the module.
func New(hooks Hooks) *Module { return &Module{hooks} }

// ErrAborted is in the chain of the exception that run.abort() throws. So is
// script.ErrInterrupted: the iteration that calls it was cut off, it did not fail.
var ErrAborted = errors.New("the script ended the run")

// Exports gives a runtime the objects of execution.d.ts, by name and as members
// of the default export.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	scenario, err := live(rt, map[string]func(*metrics.Iteration) any{
		"name":      func(it *metrics.Iteration) any { return it.Scenario },
		"iteration": func(it *metrics.Iteration) any { return it.Index },
		"vu":        func(it *metrics.Iteration) any { return it.VU },
		"tags":      func(it *metrics.Iteration) any { return tags(rt, it) },
	})
	if err != nil {
		return nil, err
	}
	run := rt.VM().NewObject()
	if err := run.Set("abort", func(call goja.FunctionCall) goja.Value { return m.abort(rt, call.Argument(0)) }); err != nil {
		return nil, err
	}
	slos := rt.VM().NewObject()
	for name, limit := range m.hooks.SLOs {
		if err := slos.Set(name, limit); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(run.Set("instances", m.hooks.Instances), run.Set("goodput", slos)); err != nil {
		return nil, err
	}
	exports := map[string]any{
		"scenario": scenario,
		"runtime":  map[string]any{"id": rt.ID()},
		"run":      run,
		"test":     run, // k6's name
		"sim":      nil,
	}
	if m.hooks.SimURL != "" {
		exports["sim"] = map[string]any{"url": m.hooks.SimURL}
	}
	exports["default"] = maps.Clone(exports)
	return exports, nil
}

// live makes an object whose properties are read from the running iteration.
func live(rt *script.Runtime, getters map[string]func(*metrics.Iteration) any) (*goja.Object, error) {
	o := rt.VM().NewObject()
	for name, get := range getters {
		getter := rt.VM().ToValue(func(goja.FunctionCall) goja.Value {
			if it, ok := rt.Current().(*metrics.Iteration); ok {
				return rt.VM().ToValue(get(it))
			}
			return goja.Null()
		})
		if err := o.DefineAccessorProperty(name, getter, nil, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// tags copies the iteration's tags: others read them too.
func tags(rt *script.Runtime, it *metrics.Iteration) *goja.Object {
	o := rt.VM().NewObject()
	for name, value := range it.Tags {
		_ = o.Set(name, value) // a plain new object takes every name
	}
	return o
}

// abort ends the run, and the calling function with an exception.
func (m *Module) abort(rt *script.Runtime, reason goja.Value) goja.Value {
	text := "run.abort() was called"
	if !goja.IsUndefined(reason) {
		text = reason.String()
	}
	if m.hooks.Abort == nil {
		rt.Throw(errors.New("run.abort(): this run cannot be ended by its script"))
	}
	m.hooks.Abort(text)
	rt.Throw(&abortError{text})
	return nil
}

type abortError struct{ reason string }

func (e *abortError) Error() string   { return "run aborted: " + e.reason }
func (e *abortError) Unwrap() []error { return []error{ErrAborted, script.ErrInterrupted} }
