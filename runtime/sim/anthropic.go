package sim

import (
	"fmt"
	"net/http"
	"strconv"
)

// anthropic is POST /v1/messages as Anthropic and vLLM speak it:
// https://docs.anthropic.com/en/docs/build-with-claude/streaming.
var anthropic = &dialect{
	name:        "anthropic",
	paths:       []string{"/v1/messages"},
	contentType: eventStream,
	idPrefix:    "msg_",
	broken:      "event: content_block_delta\ndata: {\"type\": \"content_\n\n",
	parse:       parseAnthropic,
	first:       firstOfMessage,
	tokens:      appendAnthropicTokens,
	finish:      finishMessage,
	usage:       endMessage,
	whole:       appendAnthropicWhole,
	refuse:      appendAnthropicError,
	fail:        failMessage,
}

type anthropicBody struct {
	Model     string       `json:"model"`
	System    any          `json:"system"`
	Messages  *[]message   `json:"messages"`
	MaxTokens *int         `json:"max_tokens"`
	Stream    bool         `json:"stream"`
	Stop      stringOrList `json:"stop_sequences"`
	MinTokens int          `json:"min_tokens"`
	IgnoreEOS bool         `json:"ignore_eos"`
	Seed      *int64       `json:"seed"`
}

func parseAnthropic(in incoming, cfg *Config) (*request, error) {
	var b anthropicBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.chat, r.stream, r.minTokens, r.ignoreEOS, r.stops = true, b.Stream, b.MinTokens, b.IgnoreEOS, b.Stop
	if b.MaxTokens == nil {
		return nil, badRequest("max_tokens", "max_tokens: Field required")
	}
	if err := r.limit("max_tokens", b.MaxTokens); err != nil {
		return nil, err
	}
	h := newHash()
	r.role("system")
	if err := r.readContent(b.System, cfg, h); err != nil {
		return nil, badRequest("system", "system must be a string or a list of parts")
	}
	if err := r.readMessages("messages", b.Messages, cfg, h); err != nil {
		return nil, err
	}
	if err := r.settle(cfg, h, b.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

// stopReasonOf is why a message ended.
func stopReasonOf(c *choice) string {
	switch {
	case c.finishReason == "length":
		return "max_tokens"
	case c.stopReason != "":
		return "stop_sequence"
	}
	return "end_turn"
}

// blockOf is the index of a content block: the thinking's, or the text's behind it.
func blockOf(c *choice, thinking bool) int64 {
	if thinking || c.reasoning == 0 {
		return 0
	}
	return 1
}

func appendAnthropicEvent(dst []byte, kind string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, kind...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, kind...)
	return append(dst, '"')
}

func firstOfMessage(dst []byte, r *reply, _ int) []byte {
	dst = appendAnthropicEvent(dst, "message_start")
	dst = append(dst, `,"message":{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","type":"message","role":"assistant","content":[],"model":`...)
	dst = appendQuoted(dst, r.req.model)
	dst = append(dst, `,"stop_reason":null,"stop_sequence":null,"usage":`...)
	dst = append(appendAnthropicUsage(dst, r, 0), "}}"...)
	dst = append(dst, "\n\n"...)
	return beginBlock(dst, r, r.choices[0].reasoning > 0)
}

func beginBlock(dst []byte, r *reply, thinking bool) []byte {
	r.started = !thinking
	dst = appendAnthropicEvent(dst, "content_block_start")
	if thinking {
		dst = append(dst, `,"content_block":{"type":"thinking","thinking":"","signature":""},"index":`...)
	} else {
		dst = append(dst, `,"content_block":{"type":"text","text":""},"index":`...)
	}
	dst = strconv.AppendInt(dst, blockOf(&r.choices[0], thinking), 10)
	return append(dst, "}\n\n"...)
}

func endBlock(dst []byte, r *reply, thinking bool) []byte {
	c := &r.choices[0]
	if thinking {
		dst = appendAnthropicEvent(dst, "content_block_delta")
		dst = append(dst, `,"delta":{"type":"signature_delta","signature":"`...)
		dst = append(dst, r.id...)
		dst = append(dst, `"},"index":0}`...)
		dst = append(dst, "\n\n"...)
	}
	dst = appendAnthropicEvent(dst, "content_block_stop")
	dst = append(dst, `,"index":`...)
	dst = strconv.AppendInt(dst, blockOf(c, thinking), 10)
	return append(dst, "}\n\n"...)
}

func appendAnthropicTokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	if split := min(max(c.reasoning, from), to); split > from {
		dst = appendAnthropicEvent(dst, "content_block_delta")
		dst = append(dst, `,"delta":{"type":"thinking_delta","thinking":`...)
		dst = r.appendText(dst, c, from, split)
		dst = append(dst, `},"index":0}`...)
		dst = append(dst, "\n\n"...)
		from = split
	}
	if from == to {
		return dst
	}
	if !r.started {
		dst = endBlock(dst, r, true)
		dst = beginBlock(dst, r, false)
	}
	dst = appendAnthropicEvent(dst, "content_block_delta")
	dst = append(dst, `,"delta":{"type":"text_delta","text":`...)
	dst = r.appendText(dst, c, from, to)
	dst = append(dst, `},"index":`...)
	dst = strconv.AppendInt(dst, blockOf(c, false), 10)
	return append(dst, "}\n\n"...)
}

