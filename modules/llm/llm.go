// Package llm is the module weir/llm: requests to inference services, whose
// token streams are timed and counted.
//
// A script makes an Endpoint, which names a service and the backend (wire
// protocol) that it speaks, and calls complete or chat. The call becomes an
// exchange on a goroutine of its own: the backend appends the request's body,
// runtime/transport sends it and cuts the answer into events, the backend
// decodes each event, and its time and tokens go into the request's
// metrics.Record. The events are taken where the connections are read, not on that
// goroutine, which sleeps meanwhile. The script gets a promise of a reply. A
// request that fails does not reject the promise: the reply says what failed.
package llm

import (
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/script"
	"weir/runtime/transport"
)

// Module is the module of one run.
type Module struct {
	clients   *transport.Clients
	userAgent string

	mu       sync.Mutex     // protects the following fields
	counters map[string]any // by what they count
	services []*Service
	senders  []sender
	pages    []metricsPage
}

// New makes the module; clients is shared with whatever else sends requests in
// the run.
func New(clients *transport.Clients, userAgent string) *Module {
	return &Module{clients: clients, userAgent: userAgent, counters: make(map[string]any)}
}

// Exports gives a runtime the class Endpoint and the list of backends.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	rt.Class(replyClass)
	endpoints := 0
	return map[string]any{
		"Endpoint": rt.Class(script.Class{
			Name: "Endpoint",
			New: func(c goja.ConstructorCall) (any, error) {
				endpoints++
				return m.newEndpoint(rt, endpoints, c)
			},
			Methods: map[string]func(any, goja.FunctionCall) (any, error){
				"complete": func(self any, c goja.FunctionCall) (any, error) { return self.(*endpoint).complete(c) },
				"chat":     func(self any, c goja.FunctionCall) (any, error) { return self.(*endpoint).chat(c) },
				"embed":    func(self any, c goja.FunctionCall) (any, error) { return self.(*endpoint).embed(c) },
				"rerank":   func(self any, c goja.FunctionCall) (any, error) { return self.(*endpoint).rerank(c) },
			},
		}),
		"backends": BackendNames(),
		"zipf":     func(c goja.FunctionCall) goja.Value { return zipf(rt, c) },
	}, nil
}
