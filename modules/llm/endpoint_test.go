package llm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weir/runtime/result"
)

// played is play whose script returns JSON.
func played(t *testing.T, body string, into any) *result.Case {
	t.Helper()
	text, found, thrown := play(t, body)
	if thrown != nil {
		t.Fatal(thrown)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return found
}

// A script's own protocol: it writes the request, and says what an event has brought.
func TestCustomBackend(t *testing.T) {
	const backend = `{
		name: "mine", path: "/mine", stream: "values",
		request: (prompt: string, o: any) => ({ q: prompt, most: o.maxTokens }),
		event: (data: string) => {
			const e = JSON.parse(data);
			if (e.bad) throw new Error("cannot read " + e.bad);
			return { text: e.t, reasoning: e.r, tokens: e.n, finishReason: e.end, done: e.end !== undefined, error: e.error, usage: e.u };
		},
	}`
	ask := func(raw, options string) (r reply, found *result.Case, thrown error) {
		text, found, thrown := play(t, `
			const service = new Endpoint({ backend: `+backend+`, url: "`+answer(t, []byte(raw), 50)+`", timeout: "20s" });
			return JSON.stringify(await service.complete("Hello", { maxTokens: 16`+options+` }));`)
		if thrown == nil {
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Fatal(err)
			}
		}
		return r, found, thrown
	}
	r, found, thrown := ask(chunked("text/plain", `{"r":"hm"}`+"\n"+`{"t":"a","n":2}`+"\n{}\n"+`{"t":"b","end":"length"}`+"\n"), "")
	if thrown != nil || r.Error != nil || r.Text != "ab" || r.Reasoning != "hm" || *r.FinishReason != "length" || r.Tokens != 4 || found.TokenEvents.All != 3 {
		t.Errorf("%+v %v, %+v", r, thrown, found.TokenEvents)
	}
	if r, _, _ = ask(chunked("", `{"t":"a","u":{"inputTokens":5,"outputTokens":9},"end":"stop"}`+"\n"), ""); r.Tokens != 9 || r.Usage == nil || r.Usage.InputTokens != 5 {
		t.Errorf("%+v", r)
	}
	if r, _, _ = ask(sent("application/json", `{"t":"whole","end":"stop"}`), ", stream: false"); r.Text != "whole" || r.TTFT != nil {
		t.Errorf("%+v", r)
	}
	if r, found, _ = ask(chunked("", `{"t":"a"}`+"\n"+`{"error":"no memory"}`+"\n"), ""); r.Error == nil || r.Error.Kind != "stream_error" || r.Error.Message != "no memory" || found.Counts.RequestsFailed != 1 {
		t.Errorf("%+v", r.Error)
	}
	if r, _, _ = ask(chunked("", `{"t":"a"}`+"\n"), ""); r.Error == nil || r.Error.Kind != "stream_incomplete" {
		t.Errorf("%+v", r.Error)
	}
	if _, found, thrown = ask(chunked("", `{"bad":"this"}`+"\n"), ""); thrown == nil || !strings.Contains(thrown.Error(), "cannot read this") || found.Counts.RequestsFailed != 1 {
		t.Errorf("thrown %v", thrown)
	}
	for call, want := range map[string]string{
		`{ path: "/x" }`: "it needs the functions request(prompt, options) and event(data)",
		`{ paht: "/x", request: () => "", event: () => null }`:    `did you mean "path"?`,
		`{ path: "/x", request: 1, event: () => null }`:           "request: 1 is no function",
		`{ stream: "xml", request: () => "", event: () => null }`: `"xml" is neither "sse" nor "values"`,
		`"openaichat"`: `did you mean "openai-chat"?`,
	} {
		if _, _, thrown := play(t, `new Endpoint({ backend: `+call+`, url: "http://127.0.0.1:1" } as any);`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
	// What request returns and throws.
	for call, want := range map[string]string{`() => 5`: "has returned 5", `() => { throw new Error("no way") }`: "no way"} {
		if _, _, thrown := play(t, `await new Endpoint({ backend: { request: `+call+`, event: () => null }, url: "http://127.0.0.1:1" } as any).complete("x");`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
}

// A protocol whose events have all of the text so far.
func TestCumulativeCustomBackend(t *testing.T) {
	raw := chunked("", `{"t":"Hello a"}`+"\n"+`{"t":"Hello a b"}`+"\n"+`{"t":"Hello a b"}`+"\n"+`{"t":"Hello a b c","end":"stop"}`+"\n")
	var r reply
	found := played(t, `const s = new Endpoint({ backend: { cumulative: true, stream: "values", request: (q: string) => ({ q }), event: (d: string) => { const e = JSON.parse(d); return { text: e.t, finishReason: e.end, done: !!e.end }; } }, url: "`+answer(t, []byte(raw), 50)+`", timeout: "20s" });
		return JSON.stringify(await s.complete("Hello"));`, &r)
	if r.Error != nil || r.Text != " a b c" || found.TokenEvents.All != 3 {
		t.Errorf("%q, %+v, %+v", r.Text, r.Error, found.TokenEvents)
	}
}

// A script that reads events too slowly, or in a way that throws, does not hold a
// request up for ever.
func TestCustomBackendDoesNotHang(t *testing.T) {
	raw := chunked("", `{"t":"a"}`+"\n")
	for _, row := range []struct{ event, limit, kind, thrown string }{
		{`() => ({ tokens: 1n })`, "20s", "", "BigInt"},
		{`() => ({ get text() { throw new Error("not this one"); } })`, "20s", "", "not this one"},
		{`async () => ({ text: "a" })`, "20s", "", "must not be async"},
		{`() => { const end = Date.now() + 400; while (Date.now() < end); return { text: "a", done: true }; }`, "100ms", "total_timeout", ""},
	} {
		text, _, thrown := play(t, `const r = await new Endpoint({ backend: { stream: "values", request: () => "", event: `+row.event+` } as any, url: "`+answer(t, []byte(raw), 50)+`", timeout: "`+row.limit+`" }).complete("x"); return r.error?.kind;`)
		if row.thrown != "" && (thrown == nil || !strings.Contains(thrown.Error(), row.thrown)) || row.thrown == "" && (thrown != nil || text != row.kind) {
			t.Errorf("%s: %q, thrown %v", row.event, text, thrown)
		}
	}
}

// What a service repeats of the keys that it was sent is in no message.
func TestSecretsOfAnswers(t *testing.T) {
	url := service(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		w.WriteHeader(401)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": "wrong key: " + r.Header.Get("Authorization") + " " + r.Header.Get("X-Apig-AppCode")}})
	})
	text, found, thrown := play(t, `const r = await new Endpoint({ url: "`+url+`", apiKey: "sk-very-secret", appCode: "code-secret" }).complete("x"); return r.error!.message;`)
	if thrown != nil || strings.Contains(text, "secret") || !strings.Contains(text, "wrong key: Bearer … …") {
		t.Errorf("%q, %v", text, thrown)
	}
	if encoded, _ := json.Marshal(found); strings.Contains(string(encoded), "secret") {
		t.Errorf("in the result: %s", encoded)
	}
}

// An attempt goes to another host than the one that has just failed, and what has been
// sent counts at once.
func TestHostsAndRetry(t *testing.T) {
	alive := service(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, completion)
	})
	for range 2 { // whoever is the first
		text, _, thrown := play(t, `const s = new Endpoint({ backend: "openai", url: ["http://127.0.0.1:1", "`+alive+`"], timeout: "20s", retry: { attempts: 2, wait: 1 } }); const a = await s.complete("x"); const b = await s.complete("x"); return [a.error, b.error, a.attempts + b.attempts].join();`)
		if thrown != nil || text != ",,3" {
			t.Errorf("%q, %v", text, thrown)
		}
	}
	// Two endpoints with the same hosts take turns each for itself.
	var counts [2]atomic.Int64
	var urls []string
	for i := range counts {
		urls = append(urls, service(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			if strings.Contains(r.URL.Path, "chat") {
				counts[i].Add(1)
			}
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, completion)
		}))
	}
	list, _ := json.Marshal(urls)
	if _, _, thrown := play(t, `const a = new Endpoint({ url: `+string(list)+` }), b = new Endpoint({ backend: "openai", url: `+string(list)+` }); for (let i = 0; i < 4; i++) { await a.complete("x"); await b.complete("x"); } return "";`); thrown != nil {
		t.Fatal(thrown)
	}
	if a, b := counts[0].Load(), counts[1].Load(); a != 2 || b != 2 {
		t.Errorf("%d and %d requests, want 2 and 2", a, b)
	}
}

