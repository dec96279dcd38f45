package metrics

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"weir/runtime/result"
)

// Evaluate compares thresholds with what has been recorded so far, while the
// case goes on: a metric without samples has no value. Of counts only the
// iterations are read. Any goroutine, at any time before Finish. It looks at
// every sample of the metrics that are asked for, up to the exact limit, some
// times: a million takes some tens of milliseconds. Records can be closed
// meanwhile.
func (r *Recorder) Evaluate(counts result.Counts, thresholds map[string][]string) []result.Threshold {
	if r == nil {
		return nil
	}
	sums := r.gather()
	c := &result.Case{Counts: counts, Duration: sums.last.Sub(sums.first).Seconds()}
	c.Counts.RequestsFailed = sums.failed
	r.snapshot(thresholds).describe(c, &sums)
	for name, m := range c.Metrics {
		if m.N == 0 { // nothing has ended yet, so that no rate is known
			delete(c.Metrics, name)
		}
	}
	return evaluate(thresholds, c.Metrics, "")
}

// snapshot copies what describe needs for some metrics.
func (r *Recorder) snapshot(of map[string][]string) *Recorder {
	to := &Recorder{slos: r.slos, judges: r.judges, custom: map[string]*custom{}}
	asked := map[string]bool{}
	for name := range of {
		asked[metricOf(name)] = true
	}
	for id, d := range distributionNames {
		if asked[d.name] {
			from := &r.dist[id]
			from.mu.Lock()
			to.dist[id].distribution = from.copy()
			from.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, check := range r.checks {
		same := *check
		to.checks = append(to.checks, &same)
	}
	for name := range asked {
		if m := r.custom[name]; m != nil {
			same := &custom{kind: m.kind, unit: m.unit, n: m.n, sum: m.sum, min: m.min, max: m.max, last: m.last}
			m.trend.mu.Lock()
			same.trend.distribution = m.trend.copy()
			m.trend.mu.Unlock()
			to.custom[name] = same
		}
	}
	return to
}

// copy gives a distribution with the same samples, to which nothing is added and
// which is described briefly.
// Exact samples are shared: they stay where they are and do not change.
func (d *distribution) copy() distribution {
	same := *d
	same.brief = true
	same.exact = slices.Clone(d.exact)
	if d.hist != nil {
		hist := *d.hist
		hist.positive = hdrhistogram.Import(hist.positive.Export())
		if hist.negative != nil {
			hist.negative = hdrhistogram.Import(hist.negative.Export())
		}
		same.hist = &hist
	}
	return same
}
