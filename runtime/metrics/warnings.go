package metrics

import (
	"time"

	"weir/runtime/result"
)

// Warnings judges a case while it runs, by the rules that its verdict will come from as
// far as the live counters know what those look at; of counts only the iterations are
// read. client is what this process has used so far; nil: nobody knows. What only the
// end can tell is left out: short outputs, prompts, and samples that are still few.
func (r Rules) Warnings(l Live, counts result.Counts, client *result.Client) []result.Reason {
	counts.Requests, counts.RequestsFailed = l.Ended, l.Failed
	c := &result.Case{Counts: counts, Client: client, Metrics: map[string]*result.Metric{
		"ttft": l.TTFT.metric(), "e2el": l.E2EL.metric(), "http_req_duration": l.HTTP.metric(), "read_lag": l.ReadLag.metric(),
	}}
	for _, f := range l.Failures {
		c.Errors = append(c.Errors, result.ErrorGroup{Scope: "request", Kind: f.Kind, Status: f.Status, Count: f.Count, Message: f.Kind})
	}
	f := &findings{
		events:  result.TokenEvents{All: l.Events, Shared: l.Shared, ReadLate: l.ReadLate},
		spans:   time.Duration(l.ITL.Sum * float64(time.Millisecond)),
		gaps:    l.ITL.N,
		streams: l.TTFT.N,
	}
	j := judgement{expected: r.Expected}
	if l.Ended > 0 {
		j.requests(c, r.Stopped)
	}
	j.iterations(counts)
	late := j.client(c, f, l.StartLag.metric())
	j.arrivals(c, f, late)
	return j.v.Reasons
}

// metric is a histogram as the rules look at it.
func (h Histogram) metric() *result.Metric {
	m := &result.Metric{Kind: kindDistribution, Unit: "ms", N: h.N, Quantile: func(p float64) float64 {
		v, _ := h.Quantile(p)
		return v
	}}
	if v, ok := h.Quantile(50); ok {
		m.P50 = &v
	}
	return m
}
