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
	kindGoodput      = "goodput"
	kindValidity     = "validity" // of thresholds alone: no metric of a result has it
)

// definition is a metric that weir measures itself. The full definitions are in
// docs/metrics.md.
type definition struct{ kind, unit string }

// validity is what thresholds on a case's verdict are of.
const validity = "validity"

// builtin holds every metric that weir measures itself, by name.
var builtin = map[string]definition{
	"requests":         {kindCounter, "requests"},
	"prompt_tokens":    {kindCounter, "tokens"},
	"generated_tokens": {kindCounter, "tokens"},
	"request_failed":   {kindRate, ""},
	"iteration_failed": {kindRate, ""},
	"checks":           {kindRate, ""},
	"goodput":          {kindGoodput, ""},
	validity:           {kindValidity, ""},
}

// The distributions, one sample a completed request unless said otherwise.
const (
	ttft           = iota
	ttftUpperBound // of requests whose first token event is shared
	ttfo
	ttst
	tpot
	tpotFromSecond
	decodePerToken
	decodeSpeed
	itl // one sample a gap between token events
	itlDecode
	tokensPerEvent
	e2el
	responseHead
	startLag
	readLag // one sample an arrival with a kernel stamp
	uploadTime
	prefillWait // of requests that waited
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
	clientLag     // only for the validity rules, not reported: it has no name
	distributions // how many there are
)

var distributionNames = [distributions]struct{ name, unit string }{
	ttft:                {"ttft", "ms"},
	ttftUpperBound:      {"ttft_upper_bound", "ms"},
	ttfo:                {"ttfo", "ms"},
	ttst:                {"ttst", "ms"},
	tpot:                {"tpot", "ms"},
	tpotFromSecond:      {"tpot_from_second", "ms"},
	decodePerToken:      {"decode_per_token", "ms"},
	decodeSpeed:         {"decode_speed", "tokens/s"},
	itl:                 {"itl", "ms"},
	itlDecode:           {"itl_decode", "ms"},
	tokensPerEvent:      {"tokens_per_event", "tokens"},
	e2el:                {"e2el", "ms"},
	responseHead:        {"response_head", "ms"},
	startLag:            {"start_lag", "ms"},
	readLag:             {"read_lag", "ms"},
	uploadTime:          {"upload_time", "ms"},
	prefillWait:         {"prefill_wait", "ms"},
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
		if d.name != "" {
			builtin[d.name] = definition{kindDistribution, d.unit}
		}
	}
}

// KindOf is the kind of one of weir's own metrics, such as "distribution"; "" for others.
func KindOf(name string) string { return builtin[name].kind }

// samples takes a completed request into the distributions. The caller holds s.mu.
func (s *shard) samples(rec *Record) {
	s.connection(rec)
	s.sample(requestBytes, float64(rec.BytesOut))
	s.sample(responseBytes, float64(rec.BytesIn))
	if at := rec.scheduled(); !at.IsZero() {
		s.span(startLag, at, rec.Started)
		s.sample(clientLag, ms(clientShare(rec)))
	}
	s.span(uploadTime, rec.Started, rec.Sent)
	if rec.PrefillWait > 0 {
		s.sample(prefillWait, ms(rec.PrefillWait))
	}
	if rec.Kind == KindPooling {
		s.span(responseHead, rec.Started, rec.HeadAt)
		s.endToEnd(e2el, e2elFromSchedule, rec)
		s.tokens(rec)
		return
	}
	if rec.Kind == KindHTTP {
		s.endToEnd(httpReqDuration, httpReqFromSchedule, rec)
		s.span(httpReqWaiting, rec.Started, rec.HeadAt)
		return
	}
	s.span(responseHead, rec.Started, rec.HeadAt)
	s.tokens(rec)
	if len(rec.Events) > 0 {
		s.stream(rec)
	}
}

// connection samples what it took to open the request's connection. Only the
// first request of a connection knows, also of one that was opened in advance.
func (s *shard) connection(rec *Record) {
	for _, part := range []struct {
		id int
		d  time.Duration
	}{{dnsTime, rec.DNS}, {connectTime, rec.Connect}, {tlsTime, rec.TLS}} {
		if part.d > 0 {
			s.sample(part.id, ms(part.d))
		}
	}
}

// tokens samples the token counts.
func (s *shard) tokens(rec *Record) {
	for _, count := range []struct {
		id int
		c  Count
	}{{inputTokens, rec.Input}, {outputTokens, rec.Output}, {reasoningTokens, rec.Reasoning}, {cachedTokens, rec.Cached}} {
		if count.c.Source != CountNone {
			s.sample(count.id, float64(count.c.N))
		}
	}
}

// stream samples the times of the token events. What would be reckoned from an
// event of which only an upper bound is known is no sample; but for the last one,
// behind which there is no text: every answer has an end.
func (s *shard) stream(rec *Record) {
	events := rec.Events
	count := len(events)
	s.endToEnd(e2el, e2elFromSchedule, rec)
	s.arrivals(rec)
	if rec.Whole { // its end says nothing of its tokens
		return
	}
	if n := rec.FirstOutput; n > 0 && events[n-1].Timed() {
		at := rec.EventTime(n - 1)
		s.span(ttfo, rec.Started, at)
		s.span(ttfoFromSchedule, rec.scheduled(), at)
	}
	if rec.Output.N > 0 {
		s.sample(tokensPerEvent, float64(rec.Output.N)/float64(count))
	}
	first, last := events[0], events[count-1]
	if at, measured := rec.TTFT(); !measured {
		s.sample(ttftUpperBound, ms(first.At))
	} else {
		s.sample(ttft, ms(at))
		s.span(ttftFromSchedule, rec.scheduled(), rec.EventTime(0))
		if took, ok := rec.decoding(); ok {
			s.sample(tpot, ms(took)/float64(rec.Output.N-1))
		}
		if rec.Output.N > 0 && count > 1 {
			s.decode(last.At-first.At, float64(rec.Output.N))
		}
	}
	if count > 1 && !events[1].Shared() {
		second := events[1]
		if !first.Shared() {
			s.sample(ttst, ms(second.At-first.At))
		}
		if rec.Output.N > 2 && count > 2 {
			s.sample(tpotFromSecond, ms(last.At-second.At)/float64(rec.Output.N-2))
		}
	}
}

