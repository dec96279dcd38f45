package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/dop251/goja"
)

// Shared is a Go value that may go from one runtime to another, in a case's
// data or in what setup returns: the Value of an instance, or the handler of
// an object made by goja's NewDynamicObject or NewDynamicArray.
type Shared interface {
	// Object makes the value's object in a runtime.
	Object(*Runtime) *goja.Object
}

// Object is a plain object outside of its runtime, its keys in their order.
type Object struct {
	Keys   []string
	Values []any
}

// Get returns the value of a key, nil when there is none.
func (o *Object) Get(key string) any {
	if i := slices.Index(o.Keys, key); i >= 0 {
		return o.Values[i]
	}
	return nil
}

// Fields are the members, but for undefined ones.
func (o *Object) Fields() map[string]any {
	m := make(map[string]any, len(o.Keys))
	for i, key := range o.Keys {
		if u, ok := o.Values[i].(goja.Value); !ok || !goja.IsUndefined(u) {
			m[key] = o.Values[i]
		}
	}
	return m
}

// MarshalJSON keeps the order of the keys and leaves out undefined values.
func (o *Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range o.Keys {
		if v, ok := o.Values[i].(goja.Value); ok && goja.IsUndefined(v) {
			continue
		}
		k, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(o.Values[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// typedArray is a typed array or (class "ArrayBuffer") a buffer outside of its runtime.
type typedArray struct {
	class string
	bytes []byte
}

// Detach copies a value out of its runtime: plain data, and Shared values by
// reference. null becomes nil, undefined goja.Undefined(), numbers int64 or
// float64, arrays []any, objects *Object, a Date time.Time; typed arrays are
// copied. Functions, cycles and what belongs to one runtime (promises, Map,
// Set, instances of native classes) are a *TypeError that names their place.
func (r *Runtime) Detach(v goja.Value) (any, error) {
	d := detacher{r: r, above: map[*goja.Object]bool{}, left: mostDetached}
	var out any
	var err error
	if thrown := r.try(func() { out, err = d.copy(v, "") }); thrown != nil {
		return nil, thrown
	}
	return out, err
}

// mostDetached are the elements of lists in one value, as many as a list has that is made at
// once (bounds.js).
const mostDetached = 1 << 26

type detacher struct {
	r     *Runtime
	above map[*goja.Object]bool // the objects that hold the current one
	left  int64                 // elements of lists that are possible still
}

var (
	sharedType = reflect.TypeFor[Shared]()
	timeType   = reflect.TypeFor[time.Time]()
	bufferType = reflect.TypeFor[goja.ArrayBuffer]()
	mapType    = reflect.TypeFor[[][2]any]()
	setType    = reflect.TypeFor[[]any]()
)

// collectionOf is "Map" or "Set", "" for anything else. goja tells them apart
// by what they are exported as; arrays share that with sets.
func collectionOf(obj *goja.Object) string {
	switch obj.ExportType() {
	case mapType:
		return "Map"
	case setType:
		if obj.ClassName() != "Array" {
			return "Set"
		}
	}
	return ""
}

func (d *detacher) copy(v goja.Value, path string) (any, error) {
	if v == nil {
		return nil, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		switch v.(type) {
		case *goja.Symbol:
			return nil, d.refuse("a symbol", path)
		}
		if goja.IsUndefined(v) {
			return goja.Undefined(), nil
		}
		return v.Export(), nil
	}
	if self := instanceOf(obj); self != nil {
		if shared, ok := self.value.(Shared); ok {
			return shared, nil
		}
		return nil, d.refuse("a "+self.class.Name, path)
	}
	exported := obj.ExportType()
	if exported != nil && exported.Implements(sharedType) {
		return obj.Export(), nil
	}
	if _, isFunction := goja.AssertFunction(obj); isFunction {
		return nil, d.refuse("a function", path)
	}
	switch {
	case exported == timeType:
		if date, ok := obj.Export().(time.Time); ok {
			return date, nil
		}
		return math.NaN(), nil
	case exported == bufferType:
		buffer := obj.Export().(goja.ArrayBuffer)
		return &typedArray{"ArrayBuffer", slices.Clone(buffer.Bytes())}, nil
	case exported == promiseType:
		return nil, d.refuse("a promise", path)
	}
	if d.above[obj] {
		return nil, d.refuse("a reference to an object that holds it", path)
	}
	d.above[obj] = true
	defer delete(d.above, obj)
	if kind := collectionOf(obj); kind != "" {
		return nil, d.refuse("a "+kind, path)
	}
	switch class := obj.ClassName(); class {
	case "Array":
		return d.array(obj, path)
	case "RegExp":
		return nil, d.refuse("a RegExp", path)
	case "Error":
		return nil, d.refuse("an Error", path)
	}
	if tag := obj.GetSymbol(goja.SymToStringTag); tag != nil && goja.IsString(tag) {
		if _, isBuffer := obj.Get("buffer").(*goja.Object); isBuffer {
			return d.typedArray(obj, tag.String()), nil
		}
	}
	return d.object(obj, path)
}

func (d *detacher) refuse(what, path string) error {
	place := "the value"
	if path != "" {
		place = path
	}
	return TypeErrorf("%s is %s, which cannot be taken out of its JavaScript runtime; pass plain data (numbers, strings, arrays, objects)", place, what)
}

func (d *detacher) array(obj *goja.Object, path string) (any, error) {
	length := obj.Get("length").ToInteger()
	if d.left -= length; d.left < 0 {
		return nil, d.refuse(fmt.Sprintf("with a list of %d elements more than the %d that are possible", length, mostDetached), path)
	}
	out := make([]any, int(length))
	for i := range out {
		var err error
		if out[i], err = d.copy(obj.Get(strconv.Itoa(i)), path+"["+strconv.Itoa(i)+"]"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *detacher) typedArray(obj *goja.Object, class string) any {
	buffer, ok := Export(obj.Get("buffer")).(goja.ArrayBuffer)
	if !ok {
		return nil
	}
	all, from, length := buffer.Bytes(), obj.Get("byteOffset").ToInteger(), obj.Get("byteLength").ToInteger()
	if from < 0 || length < 0 || length > int64(len(all))-from {
		return nil // it only looks like one
	}
	return &typedArray{class, slices.Clone(all[from : from+length])}
}

func (d *detacher) object(obj *goja.Object, path string) (any, error) {
	keys := obj.Keys()
	out := &Object{Keys: keys, Values: make([]any, len(keys))}
	for i, key := range keys {
		var err error
		if out.Values[i], err = d.copy(obj.Get(key), memberPath(path, key)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func memberPath(path, key string) string {
	switch {
	case path == "":
		return key
	case isIdentifier(key):
		return path + "." + key
	}
	return path + "[" + strconv.Quote(key) + "]"
}

// Attach makes a detached value in this runtime, of fresh objects. Go maps,
// slices and times are taken as well; keys of maps come sorted.
func (r *Runtime) Attach(v any) goja.Value { return r.value(v) }

// value turns what Go code returns into what scripts see.
func (r *Runtime) value(v any) goja.Value {
	switch v := v.(type) {
	case goja.Value:
		return v
	case nil:
		return goja.Null()
	case string, bool, int, int64, float64, *big.Int, func(goja.FunctionCall) goja.Value:
		return r.vm.ToValue(v)
	case Shared:
		return v.Object(r)
	case *Object:
		obj := r.vm.NewObject()
		for i, key := range v.Keys {
			r.put(obj, key, v.Values[i])
		}
		return obj
	case map[string]any:
		obj := r.vm.NewObject()
		for _, key := range slices.Sorted(maps.Keys(v)) {
			r.put(obj, key, v[key])
		}
		return obj
	case []any:
		return arrayOf(r, v)
	case []string:
		return arrayOf(r, v)
	case map[string]string:
		obj := r.vm.NewObject()
		for _, key := range slices.Sorted(maps.Keys(v)) {
			r.put(obj, key, v[key])
		}
		return obj
	case []float64:
		return arrayOf(r, v)
	case []int:
		return arrayOf(r, v)
	case []map[string]any:
		return arrayOf(r, v)
	case time.Time:
		date, err := r.vm.New(r.vm.Get("Date"), r.vm.ToValue(v.UnixMilli()))
		if err != nil {
			r.Throw(err)
		}
		return date
	case *typedArray:
		return r.attachTyped(v)
	}
	return r.vm.ToValue(v)
}

// put defines a property, also one with a name such as __proto__.
func (r *Runtime) put(obj *goja.Object, key string, v any) {
	_ = obj.DefineDataProperty(key, r.value(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE) // a new plain object
}

func arrayOf[T any](r *Runtime, items []T) goja.Value {
	values := make([]any, len(items))
	for i, item := range items {
		values[i] = r.value(item)
	}
	return r.vm.NewArray(values...)
}

func (r *Runtime) attachTyped(a *typedArray) goja.Value {
	buffer := r.vm.ToValue(r.vm.NewArrayBuffer(slices.Clone(a.bytes)))
	if a.class == "ArrayBuffer" {
		return buffer
	}
	obj, err := r.vm.New(r.vm.Get(a.class), buffer)
	if err != nil {
		r.Throw(err)
	}
	return obj
}
