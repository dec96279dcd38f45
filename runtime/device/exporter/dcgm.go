package exporter

import (
	"math"

	dto "github.com/prometheus/client_model/go"

	"weir/runtime/device"
	"weir/runtime/prom"
)

// dcgm is NVIDIA's DCGM exporter. A GPU that is cut into MIG instances is there once
// for each of them too: what belongs to the whole card has the card's value in each,
// and the memory is the instances' own.
var dcgm = kind{
	name:   "the DCGM exporter",
	prefix: "DCGM_FI_",
	index:  "gpu",
	id:     []string{"UUID"},
	read: func(c *chip, m *dto.Metric, name string) {
		c.values.Kind = "gpu"
		note(&c.device.ID, m, "UUID")
		note(&c.device.Name, m, "modelName")
		note(&c.device.Bus, m, "pci_bus_id")
		note(&c.device.Driver, m, "DCGM_FI_DRIVER_VERSION")
		if instance := prom.Label(m, "GPU_I_ID"); instance != "" {
			c.instance(m, name, instance)
		}
	},
	keep: func(m *dto.Metric, _ string) bool { return prom.Label(m, "GPU_I_ID") == "" },
	derive: func(c *chip, _ prom.Page) {
		for _, name := range ofWholeGPU {
			if _, told := c.raw[name]; !told {
				if x, ok := c.raw[instanceOf+name]; ok {
					c.raw[name] = x
				}
			}
		}
		c.take(dcgmMeasures)
		used, ok := c.raw["DCGM_FI_DEV_FB_USED"]
		if !ok {
			if used, ok = c.raw[instanceOf+"DCGM_FI_DEV_FB_USED"]; !ok {
				used = math.NaN()
			}
		}
		total, ok := c.raw["DCGM_FI_DEV_FB_TOTAL"]
		if free, told := c.raw["DCGM_FI_DEV_FB_FREE"]; !ok && told {
			total, ok = used+free+c.raw["DCGM_FI_DEV_FB_RESERVED"], true
		}
		if free, told := c.raw[instanceOf+"DCGM_FI_DEV_FB_FREE"]; !ok && told {
			total, ok = used+free, true
		}
		if !ok {
			total = math.NaN()
		}
		c.memory("VRAM", used, total)
	},
}

// ofWholeGPU are the metrics that are the card's in each of its instances.
var ofWholeGPU = []string{
	"DCGM_FI_DEV_POWER_USAGE_INSTANT", "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
	"DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_MEMORY_TEMP", "DCGM_FI_DEV_SM_CLOCK", "DCGM_FI_DEV_FB_TOTAL",
}

// dcgmMeasures: the profiling metrics (DCGM_FI_PROF_…) are shares of 1. Since Ampere
// POWER_USAGE is a mean over the last second, which misses nothing between two readings.
var dcgmMeasures = []measure{
	{"DCGM_FI_DEV_POWER_USAGE", device.Power, 1},
	{"DCGM_FI_DEV_POWER_USAGE_INSTANT", device.Power, 1},
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", device.EnergyCounter, 1e-3}, // mJ
	{"DCGM_FI_DEV_GPU_TEMP", device.Temperature, 1},
	{"DCGM_FI_DEV_MEMORY_TEMP", device.MemoryTemperature, 1},
	{"DCGM_FI_DEV_GPU_UTIL", device.Utilization, 1},
	{"DCGM_FI_PROF_SM_ACTIVE", device.SM, 100},
	{"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", device.Tensor, 100},
	{"DCGM_FI_PROF_DRAM_ACTIVE", device.MemoryBandwidth, 100},
	{"DCGM_FI_DEV_MEM_COPY_UTIL", device.MemoryActivity, 1},
	{"DCGM_FI_DEV_SM_CLOCK", device.Clock, 1},
}

// instanceOf goes before the names of metrics that MIG instances told: of memory their
// sum, of all else the first.
const instanceOf = "instance "

// instance takes the sample of a MIG instance in, once for each instance.
func (c *chip) instance(m *dto.Metric, name, instance string) {
	x, ok := prom.Value(m)
	if !ok {
		return
	}
	seen := instanceOf + instance + " " + name
	if _, again := c.raw[seen]; again {
		return
	}
	c.raw[seen] = x
	if name == "DCGM_FI_DEV_FB_USED" || name == "DCGM_FI_DEV_FB_FREE" {
		c.raw[instanceOf+name] += x
	} else if _, told := c.raw[instanceOf+name]; !told {
		c.raw[instanceOf+name] = x
	}
}
