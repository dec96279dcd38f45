package terminal

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// minWidth is the narrowest terminal that the summary is made for.
const minWidth = 40

// SummaryOptions say how a summary is written.
type SummaryOptions struct {
	Width   int           // of the terminal, columns: less important columns are left out of a narrow one
	Colours bool          // verdicts and marks are in colours
	Stats   []result.Stat // of each latency, instead of those that a table has else; nil: these
}

// Summary writes the tables that end a run: one row a case, and below what went
// wrong and what the script asked for.
func Summary(w io.Writer, r *result.Result, o SummaryOptions) error {
	s := &summary{width: max(o.Width, minWidth), stats: o.Stats}
	cases := titled(r.Cases)
	s.head(r)
	s.cases(cases)
	s.legend(cases)
	s.devices(cases)
	s.energy(cases)
	s.goodput(cases)
	s.custom(cases)
	s.errors(cases)
	s.checks(cases)
	s.thresholds(cases, r.Thresholds)
	s.validity(r.Verdict, cases)
	s.monitors(r.Monitors)
	s.servers(cases)
	s.traces(cases)
	text := HarmlessLines(s.out.String()) // messages of services may hold anything
	if o.Colours {
		text = coloured(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// titled gives each case the name that readers know it by.
func titled(cases []*result.Case) []*result.Case {
	all := slices.Clone(cases)
	for i, c := range all {
		if title := Harmless(c.Title()); title != c.Name {
			same := *c
			same.Name, same.Repeat = title, 0
			all[i] = &same
		}
	}
	return all
}

// marks are what a summary has in colours.
var marks = regexp.MustCompile(`\bINVALID\b|\bSUSPECT\b|✓|✗|(?m)^! .*$`)

// coloured paints the verdicts and marks of a summary.
func coloured(summary string) string {
	i := ink(true)
	return marks.ReplaceAllStringFunc(summary, func(mark string) string {
		switch mark {
		case "SUSPECT":
			return i.warn(mark)
		case "✓":
			return i.good(mark)
		}
		return i.bad(mark)
	})
}

type summary struct {
	out   strings.Builder
	width int
	stats []result.Stat

	vague   bool     // a value is marked that comes from too few samples
	spread  bool     // a table has a column ±
	lacking []string // columns that were asked for and have no room
}

func (s *summary) head(r *result.Result) {
	parts := []string{r.Script.Name, plural(int64(len(r.Cases)), "case")}
	if r.Ended != nil {
		parts = append(parts, Clock(r.Ended.Sub(r.Started)))
	}
	if r.Environment.Sim != "" {
		parts = append(parts, "simulated service")
	}
	s.wrapped("", strings.Join(parts, " · "))
	if r.Interrupted {
		text := "Interrupted: the cases below are what was finished."
		if slices.ContainsFunc(r.Cases, func(c *result.Case) bool { return c.Interrupted }) {
			text = "Interrupted: the cases below are what was finished, and the last one as far as it came."
		}
		s.wrapped("! ", text)
	}
	if r.Error != "" {
		s.wrapped("! ", "Ended early: "+r.Error)
	}
}

func (s *summary) title(t string) { fmt.Fprintf(&s.out, "\n%s\n", t) }

func (s *summary) block(b string) { fmt.Fprintf(&s.out, "\n%s\n", b) }

// wrapped writes text behind a label, with its further lines below its first.
func (s *summary) wrapped(label, t string) {
	indent := text.StringWidth(label)
	if indent > s.width/2 {
		fmt.Fprintln(&s.out, strings.TrimRight(label, " "))
		label, indent = "      ", 6
	}
	s.hanging(label, indent, t)
}

// hanging writes text behind a label, with its further lines indented.
func (s *summary) hanging(label string, indent int, t string) {
	t = strings.Join(strings.Fields(t), " ")
	for i, line := range strings.Split(wrap(t, s.width-indent), "\n") {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(&s.out, strings.TrimRight(label+line, " "))
	}
}

// wrap breaks text into lines of a width.
func wrap(t string, width int) string {
	lines := text.WrapSoft(t, width)
	if text.LongestLineLen(lines) > width { // where a wide character begins in the last column
		lines = text.WrapSoft(t, width-1)
	}
	return lines
}

func plural(n int64, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
