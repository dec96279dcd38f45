package cmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/device"
	"weir/runtime/result"
)

// deviceColumn is a column of the table of devices.
type deviceColumn struct {
	title string
	right bool
	rank  int // columns of lower ranks stay when there is not room for all
	most  int // widest, in places; 0: as wide as it is
	of    func(deviceRow) string
}

// deviceColumns are all of them, in their order. One that no device tells is left out.
var deviceColumns = []deviceColumn{
	{title: "DEVICE", of: func(r deviceRow) string { return deviceName(r.Device) }},
	{title: "NAME", rank: 6, most: 14, of: func(r deviceRow) string { return r.Name }},
	{title: "BUS", rank: 15, most: 14, of: func(r deviceRow) string { return r.Bus }},
	{title: "HEALTH", rank: 1, most: 10, of: func(r deviceRow) string { return r.Health }},
	{title: "POWER W", right: true, rank: 1, of: value(device.Power, "%.1f")},
	{title: "°C", right: true, rank: 1, of: value(device.Temperature, "%.0f")},
	{title: "CPU %", right: true, rank: 1, of: value(device.CPU, "%.0f")},
	{title: "AICORE %", right: true, rank: 1, of: value(device.AICore, "%.0f")},
	{title: "UTIL %", right: true, rank: 1, of: value(device.Utilization, "%.0f")},
	{title: "SM %", right: true, rank: 8, of: value(device.SM, "%.0f")},
	{title: "TENSOR %", right: true, rank: 9, of: value(device.Tensor, "%.0f")},
	{title: "VECTOR %", right: true, rank: 9, of: value(device.AIVector, "%.0f")},
	{title: "CUBE %", right: true, rank: 10, of: value(device.AICube, "%.0f")},
	{title: "MEM GiB", right: true, rank: 2, of: memoryText},
	{title: "MEM %", right: true, rank: 1, of: value(device.Memory, "%.0f")},
	{title: "MEM BW %", right: true, rank: 7, of: value(device.MemoryBandwidth, "%.0f")},
	{title: "MHz", right: true, rank: 13, of: value(device.Clock, "%.0f")},
	{title: "CTRL CPU %", right: true, rank: 14, of: value(device.CtrlCPU, "%.0f")},
	{title: "AGE", right: true, rank: 1, of: nil}, // by the time of the table
	{title: "USED BY", rank: 11, most: 24, of: processesText},
}

// deviceName is how a device is called beside those of its host.
func deviceName(d result.Device) string {
	if d.Kind == "host" {
		return "host"
	}
	return fmt.Sprintf("%s %d", d.Kind, d.Index)
}

func value(q device.Quantity, format string) func(deviceRow) string {
	return func(r deviceRow) string {
		x, told := r.Values[q]
		if !told {
			return ""
		}
		return fmt.Sprintf(format, x)
	}
}

func memoryText(r deviceRow) string {
	used, told := r.Values[device.MemoryUsed]
	total, sized := r.Values[device.MemoryTotal]
	if !sized && r.MemoryMiB != nil {
		total, sized = *r.MemoryMiB, true
	}
	switch {
	case told && sized:
		return fmt.Sprintf("%.1f/%.0f", used/1024, total/1024)
	case told:
		return fmt.Sprintf("%.1f", used/1024)
	case sized:
		return fmt.Sprintf("?/%.0f", total/1024)
	}
	return ""
}

// processesText is who uses most of a device's memory, and how many others use it.
func processesText(r deviceRow) string {
	if len(r.Processes) == 0 {
		return ""
	}
	first := slices.MaxFunc(r.Processes, func(a, b result.Process) int { return cmp.Compare(usedBy(a), usedBy(b)) })
	name := first.Name
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		name = name[at+1:]
	}
	name = text.Trim(cmp.Or(name, fmt.Sprintf("pid %d", first.PID)), 16)
	if others := len(r.Processes) - 1; others > 0 {
		name += fmt.Sprintf(" +%d", others)
	}
	return name
}

func usedBy(p result.Process) float64 {
	if p.MemoryMiB == nil {
		return 0
	}
	return *p.MemoryMiB
}

// Styles of the live table. Without colours the text says the same.
var (
	headStyle  = lipgloss.NewStyle().Bold(true)
	faintStyle = lipgloss.NewStyle().Faint(true)
	warnStyle  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	alarmStyle = lipgloss.NewStyle().Foreground(lipgloss.Red)
)

