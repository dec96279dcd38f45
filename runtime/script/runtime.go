package script

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// maxCallDepth is how many nested calls end with "maximum call stack size
// exceeded". Unwinding calls that went through native functions takes time by
// the square of their number: half a second at this depth.
const maxCallDepth = 3000

// Runtime is one JavaScript engine with its event loop. Methods may only be
// called on the loop (from init code, a task, or a settle function) unless
// their comment says otherwise.
type Runtime struct {
	id     int
	script *Script
	vm     *goja.Runtime
	began  time.Time
	runCtx context.Context
	breach atomic.Pointer[Breach] // the limit that its code has passed; nil: none

	exports   *goja.Object            // the script's
	modules   map[string]*goja.Object // what require() has given out, by import path
	classes   map[string]*class
	intrinsic intrinsics
	params    *paramSet
	inInit    bool
	helping   bool // evaluated for its params() calls only

	machine     restingMachine
	damaged     bool // code was cut off since the machine was last at rest
	interrupted bool // and not by a stack overflow
	loop
	tasks
	contexts contexts
	timers   timers
}

// intrinsics are the built-ins that native code needs, as they were before
// scripts could change them.
type intrinsics struct {
	errorClass, typeErrorClass *goja.Object
	promiseThen                goja.Callable
	freeze, stringify, parse   goja.Callable
	nothing                    goja.Callable // to run the promise reactions that wait
}

// NewRuntime evaluates the script's init code on a new Runtime. Flags that no
// params() call declared, and values of the wrong type, are a *ParamError; a
// fault of the init code is an *Error. Work that init code began (timers) is
// waited for. ctx is the run's: when it ends, running code is interrupted and
// every task ends with ErrInterrupted; the Runtime still has to be closed.
func (s *Script) NewRuntime(ctx context.Context, id int) (*Runtime, error) {
	r := newRuntime(ctx, s, id)
	r.begun.Store(1)
	err := r.Wait(Task{Op: "init", Run: r.evaluate, Done: func(goja.Value, error) { r.inInit = false }}, nil)
	r.begun.Store(0)
	set := r.params
	if paramErr := set.finish(); paramErr != nil {
		err = paramErr
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	s.mu.Lock()
	if s.params == nil {
		s.params = set.declared()
	}
	s.mu.Unlock()
	return r, nil
}

func newRuntime(ctx context.Context, s *Script, id int) *Runtime {
	r := &Runtime{
		id: id, script: s, vm: goja.New(), began: time.Now(), runCtx: ctx,
		modules: map[string]*goja.Object{}, classes: map[string]*class{},
		params: newParamSet(s), inInit: true,
	}
	r.contexts.known = map[context.Context]*taskContext{}
	r.loop.init()
	r.machine = atRest(r.vm)
	r.vm.SetMaxCallStackSize(maxCallDepth)
	// eval() must not read files through a sourceMappingURL comment.
	r.vm.SetParserOptions(parser.WithDisableSourceMaps)
	r.vm.SetAsyncContextTracker((*contextTracker)(r))
	r.vm.SetPromiseRejectionTracker(r.trackRejection)
	r.setIntrinsics()
	r.setGlobals()
	r.setDry()
	s.alive(r, true)
	go r.run()
	r.stopWatching = context.AfterFunc(ctx, r.interrupt)
	return r
}

func (r *Runtime) setIntrinsics() {
	r.intrinsic.errorClass = r.vm.Get("Error").(*goja.Object)
	r.intrinsic.typeErrorClass = r.vm.Get("TypeError").(*goja.Object)
	prototype := r.vm.Get("Promise").(*goja.Object).Get("prototype").(*goja.Object)
	r.intrinsic.promiseThen, _ = goja.AssertFunction(prototype.Get("then")) // a function by the language
	r.intrinsic.freeze, _ = goja.AssertFunction(r.vm.Get("Object").(*goja.Object).Get("freeze"))
	r.intrinsic.stringify, _ = goja.AssertFunction(r.vm.Get("JSON").(*goja.Object).Get("stringify"))
	r.intrinsic.parse, _ = goja.AssertFunction(r.vm.Get("JSON").(*goja.Object).Get("parse"))
	r.intrinsic.nothing, _ = goja.AssertFunction(r.vm.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() }))
	r.onFulfilled = r.vm.ToValue(r.taskFulfilled)
	r.onRejected = r.vm.ToValue(r.taskRejected)
}

