package sim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"weir/runtime/sim"
)

// quick is a service whose tokens cost next to no time, with a vocabulary of one
// letter a token.
func quick() sim.Config {
	cfg := sim.Default()
	cfg.TTFT, cfg.PrefillRate, cfg.ITL, cfg.ITLSlope, cfg.Jitter = time.Millisecond, 0, time.Millisecond, 0, 0
	cfg.Vocabulary = []string{"x"}
	cfg.CountTokens = func(s string) int { return len(strings.Fields(s)) }
	return cfg
}

func start(t *testing.T, cfg sim.Config) *sim.Server {
	t.Helper()
	server, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// send makes a request; headers are "name: value".
func send(t *testing.T, ctx context.Context, method, url, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return client.Do(req)
}

// answered makes a request that has to succeed, and reads the answer's body.
func answered(t *testing.T, method, url, body string) (*http.Response, []byte) {
	t.Helper()
	resp, err := send(t, t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s %s: status %d, error %v, body %s", method, url, resp.StatusCode, err, got)
	}
	return resp, got
}

// ended returns the log's requests once all have ended.
func ended(t *testing.T, server *sim.Server) []sim.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := server.Log().Wait(ctx); err != nil {
		t.Fatalf("a request does not end: %v", err)
	}
	return server.Log().Requests()
}

// variable is what differs between two runs of the same request.
var variable = regexp.MustCompile(`"id":"(chatcmpl|cmpl)-[0-9a-f]{16}","object":"([a-z._]+)","created":\d+`)

