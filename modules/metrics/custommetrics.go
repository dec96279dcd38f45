// Package custommetrics is the module "weir/metrics": metrics that a script
// fills itself. Trend (a distribution), Counter (a sum), Gauge (the last value)
// and Rate (a share) are k6's.
//
// A metric is made in init code, which every JavaScript runtime evaluates, so
// the module keeps one registry a run and equal declarations are one metric.
// Values go to the recorder of the iteration that adds them; its case reports
// them. Outside of iterations there is no case, and adding is an error.
package custommetrics

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// Module is "weir/metrics" for one run. It may be used by several goroutines.
type Module struct {
	mu       sync.Mutex // protects the following fields
	declared map[string]*metric
}

// metric is one metric of the run. It does not change.
type metric struct {
	name string
	kind metrics.CustomKind
	unit string
}

// New makes the module.
func New() *Module { return &Module{declared: map[string]*metric{}} }

// Kinds returns the metrics that the script has made, by name: what
// metrics.CheckThresholds wants to know. It is complete after the init code.
func (m *Module) Kinds() map[string]metrics.CustomKind {
	m.mu.Lock()
	defer m.mu.Unlock()
	kinds := make(map[string]metrics.CustomKind, len(m.declared))
	for name, d := range m.declared {
		kinds[name] = d.kind
	}
	return kinds
}

// Exports gives a runtime the four classes.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	exports := map[string]any{}
	for _, kind := range []metrics.CustomKind{metrics.Trend, metrics.Counter, metrics.Gauge, metrics.Rate} {
		exports[kind.String()] = rt.Class(script.Class{
			Name: kind.String(),
			New: func(call goja.ConstructorCall) (any, error) {
				d, err := m.construct(rt, kind, call.Argument(0), call.Argument(1))
				if err != nil {
					return nil, fmt.Errorf("new %v: %w", kind, err)
				}
				return d, nil
			},
			Methods: map[string]func(any, goja.FunctionCall) (any, error){
				"add": func(self any, call goja.FunctionCall) (any, error) {
					return goja.Undefined(), self.(*metric).add(rt, call.Argument(0), call.Argument(1))
				},
			},
			Getters: map[string]func(any) any{
				"name": func(self any) any { return self.(*metric).name },
			},
		})
	}
	exports["default"] = maps.Clone(exports)
	return exports, nil
}

// construct reads (name, isTimeOrUnit).
func (m *Module) construct(rt *script.Runtime, kind metrics.CustomKind, name, unit goja.Value) (*metric, error) {
	text, ok := script.Export(name).(string)
	if !ok {
		return nil, script.TypeErrorf("the name is %s, not a string", name)
	}
	if !rt.InInit() {
		return nil, fmt.Errorf("metric %q: metrics are made in init code, outside of all functions", text)
	}
	d := &metric{name: text, kind: kind}
	switch u := script.Export(unit).(type) {
	case nil:
	case bool: // k6: values are times, which it keeps in milliseconds
		if u {
			d.unit = "ms"
		}
	case string:
		d.unit = u
	default:
		return nil, script.TypeErrorf("metric %q: the second argument is %s, not a unit (text) or whether the values are times in ms (true)", text, unit)
	}
	return m.declare(d)
}

// declare registers a metric, or returns the equal one that there is.
func (m *Module) declare(d *metric) (*metric, error) {
	if err := metrics.CheckCustom(d.name, d.kind); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.declared[d.name]
	switch {
	case before == nil:
		m.declared[d.name] = d
		return d, nil
	case before.kind != d.kind:
		return nil, fmt.Errorf("metric %q: it is a %v already and cannot also be a %v: give one of them another name", d.name, before.kind, d.kind)
	case before.unit != d.unit:
		return nil, fmt.Errorf("metric %q: it has the unit %q already, not %q: use one unit, or another name", d.name, before.unit, d.unit)
	}
	return before, nil
}

// add gives a value to the case of the running iteration.
func (d *metric) add(rt *script.Runtime, value, tags goja.Value) error {
	it, ok := rt.Current().(*metrics.Iteration)
	if !ok {
		return fmt.Errorf("add to metric %q: no iteration runs, so there is no case to count it for: add values in the iteration function", d.name)
	}
	v, err := d.number(value)
	if err != nil {
		return err
	}
	own, err := tagsOf(tags)
	if err != nil {
		return fmt.Errorf("add to metric %q: %w", d.name, err)
	}
	return it.Observe(d.name, d.kind, d.unit, v, own)
}

// number reads a value: a finite number; for counts and shares also true (1)
// and false (0).
func (d *metric) number(value goja.Value) (float64, error) {
	switch v := script.Export(value).(type) {
	case int64:
		return float64(v), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
	case bool:
		if d.kind == metrics.Rate || d.kind == metrics.Counter {
			if v {
				return 1, nil
			}
			return 0, nil
		}
	}
	return 0, script.TypeErrorf("add to metric %q: the value is %s, not a finite number", d.name, value)
}

// tagsOf reads the tags of a value when they are asked for; nil when there are none.
func tagsOf(tags goja.Value) (func() map[string]string, error) {
	if goja.IsUndefined(tags) || goja.IsNull(tags) {
		return nil, nil
	}
	o, ok := tags.(*goja.Object)
	if !ok {
		return nil, errors.New("the tags are not an object such as {step: \"login\"}")
	}
	return func() map[string]string {
		all := map[string]string{}
		for _, name := range o.Keys() {
			all[name] = o.Get(name).String()
		}
		return all
	}, nil
}
