//go:build !race

package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/result"
	"weir/runtime/serving"
	"weir/runtime/telemetry"
)

// page is a page of vLLM's metrics.
func page(requests int, running float64) []byte {
	return fmt.Appendf(nil, "# TYPE vllm:request_success_total counter\nvllm:request_success_total{finished_reason=\"stop\",model_name=\"m\"} %d\n"+
		"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} %g\n", requests, running)
}

// A case has the difference of the pages just before and just after it, and the gauges
// of those in between.
func TestServices(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f, err := result.CreateFolder(dir, "script", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		h := telemetry.NewHub(telemetry.Config{Samples: f.CreateSamples})
		target := serving.Target{URL: "http://service/metrics", Fetch: func(context.Context) ([]byte, error) {
			s := time.Since(began).Seconds()
			running := s
			if s > 20 {
				running = 0
			}
			return page(int(10*s), running), nil
		}}
		h.AddService(target)
		h.AddService(target) // is the same
		h.Begin(t.Context())
		time.Sleep(10500 * time.Millisecond)
		w := h.OpenCase(t.Context(), 1)
		time.Sleep(10 * time.Second)
		w.Close(t.Context())
		var c result.Case
		w.Describe(&c)
		var r result.Result
		h.End(&r)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if len(c.Server) != 1 {
			t.Fatalf("%+v", c.Server)
		}
		s := c.Server[0]
		if s.URL != target.URL || s.Error != "" || s.Polls != 10 || s.Requests == nil || *s.Requests.Finished != 100 {
			t.Errorf("%+v %+v", s, s.Requests)
		}
		if got, want := s.Gauges["running"], (result.ValueStat{N: 10, Avg: 15.5, Min: 11, Max: 20}); got != want {
			t.Errorf("running %+v, want %+v", got, want)
		}
		if len(r.Monitors) != 1 || r.Monitors[0].Source != target.URL || r.Monitors[0].Readings != 21 {
			t.Errorf("%+v", r.Monitors)
		}
	})
	var cases strings.Builder
	for s, err := range result.ReadSamples(filepath.Join(dir, result.SamplesName)) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != "service" || s.Source != "http://service/metrics" {
			t.Errorf("%+v", s)
		}
		fmt.Fprint(&cases, s.Case)
	}
	if want := strings.Repeat("0", 11) + strings.Repeat("1", 10); cases.String() != want {
		t.Errorf("cases %s, want %s", cases.String(), want)
	}
}

// A page that cannot be had does not keep the case waiting, and is told of.
func TestServiceFails(t *testing.T) {
	f := func(fetch func(context.Context) ([]byte, error), wait time.Duration, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := telemetry.NewHub(telemetry.Config{})
			h.AddService(serving.Target{URL: "http://service/metrics", Fetch: fetch})
			h.Begin(t.Context())
			began := time.Now()
			w := h.OpenCase(t.Context(), 1)
			opened := time.Since(began)
			time.Sleep(10 * time.Second)
			began = time.Now()
			w.Close(t.Context())
			if closed := time.Since(began); opened != wait || closed != wait {
				t.Errorf("waited %v before and %v after the case, want %v", opened, closed, wait)
			}
			var c result.Case
			w.Describe(&c)
			if len(c.Server) != 1 || !strings.Contains(c.Server[0].Error, want) {
				t.Errorf("%+v, want %q", c.Server, want)
			}
			h.End(&result.Result{})
		})
	}
	f(func(context.Context) ([]byte, error) { return nil, errors.New("connection refused") }, 0, "just before the case: page of server metrics http://service/metrics: connection refused")
	f(func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }, 2*time.Second, "deadline exceeded")
	began := time.Time{}
	f(func(context.Context) ([]byte, error) {
		if began.IsZero() {
			began = time.Now()
		}
		if time.Since(began) > 5*time.Second {
			return nil, errors.New("connection refused")
		}
		return page(1, 0), nil
	}, 0, "just after the case: ")
}

// Of a case that lasts for hours, not all pages are kept, but all count.
func TestManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		n := 0.0
		h.AddService(serving.Target{URL: "http://service/metrics", Fetch: func(context.Context) ([]byte, error) { n++; return page(int(n), n), nil }})
		h.Begin(t.Context())
		time.Sleep(500 * time.Millisecond)
		w := h.OpenCase(t.Context(), 1)
		time.Sleep(3 * time.Hour)
		w.Close(t.Context())
		var c result.Case
		w.Describe(&c)
		h.End(&result.Result{})
		// The first page is from before, the second one of OpenCase.
		if s := c.Server[0]; s.Polls != 3*3600 || s.Gauges["running"] != (result.ValueStat{N: 3 * 3600, Avg: 2 + (3*3600+1)/2.0, Min: 3, Max: 3*3600 + 2}) {
			t.Errorf("%d polls, %+v", s.Polls, s.Gauges)
		}
	})
}

// A line of a page that cannot be read is told once, and the rest is read.
func TestServiceUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		h := telemetry.NewHub(telemetry.Config{Say: func(message string) { said = append(said, message) }})
		h.AddService(serving.Target{URL: "http://service/metrics", Fetch: func(context.Context) ([]byte, error) {
			return append(page(1, 2), "vllm:odd{ 7"+strings.Repeat("7", 1<<20)+"\n"...), nil
		}})
		h.Begin(t.Context())
		time.Sleep(3500 * time.Millisecond)
		var r result.Result
		h.End(&r)
		m := r.Monitors[0]
		if m.Readings != 4 || len(m.Unread) != 1 || !strings.HasPrefix(m.Unread[0], "vllm:odd{ 7") || len(m.Unread[0]) > 1000 {
			t.Errorf("%.500s", fmt.Sprintf("%+v", m))
		}
		if len(said) != 1 || !strings.Contains(said[0], "could not be read") {
			t.Errorf("%.500s", fmt.Sprint(said))
		}
	})
}
