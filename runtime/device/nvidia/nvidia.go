// Package nvidia reads NVIDIA's GPUs through nvidia-smi: its CSV output (table.go),
// once for each reading, or from one that keeps running (watch.go).
//
// The power is the column power.draw. From Ampere on, but for the A100 and its kin
// (GA100), the driver tells there the mean of the last second, so that readings a second
// apart miss nothing; before, it is that of a moment. power.draw.instant, a moment's
// too, is not read. Devices are counted as nvidia-smi does, by their place on the bus;
// programs count in the same way where CUDA_DEVICE_ORDER is PCI_BUS_ID.
package nvidia

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
)

// fields are what is asked for of each GPU. Those that a driver does not know, it
// says, and they are asked for no more.
var fields = []string{
	"index", "count", "uuid", "pci.bus_id", "name", "serial", "driver_version", "mig.mode.current",
	"memory.total", "memory.used", "utilization.gpu", "utilization.memory",
	"temperature.gpu", "temperature.memory", "power.draw", "clocks.current.sm",
}

// Source is the GPUs of one host. It is a [device.Watcher].
type Source struct {
	tool   device.Tool
	fields []string
	bursts bool // when it keeps running, it does not print when it measures
}

// New makes a source of a host's nvidia-smi.
func New(tool device.Tool) *Source {
	return &Source{tool: tool, fields: slices.Clone(fields)}
}

// Name is that of the tool and its host.
func (s *Source) Name() string { return s.tool.Source() }

// List tells which GPUs there are, and who uses them.
func (s *Source) List(ctx context.Context) (device.Listing, error) {
	rows, unread, err := s.query(ctx)
	if err != nil {
		return device.Listing{}, err
	}
	l := device.Listing{Unread: unread}
	for _, r := range rows {
		d := r.device()
		d.Host, d.Source = s.tool.Host, s.Name()
		l.Devices = append(l.Devices, d)
	}
	out, err := s.tool.Run(ctx, "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory", "--format=csv,nounits")
	if err != nil {
		l.Unread = append(l.Unread, err.Error())
		return l, nil
	}
	l.Unread = append(l.Unread, attach(l.Devices, string(out))...)
	return l, nil
}

// Read takes one reading of all GPUs.
func (s *Source) Read(ctx context.Context) (device.Reading, error) {
	started := time.Now()
	rows, unread, err := s.query(ctx)
	if err != nil {
		return device.Reading{}, err
	}
	took := time.Since(started)
	return s.reading(rows, unread, started.Add(took/2), took), nil
}

func (s *Source) reading(rows []row, unread []string, at time.Time, took time.Duration) device.Reading {
	r := device.Reading{Source: s.Name(), Host: s.tool.Host, At: at, Took: took, Unread: unread}
	for _, row := range rows {
		r.Devices = append(r.Devices, row.values())
	}
	return r
}

func (s *Source) args() []string {
	return []string{"--query-gpu=" + strings.Join(s.fields, ","), "--format=csv,nounits"}
}

var unknownField = regexp.MustCompile(`Field "([^"]+)" is not a valid field`)

// forget drops the field that the driver does not know, if that is what text says.
func (s *Source) forget(text string) bool {
	found := unknownField.FindStringSubmatch(text)
	if found == nil || found[1] == "index" {
		return false
	}
	n := len(s.fields)
	s.fields = slices.DeleteFunc(s.fields, func(f string) bool { return f == found[1] })
	return len(s.fields) < n
}

// query asks for all GPUs, until the driver knows all fields.
func (s *Source) query(ctx context.Context) ([]row, []string, error) {
	for {
		out, err := s.tool.Run(ctx, s.args()...)
		if err != nil {
			if s.forget(string(out)) || s.forget(err.Error()) {
				continue
			}
			return nil, nil, fmt.Errorf("read GPUs: %w", err)
		}
		t := table{}
		var rows []row
		for line := range strings.Lines(string(out)) {
			if r, ok := t.line(line); ok {
				rows = append(rows, r)
			}
		}
		if len(rows) == 0 {
			return nil, nil, fmt.Errorf("read GPUs: %s told of none%s; does it show them when run by hand?", s.Name(), said(t.unread))
		}
		return rows, t.unread, nil
	}
}

// said is what a tool printed instead, for a message.
func said(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf(" and printed %q", lines[0])
}

// device is what a row tells of a GPU that does not change.
func (r row) device() result.Device {
	d := result.Device{
		Kind: "gpu", Index: r.index, ID: r.text("uuid"), Name: r.text("name"), Bus: r.text("pci.bus_id"),
		Serial: r.text("serial"), Driver: r.text("driver_version"), Health: r.health(),
	}
	if d.Name != "" && r.text("mig.mode.current") == "Enabled" {
		d.Name += " (MIG)"
	}
	v := r.values()
	if size, ok := v.Of[device.MemoryTotal]; ok {
		d.MemoryKind, d.MemoryMiB = "VRAM", &size
	}
	return d
}

// values is what a row tells of a moment.
func (r row) values() device.Values {
	v := device.Values{Kind: "gpu", Index: r.index, Health: r.health(), Of: make(map[device.Quantity]float64)}
	for _, c := range columns {
		if x, err := strconv.ParseFloat(r.text(c.name), 64); err == nil {
			v.Set(c.quantity, x)
		}
	}
	v.Share()
	return v
}

var columns = []struct {
	name     string
	quantity device.Quantity
}{
	{"power.draw", device.Power},
	{"temperature.gpu", device.Temperature},
	{"temperature.memory", device.MemoryTemperature},
	{"utilization.gpu", device.Utilization},
	{"utilization.memory", device.MemoryActivity},
	{"memory.used", device.MemoryUsed},
	{"memory.total", device.MemoryTotal},
	{"clocks.current.sm", device.Clock},
}
