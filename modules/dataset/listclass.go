package dataset

import (
	"maps"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// list is what the classes that look like arrays have in common.
type list interface{ Len() int }

// listClass makes a class whose instances are read like arrays: length, [i],
// at(i), iteration. value makes element i, 0 ≤ i < length. methods are those that it has besides.
//
// An instance has no own properties but its getters: a number is looked up along
// its chain of prototypes, at whose end a proxy makes the element.
func listClass(rt *script.Runtime, name string, getters map[string]func(any) any, methods map[string]func(any, goja.FunctionCall) (any, error), value func(self any, i int) (goja.Value, error)) *goja.Object {
	vm := rt.VM()
	at := func(self any, i int64) goja.Value {
		if i < 0 || i >= int64(self.(list).Len()) {
			return goja.Undefined()
		}
		v, err := value(self, int(i))
		if err != nil {
			rt.Throw(err)
		}
		return v
	}
	getters["length"] = func(self any) any { return self.(list).Len() }
	all := map[string]func(any, goja.FunctionCall) (any, error){
		"at": func(self any, call goja.FunctionCall) (any, error) {
			i := call.Argument(0).ToInteger()
			if i < 0 {
				i += int64(self.(list).Len())
			}
			return at(self, i), nil
		},
	}
	maps.Copy(all, methods)
	constructor := rt.Class(script.Class{Name: name, Methods: all, Getters: getters})

	prototype := constructor.Get("prototype").ToObject(vm)
	if prototype.GetSymbol(goja.SymIterator) != nil {
		return constructor // made before
	}
	// Arrays' own iterator asks for length and then for one index after another.
	values := vm.Get("Array").ToObject(vm).Get("prototype").ToObject(vm).Get("values")
	if err := prototype.DefineDataPropertySymbol(goja.SymIterator, values, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err) // a fresh prototype can be extended
	}
	elements := vm.NewProxy(vm.NewObject(), &goja.ProxyTrapConfig{
		GetIdx: func(_ *goja.Object, i int, receiver goja.Value) goja.Value {
			if self, ok := script.ValueOf(receiver).(list); ok {
				return at(self, int64(i))
			}
			return goja.Undefined()
		},
	})
	if err := prototype.SetPrototype(vm.ToValue(elements).ToObject(vm)); err != nil {
		panic(err)
	}
	return constructor
}
