package metrics_test

import (
	"sync"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// What has the tags is in a recorder of its own as well, whoever closes it when.
func TestSelect(t *testing.T) {
	whole := metrics.NewRecorder(metrics.Options{SLOs: metrics.SLOs{"e2el": 1e9}})
	login := whole.Select([]metrics.Tag{{Name: "group", Value: "::login"}})
	chat := whole.Select([]metrics.Tag{{Name: "scenario", Value: "chat"}, {Name: "step", Value: "1"}})
	part := whole.Part(nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				it := &metrics.Iteration{Recorder: whole, Scenario: "chat", Tags: map[string]string{"rate": "8"}}
				if i%2 == 0 {
					it = &metrics.Iteration{Recorder: part, Scenario: "batch", Tags: map[string]string{"group": "::login"}}
				}
				rec := metrics.NewRecord()
				rec.Kind, rec.Iteration = metrics.KindHTTP, it
				it.Recorder.Begin(rec)
				if n == 0 {
					rec.Error = &metrics.Error{Kind: "connect", Message: "refused"}
				}
				it.Recorder.Close(rec)
				step := map[string]string{"step": "1"}
				if err := it.Observe("wait", metrics.Trend, "ms", float64(n), func() map[string]string { return step }); err != nil {
					t.Error(err)
				}
				if err := it.Observe("sent", metrics.Counter, "", 1, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f := func(name string, of *metrics.Recorder, requests, waits, sent int64) {
		t.Helper()
		limits := map[string][]string{"sent{step:1}": {"count>=0"}}
		early := of.Evaluate(result.Counts{}, limits)
		c := of.Finish(result.Counts{}, limits, metrics.Rules{})
		n := func(metric string) int64 {
			if m := c.Metrics[metric]; m != nil {
				return m.N
			}
			return 0
		}
		if n("http_req_duration") != requests || n("wait") != waits || n("sent") != sent || early[0].OK != (sent > 0) || c.Thresholds[0].OK != (sent > 0) {
			t.Errorf("%s: %d requests, %d waits, %d sent; %+v, %+v", name, n("http_req_duration"), n("wait"), n("sent"), early, c.Thresholds)
		}
	}
	f("login", login, 396, 400, 400)
	f("chat", chat, 0, 400, 0) // only values have a step
	f("part", part, 396, 400, 400)
	f("whole", whole, 792, 800, 800)

	it := &metrics.Iteration{}
	if err := it.Observe("wait", metrics.Trend, "ms", 1, nil); err != nil {
		t.Errorf("outside of cases: %v", err)
	}
	if err := it.Observe("ttft", metrics.Trend, "ms", 1, nil); err == nil {
		t.Error("a metric of weir's own was added to")
	}
	if (*metrics.Recorder)(nil).Select(nil) != nil {
		t.Error("nothing has a part")
	}
}
