package exporter

import (
	"math"

	dto "github.com/prometheus/client_model/go"

	"weir/runtime/device"
	"weir/runtime/prom"
)

// amd is AMD's device metrics exporter, whose metrics are gpu_… or, as it is
// configured, amd_gpu_….
var amd, amdPrefixed = amdKind(""), amdKind("amd_")

func amdKind(prefix string) kind {
	const system = "GPU_CLOCK_TYPE_SYSTEM" // of the compute units; the others are of memory, video, …
	measures := []measure{
		{"gpu_package_power", device.Power, 1},
		{"gpu_power_usage", device.Power, 1},
		{"gpu_average_package_power", device.Power, 1},
		{"gpu_energy_consumed", device.EnergyCounter, 1e-6}, // µJ
		{"gpu_junction_temperature", device.Temperature, 1},
		{"gpu_edge_temperature", device.Temperature, 1},
		{"gpu_memory_temperature", device.MemoryTemperature, 1},
		{"gpu_gfx_activity", device.Utilization, 1},
		{"gpu_umc_activity", device.MemoryActivity, 1},
		{"gpu_clock", device.Clock, 1},
	}
	for i := range measures {
		measures[i].metric = prefix + measures[i].metric
	}
	return kind{
		name:   "AMD's device metrics exporter",
		prefix: prefix + "gpu_",
		index:  "gpu_id",
		id:     []string{"serial_number"},
		read: func(c *chip, m *dto.Metric, _ string) {
			c.values.Kind = "gpu"
			note(&c.device.ID, m, "gpu_uuid")
			note(&c.device.Name, m, "card_series")
			note(&c.device.Name, m, "card_model")
			note(&c.device.Serial, m, "serial_number")
			note(&c.device.Driver, m, "driver_version")
			note(&c.device.Bus, m, "pcie_bus_id")
		},
		keep: func(m *dto.Metric, name string) bool {
			return name != prefix+"gpu_clock" || prom.Label(m, "clock_type") == system
		},
		derive: func(c *chip, _ prom.Page) {
			c.take(measures)
			has := func(name string) float64 {
				if x, ok := c.raw[prefix+name]; ok {
					return x
				}
				return math.NaN()
			}
			c.memory("VRAM", has("gpu_used_vram"), has("gpu_total_vram")) // MB, which are MiB
			switch healthy, ok := c.raw[prefix+"gpu_health"]; {
			case !ok:
			case healthy == 1:
				c.values.Health = "OK"
			default:
				c.values.Health = "unhealthy"
			}
		},
	}
}
