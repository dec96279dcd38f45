package sim

import "cmp"

// parametersBody is the JSON of TGI and of those after its model.
type parametersBody struct {
	ID         string     `json:"id"`
	Inputs     any        `json:"inputs"`
	TextInput  any        `json:"text_input"` // Triton's name for it
	Model      string     `json:"model"`
	Stream     bool       `json:"stream"`
	Parameters parameters `json:"parameters"`
	parameters            // Triton has them beside the text as well
}

type parameters struct {
	MaxNewTokens   *int         `json:"max_new_tokens"`
	MaxTokens      *int         `json:"max_tokens"`
	MinLength      int          `json:"min_length"`
	Stop           stringOrList `json:"stop"`
	StopWords      stringOrList `json:"stop_words"`
	Seed           *int64       `json:"seed"`
	IgnoreEOS      bool         `json:"ignore_eos"`
	IgnoreEOSToken bool         `json:"ignore_eos_token"`
	Details        bool         `json:"details"`
	ReturnFullText bool         `json:"return_full_text"`
	ReturnProtocol *string      `json:"return_protocol"`
	Truncate       *int         `json:"truncate"`
}

// beside takes from other what p does not say.
func (p parameters) beside(other parameters) parameters {
	if p.MaxNewTokens == nil && p.MaxTokens == nil {
		p.MaxNewTokens, p.MaxTokens = other.MaxNewTokens, other.MaxTokens
	}
	p.MinLength = max(p.MinLength, other.MinLength)
	if p.Stop == nil && p.StopWords == nil {
		p.Stop, p.StopWords = other.Stop, other.StopWords
	}
	if p.Seed == nil {
		p.Seed = other.Seed
	}
	p.IgnoreEOS = p.IgnoreEOS || other.IgnoreEOS
	p.Details = p.Details || other.Details
	return p
}

// request makes a request for one reply to the prompt in the field of that name.
func (p parameters) request(model, name string, prompt any, cfg *Config) (*request, error) {
	r := newRequest(model, cfg)
	r.minTokens, r.ignoreEOS, r.stops = p.MinLength, p.IgnoreEOS || p.IgnoreEOSToken, p.Stop
	if r.stops == nil {
		r.stops = p.StopWords
	}
	r.details, r.fullText, r.seed = p.Details, p.ReturnFullText, p.Seed
	r.keepTexts = r.fullText
	limit, limitName := p.MaxNewTokens, "max_new_tokens"
	if limit == nil {
		limit, limitName = p.MaxTokens, "max_tokens"
	}
	if err := r.limit(limitName, limit); err != nil {
		return nil, err
	}
	h := newHash()
	if err := r.readPrompt(name, prompt, cfg, h); err != nil {
		return nil, err
	}
	if r.prompts > 1 {
		return nil, badRequest(name, "%s must be one text", name)
	}
	if p.Truncate != nil && *p.Truncate > 0 {
		r.promptTokens = min(r.promptTokens, *p.Truncate)
		r.sequences = nil // of the start, which is not the prompt's any more
	}
	if err := r.settle(cfg, h, p.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

// parseInputs reads a request whose prompt is its inputs, and returns the body as
// well. The model is that of the path, if it has one.
func parseInputs(in incoming, cfg *Config) (*request, *parametersBody, error) {
	var b parametersBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, nil, err
	}
	r, err := b.Parameters.request(cmp.Or(in.model, b.Model), "inputs", b.Inputs, cfg)
	return r, &b, err
}
