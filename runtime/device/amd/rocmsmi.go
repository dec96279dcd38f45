package amd

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/device"
)

// rocmSMI is rocm-smi and hy-smi: an object "card0", "card1", … of texts, whose keys
// have the units. Some changed their names; their case did too.
type rocmSMI struct{}

var readArgs = []string{"--showuse", "--showtemp", "--showpower", "--showmeminfo", "vram"}

func (rocmSMI) read(ctx context.Context, tool device.Tool) ([]gpu, []string, error) {
	args := slices.Clone(readArgs)
	if tool.Name == "rocm-smi" {
		args = append(args, "--showenergycounter")
	}
	return run(ctx, tool, parseROCm, append(args, "--json")...)
}

func (r rocmSMI) list(ctx context.Context, tool device.Tool) ([]gpu, []string, error) {
	args := append(slices.Clone(readArgs), "--showproductname", "--showserial", "--showbus", "--showdriverversion", "--json")
	gpus, unread, err := run(ctx, tool, parseROCm, args...)
	if err != nil && ctx.Err() == nil && !errors.Is(err, exec.ErrNotFound) { // one that does not know all of these
		return r.read(ctx, tool)
	}
	return gpus, unread, err
}

// parseROCm reads the object.
func parseROCm(v any) []gpu {
	cards, _ := v.(map[string]any)
	var gpus []gpu
	driver := ""
	for _, name := range slices.Sorted(maps.Keys(cards)) {
		keys := lower(cards[name])
		if name == "system" {
			driver = first(keys, "driver version")
		}
		digits, ok := strings.CutPrefix(name, "card")
		index, err := strconv.Atoi(digits)
		if !ok || err != nil || index < 0 || keys == nil || len(gpus) == mostGPUs {
			continue
		}
		g := gpu{values: device.Values{Kind: "gpu", Index: index, Of: make(map[device.Quantity]float64)}}
		for _, c := range rocmColumns {
			if _, told := g.values.Of[c.quantity]; told {
				continue
			}
			if x, _, ok := number(keys[c.key]); ok {
				g.values.Set(c.quantity, x*c.scale)
			}
		}
		g.values.Share()
		g.device.ID = first(keys, "unique id")
		g.device.Name = first(keys, "card series", "card model", "card sku")
		g.device.Serial = first(keys, "serial number")
		g.device.Bus = first(keys, "pci bus", "pcie bus")
		g.device.Driver = first(keys, "driver version")
		gpus = append(gpus, g)
	}
	for i := range gpus {
		if gpus[i].device.Driver == "" {
			gpus[i].device.Driver = driver
		}
	}
	return gpus
}

// rocmColumns: the first of a quantity's keys that has a value counts. Of the two
// powers, a card has one.
var rocmColumns = []struct {
	key      string // in lower case
	quantity device.Quantity
	scale    float64
}{
	{"current socket graphics package power (w)", device.Power, 1},
	{"average graphics package power (w)", device.Power, 1},
	{"accumulated energy (uj)", device.EnergyCounter, 1e-6},
	{"temperature (sensor junction) (c)", device.Temperature, 1},
	{"temperature (sensor edge) (c)", device.Temperature, 1},
	{"temperature (sensor memory) (c)", device.MemoryTemperature, 1},
	{"temperature (sensor hbm 0) (c)", device.MemoryTemperature, 1},
	{"gpu use (%)", device.Utilization, 1},
	{"hcu use (%)", device.Utilization, 1},
	{"dcu use (%)", device.Utilization, 1},
	{"gpu memory read/write activity (%)", device.MemoryActivity, 1},
	{"vram total memory (b)", device.MemoryTotal, 1.0 / (1 << 20)},
	{"vram total memory (mib)", device.MemoryTotal, 1},
	{"vram total used memory (b)", device.MemoryUsed, 1.0 / (1 << 20)},
	{"vram total used memory (mib)", device.MemoryUsed, 1},
}

// lower is an object with its keys in lower case; nil when v is none.
func lower(v any) map[string]any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	keys := make(map[string]any, len(object))
	for key, value := range object {
		keys[strings.ToLower(strings.TrimSpace(key))] = value
	}
	return keys
}

// first is the first text that the keys have.
func first(keys map[string]any, names ...string) string {
	for _, n := range names {
		if s := text(keys[n]); s != "" {
			return s
		}
	}
	return ""
}
