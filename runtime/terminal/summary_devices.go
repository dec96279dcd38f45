package terminal

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// group is the devices of one case that a row of the table is about: of one host, all
// of which serve, or none.
type group struct {
	host   string
	serves bool
}

// devices writes a table for each kind of devices: what they did in each case, those of
// a host together.
func (s *summary) devices(cases []*result.Case) {
	for _, kind := range []string{"npu", "gpu", "host"} {
		var rows []*result.Case // of which only the names and the devices matter
		for _, c := range cases {
			of := map[group][]result.DeviceUse{}
			var order []group
			for _, d := range c.Devices {
				g := group{d.Host, d.Serves}
				if d.Kind != kind {
					continue
				}
				if of[g] == nil {
					order = append(order, g)
				}
				of[g] = append(of[g], d)
			}
			for _, g := range order {
				rows = append(rows, &result.Case{Name: c.Name, Devices: of[g]})
			}
		}
		s.table(rows, told(rows, deviceColumns(kind)))
	}
}

// told leaves out the columns that say nothing in any row.
func told(rows []*result.Case, columns []column) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return c.text != nil && !slices.ContainsFunc(rows, func(row *result.Case) bool {
			text := c.text(row)
			return text != "" && text != "–"
		})
	})
}

// deviceColumns are those of the table of a kind of devices.
func deviceColumns(kind string) []column {
	columns := []column{caseName, {name: titles[kind], keep: 20, text: func(c *result.Case) string { return deviceNames(c.Devices, kind) }}}
	add := func(quantity, group string, avg, spread, most int) {
		columns = append(columns,
			column{group: group, name: "avg", keep: avg, value: func(c *result.Case) (float64, bool) { return meanOf(c.Devices, quantity) }},
			column{group: group, name: "range", keep: spread, text: func(c *result.Case) string { return rangeOf(c.Devices, quantity) }},
			column{group: group, name: "max", keep: most, value: func(c *result.Case) (float64, bool) { return mostOf(c.Devices, quantity) }})
	}
	add("power_w", "power W", 18, 9, 8)
	switch kind {
	case "npu":
		add("aicore_pct", "AICore %", 17, 7, 4)
	case "host":
		add("cpu_pct", "CPU %", 17, 7, 10)
	default:
		add("utilization_pct", "utilization %", 17, 7, 4)
	}
	return append(columns,
		column{group: "memory", name: "max %", keep: 12, value: func(c *result.Case) (float64, bool) { return mostOf(c.Devices, "memory_pct") }},
		column{group: "temp.", name: "max °C", keep: 11, value: func(c *result.Case) (float64, bool) { return mostOf(c.Devices, "temperature_c") }},
		column{name: "joules", keep: 3, value: func(c *result.Case) (float64, bool) { return joulesOf(c.Devices) }},
		column{name: "health", keep: 14, text: func(c *result.Case) string { return healthOf(c.Devices) }})
}

var titles = map[string]string{"npu": "NPUs", "gpu": "GPUs", "host": "host"}

// meanOf is the mean of the devices' means; false: none told.
func meanOf(devices []result.DeviceUse, quantity string) (float64, bool) {
	sum, n := 0.0, 0.0
	for _, d := range devices {
		if v, ok := d.Values[quantity]; ok {
			sum += v.Avg
			n++
		}
	}
	return sum / n, n > 0
}

// rangeOf is the lowest and the highest of the devices' means, when they differ.
func rangeOf(devices []result.DeviceUse, quantity string) string {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, d := range devices {
		if v, ok := d.Values[quantity]; ok {
			lowest, highest = min(lowest, v.Avg), max(highest, v.Avg)
		}
	}
	if lowest >= highest {
		return "–"
	}
	places := decimals(highest)
	return strconv.FormatFloat(lowest, 'f', places, 64) + "–" + strconv.FormatFloat(highest, 'f', places, 64)
}

// mostOf is the highest value of any device.
func mostOf(devices []result.DeviceUse, quantity string) (float64, bool) {
	most := math.Inf(-1)
	for _, d := range devices {
		if v, ok := d.Values[quantity]; ok {
			most = max(most, v.Max)
		}
	}
	return most, !math.IsInf(most, -1)
}

func joulesOf(devices []result.DeviceUse) (float64, bool) {
	sum, n := 0.0, 0
	for _, d := range devices {
		if d.Joules != nil {
			sum += *d.Joules
			n++
		}
	}
	return sum, n > 0
}

// healthOf names the devices that were not well; "" when all were.
func healthOf(devices []result.DeviceUse) string {
	var bad []string
	for _, d := range devices {
		if d.Health != "" {
			bad = append(bad, fmt.Sprintf("%d: %s", d.Index, d.Health))
		}
	}
	const shown = 2
	if len(bad) > shown {
		return fmt.Sprintf("%s, %d more", strings.Join(bad[:shown], ", "), len(bad)-shown)
	}
	return strings.Join(bad, ", ")
}

// deviceNames is which devices a row is about, such as "0–3,6 of host1".
func deviceNames(devices []result.DeviceUse, kind string) string {
	var numbers []int
	for _, d := range devices {
		numbers = append(numbers, d.Index)
	}
	name := Spans(numbers)
	host := devices[0].Host
	switch {
	case kind == "host":
		name = cmp.Or(host, "this one")
	case host != "":
		name += " of " + host
	}
	if !devices[0].Serves && kind != "host" {
		name += " (not counted)"
	}
	return name
}

