package compare

import (
	"cmp"
	"slices"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

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
		q = metrics.Percentile(sorted, p)
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
		of.value = func(r float64) float64 { return metrics.Percentile(sorted, max(0, min(p-100*(r-at), 100))) }
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
