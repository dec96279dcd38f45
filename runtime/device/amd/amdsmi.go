package amd

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"weir/runtime/device"
	"weir/runtime/result"
)

const mostProcesses = 1024 // of a GPU

// amdSMI is amd-smi: a list of objects, one a GPU, in newer versions as "gpu_data" of an
// object.
type amdSMI struct {
	plain bool // it does not know the options for a part of the values
}

func (a *amdSMI) read(ctx context.Context, tool device.Tool) ([]gpu, []string, error) {
	if !a.plain {
		gpus, unread, err := run(ctx, tool, parseMetric, "metric", "--usage", "--power", "--clock", "--temperature", "--mem-usage", "--energy", "--json")
		if err == nil || ctx.Err() != nil || errors.Is(err, exec.ErrNotFound) {
			return gpus, unread, err
		}
	}
	gpus, unread, err := run(ctx, tool, parseMetric, "metric", "--json")
	a.plain = err == nil
	return gpus, unread, err
}

func (a *amdSMI) list(ctx context.Context, tool device.Tool) ([]gpu, []string, error) {
	gpus, unread, err := a.read(ctx, tool)
	if err != nil {
		return nil, nil, err
	}
	// What follows adds to it where it works.
	add := func(merge func(*gpu, map[string]any), args ...string) {
		out, err := tool.Run(ctx, append(args, "--json")...)
		value, more, ok := find(string(out))
		if !ok {
			if err != nil {
				unread = append(unread, err.Error())
			}
			unread = append(unread, more...)
			return
		}
		for _, object := range objects(value) {
			for i := range gpus {
				if index, ok := indexOf(object); ok && gpus[i].values.Index == index {
					merge(&gpus[i], object)
				}
			}
		}
	}
	add(describe, "static")
	add(occupy, "process")
	return gpus, unread, ctx.Err()
}

// objects are the GPUs of an output.
func objects(v any) []map[string]any {
	list, ok := v.([]any)
	if !ok {
		list, _ = get(v, "gpu_data").([]any)
	}
	var all []map[string]any
	for _, e := range list {
		if object, ok := e.(map[string]any); ok && len(all) < mostGPUs {
			all = append(all, object)
		}
	}
	return all
}

func indexOf(object map[string]any) (int, bool) {
	x, _, ok := number(object["gpu"])
	return int(x), ok && x >= 0 && x < 1<<20 && x == float64(int(x))
}

// parseMetric reads what "metric" prints.
func parseMetric(v any) []gpu {
	var gpus []gpu
	for _, object := range objects(v) {
		index, ok := indexOf(object)
		if !ok {
			continue
		}
		g := gpu{values: device.Values{Kind: "gpu", Index: index, Of: make(map[device.Quantity]float64)}}
		for _, c := range metricColumns {
			if _, told := g.values.Of[c.quantity]; told {
				continue
			}
			if x, unit, ok := number(get(object, strings.Split(c.path, ".")...)); ok {
				g.values.Set(c.quantity, x*scale(unit))
			}
		}
		for path, quantity := range map[string]device.Quantity{"total_vram": device.MemoryTotal, "used_vram": device.MemoryUsed} {
			if x, ok := mib(get(object, "mem_usage", path)); ok {
				g.values.Set(quantity, x)
			}
		}
		g.values.Share()
		gpus = append(gpus, g)
	}
	return gpus
}

// scale is from a unit to that of the quantity.
func scale(unit string) float64 {
	switch strings.ToLower(unit) {
	case "mw", "mj", "mv":
		return 1e-3
	case "uj", "uw":
		return 1e-6
	case "kj":
		return 1e3
	}
	return 1
}

// metricColumns: the first of a quantity's paths that has a value counts.
var metricColumns = []struct {
	path     string
	quantity device.Quantity
}{
	{"power.socket_power", device.Power},
	{"power.current_socket_power", device.Power},
	{"power.average_socket_power", device.Power},
	{"energy.total_energy_consumption", device.EnergyCounter},
	{"temperature.hotspot", device.Temperature},
	{"temperature.edge", device.Temperature},
	{"temperature.mem", device.MemoryTemperature},
	{"usage.gfx_activity", device.Utilization},
	{"usage.umc_activity", device.MemoryActivity},
	{"clock.gfx_0.clk", device.Clock},
	{"clock.gfx.clk", device.Clock},
}

// describe adds what "static" prints.
func describe(g *gpu, object map[string]any) {
	d := &g.device
	d.Name = text(get(object, "asic", "market_name"))
	d.Serial = text(get(object, "board", "product_serial"))
	d.ID = text(get(object, "asic", "asic_serial"))
	d.Bus = text(get(object, "bus", "bdf"))
	for _, key := range []string{"version", "driver_version"} {
		if v := text(get(object, "driver", key)); v != "" {
			d.Driver = v
		}
	}
	if kind := strings.ToUpper(text(get(object, "vram", "type"))); strings.HasPrefix(kind, "HBM") {
		d.MemoryKind = "HBM"
	}
	if _, told := g.values.Of[device.MemoryTotal]; !told {
		if x, ok := mib(get(object, "vram", "size")); ok {
			g.values.Set(device.MemoryTotal, x)
		}
	}
}

// occupy adds what "process" prints: a text where there are none.
func occupy(g *gpu, object map[string]any) {
	list, _ := object["process_list"].([]any)
	for _, e := range list {
		info := get(e, "process_info")
		if info == nil {
			info = e
		}
		pid, _, ok := number(get(info, "pid"))
		if !ok || pid < 1 || pid > 1<<31 || len(g.device.Processes) == mostProcesses {
			continue
		}
		p := result.Process{PID: int(pid), Name: text(get(info, "name"))}
		for _, path := range [][]string{{"memory_usage", "vram_mem"}, {"vram_mem"}, {"mem_usage"}} {
			if size := get(info, path...); size != nil {
				if x, ok := bytesOrMiB(size); ok && p.MemoryMiB == nil && x >= 0 {
					p.MemoryMiB = &x
				}
			}
		}
		g.device.Processes = append(g.device.Processes, p)
	}
}

// bytesOrMiB is the size of a process: here a number without a unit is bytes.
func bytesOrMiB(v any) (float64, bool) {
	x, unit, ok := number(v)
	if unit == "" {
		return x / (1 << 20), ok
	}
	return mib(v)
}
