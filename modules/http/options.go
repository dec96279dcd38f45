package http

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
	"weir/runtime/transport"
)

// How long a request may take unless the script says otherwise, as in k6.
const defaultTimeout = 60 * time.Second

// requestOptions are the members of the last argument of every call.
var requestOptions = map[string]func(*request, goja.Value) error{
	"headers":        setHeaders,
	"timeout":        limit(func(l *transport.Limits) *time.Duration { return &l.Total }),
	"connectTimeout": limit(func(l *transport.Limits) *time.Duration { return &l.Connect }),
	"headTimeout":    limit(func(l *transport.Limits) *time.Duration { return &l.Head }),
	"idleTimeout":    limit(func(l *transport.Limits) *time.Duration { return &l.Idle }),
	"keepAlive":      func(r *request, v goja.Value) error { r.req.Close = !v.ToBoolean(); return nil },
	"redirects": func(r *request, v goja.Value) error {
		r.follow = int(v.ToInteger())
		if r.follow < 0 {
			return fmt.Errorf("%s is negative", v)
		}
		return nil
	},
	"responseType": choice(map[string]func(*request){
		"text":   func(r *request) { r.binary = false },
		"binary": func(r *request) { r.binary = true },
	}),
}

// streamOptions are those that only stream has.
var streamOptions = map[string]func(*request, goja.Value) error{
	"format": choice(map[string]func(*request){
		"sse":   func(r *request) { r.format = transport.SSE },
		"lines": func(r *request) { r.format = transport.Lines },
	}),
	"method": func(r *request, v goja.Value) error { r.method = strings.ToUpper(v.String()); return nil },
	"body":   func(r *request, v goja.Value) error { return r.setBody(v) },
}

func limit(field func(*transport.Limits) *time.Duration) func(*request, goja.Value) error {
	return func(r *request, v goja.Value) error {
		d, err := script.Duration(v)
		if err == nil && d < 0 {
			err = fmt.Errorf("%s is negative", v)
		}
		*field(&r.req.Limits) = d
		return err
	}
}

func choice(of map[string]func(*request)) func(*request, goja.Value) error {
	return func(r *request, v goja.Value) error {
		set, ok := of[v.String()]
		if !ok {
			var names []string
			for name := range of {
				names = append(names, name)
			}
			slices.Sort(names)
			return fmt.Errorf("%q is none of %s", v, strings.Join(names, ", "))
		}
		set(r)
		return nil
	}
}

func setHeaders(r *request, v goja.Value) error {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Object" {
		return fmt.Errorf("%s is not an object of names and values", v)
	}
	for _, name := range o.Keys() {
		value := o.Get(name).String()
		if err := transport.CheckHeader(name, value); err != nil {
			return err
		}
		r.setHeader(name, value)
	}
	return nil
}

func (r *request) setHeader(name, value string) {
	r.dropHeader(name)
	r.req.Header = append(r.req.Header, transport.Header{Name: name, Value: value})
}

func (r *request) dropHeader(name string) {
	r.req.Header = slices.DeleteFunc(r.req.Header, func(h transport.Header) bool { return strings.EqualFold(h.Name, name) })
}

func (r *request) hasHeader(name string) bool {
	return slices.ContainsFunc(r.req.Header, func(h transport.Header) bool { return strings.EqualFold(h.Name, name) })
}

// setBody takes a string, bytes, or an object that is sent as JSON.
func (r *request) setBody(v goja.Value) error {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	switch x := script.Export(v).(type) {
	case string:
		r.req.Body = []byte(x)
	case []byte:
		r.req.Body = slices.Clone(x)
	case goja.ArrayBuffer:
		r.req.Body = slices.Clone(x.Bytes())
	default:
		if _, ok := v.(*goja.Object); !ok {
			return fmt.Errorf("%s cannot be a body: it must be a string, bytes, or an object that is sent as JSON", v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("the body cannot be written as JSON: %w", err)
		}
		r.req.Body = b
		if !r.hasHeader("Content-Type") {
			r.setHeader("Content-Type", "application/json")
		}
	}
	return nil
}