func finishMessage(dst []byte, r *reply, _ int) []byte {
	return endBlock(dst, r, !r.started)
}

func appendStop(dst []byte, c *choice) []byte {
	dst = append(dst, `"stop_reason":"`...)
	dst = append(dst, stopReasonOf(c)...)
	dst = append(dst, `","stop_sequence":`...)
	return appendQuotedOrNull(dst, c.stopReason)
}

func endMessage(dst []byte, r *reply, _ int) []byte {
	dst = appendAnthropicEvent(dst, "message_delta")
	dst = append(dst, `,"delta":{`...)
	dst = appendStop(dst, &r.choices[0])
	dst = append(dst, `},"usage":`...)
	dst = append(appendAnthropicUsage(dst, r, r.total()), "}\n\n"...)
	dst = appendAnthropicEvent(dst, "message_stop")
	return append(dst, "}\n\n"...)
}

func appendAnthropicWhole(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","type":"message","role":"assistant","content":[`...)
	if c.reasoning > 0 {
		dst = append(dst, `{"type":"thinking","thinking":`...)
		dst = r.appendText(dst, c, 0, c.reasoning)
		dst = append(dst, `,"signature":"`...)
		dst = append(dst, r.id...)
		dst = append(dst, `"}`...)
	}
	if c.reasoning > 0 && c.reasoning < c.tokens {
		dst = append(dst, ',')
	}
	if c.reasoning < c.tokens {
		dst = append(dst, `{"type":"text","text":`...)
		dst = r.appendText(dst, c, c.reasoning, c.tokens)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"model":`...)
	dst = appendQuoted(dst, r.req.model)
	dst = append(dst, ',')
	dst = appendStop(dst, c)
	dst = append(dst, `,"usage":`...)
	return append(appendAnthropicUsage(dst, r, r.total()), '}')
}

// appendAnthropicUsage appends the counts so far. Tokens from the cache are no input tokens here.
func appendAnthropicUsage(dst []byte, r *reply, output int) []byte {
	dst = fmt.Appendf(dst, `{"input_tokens":%d`, r.req.promptTokens-r.cached)
	if r.cfg.PrefixCache {
		dst = fmt.Appendf(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":%d`, r.cached)
	}
	return fmt.Appendf(dst, `,"output_tokens":%d}`, output)
}

func appendAnthropicError(dst []byte, e *apiError) []byte {
	kind := "invalid_request_error"
	switch {
	case e.status == http.StatusNotFound:
		kind = "not_found_error"
	case e.status == http.StatusRequestEntityTooLarge:
		kind = "request_too_large"
	case e.status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case e.status >= 500:
		kind = "api_error"
	}
	dst = append(dst, `{"type":"error","error":{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","message":`...)
	dst = appendQuoted(dst, e.message)
	return append(dst, "}}"...)
}

func failMessage(dst []byte, _ *reply, e *apiError) []byte {
	dst = append(dst, "event: error\ndata: "...)
	dst = appendAnthropicError(dst, e)
	return append(dst, "\n\n"...)
}
