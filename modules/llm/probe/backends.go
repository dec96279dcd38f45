package probe

import (
	"net/url"
	"strings"

	"weir/modules/llm"
)

// backend is a backend of weir/llm, and what probing has to know of it besides.
type backend struct {
	llm.Info
	limit int  // tokens that the smallest request asks for; 0: one
	names bool // its requests name a model
}

// backends has all of weir/llm, in the order in which they are tried where nothing
// is known of the service.
var backends = []backend{
	{Info: info("openai-chat"), names: true},
	{Info: info("openai"), names: true},
	{Info: info("openai-responses"), names: true, limit: 16}, // OpenAI takes no less
	{Info: info("anthropic"), names: true},
	{Info: info("sglang")},
	{Info: info("vllm")},
	{Info: info("mindie-vllm")},
	{Info: info("tgi")},
	{Info: info("mindie-tgi")},
	{Info: info("llamacpp")},
	{Info: info("triton"), names: true},
	{Info: info("trt"), names: true},
	{Info: info("mindie-triton"), names: true},
	{Info: info("mindie")},
	{Info: info("mindspore")},
	{Info: info("base"), limit: 16}, // of prompt and answer together
	{Info: info("embeddings"), names: true},
	{Info: info("rerank"), names: true},
}

func info(name string) llm.Info {
	i, _ := llm.Describe(name)
	return i
}

func find(name string) *backend {
	for i := range backends {
		if backends[i].Name == name {
			return &backends[i]
		}
	}
	return nil
}

// at is the backend's path for a model.
func (b *backend) at(model string) string {
	if model == "" {
		model = b.Model
	}
	return strings.ReplaceAll(b.Path, "{model}", url.PathEscape(model))
}

// smallest is how many tokens the smallest request asks for.
func (b *backend) smallest() int { return max(b.limit, 1) }
