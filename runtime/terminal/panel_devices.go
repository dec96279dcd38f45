package terminal

import (
	"fmt"
	"math"
	"slices"
	"time"

	"weir/runtime/device"
)

// stale is how old a reading is that the panel gives the age of.
const stale = 10 * time.Second

// deviceLines is how many lines of devices are shown.
const deviceLines = 3

// devices tells what the monitored devices do: those of a kind and host in a line,
// accelerators before hosts.
func (d *drawing) devices() {
	var lines [2][]string
	for _, r := range d.now.Devices {
		for _, kind := range kinds(r) {
			at := 0
			if kind == "host" {
				at = 1
			}
			lines[at] = append(lines[at], d.deviceLine(r, kind))
		}
	}
	all := slices.Concat(lines[0], lines[1])
	for i, l := range all {
		if rest := len(all) - deviceLines; i == deviceLines-1 && rest > 0 {
			l += d.ink.faint(fmt.Sprintf("  (and %d more)", rest))
		}
		if i < deviceLines {
			d.add(keepDevices, l)
		}
	}
}

// kinds are those of a reading's devices.
func kinds(r device.Reading) (all []string) {
	for _, v := range r.Devices {
		if !slices.Contains(all, v.Kind) {
			all = append(all, v.Kind)
		}
	}
	return all
}

// deviceFigures are what is told of devices: the first of those that say how busy they
// are, and whatever else is known.
var deviceFigures = [][]struct {
	quantity device.Quantity
	name     string
	unit     string
	sum      bool // over all devices, instead of their mean
}{
	{{device.AICore, "AICore", "%", false}, {device.Utilization, "busy", "%", false}, {device.SM, "SM", "%", false}, {device.CPU, "CPU", "%", false}},
	{{device.Memory, "memory", "%", false}},
	{{device.Power, "power", " W", true}},
	{{device.Temperature, "", " °C", false}},
}

// deviceLine describes the devices of a kind.
func (d *drawing) deviceLine(r device.Reading, kind string) string {
	n := 0
	for _, v := range r.Devices {
		if v.Kind == kind {
			n++
		}
	}
	name := kind
	if n > 1 {
		name = fmt.Sprintf("%s × %d", kind, n)
	}
	if r.Host != "" {
		name += " of " + r.Host
	}
	all := []string{Harmless(name)}
	for _, alternatives := range deviceFigures {
		for _, f := range alternatives {
			sum, told := 0.0, 0
			lowest, highest := math.Inf(1), math.Inf(-1)
			for _, v := range r.Devices {
				if x, ok := v.Of[f.quantity]; ok && v.Kind == kind {
					sum, told = sum+x, told+1
					lowest, highest = min(lowest, x), max(highest, x)
				}
			}
			if told == 0 {
				continue
			}
			text := ""
			if f.name != "" {
				text = f.name + " "
			}
			if f.sum {
				told, lowest, highest = 1, sum, sum
			}
			text += fmt.Sprintf("%.0f%s", sum/float64(told), f.unit)
			if math.Round(lowest) < math.Round(highest) {
				text += fmt.Sprintf(" (%.0f–%.0f)", lowest, highest)
			}
			all = append(all, text)
			break
		}
	}
	if age := d.now.At.Sub(r.At); age >= stale {
		all = append(all, d.ink.faint(Clock(age)+" ago"))
	}
	return parts(all...)
}
