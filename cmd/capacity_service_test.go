package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/runtime/result"
)

// mortal answers with so many tokens until it has answered so many requests;
// from then on it closes connections, keeps them waiting first, or refuses every
// second request.
type mortal struct {
	tokens, requests int64
	waits, refuses   bool
	seen             atomic.Int64
	waiting          atomic.Int64
	end              chan struct{} // of the wait
}

func (s *mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if r.Method == http.MethodGet { // it says nothing of itself
		http.NotFound(w, r)
		return
	}
	if n := s.seen.Add(1); n > s.requests && s.refuses {
		time.Sleep(30 * time.Millisecond)
		if n%2 == 0 {
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
			return
		}
	} else if n > s.requests {
		if s.waits {
			s.waiting.Add(1)
			<-s.end
		}
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for range s.tokens {
		fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{"content":" a"}}]}`+"\n\n")
		w.(http.Flusher).Flush()
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintf(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":16,"completion_tokens":%d}}`+"\n\ndata: [DONE]\n\n", s.tokens)
}

// What find-capacity says when it cannot find an answer: what it knows until then.
func TestFindCapacityWithoutAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		service   *mortal
		args      string
		interrupt bool
		code      int
		stdout    string
		decisions []string // of the last cases
	}{
		// The burst of two users has 8 requests, and so has their case.
		"it dies": {
			&mortal{tokens: 4, requests: 8 + 8}, "--ignore-validity", false, exitFault,
			"the service stopped answering in case concurrency 4; until then: keeps 2 at once: ", []string{"met", "none: no answer"},
		},
		"it dies after the burst": {
			&mortal{tokens: 4, requests: 8}, "--ignore-validity", false, exitFault,
			"the service stopped answering in case concurrency 2; until then: no load was decided", []string{"none: no answer"},
		},
		"INVALID": {
			&mortal{tokens: 1, requests: 1 << 40}, "", false, exitFault,
			"concurrency 2 was INVALID 3 times, so it decides nothing; until then: no load was decided", []string{"none: INVALID", "none: INVALID", "none: INVALID"},
		},
		// Without an SLO of single requests, too, a case ends when so many have failed; one of 400 would take 6 s.
		"it fails": {
			&mortal{tokens: 4, requests: 8, refuses: true}, "--ignore-validity --requests 400", false, exitThresholds,
			"does not keep the SLOs at concurrency 1: failed ", []string{"missed", "missed"},
		},
		"Ctrl-C": {
			&mortal{tokens: 4, requests: 8 + 8, waits: true}, "--ignore-validity", true, exitInterrupted,
			"the search did not come to its end; until then: keeps 2 at once: ", []string{"met"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.service.end = make(chan struct{})
			server := httptest.NewServer(c.service)
			t.Cleanup(server.Close)
			host, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
			folder := filepath.Join(t.TempDir(), "out")
			args := "run find-capacity --search concurrency --requests 8 --warmup 0 --start 2 --max 8 --prompt-tokens 16 --output-tokens 4 --slo e2el:avg<10000s --progress plain --out " + folder + " --host " + host + " --port " + port + " " + c.args
			p := startProcess(t, "weir", strings.Fields(args)...)
			if c.interrupt {
				pollFor(t, func() bool { return c.service.waiting.Load() > 0 })
				p.Process.Signal(syscall.SIGINT)
				p.await("weir: stopping; what runs may finish")
				close(c.service.end)
			}
			if code := p.exit(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if said := strings.Join(strings.Fields(p.said.String()), " "); !strings.Contains(said, c.stdout) {
				t.Errorf("it did not say %q", c.stdout)
			}
			content, err := os.ReadFile(filepath.Join(folder, result.FileName))
			if err != nil {
				t.Fatal(err)
			}
			checkDecisions(t, content, c.decisions)
			if t.Failed() {
				t.Log(p.said.String())
			}
		})
	}
}

// checkDecisions holds those of the cases of a result against what they should be.
func checkDecisions(t *testing.T, content []byte, want []string) {
	t.Helper()
	var r result.Result
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Cases {
		if c.Stopped != nil && c.Stopped.Metric != "failures" || c.Stopped == nil && c.Tags["decision"] == "missed" {
			t.Errorf("%s was stopped by %+v", c.Name, c.Stopped)
		}
		if decision, ok := c.Tags["decision"].(string); ok {
			got = append(got, decision)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("decisions %q, want %q", got, want)
	}
}
