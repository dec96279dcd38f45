// Package amd reads AMD's GPUs through amd-smi (amdsmi.go) or rocm-smi (rocmsmi.go),
// and Hygon's DCUs through hy-smi, which prints as rocm-smi does.
//
// All of them print JSON, and often warnings around it (json.go). What is read of the
// two was written after fixtures and published outputs, not after captures.
package amd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
)

// mostGPUs is a limit of an output.
const mostGPUs = 4096

// gpu is what an output tells of a GPU.
type gpu struct {
	device result.Device
	values device.Values
}

// dialect is what a tool is asked, and how its answers are read.
type dialect interface {
	// read asks for the values of a moment.
	read(context.Context, device.Tool) ([]gpu, []string, error)
	// list asks for what the GPUs are, too.
	list(context.Context, device.Tool) ([]gpu, []string, error)
}

// Source is the GPUs of one host. It is a [device.Source].
type Source struct {
	tool device.Tool
	dialect
}

// New makes a source of a host's amd-smi, rocm-smi or hy-smi, as the tool's name says.
func New(tool device.Tool) *Source {
	if tool.Name == "amd-smi" {
		return &Source{tool: tool, dialect: new(amdSMI)}
	}
	return &Source{tool: tool, dialect: rocmSMI{}}
}

// Name is that of the tool and its host.
func (s *Source) Name() string { return s.tool.Source() }

// List tells which GPUs there are.
func (s *Source) List(ctx context.Context) (device.Listing, error) {
	gpus, unread, err := s.list(ctx, s.tool)
	if err != nil {
		return device.Listing{}, fmt.Errorf("list GPUs: %w", err)
	}
	l := device.Listing{Unread: unread}
	for _, g := range sorted(gpus) {
		d := g.device
		d.Kind, d.Index, d.Host, d.Source = "gpu", g.values.Index, s.tool.Host, s.Name()
		if size, ok := g.values.Of[device.MemoryTotal]; ok {
			d.MemoryKind, d.MemoryMiB = cmp.Or(d.MemoryKind, "VRAM"), &size
		}
		l.Devices = append(l.Devices, d)
	}
	return l, nil
}

// Read takes one reading of all GPUs.
func (s *Source) Read(ctx context.Context) (device.Reading, error) {
	started := time.Now()
	gpus, unread, err := s.read(ctx, s.tool)
	if err != nil {
		return device.Reading{}, fmt.Errorf("read GPUs: %w", err)
	}
	r := device.Reading{Source: s.Name(), Host: s.tool.Host, Took: time.Since(started), Unread: unread}
	r.At = started.Add(r.Took / 2)
	for _, g := range sorted(gpus) {
		r.Devices = append(r.Devices, g.values)
	}
	return r, nil
}

// sorted puts the GPUs in the order of their indexes, each once.
func sorted(gpus []gpu) []gpu {
	slices.SortStableFunc(gpus, func(a, b gpu) int { return cmp.Compare(a.values.Index, b.values.Index) })
	return slices.CompactFunc(gpus, func(a, b gpu) bool { return a.values.Index == b.values.Index })
}

// run runs a tool and reads the JSON that it prints. A code other than 0 does not
// matter when there are GPUs in it: rocm-smi ends with one if any value is not supported.
func run(ctx context.Context, tool device.Tool, parse func(any) []gpu, args ...string) ([]gpu, []string, error) {
	out, err := tool.Run(ctx, args...)
	value, unread, ok := find(string(out))
	gpus := parse(value)
	switch {
	case len(gpus) > 0 && ctx.Err() == nil:
		return gpus, unread, nil
	case err != nil:
		return nil, nil, err
	case !ok:
		return nil, nil, fmt.Errorf("%s printed no JSON%s; does it when run by hand, with --json?", tool.Source(), said(unread))
	}
	return nil, nil, fmt.Errorf("%s told of no GPUs%s; does it show them when run by hand?", tool.Source(), said(unread))
}

// said is what a tool printed besides, for a message.
func said(unread []string) string {
	if len(unread) == 0 {
		return ""
	}
	return fmt.Sprintf(", and %q", unread[0])
}
