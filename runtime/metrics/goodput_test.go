package metrics_test

import (
	"maps"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// output is a request's output tokens, as the service counted them.
func output(n int) func(*metrics.Record) { return usage(10, n) }

// onSchedule gives a request a schedule, ms before its start, besides its output.
func onSchedule(before float64, n int) func(*metrics.Record) {
	return func(rec *metrics.Record) {
		usage(10, n)(rec)
		rec.Iteration = &metrics.Iteration{Scheduled: rec.Started.Add(-duration(before))}
	}
}

// Each request alone against ttft ≤ 100, tpot ≤ 20, e2el ≤ 300 (ms), unless the
// row has other SLOs; want is what it misses, "" when it is good, "left out" when
// it is not counted.
func TestGoodOrNot(t *testing.T) {
	all := metrics.SLOs{"ttft": 100, "tpot": 20, "e2el": 300}
	for _, c := range []struct {
		name string
		slo  metrics.SLOs
		request
		want string
	}{
		// Token events at 100, 120, …, 200 ms: TTFT 100, TPOT 100/5 = 20, E2EL 200. A limit is kept by what equals it.
		{"everything at its limit", all, request{events: []float64{100, 120, 140, 160, 180, 200}, end: 210, edit: output(6)}, ""},
		{"late first token", all, request{events: []float64{101, 110, 120}, end: 120, edit: output(3)}, "ttft"},
		// (161 − 100) / (4 − 1) = 20.3
		{"slow tokens", all, request{events: []float64{100, 140, 161}, end: 170, edit: output(4)}, "tpot"},
		// 10 → 301: 291 / 20 = 14.6; what came behind the last token is not waited for
		{"long answer", all, request{events: []float64{10, 301}, end: 301, edit: output(21)}, "e2el"},
		{"the end behind the last token does not count", all, request{events: []float64{10, 300}, end: 999, edit: output(21)}, ""},
		{"several at once", all, request{events: []float64{200, 400}, end: 400, edit: output(2)}, "e2el tpot ttft"},
		{"failed, however quickly", all, request{events: []float64{1}, end: 2, err: "truncated"}, "failed"},
		{"cut off with its iteration", all, request{events: []float64{500}, end: 900, err: "interrupted"}, "left out"},
		{"plain HTTP", all, request{kind: metrics.KindHTTP, head: 900, end: 900}, "left out"},

		// TPOT that nothing was waited for.
		{"one token", all, request{events: []float64{90}, end: 95, edit: output(1)}, ""},
		{"all tokens in one event", all, request{events: []float64{90}, end: 95, edit: output(8)}, ""},

		// Upper bounds. The first event came together with the second one, some time before 90 or 110 ms.
		{"the bound of ttft keeps it", metrics.SLOs{"ttft": 100}, request{events: []float64{90, 90, 110}, reads: []uint64{1, 1, 2}, end: 110, edit: output(3)}, ""},
		{"the bound of ttft does not", metrics.SLOs{"ttft": 100}, request{events: []float64{110, 110, 120}, reads: []uint64{1, 1, 2}, end: 120, edit: output(3)}, "ttft"},
		// At most (120 − 0) / (3 − 1) = 60, or 30 with 5 tokens.
		{"the bound of tpot", metrics.SLOs{"tpot": 59}, request{events: []float64{110, 110, 120}, reads: []uint64{1, 1, 2}, end: 120, edit: output(3)}, "tpot"},
		{"the bound of tpot keeps it", metrics.SLOs{"tpot": 30}, request{events: []float64{110, 110, 120}, reads: []uint64{1, 1, 2}, end: 120, edit: output(5)}, ""},
		{"no stream: the end is the bound", metrics.SLOs{"ttft": 100, "tpot": 50}, request{events: []float64{100}, end: 100, edit: func(rec *metrics.Record) {
			output(3)(rec)
			rec.Whole = true
		}}, ""},
		{"no stream, too late", metrics.SLOs{"ttft": 100, "tpot": 50}, request{events: []float64{102}, end: 102, edit: func(rec *metrics.Record) {
			output(3)(rec)
			rec.Whole = true
		}}, "tpot ttft"},
		{"an embedding", all, request{kind: metrics.KindPooling, head: 50, end: 99}, ""},
		{"a slow embedding", all, request{kind: metrics.KindPooling, head: 50, end: 301}, "e2el ttft"},

		// Reasoning until 200 ms.
		{"first output", metrics.SLOs{"ttfo": 200}, request{events: []float64{50, 200, 250}, output: 200, end: 250, edit: output(3)}, ""},
		{"late first output", metrics.SLOs{"ttft": 50, "ttfo": 199}, request{events: []float64{50, 200, 250}, output: 200, end: 250, edit: output(3)}, "ttfo"},
		{"output that never came", metrics.SLOs{"ttfo": 1e9}, request{events: []float64{50, 200}, output: 300, end: 250, edit: output(3)}, "ttfo"},

		// The schedule was 60 ms before the start.
		{"from the start", metrics.SLOs{"ttft": 100, "e2el": 200}, request{start: 100, events: []float64{150, 300}, end: 300, edit: onSchedule(60, 3)}, ""},
		{"from the schedule", metrics.SLOs{"ttft_from_schedule": 110, "ttfo_from_schedule": 110, "e2el_from_schedule": 260}, request{start: 100, events: []float64{150, 300}, end: 300, edit: onSchedule(60, 3)}, ""},
		{"late from the schedule", metrics.SLOs{"ttft_from_schedule": 109, "ttfo_from_schedule": 109, "e2el_from_schedule": 259}, request{start: 100, events: []float64{150, 300}, end: 300, edit: onSchedule(60, 3)}, "e2el_from_schedule ttfo_from_schedule ttft_from_schedule"},
		{"without a schedule, from the start", metrics.SLOs{"ttft_from_schedule": 50}, request{start: 100, events: []float64{150}, end: 150, edit: output(1)}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{SLOs: c.slo})
			play(r, []request{c.request})
			found := r.Finish(result.Counts{}, nil, metrics.Rules{}).Goodput
			var missed []string
			for _, name := range []string{"failed", "e2el", "e2el_from_schedule", "tpot", "ttfo", "ttfo_from_schedule", "ttft", "ttft_from_schedule"} {
				if found.Missed[name] > 0 {
					missed = append(missed, name)
				}
			}
			got := strings.Join(missed, " ")
			switch {
			case found.Requests == 0:
				got = "left out"
			case (got == "") != (found.Good == 1):
				t.Errorf("%s: %d are good, missed %v", c.name, found.Good, found.Missed)
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			if !maps.Equal(found.SLO, c.slo) {
				t.Errorf("%s: SLOs %v", c.name, found.SLO)
			}
		})
	}
}

