// Package http is the module weir/http: plain HTTP requests, and event streams
// as an async iterable, for whatever weir/llm does not speak.
//
// Requests go out through runtime/transport like those of weir/llm, each on a
// goroutine of its own and with a record of its own (http_req_duration,
// http_req_waiting, request_failed). A request that fails does not reject its
// promise: the response says what failed. Nothing here looks into a body.
package http

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/reach"
	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// Module is the module of one run.
type Module struct {
	// MaxBody is the longest body of a response that is read, in bytes; a longer
	// one fails its request. It is set before the first request.
	MaxBody int64

	clients   *transport.Clients
	userAgent string
}

// New makes the module; clients is shared with whatever else sends requests in
// the run.
func New(clients *transport.Clients, userAgent string) *Module {
	return &Module{MaxBody: defaultMaxBody, clients: clients, userAgent: userAgent}
}

// Exports gives a runtime request, get, post, put, patch, del, head and stream, by name and as
// members of the default export.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	rt.Class(responseClass(rt))
	rt.Class(streamClass(rt))

	native := func(name string, f func(goja.FunctionCall) (any, error)) func(goja.FunctionCall) goja.Value {
		return func(c goja.FunctionCall) goja.Value {
			v, err := f(c)
			if err != nil {
				rt.Throw(fmt.Errorf("http.%s: %w", name, err))
			}
			return rt.VM().ToValue(v)
		}
	}
	// with makes a function for one method; hasBody says whether its second
	// argument is a body.
	with := func(method string, hasBody bool) func(goja.FunctionCall) (any, error) {
		return func(c goja.FunctionCall) (any, error) {
			body, options := goja.Undefined(), c.Argument(1)
			if hasBody {
				body, options = c.Argument(1), c.Argument(2)
			}
			return m.start(rt, method, c.Argument(0), body, options)
		}
	}
	exports := map[string]any{
		"request": native("request", func(c goja.FunctionCall) (any, error) {
			return m.start(rt, strings.ToUpper(c.Argument(0).String()), c.Argument(1), c.Argument(2), c.Argument(3))
		}),
		"get":    native("get", with("GET", false)),
		"head":   native("head", with("HEAD", false)),
		"del":    native("del", with("DELETE", true)),
		"post":   native("post", with("POST", true)),
		"put":    native("put", with("PUT", true)),
		"patch":  native("patch", with("PATCH", true)),
		"stream": native("stream", func(c goja.FunctionCall) (any, error) { return m.startStream(rt, c) }),
	}
	exports["default"] = maps.Clone(exports)
	return exports, nil
}

// request is what a script asked for.
type request struct {
	method   string
	url      string
	reach    reach.Options
	req      transport.Request
	follow   int  // redirects that may still be followed
	binary   bool // the body is wanted as bytes
	format   transport.Format
	iterates *metrics.Iteration
}

const (
	defaultRedirects = 10
	defaultMaxBody   = 256 << 20
)

// newRequest reads the arguments that all calls share. more are options that only this
// call has.
func (m *Module) newRequest(rt *script.Runtime, method string, url, body, options goja.Value, more map[string]func(*request, goja.Value) error) (*request, error) {
	r := &request{method: method, url: url.String(), follow: defaultRedirects}
	r.iterates, _ = rt.Current().(*metrics.Iteration)
	r.req.Limits = transport.Limits{Connect: transport.DefaultConnectLimit, Total: defaultTimeout}
	r.req.Header = []transport.Header{{Name: "User-Agent", Value: m.userAgent}}
	if _, err := transport.ParseURL(r.url); err != nil {
		return nil, err
	}
	if o, ok := options.(*goja.Object); ok {
		reaching := r.reach.Set()
		for _, name := range o.Keys() {
			set, known := requestOptions[name]
			if own, ok := more[name]; ok {
				set, known = own, true
			}
			if reaches, ok := reaching[name]; ok {
				set, known = func(_ *request, v goja.Value) error { return reaches(v) }, true
			}
			if !known {
				names := slices.AppendSeq(slices.Collect(maps.Keys(requestOptions)), maps.Keys(reaching))
				names = slices.AppendSeq(names, maps.Keys(more))
				slices.Sort(names)
				if near := suggest.Nearest(name, names); near != "" {
					return nil, fmt.Errorf("unknown option %q; did you mean %q?", name, near)
				}
				return nil, fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(names, ", "))
			}
			if v := o.Get(name); !goja.IsUndefined(v) && !goja.IsNull(v) {
				if err := set(r, v); err != nil {
					return nil, fmt.Errorf("option %s: %w", name, err)
				}
			}
		}
	} else if !goja.IsUndefined(options) && !goja.IsNull(options) {
		return nil, fmt.Errorf("the options must be an object, not %s", options)
	}
	var err error
	if r.req.Signer, err = r.reach.Signer(r.req.Header); err != nil {
		return nil, err
	}
	// What is wrong with a certificate or a proxy is the script's fault, not the service's.
	if _, _, err := m.clients.Client(r.url, r.reach.Options); err != nil {
		return nil, err
	}
	return r, r.setBody(body)
}
