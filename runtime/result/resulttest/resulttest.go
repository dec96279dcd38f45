// Package resulttest has results to test with: what is written from them must be
// the same everywhere.
package resulttest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"weir/runtime/result"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Golden compares got with a file in testdata.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update rewrites it):\n%s\nwant:\n%s", name, got, want)
	}
}

// Began is when they began.
var Began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// Distribution is a metric with samples around an average.
func Distribution(unit string, n int64, avg float64) *result.Metric {
	at := func(f float64) *float64 { return new(avg * f) }
	return &result.Metric{
		Kind: "distribution", Unit: unit, N: n, Estimator: "exact",
		Avg: at(1), Min: at(0.5), Max: at(2.5), Std: at(0.25),
		P50: at(0.95), P75: at(1.1), P90: at(1.3), P95: at(1.5), P99: at(2), P999: at(2.25),
	}
}

// LLMCase is a case of generations.
func LLMCase(name string, requests int64, ttft float64) *result.Case {
	return &result.Case{
		Name: name, Tags: map[string]any{"parallel": 8}, Started: Began, Duration: 12.5,
		Counts: result.Counts{Scheduled: requests, Started: requests, Completed: requests, Requests: requests},
		Metrics: map[string]*result.Metric{
			"ttft":             Distribution("ms", requests, ttft),
			"tpot":             Distribution("ms", requests, 7.25),
			"itl":              Distribution("ms", requests*100, 7.0886),
			"e2el":             Distribution("ms", requests, 2044.5),
			"generated_tokens": {Kind: "counter", Unit: "tokens", N: requests, Sum: new(float64(requests) * 256), Rate: new(1078.0475)},
			"request_failed":   {Kind: "rate", N: requests, Rate: new(0.0)},
		},
		Throughput: result.Throughput{Requests: float64(requests) / 12.5, InputTokens: 2000, OutputTokens: float64(requests) * 256 / 12.5, TotalTokens: 3078.0475},
		Tokens:     result.TokenSources{Input: map[string]int64{"usage": requests}, Output: map[string]int64{"usage": requests}},
		Stamps:     map[string]int64{"kernel": requests},
		Validity:   result.Validity{Verdict: result.Valid},
	}
}

// HTTPCase is a case of plain requests.
func HTTPCase(name string) *result.Case {
	c := LLMCase(name, 1200, 1)
	c.Metrics = map[string]*result.Metric{
		"http_req_duration": Distribution("ms", 1200, 4.2),
		"http_req_waiting":  Distribution("ms", 1200, 3.9),
	}
	return c
}

// IdleCase is a case without requests.
func IdleCase(name string) *result.Case {
	return &result.Case{
		Name: name, Started: Began, Counts: result.Counts{Scheduled: 40, Started: 40, Completed: 39, IterationFailed: 1},
		Metrics:  map[string]*result.Metric{},
		Errors:   []result.ErrorGroup{{Scope: "iteration", Kind: "exception", Count: 1, Message: "TypeError: Cannot read property 'text' of undefined\n    at default (my-scenario.ts:12:7)"}},
		Validity: result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "failed_iterations", Verdict: result.Suspect, Message: "1 of 40 iterations ended with an exception (2.5%): they may not have sent what they should"}}},
	}
}

// Run is a finished run of cases.
func Run(cases ...*result.Case) *result.Result {
	r := &result.Result{
		Schema: 1, Weir: result.Version{Version: "0.1.0", Go: "go1.26"},
		Script:      result.Script{Name: "static", Path: "builtin:static", SHA256: "ab"},
		Params:      map[string]any{"url": "http://127.0.0.1:8000"},
		Environment: result.Environment{OS: "linux", Arch: "arm64", CPUs: 2, Runtimes: 2},
		Started:     Began, Ended: new(Began.Add(133 * time.Second)),
	}
	for _, c := range cases {
		r.Add(c)
	}
	return r
}

// Troubled has everything that can go wrong in it.
func Troubled() *result.Result {
	few := result.Reason{Rule: "few_samples", Verdict: result.Suspect, Message: "p99 of ttft comes from 40 samples and takes 662 to be known with 99% confidence (up to p75 is)"}
	a, b, c := LLMCase("parallel 1, 1024/128", 40, 96.4), LLMCase("parallel 8, 1024/128", 320, 166.4189), LLMCase("parallel 32, 2048/256", 1280, 1403.25)
	a.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{few}}
	b.Counts.RequestsFailed, b.Counts.Requests = 7, 327
	b.Errors = []result.ErrorGroup{
		{Scope: "request", Kind: "http_status", Status: 500, Count: 5, Message: `the service answered 500: {"error":{"message":"CUDA out of memory while the batch was grown to 32 sequences; try a smaller max_num_seqs"}}`},
		{Scope: "request", Kind: "truncated", Count: 2, Message: "the body ended after 1380 bytes, before its last chunk"},
	}
	b.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{
		{Rule: "failed_requests", Verdict: result.Invalid, Message: "7 of 327 requests failed (2.1%): the latencies are those of the survivors, and the service had less to do"},
		few,
	}}
	c.Counts.RequestsCut, c.Counts.Requests = 3, 1283
	c.Errors = []result.ErrorGroup{{Scope: "iteration", Kind: "exception", Count: 2, Message: "TypeError: x is undefined at static.ts:40:3"}}
	c.Counts.IterationFailed = 2
	c.Checks = []result.Check{{Name: "ended by length", Passes: 1278, Fails: 2}, {Name: "has text", Passes: 1280}}
	c.Metrics["acceptance"] = &result.Metric{Kind: "rate", Custom: true, N: 1280, Rate: new(0.8125)}
	c.Metrics["_of_the_script"] = &result.Metric{Kind: "rate", Custom: true, N: 1280, Rate: new(0.5)}
	c.Metrics["queue_wait"] = Distribution("ms", 1280, 12.5)
	c.Metrics["queue_wait"].Custom = true
	c.Metrics["sent"] = &result.Metric{Kind: "counter", Custom: true, Unit: "bytes", N: 9, Sum: new(123456789.0), Rate: new(9876543.1)}
	c.Metrics["npu_memory"] = &result.Metric{Kind: "gauge", Custom: true, Unit: "GiB", N: 9, Value: new(58.25), Min: new(12.0), Max: new(61.5)}
	c.TokenEvents = result.TokenEvents{All: 327680, Shared: 410, FirstShared: 2}
	c.Connections = result.Connections{Opened: 32, Retransmits: 3, Retransmitted: 1}
	c.Client = &result.Client{Wall: 12.6, Cores: 2, GOMAXPROCS: 2, CPU: &result.Usage{Avg: 0.75, Max: 1.25}, GCPause: &result.Pauses{Count: 9, Total: 1.5, Max: 0.25}, OpenFiles: new(int64(48))}
	for _, k := range []*result.Case{a, b, c} {
		k.Thresholds = []result.Threshold{
			{Metric: "ttft", Expr: "p(99)<2000", Value: k.Metrics["ttft"].P99, OK: *k.Metrics["ttft"].P99 < 2000},
			{Metric: "request_failed", Expr: "rate<0.05", Value: new(0.01), OK: true},
			{Metric: "checks", Expr: "rate>0.9", Note: "no samples"},
		}
	}
	r := Run(a, b, c)
	r.Interrupted = true
	return r
}
