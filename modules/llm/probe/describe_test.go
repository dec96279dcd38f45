package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/modules/llm"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// describing describes the first service of an endpoint that is made with options of a
// script, such as { url: "…" }.
func describing(ctx context.Context, t *testing.T, options string) result.Service {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	if err := os.WriteFile(path, []byte(`import { Endpoint } from "weir/llm"; new Endpoint(`+options+`);`), 0o644); err != nil {
		t.Fatal(err)
	}
	module := llm.New(clients, "weir")
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir/llm": module},
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
	return Describe(ctx, module.Services()[0])
}

const (
	sglangServer = `{"model_path":"/models/qwen3","tokenizer_path":"/models/qwen3","host":"0.0.0.0","port":30000,"mem_fraction_static":0.88,"tp_size":8,"context_length":8192,` +
		`"max_running_requests":64,"chunked_prefill_size":-1,"disable_radix_cache":false,"served_model_name":"qwen3","api_key":"sk-of-theirs","admin_api_key":"sk-two","ssl_keyfile_password":"sk-three",` +
		`"dist_init_addr":"tcp://me:sk-four@host:1","speculative_algorithm":null,"cuda_graph_bs":[1,2,4],"chat_template":null,"json_model_override_args":"{}","max_total_num_tokens":1048576,` +
		`"internal_states":[{"last_gen_throughput":1.5,"memory_usage":{"weight":14.2}}],"version":"0.4.6"}`
	vllmConfig = `{"vllm_config":{"model_config":{"model":"/models/qwen3","dtype":"torch.bfloat16","hf_token":"sk-of-theirs"},"cache_config":{"block_size":128},"instance_id":"a1b2"},` +
		`"vllm_env":{"VLLM_USE_V1":true,"VLLM_API_KEY":"sk-two"},"system_env":{"pip_packages":"torch==2.5"}}`
	vllmPage = "# TYPE vllm:cache_config_info gauge\n" +
		`vllm:cache_config_info{block_size="128",cache_dtype="auto",enable_prefix_caching="True",num_gpu_blocks="8192",sliding_window="None"} 1.0` + "\n"
)

