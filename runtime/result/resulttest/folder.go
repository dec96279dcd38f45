package resulttest

import (
	"iter"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"weir/runtime/result"
)

// Folder writes a finished run with its requests and its samples of telemetry, and
// opens it as a reader does. Without requests, or without samples, there is no such file.
func Folder(t testing.TB, r *result.Result, requests iter.Seq[*result.Request], samples iter.Seq[*result.Sample]) *result.Run {
	t.Helper()
	f, err := result.CreateFolder(filepath.Join(t.TempDir(), "run"), "test", Began)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.Write(r))
	if requests != nil {
		to, err := f.CreateRecords()
		must(err)
		for q := range requests {
			to.Add(q)
		}
		must(to.Close())
	}
	if samples != nil {
		to, err := f.CreateSamples()
		must(err)
		for s := range samples {
			to.Add(s)
		}
		must(to.Close())
	}
	run, err := result.Open(f.Dir)
	must(err)
	return run
}

// Load is a load that never was: requests that start evenly, with latencies that have
// tails and some failures. The same Load gives the same requests.
type Load struct {
	Case     int           // number in the run
	Requests int           //
	Tokens   int           // of each answer
	Every    time.Duration // between two starts
	TTFT     time.Duration // median
	ITL      time.Duration // median
	Fail     int           // every so many one fails; 0: none
}

// Duration is how long the case takes, about.
func (l Load) Duration() time.Duration {
	return time.Duration(l.Requests)*l.Every + l.TTFT + time.Duration(l.Tokens)*l.ITL
}

// All yields the requests. What is yielded is used again.
func (l Load) All() iter.Seq[*result.Request] {
	return func(yield func(*result.Request) bool) {
		random := rand.New(rand.NewPCG(1, uint64(l.Case)))
		q := new(result.Request)
		for i := range l.Requests {
			l.request(q, i, random)
			if !yield(q) {
				return
			}
		}
	}
}

func (l Load) request(q *result.Request, i int, random *rand.Rand) {
	around := func(median time.Duration) int64 {
		return max(1, int64(float64(median.Microseconds())*(0.8+0.1*random.ExpFloat64()+0.1*random.Float64())))
	}
	at := Began.Add(time.Duration(i) * l.Every)
	*q = result.Request{
		Case: l.Case, CaseName: "load", Scenario: "default", Iteration: i, VU: i % 64, Kind: "llm",
		ScheduledAt: at.UnixNano(), Started: at.UnixNano(), Scheduled: new(-around(100 * time.Microsecond)),
		Sent: new(int64(30)), Reused: true, BytesOut: 1200, BytesIn: 20000, Status: 200, FinishReason: "length",
		InputTokens: &result.TokenCount{N: 512, Source: "usage"}, OutputTokens: &result.TokenCount{N: l.Tokens, Source: "usage"},
		Stamp: "kernel", TokenGaps: q.TokenGaps[:0],
	}
	end := int64(0)
	if l.Fail > 0 && i%l.Fail == l.Fail-1 {
		q.Status, q.FinishReason, q.OutputTokens = 503, "", nil
		q.Error = &result.RequestError{Kind: []string{"http_status", "head_timeout"}[i/l.Fail%2], Message: "the service answered 503: overloaded"}
		end = around(l.TTFT)
	} else {
		for k := range l.Tokens {
			gap := around(l.ITL)
			if k == 0 {
				gap = around(l.TTFT)
			}
			q.TokenGaps = append(q.TokenGaps, gap)
			end += gap
		}
		q.Head, q.Output = new(q.TokenGaps[0]/2), &q.TokenGaps[0]
	}
	q.End, q.EndedAt = new(end+200), at.UnixNano()+(end+200)*1000
}
