package npusmi

import (
	"regexp"
	"strconv"
	"strings"

	"weir/runtime/device"
	"weir/runtime/result"
)

// Fields is what `npu-smi info -t …` and `npu-smi info -l` print.
type Fields struct {
	Sections []Section `json:"sections,omitempty"`
	Unread   unread    `json:"unread,omitempty"`
}

// Section is the keys of a card, of one of its chips, or of its controller.
type Section struct {
	NPU        *int                        `json:"npu,omitempty"`
	Chip       *int                        `json:"chip,omitempty"` // nil: the card, or a chip that is alone on it
	Controller bool                        `json:"controller,omitempty"`
	Health     string                      `json:"health,omitempty"`
	MemoryKind string                      `json:"memory_kind,omitempty"`
	Values     map[device.Quantity]float64 `json:"values,omitempty"`
	Processes  []result.Process            `json:"processes,omitempty"`
	Fields     map[string]string           `json:"fields,omitempty"` // the others as they are, by the key without blanks before its unit
}

// processLine is of -t proc-mem.
var processLine = regexp.MustCompile(`^Process id\s*:\s*(\d{1,9})\s+Process name\s*:\s*(.*?)\s+Process memory\(MB\)\s*:\s*(\S+)(?:\s+Process id in container\s*:\s*(\S+))?$`)

// mostKey is the longest key, in bytes. What is longer is a sentence with a colon.
const mostKey = 60

// ParseFields reads lines of "key : value".
//
// The number of a chip is the first line of its section in some outputs (common) and
// the last in others (usages, memory, power, health). So sections end where there is a
// blank line or where a key comes again, and the number may be anywhere in them.
func ParseFields(text string) Fields {
	var f Fields
	var npu *int
	var keys []string
	fields := map[string]string{}
	var processes []result.Process
	end := func() {
		if len(keys) > 0 || len(processes) > 0 {
			f.Sections = append(f.Sections, section(npu, keys, fields, processes))
		}
		keys, fields, processes = nil, map[string]string{}, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			end()
			continue
		}
		if m := processLine.FindStringSubmatch(line); m != nil {
			p := result.Process{Name: told(m[2])}
			p.PID, _ = strconv.Atoi(m[1])
			p.MemoryMiB, _ = number(m[3])
			p.InContainer, _ = strconv.Atoi(m[4]) // 0: none
			processes = append(processes, p)
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key = strings.ReplaceAll(strings.Join(strings.Fields(key), " "), " (", "(")
		if !ok || key == "" || len(key) > mostKey || strings.HasPrefix(key, "[") || strings.HasPrefix(key, "/") {
			f.Unread.add(line)
			continue
		}
		value = strings.TrimSpace(value)
		_, again := fields[key]
		_, numbered := fields["Chip ID"]
		if again || key == "NPU ID" || numbered && key == "Chip Name" && isController(value) {
			end()
		}
		if key == "NPU ID" {
			var ok bool
			if npu, ok = id(value); !ok {
				f.Unread.add(line)
			}
		}
		keys = append(keys, key)
		fields[key] = value
	}
	end()
	return f
}

// section gives the keys their meanings.
func section(npu *int, keys []string, fields map[string]string, processes []result.Process) Section {
	s := Section{NPU: npu, Processes: processes, Fields: map[string]string{}}
	var of device.Values
	number := func(key string) (float64, bool) {
		x, ok := number(fields[key])
		if !ok || x == nil {
			return 0, false
		}
		return *x, true
	}
	for _, key := range keys {
		value := fields[key]
		switch strings.ToLower(key) {
		case "npu id":
		case "chip id":
			s.Chip, _ = id(value)
		case "health", "health status":
			s.Health = told(value)
		case "chip name":
			s.Controller = isController(value)
			fallthrough
		default:
			s.Fields[key] = value
		}
		if q := fieldQuantities[strings.ToLower(key)]; q != "" {
			if x, ok := number(key); ok && (q != device.Power || x != 0) {
				of.Set(q, x)
			}
		}
	}
	s.MemoryKind = memory(&of, number)
	s.Values = of.Of
	if len(s.Fields) == 0 {
		s.Fields = nil
	}
	return s
}

// fieldQuantities are the keys that have one meaning on all chips.
var fieldQuantities = map[string]device.Quantity{
	"npu real-time power(w)":   device.Power,
	"power dissipation(w)":     device.Power,
	"npu temperature(c)":       device.Temperature,
	"temperature(c)":           device.Temperature,
	"soc max temperature(c)":   device.Temperature,
	"hbm temperature(c)":       device.MemoryTemperature,
	"aicore usage rate(%)":     device.AICore,
	"aicube usage rate(%)":     device.AICube,
	"aivector usage rate(%)":   device.AIVector,
	"vectorcore usage rate(%)": device.AIVector, // the 310P's name for it
	"aicpu usage rate(%)":      device.AICPU,
	"ctrlcpu usage rate(%)":    device.CtrlCPU,
	"npu utilization(%)":       device.Utilization,
	"aicore curfreq(mhz)":      device.Clock,
}

// memory sets what is told of the memory: that of HBM where there is some. The memory
// that is used is not told, only how many percent of it.
func memory(of *device.Values, number func(key string) (float64, bool)) (kind string) {
	for _, m := range []struct{ kind, prefix string }{{"HBM", "HBM "}, {"DDR", "DDR "}, {"DDR", "Memory "}} {
		total, sized := number(m.prefix + "Capacity(MB)")
		share, shared := number(m.prefix + "Usage Rate(%)")
		if sized && total <= 0 || !sized && !shared {
			continue
		}
		if sized {
			of.Set(device.MemoryTotal, total)
		}
		if shared {
			of.Set(device.Memory, share)
		}
		if sized && shared {
			of.Set(device.MemoryUsed, total*share/100)
		}
		if bandwidth, ok := number(m.prefix + "Bandwidth Usage Rate(%)"); ok {
			of.Set(device.MemoryBandwidth, bandwidth)
		}
		return m.kind
	}
	return ""
}

// text is a field that was told.
func (s Section) text(key string) string { return told(s.Fields[key]) }
