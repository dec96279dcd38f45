package sim

import (
	"fmt"
	"strconv"
	"time"
)

// openAIChat is POST /v1/chat/completions as vLLM speaks it.
var openAIChat = &dialect{
	name:        "openai-chat",
	paths:       []string{"/v1/chat/completions"},
	contentType: eventStream,
	idPrefix:    "chatcmpl-",
	mark:        openAIMark,
	broken:      openAIBroken,
	parse:       func(in incoming, cfg *Config) (*request, error) { return parseOpenAI(in, true, cfg) },
	begin:       func(r *reply) []byte { return beginOpenAI(r, "chat.completion.chunk") },
	first:       appendRole,
	tokens:      appendOpenAITokens,
	finish:      appendOpenAIFinish,
	usage:       appendOpenAIUsage,
	whole:       appendOpenAIWhole,
	refuse:      appendOpenAIError,
	fail:        appendOpenAIFailure,
}

// openAI is POST /v1/completions as vLLM speaks it.
var openAI = &dialect{
	name:        "openai",
	paths:       []string{"/v1/completions"},
	contentType: eventStream,
	idPrefix:    "cmpl-",
	mark:        openAIMark,
	broken:      openAIBroken,
	parse:       func(in incoming, cfg *Config) (*request, error) { return parseOpenAI(in, false, cfg) },
	begin:       func(r *reply) []byte { return beginOpenAI(r, "text_completion") },
	tokens:      appendOpenAITokens,
	finish:      appendOpenAIFinish,
	usage:       appendOpenAIUsage,
	whole:       appendOpenAIWhole,
	refuse:      appendOpenAIError,
	fail:        appendOpenAIFailure,
}

const (
	openAIMark   = "data: [DONE]\n\n"
	openAIBroken = "data: {\"id\": \"chatcmpl-\n\n"
)

// openAIBody is the JSON of both, as far as it has a meaning here. Unknown fields
// are ignored.
type openAIBody struct {
	Model    string     `json:"model"`
	Messages *[]message `json:"messages"`
	Prompt   any        `json:"prompt"` // a string, or a list of strings, of token ids, or of lists of token ids
	Stream   bool       `json:"stream"`
	Options  *struct {
		IncludeUsage    bool `json:"include_usage"`
		ContinuousUsage bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	N                   *int         `json:"n"`
	MaxTokens           *int         `json:"max_tokens"`
	MaxCompletionTokens *int         `json:"max_completion_tokens"`
	MinTokens           int          `json:"min_tokens"`
	IgnoreEOS           bool         `json:"ignore_eos"`
	Stop                stringOrList `json:"stop"`
	Seed                *int64       `json:"seed"`
	Echo                bool         `json:"echo"`
	Tools               []tool       `json:"tools"`
	ToolChoice          any          `json:"tool_choice"`
}

func parseOpenAI(in incoming, chat bool, cfg *Config) (*request, error) {
	var b openAIBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.chat, r.stream, r.minTokens, r.ignoreEOS, r.stops = chat, b.Stream, b.MinTokens, b.IgnoreEOS, b.Stop
	if b.Options != nil {
		if !b.Stream {
			return nil, badRequest("stream_options", "stream_options can only be given when stream is true")
		}
		r.includeUsage, r.continuousUsage = b.Options.IncludeUsage, b.Options.ContinuousUsage
	}
	limit := b.MaxTokens
	if b.MaxCompletionTokens != nil {
		limit = b.MaxCompletionTokens
	}
	if err := r.limit("max_tokens", limit); err != nil {
		return nil, err
	}

	var err error
	h := newHash()
	if chat {
		r.tool = chooseTool(b.Tools, b.ToolChoice)
		err = r.readMessages("messages", b.Messages, cfg, h)
	} else {
		r.echo, r.keepTexts = b.Echo, b.Echo
		err = r.readPrompt("prompt", b.Prompt, cfg, h)
	}
	if err != nil {
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

// beginOpenAI makes what all chunks of a stream begin with.
func beginOpenAI(r *reply, object string) []byte {
	return append(appendOpenAIHead([]byte("data: "), r, object), `,"choices":[`...)
}

// appendOpenAIHead appends the fields that all chunks and objects begin with.
func appendOpenAIHead(dst []byte, r *reply, object string) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","object":"`...)
	dst = append(dst, object...)
	dst = append(dst, `","created":`...)
	dst = strconv.AppendInt(dst, r.created, 10)
	dst = append(dst, `,"model":`...)
	return appendQuoted(dst, r.req.model)
}

// appendChoice begins a chunk for a choice.
func appendChoice(dst []byte, r *reply, choice int) []byte {
	dst = append(dst, r.head...)
	dst = append(dst, `{"index":`...)
	return strconv.AppendInt(dst, int64(choice), 10)
}

func appendRole(dst []byte, r *reply, choice int) []byte {
	dst = appendChoice(dst, r, choice)
	dst = append(dst, `,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
	return appendChunkEnd(dst, r, choice, 0)
}

func appendOpenAITokens(dst []byte, r *reply, choice, from, to int) []byte {
	c := &r.choices[choice]
	dst = appendChoice(dst, r, choice)
	if r.req.chat {
		dst = append(dst, `,"delta":{`...)
		dst = appendMessage(dst, r, c, from, to)
		dst = append(dst, `},"logprobs":null,`...)
	} else {
		dst = append(dst, `,"text":`...)
		dst = appendCompletion(dst, r, choice, from, to)
		dst = append(dst, `,"logprobs":null,`...)
	}
	switch {
	case to == c.tokens && !r.cfg.FinishChunk:
		dst = appendFinishReason(dst, c)
	case r.req.chat:
		dst = append(dst, `"finish_reason":null`...)
	default:
		dst = append(dst, `"finish_reason":null,"stop_reason":null`...)
	}
	dst = append(dst, `,"token_ids":null}]`...)
	return appendChunkEnd(dst, r, choice, to)
}

// appendCompletion appends the text of a completion's tokens, with that of the
// prompt in front of the first one when it was asked for.
func appendCompletion(dst []byte, r *reply, choice, from, to int) []byte {
	dst = append(dst, '"')
	if from == 0 && r.req.echo {
		dst = appendInside(dst, r.prompt(choice))
	}
	dst = r.appendWords(dst, &r.choices[choice], from, to)
	return append(dst, '"')
}

// appendMessage appends the fields of a chat delta or message with the tokens
// from (inclusive) to to (exclusive).
func appendMessage(dst []byte, r *reply, c *choice, from, to int) []byte {
	if split := min(max(c.reasoning, from), to); split > from {
		dst = append(dst, '"')
		dst = append(dst, r.cfg.ReasoningField...)
		dst = append(dst, `":`...)
		dst = r.appendText(dst, c, from, split)
		if split == to {
			return dst
		}
		dst = append(dst, ',')
		from = split
	}
	if r.req.tool != "" {
		return appendToolCalls(dst, r, c, from, to)
	}
	dst = append(dst, `"content":`...)
	return r.appendText(dst, c, from, to)
}

