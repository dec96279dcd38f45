// Package host reads a Linux host's own use of its CPUs and memory, and, where it tells
// them, its temperature, power and energy, from /proc and /sys: of this machine, or of
// another one through ssh. It is one device, of kind "host" and index 0.
//
// The power is that of the whole machine, from its meter (ACPI's power_meter). A
// machine that has none may have counters of the energy of its processors and their
// memory (RAPL): then the energy is theirs alone. They are root's to read on most.
package host

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"weir/runtime/device"
	"weir/runtime/health"
	"weir/runtime/machine"
	"weir/runtime/result"
)

// Name is how --monitor names the source.
const Name = "host"

// Source is a host. It is a [device.Source].
type Source struct {
	host   string
	gather func(context.Context) (files, error)

	all, busy float64 // seconds of all CPUs at the last look; 0: there was none
	energy    energy
}

// Local is this machine. root is the root of its files, such as os.DirFS("/"); nil is
// that.
func Local(root fs.FS) *Source {
	if root == nil {
		root = os.DirFS("/")
	}
	return &Source{gather: func(context.Context) (files, error) { return local(root), nil }}
}

// Remote is another machine, as ssh takes it. One command brings all files.
func Remote(host string) *Source {
	tool := device.Tool{Name: "sh", Host: host}
	return &Source{host: host, gather: func(ctx context.Context) (files, error) {
		out, err := tool.Run(ctx, "-c", script)
		if err != nil {
			return nil, err
		}
		return parse(string(out)), nil
	}}
}

// Name is "host", with the host behind an @ if it is another one.
func (s *Source) Name() string { return device.Tool{Name: Name, Host: s.host}.Source() }

// List tells of the host: its processors' name and the size of its memory.
func (s *Source) List(ctx context.Context) (device.Listing, error) {
	f, err := s.look(ctx)
	if err != nil {
		return device.Listing{}, err
	}
	s.cpu(f, new(device.Values)) // the next reading tells the use since then
	d := result.Device{Host: s.host, Kind: "host", Source: s.Name(), Name: machine.CPUModel(f["proc/cpuinfo"])}
	if total, ok := f.kibibytes("MemTotal"); ok {
		mib := total / 1024
		d.MemoryKind, d.MemoryMiB = "RAM", &mib
	}
	return device.Listing{Devices: []result.Device{d}}, nil
}

// Read takes a reading. The use of the CPUs is that since the last one, or since List;
// the first of all has none.
func (s *Source) Read(ctx context.Context) (device.Reading, error) {
	started := time.Now()
	f, err := s.look(ctx)
	if err != nil {
		return device.Reading{}, err
	}
	r := device.Reading{Source: s.Name(), Host: s.host, Took: time.Since(started)}
	r.At = started.Add(r.Took / 2)
	v := device.Values{Kind: "host", Of: make(map[device.Quantity]float64)}
	s.cpu(f, &v)
	if total, ok := f.kibibytes("MemTotal"); ok {
		v.Set(device.MemoryTotal, total/1024)
		if free, ok := f.kibibytes("MemAvailable"); ok {
			v.Set(device.MemoryUsed, (total-free)/1024)
		}
	}
	v.Share()
	sensors(f, &v)
	joules, ok := s.energy.read(f)
	if _, metered := v.Of[device.Power]; ok && !metered {
		v.Set(device.EnergyCounter, joules)
	}
	r.Devices = []device.Values{v}
	return r, nil
}

func (s *Source) look(ctx context.Context) (files, error) {
	f, err := s.gather(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the host's files: %w", err)
	}
	if _, _, ok := health.MachineTimes([]byte(f["proc/stat"])); !ok {
		where := "this machine"
		if s.host != "" {
			where = s.host
		}
		return nil, fmt.Errorf("read the host's files: %s has no /proc/stat as Linux has it; leave %q out there", where, Name)
	}
	return f, nil
}

// cpu sets the use of all CPUs since the last look.
func (s *Source) cpu(f files, v *device.Values) {
	all, busy, ok := health.MachineTimes([]byte(f["proc/stat"]))
	if !ok {
		return
	}
	if passed := all - s.all; s.all > 0 && passed > 0 {
		v.Set(device.CPU, min(100, (busy-s.busy)/passed*100))
	}
	s.all, s.busy = all, busy
}

// kibibytes is a line of /proc/meminfo.
func (f files) kibibytes(name string) (float64, bool) {
	for line := range strings.Lines(f["proc/meminfo"]) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			x, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return x, err == nil && x >= 0
		}
	}
	return 0, false
}

// number is that of a file which holds one.
func (f files) number(name string) (float64, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(f[name]), 64)
	return x, err == nil
}
