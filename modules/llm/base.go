package llm

// base is POST /v1/generate as the AscendCloud scripts ask it. What answers to that
// is not documented: any text is taken, under the names that other protocols have
// for it, with or without "data:" in front.
var base = &backend{
	name:        "base",
	path:        "/v1/generate",
	format:      formatValues,
	noEndMark:   true,
	appendBody:  appendBaseBody,
	decode:      decodeBase,
	decodeWhole: decodeBase,
}

func appendBaseBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("prompt", c.prompt)
	if c.maxTokens > 0 { // of prompt and answer together
		w.count("max_tokens", c.maxTokens+c.askedInput)
	}
	w.text("model_name", "llama2")
	w.drawing(c)
	w.flag("stream", c.stream)
	if w.key("debug") {
		w.b = append(w.b, '2')
	}
	return w.end()
}

func decodeBase(data []byte, o *output) error {
	if string(data) == "[DONE]" {
		o.done = true
		return nil
	}
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeBaseObject(&c, o))
}

func decodeBaseObject(c *cursor, o *output) error {
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "text", "generated_text", "text_output", "content", "output":
			if c.peek() == '[' {
				return c.array(func() error { return decodeBaseText(c, o) })
			}
			return decodeBaseText(c, o)
		case "token":
			return decodeToken(c, o)
		case "choices":
			return c.array(func() error { return decodeChoice(c, o) })
		case "data", "outputs":
			if c.peek() == '[' {
				return c.array(func() error { return decodeBaseObject(c, o) })
			}
			return decodeBaseObject(c, o)
		case "usage":
			return decodeUsage(c, o)
		case "details":
			return decodeDetails(c, o)
		case "finish_reason":
			reason, err := c.word()
			o.tgiFinish(reason)
			return err
		case "error":
			o.fail, err = decodeError(c)
			return err
		}
		return c.skip()
	})
}

func decodeBaseText(c *cursor, o *output) error {
	o.text = o.take(*c, o.choice(0), textPlace{}) || o.text
	return c.skip()
}
