package convention

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// minWidth is the narrowest terminal that tables are made for.
const minWidth = 60

// WriteText writes tables for a terminal of so many columns, one tool after another: of
// each case the tool's numbers, weir's beside them and how far apart they are, and below
// all cases why.
func WriteText(w io.Writer, tables []Table, width int) error {
	p := &page{width: max(width, minWidth)}
	for _, tool := range toolsOf(tables) {
		p.tool(tool)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// toolsOf are the tables of each tool, in the order of their first ones.
func toolsOf(tables []Table) [][]Table {
	var tools [][]Table
	number := map[string]int{}
	for _, t := range tables {
		i, ok := number[t.Convention]
		if !ok {
			i = len(tools)
			number[t.Convention] = i
			tools = append(tools, nil)
		}
		tools[i] = append(tools[i], t)
	}
	return tools
}

// page is what is written, for a terminal of so many columns.
type page struct {
	strings.Builder
	width int
}

func (p *page) tool(tables []Table) {
	type reason struct{ metric, why string }
	var reasons []reason
	for _, t := range tables {
		name := t.Case
		if t.Repeat > 0 {
			name += fmt.Sprintf(", repetition %d", t.Repeat)
		}
		if p.Len() > 0 {
			p.WriteString("\n")
		}
		p.hang("", fmt.Sprintf("%s · case %q", t.Tool, name))
		if len(t.Groups) > 0 {
			p.WriteString(t.render(p.width) + "\n")
		}
		for _, note := range t.Notes {
			p.hang("  ! ", note)
		}
		for _, g := range t.Groups {
			if r := (reason{g.Metric, g.Why}); !slices.Contains(reasons, r) {
				reasons = append(reasons, r)
			}
		}
	}
	if len(reasons) == 0 {
		return
	}
	p.WriteString("\nWhy these are not weir's numbers\n")
	for _, r := range reasons {
		p.hang("  ", r.metric+": "+r.why)
	}
}

// hang writes text behind a label, with its further lines indented.
func (p *page) hang(label, t string) {
	const indent = 4
	t = strings.Join(strings.Fields(t), " ")
	for i, line := range strings.Split(text.WrapSoft(t, p.width-indent), "\n") {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		p.WriteString(strings.TrimRight(label+line, " ") + "\n")
	}
}

// render draws the rows of all groups, a line between two groups.
func (t Table) render(width int) string {
	w := table.NewWriter()
	w.SetStyle(table.StyleRounded)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(table.Row{"", t.Convention, "weir", "differs by"})
	numbers := 0
	for i, g := range t.Groups {
		if i > 0 {
			w.AppendSeparator()
		}
		for _, r := range g.Rows {
			name := r.Name
			if r.Unit != "" {
				name += " (" + r.Unit + ")"
			}
			value, weir, differs := number(r.Value), number(r.Weir), r.differs()
			numbers = max(numbers, text.StringWidth(value), text.StringWidth(weir))
			w.AppendRow(table.Row{name, value, weir, differs})
		}
	}
	numbers = max(numbers, text.StringWidth(t.Convention))
	// Four columns have 13 characters of borders, and the last one 10 at most.
	names := max(width-13-10-2*numbers, 12)
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMax: names, WidthMaxEnforcer: text.WrapSoft},
		{Number: 2, Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Number: 3, Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Number: 4, Align: text.AlignRight, AlignHeader: text.AlignRight},
	})
	return w.Render()
}

// differs writes the difference from weir's number: "=" when they are the same.
func (r Row) differs() string {
	switch {
	case r.Difference == nil:
		return ""
	case math.Abs(*r.Difference) < 1e-9:
		return "="
	case math.Abs(*r.Difference) < 0.05:
		return "< 0.1 %"
	case math.Abs(*r.Difference) >= 1e5:
		return fmt.Sprintf("%+.0e %%", *r.Difference)
	}
	return fmt.Sprintf("%+.1f %%", *r.Difference)
}

// number writes a value with about four digits.
func number(v *float64) string {
	if v == nil {
		return "–"
	}
	a := math.Abs(*v)
	switch {
	case *v == math.Trunc(*v) && a < 1e12:
		return strconv.FormatFloat(*v, 'f', 0, 64)
	case a >= 1e9:
		return strconv.FormatFloat(*v, 'g', 6, 64)
	case a >= 1000:
		return strconv.FormatFloat(*v, 'f', 1, 64)
	case a >= 100:
		return strconv.FormatFloat(*v, 'f', 2, 64)
	case a >= 0.1:
		return strconv.FormatFloat(*v, 'f', 3, 64)
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

// WriteJSON writes tables as a list of JSON.
func WriteJSON(w io.Writer, tables []Table) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if tables == nil {
		tables = []Table{}
	}
	return e.Encode(tables)
}

// WriteCSV writes tables as one, a line a row, with empty cells for what there is not.
func WriteCSV(w io.Writer, tables []Table) error {
	c := csv.NewWriter(w)
	c.Write([]string{"case", "repeat", "convention", "metric", "name", "unit", "value", "weir", "weir_metric", "difference_percent", "why"})
	cell := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, t := range tables {
		repeat := ""
		if t.Repeat > 0 {
			repeat = strconv.Itoa(t.Repeat)
		}
		for _, g := range t.Groups {
			for _, r := range g.Rows {
				c.Write([]string{t.Case, repeat, t.Convention, g.Metric, r.Name, r.Unit, cell(r.Value), cell(r.Weir), r.WeirMetric, cell(r.Difference), g.Why})
			}
		}
	}
	c.Flush()
	return c.Error()
}
