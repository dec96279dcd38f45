package dataset

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// readSynthetic reads the options of synthetic().
func readSynthetic(vm *goja.Runtime, v goja.Value) (Synthetic, error) {
	var s Synthetic
	o, err := readOptions(vm, "synthetic", v, "tokenizer", "count", "input", "output", "prefix", "seed", "same", "specialTokens")
	if err != nil {
		return s, err
	}
	if value := o.get("tokenizer"); value != nil {
		t, ok := script.ValueOf(value).(Tokenizer)
		if !ok || !reflect.TypeOf(t).Comparable() {
			return s, fmt.Errorf(`synthetic: tokenizer is %s, not a tokenizer: pass one, such as new Tokenizer("builtin")`, value)
		}
		s.Tokenizer = t
	}
	s.Count = o.integer("count", 0)
	s.Input = o.length("input")
	s.Output = o.length("output")
	s.Prefix = o.integer("prefix", 0)
	s.Seed = o.seed()
	s.Same = o.boolean("same", false)
	s.NoSpecialTokens = !o.boolean("specialTokens", true)
	return s, o.err
}

// options reads an object property by property and keeps the first error.
type options struct {
	vm    *goja.Runtime
	place string // "synthetic", "synthetic: input"
	value *goja.Object
	err   error
}

func readOptions(vm *goja.Runtime, place string, v goja.Value, names ...string) (*options, error) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("%s: the options are %s, not an object with %s", place, v, strings.Join(names, ", "))
	}
	for _, key := range o.Keys() {
		if !slices.Contains(names, key) {
			return nil, fmt.Errorf("%s: there is no option %q; there are %s", place, key, strings.Join(names, ", "))
		}
	}
	return &options{vm: vm, place: place, value: o}, nil
}

// get returns a property, nil when it is not given.
func (o *options) get(name string) goja.Value {
	v := o.value.Get(name)
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	return v
}

func (o *options) fail(name string, v goja.Value, want string) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %s is %s, not %s", o.place, name, v, want)
	}
}

func (o *options) number(name string, otherwise float64) float64 {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	f, ok := toNumber(v)
	if !ok {
		o.fail(name, v, "a number")
	}
	return f
}

func (o *options) integer(name string, otherwise int) int {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	f, ok := toNumber(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		o.fail(name, v, "a whole number")
		return otherwise
	}
	return int(f)
}

// seed reads the option of that name.
func (o *options) seed() uint64 {
	seed := o.integer("seed", 0)
	if seed < 0 && o.err == nil {
		o.err = fmt.Errorf("%s: seed: %d is negative", o.place, seed)
	}
	return uint64(seed)
}

// text reads a string.
func (o *options) text(name, otherwise string) string {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	if !goja.IsString(v) {
		o.fail(name, v, "a string")
		return otherwise
	}
	return v.String()
}

func (o *options) boolean(name string, otherwise bool) bool {
	v := o.get(name)
	if v == nil {
		return otherwise
	}
	b, ok := v.Export().(bool)
	if !ok {
		o.fail(name, v, "true or false")
	}
	return b
}

// length reads a number of tokens or {mean, std, min, max}. One that is missing
// is Length{}, which Make refuses.
func (o *options) length(name string) Length {
	v := o.get(name)
	if v == nil {
		o.fail(name, goja.Undefined(), "a number of tokens or {mean, std, min, max}")
		return Length{}
	}
	if _, isObject := v.(*goja.Object); !isObject {
		return Fixed(o.integer(name, 0))
	}
	of, err := readOptions(o.vm, o.place+": "+name, v, "mean", "std", "min", "max")
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return Length{}
	}
	l := Length{Mean: of.number("mean", 0), Std: of.number("std", 0), Min: of.integer("min", 0), Max: of.integer("max", 0)}
	if of.get("mean") == nil {
		of.fail("mean", goja.Undefined(), "a number of tokens")
	}
	if o.err == nil {
		o.err = of.err
	}
	return l
}

func toNumber(v goja.Value) (float64, bool) {
	switch n := v.Export().(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return math.NaN(), false
}
