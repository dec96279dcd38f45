package convention

import (
	"math"
	"strconv"
	"time"
)

// AISBench: the performance evaluation of AISBench/benchmark. Its definitions are in
// ais_bench/benchmark/summarizers/default_perf.py (_calc_perf_data),
// calculators/base_perf_metric_calculator.py and default_perf_metric_calculator.py
// (stage "total"), its times in models/api_models/base_api.py (stream_infer), as of
// August 2026.

// aisbenchStats are its statistics, in the order of its columns.
var aisbenchStats = []struct{ name, stat string }{
	{"Average", "mean"}, {"Min", "min"}, {"Max", "max"}, {"Median", "p50"}, {"P75", "p75"}, {"P90", "p90"}, {"P99", "p99"},
}

// aisbenchMetric is a row of its table: samples in seconds, tokens or tokens a second.
type aisbenchMetric struct {
	name, unit string
	samples    samples
	n          int // its column N: requests, not samples
}

// aisbenchResult is a case as AISBench computes it.
type aisbenchResult struct {
	metrics        []aisbenchMetric
	total, success int
	duration       time.Duration
	latency        float64 // sum of the successes', s
	input, output  float64
}

// aisbenchCalls are its successes, and how many requests it has seen: it has sent one
// again that failed (twice by default), and shows the last attempt alone.
func aisbenchCalls(l *load) (good []*call, total int) {
	for i := range l.calls {
		c := &l.calls[i]
		if c.retried {
			continue
		}
		total++
		if c.started && (c.ok() && len(c.events) > 0 || c.empty() || c.broken() && (len(c.events) > 0 || c.kind == "stream_error")) {
			good = append(good, c)
		}
	}
	return good, total
}

// aisbenchTimes are its time points of a request, after the start: any event with data
// but [DONE]. The last is the usage, where the service sends it.
func aisbenchTimes(c *call) []time.Duration {
	if c.whole || len(c.events) == 0 {
		return []time.Duration{c.end}
	}
	if c.usage || c.kind == "stream_error" {
		return append(c.events[:len(c.events):len(c.events)], c.end)
	}
	return c.events
}

func aisbenchOf(l *load) aisbenchResult {
	good, total := aisbenchCalls(l)
	r := aisbenchResult{total: total, success: len(good)}
	var e2el, ttft, tpot, itl, in, out, speed, prefill samples
	streamed, decoding := false, 0
	for _, c := range good {
		streamed = streamed || !c.whole
	}
	end := func(c *call) time.Duration { times := aisbenchTimes(c); return times[len(times)-1] }
	for _, c := range good {
		times := aisbenchTimes(c)
		latency, first := seconds(end(c)), seconds(times[0])
		e2el = append(e2el, latency)
		in, out = append(in, float64(c.in)), append(out, float64(c.out))
		speed = append(speed, float64(c.out)/latency)
		ttft = append(ttft, first)
		each := 0.0
		if c.out > 1 {
			each = (latency - first) / float64(c.out-1)
		}
		tpot = append(tpot, each)
		if first > 0 {
			prefill = append(prefill, float64(c.in)/first)
		} else {
			prefill = append(prefill, 0)
		}
		waited := false
		for i := 1; i < len(times); i++ {
			gap := seconds(times[i] - times[i-1])
			itl = append(itl, gap)
			waited = waited || gap != 0
		}
		if waited {
			decoding++
		}
	}
	r.duration, r.latency, r.input, r.output = span(good, end), e2el.sum(), l.inputs(good), out.sum()
	if math.IsNaN(r.input) {
		in, prefill = nil, nil
	}
	r.metrics = []aisbenchMetric{{"E2EL", "ms", e2el, len(good)}}
	if streamed {
		r.metrics = append(r.metrics, aisbenchMetric{"TTFT", "ms", ttft, len(good)})
		if tpot.sum() > 0 {
			r.metrics = append(r.metrics, aisbenchMetric{"TPOT", "ms", tpot, decoding})
		}
		if len(itl) > 0 {
			r.metrics = append(r.metrics, aisbenchMetric{"ITL", "ms", itl, decoding})
		}
	}
	r.metrics = append(r.metrics, aisbenchMetric{"InputTokens", "", in, len(good)}, aisbenchMetric{"OutputTokens", "", out, len(good)},
		aisbenchMetric{"OutputTokenThroughput", "token/s", speed, len(good)})
	if streamed && prefill != nil {
		r.metrics = append(r.metrics, aisbenchMetric{"PrefillTokenThroughput", "token/s", prefill, len(good)})
	}
	return r
}