// Five requests in 4 s, worked by hand: two are good, one misses two SLOs, one
// fails, one is cut off.
func TestGoodput(t *testing.T) {
	requests := []request{
		{start: 0, events: []float64{100, 200}, end: 200, edit: output(2)},            // ttft 100, tpot 100: good
		{start: 1000, events: []float64{1400, 2000}, end: 2000, edit: output(3)},      // ttft 400, tpot 300: misses both
		{start: 1500, events: []float64{1600, 1700}, end: 1700, err: "truncated"},     // failed
		{start: 2000, events: []float64{2100, 2200}, end: 2300, err: "interrupted"},   // left out
		{start: 3000, events: []float64{3050, 3990}, end: 4000, edit: output(1 + 10)}, // ttft 50, tpot 94: good
	}
	thresholds := map[string][]string{"goodput": {"rate>=0.5", "rate>0.5", "per_second>0.49", "per_second>0.5", "missed<=2", "missed<2"}}
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{SLOs: metrics.SLOs{"ttft": 200, "tpot": 100}})
		for _, th := range r.Evaluate(result.Counts{}, thresholds) {
			if th.Value != nil || th.OK {
				t.Errorf("before there is anything: %+v", th)
			}
		}
		play(r, requests)
		early := r.Evaluate(result.Counts{}, thresholds)
		c := r.Finish(result.Counts{}, thresholds, metrics.Rules{})
		g := c.Goodput
		if g.Requests != 4 || g.Good != 2 || *g.Share != 0.5 || g.PerSecond != 0.5 || g.OutputTokens != 13./4 {
			t.Errorf("%+v", g)
		}
		if want := map[string]int64{"ttft": 1, "tpot": 1, "failed": 1}; !maps.Equal(g.Missed, want) {
			t.Errorf("missed %v, want %v", g.Missed, want)
		}
		if g.PerSecond > c.Throughput.Requests || c.Throughput.Requests != 0.75 {
			t.Errorf("goodput %v of %v requests a second", g.PerSecond, c.Throughput.Requests)
		}
		for i, th := range c.Thresholds {
			if want := i%2 == 0; th.OK != want || early[i].OK != want || *early[i].Value != *th.Value {
				t.Errorf("%s: %v, earlier %v", th.Expr, *th.Value, *early[i].Value)
			}
		}
	})
}

