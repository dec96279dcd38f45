package checkup_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"weir/modules/llm/checkup"
	"weir/modules/llm/probe"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// fake is a service that speaks OpenAI's chat and completions. Its zero value is fit
// to be measured: it makes a token each millisecond.
type fake struct {
	models   string                             // answer to GET /v1/models; "": one model, tiny
	count    func(text string) int              // tokens of a prompt; nil: characters
	template int                                // tokens that a chat adds
	tokenize func(count int) string             // answer to POST /tokenize, as vLLM's; nil: there is none
	metrics  string                             // answer to GET /metrics; "": none
	health   int                                // status of GET /health; 0: 200
	echo     bool                               // it says there who asks
	wrap     func(http.Handler) http.Handler    // what is on the way; nil: nothing
	header   map[string]string                  // of every answer
	status   int                                // of every answer, instead of it; 0: none
	each     func(w http.ResponseWriter, i int) // after each event; nil: it is sent, and takes 1 ms
	ends     int                                // tokens after which answers end, whatever was asked for; 0: they do not
	silent   bool                               // counts no tokens
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	if f.status != 0 {
		http.Error(w, `{"error":{"message":"no"}}`, f.status)
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch r.Method + " " + r.URL.Path {
	case "GET /health":
		w.WriteHeader(max(200, f.health))
		if f.echo {
			io.WriteString(w, r.Header.Get("Authorization"))
		}
	case "GET /v1/models":
		w.Header().Set("Content-Type", "application/json")
		if f.models != "" {
			io.WriteString(w, f.models)
			return
		}
		io.WriteString(w, `{"object":"list","data":[{"id":"tiny","owned_by":"vllm","max_model_len":4096}]}`)
	case "GET /metrics":
		if f.metrics == "" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, f.metrics)
	case "POST /tokenize":
		if f.tokenize == nil {
			http.NotFound(w, r)
			return
		}
		var q struct{ Prompt string }
		json.Unmarshal(body, &q)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, f.tokenize(f.tokens(q.Prompt)))
	case "POST /v1/chat/completions", "POST /v1/completions":
		f.generate(w, r, body)
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) tokens(text string) int {
	if f.count != nil {
		return f.count(text)
	}
	return utf8.RuneCountInString(text)
}

func (f *fake) generate(w http.ResponseWriter, r *http.Request, body []byte) {
	var q struct {
		Prompt    string
		Messages  []struct{ Content string }
		MaxTokens int `json:"max_tokens"`
	}
	json.Unmarshal(body, &q)
	prompt, piece := f.tokens(q.Prompt), `"text":"a"`
	if strings.HasSuffix(r.URL.Path, "chat/completions") {
		prompt, piece = f.template, `"delta":{"content":"a"}`
		for _, m := range q.Messages {
			prompt += f.tokens(m.Content)
		}
	}
	n := q.MaxTokens
	if f.ends > 0 {
		n = min(n, f.ends)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range n {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,%s}]}\n\n", piece)
		if f.each != nil {
			f.each(w, i)
			continue
		}
		http.NewResponseController(w).Flush()
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,%s,\"finish_reason\":\"length\"}]}\n\n", strings.Replace(piece, `"a"`, `""`, 1))
	if !f.silent {
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n", prompt, n)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// characters counts as the fake does by default; special tokens are one more.
var characters = &checkup.Tokenizer{Name: "characters", Count: func(text string, special bool) (int, error) {
	n := utf8.RuneCountInString(text)
	if special {
		n++
	}
	return n, nil
}}

// look runs a check-up. set, unless nil, changes the configuration.
func look(t *testing.T, url string, set func(*checkup.Config)) map[string]result.Finding {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	cfg := checkup.Config{Config: probe.Config{URL: url, Timeout: 10 * time.Second}, Tokenizer: characters}
	if set != nil {
		set(&cfg)
	}
	report, err := checkup.Run(t.Context(), clients, cfg)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]result.Finding)
	for _, f := range report.Findings {
		if _, twice := found[f.Check]; twice {
			t.Errorf("two findings are called %s", f.Check)
		}
		if f.Group != "service" || (f.Status == "warn" || f.Status == "fail") && (f.Why == "" || f.Do == "") {
			t.Errorf("%+v", f)
		}
		found[f.Check] = f
	}
	return found
}