// decode samples how long n tokens took, all of them, from the first to the last one.
func (s *shard) decode(took time.Duration, n float64) {
	s.sample(decodePerToken, ms(took)/n)
	if took > 0 {
		s.sample(decodeSpeed, n/took.Seconds())
	}
}

// arrivals samples the gaps between token events, and how long they waited to
// be read. Events that came together are one arrival. Where the client read late,
// the gaps around the events that are not known are no samples.
func (s *shard) arrivals(rec *Record) {
	origin := int64(rec.Started.Sub(s.recorder.origin))
	var gaps gapper
	for i, e := range rec.Events {
		last := i == len(rec.Events)-1
		from, ok := gaps.next(e, last)
		if e.Kernel() && (last || !e.Shared()) {
			s.sample(readLag, ms(e.Lag()))
		}
		if ok {
			s.sample(itl, ms(e.At-from))
			s.gaps = append(s.gaps, interval{origin + int64(from), origin + int64(e.At)})
		}
	}
}

// decodeGaps samples itl_decode: gaps in which nobody's prompt was processed, as
// far as the prefill log has told them in s.clear.
func (s *shard) decodeGaps() {
	for _, length := range s.clear {
		s.sample(itlDecode, ms(time.Duration(length)))
	}
}

// clientShare is the part of the start lag that is the client's doing: opening a
// connection takes as long as network and service make it, and the script wants
// to sleep.
func clientShare(rec *Record) time.Duration {
	lag := rec.Started.Sub(rec.scheduled()) - rec.PrefillWait
	if it := rec.Iteration; it != nil && it.Asleep != nil {
		lag -= it.Asleep.Total()
	}
	if !rec.Reused {
		lag -= rec.DNS + rec.Connect + rec.TLS
	}
	return max(lag, 0)
}

// span samples the time between two moments, if both happened.
func (s *shard) span(id int, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() {
		s.sample(id, ms(to.Sub(from)))
	}
}

// endToEnd samples the latency of the whole request, and the same from when it should
// have started, with how that grows.
func (s *shard) endToEnd(id, fromSchedule int, rec *Record) {
	d, ok := rec.E2EL()
	if !ok {
		return
	}
	s.sample(id, ms(d))
	at, end := rec.scheduled(), rec.Started.Add(d)
	s.span(fromSchedule, at, end)
	if !at.IsZero() {
		s.sums.growth.add(at.Sub(s.recorder.origin).Seconds(), end.Sub(at).Seconds())
	}
}

// Unsampled returns the distributions that weir measures, without samples: what
// a script finds under the names of those that a case has none of.
func Unsampled() map[string]*result.Metric {
	all := make(map[string]*result.Metric, distributions)
	for _, d := range distributionNames {
		if d.name != "" {
			all[d.name] = new(distribution).metric(d.unit)
		}
	}
	return all
}

// output is the number of generated tokens, from the best source there is.
func output(rec *Record) Count {
	if rec.Kind != KindLLM {
		return Count{}
	}
	if rec.Output.Source != CountNone {
		return rec.Output
	}
	if len(rec.Events) == 0 {
		return Count{}
	}
	return Count{N: rec.EventTokens(), Source: CountEvents}
}

// describe makes the metrics of the case. The caller holds r.mu.
func (r *Recorder) describe(c *result.Case, s *sums) {
	c.Metrics = make(map[string]*result.Metric)
	for id, d := range distributionNames {
		if m := r.distribution(id); m.N > 0 && d.name != "" {
			c.Metrics[d.name] = m
		}
	}
	completed := s.completed()
	c.Metrics["requests"] = counter("requests", completed, float64(completed), c.Duration)
	if s.llm > 0 {
		c.Metrics["prompt_tokens"] = counter("tokens", s.llm, float64(s.totalIn), c.Duration)
	}
	if s.generations > 0 {
		c.Metrics["generated_tokens"] = counter("tokens", s.generations, float64(s.totalOut), c.Duration)
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
	if r.judges {
		c.Goodput = s.goodput.result(r.slos, c.Duration)
		c.Metrics["goodput"] = goodputMetric(c.Goodput)
	}
	c.Growth = s.growth.result()
	for name, m := range r.custom {
		c.Metrics[name] = m.metric(c.Duration)
	}
	c.Throughput = result.Throughput{
		Requests:     perSecond(float64(completed), c.Duration),
		InputTokens:  perSecond(float64(s.totalIn), c.Duration),
		OutputTokens: perSecond(float64(s.totalOut), c.Duration),
		TotalTokens:  perSecond(float64(s.totalIn+s.totalOut), c.Duration),
	}
}

// distribution describes one of the distributions, and empties it.
func (r *Recorder) distribution(id int) *result.Metric {
	c := &r.dist[id]
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.metric(distributionNames[id].unit)
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
