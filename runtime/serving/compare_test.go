package serving_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"weir/runtime/result"
	"weir/runtime/serving"
)

// histogram writes one of vLLM's, of numbers of samples in the buckets up to the bounds
// (seconds) and above them.
func histogram(name string, sum float64, bounds []float64, inBuckets ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE vllm:%s histogram\n", name)
	n := 0
	for i, k := range inBuckets {
		n += k
		bound := "+Inf"
		if i < len(bounds) {
			bound = fmt.Sprint(bounds[i])
		}
		fmt.Fprintf(&b, "vllm:%s_bucket{le=%q} %d\n", name, bound, n)
	}
	fmt.Fprintf(&b, "vllm:%s_sum %g\nvllm:%s_count %d\n", name, sum, name, n)
	return b.String()
}

// near tells whether two numbers are the same but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// The difference of two histograms: count, mean, and percentiles, which lie on the
// straight line between a bucket's bounds.
func TestHistogramDifference(t *testing.T) {
	bounds := []float64{0.1, 0.2, 0.4, 0.8}
	f := func(before, after []int, sums [2]float64, n, avg float64, p50, p99 string) {
		t.Helper()
		s := serving.Compare(
			scrape(t, histogram("time_to_first_token_seconds", sums[0], bounds, before...)),
			scrape(t, histogram("time_to_first_token_seconds", sums[1], bounds, after...)), nil, nil)
		ttft := s.Times["ttft"]
		if n == 0 {
			if ttft != nil {
				t.Errorf("%+v of no samples", ttft)
			}
			return
		}
		if ttft == nil || *ttft.N != n || !near(*ttft.Avg, avg) {
			t.Fatalf("%+v, want %g samples of mean %g", ttft, n, avg)
		}
		show := func(e *result.Estimate) string {
			if e.High == nil {
				return fmt.Sprintf("%.6g [%.6g, ∞)", e.Value, e.Low)
			}
			return fmt.Sprintf("%.6g [%.6g, %.6g]", e.Value, e.Low, *e.High)
		}
		if got := show(ttft.P50); got != p50 {
			t.Errorf("p50 %s, want %s", got, p50)
		}
		if got := show(ttft.P99); got != p99 {
			t.Errorf("p99 %s, want %s", got, p99)
		}
	}
	none := []int{0, 0, 0, 0, 0}
	// 100 samples, evenly from 0.1 to 0.2 s: the percentiles are exact.
	f(none, []int{0, 100, 0, 0, 0}, [2]float64{0, 15}, 100, 150, "150 [100, 200]", "199 [100, 200]")
	// What was there before counts for nothing.
	f([]int{1000, 5, 0, 0, 7}, []int{1000, 105, 0, 0, 7}, [2]float64{80, 95}, 100, 150, "150 [100, 200]", "199 [100, 200]")
	// The first bucket begins at 0.
	f(none, []int{4, 0, 0, 0, 0}, [2]float64{0, 0.2}, 4, 50, "50 [0, 100]", "99 [0, 100]")
	// Half here, half there: the median is the bound between them.
	f(none, []int{0, 50, 50, 0, 0}, [2]float64{0, 20}, 100, 200, "200 [100, 200]", "396 [200, 400]")
	// An empty bucket in between has no percentile.
	f(none, []int{0, 49, 0, 51, 0}, [2]float64{0, 38}, 100, 380, fmt.Sprintf("%.6g [400, 800]", 400+400.0/51), fmt.Sprintf("%.6g [400, 800]", 400+400*50.0/51))
	// The open last bucket: above the highest bound, nobody knows how far.
	f(none, []int{1, 0, 0, 0, 9}, [2]float64{0, 50}, 10, 5000, "800 [800, ∞)", "800 [800, ∞)")
	// Nothing happened.
	f([]int{3, 4, 5, 0, 0}, []int{3, 4, 5, 0, 0}, [2]float64{2, 2}, 0, 0, "", "")
}

