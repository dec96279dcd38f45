package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"weir/runtime/device"
	"weir/runtime/prom"
	"weir/runtime/result"
)

const (
	mostChips     = 4096 // of a page
	mostProcesses = 1024 // of a device
)

// page is what a page tells.
type page struct {
	chips  []*chip // by their index
	newest int64   // time of the newest sample, ms; 0: none has one
	unread []string
}

// chip is one device of a page.
type chip struct {
	device   result.Device
	values   device.Values
	identity map[string]string  // that no other device has, by their labels
	raw      map[string]float64 // by the name of the metric, as the page has them
}

// kind is one of the exporters.
type kind struct {
	name   string
	prefix string                            // of the names of its metrics
	index  string                            // the label that counts its devices
	id     []string                          // labels that no two devices share
	read   func(*chip, *dto.Metric, string)  // takes from a sample's labels what they tell of the device; the string is the metric's name
	keep   func(*dto.Metric, string) bool    // tells whether a sample is the device's; nil: all are
	derive func(c *chip, families prom.Page) // makes the values of what is raw
}

// kinds are the exporters that are known, to be asked in this order.
var kinds = []*kind{&npu, &dcgm, &amd, &amdPrefixed}

// parse reads a page.
func parse(families prom.Page) (page, error) {
	var p page
	for _, k := range kinds {
		names := slices.Sorted(maps.Keys(families))
		names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, k.prefix) })
		found := make(map[int]*chip)
		for _, name := range names {
			for _, m := range families[name].Metric {
				if err := k.sample(found, m, name); err != nil {
					return page{}, err
				}
				p.newest = max(p.newest, m.GetTimestampMs())
			}
		}
		if len(found) == 0 {
			p.newest = 0
			continue
		}
		p.chips = slices.SortedFunc(maps.Values(found), func(a, b *chip) int { return cmp.Compare(a.values.Index, b.values.Index) })
		for _, c := range p.chips {
			k.derive(c, families)
			c.values.Share()
			c.device.Kind, c.device.Index, c.device.Health = c.values.Kind, c.values.Index, c.values.Health
		}
		return p, nil
	}
	return page{}, noExporter(families)
}

// noExporter says why a page tells of no devices.
func noExporter(families prom.Page) error {
	for name := range families {
		for _, k := range kinds {
			if strings.HasPrefix(name, k.prefix) {
				return fmt.Errorf("it is %s's page and has no devices on it; look into the exporter's log", k.name)
			}
		}
	}
	for name := range families {
		for _, server := range []string{"vllm:", "sglang:", "tgi_", "llamacpp:", "nv_inference_"} {
			if strings.HasPrefix(name, server) {
				return fmt.Errorf("it is the page of an inference server (%s); give that as --metrics-url", name)
			}
		}
	}
	return errors.New("it has no metrics of npu-exporter (npu_chip_info_…), of the DCGM exporter (DCGM_FI_…) or of AMD's device metrics exporter (gpu_…)")
}

// sample takes one sample in.
func (k *kind) sample(found map[int]*chip, m *dto.Metric, name string) error {
	index, err := strconv.Atoi(prom.Label(m, k.index))
	if err != nil || index < 0 {
		return nil // it is not of a device, or of a part of one
	}
	c := found[index]
	if c == nil {
		if len(found) == mostChips {
			return fmt.Errorf("it has more than %d devices; give the page of one host", mostChips)
		}
		c = &chip{identity: make(map[string]string), raw: make(map[string]float64), values: device.Values{Index: index, Of: make(map[device.Quantity]float64)}}
		found[index] = c
	}
	for _, label := range k.id {
		id := prom.Label(m, label)
		if id == "" {
			continue
		}
		if other, told := c.identity[label]; told && other != id {
			return fmt.Errorf("device %d is there twice, with %s %s and %s: the page is of several hosts; give each host's exporter by itself", index, label, other, id)
		}
		c.identity[label] = id
	}
	k.read(c, m, name)
	if k.keep != nil && !k.keep(m, name) {
		return nil
	}
	// A device that several containers use is there once for each of them.
	if _, again := c.raw[name]; again {
		return nil
	}
	if x, ok := prom.Value(m); ok {
		c.raw[name] = x
	}
	return nil
}

// measure is a metric and the quantity that it is of.
type measure struct {
	metric   string
	quantity device.Quantity
	scale    float64 // from its unit to the quantity's
}

// take sets the quantities, each from the first of its metrics that has a value.
func (c *chip) take(measures []measure) {
	for _, m := range measures {
		if _, told := c.values.Of[m.quantity]; told {
			continue
		}
		if x, ok := c.raw[m.metric]; ok {
			c.values.Set(m.quantity, x*m.scale)
		}
	}
}

// memory sets both sizes of the memory, in MiB, and notes them.
func (c *chip) memory(kind string, used float64, total float64) {
	c.values.Set(device.MemoryUsed, used)
	c.values.Set(device.MemoryTotal, total)
	if size, ok := c.values.Of[device.MemoryTotal]; ok {
		c.device.MemoryKind, c.device.MemoryMiB = kind, &size
	}
}

// note keeps a text that a label tells.
func note(to *string, m *dto.Metric, label string) {
	if text := prom.Label(m, label); text != "" {
		*to = text
	}
}
