package convention

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// GuideLLM: guidellm benchmark of vllm-project. Its definitions are in
// src/guidellm/schemas/request_stats.py (GenerativeRequestStats),
// schemas/statistics.py (DistributionSummary), benchmark/schemas/metrics.py
// (GenerativeMetrics.compile) and backends/openai/http.py (the times); its tables in
// benchmark/outputs/console.py; as of August 2026, without warm-up and cool-down.

// weighted is a sample and how much it counts.
type weighted struct{ v, weight float64 }

// distribution is what GuideLLM makes of samples: DistributionSummary.from_values.
type distribution []weighted

// pdf are the different values in ascending order, each with its probability; those
// without weight are left out.
func (d distribution) pdf() distribution {
	s := slices.Clone(d)
	slices.SortStableFunc(s, func(a, b weighted) int { return cmp.Compare(a.v, b.v) })
	var merged distribution
	total := 0.0
	for _, x := range s {
		if n := len(merged); n > 0 && merged[n-1].v == x.v {
			merged[n-1].weight += x.weight
		} else {
			merged = append(merged, x)
		}
		total += x.weight
	}
	some := slices.DeleteFunc(merged, func(x weighted) bool { return !(x.weight > 0) })
	for i := range some {
		some[i].weight /= total
	}
	return some
}

// stat is "mean" or a percentile: the first value at which the summed probabilities
// reach it, without interpolation. Without samples it is 0.
func (d distribution) stat(name string) float64 {
	pdf := d.pdf()
	if len(pdf) == 0 {
		return 0
	}
	if name == "mean" {
		mean := 0.0
		for _, x := range pdf {
			mean += x.v * x.weight
		}
		return mean
	}
	p := map[string]float64{"p50": 0.5, "p95": 0.95}[name]
	sum := 0.0
	for _, x := range pdf {
		if sum += x.weight; sum >= p {
			return x.v
		}
	}
	return pdf[len(pdf)-1].v
}

// guidellmOut is its count of output tokens: the service's, otherwise one an event.
func guidellmOut(c *call) int {
	switch {
	case c.usage:
		return c.out
	case c.whole:
		return 0
	}
	return len(c.events)
}

// guidellmSamples are those of its successful requests: ms, but for latency (s).
func guidellmSamples(good []*call) map[string]distribution {
	s := map[string]distribution{}
	add := func(name string, v, weight float64) { s[name] = append(s[name], weighted{v, weight}) }
	for _, c := range good {
		out := guidellmOut(c)
		add("latency", seconds(c.end), 1)
		add("in", float64(c.in), 1)
		add("out", float64(out), 1)
		ttft, ttfot, itl := 0.0, 0.0, 0.0 // what is not known counts as 0
		end := c.end
		if !c.whole {
			ttft, end = ms(c.events[0]), c.last()
			if c.output > 0 && c.output <= len(c.events) {
				ttfot = ms(c.events[c.output-1])
			}
			if out > 1 {
				itl = ms(c.last()-c.events[0]) / float64(out-1)
			}
		}
		add("ttft", ttft, 1)
		add("ttfot", ttfot, 1)
		add("itl", itl, max(float64(out), 1)-1)
		if out > 0 {
			add("tpot", ms(end)/float64(out), float64(out))
		} else {
			add("tpot", 0, 0)
		}
	}
	return s
}

// moment is when something happened, and how much of it.
type moment struct {
	at time.Duration
	n  float64
}

// guidellmRate is the mean of its rate distribution: what happened, over the time from
// the first moment to the last. Those within 0.1 ms count as one, at the first of them.
func guidellmRate(moments []moment) float64 {
	if len(moments) == 0 {
		return 0
	}
	slices.SortFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	const threshold = 100 * time.Microsecond
	group, sum := moments[0].at, 0.0
	for _, m := range moments {
		if m.at-group > threshold {
			group = m.at
		}
		sum += m.n
	}
	if group == moments[0].at {
		return 0 // one moment has no rate
	}
	return sum / seconds(group-moments[0].at)
}

// guidellmTokens are when the prompts' tokens were processed and the answers' came.
func guidellmTokens(calls []*call) (in, out []moment) {
	for _, c := range calls {
		n := guidellmOut(c)
		first := c.end
		if len(c.events) > 0 && !c.whole {
			first = c.events[0]
		}
		in = append(in, moment{c.begin + first, float64(c.in)})
		if c.whole || len(c.events) < 2 {
			at := c.end
			if !c.whole && len(c.events) == 1 {
				at = first
			}
			out = append(out, moment{c.begin + at, float64(n)})
			continue
		}
		out = append(out, moment{c.begin + first, math.Min(float64(n), 1)})
		if n < 2 {
			continue
		}
		// It keeps no times of single events, and spaces them evenly.
		k := len(c.events) - 1
		for i := 1; i <= k; i++ {
			at := first + time.Duration(float64(c.last()-first)*float64(i)/float64(k))
			out = append(out, moment{c.begin + at, float64(n-1) / float64(k)})
		}
	}
	return in, out
}

