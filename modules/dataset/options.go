package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
	"weir/runtime/suggest"
)

// readSynthetic reads the options of synthetic(). readable says where a file is that they
// name; note is told of files that were read.
func readSynthetic(vm *goja.Runtime, v goja.Value, readable func(string) (string, error), note func(...string)) (Synthetic, error) {
	var s Synthetic
	o, err := readOptions(vm, "synthetic", v, "tokenizer", "count", "input", "output", "like", "prefix", "seed", "same", "specialTokens", "template", "system")
	if err != nil {
		return s, err
	}
	o.readable, o.note = readable, note
	s.Tokenizer = o.tokenizer()
	s.Count = o.integer("count", 0)
	if like := o.get("like"); like != nil {
		d, ok := script.ValueOf(like).(*Dataset)
		if !ok {
			o.fail("like", like, "a dataset, such as read(path, { tokenizer })")
		} else if o.get("input") != nil || o.get("output") != nil {
			return s, fmt.Errorf("synthetic: like has the lengths: leave input and output out")
		}
		s.Like = d
	} else {
		s.Input, s.Output = o.length("input"), o.length("output")
	}
	s.Prefix = o.prefix()
	s.Seed = o.seed()
	s.Same = o.boolean("same", false)
	s.NoSpecialTokens = !o.boolean("specialTokens", true)
	s.Template = o.boolean("template", false)
	s.System = o.text("system", "")
	return s, o.err
}

// prefix reads a number of tokens, or { tokens, groups, share }.
func (o *options) prefix() Prefix {
	v := o.get("prefix")
	if _, isObject := v.(*goja.Object); v == nil || !isObject {
		return Prefix{Tokens: o.integer("prefix", 0), Share: 1}
	}
	of, err := readOptions(o.vm, o.place+": prefix", v, "tokens", "groups", "share")
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return Prefix{}
	}
	if of.get("tokens") == nil {
		of.fail("tokens", goja.Undefined(), "how long the prefix is")
	}
	p := Prefix{Tokens: of.integer("tokens", 0), Groups: of.integer("groups", 1), Share: of.number("share", 1)}
	if p.Groups < 1 && of.err == nil {
		of.err = fmt.Errorf("%s: %d groups is out of range: there is at least 1", of.place, p.Groups)
	}
	if o.err == nil {
		o.err = of.err
	}
	return p
}

// options reads an object property by property and keeps the first error.
type options struct {
	vm    *goja.Runtime
	place string // "synthetic", "synthetic: input"
	value *goja.Object
	// readable says where a file is that is named; note is told of files that were read.
	readable func(path string) (string, error)
	note     func(paths ...string)
	err      error
}

func readOptions(vm *goja.Runtime, place string, v goja.Value, names ...string) (*options, error) {
	o, ok := v.(*goja.Object)
	if ok && o.ClassName() != "Object" { // a list, a function: they have no options, or none of these
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("%s: the options are %s, not an object with %s", place, v, strings.Join(names, ", "))
	}
	for _, key := range o.Keys() {
		if !slices.Contains(names, key) {
			hint := ""
			if near := suggest.Nearest(key, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, fmt.Errorf("%s: there is no option %q; there are %s%s", place, key, strings.Join(names, ", "), hint)
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
	b, ok := script.Export(v).(bool)
	if !ok {
		o.fail(name, v, "true or false")
	}
	return b
}

func toNumber(v goja.Value) (float64, bool) {
	switch n := script.Export(v).(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return math.NaN(), false
}