// What servers tell of themselves is kept, but for their secrets.
func TestDescribe(t *testing.T) {
	f := func(answers map[string]http.HandlerFunc, want result.Service, paths ...string) {
		t.Helper()
		s := serve(t, answers)
		got := describing(t.Context(), t, `{ url: "`+s.URL+`" }`)
		if got.URL != s.URL || time.Since(got.Asked) > time.Hour {
			t.Errorf("url %q, asked %v", got.URL, got.Asked)
		}
		got.URL, got.Asked, want.Backend = "", time.Time{}, "openai-chat"
		if show(t, got) != show(t, want) {
			t.Errorf("described as\n%s\nwant\n%s", show(t, got), show(t, want))
		}
		if strings.Contains(show(t, got), "sk-") {
			t.Error("a secret of the service's is in it")
		}
		seen, _, _ := s.requests()
		for _, path := range paths {
			if !slices.Contains(seen, "GET "+path) {
				t.Errorf("%s was not asked: %q", path, seen)
			}
		}
		if i := slices.IndexFunc(seen, func(r string) bool { return strings.HasPrefix(r, "POST ") && r != "POST /v2/repository/index" }); i >= 0 {
			t.Errorf("%s was sent", seen[i])
		}
	}
	page := text(200, "text/plain; version=0.0.4", vllmPage)
	cache := map[string]string{"block_size": "128", "cache_dtype": "auto", "enable_prefix_caching": "True", "num_gpu_blocks": "8192"}

	f(map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "GET /version": ok(`{"version":"0.11.0"}`), "GET /metrics": page},
		result.Service{Kind: "vllm", Name: "vLLM", Version: "0.11.0", Models: []result.ServiceModel{{Name: "qwen3", MaxModelLen: 4096, Root: "/models/qwen3"}}, Cache: cache},
		"/version", "/server_info", "/metrics")
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "GET /server_info": ok(vllmConfig)},
		result.Service{Kind: "vllm", Name: "vLLM", Models: []result.ServiceModel{{Name: "qwen3", MaxModelLen: 4096, Root: "/models/qwen3"}}, Flags: map[string]string{
			"model_config.model": "/models/qwen3", "model_config.dtype": "torch.bfloat16", "model_config.hf_token": "…", "cache_config.block_size": "128", "instance_id": "a1b2",
			"vllm_env.VLLM_USE_V1": "true", "vllm_env.VLLM_API_KEY": "…",
		}})
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "GET /server_info": ok(`{"vllm_config":"model='/models/qwen3', tensor_parallel_size=8"}`)},
		result.Service{Kind: "vllm", Name: "vLLM", Models: []result.ServiceModel{{Name: "qwen3", MaxModelLen: 4096, Root: "/models/qwen3"}}, Flags: map[string]string{"vllm_config": "model='/models/qwen3', tensor_parallel_size=8"}})

	flags := map[string]string{
		"model_path": "/models/qwen3", "tokenizer_path": "/models/qwen3", "host": "0.0.0.0", "port": "30000", "mem_fraction_static": "0.88", "tp_size": "8", "context_length": "8192",
		"max_running_requests": "64", "chunked_prefill_size": "-1", "disable_radix_cache": "false", "served_model_name": "qwen3", "api_key": "…", "admin_api_key": "…", "ssl_keyfile_password": "…",
		"dist_init_addr": "tcp://…@host:1", "cuda_graph_bs": "1 2 4", "json_model_override_args": "{}", "max_total_num_tokens": "1048576", "version": "0.4.6",
	}
	sglang := result.Service{Kind: "sglang", Name: "SGLang", Version: "0.4.6", Models: []result.ServiceModel{{Name: "qwen3", MaxModelLen: 8192, Root: "qwen3"}},
		Limits: &result.ServiceLimits{TotalTokens: 8192, Requests: 64}, Flags: flags}
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(sglangModels), "GET /get_server_info": ok(sglangServer)}, sglang)
	newer := sglang
	newer.Version, newer.Limits = "", nil
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(sglangModels), "GET /server_info": ok(sglangServer)}, newer)

	f(map[string]http.HandlerFunc{"GET /info": ok(mindieInfo), "GET /v1/config": ok(`{"modelName":"deepseek","maxSeqLen":2560,"worldSize":8,"npuDeviceIds":[[0,1]]}`)},
		result.Service{Kind: "mindie", Name: "MindIE", Version: "1.0.0", Models: []result.ServiceModel{{Name: "deepseek", MaxModelLen: 2560}},
			Limits: &result.ServiceLimits{TotalTokens: 2560, InputTokens: 2048, Requests: 200},
			Flags: map[string]string{"max_batch_total_tokens": "8192", "max_concurrent_requests": "200", "max_input_length": "2048", "version": "1.0.0",
				"modelName": "deepseek", "maxSeqLen": "2560", "worldSize": "8", "npuDeviceIds": "0 1"}})
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(llamaModels), "GET /props": ok(strings.Replace(llamaProps, `{"default`, `{"chat_template":"{% if x %}\n{% endif %}","bos_token":"<s>","default`, 1))},
		result.Service{Kind: "llamacpp", Name: "llama.cpp", Version: "b0-unknown", Models: []result.ServiceModel{{Name: "tiny", MaxModelLen: 2048}},
			Limits: &result.ServiceLimits{TotalTokens: 2048, Requests: 4},
			Flags: map[string]string{"bos_token": "<s>", "default_generation_settings.params.seed": "1", "default_generation_settings.n_ctx": "2048", "total_slots": "4", "model_alias": "tiny",
				"model_path": "tiny.gguf", "build_info": "b0-unknown"}})
	f(map[string]http.HandlerFunc{"GET /v2": ok(tritonServer), "POST /v2/repository/index": ok(`[{"name":"ensemble","state":"READY"}]`)},
		result.Service{Kind: "triton", Name: "Triton", Version: "2.51.0", Models: []result.ServiceModel{{Name: "ensemble"}}})

	// Nothing that it could say.
	f(map[string]http.HandlerFunc{}, result.Service{})
	f(map[string]http.HandlerFunc{"*": text(401, "application/json", `{"error":"sk-of-theirs"}`)}, result.Service{})
	f(map[string]http.HandlerFunc{"*": ok("[]")}, result.Service{Kind: "mindspore", Name: "MindSpore llm-serving"})
	f(map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "GET /metrics": ok("{}"), "GET /server_info": ok(`{"vllm_config":{"a":{"b":`)},
		result.Service{Kind: "vllm", Name: "vLLM", Models: []result.ServiceModel{{Name: "qwen3", MaxModelLen: 4096, Root: "/models/qwen3"}}})
}

