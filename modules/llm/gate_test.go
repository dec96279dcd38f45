package llm_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// With maxPrefill 2 the service never has more than two requests without a first
// token, has two at once, and has all of them in flight in the end.
func TestMaxPrefill(t *testing.T) {
	const requests, limit = 6, 2
	// Those beyond the limit wait, unless their goroutines begin so late that there is room again.
	for range 50 {
		waited := maxPrefill(t, requests, limit)
		if waited > requests-limit {
			t.Fatalf("%d requests waited, want %d", waited, requests-limit)
		}
		if waited == requests-limit {
			return
		}
	}
	t.Errorf("in 50 tries there were never %d requests that waited", requests-limit)
}

// maxPrefill sends requests at once, and tells how many waited.
func maxPrefill(t *testing.T, requests, limit int) (waited int64) {
	var prefill, most atomic.Int64
	var two, all sync.WaitGroup // are there: the first two without a token, and all with one
	two.Add(limit)
	all.Add(requests)
	url := service(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		now := prefill.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		if n < limit {
			two.Done()
			two.Wait()
		}
		w.Header().Set("Content-Type", "text/event-stream")
		prefill.Add(-1)
		io.WriteString(w, `data: {"choices":[{"index":0,"text":"a"}]}`+"\n\n")
		w.(http.Flusher).Flush()
		all.Done()
		all.Wait()
		io.WriteString(w, completion)
	})
	var texts []string
	found := played(t, fmt.Sprintf(`
		const service = new Endpoint({ backend: "openai", url: %q, timeout: "20s", maxPrefill: %d });
		const replies = await Promise.all(Array.from({ length: %d }, () => service.complete("Hello")));
		return JSON.stringify(replies.map((r) => r.error ? r.error.message : r.text));`, url, limit, requests), &texts)
	if fmt.Sprint(texts) != "[aa aa aa aa aa aa]" {
		t.Errorf("answers %q", texts)
	}
	if most.Load() != int64(limit) {
		t.Errorf("%d requests were in prefill at once, want %d", most.Load(), limit)
	}
	if m := found.Metrics["prefill_wait"]; m != nil {
		waited = int64(m.N)
	}
	return waited
}

// Whatever ends a prefill makes room: failures, refusals, answers that are not streamed,
// attempts of a retry, and requests that never reach a service. Otherwise those that
// come after would wait for ever.
func TestMaxPrefillMakesRoom(t *testing.T) {
	busy := service(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(503) })
	good := service(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, completion)
	})
	whole := service(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		io.WriteString(w, `{"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}`)
	})
	for _, row := range []struct{ name, url, options, want string }{
		{"tokens", good, "", "aaaa"},
		{"a refusal", busy, "", "http_status"},
		{"several attempts", busy, ", retry: { attempts: 3, wait: 1 }", "http_status"},
		{"no stream", whole, ", stream: false", "aaaa"},
		{"no service", "http://127.0.0.1:1", "", "connect"},
	} {
		text, _, thrown := play(t, fmt.Sprintf(`
			const service = new Endpoint({ backend: "openai", url: %q, timeout: "20s", maxPrefill: 1%s });
			const replies = await Promise.all([1, 2, 3, 4].map(() => service.complete("Hello")));
			return replies[3].error ? replies[3].error.kind : replies.map((r) => r.text).join("");`, row.url, row.options))
		if thrown != nil || text != row.want {
			t.Errorf("%s: %q, %v, want %q", row.name, text, thrown, row.want)
		}
	}
}

func TestMaxPrefillFaults(t *testing.T) {
	for value, want := range map[string]string{`0`: "0 is out of range", `1.5`: "1.5 is not a whole number", `"2"`: "2 is not a number"} {
		_, _, thrown := play(t, `new Endpoint({ url: "http://127.0.0.1:1", maxPrefill: `+value+` } as any);`)
		if want = "new Endpoint: option maxPrefill: " + want; thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", value, thrown, want)
		}
	}
}
