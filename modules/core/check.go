package core

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

var errInit = errors.New("it cannot be used in init code: call it in an iteration")

// check evaluates named conditions on a value, counts every one with the
// iteration's recorder, and tells whether all of them hold. A predicate that
// throws has failed: it is counted as such, the others are evaluated all the
// same, and its exception is written to the console once a run.
func (m *Module) check(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	if rt.InInit() {
		return nil, errInit
	}
	conditions, ok := call.Argument(1).(*goja.Object)
	if !ok {
		return nil, script.TypeErrorf("the second argument is %s, not an object of conditions such as {\"has text\": (r) => r.text !== \"\"}", call.Argument(1))
	}
	it := current(rt)
	all := true
	for _, name := range conditions.Keys() {
		holds, err := evaluate(rt, conditions.Get(name), call.Argument(0))
		if err != nil {
			var exception *goja.Exception
			if !errors.As(err, &exception) {
				return nil, err // an interrupt, or a mistake in the call: not the condition's result
			}
			if err := m.report(rt, name, exception); err != nil {
				return nil, err
			}
		}
		if it != nil {
			it.Recorder.Check(name, holds)
		}
		all = all && holds
	}
	return rt.VM().ToValue(all), nil
}

// evaluate gives the truth of a condition: a value, or a predicate called with
// the checked value.
func evaluate(rt *script.Runtime, condition, value goja.Value) (bool, error) {
	if predicate, ok := goja.AssertFunction(condition); ok {
		var err error
		if condition, err = predicate(goja.Undefined(), value); err != nil {
			return false, err
		}
	}
	if _, pending := script.Export(condition).(*goja.Promise); pending {
		return false, script.TypeErrorf("a condition is a promise, which would always hold: await it before the check")
	}
	return condition.ToBoolean(), nil
}

// report writes the exception of a predicate to the console, the first time.
func (m *Module) report(rt *script.Runtime, name string, exception *goja.Exception) error {
	if _, before := m.reported.LoadOrStore(name, true); before {
		return nil
	}
	console, ok := rt.VM().Get("console").(*goja.Object)
	if !ok {
		return nil // the script has put something else there
	}
	write, ok := goja.AssertFunction(console.Get("error"))
	if !ok {
		return nil
	}
	_, err := write(console, rt.VM().ToValue(fmt.Sprintf("check %q failed with an exception (reported once): ", name)), exception.Value())
	return err
}
