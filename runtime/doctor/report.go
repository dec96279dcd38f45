package doctor

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// Report is how findings are printed for readers.
type Report struct {
	Width  int    // columns of a line
	Colour bool   // with escape sequences for a terminal
	URL    string // of the service; "": none was looked at
	Host   string // this machine's name
}

// order of statuses, the worst first, and how each is shown.
var shown = []struct{ status, label, colour string }{
	{Fail, "FAIL", "\x1b[1;31m"},
	{Warn, "warn", "\x1b[33m"},
	{OK, "ok", "\x1b[32m"},
	{Skip, "–", "\x1b[2m"},
}

const plainColour = "\x1b[0m"

// Write prints findings, group by group, in each group what is wrong first, and at the
// end what they come to.
func (r Report) Write(w io.Writer, findings []result.Finding) error {
	var out strings.Builder
	widest := 0
	for _, f := range findings {
		widest = max(widest, text.StringWidth(f.Check))
	}
	for _, group := range []struct{ name, title string }{
		{OfService, "Service " + r.URL}, {OfMachine, strings.TrimSpace("Machine " + r.Host)}, {OfDevices, "Accelerators"},
	} {
		titled := false
		for _, s := range shown {
			for _, f := range findings {
				if f.Group != group.name || f.Status != s.status {
					continue
				}
				if !titled {
					titled = true
					fmt.Fprintf(&out, "%s\n\n", r.paint("\x1b[1m", group.title))
				}
				r.finding(&out, f, r.paint(s.colour, text.Pad(s.label, 4, ' ')), widest)
			}
		}
		if titled {
			out.WriteString("\n")
		}
	}
	out.WriteString(r.sum(findings) + "\n")
	_, err := io.WriteString(w, strings.ReplaceAll(out.String(), "\n\n\n", "\n\n")) // a group may end with one that is wrong
	return err
}

// finding prints one: what was found, and of what is wrong also why and what to do.
func (r Report) finding(out *strings.Builder, f result.Finding, label string, widest int) {
	r.hanging(out, "  "+label+"  "+text.Pad(f.Check, widest, ' ')+"  ", 10+widest, f.What)
	if f.Status != Fail && f.Status != Warn {
		return
	}
	if f.Why != "" {
		r.hanging(out, "          why  ", 15, f.Why)
	}
	if f.Do != "" {
		r.hanging(out, "          do   ", 15, f.Do)
	}
	out.WriteString("\n")
}

// hanging writes text behind a label of some columns, with its further lines below its
// first.
func (r Report) hanging(out *strings.Builder, label string, indent int, t string) {
	t = strings.Join(strings.Fields(t), " ")
	if r.Width-indent < 20 {
		fmt.Fprintln(out, strings.TrimRight(label, " "))
		label, indent = "    ", 4
	}
	for line := range strings.SplitSeq(text.WrapSoft(t, max(20, r.Width-indent)), "\n") {
		fmt.Fprintln(out, strings.TrimRight(label+strings.TrimRight(line, " "), " "))
		label = strings.Repeat(" ", indent)
	}
}

// sum says in a sentence what the findings come to.
func (r Report) sum(findings []result.Finding) string {
	count := make(map[string]int)
	names := make(map[string][]string)
	for _, f := range findings {
		count[f.Status]++
		if !slices.Contains(names[f.Status], f.Check) {
			names[f.Status] = append(names[f.Status], f.Check)
		}
	}
	rest := plural(count[OK], "check") + " ok"
	if n := count[Skip]; n > 0 {
		rest += fmt.Sprintf(", %d that could not be looked at", n)
	}
	verdict, colour := "Fit to measure", "\x1b[32m"
	switch {
	case count[Fail] > 0:
		verdict, colour = "Not fit to measure: "+strings.Join(names[Fail], ", "), "\x1b[1;31m"
	case count[Warn] > 0:
		verdict, colour = "Fit to measure, with care: "+strings.Join(names[Warn], ", "), "\x1b[33m"
	}
	if count[Fail] > 0 && count[Warn] > 0 {
		rest = plural(count[Warn], "warning") + ", " + rest
	}
	var out strings.Builder
	r.hanging(&out, "", 0, verdict+" ("+rest+")")
	return r.paint(colour, strings.TrimRight(out.String(), "\n"))
}

func (r Report) paint(colour, s string) string {
	if !r.Colour {
		return s
	}
	return colour + s + plainColour
}
