package llm_test

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"weir/modules/llm"
)

// sentBy returns what an endpoint with these options sends for a call.
func sentBy(t *testing.T, options, call string) (head, body string) {
	t.Helper()
	got := make(chan string, 1)
	url := answerOnce(t, func(c net.Conn) {
		var all bytes.Buffer
		readRequest(recordedConn{c, &all})
		got <- all.String()
	})
	if _, _, thrown := play(t, `await new Endpoint({ url: "`+url+`", timeout: "20s", `+options+` }).`+call); thrown != nil {
		t.Fatal(thrown)
	}
	head, body, _ = strings.Cut(<-got, "\r\n\r\n")
	return head, body
}

// Every backend's request, byte by byte.
func TestBodies(t *testing.T) {
	text, err := os.ReadFile("testdata/bodies.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(text), "\n\n")
	seen := map[string]bool{}
	for row := range strings.SplitSeq(strings.TrimSpace(rows), "\n\n") {
		title, want, _ := strings.Cut(row, "\n")
		backend, path, _ := strings.Cut(title, " ")
		seen[backend] = true
		t.Run(backend, func(t *testing.T) {
			options := `backend: "` + backend + `", model: "m", temperature: 0, topP: 0.8, topK: 5`
			call := `complete({ prompt: "Hello", promptTokens: 512, outputTokens: 256 }, { ignoreEos: true })`
			switch backend {
			case "embeddings":
				call = `embed("Hello")`
			case "rerank":
				call = `rerank("Hello", ["a", "b"])`
			}
			head, body := sentBy(t, options, call)
			if line, _, _ := strings.Cut(head, "\r\n"); line != "POST "+path+" HTTP/1.1" {
				t.Errorf("%s, want %s", line, path)
			}
			if body != strings.TrimSpace(want) {
				t.Errorf("\n got %s\nwant %s", body, want)
			}
		})
	}
	for _, name := range llm.BackendNames() {
		if !seen[name] {
			t.Errorf("testdata/bodies.txt has no row for %s", name)
		}
	}
}

// What a script can change in them.
func TestBodyOptions(t *testing.T) {
	for _, row := range []struct{ name, options, call, want string }{
		{"token ids", `backend: "sglang"`, `complete([1, 2], { stream: false })`, `{"input_ids":[1,2],"sampling_params":{}}`},
		{"sampling instead of the likeliest", `backend: "tgi", temperature: 0.5, topP: 0.9, topK: 3, seed: 7, bestOf: 2`, `complete("x", { maxTokens: 4, stop: "\n" })`,
			`{"inputs":"x","parameters":{"best_of":2,"max_new_tokens":4,"do_sample":true,"temperature":0.5,"top_p":0.9,"top_k":3,"seed":7,"stop":["\n"],"decoder_input_details":false}}`},
		{"an object is merged", `backend: "tgi"`, `complete("x", { maxTokens: 4, extraBody: { parameters: { watermark: true, max_new_tokens: 5 }, other: 1 } })`,
			`{"inputs":"x","parameters":{"best_of":1,"decoder_input_details":false,"watermark":true,"max_new_tokens":5},"other":1}`},
		{"anything else replaces", `backend: "tgi"`, `complete("x", { extraBody: { parameters: null } })`, `{"inputs":"x","parameters":null}`},
		{"usage in every event", `backend: "openai", continuousUsage: true`, `complete("x")`, `{"prompt":"x","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`},
		{"no usage", `backend: "openai"`, `complete("x", { extraBody: { stream_options: { include_usage: false } } })`, `{"prompt":"x","stream":true,"stream_options":{"include_usage":false}}`},
		{"the system's message apart", `backend: "anthropic"`, `chat([{ role: "system", content: "s" }, { role: "user", content: "u" }], { stop: "x" })`,
			`{"max_tokens":4096,"system":"s","messages":[{"role":"user","content":"u"}],"stop_sequences":["x"],"stream":true}`},
		{"messages as input", `backend: "openai-responses"`, `chat([{ role: "user", content: "u" }])`, `{"input":[{"role":"user","content":"u"}],"stream":true}`},
		{"several texts to embed", `backend: "embeddings"`, `embed(["a", "b"], { extraBody: { dimensions: 8 } })`, `{"input":["a","b"],"dimensions":8}`},
		{"a backend of the script's own", `backend: { path: "/p", request: (prompt, o) => ({ p: prompt, n: o.maxTokens }), event: () => null }`, `complete("x", { maxTokens: 3 })`, `{"p":"x","n":3}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, body := sentBy(t, row.options, row.call); body != row.want {
				t.Errorf("\n got %s\nwant %s", body, row.want)
			}
		})
	}
}

// Headers that a backend needs, and keys where it wants them.
func TestBackendHeaders(t *testing.T) {
	for _, row := range []struct{ options, want, not string }{
		{`backend: "anthropic", apiKey: "k"`, "\r\nX-Api-Key: k\r\n", "Authorization"},
		{`backend: "anthropic"`, "\r\nAnthropic-Version: 2023-06-01\r\n", "X-Api-Key"},
		{`backend: "openai", apiKey: "k", appCode: "c", authToken: "t"`, "\r\nAuthorization: Bearer k\r\nX-Apig-Appcode: c\r\nX-Auth-Token: t\r\n", "Anthropic"},
		{`backend: "trt"`, "\r\nContent-Type: text/event-stream; charset=utf-8\r\n", "application/json"},
		{`backend: "trt", headers: { "content-type": "a/b" }`, "\r\nContent-Type: a/b\r\n", "event-stream"},
	} {
		head, _ := sentBy(t, row.options, `complete("x")`)
		if !strings.Contains(head+"\r\n", row.want) || strings.Contains(head, row.not) {
			t.Errorf("%s:\n%s\nwant %q", row.options, head, row.want)
		}
	}
}
