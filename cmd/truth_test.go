package cmd

import (
	"context"
	"encoding/json"
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
// of streams, through the whole program.
func measure(t *testing.T, streams, waves, tokens int) measured {
	t.Helper()
	config := sim.Default()
	config.TTFT, config.ITL, config.ITLSlope, config.Jitter = 50*time.Millisecond, 10*time.Millisecond, 0, 0.1
	config.MaxBatch, config.LogRequests = streams, streams*waves
	server, err := sim.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	at, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "out")
	if code := Main([]string{"run", "static", "--out", folder, "--progress", "none", "--no-summary",
		"--host", at.Hostname(), "--port", at.Port(), "--warmup", "0", "--epochs", strconv.Itoa(waves), "--parallel-num", strconv.Itoa(streams),
		"--request-rate", "200", "--prompt-tokens", "32", "--output-tokens", strconv.Itoa(tokens), "--benchmark-csv", filepath.Join(t.TempDir(), "table.csv")},
		io.Discard, t.Output()); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	text, err := os.ReadFile(filepath.Join(folder, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	var found result.Result
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := server.Log().Wait(ctx); err != nil {
		t.Fatal(err)
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
	m := measure(t, streams, waves, tokens)
	c := m.result
	if c.Counts.Requests != streams*waves || c.Counts.RequestsFailed != 0 {
		t.Fatalf("counts %+v", c.Counts)
	}
	// Where the client is kept from reading, several events come in one read: they
	// are counted, and what was between them is one gap.
	events, itl := c.TokenEvents, c.Metrics["itl"]
	all := int64(streams * waves * tokens)
	if gaps, found := all-streams*waves, itl.N+events.Shared; events.All != all || found > gaps || found+events.ReadLate < gaps {
		t.Errorf("%+v and %d gaps, want %d events, and %d gaps that are there, shared or read late", events, itl.N, all, gaps)
	}
	if avg := *c.Metrics["output_tokens"].Avg; avg != tokens {
		t.Errorf("%v output tokens a request, want %d", avg, tokens)
	}
	// A request is received after it was started, and an event arrives after it
	// was sent: the client's TTFT cannot be shorter than the truth.
	ttft := c.Metrics["ttft"]
	if ttft.N+events.FirstShared != streams*waves {
		t.Errorf("TTFT of %d requests, %d shared; there were %d requests", ttft.N, events.FirstShared, streams*waves)
	}
	if d := *ttft.Avg - m.ttft; events.FirstShared == 0 && (d < -0.1 || d > 20) {
		t.Errorf("TTFT is reported as %.3f ms on average, the truth is %.3f ms", *ttft.Avg, m.ttft)
	}
	reported := *itl.Avg * float64(itl.N) / float64(itl.N+events.Shared-events.ReadLate) // the gaps' sum over what was sent
	if math.Abs(reported-m.itl) > 2 {
		t.Errorf("ITL is reported as %.3f ms on average, the truth is %.3f ms", reported, m.itl)
	}
}
