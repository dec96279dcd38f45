package metrics_test

import (
	"encoding/json"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Records that are gone through again give the numbers of the case that ran, to the
// microsecond: those that a recorder keeps, and those of a file, in any order.
func TestRecompute(t *testing.T) {
	slos := metrics.SLOs{"ttft": 60, "e2el": 700, "ttft_from_schedule": 80}
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		r := metrics.NewRecorder(metrics.Options{KeptBytes: metrics.KeptBytes, SLOs: slos})
		began := time.Now()
		var all []request
		for i := range 400 {
			all = append(all, someRequest(rng, r, began, i))
		}
		play(r, all)
		live := r.Finish(result.Counts{}, nil, metrics.Rules{})

		var lines []*result.Request
		for rec := range r.Requests() {
			q := new(result.Request)
			metrics.Describe(q, rec)
			text, err := json.Marshal(q)
			if err != nil {
				t.Fatal(err)
			}
			back := new(result.Request)
			if err := json.Unmarshal(text, back); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, back)
		}
		rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		file := func(yield func(*metrics.Record) bool) {
			for _, q := range lines {
				if !yield(metrics.Restore(q)) {
					return
				}
			}
		}
		for name, requests := range map[string]iter.Seq[*metrics.Record]{"kept": r.Requests(), "file": file} {
			again := metrics.Recompute(requests, metrics.Options{SLOs: slos})
			sameCase(t, name, again, live)
		}
		if live.Metrics["itl_decode"].N < 100 || live.Metrics["ttft_upper_bound"].N < 5 || live.Goodput.Good < 20 || live.Counts.RequestsFailed < 10 {
			t.Errorf("too little to prove anything: %+v", live.Metrics)
		}
	})
}

// someRequest is a request of any kind, for the case that a recorder is of.
func someRequest(rng *rand.Rand, r *metrics.Recorder, began time.Time, i int) request {
	q := request{kind: []metrics.Kind{metrics.KindLLM, metrics.KindLLM, metrics.KindLLM, metrics.KindHTTP, metrics.KindPooling}[rng.IntN(5)]}
	q.start = float64(i)*60 + math.Round(rng.Float64()*1e6)/1e6
	q.head = q.start + 1.25
	at := q.start + 10 + 50*rng.Float64()
	spreads := []float64{0, 0.2, 30}
	if q.kind == metrics.KindLLM {
		for n := range 1 + rng.IntN(12) {
			q.events, q.lags = append(q.events, at), append(q.lags, math.Round(100*rng.Float64())/1000)
			q.reads = append(q.reads, uint64(1+n))
			q.spreads = append(q.spreads, 0)
			if rng.IntN(5) == 0 { // another one in the same read
				spread := spreads[rng.IntN(3)]
				q.spreads[len(q.spreads)-1] = spread
				q.events, q.lags = append(q.events, at), append(q.lags, 0.004)
				q.reads, q.spreads = append(q.reads, uint64(1+n)), append(q.spreads, spread)
			}
			at += 0.3 + 20*rng.Float64()
		}
	}
	q.end = at + 0.5
	if rng.IntN(8) == 0 {
		q.err = []string{"truncated", "interrupted", "http_status"}[rng.IntN(3)]
	}
	begun := new(atomic.Bool)
	if rng.IntN(6) == 0 {
		begun.Store(true) // not its iteration's first request
	}
	scheduled := began.Add(duration(q.start - 40*rng.Float64()))
	q.edit = func(rec *metrics.Record) {
		if rec.Iteration == nil {
			rec.Iteration = &metrics.Iteration{Recorder: r, Scenario: "chat", Index: i, Begun: begun}
		}
		if i%3 > 0 {
			rec.Iteration.Scheduled = scheduled
		}
		if begun.Load() == false {
			rec.Iteration.Begun = nil
		}
		rec.Sent, rec.BytesOut, rec.BytesIn = rec.Started.Add(30*time.Microsecond), 1000, int64(100*i)
		rec.Input = metrics.Count{N: 100 + i, Source: metrics.CountTokenizer}
		if i%4 > 0 && rec.Kind == metrics.KindLLM {
			rec.Output = metrics.Count{N: 2 * len(rec.Events), Source: metrics.CountUsage}
			rec.Reasoning = metrics.Count{N: 1, Source: metrics.CountUsage}
		}
		if i%10 == 0 {
			rec.DNS, rec.Connect, rec.TLS, rec.Resent = time.Millisecond, 2*time.Millisecond, 3*time.Millisecond, i%20 == 0
		}
	}
	return q
}

// sameCase compares what a case has of its requests.
func sameCase(t *testing.T, name string, got, want *result.Case) {
	t.Helper()
	near := func(a, b *float64) bool {
		if a == nil || b == nil {
			return a == b
		}
		return math.Abs(*a-*b) <= 0.0011 || math.Abs(*a-*b) <= 1e-5*math.Abs(*b)
	}
	want.Metrics = maps.Clone(want.Metrics)
	delete(want.Metrics, "iteration_failed")
	if g, w := slices.Sorted(maps.Keys(got.Metrics)), slices.Sorted(maps.Keys(want.Metrics)); !slices.Equal(g, w) {
		t.Errorf("%s: metrics %v, want %v", name, g, w)
		return
	}
	for metric, w := range want.Metrics {
		g := got.Metrics[metric]
		same := g.N == w.N && g.Kind == w.Kind && near(g.Avg, w.Avg) && near(g.Min, w.Min) && near(g.Max, w.Max) && near(g.Std, w.Std) && near(g.P50, w.P50) &&
			near(g.P99, w.P99) && near(g.Sum, w.Sum) && near(g.Rate, w.Rate) && near(g.PerSecond, w.PerSecond) && near(g.Missed, w.Missed)
		if metric == "decode_speed" { // a microsecond is much of a short time
			same = g.N == w.N
		}
		if !same {
			t.Errorf("%s: %s is %s, want %s", name, metric, text(g), text(w))
		}
	}
	seconds := func(a, b float64) bool { return math.Abs(a-b) < 1e-5*max(1, math.Abs(b)) }
	if !seconds(got.Throughput.OutputTokens, want.Throughput.OutputTokens) || !seconds(got.Throughput.TotalTokens, want.Throughput.TotalTokens) ||
		!seconds(got.Throughput.Requests, want.Throughput.Requests) || !seconds(got.Duration, want.Duration) {
		t.Errorf("%s: %+v in %v s, want %+v in %v s", name, got.Throughput, got.Duration, want.Throughput, want.Duration)
	}
	if text(got.Goodput.Missed) != text(want.Goodput.Missed) || got.Goodput.Good != want.Goodput.Good || got.Goodput.Requests != want.Goodput.Requests {
		t.Errorf("%s: goodput %s, want %s", name, text(got.Goodput), text(want.Goodput))
	}
	if text(got.Counts) != text(want.Counts) || text(got.TokenEvents) != text(want.TokenEvents) || text(got.Tokens) != text(want.Tokens) ||
		text(got.Connections) != text(want.Connections) || len(got.Errors) != len(want.Errors) || got.Growth.N != want.Growth.N || !seconds(got.Growth.Slope, want.Growth.Slope) {
		t.Errorf("%s:\n%s, want\n%s", name, text([]any{got.Counts, got.TokenEvents, got.Connections, got.Errors, got.Growth}), text([]any{want.Counts, want.TokenEvents, want.Connections, want.Errors, want.Growth}))
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
