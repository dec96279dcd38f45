package probe

import (
	"encoding/json"
	"regexp"
	"strings"
)

// kind is a kind of server.
type kind struct {
	id       string
	name     string   // for readers
	owner    string   // in "owned_by" of its models, in lower case; "": it has none of its own
	metric   string   // what names of its metrics begin with; "": nothing of its own
	server   string   // header Server of its answers; "": it has none of its own
	backends []string // that it speaks, the likeliest first
	any      bool     // it may speak any other, too
	gets     []string // that are worth asking it for, once it is known
	tells    []string // what it says of how it was set up, besides those
}

// kinds are those that can be told apart.
var kinds = []kind{
	{id: "vllm", name: "vLLM", owner: "vllm", metric: "vllm:", backends: []string{"openai-chat", "openai"}, gets: []string{"/version"}, tells: []string{"/server_info?config_format=json", "/metrics"}},
	{id: "sglang", name: "SGLang", owner: "sglang", metric: "sglang:", backends: []string{"openai-chat", "openai", "sglang"}, gets: []string{"/get_model_info", "/get_server_info"}, tells: []string{"/server_info"}},
	{id: "llamacpp", name: "llama.cpp", owner: "llamacpp", metric: "llamacpp:", server: "llama.cpp", backends: []string{"openai-chat", "openai", "llamacpp"}, gets: []string{"/props"}},
	{id: "tgi", name: "Text Generation Inference", metric: "tgi_", backends: []string{"openai-chat", "tgi"}},
	{id: "tei", name: "Text Embeddings Inference", metric: "te_", backends: []string{"embeddings", "rerank"}},
	{id: "triton", name: "Triton", metric: "nv_", backends: []string{"triton", "trt"}},
	{id: "mindie", name: "MindIE", owner: "mindie", backends: []string{"openai-chat", "openai", "mindie", "mindie-tgi", "mindie-vllm", "mindie-triton"}, gets: []string{"/info", "/v1/config"}},
	{id: "mindspore", name: "MindSpore llm-serving", backends: []string{"mindspore"}, any: true},
	{id: "trtllm", name: "TensorRT-LLM", owner: "tensorrt_llm", backends: []string{"openai-chat", "openai"}, gets: []string{"/version"}},
	{id: "lmdeploy", name: "LMDeploy", owner: "lmdeploy", backends: []string{"openai-chat", "openai"}},
	{id: "weir-sim", name: "weir's simulator", owner: "weir", server: "weir-sim", backends: []string{"openai-chat", "openai"}, any: true, tells: []string{"/version", "/metrics"}},
}

func kindOf(id string) *kind {
	for i := range kinds {
		if kinds[i].id == id {
			return &kinds[i]
		}
	}
	return nil
}

// byServer notes the kind that answers like a server's name itself by.
func (p *prober) byServer() {
	for i := range kinds {
		if s := kinds[i].server; s != "" && s == p.result.Service.Server {
			p.is(&kinds[i])
		}
	}
}

// is notes that the server is of a kind. The first one to be told is believed.
func (p *prober) is(k *kind) {
	if k == nil || p.kind != nil {
		return
	}
	p.kind = k
	p.result.Service.Kind, p.result.Service.Name = k.id, k.name
}

// way is a path that tells something about a server. read takes what is in the answer,
// if it is the one that belongs to the path; its status was 200.
type way struct {
	path string
	read func(p *prober, body []byte)
}

var ways = []way{
	{"/v1/models", readModels},
	{"/version", readVersion},
	{"/get_model_info", readSGLangModel},
	{"/get_server_info", readSGLangServer},
	{"/info", readInfo},
	{"/props", readProps},
	{"/v2", readTriton},
	{"/serving/get_serverd_model_info", readMindSpore},
	{"/v1/config", readMindIEConfig},
	{"/metrics", readMetrics},
}

// object reads a JSON object into a struct, and tells whether it was one.
func object(body []byte, into any) bool {
	return len(body) > 0 && body[0] == '{' && json.Unmarshal(body, into) == nil
}

// readModels reads the list of OpenAI's protocols: vLLM and SGLang say the longest
// context, llama.cpp the context of a slot.
func readModels(p *prober, body []byte) {
	var list struct {
		Data []struct {
			ID          string `json:"id"`
			OwnedBy     string `json:"owned_by"`
			Root        string `json:"root"`
			MaxModelLen int    `json:"max_model_len"`
			Meta        struct {
				Context int `json:"n_ctx"`
			} `json:"meta"`
		} `json:"data"`
	}
	if !object(body, &list) || list.Data == nil {
		return
	}
	p.listed = true
	for _, m := range list.Data {
		p.model(Model{Name: m.ID, MaxModelLen: max(m.MaxModelLen, m.Meta.Context), Root: m.Root})
		for i := range kinds {
			if owner := kinds[i].owner; owner != "" && strings.Contains(strings.ToLower(m.OwnedBy), owner) {
				p.is(&kinds[i])
			}
		}
	}
}

// model notes a model, or more about one that is known.
func (p *prober) model(m Model) {
	if m.Name == "" {
		return
	}
	for i := range p.result.Models {
		if known := &p.result.Models[i]; known.Name == m.Name {
			known.MaxModelLen = max(known.MaxModelLen, m.MaxModelLen)
			if known.Root == "" {
				known.Root = m.Root
			}
			return
		}
	}
	p.result.Models = append(p.result.Models, m)
}