// What is subtracted, and what is then unknown.
func TestCompare(t *testing.T) {
	f := func(before, after, want string) {
		t.Helper()
		s := serving.Compare(scrape(t, before), scrape(t, after), nil, nil)
		if got := told(s); got != want {
			t.Errorf("%s\n→ %s\n%s\nwant %s", before, after, got, want)
		}
	}
	const pre = "vllm:num_preemptions_total"
	f(pre+" 3", pre+" 8", "preemptions 5")
	f(pre+" 3", pre+" 3", "preemptions 0")
	f("vllm:num_requests_running 1", "vllm:num_requests_running 1", "") // it does not tell
	// Series are subtracted one by one, and those that come later began at 0.
	f(pre+`{engine="0"} 3`, pre+`{engine="0"} 4`+"\n"+pre+`{engine="1"} 2`, "preemptions 3")
	f("vllm:num_requests_running 0", pre+" 2", "preemptions 2")
	// The order of labels says nothing.
	f(pre+`{engine="0",model_name="m"} 3`, pre+`{model_name="m",engine="0"} 4`, "preemptions 1")
	// A counter of which only the type is there has counted nothing yet.
	f("# TYPE "+pre+" counter\nvllm:num_requests_running 0", "# TYPE "+pre+" counter\nvllm:num_requests_running 0", "preemptions 0")

	const reset = "restarted: the server was restarted during the case, or its counters were reset: differences are unknown"
	f(pre+" 3", pre+" 2", reset)
	f(pre+" 3", "vllm:num_requests_running 0", reset)
	f(pre+`{engine="0"} 3`+"\n"+pre+`{engine="1"} 30`, pre+`{engine="0"} 90`+"\n"+pre+`{engine="1"} 1`, reset) // one engine of two
	f("process_start_time_seconds 1\n"+pre+" 3", "process_start_time_seconds 2\n"+pre+" 9", reset)
	f(histogram("e2e_request_latency_seconds", 1, []float64{1}, 2, 1), histogram("e2e_request_latency_seconds", 1, []float64{1}, 1, 1), reset)

	// Names that counters have had.
	f("vllm:gpu_prefix_cache_queries 10\nvllm:gpu_prefix_cache_hits 1", "vllm:gpu_prefix_cache_queries 110\nvllm:gpu_prefix_cache_hits 26", "hits 25 of 100")
	f("vllm:prefix_cache_queries_total 10\nvllm:prefix_cache_hits_total 1", "vllm:prefix_cache_queries_total 10\nvllm:prefix_cache_hits_total 1", "hits 0 of 0")
	f("vllm:prefix_cache_queries_total 10", "vllm:prefix_cache_queries_total 20", "") // hits are not told

	// Speculation: the rate of accepted draft tokens, and the mean length of a step.
	spec := func(drafts, tokens, accepted, pos0, pos1 int) string {
		const n = "vllm:spec_decode_num_"
		return fmt.Sprintf(n+"drafts_total %d\n"+n+"draft_tokens_total %d\n"+n+"accepted_tokens_total %d\n"+
			n+"accepted_tokens_per_pos_total{position=\"0\"} %d\n"+n+"accepted_tokens_per_pos_total{position=\"1\"} %d\n", drafts, tokens, accepted, pos0, pos1)
	}
	f(spec(10, 20, 5, 4, 1), spec(110, 220, 125, 84, 41), "accepted 0.6, length 2.2 [0.8 0.4]")
	f(spec(10, 20, 5, 4, 1), spec(10, 20, 5, 4, 1), "") // it was not used
	// V0 counted no drafts.
	f("vllm:spec_decode_num_draft_tokens_total 0\nvllm:spec_decode_num_accepted_tokens_total 0", "vllm:spec_decode_num_draft_tokens_total 10\nvllm:spec_decode_num_accepted_tokens_total 4", "accepted 0.4")

	// A summary has no percentiles that could be subtracted.
	f("# TYPE tgi_request_queue_duration summary\ntgi_request_queue_duration{quantile=\"0.5\"} 9\ntgi_request_queue_duration_sum 1\ntgi_request_queue_duration_count 2",
		"# TYPE tgi_request_queue_duration summary\ntgi_request_queue_duration{quantile=\"0.5\"} 9\ntgi_request_queue_duration_sum 3\ntgi_request_queue_duration_count 6", "queue 500 ms of 4")
	// Times that are counted without the requests.
	f("llamacpp:prompt_seconds_total 1\nllamacpp:tokens_predicted_total 10\nllamacpp:tokens_predicted_seconds_total 1",
		"llamacpp:prompt_seconds_total 1.5\nllamacpp:tokens_predicted_total 60\nllamacpp:tokens_predicted_seconds_total 2", "generated 50, prefill 500 ms in all, tpot 20 ms of 50")
	// Engines with other buckets: their means are together, their percentiles unknown.
	f("vllm:num_requests_running 0", "# TYPE vllm:e2e_request_latency_seconds histogram\n"+
		`vllm:e2e_request_latency_seconds_bucket{engine="0",le="1"} 1`+"\n"+`vllm:e2e_request_latency_seconds_sum{engine="0"} 1`+"\n"+`vllm:e2e_request_latency_seconds_count{engine="0"} 1`+"\n"+
		`vllm:e2e_request_latency_seconds_bucket{engine="1",le="2"} 1`+"\n"+`vllm:e2e_request_latency_seconds_sum{engine="1"} 2`+"\n"+`vllm:e2e_request_latency_seconds_count{engine="1"} 1`, "e2el 1500 ms of 2")
	// Numbers that are none.
	f(pre+" 1", pre+" NaN\nvllm:kv_cache_usage_perc +Inf\nvllm:gpu_prefix_cache_hit_rate -1\nvllm:num_requests_running 1", reset)
}