func show(t *testing.T, s result.Service) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The questions have the endpoint's headers, and what it sends as secrets is in no answer.
func TestDescribeAsTheEndpoint(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"GET /v1/models": ok(vllmModels),
		"GET /version": func(w http.ResponseWriter, r *http.Request) {
			ok(`{"version":"1 for `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}`)(w, r)
		},
	})
	got := describing(t.Context(), t, `{ url: "`+s.URL+`", apiKey: "key-of-mine" }`)
	if got.Version != "1 for …" {
		t.Errorf("version %q", got.Version)
	}
	// Flags may repeat it, and other secrets, in texts of their own.
	telling := serve(t, map[string]http.HandlerFunc{
		"GET /v1/models":      ok(`{"object":"list","data":[{"id":"m","owned_by":"sglang","root":"/m/key-of-mine"}]}`),
		"GET /get_model_info": ok(`{"model_path":"/m","is_generation":true}`),
		"GET /get_server_info": ok(`{"argv":["--api-key","other-1","--tp","8"],"command":"serve --admin-key=other-2 -tp 8",` +
			`"extra":"{\"hf_token\": \"other-3\"}","long":"` + strings.Repeat("x", maxFlagText-3) + `key-of-mine"}`),
	})
	told := describing(t.Context(), t, `{ url: "`+telling.URL+`", apiKey: "key-of-mine" }`)
	if told.Flags["argv"] != "--api-key … --tp 8" || told.Flags["command"] != "serve --admin-key=… -tp 8" || told.Flags["long"] == "" {
		t.Errorf("flags %q", told.Flags)
	}
	if all := fmt.Sprint(told); strings.Contains(all, "other-") || strings.Contains(all, "xkey") || strings.Contains(all, "key-of-mine") {
		t.Errorf("a secret is in %s", all)
	}
	_, headers, _ := s.requests()
	for _, h := range headers {
		if h.Get("Authorization") != "Bearer key-of-mine" {
			t.Errorf("headers %v", h)
		}
	}
}

// Whoever is not there, or does not answer, keeps nobody for long.
func TestDescribeNobody(t *testing.T) {
	gone := serve(t, nil)
	gone.Close()
	if got := describing(t.Context(), t, `{ url: "`+gone.URL+`" }`); got.Error == "" || got.Kind != "" {
		t.Errorf("%+v", got)
	}
	release := make(chan struct{})
	silent := serve(t, map[string]http.HandlerFunc{"*": func(http.ResponseWriter, *http.Request) { <-release }})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := describing(ctx, t, `{ url: "`+silent.URL+`" }`); got.Kind != "" {
		t.Errorf("%+v", got)
	}
	if got := describing(t.Context(), t, `{ url: "`+silent.URL+`" }`); !strings.Contains(got.Error, "does not answer") && !strings.Contains(got.Error, "had not answered") {
		t.Errorf("error %q", got.Error)
	}
	if seen, _, _ := silent.requests(); len(seen) > 3 {
		t.Errorf("it was asked %q", seen)
	}
}

func FuzzSettings(f *testing.F) {
	for _, body := range []string{sglangServer, vllmConfig, vllmPage, mindieInfo, llamaProps, `{"a":{"a":{"a":{"a":{"a":{"a":1}}}}},"b":[[[[]]]],"password":{"x":"sk-1"}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := settings{redact: func(text string) string { return text }}
		for _, path := range []string{"/get_server_info", "/server_info?config_format=json", "/metrics"} {
			s.take(path, body)
		}
		if len(s.flags) > maxFlags || len(s.cache) > maxFlags {
			t.Errorf("%d flags, %d of the cache", len(s.flags), len(s.cache))
		}
		for name, value := range s.flags {
			if len(name) > 200 || len(value) > maxFlagText+len("…") || result.SecretName(name) && value != result.Hidden {
				t.Errorf("%q: %q", name, value)
			}
		}
		for value := range maps.Values(s.cache) {
			if len(value) > maxFlagText+len("…") {
				t.Errorf("%d bytes", len(value))
			}
		}
	})
}
