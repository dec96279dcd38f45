package llm_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// stream is a recorded answer from testdata/streams.
func stream(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/streams/" + name + ".http")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sent is an answer with a body, which the connection's end ends.
func sent(mediaType, body string) string {
	head := "HTTP/1.1 200 OK\r\n"
	if mediaType != "" {
		head += "Content-Type: " + mediaType + "\r\n"
	}
	return head + "Connection: close\r\n\r\n" + body
}

// chunked is the same with a proper end.
func chunked(mediaType, body string) string {
	return strings.Replace(sent(mediaType, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)), "Connection: close\r\n", "Transfer-Encoding: chunked\r\n", 1)
}

// withCRLF is an answer of one chunk whose lines end in CR LF; "" is any other.
func withCRLF(raw string) string {
	head, rest, _ := strings.Cut(raw, "\r\n\r\n")
	size, body, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseInt(size, 16, 32)
	if err != nil || int(n) > len(body) || body[n:] != "\r\n0\r\n\r\n" {
		return ""
	}
	lines := strings.ReplaceAll(strings.ReplaceAll(body[:n], "\r\n", "\n"), "\n", "\r\n")
	return fmt.Sprintf("%s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(lines), lines)
}

// Every protocol's own stream, its whole answer and its errors: recorded where there
// is a recording, else as the protocol's description has it. The prompt is "Hello".
func TestBackends(t *testing.T) {
	sse := func(body string) string { return chunked("text/event-stream", body) }
	tgi := func(text, special string) string {
		return `data:{"index":1,"token":{"id":7,"text":"` + text + `","logprob":-0.3,"special":` + special + `},"generated_text":null,"details":null}` + "\n\n"
	}
	tgiEnd := `data:{"index":3,"token":{"id":2,"text":"</s>","logprob":-0.1,"special":true},"generated_text":"a b","details":{"finish_reason":"eos_token","generated_tokens":3,"input_length":5,"seed":null}}` + "\n\n"
	legacy := func(end string) string {
		return `{"text": ["Hello a"]}` + end + `{"text": ["Hello a \u4e2d"]}` + end + `{"text": ["Hello a \u4e2d\""]}` + end
	}
	mind := func(text string) string {
		return `{"details":null,"generated_text":"` + text + `","tokens":{"id":1,"logprob":0,"special":false,"text":"` + text + `"},"top_tokens":[{"id":1}]}`
	}
	wrapped := func(data string) string { return `{"event":"message","retry":30000,"data":` + data + `}` }
	mindEnd := `{"generated_text":"ab","finish_reason":"length","generated_tokens":2,"prefill":[],"seed":0,"tokens":[],"top_tokens":[[]],"details":null}`
	sgl := func(text string, n int, finish string) string {
		return fmt.Sprintf(`data: {"text": %q, "output_ids": [1], "meta_info": {"id": "s1", "finish_reason": %s, "prompt_tokens": 5, "completion_tokens": %d, "cached_tokens": 2, "weight_version": "default"}}`+"\n\n", text, finish, n)
	}

	for _, row := range []struct {
		name, backend, options, raw string
		text                        string
		events                      int64
		tokens                      int
		source, finish              string
		input                       int
		failure, message            string
	}{
		{name: "responses, llama.cpp", backend: "openai-responses", raw: stream(t, "llamacpp-responses"), text: "�('-mplement versionref)):", events: 5, tokens: 6, source: "usage", finish: "stop", input: 15},
		{name: "responses, ended by length", backend: "openai-responses", raw: sse(
			`data: {"type":"response.created","response":{"id":"r1","status":"in_progress"}}` + "\n\n" +
				`data: {"type":"response.reasoning_text.delta","delta":"hm"}` + "\n\n" +
				`data: {"type":"response.output_text.delta","delta":"a"}` + "\n\n" +
				`data: {"type":"response.output_text.done","text":"a"}` + "\n\n" +
				`data: {"type":"response.incomplete","response":{"id":"r1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"usage":{"input_tokens":3,"output_tokens":9,"output_tokens_details":{"reasoning_tokens":8}}}}` + "\n\n"),
			text: "a", events: 2, tokens: 9, source: "usage", finish: "length", input: 3},
		{name: "responses, failed", backend: "openai-responses", raw: sse(`data: {"type":"response.failed","response":{"id":"r1","status":"failed","error":{"code":"server_error","message":"out of memory"}}}` + "\n\n"), failure: "stream_error", message: "out of memory"},
		{name: "responses, an error event", backend: "openai-responses", raw: sse(`data: {"type":"error","code":"rate_limit","message":"slow down"}` + "\n\n"), failure: "stream_error", message: "slow down"},
		{name: "responses, cut", backend: "openai-responses", raw: sse(`data: {"type":"response.output_text.delta","delta":"a"}` + "\n\n"), failure: "stream_incomplete", message: "without its end mark"},
		{name: "responses, whole", backend: "openai-responses", options: ", stream: false", raw: sent("application/json",
			`{"id":"r","status":"completed","output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"a b"}]}],"usage":{"input_tokens":3,"output_tokens":4}}`),
			text: "a b", events: 1, tokens: 4, source: "usage", finish: "stop", input: 3},

		{name: "anthropic, llama.cpp", backend: "anthropic", raw: stream(t, "llamacpp-anthropic-messages"), text: " mod versionported rowpositionnumerator", events: 6, tokens: 6, source: "usage", finish: "length", input: 16},
		{name: "anthropic, vLLM", backend: "anthropic", raw: stream(t, "vllm-anthropic-messages"), text: " JscTION buildelat", events: 6, tokens: 6, source: "usage", finish: "length", input: 15},
		{name: "anthropic, an error event", backend: "anthropic", raw: sse("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"), failure: "stream_error", message: "Overloaded"},
		{name: "anthropic, refused", backend: "anthropic", raw: "HTTP/1.1 529 Overloaded\r\nConnection: close\r\n\r\n" + `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, failure: "http_status", message: "Overloaded"},
		{name: "anthropic, thinking and a call", backend: "anthropic", raw: sse(
			`data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":2,"cache_read_input_tokens":3,"output_tokens":1}}}` + "\n\n" +
				`data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}` + "\n\n" +
				`data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}` + "\n\n" + `data: {"type":"ping"}` + "\n\n" +
				`data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}` + "\n\n" +
				`data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}` + "\n\n" +
				`data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":12}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n"),
			events: 3, tokens: 12, source: "usage", finish: "tool_calls", input: 5},
		{name: "anthropic, whole", backend: "anthropic", options: ", stream: false", raw: sent("application/json", `{"id":"m","content":[{"type":"text","text":"a b"}],"stop_reason":"end_turn","usage":{"input_tokens":2,"output_tokens":3}}`),
			text: "a b", events: 1, tokens: 3, source: "usage", finish: "stop", input: 2},

		{name: "vLLM's first server, NUL", backend: "vllm", raw: chunked("", legacy("\x00")), text: " a 中\"", events: 3, tokens: 3, source: "events"},
		{name: "vLLM's first server, newlines", backend: "vllm", raw: chunked("text/plain", legacy("\n")), text: " a 中\"", events: 3, tokens: 3, source: "events"},
		{name: "vLLM's first server, no last delimiter", backend: "vllm", raw: chunked("", strings.TrimSuffix(legacy("\x00"), "\x00")), text: " a 中\"", events: 3, tokens: 3, source: "events"},
		{name: "vLLM's first server, a character in pieces", backend: "vllm", raw: chunked("", `{"text":["Hello x\ufffd"]}`+"\x00"+`{"text":["Hello x\u4e2d"]}`+"\x00"+`{"text":["Hello x\u4e2d"]}`+"\x00"), text: " x中", events: 2, tokens: 2, source: "events"},
		{name: "vLLM's first server, several tokens an event", backend: "vllm", options: ", tokensPerEvent: 7", raw: chunked("", legacy("\x00")), text: " a 中\"", events: 3, tokens: 15, source: "events"},
		{name: "vLLM's first server, whole", backend: "vllm", options: ", stream: false", raw: sent("application/json", `{"text":["Hello a b"]}`), text: " a b", events: 1, tokens: 1, source: "events"},
		{name: "vLLM's first server, cut", backend: "vllm", raw: strings.TrimSuffix(chunked("", legacy("\x00")), "0\r\n\r\n"), failure: "truncated", message: "middle of its response"},

		{name: "TGI", backend: "tgi", raw: sse(tgi("a", "false") + ":keep-alive\n\n" + tgi(" b", "false") + tgiEnd), text: "a b", events: 2, tokens: 3, source: "usage", finish: "stop", input: 5},
		{name: "TGI, an error event", backend: "tgi", raw: sse(tgi("a", "false") + `data:{"error":"Request failed during generation","error_type":"generation"}` + "\n\n"), failure: "stream_error", message: "failed during generation"},
		{name: "TGI, overloaded", backend: "tgi", raw: "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nConnection: close\r\n\r\n" + `{"error":"Model is overloaded","error_type":"overloaded"}`, failure: "rate_limited", message: "Model is overloaded (Retry-After: 3)"},
		{name: "TGI, cut", backend: "tgi", raw: sse(tgi("a", "false")), failure: "stream_incomplete", message: "without its end mark"},
		{name: "TGI, whole", backend: "tgi", options: ", stream: false", raw: sent("application/json", `[{"generated_text":"a b","details":{"finish_reason":"length","generated_tokens":2}}]`), text: "a b", events: 1, tokens: 2, source: "usage", finish: "length"},

		{name: "MindSpore, events of one newline", backend: "mindspore", raw: sse("data:" + mind("a") + "\ndata:" + mind("b") + "\n"), text: "ab", events: 2, tokens: 2, source: "events"},
		{name: "MindSpore, bare lists", backend: "mindspore", raw: sse(wrapped("["+mind("a")+"]") + "\n" + wrapped("["+mind("b")+"]") + "\n"), text: "ab", events: 2, tokens: 2, source: "events"},
		{name: "MindSpore, events with objects", backend: "mindspore", raw: sse("data: " + wrapped(mind("a")) + "\n\n" + ": ping\n\n" + "data: " + wrapped(mind("b")) + "\r\n\r\n"), text: "ab", events: 2, tokens: 2, source: "events"},
		{name: "MindSpore, the full text at the end", backend: "mindspore", raw: sse("data:" + mind("a") + "\ndata:" + mind("b") + "\ndata:" + mindEnd + "\n"), text: "ab", events: 2, tokens: 2, source: "usage", finish: "length"},
		{name: "MindSpore, no stream after all", backend: "mindspore", raw: chunked("application/json", mindEnd+"\n"), text: "ab", events: 1, tokens: 2, source: "usage", finish: "length"},
		{name: "MindSpore, an error", backend: "mindspore", raw: sse(`data:{"error":"queue is full"}` + "\n"), failure: "stream_error", message: "queue is full"},

		{name: "base", backend: "base", raw: sse("data: {\"text\":\"a\"}\n\ndata: {\"text\":\"b\"}\n\n"), text: "ab", events: 2, tokens: 2, source: "events"},
		{name: "base, lines", backend: "base", raw: chunked("text/plain", "{\"generated_text\":[\"a\"]}\n{\"token\":{\"text\":\"b\"}}\n"), text: "ab", events: 2, tokens: 2, source: "events"},

		{name: "Triton", backend: "triton", raw: stream(t, "triton-generate"), text: "the quick brown fox jumps over ", events: 6, tokens: 6, source: "events"},
		{name: "Triton, as the AscendCloud scripts ask", backend: "trt", raw: stream(t, "triton-generate"), text: "the quick brown fox jumps over ", events: 6, tokens: 6, source: "events"},
		{name: "Triton, killed", backend: "triton", raw: stream(t, "triton-killed"), failure: "truncated", message: "in the middle"},
		{name: "Triton, the model fails", backend: "triton", raw: stream(t, "triton-error"), failure: "stream_error", message: "Traceback"},
		{name: "Triton, refused", backend: "triton", raw: stream(t, "triton-refused"), failure: "http_status", message: "Traceback"},
		{name: "Triton, no token", backend: "triton", raw: stream(t, "triton-no-token"), failure: "no_output", message: "without a token"},
		{name: "Triton, whole", backend: "triton", options: ", stream: false", raw: stream(t, "triton-whole"), text: "the ", events: 1, tokens: 1, source: "events"},

		{name: "MindIE", backend: "mindie", raw: sse(`data: {"prefill_time":45,"decode_time":null,"token":{"id":[626],"text":"am"}}` + "\n\n" + `data: {"prefill_time":null,"decode_time":12,"token":{"id":[627,628],"text":" b"}}` + "\n\n" +
			`data: {"generated_text":"am b","details":null,"token":{"id":[2],"text":null}}` + "\n\n"), text: "am b", events: 2, tokens: 3, source: "events"},
		{name: "MindIE, with details", backend: "mindie", raw: sse(`data: {"prefill_time":45,"decode_time":null,"token":{"id":[626],"text":"am"}}` + "\n\n" +
			`data: {"generated_text":"am","details":{"finish_reason":"length","generated_tokens":2,"seed":1},"token":{"id":[2],"text":null}}` + "\n\n"), text: "am", events: 1, tokens: 2, source: "usage", finish: "length"},
		{name: "MindIE, vLLM's face", backend: "mindie-vllm", raw: sse(`{"text":["a"]}` + "\x00" + `{"text":[" b"]}` + "\x00"), text: "a b", events: 2, tokens: 2, source: "events"},
		{name: "MindIE, TGI's face", backend: "mindie-tgi", raw: sse(`data: {"token":{"id":1,"text":"a","logprob":null,"special":null},"generated_text":null,"details":null}` + "\n\n" +
			`data: {"token":{"id":2,"text":"b","logprob":null,"special":null},"generated_text":"ab","details":{"prompt_tokens":5,"finish_reason":"length","generated_tokens":2,"seed":1}}` + "\n\n"), text: "ab", events: 2, tokens: 2, source: "usage", finish: "length", input: 5},
		{name: "MindIE, Triton's face", backend: "mindie-triton", options: `, model: "llama"`, raw: sse(`data:{"id":"a","model_name":"llama","text_output":"a"}` + "\n\n" + `data:{"id":"a","model_name":"llama","text_output":"b","details":{"finish_reason":"length","generated_tokens":2}}` + "\n\n"), text: "ab", events: 2, tokens: 2, source: "usage", finish: "length"},

		{name: "SGLang", backend: "sglang", raw: sse(sgl("a", 1, "null") + sgl("a b", 3, "null") + sgl("a b c", 4, `{"type": "length", "length": 4}`) + "data: [DONE]\n\n"), text: "a b c", events: 3, tokens: 4, source: "usage", finish: "length", input: 5},
		{name: "SGLang, aborted", backend: "sglang", raw: sse(sgl("a", 1, `{"type": "abort", "message": "too long"}`)), failure: "stream_error", message: "too long"},
		{name: "SGLang, an error event", backend: "sglang", raw: sse(`data: {"error": {"message": "The input is too long"}}` + "\n\n" + "data: [DONE]\n\n"), failure: "stream_error", message: "The input is too long"},
		{name: "SGLang, whole", backend: "sglang", options: ", stream: false", raw: sent("application/json", `{"text":"a b","meta_info":{"id":"s","finish_reason":{"type":"stop","matched":2},"prompt_tokens":5,"completion_tokens":2}}`), text: "a b", events: 1, tokens: 2, source: "usage", finish: "stop", input: 5},

		{name: "llama.cpp", backend: "llamacpp", raw: stream(t, "llamacpp-native"), text: "omp dir 3entedfirstilename stringsContext", events: 8, tokens: 8, source: "usage", finish: "length", input: 4},
		{name: "llama.cpp, whole", backend: "llamacpp", options: ", stream: false", raw: stream(t, "llamacpp-native-whole"), text: "omp dir 3ented", events: 1, tokens: 4, source: "usage", finish: "length", input: 4},

		{name: "an error event that is no JSON", backend: "openai", raw: sse("event: error\ndata: CUDA out of memory\n\n"), failure: "stream_error", message: "CUDA out of memory"},
		{name: "FastAPI's list of errors", backend: "sglang", raw: "HTTP/1.1 422 Unprocessable\r\nConnection: close\r\n\r\n" + `{"detail":[{"type":"missing","loc":["body","text"],"msg":"Field required"}]}`, failure: "http_status", message: "Field required"},
		{name: "Huawei's gateway", backend: "vllm", raw: "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n" + `{"error_msg":"The API does not exist","error_code":"APIG.0101"}`, failure: "http_status", message: "The API does not exist"},
		{name: "an error of an unknown form", backend: "openai", raw: "HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n" + `{"error":{"why":"no memory"}}`, failure: "http_status", message: `{"why":"no memory"}`},
		{name: "errors that are none", backend: "openai", raw: sse(`data: {"error":"","choices":[{"text":"a"}]}` + "\n\n" + `data: {"error":false,"choices":[{"text":"b","finish_reason":"stop"}]}` + "\n\n" + `data: {"error":{},"choices":[]}` + "\n\ndata: [DONE]\n\n"), text: "ab", events: 2, tokens: 2, source: "events", finish: "stop"},
		{name: "usage several times", backend: "openai", raw: sse(`data: {"choices":[{"text":"a","finish_reason":"stop"}]}` + "\n\n" + strings.Repeat(`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":5}}`+"\n\n", 3) + "data: [DONE]\n\n"), text: "a", events: 1, tokens: 5, source: "usage", finish: "stop"},
		{name: "usage of each choice, in every event", backend: "openai", options: ", n: 2", raw: sse(`data: {"choices":[{"index":0,"text":"a"}],"usage":{"prompt_tokens":1,"completion_tokens":3}}` + "\n\n" + `data: {"choices":[{"index":1,"text":"b","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":3}}` + "\n\n" + `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":6}}` + "\n\ndata: [DONE]\n\n"), text: "a", events: 2, tokens: 6, source: "usage", finish: "stop"},
		{name: "SGLang, what is new alone", backend: "sglang", raw: sse(sgl("one", 1, "null") + sgl(" two", 2, "null") + sgl(" two", 3, `{"type": "length"}`) + "data: [DONE]\n\n"), text: "one two two", events: 3, tokens: 3, source: "usage", finish: "length"},
		{name: "SGLang, a stop text that is taken away", backend: "sglang", raw: sse(sgl("a b", 2, "null") + sgl("a b STOP", 3, "null") + sgl("a b", 3, `{"type": "stop"}`) + "data: [DONE]\n\n"), text: "a b", events: 2, tokens: 3, source: "usage", finish: "stop"},
		{name: "MindSpore, the reason with the last text", backend: "mindspore", raw: sse("data:" + mind("Hello") + "\ndata:" + `{"generated_text":" world","finish_reason":"length","generated_tokens":2}` + "\n"), text: "Hello world", events: 2, tokens: 2, source: "usage", finish: "length"},
		{name: "anthropic, cached input said once", backend: "anthropic", raw: sse(`data: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":0}}}` + "\n\n" + `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}` + "\n\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":10,"output_tokens":1}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n"), text: "a", events: 1, tokens: 1, source: "usage", finish: "stop", input: 100},
		{name: "two choices, vLLM", backend: "openai-chat", options: ", n: 2", raw: stream(t, "vllm-chat-n2"), events: 10, tokens: 12, source: "usage", finish: "length"},
		{name: "two choices, llama.cpp", backend: "openai-chat", options: ", n: 2", raw: stream(t, "llamacpp-chat-n2"), events: 12, tokens: 12, source: "usage", finish: "length"},
		{name: "the prompt again", backend: "openai", options: ", extraBody: { echo: true }", raw: sse(`data: {"choices":[{"index":0,"text":"Hel"}]}` + "\n\n" + `data: {"choices":[{"index":0,"text":"lo a"}]}` + "\n\n" + `data: {"choices":[{"index":0,"text":" b","finish_reason":"length"}]}` + "\n\ndata: [DONE]\n\n"), events: 2, tokens: 2, source: "events", finish: "length"},
	} {
		raws := []string{row.raw, row.raw, row.raw}
		if crlf := withCRLF(row.raw); crlf != "" {
			raws = append(raws, crlf, crlf)
		}
		for i, piece := range []int{len(row.raw), 61, 1, 2 * len(row.raw), 1}[:len(raws)] {
			t.Run(row.name, func(t *testing.T) {
				r := ask(t, answer(t, []byte(raws[i]), piece), row.backend, row.options)
				if row.failure != "" {
					if r.Error == nil || r.Error.Kind != row.failure || !strings.Contains(r.Error.Message, row.message) {
						t.Fatalf("%+v, want %s: %s", r.Error, row.failure, row.message)
					}
					return
				}
				if r.Error != nil {
					t.Fatalf("failed: %+v", r.Error)
				}
				if row.text != "" && r.Text != row.text {
					t.Errorf("text %q, want %q", r.Text, row.text)
				}
				if r.Tokens != row.tokens || r.found.Tokens.Output[row.source] != 1 {
					t.Errorf("%d tokens from %v, want %d from %s", r.Tokens, r.found.Tokens.Output, row.tokens, row.source)
				}
				if row.input > 0 && (r.Usage == nil || r.Usage.InputTokens != row.input) {
					t.Errorf("usage %+v, want %d input tokens", r.Usage, row.input)
				}
				if n := r.found.TokenEvents.All; n != row.events {
					t.Errorf("%d token events, want %d", n, row.events)
				}
				if finish := r.FinishReason; (finish == nil) != (row.finish == "") || finish != nil && *finish != row.finish {
					t.Errorf("finish reason %v, want %q", finish, row.finish)
				}
			})
		}
	}
}
