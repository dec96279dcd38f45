package llm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"weir/modules/llm"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// answer is a service that sends the same bytes to everybody, in pieces, and
// then closes the connection.
func answer(t *testing.T, raw []byte, piece int) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				readRequest(c)
				for rest := raw; len(rest) > 0; {
					n := min(piece, len(rest))
					if _, err := c.Write(rest[:n]); err != nil {
						return
					}
					rest = rest[n:]
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// answerOnce is a service that takes one connection.
func answerOnce(t *testing.T, handle func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		handle(c)
	}()
	return "http://" + l.Addr().String()
}

// readRequest reads a request to its end: a reset for unread data would take
// the answer with it.
func readRequest(c net.Conn) {
	var got []byte
	var b [4096]byte
	for {
		n, err := c.Read(b[:])
		if err != nil {
			return
		}
		got = append(got, b[:n]...)
		head, body, ok := bytes.Cut(got, []byte("\r\n\r\n"))
		if !ok {
			continue
		}
		_, length, _ := strings.Cut(string(head), "Content-Length: ")
		length, _, _ = strings.Cut(length, "\r\n")
		want, _ := json.Number(length).Int64()
		if int64(len(body)) >= want {
			return
		}
	}
}

// reply is what a script sees, and the case that the record becomes.
type reply struct {
	Text, Reasoning string
	FinishReason    *string
	Tokens          int
	Usage           *struct{ InputTokens, OutputTokens int }
	TTFT            *float64
	Error           *struct {
		Kind, Message string
		Status        int
	}
	found *result.Case
}

// play runs the body of a script's default function; it returns what that
// returned, or threw, and the case that its requests became.
func play(t *testing.T, body string) (returned string, found *result.Case, thrown error) {
	t.Helper()
	return playAll(t, 1, body)
}