func TestAnswers(t *testing.T) {
	const chunk = `data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"m","choices":[`
	const role = chunk + `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	const text = `data: {"id":"ID","object":"text_completion","created":0,"model":"m","choices":[`
	const done = "data: [DONE]\n\n"
	for _, test := range []struct {
		name   string
		change func(*sim.Config)
		path   string
		body   string
		want   string
	}{{
		name: "chat, streamed: the finish reason comes with the last token",
		path: "/v1/chat/completions",
		body: `{"model":"m","stream":true,"max_tokens":2,"ignore_eos":true,"messages":[{"role":"user","content":"a b"}]}`,
		want: role +
			chunk + `{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":null,"token_ids":null}]}` + "\n\n" +
			chunk + `{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			done,
	}, {
		name: "chat, streamed, usage at the end",
		path: "/v1/chat/completions",
		body: `{"model":"m","stream":true,"max_completion_tokens":1,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a b"}]}`,
		want: role +
			chunk + `{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			chunk + `],"usage":{"prompt_tokens":2,"total_tokens":3,"completion_tokens":1}}` + "\n\n" +
			done,
	}, {
		name: "chat, streamed, continuous usage",
		path: "/v1/chat/completions",
		body: `{"model":"m","stream":true,"max_tokens":1,"stream_options":{"include_usage":true,"continuous_usage_stats":true},"messages":[{"role":"user","content":"a b"}]}`,
		want: strings.TrimSuffix(role, "}\n\n") + `,"usage":{"prompt_tokens":2,"total_tokens":2,"completion_tokens":0}}` + "\n\n" +
			chunk + `{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":2,"total_tokens":3,"completion_tokens":1}}` + "\n\n" +
			chunk + `],"usage":{"prompt_tokens":2,"total_tokens":3,"completion_tokens":1}}` + "\n\n" +
			done,
	}, {
		name:   "chat, streamed, finish reason in a chunk of its own",
		change: func(c *sim.Config) { c.FinishChunk = true },
		path:   "/v1/chat/completions",
		body:   `{"model":"m","stream":true,"max_tokens":1,"messages":[{"role":"user","content":"a"}]}`,
		want: role +
			chunk + `{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":null,"token_ids":null}]}` + "\n\n" +
			chunk + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"length","stop_reason":null}]}` + "\n\n" +
			done,
	}, {
		name:   "chat, streamed, reasoning and the first content in one event",
		change: func(c *sim.Config) { c.ReasoningTokens, c.TokensPerEvent = 2, 2 },
		path:   "/v1/chat/completions",
		body:   `{"model":"m","stream":true,"max_tokens":3,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a"}]}`,
		want: role +
			chunk + `{"index":0,"delta":{"reasoning":"x"},"logprobs":null,"finish_reason":null,"token_ids":null}]}` + "\n\n" +
			chunk + `{"index":0,"delta":{"reasoning":"x","content":"x"},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			chunk + `],"usage":{"prompt_tokens":1,"total_tokens":4,"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":2}}}` + "\n\n" +
			done,
	}, {
		name: "two replies take turns",
		path: "/v1/completions",
		body: `{"model":"m","stream":true,"n":2,"max_tokens":2,"prompt":"a"}`,
		want: text + `{"index":0,"text":"x","logprobs":null,"finish_reason":null,"stop_reason":null,"token_ids":null}]}` + "\n\n" +
			text + `{"index":1,"text":"x","logprobs":null,"finish_reason":null,"stop_reason":null,"token_ids":null}]}` + "\n\n" +
			text + `{"index":0,"text":"x","logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			text + `{"index":1,"text":"x","logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			done,
	}, {
		name: "a stop string is taken out of the text and ends it",
		path: "/v1/completions",
		body: `{"model":"m","max_tokens":9,"stop":["y","xxx"],"min_tokens":2,"prompt":"a b c"}`,
		want: `{"id":"ID","object":"text_completion","created":0,"model":"m","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop","stop_reason":"xxx"}],` +
			`"usage":{"prompt_tokens":3,"total_tokens":6,"completion_tokens":3}}`,
	}, {
		name: "a stop string cuts within a token",
		change: func(c *sim.Config) {
			c.Vocabulary = []string{" ab"}
		},
		path: "/v1/completions",
		body: `{"model":"m","max_tokens":9,"stop":"b a","prompt":"a"}`,
		want: `{"id":"ID","object":"text_completion","created":0,"model":"m","choices":[{"index":0,"text":" a","logprobs":null,"finish_reason":"stop","stop_reason":"b a"}],` +
			`"usage":{"prompt_tokens":1,"total_tokens":3,"completion_tokens":2}}`,
	}, {
		name: "chat, whole",
		path: "/v1/chat/completions",
		body: `{"model":"m","max_tokens":3,"messages":[{"role":"system","content":"be good"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:"}}]}]}`,
		want: `{"id":"ID","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"xxx","refusal":null},"logprobs":null,"finish_reason":"length","stop_reason":null}],` +
			`"usage":{"prompt_tokens":259,"total_tokens":262,"completion_tokens":3}}`,
	}, {
		name:   "nobody limits the reply",
		change: func(c *sim.Config) { c.DefaultTokens = 4 },
		path:   "/v1/completions",
		body:   `{"model":"m","prompt":[1,2,3]}`,
		want: `{"id":"ID","object":"text_completion","created":0,"model":"m","choices":[{"index":0,"text":"xxxx","logprobs":null,"finish_reason":"stop","stop_reason":null}],` +
			`"usage":{"prompt_tokens":3,"total_tokens":7,"completion_tokens":4}}`,
	}, {
		name: "several prompts, and text that JSON has to escape",
		change: func(c *sim.Config) {
			c.Vocabulary = []string{" \"é\n"}
		},
		path: "/v1/completions",
		body: `{"model":"m","max_tokens":1,"prompt":[[1,2],[3]]}`,
		want: `{"id":"ID","object":"text_completion","created":0,"model":"m","choices":[` +
			`{"index":0,"text":" \"é\n","logprobs":null,"finish_reason":"length","stop_reason":null},` +
			`{"index":1,"text":" \"é\n","logprobs":null,"finish_reason":"length","stop_reason":null}],` +
			`"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2}}`,
	}} {
		t.Run(test.name, func(t *testing.T) {
			cfg := quick()
			if test.change != nil {
				test.change(&cfg)
			}
			server := start(t, cfg)
			resp, body := answered(t, "POST", server.URL()+test.path, test.body)
			got := variable.ReplaceAllString(string(body), `"id":"ID","object":"$2","created":0`)
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			log := ended(t, server)
			if len(log) != 1 || log[0].Outcome != sim.OutcomeCompleted || log[0].Status != 200 {
				t.Fatalf("the log has %+v", log)
			}
			if id := resp.Header.Get(sim.RequestIDHeader); id != log[0].ID || !strings.Contains(string(body), "-"+id+`"`) {
				t.Errorf("the answer's id is %q, the log's %q", id, log[0].ID)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	cfg := quick()
	cfg.MaxModelLen = 10
	server := start(t, cfg)
	for _, test := range []struct {
		method, path, body string
		header             string
		status             int
		message            string // a part of it
	}{
		{"POST", "/v1/completions", `{"prompt":`, "", 400, "not JSON"},
		{"POST", "/v1/completions", ``, "", 400, "not JSON"},
		{"POST", "/v1/completions", `[]`, "", 400, "wrong type"},
		{"POST", "/v1/completions", `{}`, "", 400, "prompt is missing"},
		{"POST", "/v1/completions", `{"prompt":[]}`, "", 400, "empty list"},
		{"POST", "/v1/completions", `{"prompt":{}}`, "", 400, "prompt must be"},
		{"POST", "/v1/completions", `{"prompt":"a","max_tokens":"5"}`, "", 400, "max_tokens has the wrong type"},
		{"POST", "/v1/completions", `{"prompt":"a","max_tokens":0}`, "", 400, "at least 1"},
		{"POST", "/v1/completions", `{"prompt":"a","max_tokens":10}`, "", 400, "you requested 11 tokens"},
		{"POST", "/v1/completions", `{"prompt":"a b c d e f g h i j"}`, "", 400, "your prompt contains 10 input tokens"},
		{"POST", "/v1/completions", `{"prompt":"a","n":0}`, "", 400, "n must be"},
		{"POST", "/v1/completions", `{"prompt":"a","n":1000000000000}`, "", 400, "n must be"},
		{"POST", "/v1/completions", `{"prompt":"a","stop":5}`, "", 400, "list of strings"},
		{"POST", "/v1/completions", `{"prompt":"a","stream_options":{"include_usage":true}}`, "", 400, "stream_options"},
		{"POST", "/v1/chat/completions", `{"prompt":"a"}`, "", 400, "messages is missing"},
		{"POST", "/v1/chat/completions", `{"messages":[]}`, "", 400, "messages is empty"},
		{"POST", "/v1/chat/completions", `{"messages":[{"content":"a"}]}`, "", 400, "no role"},
		{"POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":5}]}`, "", 400, "content must be"},
		{"POST", "/v1/completions", `{"prompt":"a"}`, "X-Sim-Fault: nonsense", 400, `no fault is called "nonsense"`},
		{"POST", "/v1/completions", `{"prompt":"a"}`, "X-Sim-Fault-After: -1", 400, "number of events"},
		{"GET", "/v1/completions", ``, "", 405, "use POST"},
		{"POST", "/v1/models", ``, "", 405, "use GET"},
		{"POST", "/v1/audio/speech", `{}`, "", 404, "there is no /v1/audio/speech"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body+test.header, func(t *testing.T) {
			var headers []string
			if test.header != "" {
				headers = append(headers, test.header)
			}
			resp, err := send(t, t.Context(), test.method, server.URL()+test.path, test.body, headers...)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Error struct {
					Message, Type string
					Code          int
				}
			}
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
				t.Fatalf("the body is not JSON: %v", err)
			}
			if resp.StatusCode != test.status || got.Error.Code != test.status || got.Error.Type == "" || !strings.Contains(got.Error.Message, test.message) {
				t.Errorf("status %d, %+v; want %d with %q", resp.StatusCode, got.Error, test.status, test.message)
			}
		})
	}
	for _, r := range ended(t, server) {
		if r.Outcome != sim.OutcomeRefused || r.Status != 400 || len(r.Events) != 0 {
			t.Errorf("the log has %+v, want a refusal", r)
		}
	}
}

func TestFaults(t *testing.T) {
	const chat = "/v1/chat/completions"
	cfg := quick()
	cfg.TrickleDelay = time.Microsecond
	server := start(t, cfg)
	for _, test := range []struct {
		fault  string
		stream bool
		status int // 0: no answer
		tokens int // token events of a stream that arrive
		last   string
		err    error // how the body ends; context.DeadlineExceeded: it does not
	}{
		{fault: "500", stream: true, status: 500, last: `"code":500}}`},
		{fault: "429", stream: true, status: 429, last: `"code":429}}`},
		{fault: "html", stream: true, status: 200, last: "</html>\n"},
		{fault: "error-event", stream: true, status: 200, tokens: 2, last: "\"code\":500}}\n\ndata: [DONE]\n\n"},
		{fault: "bad-json", stream: true, status: 200, tokens: 5, last: "data: [DONE]\n\n"},
		{fault: "close", stream: true, status: 200, tokens: 2, err: io.ErrUnexpectedEOF},
		{fault: "reset", stream: true, status: 200, tokens: 2, err: syscall.ECONNRESET},
		{fault: "truncate", stream: true, status: 200, tokens: 2, last: "\"token_ids\":null}]}\n\n"},
		{fault: "hang", stream: true, status: 200, tokens: 2, err: context.DeadlineExceeded},
		{fault: "no-answer", stream: true, err: context.DeadlineExceeded},
		{fault: "stall", stream: true, status: 200, err: context.DeadlineExceeded},
		{fault: "role-only", stream: true, status: 200, last: "\"finish_reason\":null}]}\n\n"},
		{fault: "trickle", stream: true, status: 200, tokens: 5, last: "data: [DONE]\n\n"},
		{fault: "none", stream: true, status: 200, tokens: 5, last: "data: [DONE]\n\n"},
		{fault: "error-event", status: 200, last: `"code":500}}`},
		{fault: "close", status: 200, err: io.ErrUnexpectedEOF},
		{fault: "reset", status: 200, err: syscall.ECONNRESET},
		{fault: "hang", status: 200, err: context.DeadlineExceeded},
		{fault: "truncate", status: 200},
		{fault: "role-only", status: 200},
		{fault: "trickle", status: 200, last: `"completion_tokens":5}}`},
	} {
		t.Run(fmt.Sprintf("%s stream=%v", test.fault, test.stream), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.err == context.DeadlineExceeded {
				// The silence cannot be waited out: half a second of it has to do.
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			body := fmt.Sprintf(`{"max_tokens":5,"stream":%v,"messages":[{"role":"user","content":"a"}]}`, test.stream)
			resp, err := send(t, ctx, "POST", server.URL()+chat, body, "X-Sim-Fault: "+test.fault, "X-Sim-Fault-After: 2", "X-Request-Id: "+t.Name())
			var got []byte
			status := 0
			if err == nil {
				status = resp.StatusCode
				got, err = io.ReadAll(resp.Body)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("ended with %v, want %v", err, test.err)
			}
			if status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			if n := strings.Count(string(got), `"delta":{"content":"x"`); n != test.tokens {
				t.Errorf("%d token events, want %d, in\n%s", n, test.tokens, got)
			}
			if !strings.HasSuffix(string(got), test.last) {
				t.Errorf("got\n%s\nwant an end of\n%s", got, test.last)
			}
			if test.fault == "429" && resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			cancel() // of what hangs

			requests := ended(t, server)
			r := requests[len(requests)-1]
			wantFault := test.fault
			want := sim.OutcomeFault
			switch {
			case test.fault == "none":
				want, wantFault = sim.OutcomeCompleted, ""
			case test.fault == "trickle":
				want = sim.OutcomeCompleted
			case test.err == context.DeadlineExceeded:
				want = sim.OutcomeAborted
			}
			if r.ClientID != t.Name() || r.Fault != wantFault || r.Outcome != want || r.Status != test.status {
				t.Errorf("the log says fault %q, outcome %q, status %d of %q", r.Fault, r.Outcome, r.Status, r.ClientID)
			}
			tokens := 0
			for _, e := range r.Events {
				if e.Kind == sim.EventTokens {
					tokens++
				}
			}
			if tokens != test.tokens {
				t.Errorf("the log has %d token events, want %d", tokens, test.tokens)
			}
		})
	}
}

func TestFaultRateIsSeeded(t *testing.T) {
	statuses := func(seed uint64) string {
		cfg := quick()
		cfg.Seed, cfg.Fault, cfg.FaultRate = seed, "500, 429", 0.5
		server := start(t, cfg)
		var out strings.Builder
		for range 40 {
			resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", `{"prompt":"a","max_tokens":1}`)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			fmt.Fprintf(&out, "%d ", resp.StatusCode)
		}
		return out.String()
	}
	a := statuses(7)
	if b := statuses(7); a != b {
		t.Errorf("equal seeds met\n%s and\n%s", a, b)
	}
	for _, status := range []string{"200", "429", "500"} {
		if n := strings.Count(a, status); n < 3 || n > 35 {
			t.Errorf("status %s came %d times of 40: %s", status, n, a)
		}
	}
}

func TestEarlyStop(t *testing.T) {
	cfg := quick()
	cfg.EarlyStop = 1
	server := start(t, cfg)
	for _, body := range []string{
		`{"prompt":"a","max_tokens":50}`,
		`{"prompt":"a","max_tokens":50,"min_tokens":40}`,
		`{"prompt":"a","max_tokens":50,"ignore_eos":true}`,
	} {
		resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", body)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
	}
	r := ended(t, server)
	if n := r[0].OutputTokens(); n < 1 || n >= 50 || r[0].FinishReason != "stop" {
		t.Errorf("early stop: %d tokens, %s", n, r[0].FinishReason)
	}
	if n := r[1].OutputTokens(); n < 40 || n >= 50 || r[1].FinishReason != "stop" {
		t.Errorf("early stop after min_tokens: %d tokens, %s", n, r[1].FinishReason)
	}
	if n := r[2].OutputTokens(); n != 50 || r[2].FinishReason != "length" {
		t.Errorf("ignore_eos: %d tokens, %s", n, r[2].FinishReason)
	}
}

// A client that goes away in the middle of a stream, or while it waits for a
// head, makes room for the next one.
func TestAbortFreesTheSlot(t *testing.T) {
	for _, stream := range []bool{true, false} {
		t.Run(fmt.Sprintf("stream=%v", stream), func(t *testing.T) {
			cfg := quick()
			cfg.MaxBatch = 1
			cfg.ITL = 10 * time.Second // the first reply would take hours
			server := start(t, cfg)
			ctx, abort := context.WithCancel(t.Context())
			first := make(chan error, 1)
			go func() {
				resp, err := send(t, ctx, "POST", server.URL()+"/v1/completions", fmt.Sprintf(`{"prompt":"a","max_tokens":1000,"stream":%v}`, stream))
				if err == nil {
					_, err = bufio.NewReader(resp.Body).ReadString('\n')
					if err == nil {
						_, err = io.ReadAll(resp.Body)
					}
				}
				first <- err
			}()
			for len(server.Log().Requests()) == 0 || server.Log().Requests()[0].Queued < 0 {
				time.Sleep(time.Millisecond)
			}
			second := make(chan error, 1)
			go func() {
				resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", `{"prompt":"b","max_tokens":1}`)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
				}
				second <- err
			}()
			for len(server.Log().Requests()) < 2 {
				time.Sleep(time.Millisecond)
			}
			abort()
			if err := <-first; !errors.Is(err, context.Canceled) {
				t.Errorf("the first request ended with %v", err)
			}
			if err := <-second; err != nil {
				t.Errorf("the second request ended with %v", err)
			}
			r := ended(t, server)
			if r[0].Outcome != sim.OutcomeAborted || r[1].Outcome != sim.OutcomeCompleted || r[1].Queued <= 0 {
				t.Errorf("the log has %+v", r)
			}
			if metrics := get(t, server.URL()+"/metrics"); !strings.Contains(metrics, `finished_reason="abort"} 1`) ||
				!strings.Contains(metrics, "vllm:num_requests_running{engine=\"0\",model_name=\"sim\"} 0\n") {
				t.Errorf("metrics are\n%s", metrics)
			}
		})
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	_, body := answered(t, "GET", url, "")
	return string(body)
}

func TestOtherPaths(t *testing.T) {
	cfg := quick()
	cfg.Model = `my "model"`
	server := start(t, cfg)
	if got := get(t, server.URL()+"/health"); got != "" {
		t.Errorf("/health says %q", got)
	}
	if got, want := get(t, server.URL()+"/v1/models"), `{"object":"list","data":[{"id":"my \"model\"","object":"model","created":0,"owned_by":"weir","max_model_len":32768}]}`; got != want {
		t.Errorf("/v1/models says\n%s\nwant\n%s", got, want)
	}
	if got := get(t, server.URL()+"/version"); got != `{"version":"sim"}` {
		t.Errorf("/version says %s", got)
	}
	resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", `{"prompt":"a b","max_tokens":3,"stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	ended(t, server)
	metrics := get(t, server.URL()+"/metrics")
	const labels = `{engine="0",model_name="my \"model\""`
	for _, want := range []string{
		"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running" + labels + "} 0\n",
		"vllm:num_requests_waiting" + labels + "} 0\n",
		"vllm:kv_cache_usage_perc" + labels + "} 0\n",
		"vllm:prompt_tokens_total" + labels + "} 2\n",
		"vllm:generation_tokens_total" + labels + "} 3\n",
		"vllm:request_success_total" + labels + `,finished_reason="length"} 1` + "\n",
		"vllm:time_to_first_token_seconds_count" + labels + "} 1\n",
		"vllm:inter_token_latency_seconds_count" + labels + "} 2\n",
		"vllm:inter_token_latency_seconds_bucket" + labels + `,le="+Inf"} 2` + "\n",
		"vllm:e2e_request_latency_seconds_count" + labels + "} 1\n",
		"vllm:request_queue_time_seconds_count" + labels + "} 1\n",
		"vllm:request_prefill_time_seconds_count" + labels + "} 1\n",
		"vllm:request_decode_time_seconds_count" + labels + "} 1\n",
		"vllm:request_inference_time_seconds_count" + labels + "} 1\n",
		"vllm:num_preemptions_total" + labels + "} 0\n",
		`vllm:cache_config_info{block_size="16",enable_prefix_caching="False",engine="0",num_gpu_blocks="`,
		"# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1",
		"weir_sim:send_lateness_seconds_count" + labels + "} 3\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks\n%s\nin\n%s", want, metrics)
		}
	}
}

