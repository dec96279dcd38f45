package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// life is a request in seconds: scheduled is 0 where it had no schedule.
type life struct{ scheduled, start, end float64 }

// closedLoop is a load of n requests, c at once, of which each takes as long as took says.
func closedLoop(c, n int, took func() float64) (all []life) {
	free := make([]float64, c)
	for range n {
		at := slices.Index(free, slices.Min(free))
		end := free[at] + took()
		all = append(all, life{start: free[at], end: end})
		free[at] = end
	}
	return all
}

// openLoop is a load of requests that come after gaps, until a time, of which so many are
// served at once.
func openLoop(until float64, servers int, gap, took func() float64) (all []life) {
	free := make([]float64, servers)
	for at := gap(); at < until; at += gap() {
		to := slices.Index(free, slices.Min(free))
		free[to] = max(at, free[to]) + took()
		all = append(all, life{start: at, end: free[to]})
	}
	return all
}

func lived(o metrics.Options, all []life, edit func(i int, rec *metrics.Record)) *result.Case {
	o.KeptBytes = metrics.KeptBytes
	r := metrics.NewRecorder(o)
	base := time.Now()
	at := func(s float64) time.Time { return base.Add(time.Duration(s * float64(time.Second))) }
	for i, q := range all {
		rec := &metrics.Record{Started: at(q.start), End: at(q.end), Iteration: &metrics.Iteration{Recorder: r}}
		if q.scheduled > 0 {
			rec.Iteration.Scheduled = at(q.scheduled)
		}
		r.Announce(rec)
		rec.Token(wire.Arrival{At: at(q.start + (q.end-q.start)/4), Kernel: true, Read: 1}, 1)
		rec.Token(wire.Arrival{At: at(q.end), Kernel: true, Read: 2}, 1)
		rec.Output, rec.Input = metrics.Count{N: 10, Source: metrics.CountUsage}, metrics.Count{N: 100, Source: metrics.CountUsage}
		if edit != nil {
			edit(i, rec)
		}
		r.Close(rec)
	}
	return r.Finish(result.Counts{}, nil, metrics.Rules{})
}

// The steady state of loads of every kind, or why there is none.
func TestSteadyState(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	second := func() float64 { return 1 }
	about := func() float64 { return 0.5 + rng.Float64() }
	random := func() float64 { return rng.ExpFloat64() }
	every := func(s float64) func() float64 { return func() float64 { return s } }
	poisson := func(rate float64) func() float64 { return func() float64 { return rng.ExpFloat64() / rate } }
	// f proves where the window is, within a share of the case's duration, or what the note says.
	f := func(name string, l metrics.Load, all []life, from, to float64, note string) {
		t.Helper()
		c := lived(metrics.Options{Load: l}, all, nil)
		w := c.Windows["steady"]
		const slack = 0.01
		near := func(got, want float64) bool { return math.Abs(got-want) <= slack*c.Duration }
		if w.Found != (note == "") || !strings.Contains(w.Note, note) || w.Found && (!near(w.From, from) || !near(w.To, to)) {
			t.Errorf("%s: steady from %.2f to %.2f of %.2f s, %v: %s; want %.2f to %.2f %s", name, w.From, w.To, c.Duration, w.Found, w.Note, from, to, note)
		}
		if all := c.Windows["all"]; !all.Found || all.From != 0 || all.To != c.Duration || c.Window != "all" {
			t.Errorf("%s: all %+v", name, all)
		}
	}
	// Everything starts at 0; the first four have been replaced after a second; nothing new
	// comes after the last one's start.
	f("closed loop", metrics.Load{Concurrency: 4}, closedLoop(4, 200, second), 1, 49, "")
	f("one at a time", metrics.Load{Concurrency: 1}, closedLoop(1, 60, second), 1, 59, "")
	// 32 requests have ended when each has had about one second.
	f("closed loop, random lengths", metrics.Load{Concurrency: 32}, closedLoop(32, 2000, about), 0.98, 61.5, "")
	f("connections that come one after another", metrics.Load{Concurrency: 10}, slowStart(10, 20), 3, 22, "")
	f("users that ramp up and are held", metrics.Load{Concurrency: 10, Ramps: true}, slowStart(10, 20), 3, 22, "")
	f("users that only ramp up", metrics.Load{Concurrency: 50, Ramps: true}, slowStart(50, 9), 0, 0, "too short")
	f("users that ramp, and think", metrics.Load{Concurrency: 50, Ramps: true}, slowStart(10, 20), 0, 0, "the load ramps, and never came to 48 requests in flight")
	f("think time: never as many as there are users", metrics.Load{Concurrency: 100}, closedLoop(20, 400, about), 1.45, 19.67, "")
	f("open loop", metrics.Load{}, openLoop(100, 1000, poisson(20), about), 3.13, 100, "")
	f("open loop of random lengths", metrics.Load{}, openLoop(200, 1000, poisson(10), random), 4.97, 200, "")
	f("even arrivals", metrics.Load{}, openLoop(100, 1000, every(0.1), second), 2, 100, "")
	f("a light load", metrics.Load{}, openLoop(100, 1000, every(1), every(0.1)), 0.11, 98, "")

	f("a queue that grows", metrics.Load{}, openLoop(60, 10, poisson(14), second), 0, 0, "came faster than they were served")
	f("a queue that grows a little", metrics.Load{}, openLoop(120, 10, every(0.09), second), 0, 0, "came faster than they were served")
	f("a limit that holds requests back", metrics.Load{}, heldBack(10, 600, 0.07), 0, 0, "came faster than they were served")
	f("a limit, and what it has not let through in time is dropped", metrics.Load{}, heldBack(10, 150, 0.02), 0, 0, "requests came faster than they were served")
	f("ever fewer", metrics.Load{}, fading(60), 0, 0, "the load was not constant")
	f("waves", metrics.Load{Concurrency: 4, Unsteady: "the load comes in waves"}, closedLoop(4, 200, second), 0, 0, "the load comes in waves")
	f("all at once", metrics.Load{}, openLoop(1, 1000, every(0.001), every(10)), 0, 0, "too short")
	f("few requests", metrics.Load{Concurrency: 4}, closedLoop(4, 19, second), 0, 0, "19 requests are too few")
	f("a short closed loop", metrics.Load{Concurrency: 16}, closedLoop(16, 32, second), 0, 0, "too short")
	f("a short open loop", metrics.Load{}, openLoop(10, 1000, every(0.2), every(8)), 0, 0, "too short")
}

