package convention

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// minWidth is the narrowest terminal that tables are made for.
const minWidth = 60

// WriteText writes tables for a terminal of so many columns: the tool's numbers, weir's
// beside them, how far apart they are, and below why.
func WriteText(w io.Writer, tables []Table, width int) error {
	width = max(width, minWidth)
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteString("\n")
		}
		name := t.Case
		if t.Repeat > 0 {
			name += fmt.Sprintf(", repetition %d", t.Repeat)
		}
		hang(&b, "", 0, fmt.Sprintf("%s (%s) · case %q", t.Tool, t.Convention, name), width)
		if len(t.Groups) > 0 {
			b.WriteString(t.render(width) + "\n")
			for _, g := range t.Groups {
				hang(&b, "  "+g.Metric+": ", 4, g.Why, width)
			}
		}
		for _, note := range t.Notes {
			hang(&b, "  ! ", 4, note, width)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
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

// hang writes text behind a label, with its further lines indented.
func hang(b *strings.Builder, label string, indent int, t string, width int) {
	lines := strings.Split(text.WrapSoft(label+strings.Join(strings.Fields(t), " "), width-indent), "\n")
	for i, line := range lines {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", indent))
			line = strings.TrimLeft(line, " ")
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
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
