package sim

// base is POST /v1/generate as the AscendCloud scripts ask it. What answers to that
// is not public: this is the least there can be.
var base = &dialect{
	name:        "base",
	paths:       []string{"/v1/generate"},
	contentType: eventStream,
	broken:      "data: {\"text\": \"\n\n",
	parse:       parseBase,
	tokens:      appendBaseTokens,
	whole:       appendBaseWhole,
	refuse:      appendErrorText,
	fail:        failBase,
}

type baseBody struct {
	Prompt    any    `json:"prompt"`
	Model     string `json:"model_name"`
	MaxTokens *int   `json:"max_tokens"` // of prompt and reply together
	IgnoreEOS bool   `json:"ignore_eos"`
	Stream    bool   `json:"stream"`
}

func parseBase(in incoming, cfg *Config) (*request, error) {
	var b baseBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.stream, r.ignoreEOS = b.Stream, b.IgnoreEOS
	h := newHash()
	if err := r.readPrompt("prompt", b.Prompt, cfg, h); err != nil {
		return nil, err
	}
	if r.prompts > 1 {
		return nil, badRequest("prompt", "prompt must be one text")
	}
	if b.MaxTokens != nil {
		if *b.MaxTokens <= r.promptTokens {
			return nil, badRequest("max_tokens", "max_tokens is %d, which leaves no room for a reply to a prompt of %d tokens", *b.MaxTokens, r.promptTokens)
		}
		r.maxTokens = *b.MaxTokens - r.promptTokens
	}
	if err := r.settle(cfg, h, nil); err != nil {
		return nil, err
	}
	return r, nil
}

func appendBaseText(dst []byte, r *reply, from, to int) []byte {
	dst = append(dst, `{"text":`...)
	dst = r.appendText(dst, &r.choices[0], from, to)
	return append(dst, '}')
}

func appendBaseTokens(dst []byte, r *reply, _, from, to int) []byte {
	dst = appendBaseText(append(dst, "data: "...), r, from, to)
	return append(dst, "\n\n"...)
}

func appendBaseWhole(dst []byte, r *reply) []byte { return appendBaseText(dst, r, 0, r.total()) }

func failBase(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendErrorText(append(dst, "data: "...), e)
	return append(dst, "\n\n"...)
}