// Without SLOs there is no goodput, and with them there is one even when nothing
// was sent.
func TestNoGoodput(t *testing.T) {
	c := metrics.NewRecorder(metrics.Options{}).Finish(result.Counts{}, nil, metrics.Rules{})
	if c.Goodput != nil || c.Metrics["goodput"] != nil {
		t.Errorf("without SLOs: %+v, %+v", c.Goodput, c.Metrics["goodput"])
	}
	c = metrics.NewRecorder(metrics.Options{SLOs: metrics.SLOs{"ttft": 1}}).Finish(result.Counts{}, nil, metrics.Rules{})
	if g := c.Goodput; g == nil || g.Requests != 0 || g.Share != nil || g.PerSecond != 0 {
		t.Errorf("without requests: %+v", g)
	}
}

// Each part has its own SLOs; the whole counts every request by those of its
// part, and those of a part without any not at all.
func TestGoodputOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := metrics.NewRecorder(metrics.Options{SLOs: metrics.SLOs{"ttft": 20}})
		parts := []*metrics.Recorder{whole.Part(metrics.SLOs{"ttft": 20}), whole.Part(metrics.SLOs{"ttft": 5, "e2el": 100}), whole.Part(nil)}
		for i, part := range parts {
			for range i + 1 {
				send(&metrics.Iteration{Recorder: part}, 10*time.Millisecond, nil)
			}
		}
		for i, want := range []struct{ requests, good int64 }{{1, 1}, {2, 0}} {
			g := parts[i].Finish(result.Counts{}, nil, metrics.Rules{}).Goodput
			if g.Requests != want.requests || g.Good != want.good {
				t.Errorf("part %d: %+v", i, g)
			}
		}
		if g := parts[2].Finish(result.Counts{}, nil, metrics.Rules{}).Goodput; g != nil {
			t.Errorf("part without SLOs: %+v", g)
		}
		g := whole.Finish(result.Counts{}, nil, metrics.Rules{}).Goodput
		if g.Requests != 3 || g.Good != 1 || g.Missed["ttft"] != 2 || len(g.SLO) != 1 {
			t.Errorf("whole: %+v", g)
		}
	})
}

// What is wrong with SLOs is told.
func TestCheckSLO(t *testing.T) {
	for name, c := range map[string]struct {
		limit float64
		want  string
	}{
		"ttft":             {500, ""},
		"tfft":             {500, "did you mean ttft?"},
		"tpot":             {0, "more than 0"},
		"e2el":             {math.Inf(1), "more than 0"},
		"ttfo":             {math.NaN(), "more than 0"},
		"itl":              {50, "only ttft, ttfo, tpot, e2el"},
		"output_tokens":    {50, "only ttft, ttfo, tpot, e2el"},
		"tpot_from_second": {50, "there is no SLO"},
	} {
		err := metrics.CheckSLO(name, c.limit)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", name, c.limit, err, c.want)
		}
	}
}

// A queue that grows: arrivals every 100 ms, served one every 125 ms, so the
// latency grows by 25 ms each 100 ms. And one that does not.
func TestGrowth(t *testing.T) {
	for name, c := range map[string]struct {
		every, service float64
		want           float64
	}{
		"stable":     {100, 80, 0},
		"overloaded": {100, 125, 0.25},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{})
			var requests []request
			free := 0.
			for i := range 40 {
				at := float64(i) * c.every
				free = max(free, at) + c.service
				requests = append(requests, request{start: at, events: []float64{free}, end: free, edit: onSchedule(0, 1)})
			}
			play(r, requests)
			g := r.Finish(result.Counts{}, nil, metrics.Rules{}).Growth
			if g == nil || g.N != 40 || math.Abs(g.Slope-c.want) > 1e-9 || g.StdErr > 1e-6 {
				t.Errorf("%s: %+v, want %v", name, g, c.want)
			}
		})
	}
	// By hand: latencies 100, 200, 100 ms at 0, 1, 2 s. Mean 133⅓; slope 0; the rest is
	// (33⅓² + 66⅔² + 33⅓²) ms² = 6,666⅔ ms² over one degree of freedom and Σ(x−x̄)² = 2 s²: √(0.0066667/2).
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{})
		play(r, []request{
			{start: 0, events: []float64{100}, end: 100, edit: onSchedule(0, 1)},
			{start: 1000, events: []float64{1200}, end: 1200, edit: onSchedule(0, 1)},
			{start: 2000, events: []float64{2100}, end: 2100, edit: onSchedule(0, 1)},
		})
		g := r.Finish(result.Counts{}, nil, metrics.Rules{}).Growth
		if g == nil || math.Abs(g.Slope) > 1e-12 || math.Abs(g.StdErr-math.Sqrt(0.02/3/2)) > 1e-9 {
			t.Errorf("%+v", g)
		}
	})
	c := finish(t, result.Counts{}, []request{{events: []float64{1}, end: 1}, {start: 5, events: []float64{6}, end: 6}, {start: 7, events: []float64{8}, end: 8}})
	if c.Growth != nil {
		t.Errorf("without a schedule: %+v", c.Growth)
	}
}