func TestService(t *testing.T) {
	// f looks at a service; of the check it finds status and what. other checks that
	// are not ok are listed.
	f := func(check, status, what string, s fake, others ...string) {
		t.Helper()
		var h http.Handler = &s
		if s.wrap != nil {
			h = s.wrap(h)
		}
		server := httptest.NewServer(h)
		defer server.Close()
		found := look(t, server.URL, nil)
		if got := found[check]; check != "" && (got.Status != status || !strings.Contains(got.What, what)) {
			t.Errorf("%s is %s: %s, want %s: …%s…", check, got.Status, got.What, status, what)
		}
		for name, got := range found {
			if name == "round-trip" { // a busy machine may well be late
				continue
			}
			if name != check && (got.Status == "warn" || got.Status == "fail") && !strings.Contains(strings.Join(others, " "), name) {
				t.Errorf("%s: another check, %s, is %s: %s", check, name, got.Status, got.What)
			}
		}
	}
	f("", "", "", fake{})
	f("reachable", "ok", "answers", fake{})
	f("server", "ok", "vLLM, speaks openai-chat, openai", fake{})
	f("model", "ok", "tiny", fake{})
	f("context-length", "ok", "4096 tokens", fake{})
	f("keep-alive", "ok", "20 requests on one connection", fake{})
	f("proxies", "ok", "no proxy", fake{})
	f("clock-difference", "ok", "agrees", fake{})
	f("ignore-eos", "ok", "", fake{})
	f("usage", "ok", "", fake{})
	f("streaming", "ok", "64 events", fake{})
	f("compression", "ok", "", fake{})

	f("health", "fail", "says 503", fake{health: 503})
	f("health", "skip", "says 404", fake{health: 404})
	f("ignore-eos", "warn", "5 tokens came where 32 were asked for", fake{ends: 5})
	f("usage", "warn", "does not count", fake{silent: true})

	// What is on the way.
	buffered := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, r)
			for name, values := range whole.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Server", "nginx/1.25.3")
			w.WriteHeader(whole.Code)
			w.Write(whole.Body.Bytes())
		})
	}
	f("streaming", "fail", "holds the stream back until its end: 64 events came in", fake{wrap: buffered})
	f("proxies", "ok", `"nginx/1.25.3" (Server)`, fake{wrap: buffered}, "streaming")
	f("streaming", "warn", "in bunches", fake{each: func(w http.ResponseWriter, i int) {
		if i%16 == 15 {
			http.NewResponseController(w).Flush()
			time.Sleep(40 * time.Millisecond)
		}
	}})
	f("streaming", "skip", "only 5 events", fake{ends: 5}, "ignore-eos")
	f("proxies", "ok", `"1.1 varnish" (Via)`, fake{header: map[string]string{"Via": "1.1 varnish"}})
	f("keep-alive", "warn", "after 19 of 19 requests", fake{header: map[string]string{"Connection": "close"}})
	f("clock-difference", "warn", "the service's clock is 1h0m", fake{header: map[string]string{"Date": time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}})
	f("round-trip", "warn", "a short prompt's TTFT is", fake{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(15 * time.Millisecond)
			next.ServeHTTP(w, r)
		})
	}})
	f("compression", "fail", "Content-Encoding: gzip", fake{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", "text/event-stream")
				z := gzip.NewWriter(w)
				defer z.Close()
				fmt.Fprint(z, "data: {}\n\n")
				return
			}
			next.ServeHTTP(w, r)
		})
	}}, "backend")

	// Who else uses it.
	f("busy", "ok", "nobody else", fake{metrics: "vllm:num_requests_running{model_name=\"tiny\"} 0\nvllm:num_requests_waiting{model_name=\"tiny\"} 0\n"})
	f("busy", "warn", "3 requests running and 2 waiting", fake{metrics: "vllm:num_requests_running{model_name=\"tiny\"} 3\nvllm:num_requests_waiting{model_name=\"tiny\"} 2\n"})
	f("busy", "skip", "of no server", fake{metrics: "go_goroutines 7\n"})
	f("busy", "skip", "404", fake{})

	// Tokenizers.
	f("tokenizer", "ok", "counts as the service does, without special tokens (the usage", fake{})
	f("tokenizer", "ok", "adds 12 tokens of its own", fake{template: 12})
	f("tokenizer", "ok", "POST /tokenize", fake{tokenize: func(n int) string { return fmt.Sprintf(`{"count":%d,"max_model_len":4096,"tokens":[1]}`, n) }})
	f("tokenizer", "ok", "counts as the service does (", fake{count: func(s string) int { return utf8.RuneCountInString(s) + 1 }})
	f("tokenizer", "fail", "otherwise than characters", fake{count: func(s string) int { return len(s) }})
	f("tokenizer", "skip", "does not count the tokens of prompts", fake{silent: true}, "usage")
}

