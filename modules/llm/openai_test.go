package llm

import (
	"strings"
	"testing"
)

// Each row is one event of a stream, or a whole answer, as real servers send
// them; what follows is what must be read out of it.
func TestDecodeOpenAI(t *testing.T) {
	f := func(event, text, reasoning, finish string, token bool) {
		t.Helper()
		var o output
		o.begin()
		if err := decodeOpenAI([]byte(event), &o); err != nil {
			t.Errorf("%s: %v", event, err)
			return
		}
		got := ""
		if len(o.choices) > 0 {
			got = string(o.choices[0])
		}
		if got != text || string(o.reasoning) != reasoning || o.finish != finish || (o.text || o.more) != token {
			t.Errorf("%s:\n got text %q reasoning %q finish %q token %v\nwant text %q reasoning %q finish %q token %v",
				event, got, o.reasoning, o.finish, o.text || o.more, text, reasoning, finish, token)
		}
	}
	// vLLM: the role chunk has empty content, the last content chunk the reason.
	f(`{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}`, "", "", "", false)
	f(`{"choices":[{"index":0,"delta":{"content":"ST"},"finish_reason":null}]}`, "ST", "", "", true)
	f(`{"choices":[{"index":0,"delta":{"content":"level"},"finish_reason":"length","stop_reason":null}]}`, "level", "", "length", true)
	f(`{"choices":[{"index":0,"delta":{"reasoning":"hm"}}]}`, "", "hm", "", true)
	// llama.cpp: content null in the role chunk, the reason in an empty delta, index after the text.
	f(`{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}]}`, "", "", "", false)
	f(`{"choices":[{"finish_reason":"length","index":0,"delta":{}}],"object":"chat.completion.chunk"}`, "", "", "length", false)
	f(`{"choices":[{"delta":{"reasoning_content":"think"},"index":0}]}`, "", "think", "", true)
	f(`null`, "", "", "", false)
	// Completions, streamed and whole; a whole chat.
	f(`{"object":"text_completion","choices":[{"index":0,"text":" and","logprobs":null,"finish_reason":null}],"usage":null}`, " and", "", "", true)
	f(`{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","tool_calls":[]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, "Hi", "", "stop", true)
	// Tool calls are tokens too; other choices are text of their own.
	f(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}}]}`, "", "", "", true)
	f(`{"choices":[{"index":1,"delta":{"content":"two"}}]}`, "", "", "", true)
	// Usage only.
	f(`{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`, "", "", "", false)
}

func TestDecodeOpenAIUsage(t *testing.T) {
	var o output
	err := decodeOpenAI([]byte(`{"choices":[],"usage":{"prompt_tokens":16,"total_tokens":40,"completion_tokens":24,
		"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":5}}}`), &o)
	if u := o.usage; err != nil || !u.hasInput || !u.hasOutput || u.input != 16 || u.output != 24 || u.cached != 8 || u.reasoning != 5 {
		t.Errorf("%+v, %v", u, err)
	}
}

// A service that does not tell of cached or reasoning tokens has not told 0.
func TestDecodeOpenAIUsageUntold(t *testing.T) {
	for details, want := range map[string][2]bool{
		``: {},
		`,"prompt_tokens_details":null,"completion_tokens_details":null`:                                     {},
		`,"prompt_tokens_details":{},"completion_tokens_details":{"audio_tokens":0}`:                         {},
		`,"prompt_tokens_details":{"cached_tokens":null},"completion_tokens_details":{"reasoning_tokens":7}`: {false, true},
		`,"prompt_tokens_details":{"cached_tokens":0}`:                                                       {true, false},
	} {
		var o output
		err := decodeOpenAI([]byte(`{"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":24`+details+`}}`), &o)
		if got := [2]bool{o.usage.hasCached, o.usage.hasReasoning}; err != nil || got != want {
			t.Errorf("%q: told of cached and reasoning tokens: %v, %v; want %v", details, got, err, want)
		}
	}
}

func TestDecodeOpenAIErrors(t *testing.T) {
	f := func(event, want string) {
		t.Helper()
		var o output
		err := decodeOpenAI([]byte(event), &o)
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case o.fail != nil:
			got = o.fail.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", event, got, want)
		}
	}
	f(`{"error":{"message":"out of memory","type":"server_error","code":500}}`, "stream_error: out of memory")
	f(`{"error":"out of memory"}`, "stream_error: out of memory")
	f(`{"object":"error","message":"too long","type":"invalid","code":40303}`, "stream_error: too long")
	f(`{"error":{"type":"odd"}}`, `{"type":"odd"}`)
	f(`{"error":17}`, "stream_error: 17")
	f(`{"choices":[{"delta":{"content":"cut`, "it ends in the middle")
	f(`[1]`, "no object")
	f(`<html>`, "no object")
	f(`{"choices":[]} trailing`, "more after the value")
}

// What a request looks like on the wire; docs/protocols.md lists the fields.
func TestOpenAIBody(t *testing.T) {
	num := func(f float64) *float64 { return &f }
	f := func(want string, c call) {
		t.Helper()
		if got := string(c.backend.appendBody(nil, &c)); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	f(`{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"temperature":0,"top_p":0.8,"top_k":5,"max_tokens":16,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`,
		call{backend: openAIChat, prompt: `say "hi"`, settings: settings{model: "m", temperature: num(0), topP: num(0.8), topK: num(5), maxTokens: 16, ignoreEOS: true, stream: true}})
	f(`{"model":"m","prompt":"x","temperature":0.5,"stop":["\n"]}`,
		call{backend: openAI, prompt: "x", settings: settings{model: "m", temperature: num(0.5), stop: []byte(`["\n"]`)}})
	f(`{"prompt":[1,2,3],"seed":7,"n":2,"stream":true,"stream_options":{"include_usage":true}}`,
		call{backend: openAI, promptIDs: []int{1, 2, 3}, settings: settings{seed: num(7), n: num(2), stream: true}})
	// extraBody adds members, and replaces weir's own.
	f(`{"messages":[{"role":"system","content":"s"}],"max_tokens":4,"stream":true,"stream_options":{"include_usage":false},"chat_template_kwargs":{"a":1}}`,
		call{backend: openAIChat, messages: []byte(`[{"role":"system","content":"s"}]`), settings: settings{maxTokens: 4, stream: true,
			extra: []member{{key: "stream_options", json: []byte(`{"include_usage":false}`)}, {key: "chat_template_kwargs", json: []byte(`{"a":1}`)}}}})
}

func BenchmarkDecodeOpenAIChat(b *testing.B) {
	event := []byte(`{"id":"chatcmpl-98553512126d3c68","object":"chat.completion.chunk","created":1795528124,"model":"tiny","choices":[{"index":0,"delta":{"content":" support"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`)
	o := output{id: "x"}
	b.ReportAllocs()
	for b.Loop() {
		o.begin()
		if len(o.choices) > 0 {
			o.choices[0] = o.choices[0][:0]
		}
		if err := decodeOpenAI(event, &o); err != nil {
			b.Fatal(err)
		}
	}
}

// A token event must cost no allocation once the buffers have grown.
func TestDecodeDoesNotAllocate(t *testing.T) {
	event := []byte(`{"id":"c","object":"chat.completion.chunk","created":1,"model":"tiny","choices":[{"index":0,"delta":{"content":" support"},"finish_reason":null}]}`)
	o := output{id: "x", choices: [][]byte{make([]byte, 0, 64)}}
	if n := testing.AllocsPerRun(100, func() {
		o.begin()
		o.choices[0] = o.choices[0][:0]
		if err := decodeOpenAI(event, &o); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}
