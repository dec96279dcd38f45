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
	open             atomic.Int64 // requests that had their slots and are in none of the counts of ends yet
	started          time.Time
	ttft             *histogram
	itl              *histogram
	e2e              *histogram
	queue            *histogram
	prefill          *histogram
	decode           *histogram
	inference        *histogram
	lateness         *histogram
}

// ofRequests are the upper bounds of vLLM's histograms of whole requests, seconds.
var ofRequests = []float64{0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}

func newCounters() *counters {
	return &counters{
		started:   time.Now(),
		queue:     newHistogram(ofRequests...),
		prefill:   newHistogram(ofRequests...),
		decode:    newHistogram(ofRequests...),
		inference: newHistogram(ofRequests...),
		ttft:      newHistogram(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560),
		itl:       newHistogram(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80),
		e2e:       newHistogram(ofRequests...),
		lateness:  newHistogram(0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1),
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

// times counts what a completed request's time was spent on, as vLLM does when one ends.
func (c *counters) times(r *reply, whole time.Duration) {
	c.e2e.observe(whole)
	c.queue.observe(r.queued)
	c.prefill.observe(r.first - r.queued)
	c.decode.observe(r.due - r.first)
	c.inference.observe(r.due - r.queued)
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
	head("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.")
	fmt.Fprintf(&b, "process_start_time_seconds %s\n", number(float64(c.started.UnixMilli())/1000))
	// The gauge before the counters: when it is 0, they have all that came before.
	one("vllm:num_requests_running", "gauge", "Number of sequences in the batch, or of requests whose answers have not ended.", float64(max(e.running.Load(), c.open.Load())))
	one("vllm:num_requests_waiting", "gauge", "Number of requests waiting for a slot.", float64(e.waiting.Load()))
	one("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.",
		min(1, float64(e.kvTokens.Load())/float64(cfg.KVTokens)))
	if prefixes != nil {
		one("vllm:prefix_cache_queries_total", "counter", "Prefix cache queries, in terms of number of queried tokens.", float64(prefixes.queries.Load()))
		one("vllm:prefix_cache_hits_total", "counter", "Prefix cache hits, in terms of number of cached tokens.", float64(prefixes.hits.Load()))
	}
	one("vllm:num_preemptions_total", "counter", "Cumulative number of preemptions, of which the simulator has none.", 0)
	e.exposition(&b, head, labels)
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
		{"vllm:request_queue_time_seconds", "Time spent waiting for slots in seconds.", c.queue},
		{"vllm:request_prefill_time_seconds", "Time from the slots to the first token in seconds.", c.prefill},
		{"vllm:request_decode_time_seconds", "Time from the first token to the last in seconds.", c.decode},
		{"vllm:request_inference_time_seconds", "Time from the slots to the last token in seconds.", c.inference},
		{"weir_sim:send_lateness_seconds", "Time from when the model wanted an event to when it was sent, in seconds.", c.lateness},
	} {
		head(h.name, "histogram", h.help)
		h.write(&b, h.name, labels)
	}
	return b.String()
}

// exposition writes what the engine counts.
func (e *engine) exposition(b *strings.Builder, head func(name, kind, help string), labels string) {
	cached := e.cfg.PrefixCache
	head("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig")
	fmt.Fprintf(b, "vllm:cache_config_info{block_size=\"%d\",enable_prefix_caching=\"%s\",engine=\"0\",num_gpu_blocks=\"%d\"} 1\n",
		e.cfg.BlockSize, map[bool]string{true: "True", false: "False"}[cached], e.cfg.KVTokens/max(1, e.cfg.BlockSize))
	if e.cfg.DraftTokens == 0 {
		return
	}
	drafts := e.drafts.Load()
	accepted := make([]int64, e.cfg.DraftTokens)
	all := int64(0)
	for i := range accepted {
		accepted[i] = e.accepted[i].Load()
		all += accepted[i]
	}
	for _, c := range []struct {
		name, help string
		n          int64
	}{
		{"drafts", "Number of spec decoding drafts.", drafts},
		{"draft_tokens", "Number of draft tokens.", drafts * int64(e.cfg.DraftTokens)},
		{"accepted_tokens", "Number of accepted tokens.", all},
	} {
		name := "vllm:spec_decode_num_" + c.name + "_total"
		head(name, "counter", c.help)
		fmt.Fprintf(b, "%s{%s} %d\n", name, labels, c.n)
	}
	const perPosition = "vllm:spec_decode_num_accepted_tokens_per_pos_total"
	head(perPosition, "counter", "Accepted tokens per draft position.")
	for i, n := range accepted {
		fmt.Fprintf(b, "%s{%s,position=\"%d\"} %d\n", perPosition, labels, i, n)
	}
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
