package dataset

import (
	"fmt"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const className = "Dataset"

// class makes the class that dataset.d.ts describes.
func class(rt *script.Runtime) *goja.Object {
	return listClass(rt, className, map[string]func(any) any{
		"inexact": func(self any) any { return self.(*Dataset).Inexact() },
	}, func(list any, i int) goja.Value { return list.(*Dataset).value(rt, i) })
}

// value makes item i.
func (d *Dataset) value(rt *script.Runtime, i int) goja.Value {
	item := d.At(i)
	o := rt.VM().NewObject()
	set := func(name string, value any) {
		if err := o.Set(name, value); err != nil {
			panic(fmt.Errorf("dataset: %w", err)) // a fresh object takes every name
		}
	}
	set("prompt", item.Prompt)
	set("promptTokens", item.PromptTokens)
	set("outputTokens", item.OutputTokens)
	if m := d.Messages(i); m != nil {
		set("messages", m.Object(rt))
	}
	return o
}

// Object implements script.Shared: a dataset goes to other runtimes by reference.
func (d *Dataset) Object(rt *script.Runtime) *goja.Object {
	class(rt)
	return rt.Instance(className, d)
}