// readVersion reads vLLM's and TensorRT-LLM's. Others have a path of this name, too,
// so it tells no kind.
func readVersion(p *prober, body []byte) {
	var v struct {
		Version string `json:"version"`
	}
	if !object(body, &v) || v.Version == "" {
		return
	}
	p.result.Service.Version = v.Version
}

func readSGLangModel(p *prober, body []byte) {
	var m struct {
		ModelPath     string `json:"model_path"`
		TokenizerPath string `json:"tokenizer_path"`
		IsGeneration  *bool  `json:"is_generation"`
	}
	if !object(body, &m) || m.ModelPath == "" {
		return
	}
	p.is(kindOf("sglang"))
	if root := m.TokenizerPath; len(p.result.Models) == 0 {
		p.model(Model{Name: m.ModelPath, Root: root})
	}
	if m.IsGeneration != nil && !*m.IsGeneration {
		p.pools = true
	}
}

func readSGLangServer(p *prober, body []byte) {
	var s struct {
		Version  string `json:"version"`
		Context  int    `json:"context_length"`
		Requests int    `json:"max_running_requests"`
		Model    string `json:"served_model_name"`
	}
	if !object(body, &s) {
		return
	}
	p.is(kindOf("sglang"))
	p.result.Service.Version = s.Version
	p.result.Limits.TotalTokens = s.Context
	p.result.Limits.Requests = s.Requests
}

// readInfo reads what TGI, MindIE and TEI say at the same path: MindIE has a list of
// models, TEI the type of the one.
func readInfo(p *prober, body []byte) {
	var i struct {
		ModelID     string          `json:"model_id"`
		ModelType   json.RawMessage `json:"model_type"`
		Version     string          `json:"version"`
		TotalTokens int             `json:"max_total_tokens"`
		InputTokens int             `json:"max_input_tokens"`
		InputLength int             `json:"max_input_length"`
		Requests    int             `json:"max_concurrent_requests"`
		Models      []struct {
			ModelID     string `json:"model_id"`
			TotalTokens int    `json:"max_total_tokens"`
		} `json:"models"`
	}
	if !object(body, &i) || i.ModelID == "" && len(i.Models) == 0 {
		return
	}
	total := i.TotalTokens
	switch {
	case len(i.Models) > 0:
		p.is(kindOf("mindie"))
		for _, m := range i.Models {
			p.model(Model{Name: m.ModelID, MaxModelLen: max(m.TotalTokens, i.TotalTokens)})
			total = max(total, m.TotalTokens)
		}
	case len(i.ModelType) > 1 && i.ModelType[0] == '{':
		p.is(kindOf("tei"))
	default:
		p.is(kindOf("tgi"))
	}
	p.model(Model{Name: i.ModelID, MaxModelLen: total})
	p.result.Service.Version = i.Version
	p.result.Limits = Limits{TotalTokens: total, InputTokens: max(i.InputTokens, i.InputLength), Requests: i.Requests}
}

// readProps reads llama.cpp's: the context is that of a slot.
func readProps(p *prober, body []byte) {
	var props struct {
		Settings struct {
			Context int `json:"n_ctx"`
		} `json:"default_generation_settings"`
		Slots int    `json:"total_slots"`
		Alias string `json:"model_alias"`
		Path  string `json:"model_path"`
		Build string `json:"build_info"`
	}
	if !object(body, &props) || props.Slots == 0 {
		return
	}
	p.is(kindOf("llamacpp"))
	if props.Alias == "" {
		props.Alias = props.Path
	}
	if len(p.result.Models) == 0 {
		p.model(Model{Name: props.Alias, MaxModelLen: props.Settings.Context})
	}
	p.result.Service.Version = props.Build
	p.result.Limits = Limits{TotalTokens: props.Settings.Context, Requests: props.Slots}
}

func readTriton(p *prober, body []byte) {
	var s struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}
	if !object(body, &s) || s.Extensions == nil {
		return
	}
	p.is(kindOf("triton"))
	p.result.Service.Version = s.Version
}

// readMindSpore takes any JSON: what is in it depends on the version. So others may be
// taken for it, which is why its kind may speak anything.
func readMindSpore(p *prober, body []byte) {
	if !json.Valid(body) {
		return
	}
	p.is(kindOf("mindspore"))
}

func readMindIEConfig(p *prober, body []byte) {
	var c struct {
		Model    string `json:"modelName"`
		Sequence int    `json:"maxSeqLen"`
		Input    int    `json:"maxInputTokenLen"`
	}
	if !object(body, &c) || c.Model == "" && c.Sequence == 0 {
		return
	}
	p.is(kindOf("mindie"))
	p.model(Model{Name: c.Model, MaxModelLen: c.Sequence})
	p.result.Limits.TotalTokens = max(p.result.Limits.TotalTokens, c.Sequence)
	p.result.Limits.InputTokens = max(p.result.Limits.InputTokens, c.Input)
}

// readMetrics looks whose metrics they are.
func readMetrics(p *prober, body []byte) {
	name := metricName.FindSubmatch(body)
	if name == nil {
		return
	}
	for i := range kinds {
		if m := kinds[i].metric; m != "" && regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(m)).Match(body) {
			p.is(&kinds[i])
		}
	}
}

// metricName is the beginning of a line of Prometheus' text format.
var metricName = regexp.MustCompile(`(?m)^(?:# (?:HELP|TYPE) )?[a-zA-Z_:][a-zA-Z0-9_:]*[ {]`)
