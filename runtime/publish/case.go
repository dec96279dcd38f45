package publish

import (
	"sort"
	"strconv"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Case is a case that is played. Its functions may be called by any goroutine, also for
// a while after it has ended.
type Case struct {
	Name     string
	Number   int            // from 1
	Of       int            // cases in all; 0: not known
	Scenario string         // the only one; "": there are several
	Tags     map[string]any // of the case
	Live     func() metrics.Live
	// Iterations are counts of iterations so far, and how many are under way.
	Iterations func() (counts result.Counts, running int64)
}

// mostCases is how many cases have series of their own. Those after them share their
// labels, and their counters begin again with each.
const mostCases = 256

func (c *Case) labels() []label {
	if c.Number > mostCases {
		return []label{{"case", "weir.case", "others"}}
	}
	labels := []label{{"case", "weir.case", text(c.Name)}}
	if c.Scenario != "" {
		labels = append(labels, label{"scenario", "weir.scenario", text(c.Scenario)})
	}
	return append(labels, tagLabels(c.Tags)...)
}

var (
	requests = &metric{name: "weir_requests_total", otel: "weir.requests", unit: "{request}", kind: counter,
		help: "Requests that have ended, in whatever way."}
	requestsFailed = &metric{name: "weir_requests_failed_total", otel: "weir.requests.failed", unit: "{request}", kind: counter,
		help: "Requests that failed, by kind."}
	requestsInFlight = &metric{name: "weir_requests_in_flight", otel: "weir.requests.in_flight", unit: "{request}", kind: gauge,
		help: "Requests that have begun and not ended."}
	inputTokens = &metric{name: "weir_input_tokens_total", otel: "weir.tokens.input", unit: "{token}", kind: counter,
		help: "Tokens of the prompts of requests that have ended."}
	outputTokens = &metric{name: "weir_output_tokens_total", otel: "weir.tokens.output", unit: "{token}", kind: counter,
		help: "Tokens received, of answers that still stream too."}
	tokenEvents = &metric{name: "weir_token_events_total", otel: "weir.token_events", unit: "{event}", kind: counter,
		help: "Events with tokens received."}

	iterationsScheduled = &metric{name: "weir_iterations_scheduled_total", otel: "weir.iterations.scheduled", unit: "{iteration}", kind: counter,
		help: "Iterations that the executor wanted to start."}
	iterationsStarted = &metric{name: "weir_iterations_started_total", otel: "weir.iterations.started", unit: "{iteration}", kind: counter,
		help: "Iterations begun."}
	iterationsCompleted = &metric{name: "weir_iterations_completed_total", otel: "weir.iterations.completed", unit: "{iteration}", kind: counter,
		help: "Iterations that ended by themselves."}
	iterationsFailed = &metric{name: "weir_iterations_failed_total", otel: "weir.iterations.failed", unit: "{iteration}", kind: counter,
		help: "Iterations that ended with an exception."}
	iterationsInterrupted = &metric{name: "weir_iterations_interrupted_total", otel: "weir.iterations.interrupted", unit: "{iteration}", kind: counter,
		help: "Iterations that were cut off when the time to stop had run out."}
	iterationsDropped = &metric{name: "weir_iterations_dropped_total", otel: "weir.iterations.dropped", unit: "{iteration}", kind: counter,
		help: "Iterations that never started, for lack of time or room."}
	iterationsLate = &metric{name: "weir_iterations_late_total", otel: "weir.iterations.late", unit: "{iteration}", kind: counter,
		help: "Iterations that started noticeably after their time."}
	iterationsRunning = &metric{name: "weir_iterations_running", otel: "weir.iterations.running", unit: "{iteration}", kind: gauge,
		help: "Iterations under way."}

	ttft = &metric{name: "weir_ttft_seconds", otel: "gen_ai.client.operation.time_to_first_chunk", unit: "s", kind: latencies, bounds: boundsFrom(19, 38),
		help: "Time to first token."}
	itl = &metric{name: "weir_itl_seconds", otel: "gen_ai.client.operation.time_per_output_chunk", unit: "s", kind: latencies, bounds: boundsFrom(17, 34),
		help: "Inter-token latency: gaps between token events."}
	tpot = &metric{name: "weir_tpot_seconds", otel: "weir.tpot", unit: "s", kind: latencies, bounds: boundsFrom(17, 34),
		help: "Time per output token of a request, after its first one."}
	e2el = &metric{name: "weir_e2el_seconds", otel: "gen_ai.client.operation.duration", unit: "s", kind: latencies, bounds: boundsFrom(20, 40),
		help: "End-to-end latency of a generation, an embedding or a ranking."}
	httpDuration = &metric{name: "weir_http_req_duration_seconds", otel: "weir.http_req_duration", unit: "s", kind: latencies, bounds: boundsFrom(17, 38),
		help: "Duration of a plain HTTP request."}
	startLag = &metric{name: "weir_start_lag_seconds", otel: "weir.start_lag", unit: "s", kind: latencies, bounds: boundsFrom(17, 34),
		help: "How late the client started a request that had a schedule, through its own doing."}

	caseNumber = &metric{name: "weir_case_number", otel: "weir.case.number", unit: "1", kind: gauge,
		help: "Number of the case that is played, from 1."}
	caseVerdict = &metric{name: "weir_case_validity", otel: "weir.case.validity", unit: "1", kind: gauge,
		help: "1 for the verdict on a finished case."}
	runInfo = &metric{name: "weir_run_info", otel: "weir.run.info", unit: "1", kind: gauge,
		help: "1, with what the run is."}
	runCases = &metric{name: "weir_run_cases", otel: "weir.run.cases", unit: "{case}", kind: gauge,
		help: "Cases of the run, where that is known."}
)

// look adds what a case is like.
func (c *Case) look(to *snapshot, s *scope) {
	live := c.Live()
	counts, running := c.Iterations()
	to.add(s.of(caseNumber), float64(c.Number))
	to.add(s.of(requests), float64(live.Ended))
	to.add(s.of(requestsInFlight), float64(live.Open))
	to.add(s.of(inputTokens), float64(live.InputTokens))
	to.add(s.of(outputTokens), float64(live.OutputTokens+live.OpenTokens))
	to.add(s.of(tokenEvents), float64(live.Events))
	for _, f := range failures(live.Failures) {
		own := []label{{"error_type", "error.type", f.Kind}}
		if f.Status != 0 {
			own = append(own, label{"status", "http.response.status_code", strconv.Itoa(f.Status)})
		}
		to.add(s.of(requestsFailed, own...), float64(f.Count))
	}
	for _, v := range []struct {
		*metric
		n int64
	}{
		{iterationsScheduled, counts.Scheduled}, {iterationsStarted, counts.Started}, {iterationsCompleted, counts.Completed},
		{iterationsFailed, counts.IterationFailed}, {iterationsInterrupted, counts.Interrupted}, {iterationsDropped, counts.Dropped}, {iterationsLate, counts.Late},
	} {
		to.add(s.of(v.metric), float64(v.n))
	}
	to.add(s.of(iterationsRunning), float64(running))
	for _, v := range []struct {
		*metric
		metrics.Histogram
	}{
		{ttft, live.TTFT}, {itl, live.ITL}, {tpot, live.TPOT}, {e2el, live.E2EL}, {httpDuration, live.HTTP}, {startLag, live.StartLag},
	} {
		if v.N > 0 {
			to.addLatencies(s.of(v.metric), v.Histogram)
		}
	}
}

// mostFailures is how many kinds of failures of a case have a series.
const mostFailures = 32

// failures are the most frequent ones.
func failures(all []metrics.Failure) []metrics.Failure {
	if len(all) > mostFailures {
		sort.SliceStable(all, func(a, b int) bool { return all[a].Count > all[b].Count })
		all = all[:mostFailures]
	}
	return all
}
