package profiling

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// object is a plain object of a script, outside of its runtime.
type object interface{ Fields() map[string]any }

// options reads the members of an object. The first fault stays.
type options struct {
	of  map[string]any
	dur func(any) (time.Duration, error)
	err error
}

// known refuses members of other names.
func (o *options) known(names ...string) {
	for _, name := range slices.Sorted(maps.Keys(o.of)) {
		if slices.Contains(names, name) {
			continue
		}
		if near := suggest.Nearest(name, names); near != "" {
			o.fail("unknown option %q; did you mean %q?", name, near)
		} else {
			o.fail("unknown option %q; the options are %s", name, strings.Join(names, ", "))
		}
	}
}

func (o *options) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
}

// text is a member that is a text; "" when there is none. Its value may be a secret, and is in no message.
func (o *options) text(name string) string {
	s, ok := o.of[name].(string)
	if !ok && o.of[name] != nil {
		o.fail("option %s: it is no text", name)
	}
	return s
}

// texts is a list of texts, or a single one.
func (o *options) texts(name string) []string {
	list, err := texts(o.of[name])
	if err != nil {
		o.fail("option %s: %w", name, err)
	}
	return list
}

func texts(v any) (all []string, err error) {
	switch v := v.(type) {
	case nil:
	case string:
		return []string{v}, nil
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, errors.New("it is no list of texts")
			}
			all = append(all, s)
		}
	default:
		return nil, errors.New("it is neither a text nor a list of texts")
	}
	return all, nil
}

// duration is a member that is a time; usual when there is none.
func (o *options) duration(name string, usual time.Duration) time.Duration {
	if o.of[name] == nil {
		return usual
	}
	d, err := o.dur(o.of[name])
	if err == nil && d < 0 {
		err = fmt.Errorf("%v is negative", d)
	}
	if err != nil {
		o.fail("option %s: %w", name, err)
	}
	return d
}

// timeout is the limit of a stop.
func (o *options) timeout() time.Duration {
	d := o.duration("timeout", stopLimit)
	if d == 0 && o.of["timeout"] != nil {
		o.fail("option timeout: it must be more than 0")
	}
	return d
}

// whole is a whole number of at least 1; 0 when there is none.
func (o *options) whole(name string) int64 {
	switch n := o.of[name].(type) {
	case nil:
		return 0
	case int64:
		if n >= 1 {
			return n
		}
	}
	o.fail("option %s must be a whole number of at least 1, not %v", name, o.of[name])
	return 0
}

// pairs are the members of an object of names and texts, by name.
func (o *options) pairs(name string) (all []transport.Header) {
	if o.of[name] == nil {
		return nil
	}
	fields, ok := o.of[name].(object)
	if !ok {
		o.fail("option %s: it is no object of names and values", name)
		return nil
	}
	of := fields.Fields()
	for _, key := range slices.Sorted(maps.Keys(of)) {
		value, ok := of[key].(string)
		if !ok {
			o.fail("option %s: the value of %s is no text", name, key)
		}
		all = append(all, transport.Header{Name: key, Value: value})
	}
	return all
}

// headers are pairs that may be sent.
func (o *options) headers(name string) []transport.Header {
	all := o.pairs(name)
	for _, h := range all {
		if err := transport.CheckHeader(h.Name, h.Value); err != nil {
			o.fail("option %s: %w", name, err)
		}
	}
	return all
}

// body is a text as it is, and anything else as JSON.
func (o *options) body(name string) (b []byte, isJSON bool) {
	switch v := o.of[name].(type) {
	case nil:
		return nil, false
	case string:
		return []byte(v), false
	default:
		b, err := json.Marshal(v)
		if err != nil {
			o.fail("option %s: it cannot be written as JSON: %w", name, err)
		}
		return b, true
	}
}
