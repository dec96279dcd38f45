package metrics_test

import (
	"fmt"
	"slices"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// The samples of a record are those that its case has, however many there are.
func TestSampler(t *testing.T) {
	s := metrics.NewSampler()
	f := func(q *result.Request, want string) {
		t.Helper()
		got := map[string][]float64{}
		for name, samples := range s.Samples(metrics.Restore(q)) {
			got[name] = slices.Clone(samples)
		}
		text := fmt.Sprint(got["ttft"], got["ttft_from_schedule"], got["tpot"], len(got["itl"]), got["e2el"], got["output_tokens"], got["http_req_duration"])
		if text != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
	answer := func(events int) *result.Request {
		q := &result.Request{
			Kind: "llm", Started: 1e18, Scheduled: new(int64(-500)), Sent: new(int64(20)), Head: new(int64(900)), End: new(int64(1e7)),
			OutputTokens: &result.TokenCount{N: events, Source: "usage"}, TokenGaps: []int64{40_000},
		}
		for range events - 1 {
			q.TokenGaps = append(q.TokenGaps, 10_000)
		}
		return q
	}
	f(answer(5), "[40] [40.5] [10] 4 [80] [5] []")
	f(answer(1001), "[40] [40.5] [10] 1000 [10040] [1001] []") // more than a handful
	f(answer(1), "[40] [40.5] [] 0 [40] [1] []")
	f(&result.Request{Kind: "http", Started: 1e18, Head: new(int64(1000)), End: new(int64(2000))}, "[] [] [] 0 [] [] [2]")
	failed := answer(5)
	failed.Error = &result.RequestError{Kind: "truncated"}
	f(failed, "[] [] [] 0 [] [] []")
}

func TestJudge(t *testing.T) {
	slo := metrics.SLOs{"ttft": 50}
	f := func(kind, failure string, ttftUS int64, want ...bool) {
		t.Helper()
		q := &result.Request{Kind: kind, Started: 1e18, End: new(ttftUS), TokenGaps: []int64{ttftUS}, OutputTokens: &result.TokenCount{N: 1, Source: "usage"}}
		if failure != "" {
			q.Error = &result.RequestError{Kind: failure}
		}
		if good, held := slo.Judge(metrics.Restore(q)); good != want[0] || held != want[1] {
			t.Errorf("%s %s %d µs: good %t, held %t", kind, failure, ttftUS, good, held)
		}
	}
	f("llm", "", 50_000, true, true)
	f("llm", "", 50_001, false, true)
	f("llm", "truncated", 1, false, true)
	f("llm", "interrupted", 1, false, false)
	f("http", "", 1, false, false)
}

func TestOutcome(t *testing.T) {
	f := func(failure string, want metrics.Outcome) {
		t.Helper()
		q := &result.Request{Kind: "llm"}
		if failure != "" {
			q.Error = &result.RequestError{Kind: failure}
		}
		if got := metrics.Restore(q).Outcome(); got != want {
			t.Errorf("%q: %v, want %v", failure, got, want)
		}
	}
	f("", metrics.Completed)
	f("idle_timeout", metrics.Failed)
	f("interrupted", metrics.Interrupted)
}
