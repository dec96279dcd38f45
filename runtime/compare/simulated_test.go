package compare_test

import (
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/runtime/compare"
	"weir/runtime/race"
	"weir/runtime/result"
)

// simulated is a run of one case whose requests are drawn, not sent: n answers of a few
// tokens. slower is by how much all its latencies are longer than they were, drift one
// that the run as a whole has.
func simulated(kind string, n int, slower float64, rng *rand.Rand) *compare.Run {
	const tokens, parallel = 6, 16
	free := make([]float64, parallel) // when each user is free again, s
	e, wave, waveEnd, clock := rng.NormFloat64(), 0.0, 0.0, 0.0
	requests := make([]*result.Request, n)
	for i := range requests {
		var level, start float64 // of the logarithm of latencies; seconds
		switch kind {
		case "independent": // closed loop
			level = 0.3 * rng.NormFloat64()
			start = slices.Min(free)
		case "correlated": // open loop, and a service with good and bad times
			const rho = 0.8
			e = rho*e + math.Sqrt(1-rho*rho)*rng.NormFloat64()
			level = 0.3 * e
			clock += rng.ExpFloat64() * 0.02
			start = clock
		case "waves": // 16 at once, and the next when the last has ended
			if i%parallel == 0 {
				wave, clock = 0.2*rng.NormFloat64(), waveEnd
			}
			level = wave + 0.1*rng.NormFloat64() + 0.02*float64(i%parallel)
			start = clock
		}
		us := func(ms, spread float64) int64 {
			return int64(1000 * ms * math.Exp(level+spread*rng.NormFloat64()) * (1 + slower))
		}
		q := &result.Request{
			Case: 1, CaseName: kind, Kind: "llm", Iteration: i, Started: 1e18 + int64(start*1e9), Status: 200, FinishReason: "length",
			InputTokens: &result.TokenCount{N: 100, Source: "usage"}, OutputTokens: &result.TokenCount{N: tokens, Source: "usage"},
			TokenGaps: []int64{us(80, 0.1)},
		}
		end := q.TokenGaps[0]
		for range tokens - 1 {
			q.TokenGaps = append(q.TokenGaps, us(20, 0.2))
			end += q.TokenGaps[len(q.TokenGaps)-1]
		}
		q.End = &end
		if rng.Float64() < 0.01 {
			q.Error = &result.RequestError{Kind: "truncated", Message: "cut off"}
		}
		ended := start + float64(end)/1e6
		free[slices.Index(free, slices.Min(free))] = ended
		waveEnd = max(waveEnd, ended)
		requests[i] = q
	}
	return runOf(kind, requests)
}

// runOf makes a run of the requests of one case.
func runOf(name string, requests []*result.Request) *compare.Run {
	n := int64(len(requests))
	first, last := int64(math.MaxInt64), int64(0)
	for _, q := range requests {
		first, last = min(first, q.Started), max(last, q.Started+*q.End*1000)
	}
	seconds := float64(last-first) / 1e9
	ttft := 0.0
	for _, q := range requests {
		ttft += float64(q.TokenGaps[0]) / 1000 / float64(n)
	}
	of := func(n int64) *result.Metric {
		return &result.Metric{Kind: "distribution", Unit: "ms", N: n, Avg: new(1.0)}
	}
	c := &result.Case{
		Name: name, Tags: map[string]any{"rate": 8}, Duration: seconds, Counts: result.Counts{Requests: n},
		Metrics: map[string]*result.Metric{
			"ttft": {Kind: "distribution", Unit: "ms", N: n, Avg: &ttft}, "tpot": of(n), "itl": of(5 * n), "e2el": of(n),
			"generated_tokens": {Kind: "counter", Unit: "tokens", N: n},
			"request_failed":   {Kind: "rate", N: n, Rate: new(0.0)},
		},
		Throughput: result.Throughput{Requests: float64(n) / seconds, OutputTokens: 6 * float64(n) / seconds},
		Validity:   result.Validity{Verdict: result.Valid},
	}
	return &compare.Run{
		Name: name, Result: &result.Result{Schema: 1, Script: result.Script{Name: "s"}, Started: time.Unix(1e9, 0), Cases: []*result.Case{c}},
		Requests: sequence(requests),
	}
}

