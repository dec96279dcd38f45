package script

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/dop251/goja"
)

// Class describes a JavaScript class whose instances hold a Go value.
//
// Getters are own enumerable properties of the instances, so JSON.stringify,
// console.log and {...x} see them; they are made when they are read. What
// getters and methods return is converted as by Runtime.Attach, functions and
// goja values as they are. A method named "@@iterator", "@@asyncIterator" or
// "@@asyncDispose" stands under that symbol. Scripts may extend the class and
// give instances further properties; they cannot set the getters'.
type Class struct {
	Name    string
	New     func(call goja.ConstructorCall) (any, error) // nil: scripts cannot construct it
	Methods map[string]func(self any, call goja.FunctionCall) (any, error)
	Getters map[string]func(self any) any // read each time; enumerable
}

// class is a Class in one runtime.
type class struct {
	Class
	r           *Runtime
	constructor *goja.Object
	prototype   *goja.Object
	keys        []string // the getters' names, sorted
}

// Class makes the class's constructor for this runtime; a second call with
// the same name returns the first.
func (r *Runtime) Class(c Class) *goja.Object {
	if made := r.classes[c.Name]; made != nil {
		return made.constructor
	}
	made := &class{Class: c, r: r, keys: slices.Sorted(maps.Keys(c.Getters))}
	r.classes[c.Name] = made
	made.constructor = r.vm.ToValue(made.construct).(*goja.Object)
	_ = made.constructor.DefineDataProperty("name", r.vm.ToValue(c.Name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	made.prototype = made.constructor.Get("prototype").(*goja.Object)
	for name, method := range c.Methods {
		function := r.vm.ToValue(made.method(name, method)).(*goja.Object)
		_ = function.DefineDataProperty("name", r.vm.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		if symbol := methodSymbols[name]; symbol != nil {
			_ = made.prototype.DefineDataPropertySymbol(symbol, function, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		} else {
			_ = made.prototype.DefineDataProperty(name, function, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	return made.constructor
}

// These symbols are the same in all runtimes, as the language has it.
var (
	symAsyncIterator = goja.NewSymbol("Symbol.asyncIterator")
	symDispose       = goja.NewSymbol("Symbol.dispose")
	symAsyncDispose  = goja.NewSymbol("Symbol.asyncDispose")
)

var methodSymbols = map[string]*goja.Symbol{
	"@@iterator":      goja.SymIterator,
	"@@asyncIterator": symAsyncIterator,
	"@@dispose":       symDispose,
	"@@asyncDispose":  symAsyncDispose,
}

func (c *class) construct(call goja.ConstructorCall) *goja.Object {
	if c.New == nil {
		c.r.Throw(TypeErrorf("%s cannot be constructed by scripts", c.Name))
	}
	value, err := c.New(call)
	if err != nil {
		c.r.Throw(err)
	}
	obj := c.instance(value)
	// A class that extends this one brings its own prototype. (goja does not
	// tell whether there was a "new": what inherits from this class had one.)
	prototype := call.This.Prototype()
	for above := prototype; above != nil; above = above.Prototype() {
		if above == c.prototype {
			_ = obj.SetPrototype(prototype) // dynamic objects take any
		}
	}
	return obj
}

func (c *class) method(name string, method func(any, goja.FunctionCall) (any, error)) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value {
		self := instanceOf(call.This)
		if self == nil || self.class != c {
			c.r.Throw(TypeErrorf("%s.%s was called on %s, which is no %s", c.Name, name, inspect(c.r, call.This), c.Name))
		}
		v, err := method(self.value, call)
		if err != nil {
			c.r.Throw(err)
		}
		return c.r.value(v)
	}
}

func (c *class) instance(value any) *goja.Object {
	obj := c.r.vm.NewDynamicObject(&instance{class: c, value: value})
	_ = obj.SetPrototype(c.prototype) // dynamic objects take any
	return obj
}

// Classes are those that Class has made so far, by name.
func (r *Runtime) Classes() []Class {
	all := make([]Class, 0, len(r.classes))
	for _, name := range slices.Sorted(maps.Keys(r.classes)) {
		all = append(all, r.classes[name].Class)
	}
	return all
}

// Instance makes an instance of a class made by Class.
func (r *Runtime) Instance(class string, value any) *goja.Object {
	c := r.classes[class]
	if c == nil {
		panic(fmt.Sprintf("script: Instance of %q before Class has made it", class))
	}
	return c.instance(value)
}

// ValueOf returns the Go value of an instance, nil for anything else.
func ValueOf(v goja.Value) any {
	if self := instanceOf(v); self != nil {
		return self.value
	}
	return nil
}

var instanceType = reflect.TypeFor[*instance]()

func instanceOf(v goja.Value) *instance {
	obj, ok := v.(*goja.Object)
	if !ok || obj.ExportType() != instanceType {
		return nil
	}
	self, _ := obj.Export().(*instance)
	return self
}

// instance is the object that scripts see of a Go value; see goja.DynamicObject.
type instance struct {
	class *class
	value any
	own   map[string]goja.Value // what the script has added
	order []string              // its keys
}

func (i *instance) Get(key string) goja.Value {
	if get := i.class.Getters[key]; get != nil {
		return i.class.r.value(get(i.value))
	}
	return i.own[key]
}

func (i *instance) Set(key string, v goja.Value) bool {
	if i.class.Getters[key] != nil {
		i.class.r.Throw(TypeErrorf("%s.%s cannot be changed", i.class.Name, key))
	}
	if _, exists := i.own[key]; !exists {
		if i.own == nil {
			i.own = map[string]goja.Value{}
		}
		i.order = append(i.order, key)
	}
	i.own[key] = v
	return true
}

func (i *instance) Has(key string) bool {
	_, own := i.own[key]
	return own || i.class.Getters[key] != nil
}

func (i *instance) Delete(key string) bool {
	if i.class.Getters[key] != nil {
		return false
	}
	if _, own := i.own[key]; own {
		delete(i.own, key)
		at := slices.Index(i.order, key)
		i.order = slices.Delete(i.order, at, at+1)
	}
	return true
}

func (i *instance) Keys() []string {
	return slices.Concat(i.class.keys, i.order)
}
