package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// llamaCPP is POST /completion of llama.cpp's server (tools/server/README.md in its
// repository). An event has one token; those of one step come in one piece.
var llamaCPP = &dialect{
	name:        "llamacpp",
	paths:       []string{"/completion"},
	contentType: bareEventStream,
	broken:      "data: {\"index\":\n\n",
	parse:       parseLlamaCPP,
	tokens:      appendLlamaCPPTokens,
	finish:      finishLlamaCPP,
	whole:       appendLlamaCPPWhole,
	refuse:      appendLlamaCPPError,
	fail:        failLlamaCPP,
}

type llamaCPPBody struct {
	Prompt    any          `json:"prompt"`
	Model     string       `json:"model"`
	Stream    bool         `json:"stream"`
	N         *int         `json:"n"`
	Predict   *int         `json:"n_predict"` // negative: no limit
	IgnoreEOS bool         `json:"ignore_eos"`
	Stop      stringOrList `json:"stop"`
	Seed      *int64       `json:"seed"`
}

func parseLlamaCPP(in incoming, cfg *Config) (*request, error) {
	var b llamaCPPBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.stream, r.ignoreEOS, r.stops, r.seed, r.keepTexts = b.Stream, b.IgnoreEOS, b.Stop, b.Seed, true
	if b.Predict != nil && *b.Predict >= 0 {
		if err := r.limit("n_predict", b.Predict); err != nil {
			return nil, err
		}
	}
	h := newHash()
	if err := r.readPrompt("prompt", b.Prompt, cfg, h); err != nil {
		return nil, err
	}
	if err := r.replies(b.N); err != nil {
		return nil, err
	}
	if err := r.settle(cfg, h, b.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

func appendLlamaCPPTokens(dst []byte, r *reply, choice, from, to int) []byte {
	c := &r.choices[choice]
	for k := from; k < to; k++ {
		dst = append(dst, `data: {"index":`...)
		dst = strconv.AppendInt(dst, int64(choice), 10)
		dst = append(dst, `,"content":`...)
		dst = r.appendText(dst, c, k, k+1)
		dst = append(dst, `,"tokens":`...)
		dst = r.appendIDs(dst, c, k, k+1)
		dst = append(dst, `,"stop":false,"id_slot":-1,"tokens_predicted":`...)
		dst = strconv.AppendInt(dst, int64(k+1), 10)
		dst = append(dst, `,"tokens_evaluated":`...)
		dst = strconv.AppendInt(dst, int64(r.promptLength()), 10)
		dst = append(dst, "}\n\n"...)
	}
	return dst
}

// promptLength is the number of tokens of one prompt.
func (r *reply) promptLength() int { return r.req.promptTokens / r.req.prompts }

func finishLlamaCPP(dst []byte, r *reply, choice int) []byte {
	dst = append(dst, "data: "...)
	dst = appendLlamaCPPEnd(dst, r, choice, 0)
	return append(dst, "\n\n"...)
}

func appendLlamaCPPWhole(dst []byte, r *reply) []byte {
	return r.appendEach(dst, func(dst []byte, i int) []byte { return appendLlamaCPPEnd(dst, r, i, r.choices[i].tokens) })
}

// appendLlamaCPPEnd appends the object at the end of a choice, with the text of as
// many tokens as have not come before it.
func appendLlamaCPPEnd(dst []byte, r *reply, choice, text int) []byte {
	c := &r.choices[choice]
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, int64(choice), 10)
	dst = append(dst, `,"content":`...)
	dst = r.appendText(dst, c, 0, text)
	dst = append(dst, `,"tokens":[],"id_slot":0,"stop":true,"model":`...)
	dst = appendQuoted(dst, r.req.model)
	read, cached := r.promptLength(), r.cached/r.req.prompts
	dst = fmt.Appendf(dst, `,"tokens_predicted":%d,"tokens_evaluated":%d,"generation_settings":{"seed":`, c.tokens, read)
	if r.req.seed == nil {
		dst = append(dst, "4294967295"...) // a random one
	} else {
		dst = appendSeed(dst, r)
	}
	limit := r.req.maxTokens
	if limit == 0 {
		limit = -1
	}
	dst = fmt.Appendf(dst, `,"max_tokens":%d,"n_predict":%d,"ignore_eos":%t,"stream":%t},"prompt":`, limit, limit, r.req.ignoreEOS, r.req.stream)
	dst = appendQuoted(dst, r.prompt(choice))
	kind := "eos"
	switch {
	case c.finishReason == "length":
		kind = "limit"
	case c.stopReason != "":
		kind = "word"
	}
	dst = fmt.Appendf(dst, `,"has_new_line":false,"truncated":false,"stop_type":"%s","stopping_word":`, kind)
	dst = appendQuoted(dst, c.stopReason)
	dst = fmt.Appendf(dst, `,"tokens_cached":%d,"timings":{"cache_n":%d,`, read+c.tokens-1, cached)
	dst = appendTimings(dst, "prompt", read-cached, r.first-r.queued)
	dst = append(dst, ',')
	dst = appendTimings(dst, "predicted", c.tokens, r.due-r.first)
	return append(dst, "}}"...)
}

// appendTimings appends how long n tokens took, as the model wants it.
func appendTimings(dst []byte, name string, n int, took time.Duration) []byte {
	each, rate := 0.0, 0.0
	if n > 0 {
		each = milliseconds(took) / float64(n)
	}
	if took > 0 {
		rate = float64(n) / took.Seconds()
	}
	return fmt.Appendf(dst, `"%s_n":%d,"%s_ms":%v,"%s_per_token_ms":%v,"%s_per_second":%v`, name, n, name, milliseconds(took), name, each, name, rate)
}

func appendLlamaCPPError(dst []byte, e *apiError) []byte {
	kind := "invalid_request_error"
	switch {
	case e.param == "input_tokens":
		kind = "exceed_context_size_error"
	case e.status == http.StatusNotFound:
		kind = "not_found_error"
	case e.status == http.StatusTooManyRequests:
		kind = "unavailable_error"
	case e.status >= 500:
		kind = "server_error"
	}
	dst = fmt.Appendf(dst, `{"error":{"code":%d,"message":`, e.status)
	dst = appendQuoted(dst, e.message)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, kind...)
	return append(dst, `"}}`...)
}

func failLlamaCPP(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendLlamaCPPError(append(dst, "data: "...), e)
	return append(dst, "\n\n"...)
}
