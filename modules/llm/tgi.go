package llm

import "bytes"

// tgi is POST /generate_stream of Hugging Face's Text Generation Inference
// (docs/openapi.json in its repository). "ignore_eos_token" is what the AscendCloud
// scripts send; TGI itself does not know it over HTTP, and may stop before.
var tgi = &backend{
	name:        "tgi",
	best:        true,
	path:        "/generate_stream",
	wholePath:   "/generate",
	appendBody:  appendTGIBody,
	decode:      decodeTGI,
	decodeWhole: decodeTGIWhole,
}

func appendTGIBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("inputs", c.prompt)
	w.object("parameters", func(w *bodyWriter) {
		best := c.bestOf
		if best == nil {
			best = &one
		}
		w.number("best_of", best)
		w.count("max_new_tokens", c.maxTokens)
		w.drawing(c)
		w.stops("stop", c)
		w.flag("ignore_eos_token", c.ignoreEOS)
		w.boolean("decoder_input_details", false)
		w.flag("details", !c.stream) // only there it must be asked for
	})
	return w.end()
}

var one = 1.0

// decodeTGI reads {"token": {"text"}, "generated_text", "details"}. The last event
// has a generated text.
func decodeTGI(data []byte, o *output) error {
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeTGIObject(&c, o))
}

func decodeTGIObject(c *cursor, o *output) error {
	var all cursor
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "token":
			return decodeToken(c, o)
		case "generated_text":
			if c.peek() == '"' {
				all = *c
			}
		case "details":
			return decodeDetails(c, o)
		case "error":
			o.fail, err = decodeError(c)
			return err
		}
		return c.skip()
	})
	if err != nil || all.b == nil {
		return err
	}
	o.done, o.effects = true, true
	// MindIE's last token comes in here alone, and a whole answer, of course.
	text, err := all.text(nil)
	if rest, ok := bytes.CutPrefix(text, *o.choice(0)); ok && len(rest) > 0 {
		*o.choice(0) = append(*o.choice(0), rest...)
		o.text = true
	}
	return err
}

// decodeTGIWhole reads a whole answer, which some services put into a list.
func decodeTGIWhole(body []byte, o *output) error {
	c := cursor{b: body}
	decode := func() error { return decodeTGIObject(&c, o) }
	var err error
	switch c.peek() {
	case '[':
		err = c.array(decode)
	case '{':
		err = decode()
	default:
		err = c.fail("no object")
	}
	return c.finish(err)
}

// decodeToken reads {"id", "text", "special"}. id may be a list, of as many tokens.
// Special tokens such as the end of the text are no text.
func decodeToken(c *cursor, o *output) error {
	var text cursor
	special := false
	err := c.object(func(key []byte) error {
		switch string(key) {
		case "id":
			if c.peek() == '[' {
				return c.array(func() error { o.tokens++; return c.skip() })
			}
		case "text":
			text = *c
		case "special":
			special = c.peek() == 't'
		}
		return c.skip()
	})
	if err == nil && text.b != nil && !special {
		o.text = o.take(text, o.choice(0), textPlace{})
	}
	return err
}

// decodeDetails reads what TGI and those after its model say of an answer at its
// end.
func decodeDetails(c *cursor, o *output) error {
	if c.peek() != '{' {
		return c.skip()
	}
	o.effects = true
	return c.object(func(key []byte) (err error) {
		switch string(key) {
		case "finish_reason":
			reason, err := c.word()
			o.tgiFinish(reason)
			return err
		case "generated_tokens":
			o.usage.hasOutput = true
			o.usage.output, err = c.count()
			return err
		case "input_length", "prompt_tokens":
			o.usage.hasInput = true
			o.usage.input, err = c.count()
			return err
		}
		return c.skip()
	})
}

// tgiFinish takes a finish reason by the name that the other protocols have for it.
func (o *output) tgiFinish(reason []byte) {
	switch string(reason) {
	case "":
	case "eos_token", "stop_sequence":
		o.finish, o.effects = finishStop, true
	default:
		o.finish, o.effects = string(reason), true
	}
}
