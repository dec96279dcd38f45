package convention

import (
	"maps"
	"math"
	"slices"
	"time"
)

// vLLM: vllm bench serve. Its definitions are in vllm/benchmarks/serve.py
// (calculate_metrics, benchmark) and vllm/benchmarks/lib/endpoint_request_func.py
// (async_request_openai_completions, async_request_openai_chat_completions), as of
// August 2026.

// vllmOutput is what it keeps of a request (RequestFuncOutput).
type vllmOutput struct {
	*call
	success bool
	ttft    time.Duration
	latency time.Duration // to the last event with choices; 0: it failed
	itl     []time.Duration
}

// vllmOutputs are those of a case. A request is a success once one event with choices
// has come and the response ended well as HTTP; an answer that is no stream has none.
func vllmOutputs(l *load) []vllmOutput {
	outputs := make([]vllmOutput, len(l.calls))
	for i := range l.calls {
		c := &l.calls[i]
		o := vllmOutput{call: c}
		switch {
		case c.whole || !c.started:
		case c.empty(): // it has seen the role, or the finish reason
			o.success, o.ttft, o.latency = true, c.end, c.end
		default:
			if len(c.events) > 0 {
				o.ttft = c.events[0]
			}
			for k := 1; k < len(c.events); k++ {
				o.itl = append(o.itl, c.events[k]-c.events[k-1])
			}
			if len(c.events) > 0 && (c.ok() || c.broken()) {
				o.success, o.latency = true, c.last()
			}
		}
		outputs[i] = o
	}
	return outputs
}

func (o *vllmOutput) tpot() (time.Duration, bool) {
	return o.latency - o.ttft, o.success && o.out > 1
}

// vllmTotals are the numbers of a case that are no distribution.
type vllmTotals struct {
	completed, failed int
	duration          time.Duration
	input, output     float64
	peakTokens        float64 // most token events in a second
	peakRequests      int
}

func vllmTotalsOf(l *load, outputs []vllmOutput) vllmTotals {
	t := vllmTotals{duration: span(l.where(func(*call) bool { return true }), ended)}
	var good []*call
	for _, o := range outputs {
		if !o.success {
			t.failed++
			continue
		}
		t.completed++
		good = append(good, o.call)
		t.output += float64(o.out)
	}
	t.input = l.inputs(good)
	t.peakTokens, t.peakRequests = vllmPeaks(outputs)
	return t
}

// vllmPeaks counts token events in seconds that start with the first request, and the
// requests at once, of which one that ends when another starts is not one.
func vllmPeaks(outputs []vllmOutput) (tokens float64, atOnce int) {
	first := time.Duration(math.MaxInt64)
	for _, o := range outputs {
		if o.success {
			first = min(first, o.begin)
		}
	}
	in := map[time.Duration]float64{}
	steps := map[time.Duration]int{}
	for _, o := range outputs {
		if !o.success {
			continue
		}
		at := o.begin + o.ttft
		in[(at-first)/time.Second]++
		for _, gap := range o.itl {
			at += gap
			in[(at-first)/time.Second]++
		}
		steps[o.begin]++
		steps[o.begin+o.latency]--
	}
	for _, n := range in {
		tokens = max(tokens, n)
	}
	now := 0
	for _, at := range slices.Sorted(maps.Keys(steps)) {
		now += steps[at]
		atOnce = max(atOnce, now)
	}
	return tokens, atOnce
}

// vllmSamples are the samples of ttft, tpot, itl and e2el, ms.
func vllmSamples(outputs []vllmOutput) map[string]samples {
	s := map[string]samples{}
	for _, o := range outputs {
		if !o.success {
			continue
		}
		s["ttft"] = append(s["ttft"], ms(o.ttft))
		s["e2el"] = append(s["e2el"], ms(o.latency))
		if d, ok := o.tpot(); ok {
			s["tpot"] = append(s["tpot"], ms(d)/float64(o.out-1))
		}
		for _, gap := range o.itl {
			s["itl"] = append(s["itl"], ms(gap))
		}
	}
	return s
}

// vllmGoodput counts the successes that keep all SLOs that vLLM knows; false: the case
// has none of these.
func vllmGoodput(l *load, outputs []vllmOutput) (good int, judged bool) {
	for _, o := range outputs {
		if o.success && l.keeps(ms(o.ttft), ms(o.latency), o.out) {
			good++
		}
	}
	return good, l.judged()
}

