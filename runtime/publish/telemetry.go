package publish

import (
	"maps"
	"slices"
	"strconv"

	"weir/runtime/device"
	"weir/runtime/result"
	"weir/runtime/serving"
	"weir/runtime/telemetry"
)

// deviceMetrics are what is published of a device, by quantity, and by what it is to be
// multiplied: base units, as Prometheus and OpenTelemetry want them.
var deviceMetrics = map[device.Quantity]scaled{
	device.Power:             deviceMetric("power", "watts", "W", 1, "Power."),
	device.EnergyCounter:     {&metric{name: "weir_device_energy_joules_total", otel: "weir.device.energy", unit: "J", kind: counter, help: "Energy since some moment of the device's own."}, 1},
	device.Temperature:       deviceMetric("temperature", "celsius", "Cel", 1, "Temperature."),
	device.MemoryTemperature: deviceMetric("memory_temperature", "celsius", "Cel", 1, "Temperature of the memory."),
	device.Utilization:       deviceMetric("utilization", "ratio", "1", 0.01, "Utilization, as the tool defines it."),
	device.AICore:            deviceMetric("aicore", "ratio", "1", 0.01, "Utilization of the AI cores."),
	device.AICube:            deviceMetric("aicube", "ratio", "1", 0.01, "Utilization of the cube units."),
	device.AIVector:          deviceMetric("aivector", "ratio", "1", 0.01, "Utilization of the vector units."),
	device.AICPU:             deviceMetric("aicpu", "ratio", "1", 0.01, "Utilization of the AI CPUs."),
	device.CtrlCPU:           deviceMetric("ctrlcpu", "ratio", "1", 0.01, "Utilization of the control CPUs."),
	device.SM:                deviceMetric("sm", "ratio", "1", 0.01, "Share of the multiprocessors that had work."),
	device.Tensor:            deviceMetric("tensor", "ratio", "1", 0.01, "Utilization of the tensor cores."),
	device.MemoryUsed:        deviceMetric("memory_used", "bytes", "By", 1<<20, "Memory in use."),
	device.MemoryTotal:       deviceMetric("memory_total", "bytes", "By", 1<<20, "Memory."),
	device.Memory:            deviceMetric("memory", "ratio", "1", 0.01, "Share of the memory that is in use."),
	device.MemoryBandwidth:   deviceMetric("memory_bandwidth", "ratio", "1", 0.01, "Share of the memory's bandwidth."),
	device.MemoryActivity:    deviceMetric("memory_activity", "ratio", "1", 0.01, "Share of the time in which memory was used."),
	device.Clock:             deviceMetric("clock", "hertz", "Hz", 1e6, "Clock frequency."),
	device.Voltage:           deviceMetric("voltage", "volts", "V", 1, "Voltage."),
	device.CPU:               deviceMetric("cpu", "ratio", "1", 0.01, "Utilization of all CPUs of a host together."),
}

// scaled is a metric of what is given in another unit.
type scaled struct {
	*metric
	times float64
}

func deviceMetric(name, suffix, unit string, times float64, help string) scaled {
	return scaled{&metric{name: "weir_device_" + name + "_" + suffix, otel: "weir.device." + name, unit: unit, kind: gauge, help: help}, times}
}

// serverMetrics are those of what services' pages of metrics tell.
var serverMetrics = map[string]scaled{
	serving.Running: serverMetric("requests_running", "", "{request}", 1, "Requests that the service works on, as it tells."),
	serving.Waiting: serverMetric("requests_waiting", "", "{request}", 1, "Requests that wait in the service, as it tells."),
	serving.Swapped: serverMetric("requests_swapped", "", "{request}", 1, "Requests that the service has put aside, as it tells."),
	serving.KVCache: serverMetric("kv_cache", "_ratio", "1", 0.01, "Share of the KV cache that is in use, as the service tells."),
}

func serverMetric(name, suffix, unit string, times float64, help string) scaled {
	return scaled{&metric{name: "weir_server_" + name + suffix, otel: "weir.server." + name, unit: unit, kind: gauge, help: help}, times}
}

// mostMonitored bounds the series of devices and services together.
const mostMonitored = 4096

// lookAtMonitored adds what devices and services have told since the last look.
func lookAtMonitored(hub *telemetry.Hub, to *snapshot, s *scope) {
	for _, r := range hub.Latest() {
		for _, v := range r.Devices {
			own := []label{
				{"device", "weir.device", text(v.Kind + " " + strconv.Itoa(v.Index))},
				{"device_source", "weir.device.source", text(r.Source)}, // as two may tell of the same device
			}
			if r.Host != "" {
				own = append(own, label{"device_host", "weir.device.host", text(r.Host)})
			}
			for _, q := range slices.Sorted(maps.Keys(v.Of)) {
				if m, ok := deviceMetrics[q]; ok && len(s.series) < mostMonitored {
					to.addAt(s.of(m.metric, own...), r.At, v.Of[q]*m.times)
				}
			}
		}
	}
	for _, page := range hub.LatestPages() {
		own := []label{{"server", "weir.server", text(result.HideLogin(page.URL))}}
		if page.Model != "" {
			own = append(own, label{"server_model", "weir.server.model", text(page.Model)})
		}
		for _, what := range slices.Sorted(maps.Keys(page.Gauges)) {
			if m, ok := serverMetrics[what]; ok && len(s.series) < mostMonitored {
				to.addAt(s.of(m.metric, own...), page.At, page.Gauges[what]*m.times)
			}
		}
	}
}