// Spans writes numbers in order, as in "0–3,6".
func Spans(numbers []int) string {
	var parts []string
	slices.Sort(numbers)
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "–" + strconv.Itoa(numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

var energyColumns = []column{
	caseName,
	{group: "energy", name: "J", keep: 20, text: func(c *result.Case) string { return significant(&c.Energy.Joules) }},
	{group: "power", name: "W", keep: 3, text: func(c *result.Case) string { return significant(&c.Energy.Watts) }},
	{group: "J per token", name: "output", keep: 18, text: func(c *result.Case) string { return significant(c.Energy.PerOutputToken) }},
	{group: "J per token", name: "all", keep: 10, text: func(c *result.Case) string { return significant(c.Energy.PerToken) }},
	{group: "output", name: "tok/s/W", keep: 15, text: func(c *result.Case) string { return significant(c.Energy.TokensPerWatt) }},
}

// energy writes what the devices that serve used in each case, and how that is known.
func (s *summary) energy(cases []*result.Case) {
	var rows []*result.Case
	var counted, notes gather
	for _, c := range cases {
		if c.Energy == nil {
			if names := serving(c.Devices); len(names) > 0 {
				notes.at("no energy: the power of "+strings.Join(folded(names), ", ")+" is not known", "", c.Name)
			}
			continue
		}
		rows = append(rows, c)
		e := c.Energy
		text := "energy of " + strings.Join(folded(e.Devices), ", ")
		switch e.Method {
		case "counter":
			text += ", as they count it"
		case "mixed":
			text += ", as they count it or integrated from their power"
		default:
			text += ", integrated from their power"
		}
		if len(e.Missing) > 0 {
			text += "; without " + strings.Join(folded(e.Missing), ", ") + ", which told no power, or too seldom"
		}
		counted.at(text, "", c.Name)
		if e.Note != "" {
			notes.at("energy: "+e.Note, "", c.Name)
		}
	}
	s.table(rows, told(rows, energyColumns))
	if len(rows) == 0 && len(notes) > 0 {
		s.out.WriteByte('\n')
	}
	const shown = 3
	more := len(notes) - shown
	for _, f := range append(counted, notes[:min(shown, len(notes))]...) {
		s.hanging("  ", 4, f.label+inCases(f.where, len(cases)))
	}
	if more > 0 {
		s.hanging("  ", 4, fmt.Sprintf("energy: %s more in %s", plural(int64(more), "note"), result.FileName))
	}
}

// serving names the devices whose energy would count.
func serving(devices []result.DeviceUse) (names []string) {
	for _, d := range devices {
		if d.Serves {
			name := fmt.Sprintf("%s %d", d.Kind, d.Index)
			if d.Host != "" {
				name += " of " + d.Host
			}
			names = append(names, name)
		}
	}
	return names
}

// folded are names of devices such as "npu 0 of host1", those of a kind and a host as
// one.
func folded(names []string) (parts []string) {
	type place struct{ kind, host string }
	numbers := map[place][]int{}
	var order []place
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, " ")
		number, host, _ := strings.Cut(rest, " of ")
		n, err := strconv.Atoi(number)
		if err != nil { // a host has no number
			parts = append(parts, name)
			continue
		}
		p := place{kind, host}
		if numbers[p] == nil {
			order = append(order, p)
		}
		numbers[p] = append(numbers[p], n)
	}
	for _, p := range order {
		part := p.kind + " " + Spans(numbers[p])
		if p.host != "" {
			part += " of " + p.host
		}
		parts = append(parts, part)
	}
	return parts
}

// significant writes a number with three significant digits, or all before its point.
func significant(v *float64) string {
	if v == nil {
		return "–"
	}
	size := math.Abs(*v)
	if size >= 100 || size == 0 {
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	if size < 1e-4 {
		return strconv.FormatFloat(*v, 'g', 3, 64)
	}
	return strconv.FormatFloat(*v, 'f', 2-int(math.Floor(math.Log10(size))), 64)
}

// monitors tells of the sources of telemetry that did not do what was asked of them.
func (s *summary) monitors(all []result.Monitor) {
	var lines []string
	for _, m := range all {
		var wrong []string
		if m.Missed > 0 {
			wrong = append(wrong, fmt.Sprintf("%d missed", m.Missed))
		}
		if m.Failed > 0 {
			wrong = append(wrong, fmt.Sprintf("%d failed", m.Failed))
		}
		if n := len(m.Unread); n > 0 {
			wrong = append(wrong, plural(int64(n), "line")+" left out, as unreadable")
		}
		if len(wrong) == 0 && m.Error == "" {
			continue
		}
		line := fmt.Sprintf("%s: %s, one every %v s", m.Source, plural(m.Readings, "reading"), m.Interval)
		if len(wrong) > 0 {
			line += ", " + strings.Join(wrong, ", ")
		}
		if m.Error != "" {
			line += "; the first failure: " + m.Error
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return
	}
	s.title("Monitors")
	for _, line := range lines {
		s.hanging("  ", 6, line)
	}
}