func sequence(requests []*result.Request) iter.Seq2[*result.Request, error] {
	return func(yield func(*result.Request, error) bool) {
		for _, q := range requests {
			if !yield(q, nil) {
				return
			}
		}
	}
}

// outcomes counts, over pairs of runs, how often each row had a verdict, and how often
// any had.
func outcomes(t *testing.T, pairs int, base, new func(rng *rand.Rand) []*compare.Run, verdicts ...compare.Verdict) (rows map[string]int, any int) {
	t.Helper()
	rows = map[string]int{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for seed := range pairs {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			rng := rand.New(rand.NewPCG(uint64(seed), 7))
			c, err := compare.Compare(base(rng), new(rng), compare.Options{Confidence: 0.95, Resamples: 200, Seed: uint64(seed)})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			hit := 0
			for _, r := range c.Cases[0].Rows {
				rows[r.Label()] += 0
				if slices.Contains(verdicts, r.Verdict) {
					rows[r.Label()]++
					hit = 1
				}
			}
			any += hit
		})
	}
	wait.Wait()
	return rows, any
}

func repeated(kind string, runs, n int, slower, between float64) func(*rand.Rand) []*compare.Run {
	return func(rng *rand.Rand) (list []*compare.Run) {
		for range runs {
			list = append(list, simulated(kind, n, (1+slower)*math.Exp(between*rng.NormFloat64())-1, rng))
		}
		return list
	}
}

// Where nothing has changed, at most 5 % of comparisons say so of any row, whether
// requests are independent, alike in time, or come in waves, and whether or not runs
// differ from each other.
func TestFalseAlarms(t *testing.T) {
	pairs := 200
	if race.Enabled {
		pairs = 20
	}
	f := func(kind string, runs, n int, between float64) {
		t.Helper()
		side := repeated(kind, runs, n, 0, between)
		rows, any := outcomes(t, pairs, side, side, compare.Better, compare.Worse, compare.Differs)
		t.Logf("%-12s %d × %4d requests: %d of %d pairs, rows %v", kind, runs, n, any, pairs, rows)
		if any > pairs/20 && !race.Enabled { // of few pairs, as many may be
			t.Errorf("%s, %d × %d requests: a difference in %d of %d pairs without any", kind, runs, n, any, pairs)
		}
		if len(rows) < 12 {
			t.Errorf("only %d rows", len(rows))
		}
	}
	f("independent", 1, 400, 0)
	f("correlated", 1, 400, 0)
	f("waves", 1, 400, 0)
	f("waves", 5, 100, 0.05)
}

// A change of 10 % is found.
func TestPower(t *testing.T) {
	pairs := 25
	if race.Enabled {
		pairs = 5
	}
	f := func(kind string, runs, n int, between float64, rows ...string) {
		t.Helper()
		got, _ := outcomes(t, pairs, repeated(kind, runs, n, 0, between), repeated(kind, runs, n, 0.1, between), compare.Worse)
		t.Logf("%-12s %d × %4d requests: of %d pairs %v", kind, runs, n, pairs, got)
		for _, row := range rows {
			if got[row] < pairs*8/10 {
				t.Errorf("%s, %d × %d requests: 10 %% more in %s was found in %d of %d pairs", kind, runs, n, row, got[row], pairs)
			}
		}
	}
	f("independent", 1, 400, 0, "ttft avg ms", "ttft p50 ms", "e2el avg ms", "itl avg ms", "tpot avg ms")
	f("independent", 1, 1600, 0, "throughput req/s", "throughput output tok/s", "e2el p90 ms")
	f("correlated", 1, 2500, 0, "ttft avg ms", "e2el avg ms")
	f("waves", 1, 3000, 0, "ttft avg ms", "e2el avg ms")
	f("waves", 5, 640, 0.02, "ttft avg ms", "e2el avg ms")
}