// playAll does so for several iterations, one after another.
func playAll(t *testing.T, iterations int, body string) (returned string, found *result.Case, thrown error) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	if err := os.WriteFile(path, []byte(`import { Endpoint, zipf } from "weir/llm"; import { item } from "test/items"; export default async function () { `+body+` }`), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir/llm": llm.New(clients, "weir"), "test/items": items{}},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	recorder := metrics.NewRecorder(metrics.Options{})
	for i := 0; i < iterations && thrown == nil; i++ {
		thrown = rt.Wait(script.Task{
			Op:    "iteration",
			Value: &metrics.Iteration{Recorder: recorder, Index: i},
			Run: func(*goja.Runtime) (goja.Value, error) {
				f, _ := goja.AssertFunction(rt.Export("default"))
				return f(goja.Undefined())
			},
		}, func(v goja.Value) error { returned = v.String(); return nil })
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	recorder.WaitClosed(ctx)
	return returned, recorder.Finish(result.Counts{Started: 1, Completed: 1}, nil, metrics.Rules{}), thrown
}

// ask sends one request from a script and returns its reply.
func ask(t *testing.T, url, backend, options string) (r reply) {
	t.Helper()
	text, found, thrown := play(t, `
		const service = new Endpoint({ backend: "`+backend+`", url: "`+url+`", timeout: "20s" });
		return JSON.stringify(await service.complete("Hello", { maxTokens: 16`+options+` }));`)
	if thrown != nil {
		t.Fatal(thrown)
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	r.found = found
	return r
}

// Recorded streams of real servers, and streams in which something is wrong:
// what the script and the record make of them, however the bytes are cut.
func TestAnswers(t *testing.T) {
	recorded := func(name string) string {
		b, err := os.ReadFile("../../testdata/streams/" + name + ".http")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	chunk := func(text string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"` + text + `"}}]}` + "\n\n"
	}
	finish := `data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\n"
	done := "data: [DONE]\n\n"

	for _, row := range []struct {
		name, backend, options string
		raw                    string
		text                   string // the beginning of the text, or of the reasoning
		events                 int64  // token events
		tokens                 int
		source                 string // who counted the output
		finish, failure        string
		message                string
	}{
		{name: "vLLM", raw: recorded("vllm-chat-usage"), text: "ST�pt +=onent)", events: 23, tokens: 24, source: "usage", finish: "length"},
		{name: "vLLM, four tokens an event", raw: recorded("vllm-chat-interval4"), text: "ST�pt +=onent)", events: 7, tokens: 24, source: "usage", finish: "length"},
		{name: "vLLM, usage in every chunk", raw: recorded("vllm-chat-continuous-usage"), text: "ST�pt +=onent),", events: 5, tokens: 6, source: "usage", finish: "length"},
		{name: "vLLM, reasoning only", raw: recorded("vllm-chat-reasoning"), events: 5, tokens: 6, source: "usage", finish: "length"},
		{name: "vLLM, completion", backend: "openai", raw: recorded("vllm-completion-usage"), text: "SIreppt +=", events: 15, tokens: 16, source: "usage", finish: "length"},
		{name: "llama.cpp", raw: recorded("llamacpp-chat-no-usage"), text: "S one every sh", events: 8, tokens: 8, source: "events", finish: "length"},
		{name: "llama.cpp, reasoning only", raw: recorded("llamacpp-chat-reasoning"), events: 6, tokens: 6, source: "usage", finish: "length"},
		{name: "llama.cpp, completion", backend: "openai", raw: recorded("llamacpp-completion-usage"), text: " its once everyP", events: 16, tokens: 16, source: "usage", finish: "length"},
		{name: "llama.cpp, refused", raw: recorded("llamacpp-no-key"), failure: "http_status", message: "Invalid API Key"},
		{name: "llama.cpp, prompt too long", raw: recorded("llamacpp-too-long"), failure: "http_status", message: "exceeds the available context size"},
		{name: "llama.cpp, killed", backend: "openai", raw: recorded("llamacpp-cut-off"), failure: "truncated", message: "in the middle of its response"},

		{name: "no [DONE], but a finish reason", raw: head + chunk("a") + chunk("b") + finish, text: "ab", events: 2, tokens: 2, source: "events", finish: "length"},
		{name: "[DONE], but no finish reason", raw: head + chunk("a") + done, text: "a", events: 1, tokens: 1, source: "events"},
		{name: "[DONE] before all tokens and without a finish reason", options: ", ignoreEos: true",
			raw: head + chunk("a") + `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\n" + done, failure: "stream_incomplete", message: "after 1 of 16 tokens"},
		{name: "neither", raw: head + chunk("a"), failure: "stream_incomplete", message: "without its end mark"},
		{name: "nothing at all", raw: head, failure: "stream_incomplete", message: "without its end mark"},
		{name: "no token", raw: head + finish + done, failure: "no_output", message: "without a token"},
		{name: "an error event", raw: head + chunk("a") + `data: {"error":{"message":"out of memory","code":500}}` + "\n\n" + done, failure: "stream_error", message: "out of memory"},
		{name: "a named error event", raw: head + "event: error\ndata: {\"detail\":\"overloaded\"}\n\n", failure: "stream_error", message: "overloaded"},
		{name: "an event that is not JSON", raw: head + chunk("a") + "data: {\"choices\":[{\n\n", failure: "malformed_event", message: "ends in the middle"},
		{name: "a page", raw: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><body>Sign in</body></html>", failure: "not_a_stream", message: "text/html instead of an event stream: <html><body>Sign in"},
		{name: "an error in JSON with status 200", raw: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"error\":\"no such model\"}", failure: "stream_error", message: "no such model"},
		{name: "status 500 without a message", raw: "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", failure: "http_status", message: "no message"},
		{name: "status 502 with a page", raw: "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n<h1>Bad\nGateway</h1>", failure: "http_status", message: "<h1>Bad Gateway</h1>"},
	} {
		if row.backend == "" {
			row.backend = "openai-chat"
		}
		for _, piece := range []int{len(row.raw), 997, 61} {
			t.Run(row.name, func(t *testing.T) {
				r := ask(t, answer(t, []byte(row.raw), piece), row.backend, row.options)
				failures := r.found.Counts.RequestsFailed
				if row.failure != "" {
					if r.Error == nil || r.Error.Kind != row.failure || !strings.Contains(r.Error.Message, row.message) || failures != 1 {
						t.Fatalf("%+v, %d failed requests, want %s: %s", r.Error, failures, row.failure, row.message)
					}
					return
				}
				if r.Error != nil || failures != 0 {
					t.Fatalf("failed: %+v, %d failed requests", r.Error, failures)
				}
				if !strings.HasPrefix(r.Text, row.text) || r.Text == "" && r.Reasoning == "" {
					t.Errorf("text %q, reasoning %q, want %q", r.Text, r.Reasoning, row.text)
				}
				if r.Tokens != row.tokens || r.found.Tokens.Output[row.source] != 1 {
					t.Errorf("%d tokens from %v, want %d from %s", r.Tokens, r.found.Tokens.Output, row.tokens, row.source)
				}
				events := r.found.TokenEvents
				if events.All != row.events {
					t.Errorf("%d token events, want %d", events.All, row.events)
				}
				if finish := r.FinishReason; (finish == nil) != (row.finish == "") || finish != nil && *finish != row.finish {
					t.Errorf("finish reason %v, want %q", finish, row.finish)
				}
				// A first token that came in one read with the second has no measured time.
				if (r.TTFT == nil) != (events.FirstShared == 1) || r.TTFT != nil && *r.TTFT <= 0 {
					t.Errorf("TTFT %v, token events %+v", r.TTFT, events)
				}
			})
		}
	}
}

// An answer that was not asked for as a stream has a latency, and no TTFT.
func TestWholeAnswer(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/streams/vllm-chat-whole.http")
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, answer(t, raw, len(raw)), "openai-chat", ", stream: false")
	if r.Error != nil || r.Text == "" || r.Usage == nil || r.Usage.OutputTokens != r.Tokens || r.TTFT != nil {
		t.Errorf("%+v", r)
	}
	if m := r.found.Metrics; m["ttft"] != nil || m["e2el"] == nil || m["itl"] != nil {
		t.Errorf("metrics %v", m)
	}
}

// What the script gives in extraBody goes out as JSON.stringify writes it, and
// what is no prompt, no message or no option is refused before anything is sent.
func TestWhatIsSent(t *testing.T) {
	f := func(call, want string) {
		t.Helper()
		sent := make(chan string, 1)
		url := answerOnce(t, func(c net.Conn) {
			var got bytes.Buffer
			readRequest(recordedConn{c, &got})
			sent <- got.String()
		})
		_, _, thrown := play(t, `await new Endpoint({ url: "`+url+`", timeout: "20s" }).`+call)
		message := ""
		if thrown != nil {
			message = thrown.Error()
		} else {
			message = <-sent
		}
		if !strings.Contains(message, want) {
			t.Errorf("%s\n got %s\nwant %s", call, message, want)
		}
	}
	f(`complete("x", { extraBody: { a: "中文", b: null, c: undefined, d: [1, { e: "é" }], f: true, g: 1.5 } })`, `,"a":"中文","b":null,"d":[1,{"e":"é"}],"f":true,"g":1.5}`)
	f(`complete("x", { extraBody: { f: () => 1 } })`, "option extraBody: f: a function cannot be written as JSON")
	f(`complete("x", { extraBody: { f: 5n } })`, "option extraBody: f: 5 cannot be written as JSON")
	f(`complete("x", { headers: { "X-A": "b" } })`, "X-A: b\r\n")
	f(`chat([{ role: "user", content: "hi" }])`, `"messages":[{"role":"user","content":"hi"}]`)
	f(`chat([1, 2])`, "message 1 is no object with a role")
	f(`complete({ prompt: { prompt: "x" } })`, "is no prompt")
	f(`complete((() => { const a: any = {}; a.prompt = a; return a; })())`, "is no prompt")
	f(`complete([1, 2])`, `backend "openai-chat" takes no token ids`)
	f(`complete("x", { maxTokens: 0 })`, "option maxTokens: 0 is out of range")
	f(`complete("x", { maxTokns: 1 })`, `unknown option "maxTokns"; did you mean "maxTokens"?`)
	f(`complete("x", { stop: 5 })`, "option stop: 5 is neither a string nor a list of strings")
}

// recordedConn keeps what is read.
type recordedConn struct {
	net.Conn
	got *bytes.Buffer
}

func (c recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.got.Write(b[:n])
	return n, err
}

// A first token behind which more of the stream arrived in the same read is marked,
// whatever that more was, and has a time only where both are known to have come
// together; the stream's end does not count.
func TestFollowedFirstToken(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	event := func(text string) string { return `data: {"choices":[{"delta":{"content":"` + text + `"}}]}` + "\n\n" }
	const finish = `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\n" + "data: [DONE]\n\n"
	second := event("two")
	for _, row := range []struct {
		name   string
		writes []string
		shared int64
	}{
		{"by a whole event", []string{head + event("one") + second, finish}, 1},
		{"by half an event", []string{head + event("one") + second[:20], second[20:] + finish}, 1},
		{"by an event without text", []string{head + event("one") + event(""), second + finish}, 1},
		{"by the end", []string{head + event("one") + finish}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			url := answerOnce(t, func(c net.Conn) {
				readRequest(c)
				for _, w := range row.writes {
					io.WriteString(c, w)
					time.Sleep(20 * time.Millisecond)
				}
			})
			r := ask(t, url, "openai-chat", "")
			events := r.found.TokenEvents
			if r.Error != nil || events.Shared != row.shared || (r.TTFT == nil) != (events.FirstShared == 1) || events.FirstShared > row.shared {
				t.Errorf("TTFT %v, %+v, error %+v", r.TTFT, events, r.Error)
			}
		})
	}
}
