// Package core is the module "weir": what nearly every scenario needs.
//
// params declares the scenario's parameters; check, group, sleep and fail are
// k6's, made for asynchronous iterations: sleep returns a promise, and group
// takes an async function. randomSeeded makes repeatable random numbers, parseYAML
// plain data of a document.
//
// What a script counts goes to the recorder of the iteration that runs
// (metrics.Iteration, the value that follows an iteration through its awaits).
// In setup, plan and teardown there is none: check tells its result there and
// counts nothing. The types of cases, options and results, which have no value
// at run time, are in weir.d.ts, and the globals of scripts in globals.d.ts.
package core

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/script"
)

// Module is "weir" for one run.
type Module struct {
	reported sync.Map // names of checks whose exception has been reported
}

// New makes the module.
func New() *Module { return &Module{} }

// Exports gives a runtime the functions of weir.d.ts.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{
		"params":        native(rt, "", params),
		"check":         native(rt, "check", m.check),
		"sleep":         native(rt, "sleep", sleep),
		"group":         native(rt, "group", group),
		"fail":          native(rt, "", fail),
		"invalidParams": native(rt, "", invalidParams),
		"chosen":        native(rt, "", chosen),
		"notMet":        native(rt, "", notMet),
		"undecided":     native(rt, "", undecided),
		"parseYAML":     native(rt, "parseYAML", parseYAML),
		"randomSeeded":  native(rt, "randomSeeded", randomSeeded),
	}, nil
}

// native makes a JavaScript function; errors become exceptions that name it.
func native(rt *script.Runtime, name string, f func(*script.Runtime, goja.FunctionCall) (goja.Value, error)) any {
	return func(call goja.FunctionCall) goja.Value {
		v, err := f(rt, call)
		var exception *goja.Exception
		switch {
		case err == nil:
			return v
		case errors.As(err, &exception):
			panic(exception) // what JavaScript threw goes on as it is
		case name != "":
			err = fmt.Errorf("%s: %w", name, err)
		}
		rt.Throw(err)
		return nil
	}
}

// current is the iteration that runs, nil outside of iterations.
func current(rt *script.Runtime) *metrics.Iteration {
	it, _ := rt.Current().(*metrics.Iteration)
	return it
}

func params(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	spec, ok := call.Argument(0).(*goja.Object)
	if !ok {
		return nil, script.TypeErrorf("params(spec): the spec is %s, not an object such as {rate: {default: 1, help: \"requests per second\"}}", call.Argument(0))
	}
	return rt.Params(spec)
}

// fail ends the iteration with an exception of the script's own.
func fail(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	message := "fail() was called"
	if given := call.Argument(0); !goja.IsUndefined(given) {
		message = given.String()
	}
	e, err := rt.VM().New(rt.VM().Get("Error"), rt.VM().ToValue(message))
	if err != nil {
		return nil, err
	}
	panic(e)
}

// invalidParams ends the run as a wrong flag does: the script knows better than
// their types which parameters make sense.
func invalidParams(_ *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	message, ok := script.Export(call.Argument(0)).(string)
	if !ok || message == "" {
		return nil, script.TypeErrorf("invalidParams(message): the message is %s, not a text", call.Argument(0))
	}
	return nil, &script.ParamError{Message: message}
}

// chosen notes the value that the script has given to a parameter.
func chosen(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	name, ok := script.Export(call.Argument(0)).(string)
	if !ok {
		return nil, script.TypeErrorf("chosen(name, value): the name is %s, not that of a parameter", call.Argument(0))
	}
	switch value := script.Export(call.Argument(1)).(type) {
	case string, bool, int64, float64:
		if !rt.Script().Choose(name, value) {
			return nil, script.TypeErrorf("chosen(name, value): there is no parameter %q", name)
		}
		return goja.Undefined(), nil
	}
	return nil, script.TypeErrorf("chosen(name, value): the value is %s, not a text, a number or a boolean", call.Argument(1))
}

// notMet ends the run as a threshold that was crossed does: the script knows what
// no threshold of a single case can tell.
func notMet(_ *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	message, ok := script.Export(call.Argument(0)).(string)
	if !ok || message == "" {
		return nil, script.TypeErrorf("notMet(message): the message is %s, not a text", call.Argument(0))
	}
	return nil, &script.UnmetError{Message: message}
}

// undecided ends the run as one in which something outside of the script went
// wrong: the script could not find out what it was to find out.
func undecided(_ *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	message, ok := script.Export(call.Argument(0)).(string)
	if !ok || message == "" {
		return nil, script.TypeErrorf("undecided(message): the message is %s, not a text", call.Argument(0))
	}
	return nil, &script.UndecidedError{Message: message}
}

// randomSeeded makes a function like Math.random that gives the same numbers
// for the same seed.
func randomSeeded(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	seed, ok := load.Number(script.Export(call.Argument(0)))
	if !ok || seed != math.Trunc(seed) || seed < 0 || seed > 1<<53 {
		return nil, script.TypeErrorf("the seed is %s, not a whole number from 0 to 2^53", call.Argument(0))
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	return rt.VM().ToValue(func(goja.FunctionCall) goja.Value { return rt.VM().ToValue(random.Float64()) }), nil
}