// judged tells whether the case has an SLO that vLLM and SGLang know.
func (l *load) judged() bool {
	g := l.of.Goodput
	return g != nil && (g.SLO["ttft"] > 0 || g.SLO["tpot"] > 0 || g.SLO["e2el"] > 0)
}

// keeps tells whether a request keeps those SLOs, as vLLM and SGLang judge it: a single
// token has a TPOT of 0.
func (l *load) keeps(ttft, latency float64, out int) bool {
	if l.of.Goodput == nil {
		return false
	}
	tpot := 0.0
	if out > 1 {
		tpot = (latency - ttft) / float64(out-1)
	}
	for name, v := range map[string]float64{"ttft": ttft, "tpot": tpot, "e2el": latency} {
		if limit := l.of.Goodput.SLO[name]; limit > 0 && v > limit {
			return false
		}
	}
	return true
}

var vllmMetrics = []struct{ name, head, why string }{
	{"ttft", "TTFT", "Counted from before a connection is opened, to the first event with choices, be it an empty role; weir: from the first byte sent on an open connection to the first text."},
	{"tpot", "TPOT", "(E2EL − TTFT) / (tokens − 1), from its own first and last event; weir has no sample where the first token shares its read. Answers of one token have none in both."},
	{"itl", "ITL", "Every gap between events, 0 where several came in one read; weir takes events that came together as one arrival, and no gap that the client saw late. Several tokens in one event are one gap in both."},
	{"e2el", "E2EL", "To the last event with choices, which may hold the finish reason alone (older versions end a chat with the usage event); weir: to the last token."},
}

// vllmGroups is the table that it prints.
func vllmGroups(l *load) []Group {
	outputs := vllmOutputs(l)
	t := vllmTotalsOf(l, outputs)
	l.openings(false)
	l.roles()
	l.sources("vLLM counts it with its tokenizer")
	if n := len(l.where((*call).empty)); n > 0 {
		l.note("Of %s without a token its TTFT is that of an empty event, which is not in the records: the end of the response was taken.", requests(n, "", ""))
	}

	count := l.rows("Requests", "A success is a stream of status 200 of which one event has come: an error event inside it or a missing end marker is none to vLLM, but a failure to weir; an answer that is not streamed is a failure to vLLM, and none to weir.")
	count.total("Successful requests", "", float64(t.completed), l.completed())
	count.total("Failed requests", "", float64(t.failed), l.failed())

	time := l.rows("Duration", "From before the first request is dispatched to the end of the last response, failed ones too; weir: from the first byte sent to the end of the last response.")
	time.total("Benchmark duration", "s", seconds(t.duration), l.duration())

	rate := l.rows("Throughput", "Totals of its successes over its duration. The peak is of events, not tokens, in seconds counted from the first request; weir has no such metric.")
	rate.total("Total input tokens", "", t.input, l.sum("prompt_tokens"))
	rate.total("Total generated tokens", "", t.output, l.sum("generated_tokens"))
	rate.total("Request throughput", "req/s", per(float64(t.completed), t.duration), l.rate("requests", requestRate))
	if good, ok := vllmGoodput(l, outputs); ok {
		rate.total("Request goodput", "req/s", per(float64(good), t.duration), l.goodput())
	}
	rate.total("Output token throughput", "tok/s", per(t.output, t.duration), l.rate("output_tokens", outputRate))
	rate.total("Peak output token throughput", "tok/s", t.peakTokens, none)
	rate.total("Peak concurrent requests", "", float64(t.peakRequests), none)
	rate.total("Total token throughput", "tok/s", per(t.input+t.output, t.duration), l.rate("total_tokens", totalRate))

	groups := []Group{count.Group, time.Group, rate.Group}
	all := vllmSamples(outputs)
	for _, m := range vllmMetrics {
		r := l.rows(m.head, m.why)
		for _, s := range []struct{ word, stat string }{{"Mean", "mean"}, {"Median", "p50"}, {"P99", "p99"}} {
			r.add(s.word+" "+m.head, "ms", zeroIfNone(all[m.name].stat(s.stat)), l.stat(m.name, s.stat, 1))
		}
		groups = append(groups, r.Group)
	}
	return groups
}

// zeroIfNone is what np.mean(values or 0) makes of no values.
func zeroIfNone(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