// told is a result in a line.
func told(s result.Server) string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Restarted {
		say("restarted: %s", strings.Join(s.Notes, ", "))
	}
	if s.Preemptions != nil {
		say("preemptions %g", *s.Preemptions)
	}
	if s.GenerationTokens != nil {
		say("generated %g", s.GenerationTokens.Tokens)
	}
	if p := s.PrefixCache; p != nil {
		say("hits %g of %g", *p.Hits, *p.Queries)
	}
	if x := s.Speculative; x != nil {
		length := ""
		if x.Length != nil {
			length = fmt.Sprintf(", length %.3g %.3g", *x.Length, x.PerPosition)
		}
		say("accepted %.3g%s", *x.Rate, length)
	}
	names := make([]string, 0, len(s.Times))
	for name := range s.Times {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := s.Times[name]
		switch {
		case v.Avg == nil:
			say("%s %.6g ms in all", name, v.Sum)
		default:
			say("%s %.6g ms of %g", name, *v.Avg, *v.N)
		}
		if v.P50 != nil {
			say("p50 %g", v.P50.Value)
		}
	}
	return strings.Join(all, ", ")
}

// Gauges are what the pages in between say.
func TestGauges(t *testing.T) {
	page := func(running, kv0, kv1 float64) *serving.Snapshot {
		return scrape(t, fmt.Sprintf("vllm:num_requests_running{engine=\"0\"} %g\nvllm:num_requests_running{engine=\"1\"} 1\n"+
			"vllm:kv_cache_usage_perc{engine=\"0\"} %g\nvllm:kv_cache_usage_perc{engine=\"1\"} %g", running, kv0, kv1)).Slim()
	}
	idle := page(0, 0, 0)
	s := serving.Compare(idle, idle, []*serving.Snapshot{page(2, 0.1, 0.3), page(5, 0.5, 0.5), page(2, 0.2, 1)}, nil)
	f := func(name string, n int64, avg, low, high float64) {
		t.Helper()
		if g := s.Gauges[name]; g.N != n || !near(g.Avg, avg) || !near(g.Min, low) || !near(g.Max, high) {
			t.Errorf("%s %+v, want %d, %g, %g…%g", name, g, n, avg, low, high)
		}
	}
	f("running", 3, 4, 3, 6)              // the engines together
	f("kv_cache_pct", 3, 130.0/3, 20, 60) // their mean
	f("kv_cache_pct_max", 3, 180.0/3, 30, 100)
	f("waiting", 0, 0, 0, 0) // not told
	if s.Engines != 2 || s.Polls != 3 {
		t.Errorf("%d engines, %d polls", s.Engines, s.Polls)
	}
}

