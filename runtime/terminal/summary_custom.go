package terminal

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// custom lists the metrics that the script made itself. They are those that
// weir has no name for, which the metric itself knows.
func (s *summary) custom(cases []*result.Case) {
	var lines [][2]string
	thin := false
	names := 0
	for _, c := range cases {
		names = max(names, text.StringWidth(c.Name))
	}
	for _, c := range cases {
		for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
			m := c.Metrics[name]
			if !m.Custom || strings.HasPrefix(name, "_") { // for tables of the script's own
				continue
			}
			label := name
			if len(cases) > 1 {
				label = text.Pad(c.Name, names, ' ') + "  " + name
			}
			line, marked := s.metricLine(m)
			thin = thin || marked
			lines = append(lines, [2]string{label, line})
		}
	}
	if len(lines) == 0 {
		return
	}
	s.title("Custom metrics")
	widest := 0
	for _, l := range lines {
		widest = max(widest, text.StringWidth(l[0]))
	}
	widest = min(widest, s.width/2)
	for _, l := range lines {
		s.wrapped("  "+text.Pad(l[0], widest, ' ')+"  ", l[1])
	}
	s.explain("  ", thin)
}

// metricLine describes a metric in one line. marked tells whether it has a percentile of
// too few samples.
func (s *summary) metricLine(m *result.Metric) (line string, marked bool) {
	unit := m.Unit
	if unit != "" {
		unit = " " + unit
	}
	number := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return strconv.FormatFloat(*v, 'f', decimals(math.Abs(*v)), 64)
	}
	switch m.Kind {
	case "counter":
		return fmt.Sprintf("%s%s, %s/s", compact(m.Sum), unit, number(m.Rate)), false
	case "gauge":
		return fmt.Sprintf("%s%s (min %s, max %s)", compact(m.Value), unit, compact(m.Min), compact(m.Max)), false
	case "rate":
		if m.Rate == nil {
			return "–", false
		}
		return fmt.Sprintf("%.1f%% of %d", *m.Rate*100, m.N), false
	}
	stats := s.stats
	if stats == nil {
		stats = customStats
	}
	var all []string
	for _, stat := range stats {
		value := "–"
		if v, ok := stat.Of(m); ok {
			value = number(&v)
		}
		switch {
		case stat.Name == "count":
			continue // n, which stands behind
		case value != "–" && !stat.Supported(m):
			value, marked = vague+value, true
		}
		all = append(all, statName(stat)+" "+value)
	}
	return strings.TrimSpace(fmt.Sprintf("%s%s (n %d)", strings.Join(all, ", "), unit, m.N)), marked
}

// customStats are shown of a distribution when the user has chosen none.
var customStats = []result.Stat{ownStat("avg"), ownStat("min"), ownStat("p(50)"), ownStat("p(90)"), ownStat("p(99)"), ownStat("max")}

// compact writes whole numbers without decimals.
func compact(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v == math.Trunc(*v) && math.Abs(*v) < 1e15:
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strconv.FormatFloat(*v, 'g', 6, 64)
}
