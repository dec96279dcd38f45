package script

import (
	"reflect"
	"strconv"

	"github.com/dop251/goja"
)

const (
	mostExported = 1 << 22 // elements and members of one value that leaves its runtime
	deepest      = 1000    // lists and objects in one another
)

// Export is a value as Go has it, as goja's Value.Export makes it: strings, booleans, int64,
// float64, []any, map[string]any, and what was given from Go. It is nil for what is not
// plain data or too much of it: a list may have billions of elements that take no memory in
// JavaScript, and would take all of it here. It panics with what getters throw, as the other
// functions of goja do.
func Export(v goja.Value) any {
	obj, isObject := v.(*goja.Object)
	if !isObject {
		if v == nil {
			return nil
		}
		return v.Export()
	}
	e := exporter{left: mostExported}
	all := e.object(obj, 0)
	if e.left < 0 {
		return nil
	}
	return all
}

type exporter struct{ left int }

var objectType = reflect.TypeFor[map[string]any]()

func (e *exporter) value(v goja.Value, depth int) any {
	if obj, isObject := v.(*goja.Object); isObject {
		return e.object(obj, depth)
	}
	if v == nil {
		return nil
	}
	return v.Export()
}

func (e *exporter) object(obj *goja.Object, depth int) any {
	switch kind := obj.ExportType(); {
	case kind == setType && obj.ClassName() == "Array":
		return e.list(obj, depth)
	case kind == setType || kind == mapType: // a Set, a Map
		return nil
	case kind != objectType:
		return obj.Export() // of one kind alone: a date, a promise, a value of Go's
	case depth == deepest:
		e.left = -1
		return nil
	}
	keys := obj.Keys()
	if e.left -= len(keys); e.left < 0 {
		return nil
	}
	members := make(map[string]any, len(keys))
	for _, key := range keys {
		if members[key] = e.value(obj.Get(key), depth+1); e.left < 0 {
			return nil
		}
	}
	return members
}

func (e *exporter) list(obj *goja.Object, depth int) any {
	length := obj.Get("length").ToInteger()
	if length > int64(e.left) || depth == deepest {
		e.left = -1
		return nil
	}
	e.left -= int(length)
	items := make([]any, length)
	for i := range items {
		if items[i] = e.value(obj.Get(strconv.Itoa(i)), depth+1); e.left < 0 {
			return nil
		}
	}
	return items
}
