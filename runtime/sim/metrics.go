package sim

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// counters are what /metrics shows beside the state of the engine, under the
// names that vLLM uses; what vLLM has no name for is called weir_sim:….
type counters struct {
	promptTokens     atomic.Int64
	generationTokens atomic.Int64
	finishedStop     atomic.Int64
	finishedLength   atomic.Int64
	finishedAbort    atomic.Int64
	ttft             *histogram
	itl              *histogram
	e2e              *histogram
	lateness         *histogram
}

func newCounters() *counters {
	return &counters{
		ttft:     newHistogram(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560),
		itl:      newHistogram(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80),
		e2e:      newHistogram(0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680),
		lateness: newHistogram(0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1),
	}
}

// finished counts the end of a request.
func (c *counters) finished(outcome Outcome, finishReason string) {
	switch {
	case outcome == OutcomeAborted:
		c.finishedAbort.Add(1)
	case outcome == OutcomeCompleted && finishReason != "length":
		c.finishedStop.Add(1)
	case outcome == OutcomeCompleted:
		c.finishedLength.Add(1)
	}
}

// exposition writes the metrics in the text format of Prometheus.
func (c *counters) exposition(cfg *Config, e *engine, prefixes *prefixCache) string {
	var b strings.Builder
	labels := `engine="0",model_name="` + escapeLabel(cfg.Model) + `"`
	head := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	one := func(name, kind, help string, value float64) {
		head(name, kind, help)
		fmt.Fprintf(&b, "%s{%s} %s\n", name, labels, number(value))
	}
	one("vllm:num_requests_running", "gauge", "Number of sequences in the batch.", float64(e.running.Load()))
	one("vllm:num_requests_waiting", "gauge", "Number of requests waiting for a slot.", float64(e.waiting.Load()))
	one("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.",
		min(1, float64(e.kvTokens.Load())/float64(cfg.KVTokens)))
	if prefixes != nil {
		one("vllm:prefix_cache_queries_total", "counter", "Prefix cache queries, in terms of number of queried tokens.", float64(prefixes.queries.Load()))
		one("vllm:prefix_cache_hits_total", "counter", "Prefix cache hits, in terms of number of cached tokens.", float64(prefixes.hits.Load()))
	}
	one("vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.", float64(c.promptTokens.Load()))
	one("vllm:generation_tokens_total", "counter", "Number of generation tokens processed.", float64(c.generationTokens.Load()))

	head("vllm:request_success_total", "counter", "Count of processed requests.")
	for _, r := range []struct {
		reason string
		n      *atomic.Int64
	}{{"stop", &c.finishedStop}, {"length", &c.finishedLength}, {"abort", &c.finishedAbort}} {
		fmt.Fprintf(&b, "vllm:request_success_total{%s,finished_reason=%q} %d\n", labels, r.reason, r.n.Load())
	}
	for _, h := range []struct {
		name, help string
		*histogram
	}{
		{"vllm:time_to_first_token_seconds", "Time from receipt to the first token in seconds.", c.ttft},
		{"vllm:inter_token_latency_seconds", "Time between token events in seconds.", c.itl},
		{"vllm:e2e_request_latency_seconds", "Time from receipt to the last token in seconds.", c.e2e},
		{"weir_sim:send_lateness_seconds", "Time from when the model wanted an event to when it was sent, in seconds.", c.lateness},
	} {
		head(h.name, "histogram", h.help)
		h.write(&b, h.name, labels)
	}
	return b.String()
}

// histogram counts durations in buckets. It may be used from several goroutines.
type histogram struct {
	bounds  []float64 // upper bounds in seconds, ascending
	buckets []atomic.Int64
	sumNs   atomic.Int64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, buckets: make([]atomic.Int64, len(bounds)+1)}
}

func (h *histogram) observe(d time.Duration) {
	seconds, i := d.Seconds(), 0
	for i < len(h.bounds) && seconds > h.bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sumNs.Add(int64(d))
}

func (h *histogram) write(b *strings.Builder, name, labels string) {
	var n int64
	for i := range h.buckets {
		n += h.buckets[i].Load()
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = number(h.bounds[i])
		}
		fmt.Fprintf(b, "%s_bucket{%s,le=%q} %d\n", name, labels, bound, n)
	}
	fmt.Fprintf(b, "%s_sum{%s} %s\n%s_count{%s} %d\n", name, labels, number(time.Duration(h.sumNs.Load()).Seconds()), name, labels, n)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}
