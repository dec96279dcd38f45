package metrics

import (
	"time"

	"weir/runtime/result"
)

// The kinds of a result.Metric.
const (
	kindDistribution = "distribution"
	kindCounter      = "counter"
	kindRate         = "rate"
	kindGauge        = "gauge"
)

// definition is a metric that weir measures itself. The full definitions are in
// docs/metrics.md.
type definition struct{ kind, unit string }

// builtin holds every metric that weir measures itself, by name.
var builtin = map[string]definition{
	"requests":         {kindCounter, "requests"},
	"prompt_tokens":    {kindCounter, "tokens"},
	"generated_tokens": {kindCounter, "tokens"},
	"request_failed":   {kindRate, ""},
	"iteration_failed": {kindRate, ""},
	"checks":           {kindRate, ""},
}

// The distributions, one sample a completed request unless said otherwise.
const (
	ttft = iota
	ttfo
	ttst
	tpot
	tpotFromSecond
	itl // one sample a gap between token events
	itlDecode
	tokensPerEvent
	e2el
	responseHead
	startLag
	ttftFromSchedule
	ttfoFromSchedule
	e2elFromSchedule
	inputTokens
	outputTokens
	reasoningTokens
	cachedTokens
	dnsTime // one sample a new connection, like the next two
	connectTime
	tlsTime
	requestBytes
	responseBytes
	httpReqDuration
	httpReqWaiting
	httpReqFromSchedule
	distributions // how many there are
)

var distributionNames = [distributions]struct{ name, unit string }{
	ttft:                {"ttft", "ms"},
	ttfo:                {"ttfo", "ms"},
	ttst:                {"ttst", "ms"},
	tpot:                {"tpot", "ms"},
	tpotFromSecond:      {"tpot_from_second", "ms"},
	itl:                 {"itl", "ms"},
	itlDecode:           {"itl_decode", "ms"},
	tokensPerEvent:      {"tokens_per_event", "tokens"},
	e2el:                {"e2el", "ms"},
	responseHead:        {"response_head", "ms"},
	startLag:            {"start_lag", "ms"},
	ttftFromSchedule:    {"ttft_from_schedule", "ms"},
	ttfoFromSchedule:    {"ttfo_from_schedule", "ms"},
	e2elFromSchedule:    {"e2el_from_schedule", "ms"},
	inputTokens:         {"input_tokens", "tokens"},
	outputTokens:        {"output_tokens", "tokens"},
	reasoningTokens:     {"reasoning_tokens", "tokens"},
	cachedTokens:        {"cached_tokens", "tokens"},
	dnsTime:             {"dns_time", "ms"},
	connectTime:         {"connect_time", "ms"},
	tlsTime:             {"tls_time", "ms"},
	requestBytes:        {"request_bytes", "bytes"},
	responseBytes:       {"response_bytes", "bytes"},
	httpReqDuration:     {"http_req_duration", "ms"},
	httpReqWaiting:      {"http_req_waiting", "ms"},
	httpReqFromSchedule: {"http_req_duration_from_schedule", "ms"},
}

func init() {
	for _, d := range distributionNames {
		builtin[d.name] = definition{kindDistribution, d.unit}
	}
}

// samples takes a completed request into the distributions. The caller holds r.mu.
func (r *Recorder) samples(rec *Record) {
	r.connection(rec)
	r.dist[requestBytes].add(float64(rec.BytesOut))
	r.dist[responseBytes].add(float64(rec.BytesIn))
	if at := rec.scheduled(); !at.IsZero() {
		r.span(startLag, at, rec.Started)
	}
	if rec.Kind == KindHTTP {
		r.span(httpReqDuration, rec.Started, rec.End)
		r.span(httpReqWaiting, rec.Started, rec.HeadAt)
		r.spanFromSchedule(httpReqFromSchedule, rec, rec.End)
		return
	}
	r.span(responseHead, rec.Started, rec.HeadAt)
	r.tokens(rec)
	if len(rec.Events) > 0 {
		r.stream(rec)
	}
}

// connection samples what the request's own connection cost to open.
func (r *Recorder) connection(rec *Record) {
	if rec.Reused {
		return
	}
	for _, part := range []struct {
		id int
		d  time.Duration
	}{{dnsTime, rec.DNS}, {connectTime, rec.Connect}, {tlsTime, rec.TLS}} {
		if part.d > 0 {
			r.dist[part.id].add(ms(part.d))
		}
	}
}

// tokens samples the token counts.
func (r *Recorder) tokens(rec *Record) {
	for _, count := range []struct {
		id int
		c  Count
	}{{inputTokens, rec.Input}, {outputTokens, rec.Output}, {reasoningTokens, rec.Reasoning}, {cachedTokens, rec.Cached}} {
		if count.c.Source != CountNone {
			r.dist[count.id].add(float64(count.c.N))
		}
	}
}

