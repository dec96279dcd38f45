package npusmi

import (
	"regexp"
	"strconv"
	"strings"

	"weir/runtime/device"
	"weir/runtime/result"
)

// Table is what `npu-smi info` prints.
type Table struct {
	Tool      string        `json:"tool,omitempty"`   // its version
	Driver    string        `json:"driver,omitempty"` // its version
	Chips     []Chip        `json:"chips,omitempty"`
	Processes []ChipProcess `json:"processes,omitempty"`
	Unread    unread        `json:"unread,omitempty"`
}

// Chip is a device in the table.
type Chip struct {
	NPU        int                         `json:"npu"`                // of the card
	Chip       *int                        `json:"chip,omitempty"`     // on it; the 950's table has none
	LogicID    *int                        `json:"logic_id,omitempty"` // "Device" of the 310, 310P and 310B
	PhyID      *int                        `json:"phy_id,omitempty"`
	Name       string                      `json:"name,omitempty"`
	Health     string                      `json:"health,omitempty"`
	Bus        string                      `json:"bus,omitempty"`
	MemoryKind string                      `json:"memory_kind,omitempty"` // "HBM" or "DDR": which the values are of
	Values     map[device.Quantity]float64 `json:"values,omitempty"`

	both bool // it has HBM and DDR
}

// ChipProcess is one that uses a chip.
type ChipProcess struct {
	NPU  int  `json:"npu"`
	Chip *int `json:"chip,omitempty"`
	result.Process
}

var tableNames = columnNames("NPU", "NPU ID", "Name", "Health", "Power(W)", "Temp(C)", "Hugepages-Usage(page)",
	"Chip", "Phy-ID", "Device", "Bus-Id", "AICore(%)", "NPU Util(%)", "Memory-Usage(MB)", "HBM-Usage(MB)",
	"Process id", "Process name", "Process memory(MB)", "Process id in container")

// kinds are what the values of columns look like. It tells the two rows of a chip apart.
var kinds = map[string]*regexp.Regexp{
	"npu": whole, "npu id": whole, "chip": whole, "phy-id": whole, "device": whole, "process id": whole, "process id in container": whole,
	"power(w)": real, "temp(c)": real, "aicore(%)": real, "npu util(%)": real, "process memory(mb)": real,
	"hugepages-usage(page)": pair, "memory-usage(mb)": pair, "hbm-usage(mb)": pair,
	"health": regexp.MustCompile(`^[A-Za-z][A-Za-z _/-]*$`),
	"bus-id": regexp.MustCompile(`^[0-9A-Fa-f]+:[0-9A-Fa-f:.]+$`),
}

var (
	whole = regexp.MustCompile(`^\d{1,9}$`)
	real  = regexp.MustCompile(`^-?\d{1,12}(\.\d{1,9})?$`)
	pair  = regexp.MustCompile(`^(\S+?)\s*/\s*(\S+)$`)
)

var (
	versions   = regexp.MustCompile(`^npu-smi\s+(\S+)\s+Version:\s*(\S+)$`)
	nobody     = regexp.MustCompile(`(?i)^no (running )?process`)
	borderline = regexp.MustCompile(`^[+=|-]+$`)
)

// headRow is a row of a head: the columns of each of its cells.
type headRow [][]column

// tableParser is where in a table the reading is.
type tableParser struct {
	Table
	heads []headRow         // of the table that is read
	next  int               // which of them the next row is expected to have
	open  map[string]string // the rows of a chip so far; nil: none
}

// ParseTable reads what `npu-smi info` printed, which may be cut off anywhere. What
// precedes and follows the tables, such as warnings, is among the unread lines.
func ParseTable(text string) Table {
	var p tableParser
	for line := range strings.Lines(text) {
		p.line(strings.TrimSpace(line))
	}
	p.close()
	return p.Table
}

func (p *tableParser) line(line string) {
	if line == "" || borderline.MatchString(line) {
		return
	}
	inner, framed := strings.CutPrefix(line, "|")
	if !framed || !strings.HasSuffix(inner, "|") {
		p.Unread.add(line)
		return
	}
	cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
	if len(cells) == 1 {
		text := strings.TrimSpace(cells[0])
		if m := versions.FindStringSubmatch(text); m != nil {
			p.Tool, p.Driver = told(m[1]), told(m[2])
		} else if !nobody.MatchString(text) {
			p.Unread.add(line)
		}
		return
	}
	if p.head(cells) {
		return
	}
	for i := range p.heads {
		at := (p.next + i) % len(p.heads)
		if values, ok := p.heads[at].values(cells); ok && p.row(at, values) {
			p.next = at + 1
			return
		}
	}
	p.Unread.add(line)
}

