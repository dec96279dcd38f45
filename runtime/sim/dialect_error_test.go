package sim_test

import (
	"io"
	"strings"
	"testing"
	"time"
)

// What goes wrong looks as it does in the protocol.
func TestDialectErrors(t *testing.T) {
	const died, busy, broken = "simulated: the engine died", "simulated: too many requests", "simulated: internal server error"
	const openAIDied = `{"error":{"message":"` + died + `","type":"InternalServerError","param":null,"code":500}}`
	const openAIBusy = `{"error":{"message":"` + busy + `","type":"RateLimitError","param":null,"code":429}}`
	const openAIBroken = `{"error":{"message":"` + broken + `","type":"InternalServerError","param":null,"code":500}}`
	const anthropicDied = `{"type":"error","error":{"type":"api_error","message":"` + died + `"}}`
	const llamaDied = `{"error":{"code":500,"message":"` + died + `","type":"server_error"}}`
	const mindieDied = `{"error":"` + died + `","error_type":"Generation Error"}`
	const plainDied = `{"error":"` + died + `"}`

	type answer struct {
		status int
		body   string
	}
	for _, test := range []struct {
		protocol     string
		path, stream string // a request for a stream of five tokens
		whole        string // the same without; empty: path is not for those
		wholePath    string // when it is another
		tokens       string // as it is in every event with a token
		failure      string // in the stream
		failed       answer // instead of a whole answer
		busy, broken string // bodies with status 429 and 500
		empty        answer // to an object without members
	}{{
		protocol: "openai-chat",
		path:     "/v1/chat/completions",
		stream:   `{"messages":[{"role":"user","content":"a"}],"max_tokens":5,"stream":true}`,
		whole:    `{"messages":[{"role":"user","content":"a"}],"max_tokens":5}`,
		tokens:   `"delta":{"content":"x"}`,
		failure:  "data: " + openAIDied + "\n\ndata: [DONE]\n\n",
		failed:   answer{200, openAIDied},
		busy:     openAIBusy,
		broken:   openAIBroken,
		empty:    answer{400, `{"error":{"message":"field messages is missing","type":"BadRequestError","param":"messages","code":400}}`},
	}, {
		protocol: "openai",
		path:     "/v1/completions",
		stream:   `{"prompt":"a","max_tokens":5,"stream":true}`,
		whole:    `{"prompt":"a","max_tokens":5}`,
		tokens:   `"text":"x"`,
		failure:  "data: " + openAIDied + "\n\ndata: [DONE]\n\n",
		failed:   answer{200, openAIDied},
		busy:     openAIBusy,
		broken:   openAIBroken,
		empty:    answer{400, `{"error":{"message":"field prompt is missing","type":"BadRequestError","param":"prompt","code":400}}`},
	}, {
		protocol: "openai-responses",
		path:     "/v1/responses",
		stream:   `{"model":"m","input":"a","max_output_tokens":5,"stream":true}`,
		whole:    `{"model":"m","input":"a","max_output_tokens":5}`,
		tokens:   `"delta":"x"`,
		failure: "event: error\n" + `data: {"type":"error","sequence_number":6,"code":"server_error","message":"` + died + `","param":null}` + "\n\n" +
			"event: response.failed\n" + `data: {"type":"response.failed","sequence_number":7,"response":{"id":"resp_ID","object":"response","created_at":0,"status":"failed",` +
			`"error":{"code":"server_error","message":"` + died + `"},"incomplete_details":null,"model":"m","output":[],"usage":null}}` + "\n\n",
		failed: answer{200, openAIDied},
		busy:   openAIBusy,
		broken: openAIBroken,
		empty:  answer{400, `{"error":{"message":"field input is missing","type":"BadRequestError","param":"input","code":400}}`},
	}, {
		protocol: "anthropic",
		path:     "/v1/messages",
		stream:   `{"messages":[{"role":"user","content":"a"}],"max_tokens":5,"stream":true}`,
		whole:    `{"messages":[{"role":"user","content":"a"}],"max_tokens":5}`,
		tokens:   `"text":"x"`,
		failure:  "event: error\ndata: " + anthropicDied + "\n\n",
		failed:   answer{200, anthropicDied},
		busy:     `{"type":"error","error":{"type":"rate_limit_error","message":"` + busy + `"}}`,
		broken:   `{"type":"error","error":{"type":"api_error","message":"` + broken + `"}}`,
		empty:    answer{400, `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: Field required"}}`},
	}, {
		protocol: "vllm",
		path:     "/generate",
		stream:   `{"prompt":"a","max_tokens":5,"stream":true}`,
		whole:    `{"prompt":"a","max_tokens":5}`,
		tokens:   `{"text":["ax`,
		failure:  plainDied + "\x00",
		failed:   answer{200, `{"detail":"Internal Server Error"}`},
		busy:     `{"detail":"` + busy + `"}`,
		broken:   `{"detail":"Internal Server Error"}`,
		empty:    answer{400, `{"detail":"field prompt is missing"}`},
	}, {
		protocol: "sglang",
		path:     "/generate",
		stream:   `{"text":"a","sampling_params":{"max_new_tokens":5},"stream":true}`,
		whole:    `{"text":"a","sampling_params":{"max_new_tokens":5}}`,
		tokens:   `{"text":"x`,
		failure:  `data: {"error":{"message":"` + died + `"}}` + "\n\ndata: [DONE]\n\n",
		failed:   answer{200, `{"error":{"message":"` + died + `"}}`},
		busy:     `{"error":{"message":"` + busy + `"}}`,
		broken:   `{"error":{"message":"` + broken + `"}}`,
		empty:    answer{400, `{"error":{"message":"field text is missing"}}`},
	}, {
		protocol:  "tgi",
		path:      "/generate_stream",
		stream:    `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		wholePath: "/generate",
		whole:     `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		tokens:    `"text":"x"`,
		failure:   `data:{"error":"` + died + `","error_type":"generation"}` + "\n\n",
		failed:    answer{424, `{"error":"` + died + `","error_type":"generation"}`},
		busy:      `{"error":"` + busy + `","error_type":"overloaded"}`,
		broken:    `{"error":"` + broken + `","error_type":"incomplete_generation"}`,
		empty:     answer{422, `{"error":"field inputs is missing","error_type":"validation"}`},
	}, {
		protocol: "llamacpp",
		path:     "/completion",
		stream:   `{"prompt":"a","n_predict":5,"stream":true}`,
		whole:    `{"prompt":"a","n_predict":5}`,
		tokens:   `"content":"x"`,
		failure:  "data: " + llamaDied + "\n\n",
		failed:   answer{200, llamaDied},
		busy:     `{"error":{"code":429,"message":"` + busy + `","type":"unavailable_error"}}`,
		broken:   `{"error":{"code":500,"message":"` + broken + `","type":"server_error"}}`,
		empty:    answer{400, `{"error":{"code":400,"message":"field prompt is missing","type":"invalid_request_error"}}`},
	}, {
		protocol:  "triton",
		path:      "/v2/models/m/generate_stream",
		stream:    `{"text_input":"a","max_tokens":5}`,
		wholePath: "/v2/models/m/generate",
		whole:     `{"text_input":"a","max_tokens":5}`,
		tokens:    `"text_output":"x"`,
		failure:   "data: " + plainDied + "\n\n",
		failed:    answer{200, plainDied},
		busy:      `{"error":"` + busy + `"}`,
		broken:    `{"error":"` + broken + `"}`,
		empty:     answer{400, `data: {"error":"field text_input is missing"}` + "\n\n"},
	}, {
		protocol: "mindie",
		path:     "/infer",
		stream:   `{"inputs":"a","stream":true,"parameters":{"max_new_tokens":5}}`,
		whole:    `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		tokens:   `_time":1`,
		failure:  "data: " + mindieDied + "\n\n",
		failed:   answer{424, mindieDied},
		busy:     `{"error":"` + busy + `","error_type":"Overloaded"}`,
		broken:   `{"error":"` + broken + `","error_type":"Incomplete Generation"}`,
		empty:    answer{422, `{"error":"field inputs is missing","error_type":"Input Validation Error"}`},
	}, {
		protocol: "mindie-vllm",
		path:     "/generate",
		stream:   `{"prompt":"a","max_tokens":5,"stream":true}`,
		whole:    `{"prompt":"a","max_tokens":5}`,
		tokens:   `{"text":["x"]}`,
		failure:  mindieDied + "\x00",
		failed:   answer{424, mindieDied},
		busy:     `{"error":"` + busy + `","error_type":"Overloaded"}`,
		broken:   `{"error":"` + broken + `","error_type":"Incomplete Generation"}`,
		empty:    answer{422, `{"error":"field prompt is missing","error_type":"Input Validation Error"}`},
	}, {
		protocol:  "mindie-tgi",
		path:      "/generate_stream",
		stream:    `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		wholePath: "/generate",
		whole:     `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		tokens:    `"text":"x"`,
		failure:   "data: " + mindieDied + "\n\n",
		failed:    answer{424, mindieDied},
		busy:      `{"error":"` + busy + `","error_type":"Overloaded"}`,
		broken:    `{"error":"` + broken + `","error_type":"Incomplete Generation"}`,
		empty:     answer{422, `{"error":"field inputs is missing","error_type":"Input Validation Error"}`},
	}, {
		protocol:  "mindie-triton",
		path:      "/v2/models/m/generate_stream",
		stream:    `{"text_input":"a","parameters":{"max_new_tokens":5}}`,
		wholePath: "/v2/models/m/generate",
		whole:     `{"text_input":"a","parameters":{"max_new_tokens":5}}`,
		tokens:    `"text_output":"x"`,
		failure:   "data:" + mindieDied + "\n\n",
		failed:    answer{424, mindieDied},
		busy:      `{"error":"` + busy + `","error_type":"Overloaded"}`,
		broken:    `{"error":"` + broken + `","error_type":"Incomplete Generation"}`,
		empty:     answer{422, `{"error":"field text_input is missing","error_type":"Input Validation Error"}`},
	}, {
		protocol: "mindspore",
		path:     "/models/llama2/generate",
		stream:   `{"inputs":"a","parameters":{"max_new_tokens":5},"stream":true}`,
		whole:    `{"inputs":"a","parameters":{"max_new_tokens":5}}`,
		tokens:   `"generated_text": "x"`,
		failure:  `{"event": "message", "retry": 30000, "data": [` + plainDied + "]}\n",
		failed:   answer{200, plainDied},
		busy:     `{"error":"` + busy + `"}`,
		broken:   `{"error":"` + broken + `"}`,
		empty:    answer{400, `{"error":"field inputs is missing"}`},
	}, {
		protocol: "base",
		path:     "/v1/generate",
		stream:   `{"prompt":"a","max_tokens":6,"stream":true}`,
		whole:    `{"prompt":"a","max_tokens":6}`,
		tokens:   `"text":"x"`,
		failure:  "data: " + plainDied + "\n\n",
		failed:   answer{200, plainDied},
		busy:     `{"error":"` + busy + `"}`,
		broken:   `{"error":"` + broken + `"}`,
		empty:    answer{400, `{"error":"field prompt is missing"}`},
	}, {
		protocol: "embeddings",
		path:     "/v1/embeddings",
		whole:    `{"input":"a"}`,
		failed:   answer{200, openAIDied},
		busy:     openAIBusy,
		broken:   openAIBroken,
		empty:    answer{400, `{"error":{"message":"field input is missing","type":"BadRequestError","param":"input","code":400}}`},
	}, {
		protocol: "rerank",
		path:     "/v1/rerank",
		whole:    `{"query":"a","documents":["b"]}`,
		failed:   answer{200, openAIDied},
		busy:     openAIBusy,
		broken:   openAIBroken,
		empty:    answer{400, `{"error":{"message":"field query is missing","type":"BadRequestError","param":"query","code":400}}`},
	}} {
		t.Run(test.protocol, func(t *testing.T) {
			cfg := quick()
			cfg.Speaks, cfg.TrickleDelay = []string{test.protocol}, time.Microsecond
			server := start(t, cfg)
			post := func(path, body, fault string) (answer, error) {
				t.Helper()
				resp, err := send(t, t.Context(), "POST", server.URL()+path, body, "X-Sim-Fault: "+fault, "X-Sim-Fault-After: 2")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				return answer{resp.StatusCode, stripped(got)}, err
			}
			is := func(what string, got, want answer) {
				t.Helper()
				if got != want {
					t.Errorf("%s: got %d\n%s\nwant %d\n%s", what, got.status, got.body, want.status, want.body)
				}
			}
			wholePath := test.path
			if test.wholePath != "" {
				wholePath = test.wholePath
			}
			for _, refused := range []struct {
				fault string
				want  answer
			}{{"429", answer{429, test.busy}}, {"500", answer{500, test.broken}}, {"error-event", test.failed}} {
				got, err := post(wholePath, test.whole, refused.fault)
				if err != nil {
					t.Fatal(err)
				}
				is(refused.fault, got, refused.want)
			}
			got, err := post(test.path, "{}", "none")
			if err != nil {
				t.Fatal(err)
			}
			is("an empty object", got, test.empty)
			if test.stream == "" {
				return
			}
			for _, spoilt := range []struct {
				fault  string
				tokens int
				end    string
				cut    bool
			}{
				{"error-event", 2, test.failure, false},
				{"truncate", 2, "", false},
				{"close", 2, "", true},
				{"role-only", 0, "", false},
				{"bad-json", 5, "", false},
				{"trickle", 5, "", false},
				{"none", 5, "", false},
			} {
				got, err := post(test.path, test.stream, spoilt.fault)
				if (err != nil) != spoilt.cut || got.status != 200 {
					t.Errorf("%s: status %d, %v", spoilt.fault, got.status, err)
				}
				if n := strings.Count(untilDone(got.body), test.tokens); n != spoilt.tokens || !strings.HasSuffix(got.body, spoilt.end) {
					t.Errorf("%s: %d tokens, want %d and an end of %q in\n%q", spoilt.fault, n, spoilt.tokens, spoilt.end, got.body)
				}
				requests := ended(t, server)
				tokens := 0
				for _, e := range requests[len(requests)-1].Events {
					if e.Tokens > 0 {
						tokens++
					}
				}
				if tokens != spoilt.tokens {
					t.Errorf("%s: the log has %d token events, want %d", spoilt.fault, tokens, spoilt.tokens)
				}
			}
		})
	}
}

// untilDone is a stream without what repeats its text at the end.
func untilDone(body string) string {
	before, _, _ := strings.Cut(body, "event: response.output_text.done")
	return before
}