// deviceTable is the lines of a table of all groups, at most width places wide, and
// the title that each line stands under. color: with escape sequences.
func deviceTable(groups []group, width int, now time.Time, color bool) (lines, titles []string) {
	paint := func(s lipgloss.Style, line string) string {
		if !color || line == "" {
			return line
		}
		return s.Render(line)
	}
	var rows []deviceRow
	for _, g := range groups {
		rows = append(rows, g.rows...)
	}
	columns := slices.Clone(deviceColumns)
	for i := range columns {
		if columns[i].of == nil {
			columns[i].of = func(r deviceRow) string { return r.ageText(now) }
		}
	}
	columns, widths := fit(columns, rows, width)
	title := ""
	add := func(line string) { lines, titles = append(lines, line), append(titles, title) }
	if len(rows) > 0 {
		heads := make([]string, len(columns))
		for i, c := range columns {
			heads[i] = c.title
		}
		add(paint(headStyle, tableLine(columns, widths, heads)))
	}
	for _, g := range groups {
		title = paint(faintStyle, text.Trim(g.title(), width))
		add(title)
		for _, f := range g.failures {
			for line := range strings.Lines(text.WrapSoft(f.Error, max(width-2, 20))) {
				add(paint(alarmStyle, "  "+strings.TrimSpace(line)))
			}
		}
		for _, r := range g.rows {
			cells := make([]string, len(columns))
			for i, c := range columns {
				cells[i] = c.of(r)
			}
			style := lipgloss.NewStyle()
			switch health := strings.ToUpper(r.Health); {
			case health == "WARNING":
				style = warnStyle
			case health != "" && health != "OK":
				style = alarmStyle
			case r.ageText(now) != "":
				style = faintStyle
			}
			add(paint(style, tableLine(columns, widths, cells)))
		}
	}
	return lines, titles
}

// title is what stands above the devices of a host.
func (g group) title() string {
	parts := []string{cmp.Or(g.name, "this machine")}
	var from []string
	driver := ""
	for _, r := range g.rows {
		name := strings.TrimSuffix(r.Source, "@"+g.name)
		if name != g.name && !slices.Contains(from, name) {
			from = append(from, name)
		}
		driver = cmp.Or(driver, r.Driver)
	}
	parts = append(parts, from...)
	if driver != "" {
		parts = append(parts, "driver "+driver)
	}
	if g.asking {
		parts = append(parts, "asking …")
	}
	return strings.Join(parts, " · ")
}

// staleAfter is how old a reading may be before its age is shown.
const staleAfter = 10 * time.Second

// ageText is how old the reading of a device is, when that is worth to be told.
func (r deviceRow) ageText(now time.Time) string {
	age := now.Sub(r.At)
	if r.At.IsZero() || age < staleAfter {
		return ""
	}
	return age.Round(time.Second).String()
}

const columnGap = 2

// fit chooses the columns that there is room for, and their widths.
func fit(all []deviceColumn, rows []deviceRow, width int) (columns []deviceColumn, widths []int) {
	wide := make([]int, len(all))
	var told []int // the columns that some device tells
	for i, c := range all {
		for _, r := range rows {
			if cell := c.of(r); cell != "" {
				if wide[i] == 0 {
					wide[i] = text.StringWidth(c.title)
					told = append(told, i)
				}
				wide[i] = max(wide[i], text.StringWidth(cell))
			}
		}
		if c.most > 0 {
			wide[i] = min(wide[i], c.most)
		}
	}
	slices.SortStableFunc(told, func(a, b int) int { return cmp.Compare(all[a].rank, all[b].rank) })
	left := width + columnGap
	var kept []int
	for _, i := range told {
		if need := wide[i] + columnGap; need <= left || len(kept) == 0 {
			left -= need
			kept = append(kept, i)
		}
	}
	slices.Sort(kept)
	for _, i := range kept {
		columns, widths = append(columns, all[i]), append(widths, wide[i])
	}
	return columns, widths
}

// tableLine is a row of the table, without blanks at its end.
func tableLine(columns []deviceColumn, widths []int, cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		if text.StringWidth(cell) > widths[i] {
			cell = text.Trim(cell, widths[i]-1) + "…"
		}
		blank := strings.Repeat(" ", widths[i]-text.StringWidth(cell))
		if columns[i].right {
			b.WriteString(blank + cell)
		} else {
			b.WriteString(cell + blank)
		}
		b.WriteString(strings.Repeat(" ", columnGap))
	}
	return strings.TrimRight(b.String(), " ")
}

// summary is a line on all accelerators; "" when there are not several.
func summary(groups []group) string {
	var n, npus, busyN int
	var watts, busy, used, total, hottest float64
	powered := false
	for _, g := range groups {
		for _, r := range g.rows {
			if r.Kind == "host" {
				continue
			}
			n++
			if r.Kind == "npu" {
				npus++
			}
			if x, told := r.Values[device.Power]; told {
				watts += x
				powered = true
			}
			share, told := r.Values[device.AICore]
			if !told {
				share, told = r.Values[device.Utilization]
			}
			if told {
				busy += share
				busyN++
			}
			used += r.Values[device.MemoryUsed]
			total += r.Values[device.MemoryTotal]
			hottest = max(hottest, r.Values[device.Temperature])
		}
	}
	if n < 2 {
		return ""
	}
	parts := []string{fmt.Sprintf("%d devices", n)}
	switch npus {
	case n:
		parts[0] = fmt.Sprintf("%d NPUs", n)
	case 0:
		parts[0] = fmt.Sprintf("%d GPUs", n)
	}
	if powered {
		parts = append(parts, fmt.Sprintf("%.0f W", watts))
	}
	if hottest > 0 {
		parts = append(parts, fmt.Sprintf("up to %.0f °C", hottest))
	}
	if busyN > 0 {
		parts = append(parts, fmt.Sprintf("busy %.0f %%", busy/float64(busyN)))
	}
	if total > 0 {
		parts = append(parts, fmt.Sprintf("%.0f of %.0f GiB", used/1024, total/1024))
	}
	return strings.Join(parts, " · ")
}
