package dataset

import (
	"fmt"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// Module is "weir/dataset" for one run. It may be used by several goroutines.
type Module struct {
	first, next time.Duration // until progress is told, and told again

	mu     sync.Mutex // protects the fields below; not held while anything is made
	made   map[any]*making
	opened []string // files and folders that were read
}

// New returns the module of a run.
func New() *Module {
	return &Module{first: firstProgress, next: nextProgress, made: map[any]*making{}}
}

// entry is the place of what init code makes of an equal description.
func (m *Module) entry(key any) *making {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.made[key]
	if e == nil {
		e = &making{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		m.made[key] = e
	}
	return e
}

// Exports implements script.Module.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	k := newMaker(rt, m)
	function := func(f func(goja.FunctionCall) (script.Shared, error)) func(goja.FunctionCall) goja.Value {
		return func(call goja.FunctionCall) goja.Value {
			made, err := f(call)
			if err != nil {
				rt.Throw(err)
			}
			return made.Object(rt)
		}
	}
	// making is for what takes long.
	making := func(name string, f func(goja.FunctionCall) (script.Shared, error)) func(goja.FunctionCall) goja.Value {
		return function(func(call goja.FunctionCall) (script.Shared, error) {
			if _, isIteration := rt.Current().(*metrics.Iteration); isIteration {
				return nil, fmt.Errorf("%s: this takes long, and in an iteration it would disturb what is measured: do it in init code, setup or plan, and pass it on as data", name)
			}
			return f(call)
		})
	}
	return map[string]any{
		className:          classOf(k),
		sessionsClassName:  sessionsClass(rt),
		"read":             making("read", k.read),
		"save":             making("save", k.save),
		"mix":              function(k.mix),
		"formats":          formats(rt.VM()),
		mediaClassName:     mediaClass(rt),
		mediaListClassName: mediaListClass(rt),
		messagesClassName:  messagesClass(rt),
		"synthetic":        making("synthetic", k.synthetic),
		"images":           making("images", k.images),
		"audio":            making("audio", k.audio),
		"imageFiles":       making("imageFiles", func(c goja.FunctionCall) (script.Shared, error) { return k.files("imageFiles", Image, c) }),
		"audioFiles":       making("audioFiles", func(c goja.FunctionCall) (script.Shared, error) { return k.files("audioFiles", Audio, c) }),
		"withMedia":        function(k.withMedia),
		"messages":         function(k.messages),
	}, nil
}
