package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// settings are the options that an Endpoint has and that a single request may
// change. Numbers that are nil are left to the service.
type settings struct {
	model           string
	mix             *mix // the model is drawn for each request; nil: it is model
	temperature     *float64
	topP            *float64
	topK            *float64
	seed            *float64
	n               *float64
	bestOf          *float64
	maxTokens       int // 0: left to the service
	askedInput      int // prompt length that the script means to send, tokens
	tokensPerEvent  int // tokens of each event but the first, where the service does not count them; 0: one
	ignoreEOS       bool
	stream          bool
	keepAlive       bool
	continuousUsage bool // ask for the count of tokens in each event
	retry           retry
	signer          transport.Signer // nil: requests are not signed
	secrets         []string         // besides those of headers
	stop            []byte           // JSON
	extra           []member
	headers         []transport.Header
	limits          transport.Limits
}

// option sets one option from what the script gave.
type option func(s *settings, v goja.Value) error

// requestOptions are those that complete and chat take, too.
var requestOptions = map[string]option{
	"model":           model,
	"temperature":     optional(func(s *settings) **float64 { return &s.temperature }, 0, math.MaxFloat64),
	"topP":            optional(func(s *settings) **float64 { return &s.topP }, 0, 1),
	"topK":            wholeNumber(func(s *settings) **float64 { return &s.topK }, -1, math.MaxInt32),
	"seed":            wholeNumber(func(s *settings) **float64 { return &s.seed }, math.MinInt64, math.MaxInt64),
	"n":               wholeNumber(func(s *settings) **float64 { return &s.n }, 1, 1024),
	"bestOf":          wholeNumber(func(s *settings) **float64 { return &s.bestOf }, 1, 1024),
	"maxTokens":       whole(func(s *settings) *int { return &s.maxTokens }, 1),
	"promptTokens":    whole(func(s *settings) *int { return &s.askedInput }, 0),
	"tokensPerEvent":  whole(func(s *settings) *int { return &s.tokensPerEvent }, 1),
	"ignoreEos":       boolean(func(s *settings) *bool { return &s.ignoreEOS }),
	"stream":          boolean(func(s *settings) *bool { return &s.stream }),
	"keepAlive":       boolean(func(s *settings) *bool { return &s.keepAlive }),
	"continuousUsage": boolean(func(s *settings) *bool { return &s.continuousUsage }),
	"retry":           setRetry,
	"stop":            stop,
	"extraBody":       extraBody,
	"headers":         headers,
	"timeout":         limit(func(l *transport.Limits, d transport.Limits) { l.Total = d.Total }),
	"connectTimeout":  limit(func(l *transport.Limits, d transport.Limits) { l.Connect = d.Total }),
	"headTimeout":     limit(func(l *transport.Limits, d transport.Limits) { l.Head = d.Total }),
	"idleTimeout":     limit(func(l *transport.Limits, d transport.Limits) { l.Idle = d.Total }),
}

// apply sets options from an object; others takes those that are not of a
// request, and may be nil.
func (s *settings) apply(o *goja.Object, others map[string]func(goja.Value) error) error {
	for _, name := range o.Keys() {
		v := o.Get(name)
		if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
			continue
		}
		var err error
		if set, ok := requestOptions[name]; ok {
			err = set(s, v)
		} else if set, ok := others[name]; ok {
			err = set(v)
		} else {
			return unknownOption(name, others)
		}
		if err != nil {
			return fmt.Errorf("option %s: %w", name, err)
		}
	}
	return nil
}

