package terminal

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// column is one column of a case table.
type column struct {
	group, unit string // head: "TTFT" over "ms" …
	name        string // … and "p99"
	// keep says how long the column stays when the terminal is narrow: that with
	// the lowest number goes first; 0 stays.
	keep   int
	value  func(*result.Case) (float64, bool)
	vague  func(*result.Case) bool   // the value comes from too few samples to be known; nil: never
	text   func(*result.Case) string // instead of value
	chosen bool                      // by the user, not by us
}

// table writes one table, with as many of the columns as the width allows.
func (s *summary) table(cases []*result.Case, columns []column) {
	if len(cases) == 0 {
		return
	}
	columns = slices.Clone(columns)
	if !slices.ContainsFunc(cases, func(c *result.Case) bool { return c.Counts.RequestsCut > 0 }) {
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.group == cut.group && c.name == cut.name })
	}
	if !slices.ContainsFunc(cases, func(c *result.Case) bool { return c.Counts.RequestsFailed > 0 }) {
		// Where nothing failed, the column may go early.
		if i := slices.IndexFunc(columns, func(c column) bool { return c.group == failed.group && c.name == failed.name }); i >= 0 {
			columns[i].keep = 4
		}
	}
	columns = slices.DeleteFunc(columns, func(c column) bool {
		return c.value != nil && !slices.ContainsFunc(cases, func(k *result.Case) bool { _, ok := c.value(k); return ok })
	})
	for {
		rendered := render(cases, columns, 0)
		width := text.LongestLineLen(rendered)
		if width <= s.width {
			s.block(rendered)
			s.notice(cases, columns)
			return
		}
		least := leastImportant(columns)
		names := text.LongestLineLen(caseName.name)
		for _, c := range cases {
			names = max(names, text.StringWidth(c.Name))
		}
		// A long name gives way before the columns that matter most do.
		room := names - (width - s.width)
		if least < 0 || columns[least].keep >= 12 && room >= 24 || columns[least].keep >= 16 && room >= 12 {
			s.block(render(cases, columns, max(room, 6)))
			s.notice(cases, columns)
			return
		}
		if c := columns[least]; c.chosen {
			s.lacking = append(s.lacking, c.group+" "+c.name)
		}
		columns = slices.Delete(columns, least, least+1)
	}
}

// leastImportant is the column that goes first; -1 when all must stay.
func leastImportant(columns []column) int {
	least := -1
	for i, c := range columns {
		if c.keep > 0 && (least < 0 || c.keep < columns[least].keep) {
			least = i
		}
	}
	return least
}

// render draws the table; names longer than nameWidth are shortened, 0: none are.
func render(cases []*result.Case, columns []column, nameWidth int) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault

	rows := make([]table.Row, len(cases))
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = text.StringWidth(c.name)
		cells := c.cells(cases)
		if i == 0 && nameWidth > 0 {
			cells = shortened(cells, nameWidth)
		}
		for row, cell := range cells {
			rows[row] = append(rows[row], cell)
			widths[i] = max(widths[i], text.LongestLineLen(cell))
		}
	}
	groups, names := heads(columns, widths)
	t.AppendHeader(groups, table.RowConfig{AutoMerge: true, AutoMergeAlign: text.AlignCenter})
	t.AppendHeader(names)
	t.AppendRows(rows)

	var configs []table.ColumnConfig
	for i, c := range columns {
		config := table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight}
		if c.name == caseName.name || c.name == verdict.name {
			config.Align, config.AlignHeader = text.AlignLeft, text.AlignLeft
		}
		configs = append(configs, config)
	}
	t.SetColumnConfigs(configs)
	return t.Render()
}

// shortened cuts off what names have beyond a width. Where two would look the same then,
// all go on in further lines instead.
func shortened(names []string, width int) []string {
	cut := make([]string, len(names))
	whole := map[string]string{}
	alike := false
	for i, name := range names {
		cut[i] = name
		if text.StringWidth(name) > width {
			cut[i] = text.Trim(name, width-1) + "…"
		}
		other, seen := whole[cut[i]]
		alike = alike || seen && other != name
		whole[cut[i]] = name
	}
	if !alike {
		return cut
	}
	for i, name := range names {
		cut[i] = wrap(name, width)
	}
	return cut
}

// heads makes the two lines of the head, of which go-pretty merges equal
// neighbours in the first. A group's columns together are made as wide as its
// title: go-pretty 6.8 may divide by zero when they are not.
func heads(columns []column, widths []int) (groups, names table.Row) {
	title := func(i int) string {
		if columns[i].group == "" {
			return strings.Repeat(" ", i%2) // keeps neighbours without a group apart
		}
		return strings.TrimSpace(columns[i].group + " " + columns[i].unit)
	}
	for i := range columns {
		groups = append(groups, title(i))
		names = append(names, columns[i].name)
	}
	for from := 0; from < len(columns); {
		to, sum := from, 0
		for ; to < len(columns) && groups[to] == groups[from]; to++ {
			sum += widths[to]
		}
		if lacking := text.StringWidth(title(from)) - sum; lacking > 0 {
			names[from] = strings.Repeat(" ", widths[from]+lacking-text.StringWidth(columns[from].name)) + columns[from].name
		}
		from = to
	}
	return groups, names
}

// cells writes a column's values, all with the same number of decimals.
func (c column) cells(cases []*result.Case) []string {
	cells := make([]string, len(cases))
	if c.text != nil {
		for i, k := range cases {
			cells[i] = c.text(k)
		}
		return cells
	}
	largest := 0.0
	for _, k := range cases {
		if v, ok := c.value(k); ok {
			largest = max(largest, math.Abs(v))
		}
	}
	for i, k := range cases {
		cells[i] = "–"
		if v, ok := c.value(k); ok {
			cells[i] = strconv.FormatFloat(v, 'f', decimals(largest), 64)
			if c.vague != nil && c.vague(k) {
				cells[i] = vague + cells[i]
			}
		}
	}
	return cells
}

func decimals(largest float64) int {
	switch {
	case largest < 10:
		return 2
	case largest < 1000:
		return 1
	}
	return 0
}
