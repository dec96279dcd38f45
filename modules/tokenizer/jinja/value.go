package jinja

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// A value is one of
//
//	nil, bool, int64, float64, string   None, bool, int, float, str
//	*big.Int                            int beyond 64 bits, to be printed only
//	[]any, tuple, *Dict                 list, tuple, dict; never changed once made
//	*sequence                           what filters, ranges and dict methods return
//	undefined                           what is not there
//	*namespace, *loop, *function        namespace(), loop, macros and methods

type tuple []any

// undefined is Jinja2's Undefined: printed as nothing, false, empty; most other
// uses fail with its message.
type undefined struct{ message string }

func missing(name string) undefined { return undefined{fmt.Sprintf("%s is undefined", quoted(name))} }

func (u undefined) fail() { failf("%s", u.message) }

// sequence is an iterable that is no list: a generator, a range or a view of a dict.
type sequence struct {
	kind  string // Python's name of its type
	items []any
	sized bool // has a length; otherwise it is a generator, which is always true
	text  string
}

func generator(items []any) *sequence { return &sequence{kind: "generator", items: items} }

type namespace struct{ vars *Dict }

// function is what can be called.
type function struct {
	name string
	call func(r *renderer, a *callArgs) any
}

// Dict is a dict: keys in the order in which they came.
type Dict struct {
	keys   []any
	values []any
	index  map[any]int
}

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// Set adds or replaces a key. It is for the caller who makes the values of a
// template; templates cannot change a dict.
func (d *Dict) Set(key string, value any) { d.set(key, value) }

// Get returns the value of a key.
func (d *Dict) Get(key string) (any, bool) { return d.get(key) }

// All goes through the keys that are texts, in their order.
func (d *Dict) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i, key := range d.keys {
			if text, ok := key.(string); ok && !yield(text, d.values[i]) {
				return
			}
		}
	}
}

func (d *Dict) set(key, value any) {
	h := hash(key)
	if i, ok := d.index[h]; ok {
		d.values[i] = value
		return
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
}

func (d *Dict) get(key any) (any, bool) {
	i, ok := d.index[hash(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

func (d *Dict) items() []any {
	items := make([]any, len(d.keys))
	for i, key := range d.keys {
		items[i] = tuple{key, d.values[i]}
	}
	return items
}

func (d *Dict) copy() *Dict {
	return &Dict{slices.Clone(d.keys), slices.Clone(d.values), maps.Clone(d.index)}
}

type none struct{}
type hashed string // of a tuple

// hash is what equal keys have in common.
func hash(key any) any {
	switch key := key.(type) {
	case nil:
		return none{}
	case bool:
		return integer(key)
	case float64:
		if key == math.Trunc(key) && math.Abs(key) < 1<<53 {
			return int64(key)
		}
	case tuple:
		parts := make([]string, len(key))
		for i, item := range key {
			parts[i] = fmt.Sprintf("%T %v", hash(item), hash(item))
		}
		return hashed(strings.Join(parts, "\x00"))
	case *big.Int:
		return hashed(key.String())
	case []any, *Dict:
		failf("unhashable type: '%s'", typeName(key))
	case undefined:
		return key
	}
	return key
}

// From makes the value of a template from that of Go: nil, bool, integers, floats,
// json.Number, string, slices and maps of these, and *Dict. The keys of a map are
// sorted, since Go forgets their order; FromJSON keeps it.
func From(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, *Dict:
		return v, nil
	case string:
		return strings.ToValidUTF8(v, "\uFFFD"), nil
	case int:
		return int64(v), nil
	case float64:
		return v, nil
	case json.Number:
		return fromNumber(v.String())
	case []any:
		return fromList(v)
	case []string:
		return fromList(v)
	case []map[string]any:
		return fromList(v)
	case map[string]any:
		d := NewDict()
		for _, key := range slices.Sorted(maps.Keys(v)) {
			value, err := From(v[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			d.Set(key, value)
		}
		return d, nil
	}
	return nil, fmt.Errorf("a value of Go type %T cannot be given to a template", v)
}

func fromList[T any](list []T) (any, error) {
	out := make([]any, len(list))
	for i, item := range list {
		value, err := From(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		out[i] = value
	}
	return out, nil
}

// List returns a list of values that From, FromJSON or NewDict have made.
func List(items ...any) any { return items }

func fromNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, ok := new(big.Int).SetString(s, 10); ok {
			if i.IsInt64() {
				return i.Int64(), nil
			}
			return i, nil
		}
	}
	f, err := json.Number(s).Float64()
	return f, err
}

// FromJSON makes the value of a template from JSON, with the keys of objects in
// their order.
func FromJSON(data []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	v, err := decode(d)
	if err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the JSON value at byte %d", d.InputOffset())
	}
	return v, nil
}

func decode(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := decode(d)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		dict := NewDict()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			dict.Set(key.(string), value)
		}
		_, err = d.Token()
		return dict, err
	}
	return From(t)
}

// typeName is the name of a value's type in Python.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *sequence:
		return v.kind
	case undefined:
		return "Undefined"
	case *namespace:
		return "TemplateNamespace"
	case *loop:
		return "LoopContext"
	}
	return "function"
}

// truth is Python's bool().
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *Dict:
		return len(v.keys) > 0
	case *sequence:
		return !v.sized || len(v.items) > 0
	case *loop:
		return len(v.items) > 0
	}
	return true
}

// iterate returns the items that a for goes through.
func iterate(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case tuple:
		return v
	case *Dict:
		return v.keys
	case *sequence:
		return v.items
	case undefined:
		return nil
	case string:
		items := make([]any, 0, utf8.RuneCountInString(v))
		for _, r := range v {
			items = append(items, string(r))
		}
		return items
	}
	failf("'%s' object is not iterable", typeName(v))
	return nil
}

func length(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case tuple:
		return len(v)
	case *Dict:
		return len(v.keys)
	case *sequence:
		if v.sized {
			return len(v.items)
		}
	case *loop:
		return len(v.items)
	case undefined:
		return 0
	}
	failf("object of type '%s' has no len()", typeName(v))
	return 0
}

func integer(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