// guidellmGroups are the numbers of its tables.
func guidellmGroups(l *load) []Group {
	good := l.where(func(c *call) bool { return c.ok() && c.started && len(c.events) > 0 })
	all := l.where(func(c *call) bool { return c.started })
	s := guidellmSamples(good)
	duration := span(l.where(func(*call) bool { return true }), ended)
	l.openings(false)
	if n := len(l.where(func(c *call) bool { return c.ok() && c.whole })); n > 0 {
		l.note("%s not streamed: GuideLLM counts %s TTFT and ITL as 0.", requests(n, "was", "were"), their(n))
	}

	count := l.rows("Requests", "Successful and errored, as weir counts them.")
	count.total("Requests Successful", "", float64(len(good)), l.completed())
	count.total("Requests Errored", "", float64(len(l.calls)-len(good)), l.failed())

	lengths := l.rows("Tokens per request", "Tokens that the service counted, else events. The median is a value that occurred, without interpolation.")
	groups := []Group{count.Group}
	for _, m := range []struct{ name, key, metric string }{{"Input Tok Per Req", "in", "input_tokens"}, {"Output Tok Per Req", "out", "output_tokens"}} {
		lengths.add(m.name+" Mdn", "", s[m.key].stat("p50"), l.stat(m.metric, "p50", 1))
		lengths.add(m.name+" p95", "", s[m.key].stat("p95"), l.stat(m.metric, "p95", 1))
	}
	groups = append(groups, lengths.Group)
	for _, m := range []struct {
		name, unit, key, metric, why string
		scale                        float64
	}{
		{"Request Latency", "Sec", "latency", "e2el", "To the end of the stream, from before a connection is opened; weir: to the last token. No interpolation: a percentile is a value that occurred.", 1e-3},
		{"TTFT", "ms", "ttft", "ttft", "To the first event with text, reasoning too, as weir's. Answers without one count as 0; weir has no sample of them.", 1},
		{"TTFOT", "ms", "ttfot", "ttfo", "To the first event with text that is not reasoning, as weir's ttfo. Answers without one count as 0.", 1},
		{"ITL", "ms", "itl", "tpot", "One mean a request, (last − first token) / (tokens − 1), each counted as often as it has tokens but one: weir's tpot, weighted; its itl is of gaps.", 1},
		{"TPOT", "ms", "tpot", "tpot", "(last token − start) / all tokens, each request counted as often as it has tokens: the time to the first token is in it. weir's tpot is without, and one sample a request.", 1},
	} {
		r := l.rows(m.name, m.why)
		r.add(m.name+" Mdn", m.unit, s[m.key].stat("p50"), l.stat(m.metric, "p50", m.scale))
		r.add(m.name+" p95", m.unit, s[m.key].stat("p95"), l.stat(m.metric, "p95", m.scale))
		groups = append(groups, r.Group)
	}

	in, out := guidellmTokens(all)
	if math.IsNaN(l.inputs(all)) {
		in = nil
	}
	// Ends between start and end of the measurement, which are moments themselves.
	first := time.Duration(math.MaxInt64)
	for _, c := range all {
		first = min(first, c.begin)
	}
	moments := []moment{{first, 0}, {first + duration, 0}}
	for _, c := range l.calls {
		at := c.end
		if c.started {
			at += c.begin
		}
		moments = append(moments, moment{at, 1})
	}
	rate := l.rows("Throughput", "All requests, failed ones too. Requests over the whole time; but tokens only over the time from the first token of the first request to the last one of the last, so that the first prefill is left out; weir: completed requests, over its duration.")
	if len(all) > 0 {
		rate.total("Requests Per Sec Mean", "", guidellmRate(moments), l.rate("requests", requestRate))
		tokens := slices.Concat(in, out)
		input, total := math.NaN(), math.NaN()
		if in != nil {
			input, total = guidellmRate(in), guidellmRate(tokens)
		}
		rate.total("Input Tokens Per Sec Mean", "", input, l.rate("input_tokens", inputRate))
		rate.total("Output Tokens Per Sec Mean", "", guidellmRate(out), l.rate("output_tokens", outputRate))
		rate.total("Total Tokens Per Sec Mean", "", total, l.rate("total_tokens", totalRate))
		groups = append(groups, rate.Group)
	}
	return groups
}