func appendOpenAIFinish(dst []byte, r *reply, choice int) []byte {
	if !r.cfg.FinishChunk {
		return dst
	}
	c := &r.choices[choice]
	dst = appendChoice(dst, r, choice)
	if r.req.chat {
		dst = append(dst, `,"delta":{},"logprobs":null,`...)
	} else {
		dst = append(dst, `,"text":"","logprobs":null,`...)
	}
	dst = appendFinishReason(dst, c)
	dst = append(dst, "}]"...)
	return appendChunkEnd(dst, r, choice, c.tokens)
}

// appendFinishReason appends "finish_reason" and "stop_reason".
func appendFinishReason(dst []byte, c *choice) []byte {
	dst = append(dst, `"finish_reason":"`...)
	dst = append(dst, c.finishReason...)
	dst = append(dst, `","stop_reason":`...)
	return appendQuotedOrNull(dst, c.stopReason)
}

// appendChunkEnd ends a chunk, with the usage so far when it was asked for.
func appendChunkEnd(dst []byte, r *reply, choice, made int) []byte {
	if r.req.continuousUsage {
		dst = append(dst, `,"usage":`...)
		dst = appendUsage(dst, r, made, min(made, r.choices[choice].reasoning))
	}
	return append(dst, "}\n\n"...)
}

func appendOpenAIUsage(dst []byte, r *reply, _ int) []byte {
	if !r.req.includeUsage {
		return dst
	}
	dst = append(dst, r.head...)
	dst = append(dst, `],"usage":`...)
	dst = appendUsage(dst, r, r.total(), r.totalReasoning())
	if r.cfg.ServerTimes {
		dst = appendServerTimes(dst[:len(dst)-1], r)
	}
	return append(dst, "}\n\n"...)
}

// appendServerTimes ends a usage object with the times of the service itself, ms.
func appendServerTimes(dst []byte, r *reply) []byte {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	tpot := ms(r.due-r.first) / float64(max(r.total()-1, 1))
	return fmt.Appendf(dst, `,"ttft":%.3f,"tpot":%.3f,"latency":%.3f}`, ms(r.first), tpot, ms(r.due))
}

// appendUsage appends a usage object for completion tokens made so far.
func appendUsage(dst []byte, r *reply, completion, reasoning int) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.req.promptTokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.req.promptTokens+completion), 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, int64(completion), 10)
	if reasoning > 0 {
		dst = append(dst, `,"completion_tokens_details":{"reasoning_tokens":`...)
		dst = strconv.AppendInt(dst, int64(reasoning), 10)
		dst = append(dst, '}')
	}
	if r.cfg.PrefixCache {
		dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
		dst = strconv.AppendInt(dst, int64(r.cached), 10)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendOpenAIWhole(dst []byte, r *reply) []byte {
	if r.req.chat {
		dst = appendOpenAIHead(dst, r, "chat.completion")
	} else {
		dst = appendOpenAIHead(dst, r, "text_completion")
	}
	dst = append(dst, `,"choices":[`...)
	for i := range r.choices {
		c := &r.choices[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		if r.req.chat {
			dst = append(dst, `,"message":{"role":"assistant",`...)
			dst = appendMessage(dst, r, c, 0, c.tokens)
			if c.reasoning == c.tokens || r.req.tool != "" {
				dst = append(dst, `,"content":null`...)
			}
			dst = append(dst, `,"refusal":null},"logprobs":null,`...)
		} else {
			dst = append(dst, `,"text":`...)
			dst = appendCompletion(dst, r, i, 0, c.tokens)
			dst = append(dst, `,"logprobs":null,`...)
		}
		dst = appendFinishReason(dst, c)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"usage":`...)
	dst = appendUsage(dst, r, r.total(), r.totalReasoning())
	return append(dst, '}')
}

// appendOpenAIError appends {"error": …} as vLLM writes it.
func appendOpenAIError(dst []byte, e *apiError) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendQuoted(dst, e.message)
	dst = append(dst, `,"type":`...)
	dst = appendQuoted(dst, e.kind)
	dst = append(dst, `,"param":`...)
	dst = appendQuotedOrNull(dst, e.param)
	return fmt.Appendf(dst, `,"code":%d}}`, e.status)
}

func appendOpenAIFailure(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendOpenAIError(append(dst, "data: "...), e)
	return append(dst, "\n\n"...)
}