// Chance is seldom taken for a queue that grows, and a queue that grows seldom for chance.
func TestSteadyStateIsFound(t *testing.T) {
	if race.Enabled {
		t.Skip("it says nothing about races, and takes long")
	}
	found := func(servers int, rate float64) (n int) {
		for seed := range 40 {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			all := openLoop(100, servers, func() float64 { return rng.ExpFloat64() / rate }, rng.ExpFloat64)
			if lived(metrics.Options{}, all, nil).Windows["steady"].Found {
				n++
			}
		}
		return n
	}
	for _, row := range []struct {
		servers     int
		rate        float64
		least, most int
	}{
		{1000, 1, 37, 40},
		{1000, 20, 37, 40},
		{20, 16, 37, 40}, // 80 % busy: some queues come and go
		{20, 24, 0, 2},   // 120 %
	} {
		if n := found(row.servers, row.rate); n < row.least || n > row.most {
			t.Errorf("%d servers, %v requests a second: %d of 40 steady, want %d to %d", row.servers, row.rate, n, row.least, row.most)
		}
	}
}

// slowStart is a closed loop of c users of whom one comes every 0.2 s, for so many seconds.
func slowStart(c int, seconds float64) (all []life) {
	for user := range c {
		for at := 0.2 * float64(user); at < seconds+2; at++ {
			all = append(all, life{start: at, end: at + 1})
		}
	}
	slices.SortFunc(all, func(a, b life) int { return int(math.Copysign(1, a.start-b.start)) })
	return all
}

// heldBack are requests that are due every gap seconds, of which the client sends no more
// than so many at once.
func heldBack(atOnce, n int, gap float64) []life {
	all := closedLoop(atOnce, n, func() float64 { return 1 })
	for i := range all {
		all[i].scheduled = max(1e-9, float64(i)*gap)
		all[i].start = max(all[i].start, all[i].scheduled)
	}
	return all
}

// fading are requests of which ever fewer come.
func fading(seconds float64) (all []life) {
	for at := 0.0; at < seconds; at += 0.02 * seconds / (seconds - at) {
		all = append(all, life{start: at, end: at + 1})
	}
	return all
}

