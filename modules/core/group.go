package core

import (
	"maps"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// groupSeparator stands between the names of nested groups, and before the
// first one, as in k6.
const groupSeparator = "::"

// group calls a function whose requests carry the tag group = "::name", also
// after an await; nested groups are "::outer::inner". It returns what the
// function returns, so the group of an async function must be awaited.
func group(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	if rt.InInit() {
		return nil, errInit
	}
	name, ok := script.Export(call.Argument(0)).(string)
	if !ok || strings.Contains(name, groupSeparator) {
		return nil, script.TypeErrorf("the name is %s, not a string without %q", call.Argument(0), groupSeparator)
	}
	fn, ok := goja.AssertFunction(call.Argument(1))
	if !ok {
		return nil, script.TypeErrorf("the second argument of group %q is %s, not a function", name, call.Argument(1))
	}
	run := func() (goja.Value, error) { return fn(goja.Undefined()) }
	it := current(rt)
	if it == nil {
		return run()
	}
	// Whatever runs outside of the group keeps the iteration as it is.
	inside := *it
	inside.Tags = maps.Clone(it.Tags)
	if inside.Tags == nil {
		inside.Tags = map[string]string{}
	}
	inside.Tags["group"] += groupSeparator + name
	return rt.With(&inside, run)
}
