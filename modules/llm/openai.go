package llm

import (
	"strconv"

	"weir/runtime/metrics"
)

// The OpenAI protocols, as vLLM, SGLang, llama.cpp, MindIE and OpenAI speak
// them: https://platform.openai.com/docs/api-reference/chat/streaming and
// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.

// openAI is POST /v1/completions.
var openAI = &Backend{
	Name:        "openai",
	Path:        "/v1/completions",
	appendBody:  appendOpenAIBody,
	decode:      decodeOpenAI,
	decodeWhole: decodeOpenAI,
}

// openAIChat is POST /v1/chat/completions.
var openAIChat = &Backend{
	Name:        "openai-chat",
	Path:        "/v1/chat/completions",
	Chat:        true,
	appendBody:  appendOpenAIBody,
	decode:      decodeOpenAI,
	decodeWhole: decodeOpenAI,
}

// appendOpenAIBody writes the body of both. A field that the script gave in
// extraBody stands there, not here.
func appendOpenAIBody(dst []byte, c *call) []byte {
	w := bodyWriter{b: append(dst, '{'), c: c}
	if c.model != "" {
		w.text("model", c.model)
	}
	switch {
	case c.messages != nil:
		w.raw("messages", c.messages)
	case c.backend.Chat:
		if w.key("messages") {
			w.b = append(w.b, `[{"role":"user","content":`...)
			w.b = append(appendString(w.b, c.prompt), "}]"...)
		}
	case c.promptIDs != nil:
		if w.key("prompt") {
			w.b = append(w.b, '[')
			for i, id := range c.promptIDs {
				if i > 0 {
					w.b = append(w.b, ',')
				}
				w.b = strconv.AppendInt(w.b, int64(id), 10)
			}
			w.b = append(w.b, ']')
		}
	default:
		w.text("prompt", c.prompt)
	}
	w.number("temperature", c.temperature)
	w.number("top_p", c.topP)
	w.number("top_k", c.topK)
	w.number("seed", c.seed)
	w.number("n", c.n)
	if c.maxTokens > 0 {
		w.number("max_tokens", &c.maxTokens)
	}
	if c.stop != nil {
		w.raw("stop", c.stop)
	}
	if c.ignoreEOS {
		w.raw("ignore_eos", []byte("true"))
	}
	if c.stream {
		w.raw("stream", []byte("true"))
		w.raw("stream_options", []byte(`{"include_usage":true}`))
	}
	return append(w.extra(), '}')
}

// bodyWriter appends the members of a JSON object, all but those that the
// script's extraBody gives.
type bodyWriter struct {
	b    []byte
	c    *call
	more bool
}

func (w *bodyWriter) key(name string) bool {
	if w.c.overrides(name) {
		return false
	}
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
	return true
}

func (w *bodyWriter) text(name, value string) {
	if w.key(name) {
		w.b = appendString(w.b, value)
	}
}

func (w *bodyWriter) raw(name string, json []byte) {
	if w.key(name) {
		w.b = append(w.b, json...)
	}
}

// number writes a number; nil is left out.
func (w *bodyWriter) number(name string, value *float64) {
	if value != nil && w.key(name) {
		w.b = strconv.AppendFloat(w.b, *value, 'f', -1, 64)
	}
}

// extra appends the members of extraBody.
func (w *bodyWriter) extra() []byte {
	for _, m := range w.c.extra {
		if w.more {
			w.b = append(w.b, ',')
		}
		w.more = true
		w.b = append(appendString(w.b, m.key), ':')
		w.b = append(w.b, m.json...)
	}
	return w.b
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
	isError := false
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			if o.id == "" {
				id, err := c.word()
				o.id = string(id)
				return err
			}
			return c.skip()
		case "choices":
			return c.array(func() error { return decodeChoice(&c, o) })
		case "usage":
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
		case "prompt_tokens":
			o.usage.hasInput = true
			o.usage.input, err = c.count()
		case "completion_tokens":
			o.usage.hasOutput = true
			o.usage.output, err = c.count()
		case "prompt_tokens_details":
			return c.object(func(key []byte) (err error) {
				if string(key) == "cached_tokens" {
					o.usage.cached, err = c.count()
					return err
				}
				return c.skip()
			})
		case "completion_tokens_details":
			return c.object(func(key []byte) (err error) {
				if string(key) == "reasoning_tokens" {
					o.usage.reasoning, err = c.count()
					return err
				}
				return c.skip()
			})
		default:
			return c.skip()
		}
		return err
	})
}

// decodeError reads an error: {"message": …, "code": …}, or a bare string; null is none.
func decodeError(c *cursor) (*metrics.Error, error) {
	e := &metrics.Error{Kind: "stream_error"}
	switch c.peek() {
	case 'n':
		return nil, c.skip()
	case '"':
		text, err := c.text(nil)
		e.Message = string(text)
		return e, err
	case '{':
		err := c.object(func(key []byte) error {
			switch string(key) {
			case "message", "detail":
				text, err := c.text(nil)
				if len(text) > 0 {
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
		if e.Message == "" {
			e.Message = "the service sent an error without a message"
		}
		return e, err
	}
	e.Message = "the service sent an error of an unknown form"
	return e, c.skip()
}