// A restart shows between any two pages, also when the counters have caught up.
func TestRestartInBetween(t *testing.T) {
	at := func(n int) *serving.Snapshot {
		return scrape(t, fmt.Sprintf("vllm:prompt_tokens_total %d\nvllm:num_requests_running 3", n))
	}
	f := func(want bool, before, after int, polls ...int) {
		t.Helper()
		var between []*serving.Snapshot
		for _, n := range polls {
			between = append(between, at(n).Slim())
		}
		s := serving.Compare(at(before), at(after), between, nil)
		if s.Restarted != want || want == (s.PromptTokens != nil) {
			t.Errorf("%d %d %d: restarted %t, %+v", before, polls, after, s.Restarted, s.PromptTokens)
		}
		if s.Gauges["running"].Avg != 3 && len(polls) > 0 {
			t.Errorf("gauges %v", s.Gauges)
		}
	}
	f(false, 10, 90, 30, 60)
	f(true, 10, 90, 30, 5, 60)
	f(true, 10, 9)
	f(true, 10, 90, 9)
}

// A page that could not be had leaves the rest.
func TestComparePageMissing(t *testing.T) {
	here := scrape(t, "vllm:num_requests_running 3\nvllm:prompt_tokens_total 5")
	f := func(before, after *serving.Snapshot, want string) {
		t.Helper()
		s := serving.Compare(before, after, []*serving.Snapshot{here}, nil)
		if !strings.Contains(s.Error, want) || s.PromptTokens != nil || s.Gauges["running"].Max != 3 || s.URL == "" {
			t.Errorf("%+v, want %s", s, want)
		}
	}
	f(here, nil, "no page from after the load")
	f(nil, here, "no page from before the load")
	f(nil, nil, "no page from before the load")
	if s := serving.Compare(nil, nil, nil, nil); s.Error == "" {
		t.Errorf("%+v", s)
	}
}