// head takes a row that is one of a head.
func (p *tableParser) head(cells []string) bool {
	row, known := make(headRow, len(cells)), 0
	for i, cell := range cells {
		columns, n := tableNames.head(cell)
		row[i], known = columns, known+n
	}
	if known < 2 {
		return false
	}
	if p.next > 0 || len(p.heads) == 2 || row.has("process id") || row.has("health") { // another table begins
		p.close()
		p.heads, p.next = nil, 0
	}
	p.heads = append(p.heads, row)
	return true
}

func (h headRow) has(name string) bool {
	for _, cell := range h {
		for _, c := range cell {
			if c.name == name {
				return true
			}
		}
	}
	return false
}

// values are those of a row, if it is one of this head.
func (h headRow) values(cells []string) (map[string]string, bool) {
	if len(cells) != len(h) {
		return nil, false
	}
	all := map[string]string{}
	for i, cell := range cells {
		if len(h[i]) == 0 {
			if strings.TrimSpace(cell) != "" {
				return nil, false
			}
			continue
		}
		last := h[i][len(h[i])-1].name
		values, ok := split(cell, h[i], kinds[last] == nil)
		if !ok {
			return nil, false
		}
		for name, v := range values {
			if v = told(v); v != "" && kinds[name] != nil && !kinds[name].MatchString(v) {
				return nil, false
			}
			all[name] = v
		}
	}
	return all, true
}

// row takes the values of a row; false: it is not complete without another one.
func (p *tableParser) row(at int, values map[string]string) bool {
	if p.heads[at].has("process id") {
		return p.process(values)
	}
	if at == 0 {
		if card(values) == nil {
			return false
		}
		p.close()
		p.open = values
		return true
	}
	if p.open == nil {
		return false
	}
	for name, v := range values {
		p.open[name] = v
	}
	if at == len(p.heads)-1 {
		p.close()
	}
	return true
}

// card is the number of a row's card.
func card(values map[string]string) *int {
	npu, _ := id(values["npu"] + values["npu id"]) // a head has one of them
	return npu
}

// close ends the rows of a chip. One that was cut off after its first row has what
// that told.
func (p *tableParser) close() {
	v := p.open
	if v == nil {
		return
	}
	p.open = nil
	c := Chip{NPU: *card(v), Name: v["name"], Health: v["health"], Bus: v["bus-id"]}
	c.Chip, _ = id(v["chip"])
	c.LogicID, _ = id(v["device"])
	c.PhyID, _ = id(v["phy-id"])
	var of device.Values
	set := func(q device.Quantity, column string) {
		if x, ok := number(v[column]); ok && x != nil {
			of.Set(q, *x)
		}
	}
	if x, ok := number(v["power(w)"]); ok && x != nil && *x != 0 { // no chip that answers needs no power
		of.Set(device.Power, *x)
	}
	set(device.Temperature, "temp(c)")
	set(device.AICore, "aicore(%)")
	set(device.Utilization, "npu util(%)")
	for _, m := range []struct{ kind, column string }{{"HBM", "hbm-usage(mb)"}, {"DDR", "memory-usage(mb)"}} {
		used, total, ok := usage(v[m.column])
		if !ok {
			continue
		}
		if c.both = c.MemoryKind != ""; c.both {
			continue
		}
		c.MemoryKind = m.kind
		of.Set(device.MemoryUsed, used)
		of.Set(device.MemoryTotal, total)
		of.Share()
	}
	c.Values = of.Of
	p.Chips = append(p.Chips, c)
}

// usage reads "used / total". A memory of no size is none that the chip has.
func usage(text string) (used, total float64, ok bool) {
	m := pair.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	a, _ := number(m[1])
	b, _ := number(m[2])
	if a == nil || b == nil || *b <= 0 {
		return 0, 0, false
	}
	return *a, *b, true
}

func (p *tableParser) process(v map[string]string) bool {
	npu, pid := card(v), v["process id"]
	if npu == nil || pid == "" {
		return false
	}
	one := ChipProcess{NPU: *npu, Process: result.Process{Name: v["process name"]}}
	one.PID, _ = strconv.Atoi(pid)
	one.InContainer, _ = strconv.Atoi(v["process id in container"]) // 0: none
	one.Chip, _ = id(v["chip"])
	one.MemoryMiB, _ = number(v["process memory(mb)"])
	p.Processes = append(p.Processes, one)
	return true
}
