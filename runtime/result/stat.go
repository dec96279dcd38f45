package result

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Stat is a statistic of a distribution, by the names of k6's summaryTrendStats: "avg",
// "min", "med", "max", "count" or a percentile such as "p(99.9)".
type Stat struct {
	Name string  // as it is written, without blanks
	P    float64 // the percentile of "med" and "p(…)"
}

// ParseStat reads the name of a statistic.
func ParseStat(s string) (Stat, error) {
	s = strings.ReplaceAll(s, " ", "")
	switch s {
	case "avg", "min", "max", "count":
		return Stat{Name: s}, nil
	case "med":
		return Stat{Name: s, P: 50}, nil
	}
	if inside, ok := strings.CutPrefix(s, "p("); ok && strings.HasSuffix(inside, ")") {
		p, err := strconv.ParseFloat(strings.TrimSuffix(inside, ")"), 64)
		if err == nil && p >= 0 && p <= 100 { // not for NaN
			return Stat{Name: s, P: p}, nil
		}
	}
	return Stat{}, fmt.Errorf("%q is no statistic; write avg, min, med, max, count, or p(N) with N from 0 to 100, such as p(99.9)", s)
}

// ParseStats reads names of statistics, with or without commas between them.
func ParseStats(names ...string) (all []Stat, err error) {
	for _, list := range names {
		for name := range strings.SplitSeq(list, ",") {
			s, err := ParseStat(name)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// IsPercentile tells a percentile from the others.
func (s Stat) IsPercentile() bool { return s.Name == "med" || strings.HasPrefix(s.Name, "p(") }

// Of is the statistic of a metric. It is false where nobody knows: the metric has no
// samples, is no distribution, or came from a file that lacks that percentile.
func (s Stat) Of(m *Metric) (v float64, ok bool) {
	if m == nil || m.Kind != "distribution" {
		return 0, false
	}
	field := m.field(s)
	switch {
	case s.Name == "count":
		return float64(m.N), true
	case field != nil:
		return *field, true
	case m.N == 0 || !s.IsPercentile() || m.Quantile == nil:
		return 0, false
	}
	if v = m.Quantile(s.P); math.IsNaN(v) {
		return 0, false
	}
	return v, true
}

// field is the one of the metric that has the statistic; nil: none has.
func (m *Metric) field(s Stat) *float64 {
	switch s.Name {
	case "avg":
		return m.Avg
	case "min":
		return m.Min
	case "max":
		return m.Max
	case "count":
		return nil
	}
	switch s.P {
	case 0:
		return m.Min
	case 50:
		return m.P50
	case 75:
		return m.P75
	case 90:
		return m.P90
	case 95:
		return m.P95
	case 99:
		return m.P99
	case 99.9:
		return m.P999
	case 100:
		return m.Max
	}
	return nil
}

// Supported tells whether the metric has the samples that the statistic takes to be
// known: see [Metric.Supports].
func (s Stat) Supported(m *Metric) bool { return !s.IsPercentile() || m.Supports(s.P) }
