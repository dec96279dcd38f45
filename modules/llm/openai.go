package llm

import (
	"bytes"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// The OpenAI protocols, as vLLM, SGLang, llama.cpp, MindIE and OpenAI speak
// them: https://platform.openai.com/docs/api-reference/chat/streaming and
// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.

// openAI is POST /v1/completions.
var openAI = &backend{
	name:        "openai",
	choices:     true,
	best:        true,
	path:        "/v1/completions",
	ids:         true,
	appendBody:  appendOpenAIBody,
	decode:      decodeOpenAI,
	decodeWhole: decodeOpenAI,
}

// openAIChat is POST /v1/chat/completions.
var openAIChat = &backend{
	name:        "openai-chat",
	choices:     true,
	best:        true,
	path:        "/v1/chat/completions",
	chat:        true,
	appendBody:  appendOpenAIBody,
	decode:      decodeOpenAI,
	decodeWhole: decodeOpenAI,
}

// appendOpenAIBody writes the body of both.
func appendOpenAIBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	if c.model != "" {
		w.text("model", c.model)
	}
	if c.backend.chat {
		w.chat(c, "messages")
	} else {
		w.prompt(c, "prompt", "prompt")
	}
	w.sampling(c)
	w.number("n", c.n)
	w.number("best_of", c.bestOf)
	w.count("max_tokens", c.maxTokens)
	w.raw("stop", c.stop)
	w.flag("ignore_eos", c.ignoreEOS)
	if c.stream {
		w.flag("stream", true)
		w.object("stream_options", func(w *bodyWriter) {
			w.flag("include_usage", true)
			w.flag("continuous_usage_stats", c.continuousUsage)
		})
	}
	return w.end()
}

// decodeOpenAI reads a chunk of either stream, and either whole answer: they
// differ in the names around the text only.
func decodeOpenAI(data []byte, o *output) error {
	if string(data) == "[DONE]" {
		o.done = true
		return nil
	}
	c := cursor{b: data}
	if b := c.peek(); b != '{' && b != 'n' { // llama.cpp starts a batch with null
		return c.fail("no object")
	}
	var failure *metrics.Error
	isError, hasChoice, hasUsage := false, false, false
	before := o.usage.output
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(&c)
		case "choices":
			return c.array(func() error {
				hasChoice = true
				return decodeChoice(&c, o)
			})
		case "usage":
			hasUsage = c.peek() == '{'
			return decodeUsage(&c, o)
		case "error":
			failure, err = decodeError(&c)
			return err
		case "object":
			object, err := c.word()
			isError = string(object) == "error"
			return err
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	if hasUsage && !hasChoice { // llama.cpp sends one for each choice
		if o.summed && o.wanted > 1 {
			o.usage.output += before
		}
		o.summed = true
	}
	if hasUsage && hasChoice && o.wanted > 1 { // it counts this choice alone
		o.counts = 1 + o.newest
	}
	if isError && failure == nil { // older vLLM: {"object":"error","message":…}
		c = cursor{b: data}
		if failure, err = decodeError(&c); err != nil {
			return err
		}
	}
	o.fail = failure
	return c.end()
}

// decodeChoice reads one of choices: {"delta": …} or {"message": …} of a chat,
// {"text": …} of a completion.
func decodeChoice(c *cursor, o *output) error {
	// The index comes last with some services: remember where the text is.
	var text, reasoning, tools cursor
	index := 0
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "index":
			index, err = c.count()
			return err
		case "text":
			text = *c
		case "delta", "message":
			return c.object(func(key []byte) error {
				switch string(key) {
				case "content":
					text = *c
				case "reasoning_content", "reasoning":
					if c.peek() == '"' {
						reasoning = *c
					}
				case "tool_calls":
					tools = *c
				}
				return c.skip()
			})
		case "finish_reason":
			reason, err := c.word()
			if len(reason) > 0 {
				o.finish, o.effects = string(reason), true
			}
			return err
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	o.newest = index
	if text.b != nil && o.take(text, o.choice(index), textPlace{choice: index}) {
		o.text = true
	}
	if reasoning.b != nil && o.take(reasoning, &o.reasoning, textPlace{reasoning: true}) {
		o.more = true
	}
	if tools.b != nil {
		o.effects = true
		before := len(o.toolCalls)
		if err := decodeToolCalls(&tools, o); err != nil {
			return err
		}
		o.more = o.more || len(o.toolCalls) > before
	}
	return nil
}

func decodeToolCalls(c *cursor, o *output) error {
	return c.array(func() error {
		return c.object(func(key []byte) error {
			if string(key) != "function" {
				return c.skip()
			}
			return c.object(func(key []byte) (err error) {
				switch string(key) {
				case "name", "arguments":
					o.toolCalls, err = c.text(o.toolCalls)
					return err
				}
				return c.skip()
			})
		})
	})
}

func decodeUsage(c *cursor, o *output) error {
	if c.peek() != '{' {
		return c.skip()
	}
	o.effects = true
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "prompt_tokens", "input_tokens":
			o.usage.hasInput = true
			o.usage.input, err = c.count()
		case "completion_tokens", "output_tokens":
			o.usage.hasOutput = true
			o.usage.output, err = c.count()
		case "prompt_tokens_details", "input_tokens_details":
			return c.object(func(key []byte) error {
				if string(key) == "cached_tokens" {
					return c.told(&o.usage.hasCached, &o.usage.cached)
				}
				return c.skip()
			})
		case "completion_tokens_details", "output_tokens_details":
			return c.object(func(key []byte) error {
				if string(key) == "reasoning_tokens" {
					return c.told(&o.usage.hasReasoning, &o.usage.reasoning)
				}
				return c.skip()
			})
		case "ttft": // so the next two, of services of AscendCloud-LLM
			return c.timing(&o.usage.ttft)
		case "tpot":
			return c.timing(&o.usage.tpot)
		case "latency":
			return c.timing(&o.usage.latency)
		default:
			return c.skip()
		}
		return err
	})
}

// decodeError reads an error: an object, a list of them, or a bare string. What says
// that there is none (null, false, 0, "", an empty object) is nil.
func decodeError(c *cursor) (*metrics.Error, error) {
	e := &metrics.Error{Kind: "stream_error"}
	from := c.i
	var err error
	some := true
	switch c.peek() {
	case 'n', 'f', '0':
		return nil, c.skip()
	case '"':
		var text []byte
		text, err = c.text(nil)
		e.Message, some = string(text), len(text) > 0
	case '{':
		some, err = decodeErrorObject(c, e)
	default:
		err = c.skip()
	}
	if err != nil || !some {
		return nil, err
	}
	if e.Message == "" { // of a form that nobody has told us
		e.Message = transport.Excerpt(bytes.TrimSpace(c.b[from:c.i]))
	}
	return e, nil
}

// decodeErrorObject reads an error under the names that services have for its parts:
// OpenAI's, FastAPI's ("detail", a list in it "msg"), Huawei's API gateway's.
func decodeErrorObject(c *cursor, e *metrics.Error) (some bool, err error) {
	err = c.object(func(key []byte) error {
		some = true
		switch string(key) {
		case "message", "detail", "error_msg", "msg", "reason", "error_message":
			if c.peek() == '[' {
				return c.array(func() error {
					_, err := decodeErrorObject(c, e)
					return err
				})
			}
			text, err := c.text(nil)
			if len(text) > 0 && e.Message == "" {
				e.Message = string(text)
			}
			return err
		case "code":
			code, err := c.count()
			e.Status = code
			return err
		}
		return c.skip()
	})
	return some, err
}
