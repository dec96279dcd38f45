package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// version is what the service says of itself.
const version = "sim"

// discovery are the paths by which services of a kind can be told from others, each
// with the protocols of which at least one has to be spoken for it. Where two have
// the same path, the first one answers.
var discovery = []struct {
	method, path string
	of           string // protocols, separated by blanks
	answer       func(dst []byte, cfg *Config, model string) []byte
}{
	{"GET", "/v1/models", likeOpenAI, appendModels},
	{"GET", "/version", likeOpenAI, appendVersion},
	{"GET", "/info", "tgi", appendTGIInfo},
	{"GET", "/info", ofMindIE, appendMindIEInfo},
	{"GET", "/v1/config", ofMindIE, appendMindIEConfig},
	{"GET", "/props", "llamacpp", appendLlamaCPPProps},
	{"GET", "/get_model_info", "sglang", appendSGLangModel},
	{"GET", "/get_server_info", "sglang", appendSGLangServer},
	{"GET", "/v2", "trt triton", appendTritonServer},
	{"GET", "/v2/health/live", "trt triton " + ofMindIE, nil},
	{"GET", "/v2/health/ready", "trt triton " + ofMindIE, nil},
	{"GET", "/v2/models/{model}", "trt triton", appendTritonModel},
	{"GET", "/v2/models/{model}/ready", "trt triton " + ofMindIE, nil},
	{"POST", "/v2/repository/index", "trt triton", appendTritonIndex},
	{"GET", "/serving/get_serverd_model_info", "mindspore", appendMindSporeInfo},
}

const (
	likeOpenAI = "openai-chat openai openai-responses anthropic embeddings rerank"
	ofMindIE   = "mindie mindie-vllm mindie-tgi mindie-triton"
)

// page is what there is at a path that makes no tokens.
type page struct {
	method string
	show   func(w http.ResponseWriter, model string)
	serve  func(http.ResponseWriter, *http.Request) // instead of show, where it looks at the request
}

// route sets up the paths of the protocols that the service speaks.
func (s *Server) route() {
	s.posts = map[string][]*dialect{}
	s.pages = map[string]page{}
	speaks := spoken(s.cfg.Speaks)
	for _, d := range speaks {
		for _, path := range d.paths {
			if s.posts[path] == nil {
				s.paths = append(s.paths, path)
			}
			s.posts[path] = append(s.posts[path], d)
		}
	}
	add := func(method, path string, show func(http.ResponseWriter, string)) {
		if _, there := s.pages[path]; !there {
			s.paths = append(s.paths, path)
			s.pages[path] = page{method: method, show: show}
		}
	}
	for _, way := range discovery {
		of := strings.Fields(way.of)
		if !slices.ContainsFunc(speaks, func(d *dialect) bool { return slices.Contains(of, d.name) }) {
			continue
		}
		add(way.method, way.path, func(w http.ResponseWriter, model string) {
			if way.answer == nil {
				w.WriteHeader(http.StatusOK)
				return
			}
			respond(w, http.StatusOK, "application/json", way.answer(nil, &s.cfg, model))
		})
	}
	if s.cfg.ProfileDir != "" {
		s.profiler = &profiler{dir: s.cfg.ProfileDir, takes: s.cfg.ProfileTime}
		s.pages["/start_profile"] = page{method: http.MethodPost, serve: s.startProfile}
		s.pages["/stop_profile"] = page{method: http.MethodPost, serve: s.stopProfile}
		s.paths = append(s.paths, "/start_profile", "/stop_profile")
	}
	add("GET", "/health", func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusOK) })
	add("GET", "/metrics", func(w http.ResponseWriter, _ string) {
		respond(w, http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", []byte(s.counters.exposition(&s.cfg, s.engine, s.prefixes)))
	})
}

func appendVersion(dst []byte, _ *Config, _ string) []byte {
	return append(dst, `{"version":"`+version+`"}`...)
}

