// Package profile is the module weir/profile: profilers that run during the load of
// chosen cases, each given as the case's option profile.
//
// The functions only read their options, so they may be called in init code, in setup
// and in plan; package profiling does the work when the case is played.
package profile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dop251/goja"

	"weir/runtime/access"
	"weir/runtime/profiling"
	"weir/runtime/reach"
	"weir/runtime/script"
)

// Module is "weir/profile" for one run. It may be used by several goroutines.
type Module struct{ maker profiling.Maker }

// New makes the module.
func New(maker profiling.Maker) *Module { return &Module{maker} }

// profiler is one object of a script: several profilers where a service has several
// nodes.
type profiler struct{ all []profiling.Profiler }

// Profilers are those that a case starts and stops.
func (p *profiler) Profilers() []profiling.Profiler { return p.all }

// Object implements script.Shared: a profiler goes into a case by reference.
func (p *profiler) Object(rt *script.Runtime) *goja.Object {
	rt.Class(class)
	return rt.Instance(class.Name, p)
}

var class = script.Class{
	Name: "Profiler",
	Getters: map[string]func(any) any{
		"profiles": func(self any) any {
			var all []string
			for _, p := range self.(*profiler).all {
				all = append(all, p.String())
			}
			return all
		},
	},
}

// Exports gives a runtime vllm, sglang, http, msServiceProfiler and command, by name and as
// members of the default export.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	one := func(make func(map[string]any) (profiling.Profiler, error)) func(map[string]any, profiling.Access) ([]profiling.Profiler, error) {
		return func(o map[string]any, _ profiling.Access) ([]profiling.Profiler, error) {
			p, err := make(o)
			return []profiling.Profiler{p}, err
		}
	}
	exports := map[string]any{}
	for name, f := range map[string]struct {
		remote bool // it asks a service, and takes how that is reached
		make   func(map[string]any, profiling.Access) ([]profiling.Profiler, error)
	}{
		"vllm":   {true, m.maker.VLLM},
		"sglang": {true, m.maker.SGLang},
		"http": {true, func(o map[string]any, a profiling.Access) ([]profiling.Profiler, error) {
			p, err := m.maker.HTTP(o, a)
			return []profiling.Profiler{p}, err
		}},
		"msServiceProfiler": {false, one(m.maker.MSServiceProfiler)},
		"command":           {false, one(m.maker.Command)},
	} {
		exports[name] = func(call goja.FunctionCall) goja.Value {
			o, access, err := read(rt, call.Argument(0), f.remote)
			if err == nil {
				err = allow(rt.Script(), o)
			}
			if err == nil {
				var all []profiling.Profiler
				if all, err = f.make(o, access); err == nil {
					return (&profiler{all}).Object(rt)
				}
			}
			err = fmt.Errorf("%s: %w", name, err)
			if rt.InInit() { // it is mostly the value of a flag
				err = &script.ParamError{Message: err.Error()}
			}
			rt.Throw(err)
			return nil
		}
	}
	exports["default"] = maps.Clone(exports)
	return exports, nil
}

// allow asks for the files and programs that options name, and says where the files are.
func allow(s *script.Script, o map[string]any) error {
	if path, ok := o["config"].(string); ok && path != "" {
		at, err := s.ReadPath(path)
		if err == nil {
			_, err = s.WritePath(at)
		}
		if err != nil {
			return err
		}
		o["config"] = access.As(path, at)
	}
	for _, name := range []string{"run", "start", "stop"} {
		list, ok := o[name].([]any)
		if !ok || len(list) == 0 {
			continue
		}
		if program, ok := list[0].(string); ok {
			if err := s.Access().Program(program); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes the options apart: those by which a service is reached, and all others.
func read(rt *script.Runtime, v goja.Value, remote bool) (o map[string]any, access profiling.Access, err error) {
	given, ok := v.(*goja.Object)
	if !ok || given.ClassName() != "Object" {
		return nil, access, errors.New("the options must be an object")
	}
	var reaching reach.Options
	set := map[string]func(goja.Value) error{}
	if remote {
		set = reaching.Set()
	}
	o = map[string]any{}
	for _, name := range given.Keys() {
		value := given.Get(name)
		if goja.IsUndefined(value) || goja.IsNull(value) {
			continue
		}
		if reaches, ok := set[name]; ok {
			if err := reaches(value); err != nil {
				return nil, access, fmt.Errorf("option %s: %w", name, err)
			}
			continue
		}
		if o[name], err = rt.Detach(value); err != nil {
			return nil, access, fmt.Errorf("option %s: %w", name, err)
		}
	}
	return o, profiling.Access{Options: reaching.Options, Signer: reaching.Signer, Secrets: reaching.Secrets(), Names: slices.Sorted(maps.Keys(set))}, nil
}
