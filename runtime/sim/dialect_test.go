package sim_test

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/sim"
)

// ids and times differ between two runs of the same request.
var (
	anID    = regexp.MustCompile(`[0-9a-f]{16}`)
	created = regexp.MustCompile(`("created(_at)?"):\d+`)
)

func stripped(body []byte) string {
	return created.ReplaceAllString(anID.ReplaceAllString(string(body), "ID"), "$1:0")
}

const (
	streams = "text/event-stream; charset=utf-8"
	bare    = "text/event-stream"
	object  = "application/json"
)

// What is on the wire, protocol by protocol.
func TestDialects(t *testing.T) {
	const response = `{"id":"resp_ID","object":"response","created_at":0,`
	const begun = `"response":` + response + `"status":"in_progress","error":null,"incomplete_details":null,"model":"m","output":[],"usage":null}}` + "\n\n"
	const message = `{"id":"msg_ID","type":"message","role":"assistant",`
	const ofMessage = `"item_id":"msg_ID","output_index":0,"content_index":0`
	const llamaEnd = `"tokens":[],"id_slot":0,"stop":true,"model":"m","tokens_predicted":2,"tokens_evaluated":4,"generation_settings":` +
		`{"seed":7,"max_tokens":2,"n_predict":2,"ignore_eos":true,`
	const llamaTimings = `"prompt":"a b c d","has_new_line":false,"truncated":false,"stop_type":"limit","stopping_word":"","tokens_cached":5,"timings":{"cache_n":0,` +
		`"prompt_n":4,"prompt_ms":1,"prompt_per_token_ms":0.25,"prompt_per_second":4000,` +
		`"predicted_n":2,"predicted_ms":1,"predicted_per_token_ms":0.5,"predicted_per_second":2000}}`
	const msToken = `{"id": 0, "logprob": -0.25, "special": false, "text": "x"}`
	const msEvent = `{"details": null, "generated_text": "x", "tokens": ` + msToken + `, "top_tokens": [` + msToken + `]}`
	const msFull = `"finish_reason": "length", "generated_tokens": 2, "prefill": [], "seed": 0, "tokens": [` + msToken + `, ` + msToken + `], "top_tokens": [], "details": null}`

	for _, test := range []struct {
		name        string
		change      func(*sim.Config)
		path, body  string
		contentType string // of the answer; empty: none
		want        string
		tokens      []int // of the log's events that have some
		kinds       string
	}{{
		name:        "responses, streamed",
		path:        "/v1/responses",
		body:        `{"model":"m","input":"a b","max_output_tokens":2,"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "open role tokens tokens finish usage",
		want: "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0," + begun +
			"event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":1," + begun +
			"event: response.output_item.added\n" + `data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":` + message + `"status":"in_progress","content":[]}}` + "\n\n" +
			"event: response.content_part.added\n" + `data: {"type":"response.content_part.added","sequence_number":3,` + ofMessage + `,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}` + "\n\n" +
			"event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","sequence_number":4,` + ofMessage + `,"delta":"x","logprobs":[]}` + "\n\n" +
			"event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","sequence_number":5,` + ofMessage + `,"delta":"x","logprobs":[]}` + "\n\n" +
			"event: response.output_text.done\n" + `data: {"type":"response.output_text.done","sequence_number":6,` + ofMessage + `,"text":"xx"}` + "\n\n" +
			"event: response.content_part.done\n" + `data: {"type":"response.content_part.done","sequence_number":7,` + ofMessage + `,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"xx"}}` + "\n\n" +
			"event: response.output_item.done\n" + `data: {"type":"response.output_item.done","sequence_number":8,"output_index":0,"item":` + message + `"status":"incomplete","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"xx"}]}}` + "\n\n" +
			"event: response.incomplete\n" + `data: {"type":"response.incomplete","sequence_number":9,"response":` + response + `"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},"model":"m",` +
			`"output":[` + message + `"status":"incomplete","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"xx"}]}],` +
			`"usage":{"input_tokens":2,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":4}}}` + "\n\n",
	}, {
		name:        "responses, whole, with reasoning, ended by itself",
		change:      func(c *sim.Config) { c.ReasoningTokens, c.DefaultTokens = 1, 3 },
		path:        "/v1/responses",
		body:        `{"model":"m","instructions":"be good","input":[{"role":"user","content":[{"type":"input_text","text":"a b"}]}]}`,
		contentType: object,
		tokens:      []int{3},
		kinds:       "body",
		want: response + `"status":"completed","error":null,"incomplete_details":null,"model":"m","output":[` +
			`{"id":"rs_ID","type":"reasoning","summary":[],"status":"completed","content":[{"type":"reasoning_text","text":"x"}]},` +
			message + `"status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"xx"}]}],` +
			`"usage":{"input_tokens":4,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":7}}`,
	}, {
		name:        "messages, streamed, with thinking",
		change:      func(c *sim.Config) { c.ReasoningTokens = 1 },
		path:        "/v1/messages",
		body:        `{"model":"m","system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":"a b"}],"max_tokens":2,"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "role tokens tokens finish usage",
		want: "event: message_start\n" + `data: {"type":"message_start","message":` + message + `"content":[],"model":"m","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":0}}}` + "\n\n" +
			"event: content_block_start\n" + `data: {"type":"content_block_start","content_block":{"type":"thinking","thinking":"","signature":""},"index":0}` + "\n\n" +
			"event: content_block_delta\n" + `data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"x"},"index":0}` + "\n\n" +
			"event: content_block_delta\n" + `data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"msg_ID"},"index":0}` + "\n\n" +
			"event: content_block_stop\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n" +
			"event: content_block_start\n" + `data: {"type":"content_block_start","content_block":{"type":"text","text":""},"index":1}` + "\n\n" +
			"event: content_block_delta\n" + `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"x"},"index":1}` + "\n\n" +
			"event: content_block_stop\n" + `data: {"type":"content_block_stop","index":1}` + "\n\n" +
			"event: message_delta\n" + `data: {"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"input_tokens":3,"output_tokens":2}}` + "\n\n" +
			"event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n",
	}, {
		name:        "messages, whole, ended by a stop sequence",
		path:        "/v1/messages",
		body:        `{"model":"m","messages":[{"role":"user","content":"a b"}],"max_tokens":9,"stop_sequences":["xxx"],"min_tokens":4}`,
		contentType: object,
		tokens:      []int{4},
		kinds:       "body",
		want:        message + `"content":[{"type":"text","text":"x"}],"model":"m","stop_reason":"stop_sequence","stop_sequence":"xxx","usage":{"input_tokens":2,"output_tokens":4}}`,
	}, {
		name:   "vllm, streamed: two choices, all of the text so far, NUL",
		path:   "/generate",
		body:   `{"prompt":"a b ","max_tokens":2,"n":2,"stream":true,"ignore_eos":true}`,
		tokens: []int{2, 2},
		kinds:  "tokens tokens",
		want:   `{"text":["a b x","a b x"]}` + "\x00" + `{"text":["a b xx","a b xx"]}` + "\x00",
	}, {
		name:   "vllm, streamed: newlines",
		change: func(c *sim.Config) { c.Delimiter = "newline" },
		path:   "/generate",
		body:   `{"prompt":"a","max_tokens":2,"stream":true}`,
		tokens: []int{1, 1},
		kinds:  "tokens tokens",
		want:   `{"text":["ax"]}` + "\n" + `{"text":["axx"]}` + "\n",
	}, {
		name:        "vllm, whole",
		path:        "/generate",
		body:        `{"prompt":"a","max_tokens":2}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"text":["axx"]}`,
	}, {
		name:   "mindie's vllm, streamed: only what is new",
		change: mindIE,
		path:   "/generate",
		body:   `{"prompt":"a","max_tokens":2,"stream":true}`,
		tokens: []int{1, 1},
		kinds:  "tokens tokens",
		want:   `{"text":["x"]}` + "\x00" + `{"text":["x"]}` + "\x00",
	}, {
		name:        "sglang, streamed",
		path:        "/generate",
		body:        `{"text":"a b","rid":"mine","sampling_params":{"max_new_tokens":2},"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens done",
		want: `data: {"text":"x","output_ids":[0],"meta_info":{"id":"mine","finish_reason":null,"prompt_tokens":2,"weight_version":"default","completion_tokens":1,"cached_tokens":0}}` + "\n\n" +
			`data: {"text":"xx","output_ids":[0,0],"meta_info":{"id":"mine","finish_reason":{"type":"length","length":2},"prompt_tokens":2,"weight_version":"default","completion_tokens":2,"cached_tokens":0,"e2e_latency":0.002}}` + "\n\n" +
			"data: [DONE]\n\n",
	}, {
		name:        "sglang, whole: ids, two choices, one stop",
		path:        "/generate",
		body:        `{"input_ids":[1,2,3],"sampling_params":{"max_new_tokens":4,"n":2,"stop":"xx"}}`,
		contentType: object,
		tokens:      []int{4},
		kinds:       "body",
		want: `[{"text":"","output_ids":[0,0],"meta_info":{"id":"ID","finish_reason":{"type":"stop","matched":"xx"},"prompt_tokens":3,"weight_version":"default","completion_tokens":2,"cached_tokens":0,"e2e_latency":0.002},"index":0},` +
			`{"text":"","output_ids":[0,0],"meta_info":{"id":"ID","finish_reason":{"type":"stop","matched":"xx"},"prompt_tokens":3,"weight_version":"default","completion_tokens":2,"cached_tokens":0,"e2e_latency":0.002},"index":1}]`,
	}, {
		name:        "tgi, streamed: an event for each token, also when they come together",
		change:      func(c *sim.Config) { c.TokensPerEvent = 2 },
		path:        "/generate_stream",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":3,"return_full_text":true,"seed":7,"ignore_eos_token":true}}`,
		contentType: bare,
		tokens:      []int{1, 2},
		kinds:       "tokens tokens",
		want: `data:{"index":1,"token":{"id":0,"text":"x","logprob":-0.25,"special":false},"generated_text":null,"details":null}` + "\n\n" +
			`data:{"index":2,"token":{"id":0,"text":"x","logprob":-0.25,"special":false},"generated_text":null,"details":null}` + "\n\n" +
			`data:{"index":3,"token":{"id":0,"text":"x","logprob":-0.25,"special":false},"generated_text":"a bxxx","details":{"finish_reason":"length","generated_tokens":3,"input_length":2,"seed":7}}` + "\n\n",
	}, {
		name:        "tgi, whole",
		path:        "/generate",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":2}}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"generated_text":"xx"}`,
	}, {
		name:        "tgi, whole, with details, ended by itself",
		change:      func(c *sim.Config) { c.DefaultTokens = 1 },
		path:        "/generate",
		body:        `{"inputs":"a b","parameters":{"details":true}}`,
		contentType: object,
		tokens:      []int{1},
		kinds:       "body",
		want:        `{"generated_text":"x","details":{"finish_reason":"eos_token","generated_tokens":1,"seed":null,"prefill":[],"tokens":[{"id":0,"text":"x","logprob":-0.25,"special":false}]}}`,
	}, {
		name:        "mindie's tgi, streamed",
		change:      mindIE,
		path:        "/generate_stream",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":2,"seed":7}}`,
		contentType: bare,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want: `data: {"token":{"id":[0],"text":"x","logprob":null,"special":null},"generated_text":null,"details":null}` + "\n\n" +
			`data: {"token":{"id":[0],"text":"x","logprob":null,"special":null},"generated_text":"xx","details":{"prompt_tokens":2,"finish_reason":"length","generated_tokens":2,"seed":7}}` + "\n\n",
	}, {
		name:        "mindie's tgi, whole",
		change:      mindIE,
		path:        "/generate",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":1,"seed":7,"details":true}}`,
		contentType: object,
		tokens:      []int{1},
		kinds:       "body",
		want:        `{"details":{"finish_reason":"length","generated_tokens":1,"prefill":[],"prompt_tokens":2,"seed":7,"tokens":[{"id":0,"logprob":null,"special":null,"text":"x"}]},"generated_text":"x"}`,
	}, {
		name:        "mindie, streamed: the last event has all of the text and not its own",
		path:        "/infer",
		body:        `{"inputs":"a b","stream":true,"parameters":{"max_new_tokens":2,"details":true,"seed":7}}`,
		contentType: bare,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want: `data: {"prefill_time":1,"decode_time":null,"token":{"id":[0],"text":"x"}}` + "\n\n" +
			`data: {"prefill_time":null,"decode_time":1,"generated_text":"xx","details":{"finish_reason":"length","generated_tokens":2,"seed":7},"token":{"id":[0],"text":null}}` + "\n\n",
	}, {
		name:        "mindie, whole, of ids",
		path:        "/infer",
		body:        `{"inputs":[1,2],"parameters":{"max_new_tokens":2}}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"generated_text":"xx","details":null}`,
	}, {
		name:        "mindie's triton, streamed: details with every event",
		change:      mindIE,
		path:        "/v2/models/m/generate_stream",
		body:        `{"id":"a1","text_input":"a b","parameters":{"max_new_tokens":2,"details":true}}`,
		contentType: bare,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want: `data:{"id":"a1","model_name":"m","model_version":null,"text_output":"x","details":{"generated_tokens":1,"first_token_cost":null,"decode_cost":null},"prefill_time":1,"decode_time":null}` + "\n\n" +
			`data:{"id":"a1","model_name":"m","model_version":null,"text_output":"x","details":{"finish_reason":"length","generated_tokens":2,"first_token_cost":null,"decode_cost":null},"prefill_time":null,"decode_time":1}` + "\n\n",
	}, {
		name:        "mindie's triton, whole",
		change:      mindIE,
		path:        "/v2/models/m/generate",
		body:        `{"text_input":"a b","parameters":{"max_new_tokens":2}}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"id":"ID","model_name":"m","model_version":null,"text_output":"xx"}`,
	}, {
		name:        "triton, streamed: parameters beside the text",
		path:        "/v2/models/ensemble/generate_stream",
		body:        `{"text_input":"a b","max_tokens":2,"bad_words":"","stop_words":"","min_length":2,"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want: `data: {"model_name":"ensemble","model_version":"1","text_output":"x"}` + "\n\n" +
			`data: {"model_name":"ensemble","model_version":"1","text_output":"x"}` + "\n\n",
	}, {
		name:        "triton, streamed: parameters in an object of their own",
		change:      func(c *sim.Config) { c.TokensPerEvent, c.Speaks = 2, []string{"trt"} },
		path:        "/v2/models/ensemble/generate_stream",
		body:        `{"id":"r7","text_input":"a b","parameters":{"max_tokens":3,"bad_words":"","stop_words":"","ignore_eos":true,"stream":true}}`,
		contentType: streams,
		tokens:      []int{1, 2},
		kinds:       "tokens tokens",
		want: `data: {"id":"r7","model_name":"ensemble","model_version":"1","text_output":"x"}` + "\n\n" +
			`data: {"id":"r7","model_name":"ensemble","model_version":"1","text_output":"xx"}` + "\n\n",
	}, {
		name:        "triton, whole",
		path:        "/v2/models/ensemble/versions/1/generate",
		body:        `{"text_input":"a b","max_tokens":2}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"model_name":"ensemble","model_version":"1","text_output":"xx"}`,
	}, {
		name:        "mindspore, streamed, each event an object of its own",
		path:        "/models/llama2/generate",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":2},"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want: `{"event": "message", "retry": 30000, "data": [` + msEvent + `]}` + "\n" +
			`{"event": "message", "retry": 30000, "data": [` + msEvent + `]}` + "\n",
	}, {
		name:        "mindspore, streamed, one newline, all of the text at the end",
		path:        "/models/internlm/generate_stream",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":2,"return_protocol":"","return_full_text":true}}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens finish",
		want: "data:" + msEvent + "\ndata:" + msEvent + "\n" +
			`data:{"generated_text": "a bxx", ` + msFull + "\n",
	}, {
		name:        "mindspore, whole",
		path:        "/models/llama2",
		body:        `{"inputs":"a b","parameters":{"max_new_tokens":2}}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"generated_text": "xx", ` + msFull + "\n",
	}, {
		name:        "base, streamed: max_tokens counts the prompt",
		path:        "/v1/generate",
		body:        `{"prompt":"a b c","max_tokens":5,"model_name":"llama2","do_sample":false,"stream":true,"debug":2}`,
		contentType: streams,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens",
		want:        `data: {"text":"x"}` + "\n\n" + `data: {"text":"x"}` + "\n\n",
	}, {
		name:        "base, whole",
		path:        "/v1/generate",
		body:        `{"prompt":"a b c","max_tokens":5}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"text":"xx"}`,
	}, {
		name:        "llama.cpp, streamed",
		path:        "/completion",
		body:        `{"model":"m","prompt":"a b c d","n_predict":2,"stream":true,"ignore_eos":true,"seed":7}`,
		contentType: bare,
		tokens:      []int{1, 1},
		kinds:       "tokens tokens finish",
		want: `data: {"index":0,"content":"x","tokens":[0],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":4}` + "\n\n" +
			`data: {"index":0,"content":"x","tokens":[0],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":4}` + "\n\n" +
			`data: {"index":0,"content":"",` + llamaEnd + `"stream":true},` + llamaTimings + "\n\n",
	}, {
		name:        "llama.cpp, whole",
		path:        "/completion",
		body:        `{"model":"m","prompt":"a b c d","n_predict":2,"ignore_eos":true,"seed":7}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want:        `{"index":0,"content":"xx",` + llamaEnd + `"stream":false},` + llamaTimings,
	}, {
		name:        "a chat that calls a tool, streamed",
		change:      func(c *sim.Config) { c.DefaultTokens = 3 },
		path:        "/v1/chat/completions",
		body:        `{"model":"m","stream":true,"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}]}`,
		contentType: streams,
		tokens:      []int{1, 1, 1},
		kinds:       "role tokens tokens tokens done",
		want: chatChunk + `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}` + "\n\n" +
			chatChunk + `{"index":0,"delta":{"tool_calls":[{"index":0,"id":"chatcmpl-tool-ID-0","type":"function","function":{"name":"f","arguments":"{\"text\":\"x"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]}` + "\n\n" +
			chatChunk + `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]}` + "\n\n" +
			chatChunk + `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x\"}"}}]},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null,"token_ids":null}]}` + "\n\n" +
			"data: [DONE]\n\n",
	}, {
		name:        "a chat that calls a tool, whole",
		change:      func(c *sim.Config) { c.DefaultTokens, c.ReasoningTokens = 2, 1 },
		path:        "/v1/chat/completions",
		body:        `{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"function":{"name":"f"}},{"function":{"name":"g"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want: `{"id":"chatcmpl-ID","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","reasoning":"x",` +
			`"tool_calls":[{"id":"chatcmpl-tool-ID-0","type":"function","function":{"name":"g","arguments":"{\"text\":\"x\"}"}}],"content":null,"refusal":null},` +
			`"logprobs":null,"finish_reason":"tool_calls","stop_reason":null}],"usage":{"prompt_tokens":1,"total_tokens":3,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}`,
	}, {
		name:        "echo of texts and ids",
		path:        "/v1/completions",
		body:        `{"model":"m","echo":true,"n":1,"max_tokens":1,"prompt":[[5,6],[7]]}`,
		contentType: object,
		tokens:      []int{2},
		kinds:       "body",
		want: `{"id":"cmpl-ID","object":"text_completion","created":0,"model":"m","choices":[{"index":0,"text":"xxx","logprobs":null,"finish_reason":"length","stop_reason":null},` +
			`{"index":1,"text":"xx","logprobs":null,"finish_reason":"length","stop_reason":null}],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2}}`,
	}, {
		name:        "every second token without a text, but not the last one",
		change:      func(c *sim.Config) { c.SplitEvery = 2 },
		path:        "/v1/generate",
		body:        `{"prompt":"a","max_tokens":5,"stream":true}`,
		contentType: streams,
		tokens:      []int{1, 1, 1, 1},
		kinds:       "tokens tokens tokens tokens",
		want:        `data: {"text":"x"}` + "\n\n" + `data: {"text":""}` + "\n\n" + `data: {"text":"xx"}` + "\n\n" + `data: {"text":"x"}` + "\n\n",
	}, {
		name:        "embeddings: equal texts have equal vectors, of length 1",
		change:      func(c *sim.Config) { c.EmbeddingSize = 1 },
		path:        "/v1/embeddings",
		body:        `{"model":"m","input":["a b","d","d"]}`,
		contentType: object,
		kinds:       "body",
		want: `{"id":"embd-ID","object":"list","created":0,"model":"m","data":[{"index":0,"object":"embedding","embedding":[1]},{"index":1,"object":"embedding","embedding":[-1]},` +
			`{"index":2,"object":"embedding","embedding":[-1]}],"usage":{"prompt_tokens":4,"total_tokens":4,"completion_tokens":0,"prompt_tokens_details":null}}`,
	}, {
		name:        "embeddings in base64, of ids",
		path:        "/v1/embeddings",
		body:        `{"model":"m","input":[1,2,3],"encoding_format":"base64","dimensions":1}`,
		contentType: object,
		kinds:       "body",
		want: `{"id":"embd-ID","object":"list","created":0,"model":"m","data":[{"index":0,"object":"embedding","embedding":"AACAvw=="}],` +
			`"usage":{"prompt_tokens":3,"total_tokens":3,"completion_tokens":0,"prompt_tokens_details":null}}`,
	}, {
		name:        "rerank: the best of the documents first",
		path:        "/rerank",
		body:        `{"model":"m","query":"q","documents":["a b",{"text":"c"},"d"],"top_n":2}`,
		contentType: object,
		kinds:       "body",
		want:        `{"id":"rerank-ID","model":"m","usage":{"prompt_tokens":7,"total_tokens":7},"results":[{"index":2,"document":{"text":"d"},"relevance_score":0.960036},{"index":0,"document":{"text":"a b"},"relevance_score":0.442412}]}`,
	}} {
		t.Run(test.name, func(t *testing.T) {
			cfg := quick()
			if test.change != nil {
				test.change(&cfg)
			}
			server := start(t, cfg)
			resp, body := answered(t, "POST", server.URL()+test.path, test.body)
			if got := stripped(body); got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
			if got := resp.Header.Get("Content-Type"); got != test.contentType {
				t.Errorf("the content type is %q, want %q", got, test.contentType)
			}
			log := ended(t, server)
			if len(log) != 1 || log[0].Outcome != sim.OutcomeCompleted || log[0].Path != test.path {
				t.Fatalf("the log has %+v", log)
			}
			var tokens []int
			var kinds []string
			for _, e := range log[0].Events {
				kinds = append(kinds, string(e.Kind))
				if e.Tokens > 0 {
					tokens = append(tokens, e.Tokens)
				}
			}
			if !slices.Equal(tokens, test.tokens) || strings.Join(kinds, " ") != test.kinds {
				t.Errorf("the log has tokens %v in %s, want %v in %s", tokens, kinds, test.tokens, test.kinds)
			}
		})
	}
}

const chatChunk = `data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,"model":"m","choices":[`

// mindIE is a service of MindIE.
func mindIE(c *sim.Config) {
	c.Speaks = []string{"openai", "openai-chat", "mindie", "mindie-vllm", "mindie-tgi", "mindie-triton"}
}

// Each event is made once, however slowly the client reads.
func TestNumberedEventsForAClientThatDoesNotRead(t *testing.T) {
	cfg := quick()
	cfg.Vocabulary = []string{strings.Repeat("x", 1<<20)} // more than any buffer has room for, in a few tokens
	server := start(t, cfg)
	resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/responses", `{"input":"a","max_output_tokens":16,"stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range regexp.MustCompile(`"sequence_number":\d+`).FindAllString(string(body), -1) {
		if want := fmt.Sprintf(`"sequence_number":%d`, i); n != want {
			t.Fatalf("an event has %s, want %s", n, want)
		}
	}
	if n := strings.Count(string(body), "event: response.output_text.delta\n"); n != 16 || ended(t, server)[0].OutputTokens() != 16 {
		t.Errorf("%d deltas, the log has %d tokens", n, ended(t, server)[0].OutputTokens())
	}
}

// The time of a request without tokens is that of reading its input.
func TestPoolingTakesThePrefill(t *testing.T) {
	cfg := quick()
	cfg.TTFT, cfg.PrefillRate = 10*time.Millisecond, 1000
	server := start(t, cfg)
	resp, err := send(t, t.Context(), "POST", server.URL()+"/v1/embeddings", `{"input":["a b c d e","f g h i j"]}`)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	r := ended(t, server)[0]
	if len(r.Events) != 1 || r.Events[0].Due-r.Queued != 20*time.Millisecond || r.Events[0].Tokens != 0 || r.PromptTokens != 10 || r.FinishReason != "" {
		t.Errorf("the log has %+v", r)
	}
}
