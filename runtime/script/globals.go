package script

import (
	_ "embed"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
)

// preludeName is the file name of the prelude in stacks, which leave it out.
const preludeName = "weir-prelude"

// These define what is easier said in JavaScript. Each is a function of the
// global object and the natives that it needs.
var (
	//go:embed prelude.js
	preludeSource string
	//go:embed bounds.js
	boundsSource string
	//go:embed url.js
	urlSource string

	// preludes are these, compiled when the first script is loaded: other commands do without.
	preludes = sync.OnceValue(func() []*goja.Program {
		return []*goja.Program{goja.MustCompile(preludeName, preludeSource, true), goja.MustCompile(preludeName, boundsSource, true), goja.MustCompile(preludeName, urlSource, true)}
	})
)

// global defines a global that scripts may replace, as in browsers.
func (r *Runtime) global(name string, value any) {
	_ = r.vm.GlobalObject().DefineDataProperty(name, r.vm.ToValue(value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE) // the global object is extensible
}

// setGlobals gives scripts what is found around them without an import.
func (r *Runtime) setGlobals() {
	r.setSymbols()
	r.setTimers()
	r.setConsole()
	r.setEncoding()
	r.setCrypto()
	r.setPerformance()
	r.setEnv()
	r.global("open", r.openFile)
	for _, program := range preludes() {
		define, err := r.vm.RunProgram(program)
		if err == nil {
			call, _ := goja.AssertFunction(define)
			_, err = call(goja.Undefined(), r.vm.GlobalObject(), r.urlNatives())
		}
		if err != nil {
			panic("script: the prelude: " + err.Error()) // weir's own code
		}
	}
}

// setSymbols defines the well-known symbols that goja lacks.
func (r *Runtime) setSymbols() {
	symbol := r.vm.Get("Symbol").(*goja.Object)
	for name, value := range map[string]*goja.Symbol{"asyncIterator": symAsyncIterator, "dispose": symDispose, "asyncDispose": symAsyncDispose} {
		_ = symbol.DefineDataProperty(name, value, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
}

// setPerformance gives the time since the runtime's start in milliseconds, by
// a clock that never goes back.
func (r *Runtime) setPerformance() {
	obj := r.vm.NewObject()
	_ = obj.Set("now", func(goja.FunctionCall) goja.Value {
		return r.vm.ToValue(float64(time.Since(r.began)) / float64(time.Millisecond))
	})
	_ = obj.Set("timeOrigin", float64(r.began.UnixNano())/float64(time.Millisecond))
	r.global("performance", obj)
}

// setEnv gives the environment as k6 does. Without Config.LookupEnv it is empty.
func (r *Runtime) setEnv() {
	r.global("__ENV", r.vm.NewDynamicObject(&environment{r: r, own: map[string]goja.Value{}}))
}

// environment reads the variables through Config.LookupEnv; what a script
// sets stays in its runtime. A script that came from elsewhere is shown none.
type environment struct {
	r   *Runtime
	own map[string]goja.Value // nil: deleted
}

func (e *environment) Get(key string) goja.Value {
	if v, set := e.own[key]; set {
		return v
	}
	if lookup := e.r.script.cfg.LookupEnv; lookup != nil && !e.r.script.cfg.Access.Limited() {
		if v, found := lookup(key); found {
			return e.r.vm.ToValue(v)
		}
	}
	return nil
}

func (e *environment) Set(key string, v goja.Value) bool {
	e.own[key] = v
	return true
}

func (e *environment) Has(key string) bool { return e.Get(key) != nil }

func (e *environment) Delete(key string) bool {
	e.own[key] = nil
	return true
}

// Keys are those of the process's environment that LookupEnv knows, and the script's own.
func (e *environment) Keys() []string {
	names := map[string]bool{}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names[name] = true
	}
	for name := range e.own {
		names[name] = true
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool { return name == "" || !e.Has(name) })
	return slices.Sorted(maps.Keys(names))
}
