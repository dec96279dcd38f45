package llm

import "weir/runtime/metrics"

// sglang is POST /generate of SGLang
// (https://docs.sglang.ai/basic_usage/native_api.html): each event has all of the
// text so far, and counts its tokens.
var sglang = &backend{
	name:        "sglang",
	choices:     true,
	path:        "/generate",
	ids:         true,
	appendBody:  appendSGLangBody,
	decode:      decodeSGLang,
	decodeWhole: decodeSGLangWhole,
}

func appendSGLangBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.prompt(c, "text", "input_ids")
	w.object("sampling_params", func(w *bodyWriter) {
		w.number("temperature", c.temperature)
		w.number("top_p", c.topP)
		w.number("top_k", c.topK)
		w.number("sampling_seed", c.seed)
		w.number("n", c.n)
		w.count("max_new_tokens", c.maxTokens)
		w.raw("stop", c.stop)
		w.flag("ignore_eos", c.ignoreEOS)
	})
	w.flag("stream", c.stream)
	return w.end()
}

// decodeSGLang reads {"text": "all so far", "index", "meta_info": {…}}.
func decodeSGLang(data []byte, o *output) error {
	if string(data) == "[DONE]" {
		o.done = true
		return nil
	}
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeSGLangObject(&c, o, -1))
}

// decodeSGLangWhole reads a whole answer: an object, or one for each choice.
func decodeSGLangWhole(body []byte, o *output) error {
	c := cursor{b: body}
	if c.peek() != '[' {
		return decodeSGLang(body, o)
	}
	choice := 0
	err := c.array(func() error {
		choice++
		return decodeSGLangObject(&c, o, choice-1)
	})
	return c.finish(err)
}

// decodeSGLangObject reads the answer of a choice; -1: the one that "index" names.
func decodeSGLangObject(c *cursor, o *output, choice int) error {
	var text, info cursor
	index := 0
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "text":
			text = *c
		case "index":
			index, err = c.count()
			return err
		case "meta_info":
			info = *c
		case "error":
			o.fail, err = decodeError(c)
			return err
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	if choice < 0 {
		choice = index
	}
	if text.b != nil {
		more, err := o.grow(&text, choice)
		if err != nil {
			return err
		}
		o.text = o.text || more
	}
	if info.b != nil {
		return decodeMetaInfo(&info, o, choice)
	}
	return nil
}

func decodeMetaInfo(c *cursor, o *output, choice int) error {
	o.effects = true
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(c)
		case "prompt_tokens":
			o.usage.hasInput = true
			o.usage.input, err = c.count()
			return err
		case "cached_tokens":
			return c.told(&o.usage.hasCached, &o.usage.cached)
		case "completion_tokens": // of this choice
			n, err := c.count()
			o.usage.hasOutput = true
			made := o.made(choice)
			o.usage.output += n - *made
			*made = n
			return err
		case "finish_reason":
			if c.peek() == '"' {
				reason, err := c.word()
				o.finish = string(reason)
				return err
			}
			return c.object(func(key []byte) error {
				switch string(key) {
				case "type":
					reason, err := c.word()
					o.finish = string(reason)
					return err
				case "message":
					text, err := c.text(nil)
					if o.finish == "abort" || len(text) > 0 {
						o.fail = &metrics.Error{Kind: "stream_error", Message: string(text)}
					}
					return err
				}
				return c.skip()
			})
		}
		return c.skip()
	})
}
