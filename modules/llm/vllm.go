package llm

// vllm is POST /generate of vLLM's first API server (vllm.entrypoints.api_server):
// no event stream but one JSON value after another, each ended by NUL (up to
// vLLM 0.6) or by a newline, with the prompt and all of the text so far.
var vllm = &backend{
	name:        "vllm",
	choices:     true,
	best:        true,
	path:        "/generate",
	format:      formatValues,
	noEndMark:   true,
	appendBody:  appendVLLMBody,
	decode:      decodeVLLM,
	decodeWhole: decodeVLLM,
}

func appendVLLMBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("prompt", c.prompt)
	w.sampling(c)
	w.number("n", c.n)
	w.number("best_of", c.bestOf)
	w.count("max_tokens", c.maxTokens)
	w.raw("stop", c.stop)
	w.flag("ignore_eos", c.ignoreEOS)
	w.flag("stream", c.stream)
	return w.end()
}

// decodeVLLM reads {"text": ["prompt and text so far", …]}, one text a choice.
func decodeVLLM(data []byte, o *output) error { return decodeTexts(data, o, true) }

// decodeTexts reads {"text": "…"} or {"text": ["…", …]}, in which a text is all that
// there is so far, or what is new; or an error.
func decodeTexts(data []byte, o *output, soFar bool) error {
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	choice := 0
	take := func() (err error) {
		some := false
		if soFar {
			some, err = o.grow(&c, choice)
		} else {
			some = o.take(c, o.choice(choice), textPlace{choice: choice})
			err = c.skip()
		}
		o.text = o.text || some
		choice++
		return err
	}
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "text":
			if c.peek() == '[' {
				return c.array(take)
			}
			return take()
		case "error", "detail":
			o.fail, err = decodeError(&c)
			return err
		}
		return c.skip()
	})
	return c.finish(err)
}
