package llm

import "weir/runtime/metrics"

// openAIResponses is POST /v1/responses, as OpenAI, vLLM and llama.cpp speak it:
// https://platform.openai.com/docs/api-reference/responses-streaming.
var openAIResponses = &backend{
	name:        "openai-responses",
	path:        "/v1/responses",
	chat:        true,
	appendBody:  appendResponsesBody,
	decode:      decodeResponses,
	decodeWhole: decodeResponse,
}

func appendResponsesBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	if c.model != "" {
		w.text("model", c.model)
	}
	if c.messages != nil {
		w.raw("input", c.messages)
	} else {
		w.text("input", c.prompt)
	}
	w.sampling(c)
	w.count("max_output_tokens", c.maxTokens)
	w.raw("stop", c.stop)
	w.flag("ignore_eos", c.ignoreEOS)
	w.flag("stream", c.stream)
	return w.end()
}

// decodeResponses reads one event of the stream, which names itself in "type".
func decodeResponses(data []byte, o *output) error {
	if string(data) == "[DONE]" { // some services send OpenAI's older mark as well
		o.done = true
		return nil
	}
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	var kind []byte
	var delta, item, response, failure cursor
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			kind, err = c.word()
			return err
		case "delta":
			delta = c
		case "item":
			item = c
		case "response":
			response = c
		case "error":
			failure = c
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	switch string(kind) {
	case "response.output_text.delta", "response.refusal.delta":
		o.text = o.take(delta, o.choice(0), textPlace{})
	case "response.reasoning_text.delta", "response.reasoning_summary_text.delta", "response.reasoning.delta":
		o.more = o.take(delta, &o.reasoning, textPlace{reasoning: true})
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta",
		"response.mcp_call_arguments.delta", "response.code_interpreter_call_code.delta":
		o.effects = true
		o.more, err = o.takeCall(&delta)
	case "response.output_item.added":
		o.effects = true
		if item.b != nil {
			err = item.object(func(key []byte) error {
				if string(key) == "name" {
					o.more, err = o.takeCall(&item)
					return err
				}
				return item.skip()
			})
		}
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		o.done = true
		if response.b != nil {
			err = decodeResponseObject(&response, o)
		}
		if string(kind) == "response.failed" && o.fail == nil {
			o.fail = &metrics.Error{Kind: "stream_error", Message: "the response failed, and the service did not say why"}
		}
	case "error":
		if failure.b == nil { // OpenAI has code and message in the event itself
			failure = cursor{b: data}
		}
		o.fail, err = decodeError(&failure)
	default: // it marks a part's beginning or end
		o.effects = true
		if failure.b != nil {
			o.fail, err = decodeError(&failure)
		} else if o.id == "" && response.b != nil {
			err = decodeResponseID(&response, o)
		}
	}
	return c.finish(err)
}

func decodeResponseID(c *cursor, o *output) error {
	return c.object(func(key []byte) error {
		if string(key) != "id" {
			return c.skip()
		}
		id, err := c.word()
		o.id = string(id)
		return err
	})
}

// decodeResponse reads a whole answer.
func decodeResponse(body []byte, o *output) error {
	c := cursor{b: body}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeResponseObject(&c, o))
}

// decodeResponseObject reads the object "response". At the end of a stream its
// text has come before.
func decodeResponseObject(c *cursor, o *output) error {
	o.effects = true
	streamed := len(o.choices) > 0 || len(o.reasoning) > 0 || len(o.toolCalls) > 0
	status, reason := "", ""
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(c)
		case "status":
			word, err := c.word()
			status = string(word)
			return err
		case "incomplete_details":
			return c.object(func(key []byte) error {
				if string(key) != "reason" {
					return c.skip()
				}
				word, err := c.word()
				reason = string(word)
				return err
			})
		case "error":
			o.fail, err = decodeError(c)
			return err
		case "usage":
			return decodeUsage(c, o)
		case "output":
			if !streamed {
				return c.array(func() error { return decodeResponseItem(c, o) })
			}
		}
		return c.skip()
	})
	switch {
	case reason == "max_output_tokens":
		o.finish = finishLength
	case reason != "":
		o.finish = reason
	case status == "completed":
		o.finish = finishStop
	default:
		o.finish = status
	}
	return err
}

// decodeResponseItem reads one of a whole answer's output items: a message, a
// reasoning, or a call.
func decodeResponseItem(c *cursor, o *output) error {
	var kind []byte
	var content, summary, name, arguments cursor
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			kind, err = c.word()
			return err
		case "content":
			content = *c
		case "summary":
			summary = *c
		case "name":
			name = *c
		case "arguments", "input":
			arguments = *c
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	texts := func(list cursor, into *[]byte) (some bool, err error) {
		if list.b == nil {
			return false, nil
		}
		err = list.array(func() error {
			return list.object(func(key []byte) error {
				if k := string(key); k != "text" && k != "refusal" {
					return list.skip()
				}
				before := len(*into)
				*into, err = list.text(*into)
				some = some || len(*into) > before
				return err
			})
		})
		return some, err
	}
	var some bool
	switch string(kind) {
	case "message":
		some, err = texts(content, o.choice(0))
		o.text = o.text || some
	case "reasoning":
		if some, err = texts(content, &o.reasoning); err == nil && !some {
			some, err = texts(summary, &o.reasoning)
		}
		o.more = o.more || some
	default:
		for _, part := range []*cursor{&name, &arguments} {
			if part.b != nil && err == nil {
				some, err = o.takeCall(part)
				o.more = o.more || some
			}
		}
	}
	return err
}
