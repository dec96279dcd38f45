package llm

// Triton's generate extension, which its TensorRT-LLM models are asked by:
// https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_generate.html.

// trt is the form of the AscendCloud scripts: parameters in an object of their own,
// and the content type of what is to come on the request.
var trt = &backend{
	name:        "trt",
	model:       "ensemble",
	path:        "/v2/models/{model}/generate_stream",
	wholePath:   "/v2/models/{model}/generate",
	noEndMark:   true,
	contentType: "text/event-stream; charset=utf-8",
	appendBody:  appendTRTBody,
	decode:      decodeTriton,
	decodeWhole: decodeTriton,
}

// triton is the form of Triton itself: parameters are inputs of the model, beside
// the text. The model is a part of the path.
var triton = &backend{
	name:        "triton",
	model:       "ensemble",
	path:        "/v2/models/{model}/generate_stream",
	wholePath:   "/v2/models/{model}/generate",
	noEndMark:   true,
	appendBody:  appendTritonBody,
	decode:      decodeTriton,
	decodeWhole: decodeTriton,
}

func appendTRTBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("text_input", c.prompt)
	w.object("parameters", func(w *bodyWriter) {
		w.count("max_tokens", c.maxTokens)
		if c.ignoreEOS {
			w.count("min_length", c.maxTokens)
		}
		w.text("bad_words", "")
		w.stopWords(c)
		w.flag("ignore_eos", c.ignoreEOS)
		w.flag("stream", c.stream)
	})
	return w.end()
}

func appendTritonBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("text_input", c.prompt)
	w.count("max_tokens", c.maxTokens)
	if c.ignoreEOS {
		w.count("min_length", c.maxTokens)
	}
	w.text("bad_words", "")
	w.stopWords(c)
	w.sampling(c)
	w.flag("stream", c.stream)
	return w.end()
}

// stopWords writes the texts at which the service stops, "" for none.
func (w *bodyWriter) stopWords(c *call) {
	if c.stop == nil {
		w.text("stop_words", "")
	} else {
		w.raw("stop_words", c.stop)
	}
}

// decodeTriton reads {"model_name", "text_output": "the new text"}.
func decodeTriton(data []byte, o *output) error {
	c := cursor{b: data}
	err := c.document(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(&c)
		case "text_output":
			if c.peek() == '[' {
				choice := 0
				return c.array(func() error {
					o.text = o.take(c, o.choice(choice), textPlace{choice: choice}) || o.text
					choice++
					return c.skip()
				})
			}
			o.text = o.take(c, o.choice(0), textPlace{})
		case "details":
			return decodeDetails(&c, o)
		case "finish_reason":
			reason, err := c.word()
			o.tgiFinish(reason)
			return err
		case "error":
			o.fail, err = decodeError(&c)
			return err
		}
		return c.skip()
	})
	return err
}
