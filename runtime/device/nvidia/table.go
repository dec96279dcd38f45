package nvidia

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

const (
	mostUnread    = 20   // lines that are kept of an output
	mostProcesses = 1024 // of a GPU
)

// table reads the CSV output line by line. Its columns are found by their names in the
// head: nvidia-smi prints some under other names than they were asked for.
type table struct {
	names  []string // of the columns; nil: the head has not come
	unread []string // lines that are neither
}

// row is a GPU's.
type row struct {
	index int
	cells map[string]string // by the column's name, without its unit
}

// line takes a line; true: it is a GPU's.
func (t *table) line(text string) (row, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return row{}, false
	}
	cells := split(text)
	if slices.Contains(cells, "index") {
		t.names = names(cells)
		return row{}, false
	}
	if t.names == nil || len(cells) != len(t.names) {
		t.leave(text)
		return row{}, false
	}
	r := row{cells: make(map[string]string, len(cells))}
	for i, name := range t.names {
		r.cells[name] = cells[i]
	}
	index, err := strconv.Atoi(r.cells["index"])
	if err != nil || index < 0 {
		t.leave(text)
		return row{}, false
	}
	r.index = index
	return r, true
}

func (t *table) leave(text string) {
	if len(t.unread) < mostUnread {
		t.unread = append(t.unread, text)
	}
}

func split(text string) []string {
	cells := strings.Split(text, ",")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// names are the columns' names: of "power.draw [W]" the part before the unit.
func names(cells []string) []string {
	all := make([]string, len(cells))
	for i, c := range cells {
		name, _, _ := strings.Cut(c, " ")
		all[i] = name
	}
	return all
}

// text is a cell as it is, "" when the GPU does not tell: [N/A], [Not Supported],
// [Unknown Error], …
func (r row) text(name string) string {
	if cell := r.cells[name]; cell != "N/A" && !strings.HasPrefix(cell, "[") {
		return cell
	}
	return ""
}

// health is what stands in the cells of a GPU that does not work, such as "GPU requires
// reset"; "": nothing of the kind.
func (r row) health() string {
	for _, cell := range r.cells {
		if strings.Contains(cell, "requires reset") || strings.Contains(cell, "is lost") {
			return strings.Trim(cell, "[]")
		}
	}
	return ""
}

// attach gives the processes of an output of --query-compute-apps to their devices. It
// returns the lines that could not be read.
func attach(devices []result.Device, out string) (unread []string) {
	var columns []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		cells := split(line)
		if slices.Contains(cells, "pid") {
			columns = names(cells)
			continue
		}
		at := slices.Index(columns, "process_name")
		if more := len(cells) - len(columns); at >= 0 && more > 0 { // a name with commas in it
			cells = slices.Replace(cells, at, at+more+1, strings.Join(cells[at:at+more+1], ", "))
		}
		p, uuid, ok := process(columns, cells)
		at = slices.IndexFunc(devices, func(d result.Device) bool { return d.ID == uuid })
		if !ok || at < 0 { // or it is of a MIG instance, under a name of its own
			if len(unread) < mostUnread {
				unread = append(unread, line)
			}
			continue
		}
		if d := &devices[at]; len(d.Processes) < mostProcesses {
			d.Processes = append(d.Processes, p)
		}
	}
	for i := range devices {
		slices.SortFunc(devices[i].Processes, func(a, b result.Process) int { return cmp.Compare(a.PID, b.PID) })
	}
	return unread
}

func process(columns, cells []string) (p result.Process, uuid string, ok bool) {
	if len(columns) == 0 || len(cells) != len(columns) {
		return p, "", false
	}
	for i, name := range columns {
		switch cell := cells[i]; name {
		case "gpu_uuid":
			uuid = cell
		case "pid":
			p.PID, _ = strconv.Atoi(cell)
		case "process_name":
			if !strings.HasPrefix(cell, "[") {
				p.Name = cell
			}
		case "used_gpu_memory", "used_memory":
			if mib, err := strconv.ParseFloat(cell, 64); err == nil && mib >= 0 && mib < 1<<30 {
				p.MemoryMiB = &mib
			}
		}
	}
	return p, uuid, p.PID > 0
}