// A service that refuses, or is none.
func TestRefusals(t *testing.T) {
	f := func(check, what, do string, h http.Handler) {
		t.Helper()
		server := httptest.NewServer(h)
		defer server.Close()
		got := look(t, server.URL, nil)[check]
		if got.Status != "fail" || !strings.Contains(got.What, what) || !strings.Contains(got.Do, do) {
			t.Errorf("%s: %+v, want …%s…, do …%s…", check, got, what, do)
		}
	}
	f("backend", "refuses to answer: 401", "WEIR_API_KEY", &fake{status: 401})
	f("backend", "no backend of weir works", "is this the port", &fake{status: 404})
	f("backend", "no backend of weir works", "sends a web page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><title>Sign in</title>")
	}))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	found := look(t, "http://"+closed.Addr().String(), nil)
	if got := found["reachable"]; len(found) != 1 || got.Status != "fail" || !strings.Contains(got.What, "connection refused") || !strings.Contains(got.Do, "is the service running") {
		t.Errorf("nobody listens: %+v", found)
	}
}

// A service that repeats what it was sent gives no secret away.
func TestSecrets(t *testing.T) {
	server := httptest.NewServer(&fake{health: 503, echo: true})
	defer server.Close()
	found := look(t, server.URL, func(c *checkup.Config) { c.APIKey = "sk-nobody-shall-see" })
	if f := found["health"]; f.Status != "fail" || !strings.Contains(f.What, "503") || strings.Contains(f.What, "nobody") {
		t.Errorf("%+v", f)
	}
}

// A model that the service does not have, and what is left without tokens.
func TestConfiguration(t *testing.T) {
	server := httptest.NewServer(&fake{models: `{"data":[{"id":"qwen3-8b","owned_by":"vllm"},{"id":"qwen3-32b","owned_by":"vllm"}]}`})
	defer server.Close()
	got := look(t, server.URL, func(c *checkup.Config) { c.Model = "qwen3-8B" })["model"]
	if got.Status != "fail" || !strings.Contains(got.What, `no model "qwen3-8B"; it has qwen3-8b, qwen3-32b`) || !strings.Contains(got.Do, "--model qwen3-8b") {
		t.Errorf("%+v", got)
	}
	found := look(t, server.URL, func(c *checkup.Config) { c.NoTokens = true })
	for _, check := range []string{"streaming", "compression", "ignore-eos", "usage"} {
		if f, ok := found[check]; ok {
			t.Errorf("without tokens: %+v", f)
		}
	}
	if f := found["tokenizer"]; f.Status != "skip" {
		t.Errorf("without tokens: %+v", f)
	}
	if f := look(t, server.URL, func(c *checkup.Config) { c.Tokenizer = nil })["tokenizer"]; f.Status != "skip" || !strings.Contains(f.What, "--tokenizer") {
		t.Errorf("without a tokenizer: %+v", f)
	}
	found = look(t, server.URL, func(c *checkup.Config) { c.Backend = "openai" })
	if f := found["server"]; !strings.HasSuffix(f.What, "speaks openai") {
		t.Errorf("with a backend: %+v", f)
	}
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	for _, c := range []probe.Config{{URL: "ftp://x"}, {URL: server.URL, Backend: "opnai", Timeout: time.Second}, {URL: ""}} {
		if _, err := checkup.Run(t.Context(), clients, checkup.Config{Config: c}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := checkup.Run(ctx, clients, checkup.Config{Config: probe.Config{URL: server.URL, Timeout: time.Second}}); err != context.Canceled {
		t.Errorf("after the end: %v", err)
	}
}
