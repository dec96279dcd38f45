package terminal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// of is a column with a statistic of a latency.
func of(metric, group, name string, keep int, stat string) column {
	return statColumn(metric, group, name, keep, ownStat(stat))
}

// ownStat is a statistic that stands in this package.
func ownStat(name string) result.Stat {
	s, err := result.ParseStat(name)
	if err != nil {
		panic(err) // we have written it
	}
	return s
}

func statColumn(metric, group, name string, keep int, s result.Stat) column {
	c := column{group: group, unit: "ms", name: name, keep: keep}
	if s.Name == "count" {
		c.text = func(c *result.Case) string {
			if n, ok := s.Of(c.Metrics[metric]); ok {
				return strconv.FormatFloat(n, 'f', 0, 64)
			}
			return "–"
		}
		return c
	}
	c.value = func(c *result.Case) (float64, bool) { return s.Of(c.Metrics[metric]) }
	c.vague = func(c *result.Case) bool { return !s.Supported(c.Metrics[metric]) } // it is only asked where there is a value
	return c
}

// spreadName is the head of the columns of plusMinus.
const spreadName = "±"

// plusMinus is a column with how much an average may be off: half the width of its 95 %
// confidence interval.
func plusMinus(metric, group string) column {
	return column{group: group, unit: "ms", name: spreadName, keep: 1, value: func(c *result.Case) (float64, bool) {
		m := c.Metrics[metric]
		if m == nil || m.AvgLow == nil || m.AvgHigh == nil {
			return 0, false
		}
		return (*m.AvgHigh - *m.AvgLow) / 2, true
	}}
}

// latency is one that statistics are chosen of.
type latency struct{ metric, group string }

// withStats replaces the columns of latencies by those of the statistics that the user
// has chosen; of all latencies, the first statistics stay longest.
func (s *summary) withStats(columns []column, latencies []latency) []column {
	if s.stats == nil {
		return columns
	}
	at := slices.IndexFunc(columns, func(c column) bool { return c.unit == "ms" })
	all := slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.unit == "ms" })
	var chosen []column
	for i, l := range latencies {
		for n, stat := range s.stats {
			c := statColumn(l.metric, l.group, statName(stat), max(21-2*i-4*n, 1), stat)
			c.chosen = true
			chosen = append(chosen, c)
		}
	}
	return slices.Insert(all, at, chosen...)
}

// statName is the head of a statistic's column.
func statName(s result.Stat) string {
	if s.IsPercentile() && s.Name != "med" {
		return "p" + strconv.FormatFloat(s.P, 'f', -1, 64)
	}
	return s.Name
}

// notice remembers what of a table the legend has to explain.
func (s *summary) notice(cases []*result.Case, columns []column) {
	for _, c := range columns {
		s.spread = s.spread || c.name == spreadName
		s.vague = s.vague || c.vague != nil && slices.ContainsFunc(cases, func(k *result.Case) bool {
			_, ok := c.value(k)
			return ok && c.vague(k)
		})
	}
}

// mark says what the mark of percentiles means.
func (s *summary) mark(indent string) {
	s.wrapped(indent+vague+"  ", "from fewer samples than it takes to know this percentile with 99 % confidence")
}

// explain does so below the tables, where something is marked and nobody has said it yet.
func (s *summary) explain(indent string, marked bool) {
	if marked && !s.vague {
		s.vague = true
		s.mark(indent)
	}
}

// legend explains the marks in the tables of cases, and says what their numbers are of.
func (s *summary) legend(cases []*result.Case) {
	if s.vague {
		s.mark("")
	}
	if s.spread {
		s.wrapped(spreadName+"  ", "half the width of the average's 95 % confidence interval")
	}
	if len(s.lacking) > 0 {
		slices.Sort(s.lacking)
		s.wrapped("", "Not shown, as there is no room: "+strings.Join(slices.Compact(s.lacking), ", "))
	}
	shown, found := 0, 0
	for _, c := range cases {
		if c.Window == result.WindowSteady {
			shown++
		}
		if w := c.Windows[result.WindowSteady]; w != nil && w.Found {
			found++
		}
	}
	in := func(n int) string {
		switch {
		case n < len(cases):
			return fmt.Sprintf("%d of %d cases", n, len(cases))
		case n == 1:
			return "the case"
		}
		return "all cases"
	}
	switch {
	case shown > 0:
		s.wrapped("", "Latencies, rates and goodput are those of the steady state, without warming up and draining, in "+in(shown)+"; counts of requests are of the whole case. --window all shows the whole.")
	case found > 0:
		s.wrapped("", "The numbers are of whole cases. A steady state was found in "+in(found)+"; --window steady shows it.")
	}
}
