// Package npu is the module weir/npu: the accelerators of a script's machine and of
// others, which there are and what they do.
//
// list and sample ask at once, on goroutines, and return promises. monitor adds what
// it names to the run's own telemetry: the devices are sampled while the cases are
// played, and are in the result as those of --monitor are. It is called in init code,
// which every JavaScript runtime evaluates; equal configurations are one monitor.
package npu

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/device"
	"weir/runtime/device/sources"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
)

// Module is "weir/npu" for one run. It may be used by several goroutines.
type Module struct {
	hub     *telemetry.Hub
	clients *transport.Clients

	mu       sync.Mutex // protects the following fields
	monitors map[string]*monitor
	opened   map[string]*asked
}

// New makes the module. Before Use it asks nothing and watches nothing: the script is
// only looked at (--help).
func New() *Module { return &Module{monitors: map[string]*monitor{}, opened: map[string]*asked{}} }

// Use has monitors add their sources to hub, and exporters' pages fetched by clients,
// which must not be redirected. It is called before any runtime is made.
func (m *Module) Use(hub *telemetry.Hub, clients *transport.Clients) { m.hub, m.clients = hub, clients }

// Exports gives a runtime list, sample and monitor, by name and as members of the
// default export.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	rt.Class(monitorClass)
	exports := map[string]any{
		"list": m.asking(rt, "list", func(ctx context.Context, a *asked, s selection) (any, error) {
			devices, err := a.list(ctx)
			return deviceValues(devices, s), err
		}),
		"sample": m.asking(rt, "sample", func(ctx context.Context, a *asked, s selection) (any, error) {
			readings, err := a.read(ctx)
			return readingValues(readings, s), err
		}),
		"monitor": func(c goja.FunctionCall) goja.Value {
			watched, err := m.monitor(rt, c.Argument(0))
			if err != nil {
				rt.Throw(err)
			}
			return rt.Instance(monitorClass.Name, watched)
		},
	}
	for name, function := range exports { // the same function by both names
		exports[name] = rt.VM().ToValue(function)
	}
	exports["default"] = maps.Clone(exports)
	return exports, nil
}

// asking makes a function that asks sources on a goroutine and returns a promise.
func (m *Module) asking(rt *script.Runtime, name string, ask func(context.Context, *asked, selection) (any, error)) func(goja.FunctionCall) goja.Value {
	return func(c goja.FunctionCall) goja.Value {
		o, err := readOptions(c.Argument(0), "source", "hosts", "devices")
		if err == nil {
			err = o.allowed(rt.Script().Access())
		}
		if err != nil {
			rt.Throw(fmt.Errorf("npu.%s: %w", name, err))
		}
		ctx := rt.Context()
		promise, settle := rt.Promise()
		go func() {
			var value any
			a, err := m.open(ctx, o)
			if err == nil {
				value, err = ask(ctx, a, o.devices)
			}
			settle(func() (any, error) {
				if err != nil {
					return nil, fmt.Errorf("npu.%s: %w", name, err)
				}
				return value, nil
			})
		}()
		return promise
	}
}

// asked are sources that list and sample ask. Those of equal options are opened once
// a run; they are asked by one goroutine at a time.
type asked struct {
	mu      sync.Mutex
	sources []device.Source
}

// open opens the sources of list and sample.
func (m *Module) open(ctx context.Context, o options) (*asked, error) {
	if m.clients == nil {
		return nil, errors.New("nothing is asked while a script is only looked at")
	}
	m.mu.Lock()
	a := m.opened[o.place()]
	if a == nil {
		a = new(asked)
		m.opened[o.place()] = a
	}
	m.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sources == nil {
		var err error
		if a.sources, err = sources.Open(ctx, o.sources, o.hosts, m.clients); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// each calls ask for every source, at the same time, and joins the errors.
func (a *asked) each(ask func(i int, s device.Source) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	errs := make([]error, len(a.sources))
	var all sync.WaitGroup
	for i, s := range a.sources {
		all.Go(func() { errs[i] = ask(i, s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (a *asked) list(ctx context.Context) ([]result.Device, error) {
	found := make([][]result.Device, len(a.sources))
	err := a.each(func(i int, s device.Source) error {
		l, err := s.List(ctx)
		found[i] = l.Devices
		return err
	})
	return slices.Concat(found...), err
}

func (a *asked) read(ctx context.Context) ([]device.Reading, error) {
	read := make([]device.Reading, len(a.sources))
	err := a.each(func(i int, s device.Source) error {
		var err error
		read[i], err = s.Read(ctx)
		return err
	})
	return read, err
}
