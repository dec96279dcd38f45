package metrics_test

import (
	"slices"
	"strings"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// generation is a completed request with an input and output as the service
// reports them.
func generation(edit func(*metrics.Record)) request {
	return request{start: 0, events: []float64{10, 20}, end: 30, edit: edit}
}

func times(n int, q request) []request {
	list := make([]request, n)
	for i := range list {
		list[i] = q
	}
	return list
}

func asked(askedIn, in, askedOut, out int, source metrics.CountSource) func(*metrics.Record) {
	return func(rec *metrics.Record) {
		rec.AskedIn, rec.AskedOut = askedIn, askedOut
		rec.Input = metrics.Count{N: in, Source: source}
		rec.Output = metrics.Count{N: out, Source: source}
	}
}

func cached(in, n int) func(*metrics.Record) {
	return func(rec *metrics.Record) {
		usage(in, 2)(rec)
		rec.Cached = metrics.Count{N: n, Source: metrics.CountUsage}
	}
}

func TestValidity(t *testing.T) {
	good := times(700, generation(usage(10, 2)))
	failure := request{start: 0, end: 30, err: "http_status"}
	cut := request{start: 0, end: 30, err: "interrupted"}
	few := "few_samples"
	for _, row := range []struct {
		name     string
		counts   result.Counts
		requests []request
		expected []string
		verdict  result.Verdict
		rules    string // of the reasons
		message  string // part of the first one
	}{
		{"all well", result.Counts{Started: 700}, good, nil, result.Valid, "", ""},

		{"nothing completed", result.Counts{Started: 1}, times(3, failure), nil,
			result.Invalid, "no_completed_requests failed_requests", "no request completed (3 failed, 0 interrupted)"},
		{"no iteration began", result.Counts{Scheduled: 10, Dropped: 10}, nil, nil,
			result.Invalid, "no_completed_requests dropped_iterations", "no request completed"},
		{"every iteration threw", result.Counts{Started: 4, IterationFailed: 4}, nil, nil,
			result.Invalid, "no_completed_requests failed_iterations", "no request completed"},
		{"a script without requests", result.Counts{Started: 4, Completed: 4}, nil, nil, result.Valid, "", ""},

		{"1 of 701 failed", result.Counts{Started: 701}, append(times(1, failure), good...), nil,
			result.Suspect, "failed_requests", "1 of 701 requests failed (0.1%)"},
		{"8 of 708 failed", result.Counts{Started: 708}, append(times(8, failure), good...), nil,
			result.Invalid, "failed_requests", "8 of 708 requests failed (1.1%)"},
		{"no ports left", result.Counts{Started: 701}, append(times(1, request{end: 30, err: "client_limit"}), good...), nil,
			result.Invalid, "failed_requests client_limit", "1 of 701"},
		{"1 interrupted", result.Counts{Started: 701}, append(times(1, cut), good...), nil,
			result.Suspect, "interrupted_requests", "1 of 701 requests were interrupted (0.1%)"},
		{"80 interrupted", result.Counts{Started: 780}, append(times(80, cut), good...), nil,
			result.Invalid, "interrupted_requests", "80 of 780 requests were interrupted (10.3%)"},

		{"an iteration threw", result.Counts{Started: 700, IterationFailed: 1}, good, nil,
			result.Suspect, "failed_iterations", "1 of 700 iterations ended with an exception (0.1%)"},
		{"some were dropped", result.Counts{Scheduled: 1000, Started: 700, Dropped: 300}, good, nil,
			result.Invalid, "dropped_iterations", "300 of 1000 iterations were never started (30.0%)"},
		{"few were late", result.Counts{Started: 700, Late: 7}, good, nil, result.Valid, "", ""},
		{"some were late", result.Counts{Started: 700, Late: 8}, good, nil,
			result.Suspect, "late_iterations", "8 of 700 iterations started late (1.1%)"},
		{"many were late", result.Counts{Started: 700, Late: 71}, good, nil,
			result.Invalid, "late_iterations", "71 of 700"},

		{"outputs as asked", result.Counts{Started: 700}, times(700, generation(asked(0, 5, 100, 100, metrics.CountUsage))), nil, result.Valid, "", ""},
		{"one short output", result.Counts{Started: 701}, append(times(1, generation(asked(0, 5, 100, 60, metrics.CountUsage))), good...), nil,
			result.Invalid, "short_outputs", "1 of 1 outputs were shorter than asked (40.0% of the tokens missing; the shortest had 60 of 100)"},
		{"one output a little short", result.Counts{Started: 701}, append(times(1, generation(asked(0, 5, 100, 99, metrics.CountUsage))), good...), nil,
			result.Suspect, "short_outputs", "1.0% of the tokens missing"},
		{"counted by us, within what is lost", result.Counts{Started: 700}, times(700, generation(asked(0, 5, 100, 90, metrics.CountTokenizer))), nil, result.Valid, "", ""},
		{"counted by us, too short", result.Counts{Started: 700}, times(700, generation(asked(0, 5, 100, 89, metrics.CountTokenizer))), nil,
			result.Invalid, "short_outputs", "700 of 700"},

		{"prompt with a chat template", result.Counts{Started: 700}, times(700, generation(asked(1000, 1064, 0, 2, metrics.CountUsage))), nil, result.Valid, "", ""},
		{"prompt with the longest template", result.Counts{Started: 700}, times(700, generation(asked(1000, 1084, 0, 2, metrics.CountUsage))), nil, result.Valid, "", ""},
		{"prompt too long", result.Counts{Started: 700}, times(700, generation(asked(1000, 1085, 0, 2, metrics.CountUsage))), nil,
			result.Suspect, "prompt_length", "700 of 700 prompts had another length than meant, by more than a chat template explains (mean 1085 tokens instead of 1000; the worst 1085 instead of 1000)"},
		{"prompt too short", result.Counts{Started: 700}, times(700, generation(asked(1000, 979, 0, 2, metrics.CountUsage))), nil,
			result.Suspect, "prompt_length", "mean 979 tokens"},
		{"prompt cut off", result.Counts{Started: 700}, times(700, generation(asked(1000, 512, 0, 2, metrics.CountUsage))), nil,
			result.Invalid, "prompt_length", "mean 512 tokens"},

		{"a little cached", result.Counts{Started: 700}, times(700, generation(cached(1000, 114))), nil, result.Valid, "", ""},
		{"much cached", result.Counts{Started: 700}, times(700, generation(cached(1000, 900))), nil,
			result.Suspect, "cached_prompts", "83.6% of the prompt tokens came from the service's cache (585200 of 700000, without 64 a request for the chat template)"},
		{"much cached on purpose", result.Counts{Started: 700}, times(700, generation(cached(1000, 900))), []string{"cached_prompts"},
			result.Valid, "cached_prompts", "(expected)"},

		{"counted by events", result.Counts{Started: 701}, append(times(1, generation(nil)), good...), nil,
			result.Suspect, "token_counts", "the output tokens of 1 of 701 requests were counted as one for each event"},

		{"661 samples", result.Counts{Started: 661}, good[:661], nil, result.Valid, few, "p99 of ttft comes from 661 samples and takes 662 to be known with 99% confidence (up to p95 is)"},
		{"662 samples", result.Counts{Started: 662}, good[:662], nil, result.Valid, "", ""},
		{"64 samples", result.Counts{Started: 64}, good[:64], nil, result.Valid, few, "(up to p90 is)"},
		{"5 samples", result.Counts{Started: 5}, good[:5], nil, result.Valid, few, "(not even p50 is)"},
		{"plain requests", result.Counts{Started: 5}, times(5, request{kind: metrics.KindHTTP, end: 5, edit: func(rec *metrics.Record) { rec.Stamp = metrics.StampKernel }}), nil, result.Valid, few, "p99 of http_req_duration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{})
			for _, q := range row.requests {
				r.Close(record(q))
			}
			v := r.Finish(row.counts, nil, metrics.Rules{Expected: row.expected}).Validity
			var rules []string
			for _, reason := range v.Reasons {
				rules = append(rules, reason.Rule)
			}
			if v.Verdict != row.verdict || strings.Join(rules, " ") != row.rules {
				t.Fatalf("%s for %v, want %s for %s\n%+v", v.Verdict, rules, row.verdict, row.rules, v.Reasons)
			}
			if len(v.Reasons) > 0 && !strings.Contains(v.Reasons[0].Message, row.message) {
				t.Errorf("message %q, want one with %q", v.Reasons[0].Message, row.message)
			}
		})
	}
}

