package npusmi

import (
	"strings"

	"weir/runtime/device"
)

// Row is a line of `npu-smi info watch`: a chip at a moment.
type Row struct {
	NPU    int                         `json:"npu"`
	Chip   *int                        `json:"chip,omitempty"` // the 950's rows have none
	Values map[device.Quantity]float64 `json:"values,omitempty"`
}

// Rows reads what `npu-smi info watch` prints, line by line.
type Rows struct {
	head   []column
	unread unread
}

var rowNames = columnNames("NpuID(Idx)", "ChipId(Idx)", "Pwr(W)", "Temp(C)", "AI Core(%)", "AI Cpu(%)", "Ctrl Cpu(%)",
	"Memory(%)", "Memory BW(%)", "NPU Util(%)", "AI Cube(%)")

var rowQuantities = map[string]device.Quantity{
	"pwr(w)":       device.Power,
	"temp(c)":      device.Temperature,
	"ai core(%)":   device.AICore,
	"ai cpu(%)":    device.AICPU,
	"ctrl cpu(%)":  device.CtrlCPU,
	"memory(%)":    device.Memory,
	"memory bw(%)": device.MemoryBandwidth,
	"npu util(%)":  device.Utilization,
	"ai cube(%)":   device.AICube,
}

// Line reads a line; false: it is a head, or it could not be read.
func (r *Rows) Line(line string) (Row, bool) {
	line = strings.TrimSpace(line)
	if line == "" {
		return Row{}, false
	}
	if columns, known := rowNames.head(line); known >= 2 {
		r.head = columns
		return Row{}, false
	}
	row, ok := r.row(line)
	if !ok {
		r.unread.add(line)
	}
	return row, ok
}

// Unread are the lines so far that could not be read, each once, at most ten.
func (r *Rows) Unread() []string { return r.unread }

func (r *Rows) row(line string) (row Row, ok bool) {
	if len(r.head) < 2 {
		return row, false
	}
	values, ok := split(line, r.head, false)
	if !ok {
		return row, false
	}
	npu, ok := id(values["npuid(idx)"])
	if !ok || npu == nil {
		return row, false
	}
	row.NPU = *npu
	if row.Chip, ok = id(values["chipid(idx)"]); !ok {
		return row, false
	}
	var of device.Values
	for name, q := range rowQuantities {
		x, ok := number(values[name])
		if !ok {
			return row, false
		}
		if x != nil && (q != device.Power || *x != 0) {
			of.Set(q, *x)
		}
	}
	row.Values = of.Of
	return row, true
}