// value is a statistic as AISBench shows it: rounded to four decimals, in seconds before
// they become milliseconds, so that latencies come in steps of 0.1 ms.
func (m aisbenchMetric) value(stat string) float64 {
	v := round(m.samples.stat(stat), 4)
	if m.unit == "ms" {
		v = round(v*1000, 4)
	}
	return v
}

// round is Python's round: the decimal that is nearest to the number as it is stored.
func round(v float64, decimals int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', decimals, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// aisbenchNotes tells what was approximated.
func aisbenchNotes(l *load) {
	l.openings(false)
	l.roles()
	l.ends("the usage event")
	l.sources("AISBench counts it with its tokenizer")
	if n := len(l.where(func(c *call) bool { return c.retried })); n > 0 {
		l.note("%s followed by another attempt: AISBench sends again by itself and shows the last attempt alone, so they are left out.", requests(n, "that failed was", "that failed were"))
	}
}

// aisbenchGroups is the table that it prints.
func aisbenchGroups(l *load) []Group {
	r := aisbenchOf(l)
	aisbenchNotes(l)
	whys := map[string]struct {
		metric, why string
		scale       float64
	}{
		"E2EL":                   {"e2el", "To the usage event, from before a connection is opened, in steps of 0.1 ms; weir: to the last token, from the first byte sent.", 1},
		"TTFT":                   {"ttft", "To the first event of any kind, an empty role too, in steps of 0.1 ms; weir: to the first text.", 1},
		"TPOT":                   {"tpot", "(E2EL − TTFT) / (tokens − 1) with its own end, and 0 for an answer of one token, which counts; weir has no sample of one.", 1},
		"ITL":                    {"itl", "Every gap between events, that to the usage event too; weir: between events with text, those that came together as one.", 1},
		"InputTokens":            {"input_tokens", "As the service counts.", 1},
		"OutputTokens":           {"output_tokens", "As the service counts.", 1},
		"OutputTokenThroughput":  {"", "Output tokens of a request over its E2EL, one sample a request. weir's decode_speed is without the time to the first token.", 1},
		"PrefillTokenThroughput": {"", "Prompt tokens of a request over its TTFT, queueing included. weir has no such metric.", 1},
	}
	var groups []Group
	for _, m := range r.metrics {
		w := whys[m.name]
		g := l.rows(m.name, w.why)
		for _, s := range aisbenchStats {
			weir := none
			if w.metric != "" {
				weir = l.stat(w.metric, s.stat, w.scale)
			}
			g.add(m.name+" "+s.name, m.unit, m.value(s.stat), weir)
		}
		groups = append(groups, g.Group)
	}

	rate := l.rows("Common metrics", "Requests are what is left after two hidden attempts each; an error event inside a response of status 200 is none to it. The duration goes from the first success's start to the last one's usage event; weir's holds failures.")
	for _, c := range r.common() {
		weir := none
		switch c.name {
		case "Benchmark Duration":
			weir = own{"duration_s", new(l.of.Duration * 1000)}
		case "Failed Requests":
			weir = l.failed()
		case "Success Requests":
			weir = l.completed()
		case "Request Throughput":
			weir = l.rate("requests", requestRate)
		case "Total Input Tokens":
			weir = l.sum("prompt_tokens")
		case "Total Generated Tokens":
			weir = l.sum("generated_tokens")
		case "Input Token Throughput":
			weir = l.rate("input_tokens", inputRate)
		case "Output Token Throughput":
			weir = l.rate("output_tokens", outputRate)
		case "Total Token Throughput":
			weir = l.rate("total_tokens", totalRate)
		}
		rate.total(c.name, c.unit, c.value, weir)
	}
	return append(groups, rate.Group)
}

// aisbenchCommon is one of its numbers of a whole case.
type aisbenchCommon struct {
	name, unit string
	value      float64
	whole      bool // a count
}

// common are those, in its order. Max Concurrency is what was asked for, which a record
// does not tell.
func (r aisbenchResult) common() []aisbenchCommon {
	rate := func(n float64) float64 { return round(per(n, r.duration), 4) }
	return []aisbenchCommon{
		{"Benchmark Duration", "ms", round(seconds(r.duration)*1000, 4), false},
		{"Total Requests", "", float64(r.total), true},
		{"Failed Requests", "", float64(r.total - r.success), true},
		{"Success Requests", "", float64(r.success), true},
		{"Concurrency", "", rate(r.latency), false},
		{"Request Throughput", "req/s", rate(float64(r.success)), false},
		{"Total Input Tokens", "", r.input, true},
		{"Total Generated Tokens", "", r.output, true},
		{"Input Token Throughput", "token/s", rate(r.input), false},
		{"Output Token Throughput", "token/s", rate(r.output), false},
		{"Total Token Throughput", "token/s", rate(r.input + r.output), false},
	}
}