// stream samples the times of the token events.
func (r *Recorder) stream(rec *Record) {
	first, last := rec.Events[0].At, rec.Events[len(rec.Events)-1].At
	r.span(e2el, rec.Started, last)
	r.spanFromSchedule(e2elFromSchedule, rec, last)
	if rec.Whole { // its end says nothing of its tokens
		return
	}
	r.span(ttft, rec.Started, first)
	r.span(ttfo, rec.Started, rec.FirstOutput)
	r.spanFromSchedule(ttftFromSchedule, rec, first)
	r.spanFromSchedule(ttfoFromSchedule, rec, rec.FirstOutput)
	if rec.Output.N > 1 && len(rec.Events) > 1 {
		r.dist[tpot].add(ms(last.Sub(first)) / float64(rec.Output.N-1))
	}
	if rec.Output.N > 0 {
		r.dist[tokensPerEvent].add(float64(rec.Output.N) / float64(len(rec.Events)))
	}
	if len(rec.Events) < 2 {
		return
	}
	second := rec.Events[1].At
	r.span(ttst, first, second)
	if rec.Output.N > 2 && len(rec.Events) > 2 {
		r.dist[tpotFromSecond].add(ms(last.Sub(second)) / float64(rec.Output.N-2))
	}

	r.gaps = r.gaps[:0]
	start := int64(first.Sub(r.origin))
	for _, e := range rec.Events[1:] {
		end := int64(e.At.Sub(r.origin))
		r.dist[itl].add(ms(time.Duration(end - start)))
		r.gaps = append(r.gaps, interval{start, end})
		start = end
	}
	r.decodeGaps(r.gaps)
}

// decodeGaps samples itl_decode: gaps in which nobody's prompt was processed.
func (r *Recorder) decodeGaps(gaps []interval) {
	r.clear = r.prefills.offer(gaps, r.clear[:0])
	for _, length := range r.clear {
		r.dist[itlDecode].add(ms(time.Duration(length)))
	}
}

// span samples the time between two moments, if both happened.
func (r *Recorder) span(id int, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() {
		r.dist[id].add(ms(to.Sub(from)))
	}
}

// spanFromSchedule samples the time since the request should have started.
func (r *Recorder) spanFromSchedule(id int, rec *Record, to time.Time) {
	r.span(id, rec.scheduled(), to)
}

// Unsampled returns the distributions that weir measures, without samples: what
// a script finds under the names of those that a case has none of.
func Unsampled() map[string]*result.Metric {
	all := make(map[string]*result.Metric, distributions)
	for _, d := range distributionNames {
		all[d.name] = new(distribution).metric(d.unit)
	}
	return all
}

// output is the number of generated tokens, from the best source there is.
func output(rec *Record) Count {
	if rec.Output.Source != CountNone {
		return rec.Output
	}
	if len(rec.Events) == 0 {
		return Count{}
	}
	n := 0
	for _, e := range rec.Events {
		n += max(e.Tokens, 1)
	}
	return Count{N: n, Source: CountEvents}
}

// describe makes the metrics of the case. The caller holds r.mu.
func (r *Recorder) describe(c *result.Case) {
	c.Metrics = make(map[string]*result.Metric)
	for id, d := range distributionNames {
		if r.dist[id].n() > 0 {
			c.Metrics[d.name] = r.dist[id].metric(d.unit)
		}
	}
	completed := r.completed()
	c.Metrics["requests"] = counter("requests", completed, float64(completed), c.Duration)
	if r.llm > 0 {
		c.Metrics["prompt_tokens"] = counter("tokens", r.llm, float64(r.totalIn), c.Duration)
		c.Metrics["generated_tokens"] = counter("tokens", r.llm, float64(r.totalOut), c.Duration)
	}
	c.Metrics["request_failed"] = rate(c.Counts.RequestsFailed, completed+c.Counts.RequestsFailed)
	c.Metrics["iteration_failed"] = rate(c.Counts.IterationFailed, c.Counts.Started-c.Counts.Interrupted)
	if len(r.checks) > 0 {
		var passes, fails int64
		for _, check := range r.checks {
			passes += check.Passes
			fails += check.Fails
		}
		c.Metrics["checks"] = rate(passes, passes+fails)
	}
	for name, m := range r.custom {
		c.Metrics[name] = m.metric(c.Duration)
	}
	c.Throughput = result.Throughput{
		Requests:     perSecond(float64(completed), c.Duration),
		InputTokens:  perSecond(float64(r.totalIn), c.Duration),
		OutputTokens: perSecond(float64(r.totalOut), c.Duration),
		TotalTokens:  perSecond(float64(r.totalIn+r.totalOut), c.Duration),
	}
}

func counter(unit string, n int64, sum, seconds float64) *result.Metric {
	return &result.Metric{Kind: kindCounter, Unit: unit, N: n, Sum: &sum, Rate: new(perSecond(sum, seconds))}
}

// rate is the share of n that are true; without any, it has no value.
func rate(trues, n int64) *result.Metric {
	m := &result.Metric{Kind: kindRate, N: n}
	if n > 0 {
		m.Rate = new(float64(trues) / float64(n))
	}
	return m
}

// perSecond is 0 for a case that took no time: nothing was measured in it.
func perSecond(total, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return total / seconds
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
