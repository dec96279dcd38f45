package llm

// llamaCPP is POST /completion of llama.cpp's server (tools/server/README.md in
// its repository). There is no end mark but "stop" in the last event.
var llamaCPP = &backend{
	name:        "llamacpp",
	choices:     true,
	path:        "/completion",
	ids:         true,
	appendBody:  appendLlamaCPPBody,
	decode:      decodeLlamaCPP,
	decodeWhole: decodeLlamaCPP,
}

func appendLlamaCPPBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.prompt(c, "prompt", "prompt")
	w.sampling(c)
	w.number("n", c.n)
	w.count("n_predict", c.maxTokens)
	w.stops("stop", c)
	w.flag("ignore_eos", c.ignoreEOS)
	w.flag("stream", c.stream)
	return w.end()
}

// decodeLlamaCPP reads {"index", "content": "the new text", "tokens": [ids], "stop",
// "tokens_predicted", "tokens_evaluated"}.
func decodeLlamaCPP(data []byte, o *output) error {
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	var content cursor
	index, predicted := 0, 0
	var reason []byte
	stop := false
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "index":
			index, err = c.count()
			return err
		case "content":
			content = c
		case "stop":
			stop = c.peek() == 't'
		case "stop_type":
			reason, err = c.word()
			return err
		case "tokens_predicted":
			predicted, err = c.count()
			return err
		case "tokens_evaluated":
			o.usage.hasInput, o.effects = true, true
			o.usage.input, err = c.count()
			return err
		case "timings":
			return c.object(func(key []byte) error {
				if string(key) == "cache_n" {
					return c.told(&o.usage.hasCached, &o.usage.cached)
				}
				return c.skip()
			})
		case "error":
			o.fail, err = decodeError(&c)
			return err
		}
		return c.skip()
	})
	if err != nil {
		return err
	}
	if content.b != nil {
		o.text = o.take(content, o.choice(index), textPlace{choice: index})
	}
	if predicted > 0 {
		made := o.made(index)
		o.usage.hasOutput, o.effects = true, true
		o.usage.output += predicted - *made
		*made = predicted
	}
	if stop {
		o.effects = true
		o.finish = finishStop
		if string(reason) == "limit" {
			o.finish = finishLength
		}
		o.stopped++
		o.done = o.stopped >= max(o.wanted, 1)
	}
	return c.end()
}
