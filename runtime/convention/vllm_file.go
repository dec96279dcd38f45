package convention

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"weir/runtime/result"
)

// WriteVLLM writes a file a case into a folder, shaped as those of vllm bench serve with
// --save-result --save-detailed (serve.py, main_async and benchmark): the same members
// under vLLM's own definitions, percentiles 50, 90, 95 and 99, and the case's tags as
// --metadata has them. Texts of answers are in no record; weir_notes tells what was
// approximated. What cannot be computed is null. A case without generations has no file;
// it is an error when none has any.
func WriteVLLM(run *result.Run, dir string) error {
	written := 0
	err := eachLoad(run, func(l *load) error {
		if len(l.calls) == 0 {
			return nil
		}
		written++
		data, err := json.MarshalIndent(vllmFile(run.Result, l), "", " ")
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, l.caseFile()+".json"), append(data, '\n'))
	})
	if err == nil && written == 0 {
		err = fmt.Errorf("write the files of vLLM into %s: no case has generations", dir)
	}
	return err
}

func vllmFile(run *result.Result, l *load) object {
	outputs := vllmOutputs(l)
	t := vllmTotalsOf(l, outputs)
	l.common()
	l.openings(false)
	l.roles()
	l.sources("vLLM counts it with its tokenizer")

	total := func(v float64) any { // of the whole case
		if l.partial || math.IsNaN(v) {
			return nil
		}
		return v
	}
	count := func(v float64) any {
		if total(v) == nil {
			return nil
		}
		return int64(v)
	}
	word := func(name string) any {
		if s, ok := run.Params[name].(string); ok && s != "" {
			return s
		}
		return nil
	}
	model := any(nil)
	if m := l.model(run); m != "" {
		model = m
	}
	tokenizer := word("tokenizer")
	if tokenizer == nil {
		tokenizer = model
	}
	backend := word("backend")
	for _, s := range run.Services {
		if backend == nil && s.Backend != "" {
			backend = s.Backend
		}
	}
	o := object{
		{"date", l.of.Started.Format("20060102-150405")},
		{"endpoint_type", backend},
		{"backend", backend},
		{"label", run.Script.Name},
		{"model_id", model},
		{"tokenizer_id", tokenizer},
		{"num_prompts", len(l.calls)},
		{"case", l.of.Name},
		{"request_rate", vllmRate(l)},
		{"burstiness", vllmBurstiness(l)},
		{"max_concurrency", l.concurrency()},
		{"duration", total(seconds(t.duration))},
		{"completed", count(float64(t.completed))},
		{"failed", count(float64(t.failed))},
		{"total_input_tokens", count(t.input)},
		{"total_output_tokens", count(t.output)},
		{"request_throughput", total(per(float64(t.completed), t.duration))},
	}
	goodput := any(nil)
	if good, ok := vllmGoodput(l, outputs); ok {
		goodput = total(per(float64(good), t.duration))
	}
	o = append(o, member{"request_goodput", goodput},
		member{"output_throughput", total(per(t.output, t.duration))},
		member{"total_token_throughput", total(per(t.input+t.output, t.duration))})
	o = append(o, vllmLists(outputs)...)
	o = append(o, member{"max_output_tokens_per_s", total(t.peakTokens)}, member{"max_concurrent_requests", count(float64(t.peakRequests))})

	all := vllmSamples(outputs)
	for _, m := range vllmMetrics {
		for _, s := range []struct{ word, stat string }{{"mean", "mean"}, {"median", "p50"}, {"std", "std"}, {"p50", "p50"}, {"p90", "p90"}, {"p95", "p95"}, {"p99", "p99"}} {
			o = append(o, member{s.word + "_" + m.name + "_ms", zeroIfNone(all[m.name].stat(s.stat))})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.of.Tags)) {
		o = append(o, member{name, l.of.Tags[name]})
	}
	if len(l.notes) > 0 {
		o = append(o, member{"weir_notes", l.notes})
	}
	return o
}

// vllmLists are the members of --save-detailed, an entry a request in the order in which
// they started; seconds, start_times after the first one.
func vllmLists(outputs []vllmOutput) object {
	n := len(outputs)
	inputs, lengths := make([]any, n), make([]int, n)
	ttfts, latencies, starts, errors := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n)
	itls := make([][]float64, n)
	for i, o := range outputs { // sorted by their begin
		if o.inKnown {
			inputs[i] = o.in
		}
		ttfts[i], latencies[i], starts[i] = seconds(o.ttft), seconds(o.latency), seconds(o.begin-outputs[0].begin)
		itls[i] = make([]float64, len(o.itl))
		for k, gap := range o.itl {
			itls[i][k] = seconds(gap)
		}
		switch {
		case o.success:
			lengths[i] = o.out
		case o.whole:
			errors[i] = "Never received a valid chunk to calculate TTFT.This response will be marked as failed!"
		default:
			errors[i] = o.kind + ": " + o.message
		}
	}
	return object{
		{"input_lens", inputs}, {"output_lens", lengths}, {"ttfts", ttfts}, {"itls", itls},
		{"latencies", latencies}, {"start_times", starts}, {"errors", errors},
	}
}

// vllmRate is the request rate that the case asked for: "inf" where that is a number of
// requests at once, or requests had no schedule; null when they had one that its tags do
// not tell.
func vllmRate(l *load) any {
	if n, ok := l.tag("request_rate", "rate"); ok {
		return n
	}
	if l.concurrency() != nil {
		return "inf"
	}
	for i := range l.calls {
		if l.calls[i].scheduled {
			return nil
		}
	}
	return "inf"
}

func vllmBurstiness(l *load) any {
	if n, ok := l.tag("burstiness"); ok {
		return n
	}
	return 1.0
}
