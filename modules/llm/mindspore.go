package llm

import "bytes"

// mindspore is POST /models/llama2/generate of MindSpore's llm-serving, as the
// AscendCloud scripts ask it. Its servers differ: the JSON comes with or without
// "data:" in front and one newline or two behind, the data is an object or a list
// of one, and some answer in one piece although they were asked for a stream.
var mindspore = &backend{
	name:        "mindspore",
	path:        "/models/llama2/generate",
	format:      formatValues,
	noEndMark:   true,
	appendBody:  appendMindSporeBody,
	decode:      decodeMindSpore,
	decodeWhole: decodeMindSpore,
}

func appendMindSporeBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("inputs", c.prompt)
	w.object("parameters", func(w *bodyWriter) {
		w.count("max_new_tokens", c.maxTokens)
		w.drawing(c)
		w.stops("stop", c)
		w.flag("ignore_eos", c.ignoreEOS)
		w.boolean("return_full_text", false)
	})
	w.flag("stream", c.stream)
	return w.end()
}

// decodeMindSpore reads {"generated_text": "the new text", …}, bare or as "data"
// of an event. With a finish reason it is the whole answer, which repeats what
// came before it.
func decodeMindSpore(data []byte, o *output) error {
	c := cursor{b: data}
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(decodeMindSporeObject(&c, o))
}

func decodeMindSporeObject(c *cursor, o *output) error {
	var text cursor
	before := o.finish
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "data":
			if c.peek() == '[' {
				return c.array(func() error { return decodeMindSporeObject(c, o) })
			}
			return decodeMindSporeObject(c, o)
		case "generated_text":
			if c.peek() == '"' {
				text = *c
			}
		case "finish_reason":
			reason, err := c.word()
			o.tgiFinish(reason)
			return err
		case "generated_tokens":
			if n, err := c.count(); n > 0 || err != nil {
				o.usage.hasOutput, o.usage.output, o.effects = true, n, true
				return err
			}
			return nil
		case "details":
			return decodeDetails(c, o)
		case "error":
			o.fail, err = decodeError(c)
			return err
		}
		return c.skip()
	})
	if err != nil || text.b == nil {
		return err
	}
	if last := o.finish != before; last {
		so, err := text.text(nil)
		if err != nil {
			return err
		}
		into := o.choice(0)
		switch {
		case len(*into) == 0: // it is all there is
			o.whole = true
		case bytes.HasPrefix(so, *into): // it is all of it once more
			so = so[len(*into):]
		}
		*into = append(*into, so...)
		o.text = len(so) > 0
		return nil
	}
	o.text = o.take(text, o.choice(0), textPlace{})
	return nil
}