func unknownOption(name string, others map[string]func(goja.Value) error) error {
	var known []string
	for k := range requestOptions {
		known = append(known, k)
	}
	for k := range others {
		known = append(known, k)
	}
	sort.Strings(known)
	if near := suggest.Nearest(name, known); near != "" {
		return fmt.Errorf("unknown option %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(known, ", "))
}

func number(v goja.Value, low, high float64) (float64, error) {
	switch v.ExportType().Kind() {
	case reflect.Int64, reflect.Float64:
	default:
		return 0, fmt.Errorf("%s is not a number", v)
	}
	f := v.ToFloat()
	if math.IsNaN(f) || f < low || f > high {
		return 0, fmt.Errorf("%s is out of range", v)
	}
	return f, nil
}

func optional(field func(*settings) **float64, low, high float64) option {
	return func(s *settings, v goja.Value) error {
		f, err := number(v, low, high)
		if err == nil {
			*field(s) = &f
		}
		return err
	}
}

// wholeNumber is optional, without a fraction.
func wholeNumber(field func(*settings) **float64, low, high float64) option {
	set := optional(field, low, high)
	return func(s *settings, v goja.Value) error {
		if err := set(s, v); err != nil {
			return err
		}
		if f := **field(s); f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return fmt.Errorf("%s is not a whole number that JavaScript can hold", v)
		}
		return nil
	}
}

func boolean(field func(*settings) *bool) option {
	return func(s *settings, v goja.Value) error {
		return oneBool(v, field(s))
	}
}

func oneBool(v goja.Value, into *bool) error {
	b, ok := script.Export(v).(bool)
	if !ok {
		return fmt.Errorf("%s is neither true nor false", v)
	}
	*into = b
	return nil
}

// whole is a whole number, such as of tokens.
func whole(field func(*settings) *int, low float64) option {
	return func(s *settings, v goja.Value) error {
		f, err := number(v, low, math.MaxInt32)
		if err == nil && f != math.Trunc(f) {
			err = fmt.Errorf("%s is not a whole number", v)
		}
		if err == nil {
			*field(s) = int(f)
		}
		return err
	}
}

func stop(s *settings, v goja.Value) error {
	switch x := script.Export(v).(type) {
	case string:
	case []any:
		for _, e := range x {
			if _, ok := e.(string); !ok {
				return fmt.Errorf("%s is not a list of strings", v)
			}
		}
	default:
		return fmt.Errorf("%s is neither a string nor a list of strings", v)
	}
	var err error
	s.stop, err = json.Marshal(script.Export(v))
	return err
}

// limit sets one time limit; which takes it from Total of a Limits.
func limit(set func(l *transport.Limits, d transport.Limits)) option {
	return func(s *settings, v goja.Value) error {
		d, err := script.Duration(v)
		if err == nil && d < 0 {
			err = fmt.Errorf("%s is negative", v)
		}
		if err == nil {
			set(&s.limits, transport.Limits{Total: d})
		}
		return err
	}
}

// extraBody adds members to the request's JSON; they replace weir's own and
// those of the same name that the Endpoint has.
func extraBody(s *settings, v goja.Value) error {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Object" {
		return fmt.Errorf("%s is not an object", v)
	}
	extra := slices.Clone(s.extra)
	for _, key := range o.Keys() {
		if goja.IsUndefined(o.Get(key)) {
			continue // as JSON.stringify does
		}
		m, err := newMember(key, o.Get(key))
		if err != nil {
			return err
		}
		extra = slices.DeleteFunc(extra, func(m member) bool { return m.key == key })
		extra = append(extra, m)
	}
	s.extra = extra
	return nil
}

// newMember makes a member of a JSON object; of one that is an object itself, its
// members, too.
func newMember(key string, v goja.Value) (member, error) {
	j, err := toJSON(v)
	if err != nil {
		return member{}, fmt.Errorf("%s: %w", key, err)
	}
	m := member{key: key, json: j}
	if o, ok := v.(*goja.Object); ok && o.ClassName() == "Object" && len(j) > 0 && j[0] == '{' {
		m.members = []member{}
		for _, name := range o.Keys() {
			if inner := o.Get(name); !goja.IsUndefined(inner) {
				j, err := toJSON(inner)
				if err != nil {
					return member{}, fmt.Errorf("%s.%s: %w", key, name, err)
				}
				m.members = append(m.members, member{key: name, json: j})
			}
		}
	}
	return m, nil
}

// toJSON writes a value as JSON.stringify does; what that leaves out is an error.
func toJSON(v goja.Value) ([]byte, error) {
	if v == nil || goja.IsUndefined(v) {
		return nil, errors.New("it is not given")
	}
	if o, ok := v.(*goja.Object); ok {
		if _, isFunction := goja.AssertFunction(o); isFunction {
			return nil, errors.New("a function cannot be written as JSON")
		}
		return json.Marshal(o) // goja's objects do what JSON.stringify does
	}
	switch v.ExportType() {
	case reflect.TypeFor[*big.Int](), reflect.TypeFor[*goja.Symbol]():
		return nil, fmt.Errorf("%s cannot be written as JSON", v)
	}
	return json.Marshal(script.Export(v))
}

// headers adds header fields; they replace those of the same name.
func headers(s *settings, v goja.Value) error {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Object" {
		return fmt.Errorf("%s is not an object of names and values", v)
	}
	for _, name := range o.Keys() {
		if goja.IsUndefined(o.Get(name)) {
			continue
		}
		if err := s.setHeader(name, o.Get(name).String()); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) setHeader(name, value string) error {
	if err := transport.CheckHeader(name, value); err != nil {
		return err
	}
	s.headers = slices.DeleteFunc(slices.Clone(s.headers), func(h transport.Header) bool { return strings.EqualFold(h.Name, name) })
	s.headers = append(s.headers, transport.Header{Name: name, Value: value})
	return nil
}
