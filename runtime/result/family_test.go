package result_test

import (
	"slices"
	"testing"

	"weir/runtime/result"
)

func TestFamilies(t *testing.T) {
	f := func(requests int64, metrics []string, want ...result.Family) {
		t.Helper()
		c := &result.Case{Counts: result.Counts{Requests: requests}, Metrics: map[string]*result.Metric{}}
		for _, name := range metrics {
			c.Metrics[name] = &result.Metric{}
		}
		if got := c.Families(); !slices.Equal(got, want) {
			t.Errorf("%d requests with %v: %v, want %v", requests, metrics, got, want)
		}
	}
	f(0, nil, result.Idle)
	f(4, nil, result.Generations) // all of them failed
	f(4, []string{"prompt_tokens", "generated_tokens"}, result.Generations)
	f(4, []string{"prompt_tokens"}, result.Pooling)
	f(4, []string{"http_req_duration"}, result.PlainHTTP)
	f(4, []string{"generated_tokens", "http_req_duration"}, result.Generations, result.PlainHTTP)
	f(4, []string{"prompt_tokens", "http_req_duration"}, result.Pooling, result.PlainHTTP)
}