// A case that was stopped before its end is never VALID, however good its numbers are.
func TestInterruptedCase(t *testing.T) {
	for _, row := range []struct {
		counts  result.Counts
		message string
	}{
		{result.Counts{Scheduled: 60, Started: 4, Completed: 1, IterationFailed: 1, Interrupted: 2}, "interrupted: 2 of 60 iterations were played"},
		{result.Counts{Scheduled: 700, Started: 700, Completed: 700}, "interrupted before its end: 700 iterations were played"}, // of a duration
	} {
		r := metrics.NewRecorder(metrics.Options{})
		for _, q := range times(700, generation(usage(10, 2))) {
			r.Close(record(q))
		}
		v := r.Finish(row.counts, nil, metrics.Rules{Interrupted: true}).Validity
		if v.Verdict == result.Valid || !slices.Contains(v.Reasons, result.Reason{Rule: "interrupted_case", Verdict: result.Suspect, Message: row.message}) {
			t.Errorf("%s: %+v, want SUSPECT for %q", v.Verdict, v.Reasons, row.message)
		}
	}
}

func TestProfiledCase(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	r.Close(record(times(1, generation(usage(10, 2)))[0]))
	v := r.Finish(result.Counts{Scheduled: 1, Started: 1, Completed: 1}, nil, metrics.Rules{Profilers: []string{"vllm", "py-spy"}}).Validity
	if v.Verdict != result.Suspect || v.Reasons[0].Rule != "profiled_case" || !strings.Contains(v.Reasons[0].Message, "(vllm, py-spy)") {
		t.Errorf("%s: %+v, want SUSPECT for profiled_case", v.Verdict, v.Reasons)
	}
}

func TestExpectedRules(t *testing.T) {
	if err := (metrics.Rules{Expected: metrics.RuleNames}).Check(); err != nil {
		t.Error(err)
	}
	err := metrics.Rules{Expected: []string{"cached_prompt"}}.Check()
	if err == nil || !strings.Contains(err.Error(), "did you mean cached_prompts?") {
		t.Errorf("error %v, want one that knows cached_prompts", err)
	}
}
