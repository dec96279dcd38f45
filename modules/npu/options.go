package npu

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/access"
	"weir/runtime/device/sources"
	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/telemetry"
)

// options are what scripts say of the devices that they mean.
type options struct {
	sources, hosts []string
	interval       time.Duration // 0: telemetry.DefaultInterval
	devices        selection
}

// selection is which devices are told of.
type selection struct {
	text   string // "": all
	parsed telemetry.Selection
}

// has tells whether a device is one of them.
func (s selection) has(host, kind string, index int) bool {
	return s.text == "" || s.parsed.Has(host, kind, index)
}

// allowed tells whether the script may ask these machines.
func (o *options) allowed(a *access.Access) error {
	for _, address := range sources.Addresses(o.sources, o.hosts) {
		if err := a.Host(address); err != nil {
			return err
		}
	}
	return nil
}

const (
	leastInterval = 100 * time.Millisecond
	mostHosts     = 1000
)

// readOptions reads an object with options; known are those that there are.
func readOptions(v goja.Value, known ...string) (options, error) {
	o := options{sources: []string{"auto"}}
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return o, nil
	}
	object, ok := v.(*goja.Object)
	if !ok {
		return o, fmt.Errorf("the options must be an object, not %s", v)
	}
	for _, name := range object.Keys() {
		v := object.Get(name)
		if goja.IsUndefined(v) || goja.IsNull(v) {
			continue
		}
		var err error
		switch {
		case !slices.Contains(known, name):
			if near := suggest.Nearest(name, known); near != "" {
				return o, fmt.Errorf("unknown option %q; did you mean %q?", name, near)
			}
			return o, fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(known, ", "))
		case name == "source":
			o.sources, err = texts(v)
		case name == "hosts":
			o.hosts, err = texts(v)
		case name == "devices":
			if o.devices.text = v.String(); o.devices.text != "" {
				o.devices.parsed, err = telemetry.ParseSelection(o.devices.text)
			}
		case name == "interval":
			if o.interval, err = script.Duration(v); err == nil && o.interval < leastInterval {
				err = fmt.Errorf("%v is too short; the least is %v", o.interval, leastInterval)
			}
		}
		if err != nil {
			return o, fmt.Errorf("option %s: %w", name, err)
		}
	}
	if len(o.sources) == 0 {
		o.sources = []string{"auto"}
	}
	return o, nil
}

// texts reads a string or an array of strings. Empty ones, such as the value of a flag
// that was not given, are left out.
func texts(v goja.Value) ([]string, error) {
	var all []string
	switch x := script.Export(v).(type) {
	case string:
		all = []string{x}
	case []any:
		for _, one := range x {
			text, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no string", one)
			}
			all = append(all, text)
		}
	default:
		return nil, fmt.Errorf("expected a string or an array of them, not %v", v)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	if len(all) > mostHosts {
		return nil, fmt.Errorf("%d are too many; the most are %d", len(all), mostHosts)
	}
	return all, nil
}

// place is equal for equal sources.
func (o options) place() string {
	text, _ := json.Marshal([][]string{o.sources, o.hosts})
	return string(text)
}

// key is equal for equal options.
func (o options) key() string { return fmt.Sprint(o.place(), o.interval, o.devices.text) }
