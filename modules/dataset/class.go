package dataset

import (
	"fmt"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const className = "Dataset"

// class makes the class that dataset.d.ts describes.
//
// An instance has no own properties: a number is looked up along its chain of
// prototypes, at whose end a proxy makes the item.
func class(rt *script.Runtime) *goja.Object {
	vm := rt.VM()
	constructor := rt.Class(script.Class{
		Name: className,
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"at": func(self any, call goja.FunctionCall) (any, error) {
				d := self.(*Dataset)
				i := call.Argument(0).ToInteger()
				if i < 0 {
					i += int64(d.Len())
				}
				return d.value(vm, i), nil
			},
		},
		Getters: map[string]func(any) any{
			"length":  func(self any) any { return self.(*Dataset).Len() },
			"inexact": func(self any) any { return self.(*Dataset).Inexact() },
		},
	})

	prototype := constructor.Get("prototype").ToObject(vm)
	if prototype.GetSymbol(goja.SymIterator) != nil {
		return constructor // made before
	}
	// Arrays' own iterator asks for length and then for one index after another.
	values := vm.Get("Array").ToObject(vm).Get("prototype").ToObject(vm).Get("values")
	if err := prototype.DefineDataPropertySymbol(goja.SymIterator, values, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err) // a fresh prototype can be extended
	}
	items := vm.NewProxy(vm.NewObject(), &goja.ProxyTrapConfig{
		GetIdx: func(_ *goja.Object, i int, receiver goja.Value) goja.Value {
			if d, ok := script.ValueOf(receiver).(*Dataset); ok {
				return d.value(vm, int64(i))
			}
			return goja.Undefined()
		},
	})
	if err := prototype.SetPrototype(vm.ToValue(items).ToObject(vm)); err != nil {
		panic(err)
	}
	return constructor
}

// value makes item i, undefined where there is none.
func (d *Dataset) value(vm *goja.Runtime, i int64) goja.Value {
	if i < 0 || i >= int64(d.Len()) {
		return goja.Undefined()
	}
	item := d.At(int(i))
	o := vm.NewObject()
	for _, field := range []struct {
		name  string
		value any
	}{{"prompt", item.Prompt}, {"promptTokens", item.PromptTokens}, {"outputTokens", item.OutputTokens}} {
		if err := o.Set(field.name, field.value); err != nil {
			panic(fmt.Errorf("dataset: %w", err)) // a fresh object takes every name
		}
	}
	return o
}

// Object implements script.Shared: a dataset goes to other runtimes by reference.
func (d *Dataset) Object(rt *script.Runtime) *goja.Object {
	class(rt)
	return rt.Instance(className, d)
}