func appendModels(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"object":"list","data":[{"id":`...)
	dst = appendQuoted(dst, cfg.Model)
	return fmt.Appendf(dst, `,"object":"model","created":0,"owned_by":"weir","max_model_len":%d}]}`, cfg.MaxModelLen)
}

func appendTGIInfo(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"model_id":`...)
	dst = appendQuoted(dst, cfg.Model)
	return fmt.Appendf(dst, `,"model_sha":null,"model_pipeline_tag":"text-generation","max_concurrent_requests":%d,"max_best_of":2,`+
		`"max_stop_sequences":4,"max_input_tokens":%d,"max_total_tokens":%d,"validation_workers":2,"max_client_batch_size":4,`+
		`"router":"text-generation-router","version":%q,"sha":null,"docker_label":null}`,
		cfg.MaxBatch, cfg.MaxModelLen-1, cfg.MaxModelLen, version)
}

func appendMindIEInfo(dst []byte, cfg *Config, _ string) []byte {
	dst = fmt.Appendf(dst, `{"docker_label":null,"max_batch_total_tokens":%d,"max_best_of":1,"max_concurrent_requests":%d,"max_input_length":%d,`+
		`"max_stop_sequences":null,"max_waiting_tokens":null,"models":[{"max_total_tokens":%d,"model_device_type":"npu","model_dtype":"float16","model_id":`,
		cfg.KVTokens, cfg.MaxBatch, cfg.MaxModelLen-1, cfg.MaxModelLen)
	dst = appendQuoted(dst, cfg.Model)
	return fmt.Appendf(dst, `,"model_pipeline_tag":"text-generation","model_sha":null}],"sha":null,"validation_workers":null,"version":%q,"waiting_served_ratio":null}`, version)
}

func appendLlamaCPPProps(dst []byte, cfg *Config, _ string) []byte {
	dst = fmt.Appendf(dst, `{"default_generation_settings":{"params":{"n_predict":-1},"n_ctx":%d},"total_slots":%d,"model_alias":`, cfg.MaxModelLen, cfg.MaxBatch)
	dst = appendQuoted(dst, cfg.Model)
	dst = append(dst, `,"model_path":`...)
	dst = appendQuoted(dst, cfg.Model)
	return append(dst, `,"build_info":"`+version+`"}`...)
}

func appendSGLangModel(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"model_path":`...)
	dst = appendQuoted(dst, cfg.Model)
	dst = append(dst, `,"tokenizer_path":`...)
	dst = appendQuoted(dst, cfg.Model)
	return append(dst, `,"is_generation":true}`...)
}

func appendTritonServer(dst []byte, _ *Config, _ string) []byte {
	return append(dst, `{"name":"triton","version":"`+version+`","extensions":["parameters","generate"]}`...)
}

func appendTritonModel(dst []byte, _ *Config, model string) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendQuoted(dst, model)
	return append(dst, `,"versions":["1"],"platform":"python","inputs":[{"name":"text_input","datatype":"BYTES","shape":[1]},`+
		`{"name":"max_tokens","datatype":"INT32","shape":[1]}],"outputs":[{"name":"text_output","datatype":"BYTES","shape":[1]}]}`...)
}

func appendTritonIndex(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `[{"name":`...)
	dst = appendQuoted(dst, cfg.Model)
	return append(dst, `,"version":"1","state":"READY"}]`...)
}

func appendSGLangServer(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"served_model_name":`...)
	dst = appendQuoted(dst, cfg.Model)
	return fmt.Appendf(dst, `,"context_length":%d,"max_running_requests":%d,"version":%q}`, cfg.MaxModelLen, cfg.MaxBatch, version)
}

func appendMindIEConfig(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"modelName":`...)
	dst = appendQuoted(dst, cfg.Model)
	return fmt.Appendf(dst, `,"maxSeqLen":%d,"maxInputTokenLen":%d}`, cfg.MaxModelLen, cfg.MaxModelLen-1)
}

func appendMindSporeInfo(dst []byte, cfg *Config, _ string) []byte {
	dst = append(dst, `{"model_name":`...)
	return append(appendQuoted(dst, cfg.Model), '}')
}
