package convention

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// SGLang: python -m sglang.bench_serving, now sglang.benchmark.serving. Its definitions
// are in python/sglang/benchmark/serving.py (calculate_metrics and
// async_request_sglang_generate, the default backend's; async_request_openai_chat_completions
// of a chat) and in goodput.py, as of August 2026.

// sglangOutput is what it keeps of a request.
type sglangOutput struct {
	*call
	ttft time.Duration // 0: no text came
}

// sglangOutputs are its successes: status 200, and nothing that raised an exception.
func sglangOutputs(l *load) []sglangOutput {
	var outputs []sglangOutput
	for i := range l.calls {
		c := &l.calls[i]
		if !c.started || !c.ok() && !c.broken() && !c.empty() {
			continue
		}
		o := sglangOutput{call: c}
		if len(c.events) > 0 {
			o.ttft = c.events[0]
		}
		if c.whole {
			o.ttft = c.end
		}
		outputs = append(outputs, o)
	}
	return outputs
}

// repeated is a sample that is there n times.
type repeated struct {
	v float64
	n int
}

// itl are its inter-token latencies, ms: a gap is shared out among the tokens that its
// event has brought.
func (o *sglangOutput) itl() []repeated {
	var gaps []repeated
	for i := 1; i < len(o.events); i++ {
		n := o.tokensOf(i)
		gaps = append(gaps, repeated{ms(o.events[i]-o.events[i-1]) / float64(n), n})
	}
	return gaps
}

// repeats are samples of which each is there several times.
type repeats []repeated

// stat is as that of samples.
func (r repeats) stat(name string) float64 {
	n, sum := 0, 0.0
	for _, x := range r {
		n += x.n
		sum += x.v * float64(x.n)
	}
	switch {
	case n == 0:
		return math.NaN()
	case name == "mean":
		return sum / float64(n)
	}
	if ascending := func(a, b repeated) int { return cmp.Compare(a.v, b.v) }; !slices.IsSortedFunc(r, ascending) {
		slices.SortFunc(r, ascending)
	}
	if name == "max" {
		return r[len(r)-1].v
	}
	place := map[string]float64{"p50": 50, "p90": 90, "p95": 95, "p99": 99}[name] / 100 * float64(n-1)
	at := func(rank int) float64 {
		for _, x := range r {
			if rank -= x.n; rank < 0 {
				return x.v
			}
		}
		return r[len(r)-1].v
	}
	low := int(place)
	return at(low) + (place-float64(low))*(at(low+1)-at(low))
}

// sglangPeaks counts tokens in seconds that start with the first request, and requests
// that were there at any time within such a second.
func sglangPeaks(outputs []sglangOutput) (tokens, atOnce float64) {
	first := time.Duration(math.MaxInt64)
	for _, o := range outputs {
		first = min(first, o.begin)
	}
	in := map[float64]float64{}
	steps := map[time.Duration]float64{}
	for _, o := range outputs {
		in[math.Floor(seconds(o.begin+o.ttft-first))]++
		for i := 1; i < len(o.events); i++ {
			spread(in, seconds(o.begin+o.events[i-1]-first), seconds(o.events[i]-o.events[i-1]), o.tokensOf(i))
		}
		steps[(o.begin-first)/time.Second]++
		steps[(o.begin+o.end-first)/time.Second+1]--
	}
	for _, n := range in {
		tokens = max(tokens, n)
	}
	now := 0.0
	for _, second := range slices.Sorted(maps.Keys(steps)) {
		now += steps[second]
		atOnce = max(atOnce, now)
	}
	return tokens, atOnce
}

// spread counts n tokens that come evenly over a gap in the seconds that they come in.
func spread(in map[float64]float64, from, gap float64, n int) {
	step := gap / float64(n)
	for k := 1; k <= n; {
		at := from + step*float64(k)
		second := math.Floor(at)
		same := n - k + 1 // tokens that come in this second
		if step > 0 {
			same = int(math.Max(1, math.Min(float64(same), math.Ceil((second+1-at)/step))))
		}
		in[second] += float64(same)
		k += same
	}
}

