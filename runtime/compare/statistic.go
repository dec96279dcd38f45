package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/metrics"
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

// quantile is the percentile p (0…1) of sorted samples as weir defines it, type 7.
func quantile(sorted []float32, p float64) float64 {
	h := max(0, min(p, 1)) * float64(len(sorted)-1)
	i := int(h)
	if i >= len(sorted)-1 {
		return float64(sorted[len(sorted)-1])
	}
	low := float64(sorted[i])
	return low + (h-float64(i))*(float64(sorted[i+1])-low)
}

// sampled is a statistic as it comes from the requests of some runs: a ratio of sums
// for each run, and what makes the statistic of the ratio of all of them.
type sampled struct {
	runs  []series
	value func(ratio float64) float64
	// beyond tells that a ratio is that of a percentile above the highest sample.
	beyond func(ratio float64) bool
	n      int  // requests
	many   bool // they have several samples each
}

// sample makes the statistic of a point's requests; ok is false where these do not have
// it.
func (s statistic) sample(runs []caseRun) (of sampled, ok bool) {
	of.value = func(ratio float64) float64 { return ratio }
	p, isPercentile := percentile(s.stat)
	var q float64
	var sorted []float32
	if isPercentile {
		for _, c := range runs {
			if d := c.run.cases[c.number]; d != nil && d.metrics[s.metric] != nil {
				column, in := d.metrics[s.metric], window(c, d)
				for i := range d.start {
					if in(d.start[i]) {
						sorted = append(sorted, column.of(i)...)
					}
				}
			}
		}
		if len(sorted) == 0 {
			return of, false
		}
		slices.Sort(sorted)
		q = quantile(sorted, p/100)
	}
	for _, c := range runs {
		d := c.run.cases[c.number]
		if d == nil || len(d.start) == 0 {
			return of, false
		}
		var one series
		column := d.metrics[s.metric]
		switch {
		case s.metric == "throughput" || s.metric == "goodput" && s.stat == "per_second":
			one = s.flow(c, d)
		case s.share && s.metric == "request_failed":
			one = d.each(c, func(i int) (num, den float64) {
				switch d.outcome[i] {
				case metrics.Failed:
					return 1, 1
				case metrics.Completed:
					return 0, 1
				}
				return 0, 0
			})
		case s.metric == "goodput":
			one = d.each(c, func(i int) (num, den float64) {
				if d.good[i] < 0 {
					return 0, 0
				}
				return float64(d.good[i]), 1
			})
		case isPercentile && column != nil:
			one = d.each(c, func(i int) (num, den float64) {
				for _, v := range column.of(i) {
					if float64(v) <= q {
						num++
					}
					den++
				}
				return num, den
			})
		case s.stat == "avg" && column != nil:
			one = d.each(c, func(i int) (num, den float64) {
				samples := column.of(i)
				for _, v := range samples {
					num += float64(v)
				}
				return num, float64(len(samples))
			})
		default:
			return of, false
		}
		if _, den := one.sums(); !(den > 0) {
			return of, false
		}
		of.runs = append(of.runs, one)
		of.n += len(one.num)
	}
	if isPercentile {
		at := ratio(of.runs)
		of.many = len(sorted) > 2*of.n
		of.value = func(r float64) float64 { return quantile(sorted, p/100-(r-at)) }
		of.beyond = func(r float64) bool { return p/100-(r-at) >= 1 }
	}
	return of, true
}

// ratio is that of the sums of all runs.
func ratio(runs []series) float64 {
	var num, den float64
	for _, s := range runs {
		n, d := s.sums()
		num, den = num+n, den+d
	}
	return num / den
}

// each makes a series of the requests of the case's window that have a part in it, in
// the order of their starts.
func (d *caseData) each(c caseRun, of func(i int) (num, den float64)) (s series) {
	in := window(c, d)
	for i := range d.start {
		if !in(d.start[i]) {
			continue
		}
		if num, den := of(i); den > 0 {
			s.num, s.den = append(s.num, num), append(s.den, den)
		}
	}
	return s
}

// flow makes the series of a throughput: what each request that ended brought, and the
// time since the one before had ended, in seconds.
func (s statistic) flow(c caseRun, d *caseData) (flow series) {
	in := window(c, d)
	order := make([]int, 0, len(d.end))
	for i := range d.end {
		if in(d.end[i]) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.end[a], d.end[b]) })
	last, busy := d.start[0], int64(0)
	if c.Window == result.WindowSteady && len(order) > 0 {
		last = d.end[order[0]]
		order = order[1:]
	}
	for _, i := range order {
		var brought float64
		switch {
		case d.outcome[i] != metrics.Completed:
		case s.metric == "goodput":
			brought = float64(max(0, d.good[i]))
		case s.stat == "requests":
			brought = 1
		case s.stat == "input_tokens":
			brought = float64(d.in[i])
		case s.stat == "output_tokens":
			brought = float64(d.out[i])
		case s.stat == "total_tokens":
			brought = float64(d.in[i] + d.out[i])
		}
		flow.num = append(flow.num, brought*float64(d.every)*kept(c))
		flow.den = append(flow.den, float64(d.end[i]-last)/1e9)
		last = d.end[i]
		busy += d.end[i] - d.start[i]
	}
	// Requests that are in flight together make room for each other's followers: where
	// one ends late, the next ends soon after it. Over a few times as many as are in
	// flight that evens out.
	if took := last - d.start[0]; took > 0 {
		flow.least = 4 * int(busy/took)
	}
	return flow
}

// kept is for how many requests of the case one in the file stands.
func kept(c caseRun) float64 {
	if c.Kept != nil && c.Kept.Every > 1 {
		return float64(c.Kept.Every)
	}
	return 1
}

// window tells which moments are in the window that the case's metrics are of.
func window(c caseRun, d *caseData) func(ns int64) bool {
	w := c.Windows[result.WindowSteady]
	if c.Window != result.WindowSteady || w == nil || !w.Found {
		return func(int64) bool { return true }
	}
	from, to := d.start[0]+int64(w.From*1e9), d.start[0]+int64(w.To*1e9)
	return func(ns int64) bool { return ns >= from && ns <= to }
}
