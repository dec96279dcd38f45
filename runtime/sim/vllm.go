package sim

import "net/http"

// vllm is POST /generate of vLLM's first server (vllm.entrypoints.api_server): no
// event stream but one JSON value after another, each with the prompts and all of
// the texts so far.
var vllm = &dialect{
	name:   "vllm",
	paths:  []string{"/generate"},
	takes:  []string{"prompt"},
	joint:  true,
	broken: "{\"text\": [\"\x00",
	parse:  parseVLLM,
	tokens: appendVLLMTokens,
	whole:  appendVLLMWhole,
	refuse: appendDetail,
	fail:   failVLLM,
}

type vllmBody struct {
	Prompt    any          `json:"prompt"`
	Model     string       `json:"model"`
	Stream    bool         `json:"stream"`
	N         *int         `json:"n"`
	MaxTokens *int         `json:"max_tokens"`
	MinTokens int          `json:"min_tokens"`
	IgnoreEOS bool         `json:"ignore_eos"`
	Stop      stringOrList `json:"stop"`
	Seed      *int64       `json:"seed"`
}

func parseVLLM(in incoming, cfg *Config) (*request, error) {
	var b vllmBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.stream, r.minTokens, r.ignoreEOS, r.stops, r.keepTexts = b.Stream, b.MinTokens, b.IgnoreEOS, b.Stop, true
	if err := r.limit("max_tokens", b.MaxTokens); err != nil {
		return nil, err
	}
	h := newHash()
	if err := r.readPrompt("prompt", b.Prompt, cfg, h); err != nil {
		return nil, err
	}
	if r.prompts > 1 {
		return nil, badRequest("prompt", "prompt must be one text")
	}
	if err := r.replies(b.N); err != nil {
		return nil, err
	}
	if err := r.settle(cfg, h, b.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

// appendTexts appends {"text": […]} with tokens of all choices, from (inclusive) to
// to (exclusive).
func appendTexts(dst []byte, r *reply, from, to int, withPrompt bool) []byte {
	dst = append(dst, `{"text":[`...)
	for i := range r.choices {
		c := &r.choices[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		if withPrompt {
			dst = appendInside(dst, r.prompt(i))
		}
		dst = r.appendWords(dst, c, from, min(to, c.tokens))
		dst = append(dst, '"')
	}
	return append(dst, "]}"...)
}

func appendVLLMTokens(dst []byte, r *reply, _, _, to int) []byte {
	return append(appendTexts(dst, r, 0, to, true), delimiters[r.cfg.Delimiter]...)
}

func appendVLLMWhole(dst []byte, r *reply) []byte {
	return appendTexts(dst, r, 0, r.total(), true)
}

// delimiters are what ends a value, by the name in Config.Delimiter.
var delimiters = map[string]string{"nul": "\x00", "newline": "\n"}

// appendDetail appends an error as FastAPI writes it.
func appendDetail(dst []byte, e *apiError) []byte {
	if e.status == http.StatusInternalServerError {
		return append(dst, `{"detail":"Internal Server Error"}`...)
	}
	dst = append(dst, `{"detail":`...)
	dst = appendQuoted(dst, e.message)
	return append(dst, '}')
}

func failVLLM(dst []byte, r *reply, e *apiError) []byte {
	dst = appendErrorText(dst, e)
	return append(dst, delimiters[r.cfg.Delimiter]...)
}

// appendErrorText appends {"error": "…"}.
func appendErrorText(dst []byte, e *apiError) []byte {
	dst = append(dst, `{"error":`...)
	dst = appendQuoted(dst, e.message)
	return append(dst, '}')
}
