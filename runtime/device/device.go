// Package device reads accelerators, and the hosts that they are in: which there are,
// and what they do at a moment.
//
// A [Source] reads the devices of one host in one way: by a tool's output (npu-smi,
// nvidia-smi, rocm-smi, amd-smi), by the page of an exporter, or from /proc and /sys.
// What a tool does not tell is absent, never 0. A line that cannot be read is
// reported with its text, and the rest of the output is read all the same. Sources
// only read; package telemetry decides when.
package device

import (
	"context"
	"time"

	"weir/runtime/result"
)

// Quantity is what is measured of a device: one of the constants that follow. The
// name ends in the unit; pct is percent (0…100), mib 2²⁰ bytes.
type Quantity = string

// The quantities. npu-smi's and nvidia-smi's "MB" are MiB.
const (
	Power             Quantity = "power_w"
	EnergyCounter     Quantity = "energy_j" // counted by the device since some moment of its own
	Temperature       Quantity = "temperature_c"
	MemoryTemperature Quantity = "memory_temperature_c"
	Utilization       Quantity = "utilization_pct" // of the whole device, as the tool defines it
	AICore            Quantity = "aicore_pct"
	AICube            Quantity = "aicube_pct"
	AIVector          Quantity = "aivector_pct"
	AICPU             Quantity = "aicpu_pct"
	CtrlCPU           Quantity = "ctrlcpu_pct"
	SM                Quantity = "sm_pct"     // NVIDIA's multiprocessors that had work
	Tensor            Quantity = "tensor_pct" // NVIDIA's tensor cores
	MemoryUsed        Quantity = "memory_used_mib"
	MemoryTotal       Quantity = "memory_total_mib"
	Memory            Quantity = "memory_pct" // used of total
	MemoryBandwidth   Quantity = "memory_bandwidth_pct"
	MemoryActivity    Quantity = "memory_activity_pct" // of the time, memory was read or written, however much
	Clock             Quantity = "clock_mhz"
	Voltage           Quantity = "voltage_v"
	CPU               Quantity = "cpu_pct" // of all CPUs of a host together
)

// Source reads the devices of one host in one way. Its methods are for one goroutine
// at a time and return early when ctx ends; an error says what was asked, and what to do.
type Source interface {
	// Name is how --monitor names it, such as "npu-smi", with the host behind an @
	// if it is another one: "npu-smi@user@host".
	Name() string
	// List tells which devices there are.
	List(ctx context.Context) (Listing, error)
	// Read takes one reading of all devices.
	Read(ctx context.Context) (Reading, error)
}

// Watcher is a Source that can read again and again at less expense than by as many
// calls of Read, such as by a tool that keeps running and prints.
type Watcher interface {
	Source
	// Watch calls emit with a reading about every interval until ctx ends, then
	// returns nil. Any other return is an error: what ended the watching.
	Watch(ctx context.Context, interval time.Duration, emit func(Reading)) error
}

// Listing is the devices of a host.
type Listing struct {
	Devices []result.Device
	Unread  []string // lines of the tool's output that could not be read
}

// Reading is the devices of a host at one moment.
type Reading struct {
	Source  string    // its name
	Host    string    // "": this machine
	At      time.Time // when the values were taken: the middle of a call, or when a line of a running tool came
	Took    time.Duration
	Devices []Values // a device that could not be read is absent
	Unread  []string // lines that could not be read
}

// Values are what one device told. Kind and Index are those of its result.Device.
type Values struct {
	Kind   string
	Index  int
	Health string // as the tool says; "": it does not
	Of     map[Quantity]float64
}
