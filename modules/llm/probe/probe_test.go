package probe

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/modules/llm"
	"weir/runtime/transport"
)

const (
	vllmModels   = `{"object":"list","data":[{"id":"qwen3","object":"model","created":1,"owned_by":"vllm","root":"/models/qwen3","parent":null,"max_model_len":4096,"permission":[]}]}`
	sglangModels = `{"object":"list","data":[{"id":"qwen3","object":"model","created":1,"owned_by":"sglang","root":"qwen3","max_model_len":8192}]}`
	llamaModels  = `{"models":[{"name":"tiny"}],"object":"list","data":[{"id":"tiny","aliases":["tiny"],"object":"model","owned_by":"llamacpp","meta":{"n_ctx":2048,"n_ctx_train":4096}}]}`
	llamaProps   = `{"default_generation_settings":{"params":{"seed":1},"n_ctx":2048},"total_slots":4,"model_alias":"tiny","model_path":"tiny.gguf","build_info":"b0-unknown"}`
	tgiInfo      = `{"model_id":"meta/llama","model_sha":null,"max_concurrent_requests":128,"max_best_of":2,"max_input_tokens":1024,"max_total_tokens":2048,"router":"text-generation-router","version":"2.4.0"}`
	teiInfo      = `{"model_id":"BAAI/bge-m3","model_type":{"embedding":{"pooling":"cls"}},"max_concurrent_requests":512,"max_input_length":8192,"version":"1.5.0"}`
	mindieInfo   = `{"docker_label":null,"max_batch_total_tokens":8192,"max_concurrent_requests":200,"max_input_length":2048,"models":[{"model_device_type":"npu","model_dtype":"float16","model_id":"deepseek","model_pipeline_tag":"text-generation","max_total_tokens":2560}],"version":"1.0.0"}`
	tritonServer = `{"name":"triton","version":"2.51.0","extensions":["classification","sequence","model_repository"]}`
	embedding    = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`
	ranking      = `{"results":[{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":7}}`
)

// Every kind of server is told by what it says of itself, and gets the command line
// that fits it.
func TestKinds(t *testing.T) {
	openai := stream{continuous: true, ends: 2, obeys: true}.ServeHTTP
	for _, row := range []struct {
		name    string
		answers map[string]http.HandlerFunc
		named   string // --model
		all     bool
		kind    string
		version string
		model   string
		limits  Limits
		speaks  []string
		command string // with HOST and PORT
	}{
		{"vLLM", map[string]http.HandlerFunc{
			"GET /v1/models": ok(vllmModels), "GET /version": ok(`{"version":"0.32.0"}`),
			"POST /v1/chat/completions": openai, "POST /v1/completions": openai,
		}, "", false, "vllm", "0.32.0", "qwen3", Limits{}, []string{"openai-chat", "openai"},
			`weir run static --backend openai-chat --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
		{"vLLM without a chat template", map[string]http.HandlerFunc{
			"GET /v1/models":            ok(vllmModels),
			"POST /v1/chat/completions": text(400, "application/json", `{"error":{"message":"no chat template"}}`),
			"POST /v1/completions":      openai,
		}, "", false, "vllm", "", "qwen3", Limits{}, []string{"openai"},
			`weir run static --backend openai --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
		{"vLLM with an embedding model", map[string]http.HandlerFunc{
			"GET /v1/models": ok(vllmModels), "POST /v1/embeddings": ok(embedding), "POST /v1/rerank": ok(ranking),
		}, "", false, "vllm", "", "qwen3", Limits{}, []string{"embeddings"},
			`weir run static --backend embeddings --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
		{"vLLM's first server", map[string]http.HandlerFunc{
			"GET /health": text(200, "", ""), "POST /generate": legacy(true),
		}, "", false, "", "", "", Limits{}, []string{"vllm"},
			`weir run static --backend vllm --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>"`},
		{"SGLang", map[string]http.HandlerFunc{
			"GET /v1/models": ok(sglangModels), "GET /get_model_info": ok(`{"model_path":"qwen3","tokenizer_path":"qwen3","is_generation":true}`),
			"GET /get_server_info":      ok(`{"version":"0.4.6","context_length":8192,"max_running_requests":64}`),
			"POST /v1/chat/completions": openai, "POST /v1/completions": openai,
			"POST /generate": text(200, "text/event-stream", `data: {"text":"a","meta_info":{"id":"1","finish_reason":{"type":"length"},"prompt_tokens":5,"completion_tokens":1}}`+"\n\ndata: [DONE]\n\n"),
		}, "", false, "sglang", "0.4.6", "qwen3", Limits{TotalTokens: 8192, Requests: 64}, []string{"openai-chat", "openai", "sglang"},
			`weir run static --backend openai-chat --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
		{"SGLang with an embedding model", map[string]http.HandlerFunc{
			"GET /v1/models": ok(sglangModels), "GET /get_model_info": ok(`{"model_path":"qwen3","tokenizer_path":"qwen3","is_generation":false}`),
			"POST /v1/embeddings": ok(embedding),
		}, "", false, "sglang", "", "qwen3", Limits{}, []string{"embeddings"},
			`weir run static --backend embeddings --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
		{"llama.cpp", map[string]http.HandlerFunc{
			"GET /v1/models": ok(llamaModels), "GET /props": ok(llamaProps),
			"POST /v1/chat/completions": openai, "POST /v1/completions": openai,
			"POST /completion": text(200, "text/event-stream", `data: {"index":0,"content":"a","stop":false,"tokens_predicted":1}`+"\n\n"+
				`data: {"index":0,"content":"","stop":true,"stop_type":"limit","tokens_predicted":1,"tokens_evaluated":5}`+"\n\n"),
		}, "", false, "llamacpp", "b0-unknown", "tiny", Limits{TotalTokens: 2048, Requests: 4}, []string{"openai-chat", "openai", "llamacpp"},
			`weir run static --backend openai-chat --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name tiny`},
		{"TGI", map[string]http.HandlerFunc{"GET /info": ok(tgiInfo), "POST /generate_stream": tgiStream},
			"", false, "tgi", "2.4.0", "meta/llama", Limits{2048, 1024, 128}, []string{"tgi"},
			`weir run static --backend tgi --host HOST --port PORT --scheme http --tokenizer "<folder with the model's tokenizer.json>"`},
		{"TEI", map[string]http.HandlerFunc{"GET /info": ok(teiInfo), "POST /v1/embeddings": ok(embedding)},
			"", false, "tei", "1.5.0", "BAAI/bge-m3", Limits{0, 8192, 512}, []string{"embeddings"},
			`weir run static --backend embeddings --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name BAAI/bge-m3`},
		{"a ranking", map[string]http.HandlerFunc{"POST /v1/rerank": ok(ranking)}, "", false, "", "", "", Limits{}, []string{"rerank"}, ""},
		{"MindIE", map[string]http.HandlerFunc{
			"GET /info": ok(mindieInfo), "GET /v1/config": ok(`{"modelName":"deepseek","maxSeqLen":2560,"worldSize":8}`),
			"POST /generate_stream": tgiStream, "POST /generate": legacy(false),
		}, "", false, "mindie", "1.0.0", "deepseek", Limits{2560, 2048, 200}, []string{"mindie-tgi", "mindie-vllm"},
			`weir run static --backend mindie-tgi --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>"`},
		{"Triton with an ensemble", map[string]http.HandlerFunc{
			"GET /v2": ok(tritonServer), "POST /v2/repository/index": ok(`[{"name":"ensemble","version":"1","state":"READY"},{"name":"tensorrt_llm","version":"1","state":"READY"}]`),
			"POST /v2/models/ensemble/generate_stream": tritonStream,
		}, "", false, "triton", "2.51.0", "ensemble", Limits{}, []string{"triton"},
			`weir run static --backend triton --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name ensemble`},
		{"Triton with another model", map[string]http.HandlerFunc{
			"GET /v2": ok(tritonServer), "POST /v2/repository/index": ok(`[{"name":"gone","version":"1","state":"UNAVAILABLE"},{"name":"tiny","version":"1","state":"READY"}]`),
			"POST /v2/models/tiny/generate_stream": tritonStream,
		}, "", false, "triton", "2.51.0", "tiny", Limits{}, []string{"triton"},
			`weir run static --backend triton --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name tiny`},
		{"Triton that does not list its models", map[string]http.HandlerFunc{
			"GET /v2": ok(tritonServer), "POST /v2/repository/index": text(403, "application/json", `{"error":"This API is restricted"}`),
			"POST /v2/models/tiny/generate_stream": tritonStream,
		}, "tiny", false, "triton", "2.51.0", "tiny", Limits{}, []string{"triton"},
			`weir run static --backend triton --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name tiny`},
		{"MindSpore", map[string]http.HandlerFunc{
			"GET /serving/get_serverd_model_info": ok(`{"model":"llama2"}`),
			"POST /models/llama2/generate":        ok(`{"generated_text":"a","finish_reason":"length","generated_tokens":1,"details":null}` + "\n"),
		}, "", false, "mindspore", "", "", Limits{}, []string{"mindspore"},
			`weir run static --backend mindspore --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>"`},
		{"told by its metrics", map[string]http.HandlerFunc{
			"GET /metrics":              text(200, "text/plain; version=0.0.4", "# HELP vllm:num_requests_running n\n# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 0.0\n"),
			"POST /v1/chat/completions": openai,
		}, "", false, "vllm", "", "", Limits{}, []string{"openai-chat"},
			`weir run static --backend openai-chat --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name "<name of the model>"`},
		{"everything asked", map[string]http.HandlerFunc{
			"GET /v1/models": ok(vllmModels), "POST /v1/chat/completions": openai, "POST /v1/embeddings": ok(embedding), "POST /v1/rerank": ok(ranking),
		}, "", true, "vllm", "", "qwen3", Limits{}, []string{"openai-chat", "embeddings", "rerank"},
			`weir run static --backend openai-chat --host HOST --port PORT --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, row.answers)
			r, progress, err := probing(t, s.URL, func(c *Config) { c.All, c.Model = row.all, row.named })
			if err != nil {
				t.Fatalf("%v\n%s", err, progress)
			}
			if r.Service.Kind != row.kind || r.Service.Version != row.version || r.Model != row.model || r.Limits != row.limits {
				t.Errorf("service %+v, model %q, limits %+v", r.Service, r.Model, r.Limits)
			}
			if !slices.Equal(r.working(), row.speaks) || r.Best != row.speaks[0] {
				t.Errorf("speaks %v, best %s; want %v\n%s", r.working(), r.Best, row.speaks, progress)
			}
			host, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
			if want := strings.NewReplacer("HOST", host, "PORT", port).Replace(row.command); r.Command != want {
				t.Errorf("command\n%s\nwant\n%s", r.Command, want)
			}
			if row.all && len(r.Backends) != len(backends) {
				t.Errorf("%d backends were tried", len(r.Backends))
			}
			if seen, _, _ := s.requests(); !row.all && len(seen) > 32 {
				t.Errorf("%d requests:\n%s", len(seen), progress)
			}
		})
	}
}

// What a service counts and obeys.
func TestMeasure(t *testing.T) {
	yes, no := true, false
	for _, row := range []struct {
		name       string
		stream     stream
		counted    bool
		continuous *bool
		ignores    *bool
		made       int
		each       string // of the report
		ignore     string // likewise
		note       string
	}{
		{"all it should", stream{continuous: true, ends: 2, obeys: true}, true, &yes, &yes, 32, "1 (16 tokens in 16 events)", "works: 32 of 32 tokens, finish reason length", ""},
		{"no continuous usage", stream{}, true, &no, &yes, 32, "1 (32 tokens in 32 events)", "works", ""},
		{"it ends before", stream{ends: 2}, true, &no, &no, 2, "1 (2 tokens in 2 events)", "no: 2 of 32 tokens, finish reason stop", "answers may be shorter than --output-tokens"},
		{"it refuses ignore_eos", stream{refuses: "Unrecognized argument: ignore_eos", ends: 2}, true, &no, &no, 0, "1 (2 tokens in 2 events)", "refused: 400 Bad Request: Unrecognized argument: ignore_eos", "answers may be shorter"},
		{"no usage", stream{silent: true}, false, &no, nil, 32, "", "cannot be told: the service does not count its tokens; 32 events came", ""},
		{"four steps", stream{step: 4, continuous: true}, true, &yes, &yes, 32, "3.2 (16 tokens in 5 events): 4 at once", "works", "add --num-scheduler-steps 4"},
		{"four steps without counts", stream{step: 4}, true, &no, &yes, 32, "3.56 (32 tokens in 9 events): several at once", "works", "add --num-scheduler-steps 4"},
		{"speculative", stream{step: 1, uneven: true, continuous: true}, true, &yes, &yes, 32, "now more and now fewer", "works", "--use-spec-decode"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "POST /v1/chat/completions": row.stream.ServeHTTP})
			r, progress, err := probing(t, s.URL, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, progress)
			}
			same := func(a, b *bool) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
			if r.Usage.Counted != row.counted || !same(r.Usage.Continuous, row.continuous) {
				t.Errorf("usage %+v\n%s", r.Usage, progress)
			}
			if !same(r.IgnoreEOS.Works, row.ignores) || r.IgnoreEOS.Made != row.made {
				t.Errorf("ignore_eos %+v\n%s", r.IgnoreEOS, progress)
			}
			var report strings.Builder
			r.Report(&report)
			for _, part := range []string{row.each, row.ignore, row.note} {
				if !strings.Contains(report.String(), part) {
					t.Errorf("the report has no %q:\n%s", part, report.String())
				}
			}
		})
	}
}

// Sad paths: what is said, and what is to be done about it.
func TestErrors(t *testing.T) {
	login := text(200, "text/html; charset=utf-8", "<!DOCTYPE html><html><head><title>Sign &amp; in</title></head></html>")
	for _, row := range []struct {
		name    string
		answers map[string]http.HandlerFunc
		change  func(*Config)
		message string
		hint    string
	}{
		{"nothing that weir speaks", nil, nil, "no backend of weir works with http://", "none of these paths"},
		{"what was tried", nil, nil, "\n  openai-chat       404 Not Found: Not Found\n  openai            the same\n", ""},
		{"no key", map[string]http.HandlerFunc{"*": text(401, "application/json", `{"error":"Unauthorized"}`)}, nil, "refuses to answer: 401 Unauthorized", "set WEIR_API_KEY"},
		{"a wrong key", map[string]http.HandlerFunc{"*": text(401, "application/json", `{"error":"bad key sk-123456"}`)},
			func(c *Config) { c.APIKey = "sk-123456" }, "401 Unauthorized: bad key …", "not accepted"},
		{"forbidden", map[string]http.HandlerFunc{"*": text(403, "application/json", `{"error":"Forbidden"}`)}, nil, "403 Forbidden", "WEIR_API_KEY"},
		{"a login page", map[string]http.HandlerFunc{"*": login}, nil, `a web page came ("Sign & in")`, `a web page ("Sign & in")`},
		{"a redirect", map[string]http.HandlerFunc{"*": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/sso?token=secret", http.StatusFound)
		}}, nil, "302", "sends requests on to https://login.example/sso: probe"},
		{"not loaded yet", map[string]http.HandlerFunc{"*": text(503, "application/json", `{"error":{"message":"Loading model"}}`)}, nil, "503 Service Unavailable: Loading model", "try again later"},
		{"busy", map[string]http.HandlerFunc{"*": text(429, "application/json", `{"error":{"message":"too many"}}`)}, nil, "429 Too Many Requests: too many", "try again later"},
		{"a wrong model", map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "POST /v1/chat/completions": text(404, "application/json", "{\"error\":{\"message\":\"The model `x` does not exist.\"}}")},
			func(c *Config) { c.Model = "x" }, "The model `x` does not exist.", "--model"},
		{"a Triton that does not list its models", map[string]http.HandlerFunc{"GET /v2": ok(tritonServer), "*": text(404, "application/json", `{"error":"Request for unknown model: 'ensemble' is not found"}`)}, nil, "Triton 2.51.0 at http://", "name the model with --model"},
		{"another path", nil, func(c *Config) { c.URL += "/api/v3" }, "/api/v3", "where the service's paths begin?"},
		{"max_tokens passed over", map[string]http.HandlerFunc{"POST /v1/chat/completions": stream{endless: true}.ServeHTTP}, nil, "made 50 tokens where 1 was asked for", ""},
		{"HTTP to a port with TLS", map[string]http.HandlerFunc{"*": text(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n")}, nil, "answers in TLS; try https://", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, row.answers)
			r, progress, err := probing(t, s.URL, row.change)
			var unusable *Error
			if !errors.As(err, &unusable) {
				t.Fatalf("error %v\n%s", err, progress)
			}
			if !strings.Contains(unusable.Message, row.message) || !strings.Contains(unusable.Hint, row.hint) {
				t.Errorf("%v", unusable)
			}
			if strings.Contains(err.Error()+progress, "sk-123456") || strings.Contains(err.Error()+progress, "secret") {
				t.Errorf("a secret is shown:\n%v\n%s", err, progress)
			}
			if r == nil || len(r.Gets) == 0 {
				t.Errorf("the result says nothing of what was tried: %+v", r)
			}
		})
	}
}

// The connection itself: the transport's messages, with what can be done.
func TestConnection(t *testing.T) {
	f := func(url string, insecure bool, message, hint string) {
		t.Helper()
		_, _, err := probing(t, url, func(c *Config) { c.Options.Insecure = insecure })
		var unusable *Error
		if !errors.As(err, &unusable) || !strings.Contains(unusable.Message, message) || !strings.Contains(unusable.Hint, hint) {
			t.Errorf("%s: %v", url, err)
		}
	}
	f("http://127.0.0.1:1", false, "cannot connect to 127.0.0.1:1: connection refused", "is the service running")
	f("127.0.0.1:1", false, "connection refused", "is the service running")
	f("http://nowhere.invalid", false, "cannot find nowhere.invalid", "typing error")

	s := serve(t, nil)
	f(strings.Replace(s.URL, "http:", "https:", 1), false, "does not speak TLS; try http:// instead of https://", "")

	secure := &fake{}
	secure.Server = httptest.NewUnstartedServer(secure.handler(map[string]http.HandlerFunc{
		"GET /v1/models": ok(vllmModels), "POST /v1/chat/completions": stream{}.ServeHTTP,
	}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	f(strings.Replace(secure.URL, "https:", "http:", 1), false, "answers in TLS; try https:// instead of http://", "")
	_, _, err := probing(t, secure.URL, nil)
	if err == nil || !strings.Contains(err.Error(), "not trusted") || !strings.Contains(err.Error(), "insecure") {
		t.Errorf("a certificate that is not trusted: %v", err)
	}
	r, _, err := probing(t, secure.URL, func(c *Config) { c.Options.Insecure = true })
	if err != nil || !strings.Contains(r.Command, " --scheme https --insecure ") {
		t.Errorf("insecure: %v, %+v", err, r)
	}
}

// Wrong configurations are no fault of a service.
func TestConfig(t *testing.T) {
	f := func(url string, header []transport.Header, want string) {
		t.Helper()
		r, _, err := probing(t, url, func(c *Config) { c.Header = header })
		if r != nil || err == nil || errors.As(err, new(*Error)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
	f("", nil, "must begin with http://")
	f("ftp://h", nil, "must begin with http://")
	f("http://", nil, "names no host")
	f("http://user:secret@h", nil, "give them as a header")
	f("http://h", []transport.Header{{Name: "a b", Value: "c"}}, "not the name of a header")
}

// Keys go where the backend wants them, with every request; and they are not shown.
func TestSecrets(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"GET /team/v1/models": ok(vllmModels), "POST /team/v1/chat/completions": stream{}.ServeHTTP,
	})
	r, progress, err := probing(t, s.URL+"/team/v1/chat/completions?sig=query-secret", func(c *Config) {
		c.APIKey, c.AppCode, c.AuthToken = "key-secret", "code-secret", "token-secret"
		c.Header = []transport.Header{{Name: "X-Team", Value: "Basic team-secret"}}
		c.UserAgent = "weir/test"
		c.All = true
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, headers, _ := s.requests()
	for i, h := range headers {
		if strings.HasSuffix(seen[i], "/v1/messages") {
			if h.Get("X-Api-Key") != "key-secret" || h.Get("Authorization") != "" {
				t.Errorf("%s: %v", seen[i], h)
			}
		} else if h.Get("Authorization") != "Bearer key-secret" {
			t.Errorf("%s: %v", seen[i], h)
		}
		if h.Get("X-Apig-Appcode") != "code-secret" || h.Get("X-Auth-Token") != "token-secret" || h.Get("X-Team") != "Basic team-secret" || h.Get("User-Agent") != "weir/test" {
			t.Errorf("%s: %v", seen[i], h)
		}
	}
	var report strings.Builder
	r.Report(&report)
	if shown := report.String() + progress; strings.Contains(shown, "secret") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
	want := `weir run static --backend openai-chat --url "` + s.URL + `/team/v1/chat/completions?<query of your URL>" --tokenizer "<folder with the model's tokenizer.json>" --served-model-name qwen3`
	if r.Command != want {
		t.Errorf("command\n%s\nwant\n%s", r.Command, want)
	}
	if r.Path != "/v1/chat/completions" || r.URL != s.URL+"/team" {
		t.Errorf("URL %s, path %s", r.URL, r.Path)
	}
}

// A service that keeps silent costs two time limits, and an interruption none.
func TestSilence(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	s := serve(t, map[string]http.HandlerFunc{"*": silent})
	_, _, err := probing(t, s.URL, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	if err == nil || !strings.Contains(err.Error(), "does not answer within 50ms\n  hint: give it more time with --timeout") {
		t.Errorf("a silent service: %v", err)
	}
	if seen, _, _ := s.requests(); len(seen) != 2 {
		t.Errorf("%d requests", len(seen))
	}

	// The GETs are answered; the first request of a backend never is.
	asking := make(chan struct{}, 1)
	s = serve(t, map[string]http.HandlerFunc{"GET /v1/models": ok(vllmModels), "POST /v1/chat/completions": func(w http.ResponseWriter, r *http.Request) {
		asking <- struct{}{}
		<-r.Context().Done()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	go func() {
		<-asking
		cancel()
	}()
	r, err := Run(ctx, clients, Config{URL: s.URL, Timeout: time.Hour})
	if !errors.Is(err, context.Canceled) || r == nil {
		t.Errorf("interrupted: %v", err)
	}
}

// The table of backends is that of weir/llm, and each path is where its requests go.
func TestBackends(t *testing.T) {
	var names []string
	for _, b := range backends {
		names = append(names, b.Name)
	}
	want := llm.BackendNames()
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("backends are %v, want %v", names, want)
	}
	for _, k := range kinds {
		for _, name := range k.backends {
			if find(name) == nil {
				t.Errorf("%s: there is no backend %s", k.id, name)
			}
		}
	}
	s := serve(t, nil)
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	for _, b := range backends {
		for _, streamed := range []bool{true, false} {
			if _, err := llm.Ask(t.Context(), clients, llm.Question{Backend: b.Name, URL: s.URL, Model: "m", Prompt: "a", Stream: streamed}); err != nil {
				t.Fatal(err)
			}
			path := b.at("m")
			if !streamed {
				path = strings.ReplaceAll(b.WholePath, "{model}", "m")
			}
			seen, _, bodies := s.requests()
			if got := seen[len(seen)-1]; got != "POST "+path {
				t.Errorf("%s asks %s, want %s", b.Name, got, path)
			}
			if named := strings.Contains(bodies[len(bodies)-1], `"model":"m"`) || strings.Contains(path, "/m/"); named != b.names {
				t.Errorf("%s: names the model: %v", b.Name, named)
			}
		}
	}
}
