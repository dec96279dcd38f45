package probe

import "strings"

// backend is what probing has to know of a backend of weir/llm.
type backend struct {
	name  string
	path  string // {model} stands for the model's name
	whole string // of requests for a whole answer, where that is another one
	limit int    // tokens that the smallest request asks for; 0: one
	names bool   // its requests name a model
	pools bool   // it makes no tokens, but embeddings or scores
}

// backends has all of weir/llm, in the order in which they are tried where nothing
// is known of the service.
var backends = []backend{
	{name: "openai-chat", path: "/v1/chat/completions", names: true},
	{name: "openai", path: "/v1/completions", names: true},
	{name: "openai-responses", path: "/v1/responses", names: true, limit: 16}, // OpenAI takes no less
	{name: "anthropic", path: "/v1/messages", names: true},
	{name: "sglang", path: "/generate"},
	{name: "vllm", path: "/generate"},
	{name: "mindie-vllm", path: "/generate"},
	{name: "tgi", path: "/generate_stream", whole: "/generate"},
	{name: "mindie-tgi", path: "/generate_stream", whole: "/generate"},
	{name: "llamacpp", path: "/completion"},
	{name: "triton", path: "/v2/models/ensemble/generate_stream", whole: "/v2/models/ensemble/generate"},
	{name: "trt", path: "/v2/models/ensemble/generate_stream", whole: "/v2/models/ensemble/generate"},
	{name: "mindie-triton", path: "/v2/models/{model}/generate_stream", whole: "/v2/models/{model}/generate", names: true},
	{name: "mindie", path: "/infer"},
	{name: "mindspore", path: "/models/llama2/generate"},
	{name: "base", path: "/v1/generate", limit: 16}, // of prompt and answer together
	{name: "embeddings", path: "/v1/embeddings", names: true, pools: true},
	{name: "rerank", path: "/v1/rerank", names: true, pools: true},
}

func find(name string) *backend {
	for i := range backends {
		if backends[i].name == name {
			return &backends[i]
		}
	}
	return nil
}

// at is the backend's path for a model.
func (b *backend) at(model string) string { return strings.ReplaceAll(b.path, "{model}", model) }

// smallest is how many tokens the smallest request asks for.
func (b *backend) smallest() int { return max(b.limit, 1) }
