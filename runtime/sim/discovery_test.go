package sim_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/runtime/sim"
)

// A service that speaks some protocols has nothing at the paths of others.
func TestSpeaks(t *testing.T) {
	posts := map[string]string{
		"openai-chat": "/v1/chat/completions", "openai": "/v1/completions", "openai-responses": "/v1/responses", "anthropic": "/v1/messages",
		"vllm": "/generate", "sglang": "/generate", "tgi": "/generate_stream", "llamacpp": "/completion",
		"trt": "/v2/models/m/generate_stream", "triton": "/v2/models/m/generate", "mindie": "/infer", "mindie-vllm": "/generate",
		"mindie-tgi": "/generate_stream", "mindie-triton": "/v2/models/m/generate_stream", "mindspore": "/models/llama2/generate",
		"base": "/v1/generate", "embeddings": "/v1/embeddings", "rerank": "/rerank",
	}
	gets := map[string]string{ // with the protocols whose services have them
		"/health":                         strings.Join(sim.Protocols(), " "),
		"/metrics":                        strings.Join(sim.Protocols(), " "),
		"/v1/models":                      "openai-chat openai openai-responses anthropic embeddings rerank",
		"/version":                        "openai-chat openai openai-responses anthropic embeddings rerank",
		"/info":                           "tgi mindie mindie-vllm mindie-tgi mindie-triton",
		"/props":                          "llamacpp",
		"/get_model_info":                 "sglang",
		"/get_server_info":                "sglang",
		"/v1/config":                      "mindie mindie-vllm mindie-tgi mindie-triton",
		"/serving/get_serverd_model_info": "mindspore",
		"/v2":                             "trt triton",
		"/v2/health/live":                 "trt triton mindie mindie-vllm mindie-tgi mindie-triton",
		"/v2/health/ready":                "trt triton mindie mindie-vllm mindie-tgi mindie-triton",
		"/v2/models/some":                 "trt triton",
		"/v2/models/some/ready":           "trt triton mindie mindie-vllm mindie-tgi mindie-triton",
	}
	for _, protocol := range sim.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			cfg := quick()
			cfg.Speaks = []string{protocol}
			server := start(t, cfg)
			status := func(method, path string) int {
				t.Helper()
				resp, err := send(t, t.Context(), method, server.URL()+path, "{}")
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return resp.StatusCode
			}
			for of, path := range posts {
				// Each refuses an empty object.
				if got, there := status("POST", path), path == posts[protocol] || of == protocol; (got != http.StatusNotFound) != there &&
					!samePaths(protocol, of) {
					t.Errorf("POST %s: status %d", path, got)
				}
			}
			for path, of := range gets {
				want := http.StatusNotFound
				if slices.Contains(strings.Fields(of), protocol) {
					want = http.StatusOK
				}
				if got := status("GET", path); got != want {
					t.Errorf("GET %s: status %d, want %d", path, got, want)
				}
			}
		})
	}
}

// samePaths says whether two protocols share a path of which the test has only one.
func samePaths(a, b string) bool {
	for _, same := range []string{"vllm sglang tgi mindie-vllm mindie-tgi", "trt triton mindie-triton"} {
		if f := strings.Fields(same); slices.Contains(f, a) && slices.Contains(f, b) {
			return true
		}
	}
	return false
}

// A service shows what it is.
func TestDiscovery(t *testing.T) {
	cfg := quick()
	cfg.Model = `my "model"`
	server := start(t, cfg)
	for path, want := range map[string]string{
		"/info": `{"model_id":"my \"model\"","model_sha":null,"model_pipeline_tag":"text-generation","max_concurrent_requests":256,"max_best_of":2,"max_stop_sequences":4,` +
			`"max_input_tokens":32767,"max_total_tokens":32768,"validation_workers":2,"max_client_batch_size":4,"router":"text-generation-router","version":"sim","sha":null,"docker_label":null}`,
		"/props":                          `{"default_generation_settings":{"params":{"n_predict":-1},"n_ctx":32768},"total_slots":256,"model_alias":"my \"model\"","model_path":"my \"model\"","build_info":"sim"}`,
		"/get_model_info":                 `{"model_path":"my \"model\"","tokenizer_path":"my \"model\"","is_generation":true}`,
		"/get_server_info":                `{"served_model_name":"my \"model\"","context_length":32768,"max_running_requests":256,"version":"sim"}`,
		"/serving/get_serverd_model_info": `{"model_name":"my \"model\""}`,
		"/v1/config":                      `{"modelName":"my \"model\"","maxSeqLen":32768,"maxInputTokenLen":32767}`,
		"/v2":                             `{"name":"triton","version":"sim","extensions":["parameters","generate"]}`,
		"/v2/models/tiny": `{"name":"tiny","versions":["1"],"platform":"python","inputs":[{"name":"text_input","datatype":"BYTES","shape":[1]},{"name":"max_tokens","datatype":"INT32","shape":[1]}],` +
			`"outputs":[{"name":"text_output","datatype":"BYTES","shape":[1]}]}`,
	} {
		if got := get(t, server.URL()+path); got != want {
			t.Errorf("%s says\n%s\nwant\n%s", path, got, want)
		}
	}
	resp, err := send(t, t.Context(), "POST", server.URL()+"/v2/repository/index", "{}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != `[{"name":"my \"model\"","version":"1","state":"READY"}]` {
		t.Errorf("the index of Triton's models is %s, %v", got, err)
	}
	cfg.Speaks = []string{"mindie"}
	want := `{"docker_label":null,"max_batch_total_tokens":262144,"max_best_of":1,"max_concurrent_requests":256,"max_input_length":32767,"max_stop_sequences":null,"max_waiting_tokens":null,` +
		`"models":[{"max_total_tokens":32768,"model_device_type":"npu","model_dtype":"float16","model_id":"my \"model\"","model_pipeline_tag":"text-generation","model_sha":null}],` +
		`"sha":null,"validation_workers":null,"version":"sim","waiting_served_ratio":null}`
	if got := get(t, start(t, cfg).URL()+"/info"); got != want {
		t.Errorf("/info of MindIE says\n%s\nwant\n%s", got, want)
	}
}

// Two protocols with the same path cannot be told apart.
func TestRivals(t *testing.T) {
	cfg := quick()
	cfg.Speaks = []string{"tgi", "mindie-tgi"}
	if _, err := sim.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "mindie-tgi and tgi") {
		t.Errorf("got %v", err)
	}
}
