package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// statistic is one number of a case.
type statistic struct {
	metric, stat string
	unit         string
	better       int  // 1: more is better; -1: less is; 0: neither
	share        bool // of requests, 0…1: changes are differences, in percentage points
	asked        bool // the user named it: it is shown also where the samples are too few
}

// percentile of "p99" and "p99.9".
func percentile(stat string) (p float64, ok bool) {
	digits, ok := strings.CutPrefix(stat, "p")
	if !ok || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	p, err := strconv.ParseFloat(digits, 64)
	return p, err == nil && p > 0 && p < 100
}

// stats that result.json has besides percentiles, by what they are called here.
var stats = []string{"avg", "min", "max", "std", "count", "rate", "value", "share", "per_second", "requests", "input_tokens", "output_tokens", "total_tokens", "per_output_token", "per_token", "watts"}

// ParseStat reads the name of a statistic: avg, p99, and k6's and others' names of them
// (mean, med, p(99)).
func ParseStat(name string) (string, error) {
	s := strings.TrimSpace(name)
	switch s {
	case "mean":
		return "avg", nil
	case "med", "median":
		return "p50", nil
	}
	if inner, ok := strings.CutPrefix(s, "p("); ok {
		s = "p" + strings.TrimSpace(strings.TrimSuffix(inner, ")"))
	}
	if _, ok := percentile(s); ok || slices.Contains(stats, s) {
		return s, nil
	}
	return "", fmt.Errorf("%q is no statistic: use avg, p50, p90, p99 or another percentile", name)
}

// The statistics that are shown when nobody asks for others.
var (
	defaultStats   = []string{"avg", "p50", "p90", "p99"}
	defaultMetrics = []string{
		"ttft", "ttft_from_schedule", "tpot", "itl", "e2el", "e2el_from_schedule",
		"http_req_duration", "http_req_duration_from_schedule", "throughput", "goodput", "request_failed", "energy",
	}
	// The one that stands for a metric in a condition that names none, and those that
	// are shown of metrics that are no distributions.
	ownStats = map[string][]string{
		"throughput": {"requests", "output_tokens"}, "goodput": {"share"}, "energy": {"per_output_token"},
	}
)

// better tells which direction is better.
func better(name string, m *result.Metric) int {
	switch name {
	case "throughput", "goodput", "decode_speed", "checks", "requests", "prompt_tokens", "generated_tokens":
		return 1
	case "request_failed", "iteration_failed", "energy":
		return -1
	case "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "tokens_per_event", "request_bytes", "response_bytes":
		return 0
	}
	if m != nil && (m.Unit == "ms" || m.Unit == "s") {
		return -1
	}
	return 0
}

// statistics are those to compare of a pair of cases.
func (o *Options) statistics(base, new *point) (list []statistic) {
	there := map[string]*result.Metric{}
	for _, p := range []*point{base, new} {
		for _, c := range p.runs {
			maps.Copy(there, c.Metrics)
		}
	}
	generates := there["generated_tokens"] != nil
	wanted := o.Metrics
	if len(wanted) == 0 {
		for _, name := range defaultMetrics {
			if direct, late := strings.CutSuffix(name, "_from_schedule"); late && !waits(base, direct) && !waits(new, direct) {
				continue
			}
			wanted = append(wanted, name)
		}
	}
	for i, name := range append(slices.Clone(wanted), o.Also...) {
		name, own, given := strings.Cut(name, ".")
		m := there[name]
		var of []string
		switch {
		case given:
			of = []string{own}
		case name == "throughput" && !generates:
			of = []string{"requests"}
			if there["prompt_tokens"] != nil {
				of = append(of, "input_tokens")
			}
		case ownStats[name] != nil:
			of = ownStats[name]
		case m == nil:
			continue
		case m.Kind == "distribution":
			of = defaultStats
			if len(o.Stats) > 0 && i < len(wanted) {
				of = o.Stats
			}
		case m.Kind == "gauge":
			of = []string{"value"}
		default:
			of = []string{"rate"}
		}
		for _, stat := range of {
			s := statistic{metric: name, stat: stat, unit: unit(name, stat, m), better: better(name, m), asked: given || len(o.Stats) > 0}
			s.share = name == "goodput" && stat == "share" || m != nil && m.Kind == "rate"
			switch had := slices.IndexFunc(list, func(l statistic) bool { return l.metric == s.metric && l.stat == s.stat }); {
			case had >= 0:
				list[had].asked = list[had].asked || s.asked
			case s.known(base) || s.known(new):
				list = append(list, s)
			}
		}
	}
	return list
}

// waits tells whether a latency from the schedule says something else than the one from
// the start: requests started noticeably late.
func waits(p *point, direct string) bool {
	for _, c := range p.runs {
		a, b := c.Metrics[direct], c.Metrics[direct+"_from_schedule"]
		if a != nil && b != nil && a.Avg != nil && b.Avg != nil && *b.Avg > 1.01**a.Avg {
			return true
		}
	}
	return false
}

func unit(metric, stat string, m *result.Metric) string {
	switch {
	case metric == "throughput" && stat == "requests":
		return "req/s"
	case metric == "throughput":
		return "tok/s"
	case metric == "goodput" && stat == "per_second":
		return "req/s"
	case metric == "energy" && stat == "watts":
		return "W"
	case metric == "energy":
		return "J/tok"
	case metric == "goodput" || m != nil && m.Kind == "rate":
		return "%"
	case m != nil && m.Kind == "counter" && stat == "rate":
		return m.Unit + "/s"
	case m != nil:
		return m.Unit
	}
	return ""
}

// known tells whether the result has the metric at all.
func (s statistic) known(p *point) bool {
	for _, c := range p.runs {
		if _, ok := s.told(c.Case); ok || c.Metrics[s.metric] != nil && s.isPercentile() {
			return true
		}
	}
	return false
}

func (s statistic) isPercentile() bool { _, ok := percentile(s.stat); return ok }

// told is the value that the result itself has.
func (s statistic) told(c *result.Case) (float64, bool) {
	value := func(v *float64) (float64, bool) {
		if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
			return 0, false
		}
		return *v, true
	}
	m := c.Metrics[s.metric]
	switch {
	case s.metric == "throughput":
		t := c.Throughput
		v, ok := map[string]float64{"requests": t.Requests, "input_tokens": t.InputTokens, "output_tokens": t.OutputTokens, "total_tokens": t.TotalTokens}[s.stat]
		return v, ok && c.Duration > 0
	case s.metric == "goodput" && c.Goodput != nil:
		switch s.stat {
		case "share", "rate":
			return value(c.Goodput.Share)
		case "per_second":
			return c.Goodput.PerSecond, true
		}
	case s.metric == "energy" && c.Energy != nil:
		switch s.stat {
		case "per_output_token":
			return value(c.Energy.PerOutputToken)
		case "per_token":
			return value(c.Energy.PerToken)
		case "watts":
			return c.Energy.Watts, true
		}
	case m != nil:
		switch s.stat {
		case "avg":
			return value(m.Avg)
		case "min":
			return value(m.Min)
		case "max":
			return value(m.Max)
		case "std":
			return value(m.Std)
		case "p50":
			return value(m.P50)
		case "p75":
			return value(m.P75)
		case "p90":
			return value(m.P90)
		case "p95":
			return value(m.P95)
		case "p99":
			return value(m.P99)
		case "p99.9":
			return value(m.P999)
		case "rate":
			return value(m.Rate)
		case "value":
			return value(m.Value)
		case "count":
			return float64(m.N), true
		}
	}
	return 0, false
}
