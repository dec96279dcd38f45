package terminal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// found is something that several cases may have in common.
type found struct {
	label string   // what is the same
	text  string   // of the first case
	where []string // names of the cases
	count int64
	fails int64
	bad   []string // thresholds that did not hold: case and value
	good  []result.Threshold
}

// gather is a list of findings in the order in which they came up.
type gather []*found

// at finds what has been found before under a label, or makes it.
func (g *gather) at(label, text, where string) *found {
	for _, f := range *g {
		if f.label == label {
			if last := len(f.where) - 1; f.where[last] != where {
				f.where = append(f.where, where)
			}
			return f
		}
	}
	f := &found{label: label, text: text, where: []string{where}}
	*g = append(*g, f)
	return f
}

func (s *summary) errors(cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, e := range c.Errors {
			label := e.Kind
			if e.Status != 0 {
				label += " " + strconv.Itoa(e.Status)
			}
			if e.Scope == "iteration" {
				label = "iteration " + label
			}
			all.at(label, e.Message, c.Name).count += e.Count
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Errors")
	for _, e := range all {
		s.hanging("  ", 6, fmt.Sprintf("%d × %s: %s%s", e.count, e.label, e.text, inCases(e.where, len(cases))))
	}
}

func (s *summary) checks(cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, check := range c.Checks {
			f := all.at(check.Name, "", c.Name)
			f.count += check.Passes + check.Fails
			f.fails += check.Fails
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Checks")
	for _, f := range all {
		if f.fails == 0 {
			s.wrapped("  ✓ ", fmt.Sprintf("%s (%d)", f.label, f.count))
			continue
		}
		s.wrapped("  ✗ ", fmt.Sprintf("%s: %d of %d failed (%.1f%%)", f.label, f.fails, f.count, 100*float64(f.fails)/float64(f.count)))
	}
}

// thresholds tells which were kept, and with what values.
func (s *summary) thresholds(cases []*result.Case, unjudged []result.Threshold) {
	var all gather
	thin := false
	for _, c := range cases {
		for _, t := range c.Thresholds {
			thin = thin || t.Thin
			f := all.at(t.Metric+" "+t.Expr, "", c.Name)
			if t.OK {
				f.good = append(f.good, t)
				continue
			}
			value := t.Found()
			if len(cases) > 1 {
				value = fmt.Sprintf("%s in case %q", value, c.Name)
			}
			f.bad = append(f.bad, value)
		}
	}
	for _, t := range unjudged {
		f := all.at(t.Metric+" "+t.Expr, "", "")
		f.bad = append(f.bad, t.Found())
	}
	if len(all) == 0 {
		return
	}
	s.title("Thresholds")
	for _, f := range all {
		const shown = 3
		switch more := len(f.bad) - shown; {
		case len(f.bad) == 0:
			s.wrapped("  ✓ ", f.label+" — "+keptWith(f.good))
		case more > 0:
			s.wrapped("  ✗ ", fmt.Sprintf("%s — %s, and %d more", f.label, strings.Join(f.bad[:shown], ", "), more))
		default:
			s.wrapped("  ✗ ", f.label+" — "+strings.Join(f.bad, ", "))
		}
	}
	s.explain("  ", thin)
}

// keptWith is the values that kept a threshold: the lowest and the highest of several.
func keptWith(all []result.Threshold) string {
	low, high := all[0], all[0]
	for _, t := range all {
		switch {
		case t.Value == nil || low.Value == nil:
			continue
		case *t.Value < *low.Value:
			low = t
		case *t.Value > *high.Value:
			high = t
		}
	}
	if low.Found() == high.Found() {
		return low.Found()
	}
	if number, ok := strings.CutSuffix(low.Found(), " "+low.Unit); ok && low.Unit == high.Unit {
		return number + " to " + high.Found() // the unit once
	}
	return low.Found() + " to " + high.Found()
}

func (s *summary) validity(worst result.Verdict, cases []*result.Case) {
	all := result.Reasons(cases)
	if len(all) == 0 {
		return
	}
	s.title(fmt.Sprintf("Validity: %s", worst))
	for _, r := range all {
		s.wrapped("  "+text.Pad(r.Label(), 7, ' ')+"  ", r.Rule+": "+r.Message+likewise(r, cases))
	}
}

// likewise tells which case's a reason is, as its numbers are no other's, and where else
// the rule has found something.
func likewise(r *result.Common, cases []*result.Case) string {
	if len(cases) == 1 {
		return ""
	}
	first := fmt.Sprintf(" — case %q", cases[r.Cases[0]].Name)
	switch more := len(r.Cases) - 1; {
	case more == 0:
		return first
	case more == len(cases)-1:
		return first + ", likewise in all others"
	default:
		return fmt.Sprintf("%s, likewise in %d more", first, more)
	}
}

// inCases tells where something was found, of n cases.
func inCases(where []string, n int) string {
	switch {
	case n == 1:
		return ""
	case len(where) == n:
		return " — in all cases"
	case len(where) == 1:
		return fmt.Sprintf(" — case %q", where[0])
	}
	return fmt.Sprintf(" — case %q and %d more", where[0], len(where)-1)
}
