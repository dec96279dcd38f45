package exporter

import (
	"math"
	"strconv"

	dto "github.com/prometheus/client_model/go"

	"weir/runtime/device"
	"weir/runtime/prom"
	"weir/runtime/result"
)

// npu is Huawei's npu-exporter. Its label id is the physical id of the chip, which on
// a host (not in a container) is the logical one too. The power of a 310P's chip is
// that of its whole card.
var npu = kind{
	name:   "npu-exporter",
	prefix: "npu_chip_info_",
	index:  "id",
	id:     []string{"vdie_id", "pcie_bus_info"},
	read: func(c *chip, m *dto.Metric, name string) {
		if c.device.PhyID == nil {
			phy := c.values.Index
			c.values.Kind, c.device.PhyID = "npu", &phy
			note(&c.device.ID, m, "id")
		}
		note(&c.device.Name, m, "model_name")
		note(&c.device.Bus, m, "pcie_bus_info")
		switch name {
		case "npu_chip_info_name":
			note(&c.device.Name, m, "name")
		case "npu_chip_info_serial_number":
			note(&c.device.Serial, m, "serial_number")
		case "npu_chip_info_process_info":
			c.process(m)
		}
	},
	derive: func(c *chip, families prom.Page) {
		c.take(npuMeasures)
		// All boards have both pairs; where there is HBM, that is what models are in.
		has := func(name string) float64 {
			if x, ok := c.raw["npu_chip_info_"+name]; ok && x >= 0 {
				return x
			}
			return math.NaN()
		}
		if total := has("hbm_total_memory"); total > 0 {
			c.memory("HBM", has("hbm_used_memory"), total)
		} else if total := has("total_memory"); total > 0 {
			c.memory("DDR", has("used_memory"), total)
		}
		switch healthy, ok := c.raw["npu_chip_info_health_status"]; {
		case !ok:
		case healthy == 1:
			c.values.Health = "OK"
		default:
			c.values.Health = "unhealthy"
		}
		if f := families["npu_exporter_version_info"]; f != nil && len(f.Metric) > 0 {
			note(&c.device.Tool, f.Metric[0], "exporterVersion")
		}
	},
}

var npuMeasures = []measure{
	{"npu_chip_info_power", device.Power, 1},
	{"npu_chip_info_temperature", device.Temperature, 1},
	{"npu_chip_info_hbm_temperature", device.MemoryTemperature, 1},
	{"npu_chip_info_utilization", device.AICore, 1},
	{"npu_chip_info_cube_utilization", device.AICube, 1},
	{"npu_chip_info_vector_utilization", device.AIVector, 1},
	{"npu_chip_info_overall_utilization", device.Utilization, 1},
	{"npu_chip_info_hbm_bandwidth_utilization", device.MemoryBandwidth, 1},
	{"npu_chip_info_aicore_current_freq", device.Clock, 1},
	{"npu_chip_info_voltage", device.Voltage, 1},
}

// process notes a process of npu_chip_info_process_info: its value is its memory, MB.
func (c *chip) process(m *dto.Metric) {
	pid, err := strconv.Atoi(prom.Label(m, "process_id"))
	if err != nil || pid <= 0 || len(c.device.Processes) == mostProcesses {
		return
	}
	for _, p := range c.device.Processes {
		if p.PID == pid {
			return
		}
	}
	p := result.Process{PID: pid, Name: prom.Label(m, "container_name")}
	if mib, ok := prom.Value(m); ok && mib >= 0 {
		p.MemoryMiB = &mib
	}
	c.device.Processes = append(c.device.Processes, p)
}
