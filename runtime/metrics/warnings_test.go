package metrics_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// What is wrong is said while the case runs, by the rules that judge it in the end.
func TestWarnings(t *testing.T) {
	f := func(name string, counts result.Counts, client *result.Client, requests []request, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{})
			play(r, requests)
			var rules []string
			for _, w := range (metrics.Rules{Expected: []string{"failed_iterations"}}).Warnings(r.Live(), counts, client) {
				rules = append(rules, w.Rule+":"+string(w.Verdict))
				if w.Message == "" {
					t.Errorf("%s: %s says nothing", name, w.Rule)
				}
			}
			if got := strings.Join(rules, " "); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		})
	}
	good := times(100, generation(usage(10, 2)))
	failing := append(times(2, request{start: 0, end: 30, err: "http_status"}), good...)
	late := times(10, generation(func(rec *metrics.Record) {
		rec.Iteration = &metrics.Iteration{Scheduled: rec.Started.Add(-30 * time.Millisecond)}
		rec.Reused = true
	}))
	squeezed := &result.Client{Cores: 2, CPU: &result.Usage{Avg: 1.95}, Wait: &result.Usage{Avg: 0.6}, Turn: &result.Usage{Avg: 1}}
	merged := times(100, request{events: []float64{10, 10, 10, 30}, reads: []uint64{1, 1, 1, 2}, spreads: []float64{5, 5, 5, 0}, end: 40, edit: usage(10, 4)})

	f("nothing has begun", result.Counts{}, nil, nil, "")
	f("nothing has ended", result.Counts{Started: 1}, nil, nil, "")
	f("all well", result.Counts{Started: 100}, nil, good, "")
	f("few, but well", result.Counts{Started: 1}, nil, good[:1], "")
	f("failures", result.Counts{Started: 102}, nil, failing, "failed_requests:INVALID")
	f("nothing but failures", result.Counts{Started: 2}, nil, failing[:2], "no_completed_requests:INVALID failed_requests:INVALID")
	f("out of ports", result.Counts{Started: 101}, nil, append(good, request{end: 1, err: "client_limit"}), "failed_requests:SUSPECT client_limit:INVALID")
	f("dropped and late", result.Counts{Scheduled: 200, Started: 100, Late: 50, Dropped: 10}, nil, good, "dropped_iterations:SUSPECT late_iterations:INVALID")
	f("expected", result.Counts{Started: 100, IterationFailed: 50}, nil, good, "failed_iterations:VALID")
	f("start lag", result.Counts{Started: 10}, nil, late, "start_lag:INVALID")
	f("a busy client that is in time", result.Counts{Started: 100}, squeezed, good, "client_cpu:VALID")
	f("a busy client that is late", result.Counts{Started: 10}, squeezed, late, "start_lag:INVALID client_cpu:INVALID")
	f("read late", result.Counts{Started: 100}, nil, merged, "shared_reads:INVALID")
}