// A window has what happened in it: latencies of the requests that started in it, tokens
// that came, requests that ended.
func TestSteadyNumbers(t *testing.T) {
	// Requests of 1 s, four at once, each a quarter of a second after the other: those
	// that start in the first three and the last seconds take twice as long to the first token.
	var all []life
	for i := range 400 {
		all = append(all, life{start: float64(i) / 4, end: float64(i)/4 + 1})
	}
	edit := func(i int, rec *metrics.Record) {
		if i%10 == 0 {
			rec.Error = &metrics.Error{Kind: "truncated"}
		}
	}
	slos := metrics.SLOs{"e2el": 2000}
	c := lived(metrics.Options{Load: metrics.Load{Concurrency: 4}, SLOs: slos}, all, edit)
	w := c.Windows["steady"]
	if !w.Found {
		t.Fatal(w.Note)
	}
	seconds := w.To - w.From
	f := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.02*math.Abs(want) {
			t.Errorf("%s is %.4g, want %.4g", what, got, want)
		}
	}
	f("requests", w.Throughput.Requests, 3.6)
	f("output tokens", w.Throughput.OutputTokens, 36)
	f("input tokens", w.Throughput.InputTokens, 360)
	f("total tokens", w.Throughput.TotalTokens, 396)
	f("completed", float64(w.Requests), 3.6*seconds)
	f("ttft", *w.Metrics["ttft"].Avg, 250)
	f("failed", *w.Metrics["request_failed"].Rate, 0.1)
	f("generated tokens", *w.Metrics["generated_tokens"].Rate, 36)
	f("goodput", w.Goodput.PerSecond, 3.6)
	f("goodput tokens", w.Goodput.OutputTokens, 36)
	f("good share", *w.Goodput.Share, 0.9)
	f("whole", c.Throughput.Requests, 360/c.Duration)
	if w.Metrics["ttft"].N != w.Requests || w.Metrics["iteration_failed"] != nil || c.Metrics["iteration_failed"] == nil {
		t.Errorf("%+v", w)
	}
	// The numbers of the case are those of the window where they are to be.
	steady := lived(metrics.Options{Load: metrics.Load{Concurrency: 4}, SLOs: slos, Window: "steady"}, all, edit)
	whole := steady.Windows["all"]
	few := func(c *result.Case) string {
		for _, r := range c.Validity.Reasons {
			if r.Rule == "few_samples" {
				return r.Message
			}
		}
		return ""
	}
	if of := fmt.Sprintf("comes from %d samples", w.Requests); !strings.Contains(few(steady), of) || !strings.Contains(few(c), "comes from 360 samples") {
		t.Errorf("few_samples: %q of the steady window, %q of all", few(steady), few(c))
	}
	if steady.Window != "steady" || steady.Metrics["ttft"].N != w.Requests || steady.Windows["steady"].Metrics != nil ||
		whole.Metrics["ttft"].N != 360 || whole.Throughput == nil || steady.Metrics["iteration_failed"] == nil || whole.Goodput.Good != 360 {
		t.Errorf("%+v, of all %+v", steady, whole)
	}
	f("shown", steady.Throughput.Requests, 3.6)
	if q := steady.Metrics["ttft"].Quantile; q == nil || math.Abs(q(40)-250) > 0.01 {
		t.Error("no quantiles of what is shown")
	}
	// Where there is none, they are those of all, and a note says so.
	none := lived(metrics.Options{Load: metrics.Load{Unsteady: "it ramps"}, Window: "steady"}, all, edit)
	if none.Window != "all" || none.Metrics["ttft"].N != 360 || !slices.ContainsFunc(none.Validity.Reasons, func(r result.Reason) bool {
		return r.Rule == "no_steady_state" && r.Verdict == result.Valid && strings.Contains(r.Message, "it ramps")
	}) {
		t.Errorf("%s: %+v", none.Window, none.Validity)
	}
}

