package npu

import (
	"errors"
	"slices"

	"github.com/dop251/goja"

	"weir/runtime/device"
	"weir/runtime/device/sources"
	"weir/runtime/script"
	"weir/runtime/telemetry"
)

// monitor is what monitor() returns: a view of the run's telemetry. Any runtime uses it.
type monitor struct {
	hub     *telemetry.Hub
	names   []string // of its sources
	devices selection
}

var monitorClass = script.Class{
	Name: "Monitor",
	Methods: map[string]func(any, goja.FunctionCall) (any, error){
		"latest": func(self any, _ goja.FunctionCall) (any, error) { return self.(*monitor).latest(), nil },
	},
	Getters: map[string]func(any) any{
		"sources": func(self any) any { return slices.Clone(self.(*monitor).names) },
	},
}

// monitor adds sources to the run's telemetry, or returns the monitor of an equal
// configuration.
func (m *Module) monitor(rt *script.Runtime, v goja.Value) (*monitor, error) {
	o, err := readOptions(v, "interval", "source", "hosts", "devices")
	if err == nil && !rt.InInit() {
		return nil, errors.New("npu.monitor: it is called in init code, so that it watches the whole run; in functions use its latest(), or sample()")
	}
	var watched *monitor
	if err == nil {
		err = o.allowed(rt.Script().Access())
	}
	if err == nil {
		watched, err = m.watch(rt, o)
	}
	if err != nil { // it is mostly the value of a flag
		return nil, &script.ParamError{Message: "npu.monitor: " + err.Error()}
	}
	return watched, nil
}

func (m *Module) watch(rt *script.Runtime, o options) (*monitor, error) {
	m.mu.Lock()
	defer m.mu.Unlock() // also while sources are opened: the other runtimes wait for them
	if watched := m.monitors[o.key()]; watched != nil {
		return watched, nil
	}
	watched := &monitor{hub: m.hub, devices: o.devices}
	if m.hub != nil && !rt.Script().Access().Dry() {
		opened, err := sources.Open(rt.Context(), o.sources, o.hosts, m.clients)
		if err != nil {
			return nil, err
		}
		for _, s := range opened {
			watched.names = append(watched.names, s.Name())
			m.hub.AddSource(s, o.interval)
		}
	}
	m.monitors[o.key()] = watched
	return watched, nil
}

// latest is the last reading of each of its sources.
func (m *monitor) latest() []any {
	readings := slices.DeleteFunc(m.hub.Latest(), func(r device.Reading) bool { return !slices.Contains(m.names, r.Source) })
	return readingValues(readings, m.devices)
}
