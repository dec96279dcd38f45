package llm

import "weir/runtime/transport"

// anthropic is POST /v1/messages, as Anthropic, vLLM and llama.cpp speak it:
// https://docs.anthropic.com/en/docs/build-with-claude/streaming.
var anthropic = &backend{
	name:        "anthropic",
	path:        "/v1/messages",
	chat:        true,
	system:      true,
	keyHeader:   "X-Api-Key",
	headers:     []transport.Header{{Name: "Anthropic-Version", Value: "2023-06-01"}},
	appendBody:  appendAnthropicBody,
	decode:      decodeAnthropic,
	decodeWhole: decodeAnthropicWhole,
}

// anthropicTokens is what a request asks for that says nothing: the protocol
// demands a number.
const anthropicTokens = 4096

func appendAnthropicBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	if c.model != "" {
		w.text("model", c.model)
	}
	most := c.maxTokens
	if most == 0 {
		most = anthropicTokens
	}
	w.count("max_tokens", most)
	w.raw("system", c.system)
	w.chat(c, "messages")
	w.sampling(c)
	w.stops("stop_sequences", c)
	w.flag("ignore_eos", c.ignoreEOS)
	w.flag("stream", c.stream)
	return w.end()
}

// decodeAnthropic reads one event of the stream, which names itself in "type".
func decodeAnthropic(data []byte, o *output) error {
	c := cursor{b: data}
	if string(data) == "[DONE]" { // of services that have it for all their streams
		o.done = true
		return nil
	}
	if err := c.isObject(); err != nil {
		return err
	}
	var kind []byte
	var delta, block, message, failure cursor
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			kind, err = c.word()
			return err
		case "delta":
			delta = c
		case "content_block":
			block = c
		case "message":
			message = c
		case "error":
			failure = c
		case "usage":
			return decodeAnthropicUsage(&c, o)
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	switch string(kind) {
	case "content_block_delta":
		err = decodeAnthropicDelta(delta, o)
	case "content_block_start": // of a call it has the name
		o.effects = true
		if block.b != nil {
			err = decodeAnthropicBlock(&block, o)
		}
	case "message_start":
		o.effects = true
		if message.b != nil {
			err = decodeAnthropicMessage(&message, o)
		}
	case "message_delta":
		o.effects = true
		if delta.b != nil {
			err = decodeStopReason(&delta, o)
		}
	case "message_stop":
		o.done = true
	case "ping": // time has passed since the event before it
	case "error":
		if failure.b == nil {
			failure = cursor{b: data}
		}
		o.fail, err = decodeError(&failure)
	default:
		o.effects = true
		if failure.b != nil {
			o.fail, err = decodeError(&failure)
		}
	}
	return c.finish(err)
}

func decodeAnthropicDelta(delta cursor, o *output) error {
	if delta.b == nil {
		return nil
	}
	c := delta
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "text":
			o.text = o.take(c, o.choice(0), textPlace{})
		case "thinking":
			o.more = o.take(c, &o.reasoning, textPlace{reasoning: true})
		case "partial_json":
			o.effects = true
			o.more, err = o.takeCall(&c)
			return err
		}
		return c.skip()
	})
}

func decodeStopReason(c *cursor, o *output) error {
	return c.object(func(key []byte) error {
		if string(key) != "stop_reason" {
			return c.skip()
		}
		reason, err := c.word()
		o.anthropicFinish(reason)
		return err
	})
}

// anthropicFinish takes a stop reason by the name that the other protocols have
// for it.
func (o *output) anthropicFinish(reason []byte) {
	switch string(reason) {
	case "":
	case "max_tokens":
		o.finish = finishLength
	case "end_turn", "stop_sequence":
		o.finish = finishStop
	case "tool_use":
		o.finish = finishCalls
	default:
		o.finish = string(reason)
	}
}

// decodeAnthropicWhole reads a whole answer.
func decodeAnthropicWhole(body []byte, o *output) error {
	c := cursor{b: body}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeAnthropicMessage(&c, o))
}

// decodeAnthropicMessage reads a message: a whole one, or its beginning.
func decodeAnthropicMessage(c *cursor, o *output) error {
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(c)
		case "content":
			return c.array(func() error { return decodeAnthropicBlock(c, o) })
		case "stop_reason":
			reason, err := c.word()
			o.anthropicFinish(reason)
			return err
		case "usage":
			return decodeAnthropicUsage(c, o)
		case "error":
			o.fail, err = decodeError(c)
			return err
		}
		return c.skip()
	})
}

// decodeAnthropicBlock reads a content block: text, thinking or a call.
func decodeAnthropicBlock(c *cursor, o *output) error {
	return c.object(func(key []byte) error {
		switch string(key) {
		case "text":
			into := o.choice(0)
			before := len(*into)
			text, err := c.text(*into)
			*into = text
			o.text = o.text || len(text) > before
			return err
		case "thinking":
			before := len(o.reasoning)
			text, err := c.text(o.reasoning)
			o.reasoning = text
			o.more = o.more || len(text) > before
			return err
		case "name":
			some, err := o.takeCall(c)
			o.more = o.more || some
			return err
		case "input":
			from := c.i
			err := c.skip()
			if input := c.b[from:c.i]; err == nil && len(input) > len("{}") {
				o.toolCalls = append(o.toolCalls, input...)
				o.more = true
			}
			return err
		}
		return c.skip()
	})
}

// decodeAnthropicUsage reads a usage object. What was found in the cache is not
// in input_tokens.
func decodeAnthropicUsage(c *cursor, o *output) error {
	if c.peek() != '{' {
		return c.skip()
	}
	o.effects = true
	fresh, read, created, hasInput := 0, 0, 0, false
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "input_tokens":
			hasInput = true
			fresh, err = c.count()
		case "cache_read_input_tokens":
			err = c.told(&o.usage.hasCached, &read)
		case "cache_creation_input_tokens":
			created, err = c.count()
		case "output_tokens":
			o.usage.hasOutput = true
			o.usage.output, err = c.count()
		default:
			return c.skip()
		}
		return err
	})
	if hasInput && fresh+read+created > 0 {
		if read == 0 && o.usage.cached > 0 { // message_delta may leave out what message_start has said
			read = o.usage.cached
		}
		o.usage.hasInput = true
		o.usage.input, o.usage.cached = fresh+read+created, read
	}
	return err
}
