package sim

import (
	"fmt"
	"strconv"
)

// sglang is POST /generate of SGLang
// (https://docs.sglang.ai/basic_usage/native_api.html): each event has all of the
// text so far, and counts its tokens.
var sglang = &dialect{
	name:        "sglang",
	paths:       []string{"/generate"},
	takes:       []string{"text", "input_ids"},
	contentType: eventStream,
	mark:        openAIMark,
	broken:      "data: {\"text\": \"\n\n",
	parse:       parseSGLang,
	tokens:      appendSGLangTokens,
	whole:       appendSGLangWhole,
	refuse:      appendMessageError,
	fail:        failSGLang,
}

type sglangBody struct {
	Text     any    `json:"text"`      // a text or a list of them
	InputIDs any    `json:"input_ids"` // a list of token ids, or of such lists
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	ID       string `json:"rid"`
	Params   struct {
		N         *int         `json:"n"`
		MaxTokens *int         `json:"max_new_tokens"`
		MinTokens int          `json:"min_new_tokens"`
		IgnoreEOS bool         `json:"ignore_eos"`
		Stop      stringOrList `json:"stop"`
		Seed      *int64       `json:"sampling_seed"`
	} `json:"sampling_params"`
}

func parseSGLang(in incoming, cfg *Config) (*request, error) {
	var b sglangBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.stream, r.id = b.Stream, b.ID
	r.minTokens, r.ignoreEOS, r.stops = b.Params.MinTokens, b.Params.IgnoreEOS, b.Params.Stop
	if err := r.limit("max_new_tokens", b.Params.MaxTokens); err != nil {
		return nil, err
	}
	name, prompt := "text", b.Text
	if prompt == nil && b.InputIDs != nil {
		name, prompt = "input_ids", b.InputIDs
	}
	h := newHash()
	if err := r.readPrompt(name, prompt, cfg, h); err != nil {
		return nil, err
	}
	if err := r.replies(b.Params.N); err != nil {
		return nil, err
	}
	if err := r.settle(cfg, h, b.Params.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

// appendSGLang appends what there is of a choice after so many tokens.
func appendSGLang(dst []byte, r *reply, choice, made int) []byte {
	c := &r.choices[choice]
	dst = append(dst, `{"text":`...)
	dst = r.appendText(dst, c, 0, made)
	dst = append(dst, `,"output_ids":`...)
	dst = r.appendIDs(dst, c, 0, made)
	dst = append(dst, `,"meta_info":{"id":`...)
	id := r.req.id
	if id == "" {
		id = r.id
	}
	dst = appendQuoted(dst, id)
	dst = append(dst, `,"finish_reason":`...)
	switch {
	case made < c.tokens:
		dst = append(dst, "null"...)
	case c.finishReason == "length":
		dst = fmt.Appendf(dst, `{"type":"length","length":%d}`, c.tokens)
	default:
		dst = append(dst, `{"type":"stop","matched":`...)
		dst = append(appendQuotedOrNull(dst, c.stopReason), '}')
	}
	dst = append(dst, `,"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.req.promptTokens/r.req.prompts), 10)
	dst = append(dst, `,"weight_version":"default","completion_tokens":`...)
	dst = strconv.AppendInt(dst, int64(made), 10)
	dst = append(dst, `,"cached_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.cached/r.req.prompts), 10)
	if made == c.tokens {
		dst = append(dst, `,"e2e_latency":`...)
		dst = strconv.AppendFloat(dst, r.due.Seconds(), 'g', -1, 64)
	}
	dst = append(dst, '}')
	if len(r.choices) > 1 {
		dst = append(dst, `,"index":`...)
		dst = strconv.AppendInt(dst, int64(choice), 10)
	}
	return append(dst, '}')
}

func appendSGLangTokens(dst []byte, r *reply, choice, _, to int) []byte {
	dst = append(dst, "data: "...)
	dst = appendSGLang(dst, r, choice, to)
	return append(dst, "\n\n"...)
}

// appendSGLangWhole appends an object, or a list of them for several choices.
func appendSGLangWhole(dst []byte, r *reply) []byte {
	return r.appendEach(dst, func(dst []byte, i int) []byte { return appendSGLang(dst, r, i, r.choices[i].tokens) })
}

// appendEach appends an object, or a list of them for several choices.
func (r *reply) appendEach(dst []byte, object func(dst []byte, choice int) []byte) []byte {
	if len(r.choices) == 1 {
		return object(dst, 0)
	}
	for i := range r.choices {
		dst = append(dst, "[,"[min(i, 1)])
		dst = object(dst, i)
	}
	return append(dst, ']')
}

// appendIDs appends the list of a choice's token ids.
func (r *reply) appendIDs(dst []byte, c *choice, from, to int) []byte {
	dst = append(dst, '[')
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(r.word(c, k)), 10)
	}
	return append(dst, ']')
}

// appendMessageError appends {"error": {"message": "…"}}.
func appendMessageError(dst []byte, e *apiError) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendQuoted(dst, e.message)
	return append(dst, "}}"...)
}

func failSGLang(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendMessageError(append(dst, "data: "...), e)
	return append(dst, "\n\n"...)
}
