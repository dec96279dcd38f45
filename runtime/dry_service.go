package runtime

import (
	"math"
	"strings"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// service is one that is not there: every request to it is completed, with one and the
// same latency for all that is measured in time.
type service struct {
	latency time.Duration
	serial  bool // it does one request after another, whatever the load
}

// A fast service keeps every limit, and a slow one none.
var (
	fastService = service{latency: time.Millisecond}
	slowService = service{latency: 1000 * time.Second, serial: true}
)

// play is what plan is given for a case: the result of the only repetition, or of each.
func (s service) play(c *caseSpec, p PlannedCase, custom func() map[string]metrics.CustomKind) []*result.Case {
	all := make([]*result.Case, c.repeat)
	for i := range all {
		all[i] = s.result(c, p, custom)
		if c.repeat > 1 {
			all[i].Repeat = i + 1
		}
	}
	return all
}

// result makes the result of a case with the recorder of real ones, which saw no request,
// and adds what the planned ones would have left in it.
func (s service) result(c *caseSpec, p PlannedCase, custom func() map[string]metrics.CustomKind) *result.Case {
	recorder := metrics.NewRecorder(metrics.Options{SLOs: c.wholeSLO(), Load: c.load()})
	if custom != nil {
		for name, kind := range custom() {
			value := map[metrics.CustomKind]float64{metrics.Trend: s.ms(), metrics.Rate: s.kept()}[kind] // of the others 0
			_ = recorder.Observe(name, kind, "", value)                                                  // the module has checked the names
		}
	}
	found := recorder.Finish(result.Counts{}, c.judged[""].exprs(), c.rules)
	found.Name, found.Tags, found.Started = c.name, c.tags, time.Now()
	found.Validity = result.Validity{Verdict: result.Valid, Reasons: []result.Reason{}}
	found.Counts, found.Duration = result.Counts{}, 0
	if c.named {
		found.Scenarios = map[string]*result.Scenario{}
	}
	for i, planned := range p.Scenarios {
		n := s.iterations(planned)
		found.Counts.Scheduled += n
		took := s.duration(planned, n)
		found.Duration = max(found.Duration, took)
		if c.named {
			of := &result.Scenario{Tags: c.scenarios[i].tags, Started: found.Started, Duration: took, Errors: []result.ErrorGroup{}, Checks: []result.Check{}}
			of.Counts, of.Metrics = completed(n), s.metrics(n, planned.Tokens)
			of.Throughput = s.throughput(n, took, planned.Tokens)
			found.Scenarios[c.scenarios[i].name] = of
		}
	}
	n := found.Counts.Scheduled
	found.Counts = completed(n)
	tokens := p.tokens()
	for name, m := range s.metrics(n, tokens) {
		found.Metrics[name] = m
	}
	found.Throughput = s.throughput(n, found.Duration, tokens)
	if g := found.Goodput; g != nil {
		g.Requests, g.Good, g.Share, g.PerSecond = n, int64(s.kept())*n, new(s.kept()), s.kept()*found.Throughput.Requests
	}
	for i := range found.Thresholds {
		found.Thresholds[i].OK = s.kept() > 0
	}
	return found
}

func completed(n int64) result.Counts {
	return result.Counts{Scheduled: n, Started: n, Completed: n, Requests: n}
}

// iterations are those of a scenario, as many as the service makes possible where
// nothing else says how many.
func (s service) iterations(p PlannedScenario) int64 {
	if p.Iterations != nil {
		return *p.Iterations
	}
	turns := max(int64(seconds(p.LastsS)/s.latency.Seconds()), 1)
	return turns * int64(max(orZero(p.AtOnce), 1))
}

// duration is how long it takes to complete so many requests, seconds.
func (s service) duration(p PlannedScenario, n int64) float64 {
	turns := math.Ceil(float64(n) / float64(max(orZero(p.AtOnce), 1)))
	switch {
	case s.serial:
		return max(seconds(p.LastsS), float64(n)*s.latency.Seconds())
	case p.AtOnce == nil:
		turns = 1
	}
	return seconds(p.LastsS) + turns*s.latency.Seconds()
}

func (s service) ms() float64 { return s.latency.Seconds() * 1000 }

// kept is the share of requests that keep what they are held against.
func (s service) kept() float64 {
	if s.serial {
		return 0
	}
	return 1
}

// metrics are weir's own. What is not known of a service that is not there has no samples:
// scripts find it without a value, as in a result of one that does not tell.
func (s service) metrics(n int64, tokens *Tokens) map[string]*result.Metric {
	all := metrics.Unsampled()
	for name, m := range all {
		switch {
		case n == 0:
		case strings.HasSuffix(name, "_lag"):
			constant(m, n, 0)
		case name == "ttft_upper_bound" || name == "prefill_wait" || strings.HasSuffix(name, "_time"):
			// of requests that had to wait, or to connect
		case m.Unit == "ms":
			constant(m, n, s.ms())
		case name == "decode_speed":
			constant(m, n, 1000/s.ms())
		case name == "tokens_per_event":
			constant(m, n, 1)
		case name == "input_tokens" && tokens != nil && tokens.Prompt != nil:
			constant(m, n, tokens.Prompt.Avg)
		case name == "output_tokens" && tokens != nil && tokens.Output != nil:
			constant(m, n, tokens.Output.Avg)
		}
	}
	all["requests"] = &result.Metric{Kind: "counter", Unit: "requests", N: n, Sum: new(float64(n))}
	for _, name := range []string{"request_failed", "iteration_failed"} {
		all[name] = &result.Metric{Kind: "rate", N: n, Rate: new(0.0)}
	}
	return all
}

// constant makes n samples of one value of a distribution.
func constant(m *result.Metric, n int64, v float64) {
	m.N, m.Avg, m.Min, m.Max, m.Std = n, &v, &v, &v, new(0.0)
	m.P50, m.P75, m.P90, m.P95, m.P99, m.P999 = &v, &v, &v, &v, &v, &v
	m.Quantile = func(float64) float64 { return v }
}

func (s service) throughput(n int64, took float64, tokens *Tokens) (t result.Throughput) {
	if took <= 0 {
		return t
	}
	t.Requests = float64(n) / took
	if tokens != nil && tokens.Prompt != nil {
		t.InputTokens = t.Requests * tokens.Prompt.Avg
	}
	if tokens != nil && tokens.Output != nil {
		t.OutputTokens = t.Requests * tokens.Output.Avg
	}
	t.TotalTokens = t.InputTokens + t.OutputTokens
	return t
}

func seconds(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func orZero(v *int) int {
	if v == nil {
		return 0
	}
	return *v
}