// BenchmarkFinish ends a case of four million token events, as many as are kept.
func BenchmarkFinish(b *testing.B) {
	for name, kept := range map[string]int64{"plain": 0, "kept": metrics.KeptBytes} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				r := metrics.NewRecorder(metrics.Options{KeptBytes: kept, Load: metrics.Load{Concurrency: 64}})
				base := time.Now()
				for _, q := range closedLoop(64, 20_000, func() float64 { return 4 }) {
					rec := metrics.NewRecord()
					r.Announce(rec)
					rec.Started, rec.End = base.Add(duration(1000*q.start)), base.Add(duration(1000*q.end))
					for i := range 200 {
						rec.Token(wire.Arrival{At: rec.Started.Add(time.Duration(i+1) * 19 * time.Millisecond), Kernel: true, Lag: 50 * time.Microsecond, Read: uint64(i + 1)}, 1)
					}
					r.Close(rec)
				}
				b.StartTimer()
				c := r.Finish(result.Counts{}, nil, metrics.Rules{})
				if w := c.Windows["steady"]; kept > 0 && (!w.Found || w.Requests < 19_000) {
					b.Fatalf("%+v", w)
				}
			}
		})
	}
}

// The steady window of a part of a case is that of the whole, with the part's requests and
// SLOs; where only some requests are kept, totals are estimated from them.
func TestSteadyParts(t *testing.T) {
	whole := metrics.NewRecorder(metrics.Options{KeptBytes: 60_000, Load: metrics.Load{Concurrency: 4}, Window: "steady"})
	parts := []*metrics.Recorder{whole.Part(metrics.SLOs{"e2el": 500}), whole.Part(nil)}
	base := time.Now()
	selected := whole.Select([]metrics.Tag{{Name: "scenario", Value: "batch"}})
	const requests = 4000
	for i, q := range closedLoop(4, requests, func() float64 { return 1 }) {
		rec := metrics.NewRecord()
		part := parts[i%4/3] // three of four are of the first one
		rec.Iteration = &metrics.Iteration{Recorder: part, Scenario: []string{"chat", "batch"}[i%4/3]}
		part.Announce(rec)
		rec.Started, rec.End = base.Add(duration(1000*q.start)), base.Add(duration(1000*q.end))
		for n := range 10 {
			rec.Token(wire.Arrival{At: rec.Started.Add(time.Duration(n+1) * 100 * time.Millisecond), Kernel: true, Read: uint64(n + 1)}, 1)
		}
		rec.Output = metrics.Count{N: 10, Source: metrics.CountUsage}
		part.Close(rec)
	}
	c := whole.Finish(result.Counts{}, nil, metrics.Rules{})
	kept := whole.Kept()
	if kept.Every < 4 || c.Window != "steady" || !strings.Contains(c.Windows["steady"].Note, "one of every") {
		t.Fatalf("%+v, %s: %+v", kept, c.Window, c.Windows["steady"])
	}
	if c.Metrics["itl_decode"] != nil || c.Windows["all"].Metrics["ttft"].N != requests {
		t.Error("itl_decode is known, or the whole is not")
	}
	f := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.1*want { // one of every eight is kept
			t.Errorf("%s is %.4g, want %.4g", what, got, want)
		}
	}
	f("requests", c.Throughput.Requests, 4)
	f("tokens", c.Throughput.OutputTokens, 40)
	f("ttft", *c.Metrics["ttft"].Avg, 100)
	f("judged", float64(c.Goodput.Requests)*float64(kept.Every), 0.75*requests)
	// What is selected by tags is of the whole case, whatever its window.
	if s := selected.Finish(result.Counts{}, nil, metrics.Rules{}); s.Metrics["ttft"] == nil || s.Metrics["ttft"].N != requests/4 || s.Throughput.Requests == 0 {
		t.Errorf("selected: %+v", s.Metrics["ttft"])
	}
	for i, share := range []float64{3, 1} {
		p := parts[i].Finish(result.Counts{}, map[string][]string{"ttft": {"count<2000"}}, metrics.Rules{})
		f("part's requests", p.Throughput.Requests, share)
		f("part's tokens", p.Throughput.OutputTokens, 10*share)
		if p.Metrics["ttft"].N > requests/4 || !p.Thresholds[0].OK || p.Windows != nil || p.Counts.Requests != int64(share)*requests/4 {
			t.Errorf("part %d: ttft of %d, %+v, %+v", i, p.Metrics["ttft"].N, p.Thresholds, p.Counts)
		}
		if i == 0 && (p.Goodput == nil || p.Goodput.Good != 0 || p.Goodput.Requests == 0) {
			t.Errorf("part %d: %+v", i, p.Goodput)
		}
	}
}
