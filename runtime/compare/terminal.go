package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/terminal"
)

// minWidth is the narrowest terminal that the tables are made for.
const minWidth = 52

// Terminal writes the comparison, and what came of conditions, for a terminal of so many
// columns, in colours where there are some.
func Terminal(w io.Writer, c *Comparison, outcomes []Outcome, width int, colours bool) error {
	t := &page{width: max(width, minWidth), colours: colours}
	t.hanging("base  ", strings.Join(c.Base, " "))
	t.hanging("new   ", strings.Join(c.New, " "))
	t.out.WriteByte('\n')
	t.out.WriteString(t.colour(c.Verdict, t.wrap("", string(c.Verdict)+" — "+c.Head())))
	for _, k := range c.Cases {
		t.out.WriteByte('\n')
		t.out.WriteString(t.wrap("", k.Name))
		t.out.WriteString(t.wrap("  ", k.Subtitle()))
		t.table(k, c.Percent())
		for _, remark := range k.Remarks() {
			t.hanging("  ! ", remark)
		}
	}
	t.only("Only in the base", c.OnlyBase)
	t.only("Only in the new one", c.OnlyNew)
	if remarks := append(append([]string{}, c.Notes...), c.Remarks()...); len(remarks) > 0 {
		t.out.WriteString("\nNotes\n")
		for _, remark := range remarks {
			t.hanging("  ", remark)
		}
	}
	if len(outcomes) > 0 {
		t.out.WriteString("\nConditions\n")
	}
	for _, o := range outcomes {
		mark, verdict, text := "✓", NoDifference, o.Condition
		if o.Failed {
			mark, verdict, text = "✗", Worse, o.Condition+" — "+o.Text
		}
		t.out.WriteString(t.colour(verdict, "  "+mark+" "+strings.TrimPrefix(t.hung("    ", text), "    ")))
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

type page struct {
	out     strings.Builder
	width   int
	colours bool
}

// field is a column of the table; those with the lowest keep go first on a narrow
// terminal, 0 stays.
type field struct {
	name string
	keep int
	left bool
	text func(*Row) string
}

func (t *page) table(k *Case, percent string) {
	if len(k.Rows) == 0 {
		t.hanging("  ! ", "nothing to compare: the two have no metric in common")
		return
	}
	fields := []field{
		{name: "metric", left: true, text: (*Row).Label},
		{name: "base", keep: 3, text: (*Row).BaseText},
		{name: "new", keep: 4, text: (*Row).NewText},
		{name: "change", text: (*Row).ChangeText},
		{name: percent + " interval", keep: 2, text: (*Row).IntervalText},
		{name: "run noise", keep: 1, text: (*Row).NoiseText},
		{name: "  difference", left: true, text: func(r *Row) string { return r.Mark() + " " + r.VerdictText() }},
	}
	for i := len(fields) - 1; i >= 0; i-- { // what no row has
		none := true
		for _, r := range k.Rows {
			none = none && fields[i].text(r) == absent
		}
		if none && fields[i].keep > 0 {
			fields = append(fields[:i], fields[i+1:]...)
		}
	}
	for {
		widths, total := t.widths(k, fields)
		least := -1
		for i, f := range fields {
			if f.keep > 0 && (least < 0 || f.keep < fields[least].keep) {
				least = i
			}
		}
		if total <= t.width || least < 0 {
			t.rows(k, fields, widths)
			return
		}
		fields = append(fields[:least], fields[least+1:]...)
	}
}

func (t *page) widths(k *Case, fields []field) (widths []int, total int) {
	for _, f := range fields {
		w := text.StringWidth(f.name)
		for _, r := range k.Rows {
			w = max(w, text.StringWidth(f.text(r)))
		}
		widths = append(widths, w)
		total += 2 + w
	}
	return widths, total
}

func (t *page) rows(k *Case, fields []field, widths []int) {
	line := func(cell func(i int) string) string {
		var parts []string
		for i, f := range fields {
			align := text.AlignRight
			if f.left {
				align = text.AlignLeft
			}
			parts = append(parts, align.Apply(terminal.Harmless(cell(i)), widths[i]))
		}
		return strings.TrimRight("  "+strings.Join(parts, "  "), " ")
	}
	head := line(func(i int) string { return fields[i].name })
	if t.colours {
		head = text.Faint.Sprint(head)
	}
	fmt.Fprintln(&t.out, head)
	before := ""
	for _, r := range k.Rows {
		row := line(func(i int) string {
			if i == 0 && r.Metric == before { // the name once
				return strings.Repeat(" ", text.StringWidth(r.Metric)+1) + r.Statistic()
			}
			return fields[i].text(r)
		})
		before = r.Metric
		fmt.Fprintln(&t.out, t.colour(r.Verdict, row))
	}
}

// colour paints what is about a verdict.
func (t *page) colour(v Verdict, s string) string {
	if !t.colours {
		return s
	}
	end := ""
	if strings.HasSuffix(s, "\n") {
		s, end = strings.TrimSuffix(s, "\n"), "\n"
	}
	switch v {
	case Better:
		s = text.FgGreen.Sprint(s)
	case Worse:
		s = text.FgRed.Sprint(s)
	case Differs:
		s = text.FgYellow.Sprint(s)
	case NotComparable, NoInterval:
		s = text.Faint.Sprint(s)
	}
	return s + end
}

func (t *page) only(title string, cases []string) {
	if len(cases) > 0 {
		t.out.WriteByte('\n')
		t.hanging(title+": ", list(cases))
	}
}

func (t *page) wrap(indent, s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text.WrapSoft(terminal.Harmless(s), t.width-len(indent)), "\n") {
		b.WriteString(indent + strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// hanging writes text behind a label, with its further lines indented.
func (t *page) hanging(label, s string) { t.out.WriteString(t.hung(label, s)) }

func (t *page) hung(label, s string) string {
	var b strings.Builder
	indent := min(text.StringWidth(label), 6)
	s = terminal.Harmless(strings.Join(strings.Fields(s), " "))
	for i, line := range strings.Split(text.WrapSoft(s, t.width-text.StringWidth(label)), "\n") {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		b.WriteString(strings.TrimRight(label+line, " ") + "\n")
	}
	return b.String()
}
