package cmd

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"weir/runtime/result"
)

// drawn writes the folder of a run that was never made: drawn FOLDER TPOT-MS MODEL.
// Its 400 requests are drawn, so that no machine's mood decides what a comparison says.
func drawn() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "drawn:", err)
			os.Exit(1)
		}
	}
	tpot, err := strconv.ParseFloat(os.Args[2], 64)
	fail(err)
	const n, tokens = 400, 6
	folder, err := result.CreateFolder(os.Args[1], "drawn", time.Now())
	fail(err)
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	distribution := func(avg float64) *result.Metric {
		return &result.Metric{Kind: "distribution", Unit: "ms", N: n, Avg: &avg, P50: &avg, Estimator: "exact"}
	}
	c := &result.Case{
		Name: "4 users", Tags: map[string]any{"users": 4, "seed": rand.Int32()}, Started: began, Duration: 20, Counts: result.Counts{Requests: n},
		Metrics: map[string]*result.Metric{
			"ttft": distribution(40), "tpot": distribution(tpot), "e2el": distribution(40 + 5*tpot),
			"generated_tokens": {Kind: "counter", Unit: "tokens", N: n}, "request_failed": {Kind: "rate", N: n, Rate: new(0.0)},
		},
		Throughput: result.Throughput{Requests: 20, OutputTokens: 120}, Validity: result.Validity{Verdict: result.Valid},
	}
	r := &result.Result{Schema: result.Schema, Script: result.Script{Name: "drawn"}, Params: map[string]any{"model": os.Args[3]}, Started: began}
	r.Add(c)
	text, err := json.Marshal(r)
	fail(err)
	fail(os.WriteFile(filepath.Join(folder.Dir, result.FileName), text, 0o644))

	file, err := folder.CreateRequests()
	fail(err)
	seed, _ := strconv.ParseUint(fmt.Sprintf("%x", folder.Dir), 16, 64)
	rng := rand.New(rand.NewPCG(seed, 1))
	at := began.UnixNano()
	for i := range n {
		us := func(ms float64) int64 { return int64(1000 * ms * math.Exp(0.05*rng.NormFloat64())) }
		q := &result.Request{
			Case: 1, CaseName: c.Name, Kind: "llm", Iteration: i, Started: at, Status: 200, FinishReason: "length", Model: os.Args[3], Stamp: "kernel",
			InputTokens: &result.TokenCount{N: 100, Source: "usage"}, OutputTokens: &result.TokenCount{N: tokens, Source: "usage"},
			TokenGaps: []int64{us(40)},
		}
		end := q.TokenGaps[0]
		for range tokens - 1 {
			q.TokenGaps = append(q.TokenGaps, us(tpot))
			end += q.TokenGaps[len(q.TokenGaps)-1]
		}
		q.End = &end
		at += end * 1000
		file.Add(q)
	}
	fail(file.Close())
}