// The mean time to first token is split; counts are set beside each other.
func TestBesideTheClient(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	c := &result.Case{Duration: 10, Counts: result.Counts{Requests: 4}, Metrics: map[string]*result.Metric{
		"ttft":             {N: 4, Avg: number(500)},
		"prompt_tokens":    {Sum: number(1000)},
		"generated_tokens": {Sum: number(200)},
	}}
	counts := func(requests, prompt, output int) string {
		return fmt.Sprintf("vllm:request_success_total{finished_reason=\"stop\"} %d\nvllm:prompt_tokens_total %d\nvllm:generation_tokens_total %d\n", requests, prompt, output)
	}
	bounds := []float64{1}
	ttft := histogram("time_to_first_token_seconds", 1.8, bounds, 4)     // 450 ms
	queue := histogram("request_queue_time_seconds", 1.2, bounds, 4)     // 300 ms
	prefill := histogram("request_prefill_time_seconds", 0.4, bounds, 4) // 100 ms
	f := func(after, want string, notes ...string) {
		t.Helper()
		s := serving.Compare(scrape(t, counts(0, 0, 0)), scrape(t, after), nil, c)
		got := "nothing"
		if p := s.TTFT; p != nil {
			got = fmt.Sprintf("client %g", p.Client)
			for _, part := range []struct {
				name string
				v    *float64
			}{{"server", p.Server}, {"queue", p.Queue}, {"prefill", p.Prefill}, {"front end", p.FrontEnd}, {"rest of " + p.RestOf, p.Rest}} {
				if part.v != nil {
					got += fmt.Sprintf(", %s %.6g", part.name, *part.v)
				}
			}
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if len(s.Notes) != len(notes) {
			t.Errorf("notes %q, want %q", s.Notes, notes)
			return
		}
		for i := range notes {
			if !strings.Contains(s.Notes[i], notes[i]) {
				t.Errorf("note %q, want %q", s.Notes[i], notes[i])
			}
		}
	}
	same := counts(4, 1000, 200)
	f(same+ttft+queue+prefill, "client 500, server 450, queue 300, prefill 100, front end 50, rest of server 50")
	f(same+ttft, "client 500, server 450, rest of server 50")
	f(same+ttft+queue, "client 500, server 450, queue 300, rest of server 50")
	f(same+queue+prefill, "client 500, queue 300, prefill 100, rest of queue+prefill 100")
	f(same+prefill, "client 500, prefill 100, rest of prefill 400")
	f(same+queue, "client 500, queue 300")
	f(same, "nothing")
	f(same+"llamacpp:prompt_seconds_total 0.2\n", "client 500, prefill 50, rest of prefill 450") // over the client's requests

	f(counts(5, 1000, 200), "nothing", "the server finished 5 requests, weir saw 4 end")
	f(counts(1, 1000, 200), "nothing", "the server finished 1 request, weir saw 4 end")
	f(counts(4, 1005, 200), "nothing") // half a percent
	f(counts(4, 1500, 100), "nothing", "1500 prompt tokens, the client 1000", "100 output tokens, the client 200")
	s := serving.Compare(scrape(t, counts(0, 0, 0)), scrape(t, same), nil, c)
	if *s.PromptTokens.PerSecond != 100 || *s.GenerationTokens.PerSecond != 20 || *s.PromptTokens.Client != 1000 || *s.Requests.Client != 4 {
		t.Errorf("%+v %+v %+v", s.PromptTokens, s.GenerationTokens, s.Requests)
	}

	// Of several pages none is the client's counterpart.
	one := func() result.Server {
		return serving.Compare(scrape(t, counts(0, 0, 0)), scrape(t, counts(2, 500, 100)+ttft), nil, c)
	}
	if alone := serving.Several([]result.Server{one()}); len(alone[0].Notes) != 3 || alone[0].TTFT == nil {
		t.Errorf("%+v", alone)
	}
	for _, s := range serving.Several([]result.Server{one(), one()}) {
		if len(s.Notes) != 0 || s.TTFT != nil || s.Requests.Client != nil || s.PromptTokens.Client != nil || *s.Times["ttft"].Avg != 450 {
			t.Errorf("%+v", s)
		}
	}
}

// Of a page with several models those of the one that is asked for are read.
func TestModel(t *testing.T) {
	const page = `nv_inference_request_success{model="ensemble",version="1"} 7
nv_inference_request_success{model="pre",version="1"} 9
nv_inference_pending_request_count{model="ensemble",version="1"} 2
nv_inference_pending_request_count{model="pre",version="1"} 3
nv_trt_llm_request_metrics{model="trt",request_type="scheduled",version="1"} 4
`
	f := func(model string, finished, waiting, running float64, notes int) {
		t.Helper()
		at := func(text string) *serving.Snapshot {
			target := pageOf(text)
			target.Model = model
			s, err := serving.Scrape(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		now := at(page)
		s := serving.Compare(at(unused(page)), now, nil, nil)
		if *s.Requests.Finished != finished || now.Gauges()["waiting"] != waiting || now.Gauges()["running"] != running || len(s.Notes) != notes {
			t.Errorf("%s: %+v %v %q", model, s.Requests, now.Gauges(), s.Notes)
		}
	}
	f("ensemble", 7, 2, 4, 0)
	f("pre", 9, 3, 4, 0)
	f("", 16, 5, 4, 1)
	f("another", 16, 5, 4, 1)
}
