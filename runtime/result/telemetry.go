package result

import "time"

// Device is an accelerator — a chip, of which a card of an Atlas A3 has two — or a
// host with its own CPUs and memory. Fields that are absent in JSON nobody has told.
type Device struct {
	Host       string    `json:"host,omitempty"` // as --monitor-host names it; "": this machine
	Kind       string    `json:"kind"`           // "npu", "gpu" or "host"
	Index      int       `json:"index"`          // what --devices and ASCEND_RT_VISIBLE_DEVICES or CUDA_VISIBLE_DEVICES count: the logical id, from 0
	ID         string    `json:"id,omitempty"`   // of the card, as the tool names it
	Chip       *int      `json:"chip,omitempty"` // number on the card
	LogicID    *int      `json:"logic_id,omitempty"`
	PhyID      *int      `json:"phy_id,omitempty"`
	Name       string    `json:"name,omitempty"`
	Bus        string    `json:"bus,omitempty"`
	Serial     string    `json:"serial,omitempty"`
	Health     string    `json:"health,omitempty"`      // as the tool says: OK, Warning, Alarm, Critical, UNKNOWN, …
	MemoryKind string    `json:"memory_kind,omitempty"` // "HBM", "DDR", "VRAM" or "RAM"
	MemoryMiB  *float64  `json:"memory_mib,omitempty"`
	Driver     string    `json:"driver,omitempty"`   // its version; so the next two
	Firmware   string    `json:"firmware,omitempty"` //
	Tool       string    `json:"tool,omitempty"`     // of the tool that told
	Source     string    `json:"source"`             // such as "npu-smi"
	Processes  []Process `json:"processes,omitempty"`
}

// Process is one that uses a device.
type Process struct {
	PID         int      `json:"pid"`
	InContainer int      `json:"pid_in_container,omitempty"`
	Name        string   `json:"name,omitempty"`
	MemoryMiB   *float64 `json:"memory_mib,omitempty"`
}

// Monitor is what became of one source of telemetry in the whole run.
type Monitor struct {
	Source   string  `json:"source"` // such as "npu-smi", "npu-smi@user@host", or the URL of a page of metrics
	Interval float64 `json:"interval_s"`
	Readings int64   `json:"readings"`
	Missed   int64   `json:"missed"`          // readings that were due while the one before still ran, or took too long
	Failed   int64   `json:"failed"`          // readings that failed
	Error    string  `json:"error,omitempty"` // the first failure
	Note     string  `json:"note,omitempty"`  // what is no failure and yet worth knowing: a tool that could not keep running
	// Unread are lines that could not be read, each once, at most ten.
	Unread []string `json:"unread,omitempty"`
	Took   *Tail    `json:"took_ms,omitempty"` // by a reading
}

// DeviceUse is what a device did during a case.
type DeviceUse struct {
	Host     string               `json:"host,omitempty"`
	Kind     string               `json:"kind"`
	Index    int                  `json:"index"`
	Name     string               `json:"name,omitempty"`
	Serves   bool                 `json:"serves"`   // it is one of --devices: its energy counts
	Readings int64                `json:"readings"` // inside the case
	Values   map[string]ValueStat `json:"values"`   // by quantity, such as "power_w"; the name ends in the unit
	Joules   *float64             `json:"joules,omitempty"`
	Health   string               `json:"health,omitempty"` // the worst that was seen, when it was not OK
}

// ValueStat is what was seen of a value in a case. Avg is the mean of the readings.
type ValueStat struct {
	N   int64   `json:"n"`
	Avg float64 `json:"avg"`
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// Energy is what the devices that serve used in a case.
type Energy struct {
	Joules         float64  `json:"joules"`
	Watts          float64  `json:"watts"`                             // mean power
	Devices        []string `json:"devices"`                           // that counted, such as "npu 0" or "npu 3 of host1"
	Missing        []string `json:"missing,omitempty"`                 // that serve and told no power, or for less than half of the case
	PerOutputToken *float64 `json:"joules_per_output_token,omitempty"` // nil: no output tokens; so the next two
	PerToken       *float64 `json:"joules_per_token,omitempty"`        // of input and output
	TokensPerWatt  *float64 `json:"output_tokens_per_second_per_watt,omitempty"`
	Method         string   `json:"method"` // "power" (integrated), "counter" (the devices count it), or "mixed"
	Note           string   `json:"note,omitempty"`
}

// Trace is what a profiler left of a case.
type Trace struct {
	Profiler string    `json:"profiler"`         // such as "vllm"
	Target   string    `json:"target,omitempty"` // what it profiled or was switched by: the service's base URL, its configuration file, the command
	Started  time.Time `json:"started"`          // when it ran
	Stopped  time.Time `json:"stopped"`          // when it was told to stop, or had ended by itself
	StopTook float64   `json:"stop_took_s"`      // from then until the trace was written, as far as one can know
	Where    string    `json:"where,omitempty"`  // where the trace is, as far as it is known
	Level    string    `json:"level,omitempty"`
	Error    string    `json:"error,omitempty"` // why there is none, or a doubtful one
}

// Finding is one of weir doctor's.
type Finding struct {
	Check  string `json:"check"`         // its name in docs/doctor.md
	Group  string `json:"group"`         // "service", "machine" or "devices"
	Status string `json:"status"`        // "ok", "warn", "fail", or "skip": it could not be looked at
	What   string `json:"what"`          // was found
	Why    string `json:"why,omitempty"` // it matters for the measurement; of "ok" it may be absent, and so the next
	Do     string `json:"do,omitempty"`  // about it
}
