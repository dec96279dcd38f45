package serving_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/result"
	"weir/runtime/serving"
	"weir/runtime/transport"
)

// Pages that are none say what came, and what to do.
func TestScrapeSadPaths(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := serving.Scrape(t.Context(), pageOf(text))
		if err == nil {
			t.Errorf("%q was read", text)
			return
		}
		for _, part := range []string{"http://server/metrics: ", want, "--enable-metrics", "--metrics-url"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s\nwant %q in it", err, part)
			}
		}
	}
	f("", "it has no metrics")
	f("<html><p>Not here</p></html>", "it has no metrics") // its one line was left out
	f(strings.Repeat("<p>not here</p>\n", 200), "no page of Prometheus metrics")
	f("{\"iter\": 3}\n", "it has no metrics")
	f("go_goroutines 7\nhttp_requests_total 3\n", `its names are of no server that weir knows, such as "http_requests_total"`)
	failed := serving.Target{URL: "http://server/metrics", Fetch: func(context.Context) ([]byte, error) { return nil, errors.New("refused") }}
	if _, err := serving.Scrape(t.Context(), failed); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

// A page is fetched on a connection of its own, and what is no page says why.
func TestAt(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			w.Write([]byte("vllm:num_requests_running 3\n"))
		case "/large":
			for range 17 {
				w.Write(make([]byte, 1<<20))
			}
		case "/busy":
			http.Error(w, "try again", http.StatusServiceUnavailable)
		case "/locked":
			http.Error(w, "no", http.StatusUnauthorized)
		case "/slow":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	f := func(path string, wait time.Duration, want string) {
		t.Helper()
		target, err := serving.At(clients, server.URL+path, serving.Request{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		s, err := serving.Scrape(ctx, target)
		got := ""
		if err != nil {
			got = err.Error()
		} else if s.Gauges()["running"] != 3 || s.URL != target.URL || s.At.IsZero() {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		// Of a page that is there, nobody wants to hear which flag makes it.
		if missing := path == "/gone"; err != nil && missing != strings.Contains(got, "--enable-metrics") {
			t.Errorf("%s: %s", path, got)
		}
	}
	before := connections.Load()
	for range 3 {
		f("/metrics?model=secret", time.Minute, "")
	}
	if n := connections.Load() - before; n != 3 {
		t.Errorf("3 pages came on %d connections", n)
	}
	f("/gone", time.Minute, server.URL+"/gone: the answer is status 404 Not Found")
	f("/large", time.Minute, "it is larger than 16 MiB")
	f("/busy", time.Minute, "/busy: the answer is status 503 Service Unavailable")
	f("/locked", time.Minute, "/locked: the answer is status 401 Unauthorized (a page is asked for as")
	f("/slow", 100*time.Millisecond, "/slow: it has not come within")
	if _, err := serving.At(clients, "metrics", serving.Request{}); err == nil {
		t.Error("a URL without a host was taken")
	}
}

// After a load the server is given time to count what has ended.
func TestScrapeIdle(t *testing.T) {
	f := func(busyFor time.Duration, pages int, took time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			began, n := time.Now(), 0
			target := serving.Target{URL: "http://server/metrics", Fetch: func(context.Context) ([]byte, error) {
				n++
				if time.Since(began) < busyFor {
					return []byte("vllm:num_requests_running 1\n"), nil
				}
				return []byte("vllm:num_requests_running 0\n"), nil
			}}
			if _, err := serving.ScrapeIdle(t.Context(), target); err != nil {
				t.Fatal(err)
			}
			if n != pages || time.Since(began) != took {
				t.Errorf("busy for %s: %d pages in %s, want %d in %s", busyFor, n, time.Since(began), pages, took)
			}
		})
	}
	f(0, 1, 0)
	f(120*time.Millisecond, 4, 150*time.Millisecond)
	f(time.Hour, 22, 1050*time.Millisecond) // others use it
	// The page that has come counts, when a later one does not.
	n := 0
	target := serving.Target{URL: "http://server/metrics", Fetch: func(context.Context) ([]byte, error) {
		if n++; n > 1 {
			return nil, errors.New("gone")
		}
		return []byte("vllm:num_requests_running 2\n"), nil
	}}
	if s, err := serving.ScrapeIdle(t.Context(), target); err != nil || s.Gauges()["running"] != 2 || n != 2 {
		t.Errorf("%v, %v after %d pages", s, err, n)
	}
}

// Any page is read without a panic, and what comes of it can be written.
func FuzzScrape(f *testing.F) {
	paths, _ := filepath.Glob("../../testdata/server-metrics/*.prom")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 8<<10 {
			f.Add(text, []byte(unused(string(text))))
		}
	}
	f.Add([]byte("vllm:prompt_tokens_total{a=\"\x00\"} 1e308\n"), []byte("vllm:prompt_tokens_total -1e308\nvllm:num_requests_running NaN\n"))
	f.Add([]byte("# TYPE sglang:queue_time_seconds histogram\nsglang:queue_time_seconds_bucket{le=\"-Inf\"} 3\nsglang:queue_time_seconds_bucket{le=\"-1\"} 2\nsglang:queue_time_seconds_count 4\n"), []byte("sglang:x 1"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		a, errA := serving.Scrape(t.Context(), pageOf(string(before)))
		b, errB := serving.Scrape(t.Context(), pageOf(string(after)))
		var polls []*serving.Snapshot
		if errA == nil {
			polls = append(polls, a.Slim())
		}
		if errB == nil {
			polls = append(polls, b.Slim())
		}
		s := serving.Compare(a, b, polls, nil)
		for name, v := range s.Times {
			for _, e := range []*result.Estimate{v.P50, v.P90, v.P95, v.P99} {
				if e != nil && (e.Value < e.Low || e.High != nil && e.Value > *e.High) {
					t.Errorf("%s: %+v is not within its bounds", name, e)
				}
			}
		}
		if _, err := json.Marshal(s); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	})
}