// sglangGroups is the table that it prints.
func sglangGroups(l *load) []Group {
	outputs := sglangOutputs(l)
	var good []*call
	var ttft, tpot, e2e samples
	var itl repeats
	var output, kept float64
	for i := range outputs {
		o := &outputs[i]
		if l.keeps(ms(o.ttft), ms(o.end), o.out) {
			kept++
		}
		good = append(good, o.call)
		output += float64(o.out)
		ttft = append(ttft, ms(o.ttft))
		e2e = append(e2e, ms(o.end))
		if o.out > 1 {
			tpot = append(tpot, ms(o.end-o.ttft)/float64(o.out-1))
		}
		itl = append(itl, o.itl()...)
	}
	input := l.inputs(good)
	duration := span(l.where(func(*call) bool { return true }), ended)
	peakTokens, peakRequests := sglangPeaks(outputs)
	l.openings(true)
	l.ends("[DONE]")
	l.sources("SGLang takes the length that was asked for")
	if n := len(l.where((*call).broken)); n > 0 {
		l.note("Of %s that broke off within a response of status 200 SGLang takes the length that was asked for, where the service has not counted; what was received was taken.", requests(n, "", ""))
	}

	count := l.rows("Requests", "A success is a response of status 200 that raised no exception: an error event inside it, a missing end marker and an answer without a token are successes; weir: failures.")
	count.total("Successful requests", "", float64(len(outputs)), l.completed())

	time := l.rows("Duration", "From before the first request is dispatched to the end of the last response; weir: from the first byte sent.")
	time.total("Benchmark duration", "s", seconds(duration), l.duration())

	rate := l.rows("Throughput", "Totals of its successes over its duration. The peak counts the tokens of a gap evenly over it; concurrency is the sum of E2E latencies over the duration. weir has neither.")
	rate.total("Total input tokens", "", input, l.sum("prompt_tokens"))
	rate.total("Total generated tokens", "", output, l.sum("generated_tokens"))
	rate.total("Request throughput", "req/s", per(float64(len(outputs)), duration), l.rate("requests", requestRate))
	rate.total("Input token throughput", "tok/s", per(input, duration), l.rate("input_tokens", inputRate))
	rate.total("Output token throughput", "tok/s", per(output, duration), l.rate("output_tokens", outputRate))
	rate.total("Peak output token throughput", "tok/s", peakTokens, none)
	rate.total("Peak concurrent requests", "", peakRequests, none)
	rate.total("Total token throughput", "tok/s", per(input+output, duration), l.rate("total_tokens", totalRate))
	rate.total("Concurrency", "", per(e2e.sum()/1000, duration), none)

	groups := []Group{count.Group, time.Group, rate.Group}
	for _, m := range []struct {
		metric, head, why string
		stat              func(string) float64
		max               bool
	}{
		{"e2el", "E2E Latency", "From before a connection is opened, a new one for each request, to [DONE]; weir: from the first byte sent to the last token.", e2e.stat, false},
		{"ttft", "TTFT", "To the first text, reasoning too, as weir's, but from before its connection is opened. An answer that is not streamed has its whole latency as TTFT; weir: none.", ttft.stat, false},
		{"tpot", "TPOT", "(E2E − TTFT) / (tokens − 1), so it holds what comes after the last token, and is 0 for an answer that is not streamed; weir: to the last token, and no sample.", tpot.stat, false},
		{"itl", "ITL", "A gap is divided among the tokens that its event brought, each a sample; weir: a gap is one sample, however many tokens came (tokens_per_event tells).", itl.stat, true},
	} {
		r := l.rows(m.head, m.why)
		for _, s := range []struct{ word, stat string }{{"Mean", "mean"}, {"Median", "p50"}, {"P90", "p90"}, {"P95", "p95"}, {"P99", "p99"}, {"Max", "max"}} {
			if s.stat == "max" && !m.max {
				continue
			}
			r.add(s.word+" "+m.head, "ms", zeroIfNone(m.stat(s.stat)), l.stat(m.metric, s.stat, 1))
		}
		groups = append(groups, r.Group)
	}
	if l.judged() {
		r := l.rows("Goodput", "Successes that keep the SLOs of TTFT, TPOT and E2E latency by its own times, of all requests; a single token has a TPOT of 0, and an answer that is not streamed its whole latency as TTFT. weir judges by its own times, and knows more SLOs.")
		r.total("Request goodput", "req/s", per(kept, duration), l.goodput())
		weir := own{name: "goodput share"}
		if share := l.of.Goodput.Share; share != nil {
			weir.value = new(100 * *share)
		}
		r.total("SLO attainment", "%", 100*kept/float64(len(l.calls)), weir)
		groups = append(groups, r.Group)
	}
	return groups
}