// evaluate runs the bundle; the task's value is not used.
func (r *Runtime) evaluate(vm *goja.Runtime) (goja.Value, error) {
	wrapper, err := vm.RunProgram(r.script.program)
	if err != nil {
		return nil, err
	}
	call, ok := goja.AssertFunction(wrapper)
	if !ok {
		return nil, errors.New("the bundle is not a function")
	}
	module := vm.NewObject()
	r.exports = vm.NewObject()
	if err := module.Set("exports", r.exports); err != nil {
		return nil, err
	}
	_, err = call(goja.Undefined(), module, r.exports, vm.ToValue(r.require))
	if err != nil {
		return nil, err
	}
	if exports, ok := module.Get("exports").(*goja.Object); ok {
		r.exports = exports
	}
	return nil, nil
}

// require gives the exports of a module of the table; the bundler has turned
// imports into calls of it.
func (r *Runtime) require(call goja.FunctionCall) goja.Value {
	path := call.Argument(0).String()
	if exports := r.modules[path]; exports != nil {
		return exports
	}
	module := r.script.cfg.Modules[path]
	if module == nil {
		known := slices.Sorted(maps.Keys(r.script.cfg.Modules))
		r.Throw(&Error{Message: fmt.Sprintf("unknown import %q", path), Hint: importHint(path, known)})
	}
	values, err := module.Exports(r)
	if err != nil {
		r.Throw(fmt.Errorf("importing %q: %w", path, err))
	}
	exports := r.moduleObject(path, values)
	r.modules[path] = exports
	return exports
}

// moduleObject makes the object that import statements read. A name that the
// module does not have is an error that says so, not undefined: its prototype
// is a proxy, which only misses reach.
func (r *Runtime) moduleObject(path string, values map[string]any) *goja.Object {
	names := slices.Sorted(maps.Keys(values))
	exports := r.vm.NewObject()
	for _, name := range names {
		_ = exports.Set(name, r.value(values[name])) // a plain new object takes every name
	}
	_ = exports.DefineDataProperty("__esModule", r.vm.ToValue(true), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	misses := r.vm.NewProxy(r.vm.NewObject(), &goja.ProxyTrapConfig{
		Get: func(_ *goja.Object, name string, _ goja.Value) goja.Value {
			switch name {
			case "then", "default", "toJSON", "constructor", "toString", "valueOf":
				return goja.Undefined() // the language asks for these by itself
			}
			hint := didYouMean(name, names)
			if hint == "" {
				hint = "it exports " + joinNames(names)
			}
			r.Throw(&TypeError{Message: fmt.Sprintf("%q has no export %q; %s", path, name, hint)})
			return nil
		},
	})
	_ = exports.SetPrototype(r.vm.ToValue(misses).(*goja.Object)) // extensible
	return exports
}

// ParseJSON makes a value of JSON, whatever the script has made of JSON.parse.
func (r *Runtime) ParseJSON(text string) (goja.Value, error) {
	return r.intrinsic.parse(goja.Undefined(), r.vm.ToValue(text))
}

// ID is the number of the runtime in its run, from 0. Any goroutine.
func (r *Runtime) ID() int { return r.id }

// VM is the engine, for creating values.
func (r *Runtime) VM() *goja.Runtime { return r.vm }

// Script is the script that runs. Any goroutine.
func (r *Runtime) Script() *Script { return r.script }

// InInit is true while the init code is evaluated.
func (r *Runtime) InInit() bool { return r.inInit }

// Export returns an exported binding of the script ("default", "plan",
// "options"), nil when there is none.
func (r *Runtime) Export(name string) goja.Value {
	if r.exports == nil {
		return nil
	}
	var v goja.Value
	if err := r.try(func() { v = r.exports.Get(name) }); err != nil || v == nil || goja.IsUndefined(v) {
		return nil
	}
	return v
}
