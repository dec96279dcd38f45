package sim

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// embeddings is POST /v1/embeddings of the OpenAI protocols:
// https://platform.openai.com/docs/api-reference/embeddings/create.
var embeddings = &dialect{
	name:     "embeddings",
	paths:    []string{"/v1/embeddings"},
	idPrefix: "embd-",
	parse:    parseEmbeddings,
	whole:    appendEmbeddings,
	refuse:   appendOpenAIError,
}

// rerank is POST /v1/rerank and /rerank as Jina and vLLM speak it:
// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#re-rank-api.
var rerank = &dialect{
	name:     "rerank",
	paths:    []string{"/v1/rerank", "/rerank"},
	idPrefix: "rerank-",
	parse:    parseRerank,
	whole:    appendRerank,
	refuse:   appendOpenAIError,
}

// pooling is what is asked of a model that makes no tokens. Its work is that of
// reading the input.
type pooling struct {
	seeds      []uint64 // of each text; equal for equal texts
	dimensions int
	base64     bool
	documents  []string
	withText   bool // documents are in the answer
	top        int  // results that are wanted
}

type embeddingsBody struct {
	Model      string `json:"model"`
	Input      any    `json:"input"` // a string, or a list of strings, of token ids, or of lists of token ids
	Format     string `json:"encoding_format"`
	Dimensions *int   `json:"dimensions"`
}

func parseEmbeddings(in incoming, cfg *Config) (*request, error) {
	var b embeddingsBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.pooling = &pooling{dimensions: cfg.EmbeddingSize, base64: b.Format == "base64"}
	if b.Format != "" && b.Format != "float" && b.Format != "base64" {
		return nil, badRequest("encoding_format", "encoding_format must be float or base64, got %q", b.Format)
	}
	if b.Dimensions != nil {
		if *b.Dimensions < 1 || *b.Dimensions > cfg.EmbeddingSize {
			return nil, badRequest("dimensions", "dimensions must be from 1 to %d, got %d", cfg.EmbeddingSize, *b.Dimensions)
		}
		r.pooling.dimensions = *b.Dimensions
	}
	h := newHash()
	if err := r.readPrompt("input", b.Input, cfg, h); err != nil {
		return nil, err
	}
	if r.prompts > maxInputs {
		return nil, badRequest("input", "input has %d texts, which is more than %d", r.prompts, maxInputs)
	}
	list, several := b.Input.([]any)
	if !several || areIDs(list) {
		list = []any{b.Input}
	}
	for _, one := range list {
		text, _ := json.Marshal(one) // it was made from JSON
		r.pooling.seeds = append(r.pooling.seeds, hashOf(string(text)))
	}
	if err := r.settle(cfg, h, nil); err != nil {
		return nil, err
	}
	return r, nil
}

// maxInputs limits the texts of one request.
const maxInputs = maxChoices

func hashOf(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		h.Write([]byte(t))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

func appendEmbeddings(dst []byte, r *reply) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","object":"list","created":`...)
	dst = strconv.AppendInt(dst, r.created, 10)
	dst = append(dst, `,"model":`...)
	dst = appendQuoted(dst, r.req.model)
	dst = append(dst, `,"data":[`...)
	for i, seed := range r.req.pooling.seeds {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"index":%d,"object":"embedding","embedding":`, i)
		dst = appendVector(dst, r.req.pooling, seed)
		dst = append(dst, '}')
	}
	n := r.req.promptTokens
	return fmt.Appendf(dst, `],"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":0,"prompt_tokens_details":null}}`, n, n)
}

// appendVector appends a vector of length 1 in a random direction.
func appendVector(dst []byte, p *pooling, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	v := make([]float64, p.dimensions)
	sum := 0.0
	for i := range v {
		v[i] = rng.NormFloat64()
		sum += v[i] * v[i]
	}
	length := math.Sqrt(sum)
	if p.base64 {
		var raw []byte
		for i := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v[i]/length)))
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, raw)
		return append(dst, '"')
	}
	dst = append(dst, '[')
	for i := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, v[i]/length, 'g', -1, 32)
	}
	return append(dst, ']')
}

type rerankBody struct {
	Model     string      `json:"model"`
	Query     *string     `json:"query"`
	Documents *[]document `json:"documents"`
	Top       *int        `json:"top_n"`
	WithText  *bool       `json:"return_documents"`
}

// document is a JSON string, or an object with a text.
type document string

func (d *document) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*string)(d)) == nil {
		return nil
	}
	var object struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return fmt.Errorf("expected documents to be strings or objects with a text")
	}
	*d = document(object.Text)
	return nil
}

func parseRerank(in incoming, cfg *Config) (*request, error) {
	var b rerankBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	switch {
	case b.Query == nil:
		return nil, badRequest("query", "field query is missing")
	case b.Documents == nil:
		return nil, badRequest("documents", "field documents is missing")
	case len(*b.Documents) == 0:
		return nil, badRequest("documents", "documents is an empty list")
	case len(*b.Documents) > maxInputs:
		return nil, badRequest("documents", "there are %d documents, which is more than %d", len(*b.Documents), maxInputs)
	case b.Top != nil && *b.Top < 1:
		return nil, badRequest("top_n", "top_n must be at least 1, got %d", *b.Top)
	}
	r := newRequest(b.Model, cfg)
	r.prompts = len(*b.Documents)
	p := &pooling{top: r.prompts, withText: b.WithText == nil || *b.WithText}
	if b.Top != nil {
		p.top = min(p.top, *b.Top)
	}
	query := cfg.CountTokens(*b.Query)
	for _, d := range *b.Documents {
		// The query is read again with each document.
		r.promptTokens += query + cfg.CountTokens(string(d))
		p.documents = append(p.documents, string(d))
		p.seeds = append(p.seeds, hashOf(*b.Query, string(d)))
	}
	r.pooling = p
	if err := r.settle(cfg, newHash(), nil); err != nil {
		return nil, err
	}
	return r, nil
}

func appendRerank(dst []byte, r *reply) []byte {
	p := r.req.pooling
	scores, order := make([]float64, len(p.documents)), make([]int, len(p.documents))
	for i, seed := range p.seeds {
		scores[i], order[i] = rand.New(rand.NewPCG(seed, 0)).Float64(), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })

	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","model":`...)
	dst = appendQuoted(dst, r.req.model)
	n := r.req.promptTokens
	dst = fmt.Appendf(dst, `,"usage":{"prompt_tokens":%d,"total_tokens":%d},"results":[`, n, n)
	for k, i := range order[:p.top] {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"index":%d,`, i)
		if p.withText {
			dst = append(dst, `"document":{"text":`...)
			dst = append(appendQuoted(dst, p.documents[i]), "},"...)
		}
		dst = append(dst, `"relevance_score":`...)
		dst = append(strconv.AppendFloat(dst, scores[i], 'f', 6, 64), '}')
	}
	return append(dst, "]}"...)
}
