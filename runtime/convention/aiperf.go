package convention

import "math"

// AIPerf: aiperf profile of ai-dynamo. Its definitions are one file a metric in
// src/aiperf/metrics/types (ttft_metric.py, ttst_metric.py, request_latency_metric.py,
// inter_token_latency_metric.py, benchmark_duration_metric.py, …), its statistics in
// metrics/metric_dicts.py (MetricArray.to_result), its table in
// exporters/console_metrics_exporter.py, as of July 2026.

// aiperfStats are the columns of its table.
var aiperfStats = []struct{ name, stat string }{{"avg", "mean"}, {"min", "min"}, {"max", "max"}, {"p99", "p99"}, {"p90", "p90"}, {"p50", "p50"}, {"std", "std"}}

// aiperfGroups is the table that it prints.
func aiperfGroups(l *load) []Group {
	valid := l.where(func(c *call) bool { return c.ok() && c.started && len(c.events) > 0 })
	var ttft, ttst, ttfo, latency, itl, perUser, outputs, inputs samples
	var output float64
	for _, c := range valid {
		latency = append(latency, ms(c.last()))
		outputs = append(outputs, float64(c.out))
		output += float64(c.out)
		if c.inKnown {
			inputs = append(inputs, float64(c.in))
		}
		if c.whole {
			continue
		}
		ttft = append(ttft, ms(c.events[0]))
		if len(c.events) > 1 {
			ttst = append(ttst, ms(c.events[1]-c.events[0]))
		}
		if c.output > 0 && c.output <= len(c.events) {
			ttfo = append(ttfo, ms(c.events[c.output-1]))
		}
		if c.out > 1 {
			mean := ms(c.last()-c.events[0]) / float64(c.out-1)
			itl = append(itl, mean)
			if mean > 0 {
				perUser = append(perUser, 1000/mean)
			}
		}
	}
	duration := span(valid, (*call).last)
	l.openings(false)
	l.note("AIPerf counts tokens with its own tokenizer, unless --use-server-token-count: the records' counts were taken.")

	groups := []Group{}
	for _, m := range []struct {
		name, unit, metric, why string
		scale                   float64
		of                      samples
	}{
		{"Time to First Token", "ms", "ttft", "To the first event with text, reasoning too, as weir's, from before a connection is opened; weir: from the first byte sent, and no sample where the first token shares its read.", 1, ttft},
		{"Time to Second Token", "ms", "ttst", "From the first event to the second, as weir's, which leaves out events that share a read.", 1, ttst},
		{"Time to First Output Token", "ms", "ttfo", "To the first event with text that is not reasoning, as weir's; from before a connection is opened.", 1, ttfo},
		{"Request Latency", "ms", "e2el", "To the last event with text, as weir's; from before a connection is opened.", 1, latency},
		{"Inter Token Latency", "ms", "tpot", "One mean a request, (latency − TTFT) / (tokens − 1): what weir calls tpot, not its itl, whose percentiles are of gaps and much wider.", 1, itl},
		{"Output Token Throughput Per User", "tokens/sec/user", "", "1 / Inter Token Latency of each request. weir's decode_speed divides all tokens by the time after the first.", 0, perUser},
		{"Output Sequence Length", "tokens", "output_tokens", "Reasoning included, in both.", 1, outputs},
		{"Input Sequence Length", "tokens", "input_tokens", "AIPerf counts the text of the prompt, without what the chat template adds; weir takes the service's count.", 1, inputs},
	} {
		if len(m.of) == 0 {
			continue
		}
		r := l.rows(m.name, m.why)
		for _, s := range aiperfStats {
			weir := none
			if m.metric != "" {
				weir = l.stat(m.metric, s.stat, m.scale)
			}
			r.add(m.name+" "+s.name, m.unit, m.of.stat(s.stat), weir)
		}
		groups = append(groups, r.Group)
	}

	rate := l.rows("Throughput", "Totals of valid requests over the time from their first start to their last event with text; weir's duration goes on to the end of the last response, and holds requests that failed.")
	rate.total("Benchmark Duration", "sec", seconds(duration), l.duration())
	rate.total("Output Token Throughput", "tokens/sec", per(output, duration), l.rate("output_tokens", outputRate))
	rate.total("Request Throughput", "requests/sec", per(float64(len(valid)), duration), l.rate("requests", requestRate))
	rate.total("Request Count", "requests", float64(len(valid)), l.completed())
	errors := len(l.calls) - len(valid)
	if errors > 0 {
		rate.total("Error Request Count", "requests", float64(errors), l.failed())
	}
	groups = append(groups, rate.Group)

	if good, judged, ok := aiperfGoodput(l, valid); ok {
		r := l.rows("Goodput", "A request that lacks one of the metrics is not good: one of a single token misses inter_token_latency, one that is not streamed time_to_first_token; weir: tpot of one token is met, and an upper bound that is met counts.")
		r.total("Goodput", "requests/sec", per(float64(good), duration), l.goodput())
		share := math.NaN()
		if judged > 0 {
			share = float64(good) / float64(judged)
		}
		r.total("GoodRequestFraction", "", share, own{"goodput share", l.of.Goodput.Share})
		groups = append(groups, r.Group)
	}
	return groups
}

// aiperfGoodput counts good requests (good_request_count_metric.py) of all that were
// tried (good_request_fraction_metric.py); false: the case has no SLO that it knows.
func aiperfGoodput(l *load, valid []*call) (good, tried int, judged bool) {
	if l.of.Goodput == nil {
		return 0, 0, false
	}
	slo := l.of.Goodput.SLO
	for _, name := range []string{"ttft", "ttfo", "tpot", "e2el"} {
		judged = judged || slo[name] > 0
	}
	for _, c := range valid {
		values := map[string]float64{"e2el": ms(c.last())}
		if !c.whole {
			values["ttft"] = ms(c.events[0])
			if c.output > 0 && c.output <= len(c.events) {
				values["ttfo"] = ms(c.events[c.output-1])
			}
			if c.out > 1 {
				values["tpot"] = ms(c.last()-c.events[0]) / float64(c.out-1)
			}
		}
		kept := true
		for _, name := range []string{"ttft", "ttfo", "tpot", "e2el"} {
			v, ok := values[name]
			if limit := slo[name]; limit > 0 && !(ok && v <= limit) {
				kept = false
			}
		}
		if kept {
			good++
		}
	}
	return good, len(l.calls), judged
}