func TestLog(t *testing.T) {
	cfg := quick()
	cfg.LogRequests = 2
	cfg.LogFile = filepath.Join(t.TempDir(), "sim.jsonl")
	cfg.PrefillRate = 1000
	server := start(t, cfg)
	for i := range 3 {
		resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions",
			fmt.Sprintf(`{"prompt":"a b c d e","max_tokens":%d,"stream":true}`, i+2), fmt.Sprintf("X-Request-Id: client %d", i))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		ended(t, server)
	}
	log := server.Log()
	requests := log.Requests()
	if len(requests) != 2 || log.Forgotten() != 1 || requests[0].ClientID != "client 1" {
		t.Fatalf("%d requests remembered, %d forgotten, the oldest is %q", len(requests), log.Forgotten(), requests[0].ClientID)
	}
	if r, ok := log.Find(requests[1].ID); !ok || r.ClientID != "client 2" || r.OutputTokens() != 4 || r.PromptTokens != 5 {
		t.Errorf("found %+v", r)
	}
	if _, ok := log.Find("nobody"); ok {
		t.Error("found nobody")
	}
	// Events are stamped after they are due: 1 ms + 5 tokens at 1000 a second.
	for _, ms := range log.TTFT() {
		if ms < 6 {
			t.Errorf("first token %v ms after receipt, want 6 or more", ms)
		}
	}
	for _, r := range requests {
		for i, e := range r.Events {
			if e.Sent < e.Due || i > 0 && e.Sent < r.Events[i-1].Sent || e.Sent > r.End || e.Took <= 0 {
				t.Errorf("event %d was due at %v and sent at %v in %v; the request ended at %v", i, e.Due, e.Sent, e.Took, r.End)
			}
			if e.Kind == sim.EventTokens && e.Due-r.Queued != time.Duration(6+i)*time.Millisecond {
				t.Errorf("token %d was due at %v", i, e.Due-r.Queued)
			}
		}
	}
	if n := len(log.TTFT()); n != 2 {
		t.Errorf("%d first tokens, want 2", n)
	}
	if n := len(log.ITL()); n != 2+3 {
		t.Errorf("%d gaps, want 5", n)
	}
	if n := len(log.Lateness()); n != 3+4 {
		t.Errorf("%d token events, want 7", n)
	}
	log.Reset()
	if n := len(log.Requests()); n != 0 {
		t.Errorf("%d requests after Reset", n)
	}

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(cfg.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(file)), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines in the file, want 3", len(lines))
	}
	for i, line := range lines {
		var r struct {
			ClientID     string  `json:"client_id"`
			Outcome      string  `json:"outcome"`
			OutputTokens int     `json:"output_tokens"`
			ReceivedNs   int64   `json:"received_unix_ns"`
			Queued       float64 `json:"queued_ms"`
			Events       []struct {
				Kind string  `json:"kind"`
				Due  float64 `json:"due_ms"`
				Sent float64 `json:"sent_ms"`
				Took float64 `json:"took_ms"`
			} `json:"events"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		age := time.Since(time.Unix(0, r.ReceivedNs))
		if r.ClientID != fmt.Sprintf("client %d", i) || r.Outcome != "completed" || r.OutputTokens != i+2 || r.Queued < 0 ||
			len(r.Events) != i+3 || math.Abs(r.Events[0].Due-r.Queued-6) > 0.002 || r.Events[0].Sent < 6 || r.Events[0].Took <= 0 || age < 0 || age > time.Hour {
			t.Errorf("line %d is %s", i, line)
		}
	}
}

func TestLogFileThatCannotBeWritten(t *testing.T) {
	cfg := quick()
	cfg.LogFile = filepath.Join(t.TempDir(), "missing", "sim.jsonl")
	if _, err := sim.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), cfg.LogFile) {
		t.Errorf("got %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cfg := quick()
	cfg.Addr = listener.Addr().String()
	if _, err := sim.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), cfg.Addr) || !strings.Contains(err.Error(), "another port") {
		t.Errorf("got %v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, stop := range []string{"Close", "context"} {
		ctx, cancel := context.WithCancel(context.Background())
		cfg := quick()
		cfg.ITL, cfg.MaxBatch = time.Hour, 1
		server, err := sim.Start(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		const running = 6
		done := make(chan struct{}, running)
		for i := range running { // one streams, others queue, hang and stall
			headers := []string{"X-Sim-Fault: " + []string{"none", "none", "hang", "stall", "no-answer", "none"}[i]}
			go func() {
				resp, err := send(t, context.Background(), "POST", server.URL()+"/v1/completions", `{"prompt":"a","max_tokens":5,"stream":true}`, headers...)
				if err == nil {
					if _, err := io.ReadAll(resp.Body); err == nil {
						t.Error("a stream that was broken off looks complete")
					}
					resp.Body.Close()
				}
				done <- struct{}{}
			}()
		}
		for len(server.Log().Requests()) < running {
			time.Sleep(time.Millisecond)
		}
		if stop == "context" {
			cancel()
		}
		for range 2 { // the second one has nothing to do
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		}
		cancel()
		for _, r := range server.Log().Requests() {
			if r.Outcome != sim.OutcomeAborted {
				t.Errorf("after %s a request has the outcome %q", stop, r.Outcome)
			}
		}
		for range running {
			<-done
		}
	}
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestConnectionsAreKept(t *testing.T) {
	server := start(t, quick())
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for _, body := range []string{`{"prompt":"a","max_tokens":2,"stream":true}`, `{"prompt":"a","max_tokens":2}`, `{`, `{"prompt":"a","max_tokens":1,"stream":true}`} {
		fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: sim\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil || resp.Close {
			t.Errorf("%s: error %v, closed: %v", body, err, resp.Close)
		}
	}
}

// A client that does not read holds up its own stream and no other, and gets all
// of it when it reads again.
func TestClientThatDoesNotRead(t *testing.T) {
	cfg := quick()
	cfg.Vocabulary = []string{strings.Repeat("x", 1<<20)} // more than any buffer has room for, in a few tokens
	server := start(t, cfg)
	resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", `{"prompt":"a","max_tokens":40,"stream":true,"stream_options":{"include_usage":true}}`)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	held := func() bool {
		events := server.Log().Requests()[0].Events
		return len(events) > 0 && len(events) < 40 && time.Since(server.Log().Requests()[0].Received)-events[len(events)-1].Sent > 100*time.Millisecond
	}
	for !held() {
		time.Sleep(time.Millisecond)
	}
	before := len(server.Log().Requests()[0].Events)
	other, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", `{"prompt":"b","max_tokens":3,"stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, other.Body); n < 3<<20 || err != nil {
		t.Errorf("the other stream had %d bytes and ended with %v", n, err)
	}
	if after := len(server.Log().Requests()[0].Events); after != before {
		t.Errorf("a stream that nobody reads went on from %d events to %d", before, after)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	tokens, events := strings.Count(string(body), `"`+cfg.Vocabulary[0]+`"`), strings.Count(string(body), "data: ")
	if tokens != 40 || events != 42 || !strings.HasSuffix(string(body), "\"completion_tokens\":40}}\n\ndata: [DONE]\n\n") {
		t.Errorf("%d tokens in %d events, ending with %q", tokens, events, body[max(0, len(body)-100):])
	}
	r := ended(t, server)[0]
	if r.Outcome != sim.OutcomeCompleted || r.OutputTokens() != 40 || len(r.Events) != 42 {
		t.Fatalf("the log has outcome %q, %d tokens, %d events", r.Outcome, r.OutputTokens(), len(r.Events))
	}
	for i, e := range r.Events {
		if i > 0 && e.Sent < r.Events[i-1].Sent {
			t.Errorf("event %d was sent at %v, the one before at %v", i, e.Sent, r.Events[i-1].Sent)
		}
		if e.Kind == sim.EventTokens && e.Due-r.Queued != time.Duration(i+1)*time.Millisecond {
			t.Errorf("event %d was due at %v: the others should not move it", i, e.Due)
		}
	}
}

// A request is received when its last byte arrives.
func TestReceived(t *testing.T) {
	server := start(t, quick())
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for i := range 2 {
		fmt.Fprint(conn, "POST /v1/completions HTTP/1.1\r\nHost: sim\r\nContent-Length: 31\r\n\r\n{\"prompt\":\"a\",")
		time.Sleep(5 * time.Millisecond)
		before := time.Now()
		fmt.Fprint(conn, "\"max_tokens\":  1}")
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatalf("status %d, %v", resp.StatusCode, err)
		}
		after := time.Now()
		if r := ended(t, server)[i].Received; r.Before(before) || r.After(after) {
			t.Errorf("received at %v, want it between %v and %v", r, before, after)
		}
	}
}

// Clients of HTTP/1.0 know no chunks: the stream ends with the connection.
func TestStreamWithoutChunks(t *testing.T) {
	server := start(t, quick())
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"prompt":"a","max_tokens":2,"stream":true}`
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	head, events, _ := strings.Cut(string(answer), "\r\n\r\n")
	if strings.Contains(head, "chunked") || !strings.HasPrefix(events, "data: {") || strings.Count(events, "\n\ndata: ") != 2 || !strings.HasSuffix(events, "data: [DONE]\n\n") {
		t.Errorf("got\n%s", answer)
	}
}

// Equal prompts are counted once, and nothing else is.
func TestPromptsAreCountedOnce(t *testing.T) {
	cfg := quick()
	var mu sync.Mutex
	counted := map[string]int{}
	cfg.CountTokens = func(s string) int {
		mu.Lock()
		defer mu.Unlock()
		counted[s]++
		return len(s)
	}
	server := start(t, cfg)
	for _, prompt := range []string{"abc", "abd", "abc", "abcd", "", "abd", "abc"} {
		resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/completions", fmt.Sprintf(`{"prompt":%q,"max_tokens":1}`, prompt))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if want := fmt.Sprintf(`"prompt_tokens":%d,`, len(prompt)); err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%q: got %s, %v; want %s", prompt, body, err, want)
		}
	}
	for prompt, times := range counted {
		if times != 1 {
			t.Errorf("%q was counted %d times", prompt, times)
		}
	}
	if len(counted) != 4 {
		t.Errorf("counted %v, want 4 prompts", counted)
	}
}

func TestValidate(t *testing.T) {
	if cfg := sim.Default(); cfg.Validate() != nil {
		t.Errorf("the defaults are refused: %v", cfg.Validate())
	}
	for name, spoil := range map[string]func(*sim.Config){
		"addr":             func(c *sim.Config) { c.Addr = "localhost" },
		"ttft":             func(c *sim.Config) { c.TTFT = -1 },
		"prefill-rate":     func(c *sim.Config) { c.PrefillRate = -1 },
		"itl":              func(c *sim.Config) { c.ITL = -1 },
		"itl-slope":        func(c *sim.Config) { c.ITLSlope = -1 },
		"jitter":           func(c *sim.Config) { c.Jitter = 1.5 },
		"max-batch":        func(c *sim.Config) { c.MaxBatch = 0 },
		"tokens-per-event": func(c *sim.Config) { c.TokensPerEvent = 0 },
		"draft-tokens":     func(c *sim.Config) { c.DraftTokens = -1 },
		"accept-rate":      func(c *sim.Config) { c.AcceptRate = 2 },
		"early-stop":       func(c *sim.Config) { c.EarlyStop = -0.1 },
		"default-tokens":   func(c *sim.Config) { c.DefaultTokens = 0 },
		"reasoning-tokens": func(c *sim.Config) { c.ReasoningTokens = -1 },
		"reasoning-field":  func(c *sim.Config) { c.ReasoningField = "thoughts" },
		"media-tokens":     func(c *sim.Config) { c.MediaTokens = -1 },
		"max-model-len":    func(c *sim.Config) { c.MaxModelLen = 0 },
		"kv-tokens":        func(c *sim.Config) { c.KVTokens = 0 },
		"block-size":       func(c *sim.Config) { c.BlockSize = 0 },
		"prefix-cache":     func(c *sim.Config) { c.PrefixCache, c.CountTokens = true, sim.EstimateTokens },
		"fault":            func(c *sim.Config) { c.Fault = "500,boom" },
		"fault-rate":       func(c *sim.Config) { c.FaultRate = 0.5 },
		"fault-after":      func(c *sim.Config) { c.FaultAfter = -1 },
		"trickle-delay":    func(c *sim.Config) { c.TrickleDelay = -1 },
		"log-requests":     func(c *sim.Config) { c.LogRequests = -1 },
		"profile-time":     func(c *sim.Config) { c.ProfileTime = -1 },
		"vocabulary":       func(c *sim.Config) { c.Vocabulary = []string{} },
		"speaks":           func(c *sim.Config) { c.Speaks = []string{"openai", "klingon"} },
		"delimiter":        func(c *sim.Config) { c.Delimiter = "" },
		"split-every":      func(c *sim.Config) { c.SplitEvery = 1 },
		"embedding-size":   func(c *sim.Config) { c.EmbeddingSize = 0 },
	} {
		cfg := sim.Default()
		spoil(&cfg)
		_, err := sim.Start(t.Context(), cfg)
		if err == nil || !regexp.MustCompile(`(^|: |\n)`+name+`( is |: )`).MatchString(err.Error()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFlags(t *testing.T) {
	cfg := sim.Default()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	cfg.Flags(fs, "sim-")
	if usage := fs.FlagUsages(); !strings.Contains(usage, "--sim-itl duration") || !strings.Contains(usage, "127.0.0.1") {
		t.Errorf("usage is\n%s", usage)
	}
	fs.VisitAll(func(f *pflag.Flag) {
		if !strings.HasPrefix(f.Name, "sim-") || f.Usage == "" {
			t.Errorf("flag %q with help %q", f.Name, f.Usage)
		}
	})
	if err := fs.Parse([]string{"--sim-port", "8000", "--sim-host=::1", "--sim-itl", "5ms", "--sim-fault", "reset", "--sim-fault-rate", "0.25", "--sim-speaks", "tgi,mindie"}); err != nil {
		t.Fatal(err)
	}
	if cfg.Addr != "[::1]:8000" || cfg.ITL != 5*time.Millisecond || cfg.Fault != "reset" || cfg.FaultRate != 0.25 || cfg.TTFT != sim.Default().TTFT || !slices.Equal(cfg.Speaks, []string{"tgi", "mindie"}) {
		t.Errorf("got %+v", cfg)
	}
	if err := fs.Parse([]string{"--sim-port", "70000"}); err == nil || !strings.Contains(err.Error(), "0 to 65535") {
		t.Errorf("a wild port: %v", err)
	}
}

func TestEstimateTokens(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a": 1, "a b c": 3, "internationalization": 5, "a  b\n": 2, "你好": 2} {
		if got := sim.EstimateTokens(text); got != want {
			t.Errorf("%q: %d tokens, want %d", text, got, want)
		}
	}
}

// A server must answer whatever it is sent, with JSON: an object or a stream of them.
func FuzzRequest(f *testing.F) {
	cfg := quick()
	cfg.TTFT, cfg.ITL, cfg.MaxModelLen, cfg.LogRequests, cfg.EmbeddingSize = 0, 0, 2000, 1, 3
	var servers []*sim.Server
	for _, cache := range []bool{false, true} {
		if cache {
			cfg.PrefixCache, cfg.BlockSize, cfg.KVTokens, cfg.CountTokens = true, 2, 100, nil
		}
		server, err := sim.Start(context.Background(), cfg)
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { server.Close() })
		servers = append(servers, server)
	}
	paths := []string{
		"/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages", "/generate", "/generate_stream", "/completion", "/infer",
		"/v2/models/m/generate", "/v2/models/m/generate_stream", "/models/llama2/generate", "/v1/generate", "/v1/embeddings", "/rerank",
	}
	for _, body := range []string{
		`{"prompt":"a","max_tokens":3,"stop":["x",""],"n":2,"seed":-1,"echo":true}`,
		`{"prompt":[[1],[]],"min_tokens":5,"ignore_eos":true,"echo":true}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":null}],"max_completion_tokens":1}`,
		`{"messages":[{"role":"user","content":"a"}],"tools":[{}],"tool_choice":{"function":{"name":"f"}},"max_tokens":3,"stream":true}`,
		`{"prompt":["a","b"],"stop":null,"n":null,"model":"\ud800"}`,
		`{"prompt":[-1e300,1e300],"n_predict":-1,"stream":true,"max_tokens":5,"n":3}`,
		`{"messages":{},"prompt":5}`,
		`{"input":[{"type":"function_call_output"},{"role":"user","content":"a"}],"max_output_tokens":3,"stream":true}`,
		`{"input":[1,2],"encoding_format":"base64","dimensions":2}`,
		`{"text":["a","b"],"sampling_params":{"max_new_tokens":2,"n":2},"stream":true}`,
		`{"inputs":"a","stream":true,"parameters":{"max_new_tokens":2,"truncate":1,"stop":"x","return_full_text":true,"return_protocol":"","details":true}}`,
		`{"id":"i","text_input":"a","max_tokens":2,"stop_words":[""],"parameters":{"max_new_tokens":2}}`,
		`{"query":"a","documents":["b",{"text":"c"},{}],"top_n":2,"return_documents":false}`,
	} {
		for i := range paths {
			f.Add(body, uint8(i), i%2 == 0)
		}
	}
	client := &http.Client{}
	f.Fuzz(func(t *testing.T, body string, path uint8, cache bool) {
		server := servers[0]
		if cache {
			server = servers[1]
		}
		resp, err := client.Post(server.URL()+paths[int(path)%len(paths)], "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch resp.StatusCode {
		case 200, 400, 422, 500:
		default:
			t.Errorf("status %d", resp.StatusCode)
		}
		if resp.Header.Get("Content-Type") == "application/json" {
			if !json.Valid(answer) {
				t.Errorf("body %q", answer)
			}
			return
		}
		events := 0
		for _, line := range strings.FieldsFunc(string(answer), func(r rune) bool { return r == 0 || r == '\n' }) {
			line = strings.TrimPrefix(strings.TrimPrefix(line, "data:"), " ")
			if line == "[DONE]" || strings.HasPrefix(line, "event: ") {
				continue
			}
			events++
			if !json.Valid([]byte(line)) {
				t.Errorf("an event is %q", line)
			}
		}
		if events == 0 {
			t.Errorf("a stream without events: %q", answer)
		}
	})
}