// Scripts' mistakes that have once ended the program, or gone out unseen.
func TestMisuse(t *testing.T) {
	for call, want := range map[string]string{
		`new Endpoint({ url, backend: "anthropic" }).chat([{ role: "system" }, { role: "user", content: "x" }])`: "the system's message has no content",
		`new Endpoint({ url, backend: "anthropic" }).chat([{ role: "system", content: "x" }])`:                   "there is no message to answer",
		`new Endpoint({ url, backend: "tgi" }).complete("x", { n: 2 })`:                                          `option n: backend "tgi" cannot be asked for several choices`,
		`new Endpoint({ url, backend: "sglang" }).complete("x", { bestOf: 2 })`:                                  `option bestOf: backend "sglang" does not know it`,
		`new Endpoint({ url, backend: "mindie-triton" }).complete("x")`:                                          "has the model's name in its path",
		`new Endpoint({ url, seed: 1.5 }).complete("x")`:                                                         "1.5 is not a whole number",
		`new Endpoint({ url, insecure: "false" } as any).complete("x")`:                                          "option insecure: false is neither true nor false",
		`new Endpoint({ url, apiKey: { a: 1 } } as any).complete("x")`:                                           "option apiKey: it is no text",
		`new Endpoint({ url }).complete("x", { retry: { attempts: 2, on: ["ratelimited"] } })`:                   `did you mean "rate_limited"?`,
		`new Endpoint({ url }).complete("x", { retry: { attempts: 2, on: [5] } })`:                               "5 is no status",
		`new Endpoint({ url }).complete("x", { retry: { attempts: 2.5 } })`:                                      "2.5 is not a whole number",
	} {
		if _, _, thrown := play(t, `const url = "http://127.0.0.1:1"; await `+call+`;`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
}

// The model's name goes into the path of each request, as one part of it.
func TestModelInPath(t *testing.T) {
	for model, want := range map[string]string{`"a"`: "/v2/models/a/generate_stream", `"Qwen/Qwen3 8B"`: "/v2/models/Qwen%2FQwen3%208B/generate_stream"} {
		head, _ := sentBy(t, `backend: "mindie-triton", model: "other"`, `complete("x", { model: `+model+` })`)
		if !strings.HasPrefix(head, "POST "+want+" ") {
			t.Errorf("%s: %.80s", model, head)
		}
	}
	if head, _ := sentBy(t, `backend: "trt"`, `complete("x")`); !strings.HasPrefix(head, "POST /v2/models/ensemble/generate_stream ") {
		t.Errorf("%.80s", head)
	}
}

// completion is what a service that works answers.
const completion = `data: {"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"

// service answers each request by what handle says, from 0.
func service(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, n int)) string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, int(n.Add(1))-1) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestRetry(t *testing.T) {
	type outcome struct {
		Error    *struct{ Kind string }
		Attempts int
	}
	for _, row := range []struct {
		name, retry    string
		statuses       []int // of the attempts, in order; then 200
		attempts       int
		failure        string
		failed, retied int64
	}{
		{"not asked for", `undefined`, []int{503}, 1, "http_status", 1, 0},
		{"a busy service", `{ attempts: 4, wait: 1 }`, []int{503, 429}, 3, "", 2, 2},
		{"a number of attempts", `2`, []int{429}, 2, "", 1, 1},
		{"still busy", `{ attempts: 3, wait: 1 }`, []int{503, 502, 504, 503}, 3, "http_status", 3, 2},
		{"a wrong request", `{ attempts: 4, wait: 1 }`, []int{400}, 1, "http_status", 1, 0},
		{"a status of the script's choice", `{ attempts: 4, wait: 1, on: [400] }`, []int{400, 503}, 2, "http_status", 2, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			url := service(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				if n < len(row.statuses) {
					w.Header().Set("Retry-After", "0")
					http.Error(w, `{"error":{"message":"busy"}}`, row.statuses[n])
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, completion)
			})
			var got outcome
			found := played(t, `const r = await new Endpoint({ backend: "openai", url: "`+url+`", timeout: "20s" }).complete("x", { retry: `+row.retry+` }); return JSON.stringify({ error: r.error, attempts: r.attempts });`, &got)
			if got.Attempts != row.attempts || (got.Error != nil) != (row.failure != "") || got.Error != nil && got.Error.Kind != row.failure {
				t.Errorf("%+v %+v", got, got.Error)
			}
			if c := found.Counts; c.Requests != int64(row.attempts) || c.RequestsFailed != row.failed || c.Retried != row.retied {
				t.Errorf("%+v", c)
			}
		})
	}
	for call, want := range map[string]string{
		`0`: "0 is out of range", `{ wait: 1 }`: "attempts is missing", `{ attempts: 2, often: 1 }`: "often: there is only attempts, wait and on", `{ attempts: 2, on: "x" }`: "on: x is not a list",
	} {
		if _, _, thrown := play(t, `await new Endpoint({ url: "http://127.0.0.1:1" }).complete("x", { retry: `+call+` as any });`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
}

// Several hosts are asked in turn, or the one with the least to do.
func TestHosts(t *testing.T) {
	const requests = 9
	run := func(balance string) (got [3]int64) {
		var counts [3]atomic.Int64
		others := make(chan struct{}) // closed when the other hosts have had all that is left
		var urls []string
		for i := range counts {
			urls = append(urls, service(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				counts[i].Add(1)
				switch {
				case balance == "round-robin":
				case i == 0: // it does not answer until it may
					<-others
				case counts[1].Load()+counts[2].Load() == requests-1:
					close(others)
				}
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, completion)
			}))
		}
		list, _ := json.Marshal(urls)
		_, _, thrown := play(t, fmt.Sprintf(`
			const s = new Endpoint({ backend: "openai", url: %s, balance: %q, timeout: "20s" });
			const first = s.complete("x");
			for (let i = 1; i < %d; i++) await s.complete("x");
			await first;
			return "";`, list, balance, requests))
		if thrown != nil {
			t.Fatal(thrown)
		}
		for i := range counts {
			got[i] = counts[i].Load()
		}
		return got
	}
	if got := run("least-in-flight"); got[0] != 1 || got[1]+got[2] != requests-1 {
		t.Errorf("least in flight: %v", got)
	}
	if got := run("round-robin"); got != [3]int64{3, 3, 3} {
		t.Errorf("in turn: %v", got)
	}
	if _, _, thrown := play(t, `new Endpoint({ url: "http://127.0.0.1:1", balance: "random" });`); thrown == nil || !strings.Contains(thrown.Error(), `neither "round-robin" nor "least-in-flight"`) {
		t.Errorf("%v", thrown)
	}
}

// Each request gets a model by its weight, the same in each run.
func TestModelMix(t *testing.T) {
	draw := func(model string, iterations int) map[string]int {
		var mu sync.Mutex
		got := map[string]int{}
		url := service(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			var body struct{ Model string }
			json.NewDecoder(r.Body).Decode(&body)
			mu.Lock()
			got[body.Model]++
			mu.Unlock()
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, completion)
		})
		playAll(t, iterations, `const r = await new Endpoint({ backend: "openai", url: "`+url+`", model: `+model+`, timeout: "20s" }).complete("x"); return r.model;`)
		mu.Lock()
		defer mu.Unlock()
		return got
	}
	if got := draw(`["a", "b"]`, 200); got["a"]+got["b"] != 200 || got["a"] < 70 || got["b"] < 70 {
		t.Errorf("%v", got)
	}
	first := draw(`{ a: 3, b: 1, c: 0 }`, 200)
	if first["a"] < 120 || first["b"] < 25 || first["c"] != 0 {
		t.Errorf("%v", first)
	}
	if again := draw(`{ a: 3, b: 1, c: 0 }`, 200); again["a"] != first["a"] {
		t.Errorf("%v, then %v", first, again)
	}
	if got := draw(`zipf(["a", "b", "c", "d"], 1.2)`, 200); !(got["a"] > got["b"] && got["b"] > got["d"]) {
		t.Errorf("%v", got)
	}
	for call, want := range map[string]string{`[]`: "the list of models is empty", `{ a: 0 }`: "must add up to more than 0", `{ a: -1 }`: "the weight of a: -1 is out of range", `zipf([])`: "zipf needs a list of names"} {
		if _, _, thrown := play(t, `new Endpoint({ url: "http://127.0.0.1:1", model: `+call+` });`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
}

// Embeddings and rankings have a latency and input tokens, and nothing of a stream.
func TestPooling(t *testing.T) {
	var r struct {
		Results, Dimensions, Tokens int
		Scores                      []struct{ Index, Score float64 }
		Usage                       *struct{ InputTokens int }
		TTFT                        *float64
		Error                       *struct{ Kind, Message string }
	}
	ask := func(raw, options, call string) *result.Case {
		r.Usage, r.Error, r.Scores = nil, nil, nil
		return played(t, `const r = await new Endpoint({ url: "`+answer(t, []byte(raw), 60)+`", timeout: "20s", `+options+` }).`+call+`; return JSON.stringify(r);`, &r)
	}
	found := ask(sent("application/json", `{"object":"list","data":[{"index":0,"embedding":[0.1,-0.2,3e-4]},{"index":1,"embedding":[1,2,3]}],"usage":{"prompt_tokens":7,"total_tokens":7}}`), `backend: "embeddings"`, `embed(["a", "b"])`)
	if r.Error != nil || r.Results != 2 || r.Dimensions != 3 || r.Tokens != 0 || r.Usage == nil || r.Usage.InputTokens != 7 || r.TTFT != nil {
		t.Errorf("%+v %+v", r, r.Error)
	}
	for _, name := range []string{"ttft", "itl", "output_tokens"} {
		if m := found.Metrics[name]; m != nil && m.N > 0 {
			t.Errorf("%s has %d samples", name, m.N)
		}
	}
	if m := found.Metrics["e2el"]; m == nil || m.N != 1 || found.Throughput.InputTokens <= 0 || found.Throughput.OutputTokens != 0 {
		t.Errorf("e2el %+v, throughput %+v", m, found.Throughput)
	}
	ask(sent("application/json", `{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":-0.1}],"usage":{"total_tokens":9}}`), `backend: "rerank"`, `rerank("q", ["a", "b"])`)
	if r.Error != nil || len(r.Scores) != 2 || r.Scores[0].Index != 1 || r.Scores[1].Score != -0.1 || r.Usage.InputTokens != 9 {
		t.Errorf("%+v %+v", r, r.Error)
	}
	ask(sent("application/json", `[{"index":0,"score":0.5}]`), `backend: "rerank"`, `rerank("q", ["a"])`)
	if r.Error != nil || len(r.Scores) != 1 || r.Scores[0].Score != 0.5 {
		t.Errorf("%+v %+v", r, r.Error)
	}
	ask(sent("application/json", `{"data":[]}`), `backend: "embeddings"`, `embed("a")`)
	if r.Error == nil || r.Error.Kind != "no_output" || r.Error.Message != "the answer has no embedding" {
		t.Errorf("%+v", r.Error)
	}
	for call, want := range map[string]string{
		`backend: "embeddings"`: `complete: backend "embeddings" does not do that; use embed(input)`,
		`backend: "rerank"`:     "use rerank(query, documents)",
	} {
		if _, _, thrown := play(t, `await new Endpoint({ url: "http://127.0.0.1:1", `+call+` }).complete("x");`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
	for call, want := range map[string]string{
		`embed("x")`:     `embed: backend "openai-chat" does not do that; use complete(prompt)`,
		`rerank("q", 5)`: `does not do that`,
	} {
		if _, _, thrown := play(t, `await new Endpoint({ url: "http://127.0.0.1:1" }).`+call+`;`); thrown == nil || !strings.Contains(thrown.Error(), want) {
			t.Errorf("%s: %v, want %s", call, thrown, want)
		}
	}
}
