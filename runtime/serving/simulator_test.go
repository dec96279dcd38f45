package serving_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"weir/runtime/result"
	"weir/runtime/serving"
	"weir/runtime/sim"
	"weir/runtime/transport"
)

// simulator starts a simulated service, and the target of its page.
func simulator(t *testing.T, change func(*sim.Config)) (*sim.Server, serving.Target) {
	t.Helper()
	cfg := sim.Default()
	cfg.Addr, cfg.TTFT, cfg.PrefillRate, cfg.ITL, cfg.MaxBatch = "127.0.0.1:0", 20*time.Millisecond, 10_000, 2*time.Millisecond, 4
	change(&cfg)
	server, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	clients := transport.NewClients(nil, nil)
	t.Cleanup(clients.Close)
	target, err := serving.At(clients, server.URL()+"/metrics", serving.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return server, target
}

// ask sends n requests at once and waits for their ends.
func ask(t *testing.T, url string, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			r, err := http.Post(url+"/v1/completions", "application/json", bytes.NewReader([]byte(`{"prompt":"a b c d e f g h i j","max_tokens":8,"stream":true}`)))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// What the simulator's page says of a case is what its log says.
func TestSimulator(t *testing.T) {
	server, target := simulator(t, func(c *sim.Config) { c.DraftTokens, c.AcceptRate = 3, 0.5 })
	page := func(scrape func() (*serving.Snapshot, error)) *serving.Snapshot {
		t.Helper()
		s, err := scrape()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	once := func() (*serving.Snapshot, error) { return serving.Scrape(t.Context(), target) }
	ask(t, server.URL(), 3) // a warm-up, of which the case must know nothing
	if err := server.Log().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Log().Reset()
	const n = 12
	before := page(once)
	ask(t, server.URL(), n)
	after := page(func() (*serving.Snapshot, error) { return serving.ScrapeIdle(t.Context(), target) })
	if err := server.Log().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	const clientTTFT = 1000.0
	client := clientTTFT
	s := serving.Compare(before, after, nil, &result.Case{Duration: 1, Counts: result.Counts{Requests: n}, Metrics: map[string]*result.Metric{"ttft": {Avg: &client}}})
	if s.Kind != "vllm+weir-sim" || s.Restarted || s.Error != "" || len(s.Notes) > 0 {
		t.Errorf("%+v", s)
	}
	if *s.Requests.Finished != n || s.Requests.Reasons["length"] != n || s.GenerationTokens.Tokens != n*8 || *s.Preemptions != 0 {
		t.Errorf("%+v %+v", s.Requests, s.GenerationTokens)
	}
	ttft := server.Log().TTFT()
	var queued []float64
	for _, r := range server.Log().Requests() {
		queued = append(queued, float64(r.Queued)/1e6)
	}
	f := func(name string, want float64, count int) {
		t.Helper()
		got := s.Times[name]
		if got == nil || *got.N != float64(count) || math.Abs(*got.Avg-want) > 1e-6 {
			t.Errorf("%s %+v, want %d of mean %g", name, got, count, want)
		}
	}
	f("ttft", mean(ttft), n)
	f("queue", mean(queued), n)
	f("itl", mean(server.Log().ITL()), len(server.Log().ITL()))
	if p := s.TTFT; !near(*p.Rest, clientTTFT-mean(ttft)) || !near(*p.Queue+*p.Prefill+*p.FrontEnd+*p.Rest, clientTTFT) || *p.Prefill < 20 || *p.FrontEnd < 0 {
		t.Errorf("%+v", p)
	}
	// The percentile that was interpolated is in the bucket of the true one.
	for _, e := range []struct {
		p    float64
		have *result.Estimate
	}{{50, s.Times["ttft"].P50}, {99, s.Times["ttft"].P99}} {
		within := 0
		for _, v := range ttft {
			if v <= *e.have.High {
				within++
			}
		}
		if float64(within) < e.p/100*n {
			t.Errorf("p%g at most %g ms, but %d of %d are", e.p, *e.have.High, within, n)
		}
	}
	x := s.Speculative
	if x == nil || *x.Rate < 0 || *x.Rate > 1 || *x.Length < 1 || *x.Length > 4 || len(x.PerPosition) != 3 || x.PerPosition[0] < x.PerPosition[2] {
		t.Fatalf("%+v", x)
	}
	if got := (x.PerPosition[0] + x.PerPosition[1] + x.PerPosition[2]) / 3; !near(got, *x.Rate) {
		t.Errorf("rates by position %v, together %g", x.PerPosition, *x.Rate)
	}
}

// A server that was started again says so by its clock.
func TestSimulatorRestarted(t *testing.T) {
	first, target := simulator(t, func(*sim.Config) {})
	ask(t, first.URL(), 1)
	before, err := serving.Scrape(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	time.Sleep(2 * time.Millisecond) // it tells milliseconds
	second, again := simulator(t, func(*sim.Config) {})
	ask(t, second.URL(), 5) // more than before
	after, err := serving.ScrapeIdle(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	if s := serving.Compare(before, after, nil, nil); !s.Restarted || s.Times != nil || s.Requests != nil {
		t.Errorf("%+v", s)
	}
	if _, err := serving.Scrape(t.Context(), target); err == nil {
		t.Error("a page of a server that is gone was read")
	}
}
