package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"weir/runtime/result"
	"weir/runtime/sim"
)

// measured is what weir said of a run, and what the simulator knows of it.
type measured struct {
	result    *result.Case
	ttft, itl float64 // true means, ms: from the request's receipt to just before the write
}

// measure plays the static scenario against a simulator with the given number
// of streams, through the whole program. rate is the starts per second inside a
// wave, "inf" for all at once.
func measure(tb testing.TB, streams, waves, tokens int, rate string) measured {
	tb.Helper()
	config := sim.Default()
	config.TTFT, config.ITL, config.ITLSlope, config.Jitter = 50*time.Millisecond, 10*time.Millisecond, 0, 0.1
	config.MaxBatch, config.LogRequests = streams, streams*waves
	server, err := sim.Start(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	defer server.Close()
	at, err := url.Parse(server.URL())
	if err != nil {
		tb.Fatal(err)
	}
	folder := filepath.Join(tb.TempDir(), "out")
	if code := Main([]string{"run", "static", "--out", folder, "--progress", "none", "--no-summary",
		"--host", at.Hostname(), "--port", at.Port(), "--warmup", "0", "--epochs", strconv.Itoa(waves), "--parallel-num", strconv.Itoa(streams),
		"--request-rate", rate, "--prompt-tokens", "32", "--output-tokens", strconv.Itoa(tokens), "--benchmark-csv", filepath.Join(tb.TempDir(), "table.csv")},
		io.Discard, tb.Output()); code != 0 {
		tb.Fatalf("exit code %d", code)
	}
	text, err := os.ReadFile(filepath.Join(folder, "result.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var found result.Result
	if err := json.Unmarshal(text, &found); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := server.Log().Wait(ctx); err != nil {
		tb.Fatal(err)
	}
	return measured{found.Cases[0], mean(server.Log().TTFT()), mean(server.Log().ITL())}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// TestTruth holds the reported averages against the simulator's log of what it
// really sent and when. On an idle machine they agree within a millisecond
// (make bench shows it); the bounds here are wide, so that a busy one does not
// fail the test, and still far below the 50 ms and 10 ms that are measured.
func TestTruth(t *testing.T) {
	const streams, waves, tokens = 32, 2, 40
	m := measure(t, streams, waves, tokens, "200")
	c := m.result
	if c.Counts.Requests != streams*waves || c.Counts.RequestsFailed != 0 {
		t.Fatalf("counts %+v", c.Counts)
	}
	if n := c.Metrics["itl"].N; n != streams*waves*(tokens-1) {
		t.Errorf("%d gaps, want %d", n, streams*waves*(tokens-1))
	}
	if avg := *c.Metrics["output_tokens"].Avg; avg != tokens {
		t.Errorf("%v output tokens a request, want %d", avg, tokens)
	}
	// A request is received after it was started, and an event arrives after it
	// was sent: the client's TTFT cannot be shorter than the truth.
	if d := *c.Metrics["ttft"].Avg - m.ttft; d < 0 || d > 20 {
		t.Errorf("TTFT is reported as %.3f ms on average, the truth is %.3f ms", *c.Metrics["ttft"].Avg, m.ttft)
	}
	if d := *c.Metrics["itl"].Avg - m.itl; math.Abs(d) > 2 {
		t.Errorf("ITL is reported as %.3f ms on average, the truth is %.3f ms", *c.Metrics["itl"].Avg, m.itl)
	}
}

// BenchmarkTruth reports how far off the averages are. With all streams started
// at once the client waits for the simulator to read its requests, one after
// another on the same processors; spaced starts show the client's own error.
func BenchmarkTruth(b *testing.B) {
	for _, streams := range []int{1, 32, 100} {
		for _, rate := range []string{"inf", "200"} {
			b.Run(fmt.Sprintf("streams=%d/rate=%s", streams, rate), func(b *testing.B) {
				var ttft, itl float64
				for b.Loop() {
					m := measure(b, streams, 2, 100, rate)
					ttft += *m.result.Metrics["ttft"].Avg - m.ttft
					itl += *m.result.Metrics["itl"].Avg - m.itl
				}
				b.ReportMetric(ttft/float64(b.N), "ttft-error-ms")
				b.ReportMetric(itl/float64(b.N), "itl-error-ms")
				b.ReportMetric(0, "ns/op") // the time is the simulator's
			})
		}
	}
}
