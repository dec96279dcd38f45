package terminal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/result"
)

// goodput lists the SLOs that goodput was measured by, and how many requests
// missed them.
func (s *summary) goodput(cases []*result.Case) {
	var all gather
	add := func(g *result.Goodput, where string) {
		var slos, missed []string
		for _, name := range slices.Sorted(maps.Keys(g.SLO)) {
			slos = append(slos, fmt.Sprintf("%s ≤ %s ms", name, compact(new(g.SLO[name]))))
		}
		for _, name := range slices.Sorted(maps.Keys(g.Missed)) {
			if n := g.Missed[name]; n > 0 {
				missed = append(missed, fmt.Sprintf("%s %d", name, n))
			}
		}
		f := all.at(strings.Join(slos, ", "), "", where)
		if bad := g.Requests - g.Good; bad > 0 {
			f.bad = append(f.bad, fmt.Sprintf("missed by %d of %s (%s)%s", bad, plural(g.Requests, "request"), strings.Join(missed, ", "), where))
		}
	}
	for _, c := range cases {
		in, of := "", ""
		if len(cases) > 1 {
			in, of = fmt.Sprintf(" in case %q", c.Name), fmt.Sprintf(" of case %q", c.Name)
		}
		switch {
		case c.Goodput == nil:
		case len(c.Goodput.SLO) > 0:
			add(c.Goodput, in)
		default: // each of its scenarios has its own
			for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
				if g := c.Scenarios[name].Goodput; g != nil {
					add(g, fmt.Sprintf(" in scenario %q%s", name, of))
				}
			}
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Goodput")
	for _, f := range all {
		const shown = 3
		switch more := len(f.bad) - shown; {
		case len(f.bad) == 0:
			f.bad = []string{"kept by all requests"}
		case more > 0:
			f.bad = append(f.bad[:shown], fmt.Sprintf("and in %d more", more))
		}
		s.hanging("  ", 6, f.label+": "+strings.Join(f.bad, ", "))
	}
}
