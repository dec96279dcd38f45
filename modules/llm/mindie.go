package llm

// MindIE Service (https://www.hiascend.com/document/detail/zh/mindie): a protocol
// of its own, and faces of those of vLLM, TGI and Triton, which differ from them
// in what they send. Its OpenAI face is spoken by openai and openai-chat.

// mindie is POST /infer.
var mindie = &backend{
	name:        "mindie",
	path:        "/infer",
	ids:         true,
	appendBody:  appendMindIEBody,
	decode:      decodeTGI,
	decodeWhole: decodeTGIWhole,
}

// mindieVLLM is POST /generate with a prompt: new texts, not all of the text, each
// value ended by NUL.
var mindieVLLM = &backend{
	name:        "mindie-vllm",
	choices:     true,
	best:        true,
	path:        "/generate",
	format:      formatValues,
	noEndMark:   true,
	appendBody:  appendVLLMBody,
	decode:      decodeMindIEVLLM,
	decodeWhole: decodeVLLM,
}

// mindieTGI is POST /generate_stream.
var mindieTGI = &backend{
	name:        "mindie-tgi",
	path:        "/generate_stream",
	wholePath:   "/generate",
	appendBody:  appendMindIETGIBody,
	decode:      decodeTGI,
	decodeWhole: decodeTGIWhole,
}

// mindieTriton is POST /v2/models/{model}/generate_stream.
var mindieTriton = &backend{
	name:        "mindie-triton",
	path:        "/v2/models/{model}/generate_stream",
	wholePath:   "/v2/models/{model}/generate",
	noEndMark:   true,
	appendBody:  appendMindIETritonBody,
	decode:      decodeTriton,
	decodeWhole: decodeTriton,
}

func appendMindIEBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.prompt(c, "inputs", "inputs")
	w.flag("stream", c.stream)
	w.object("parameters", func(w *bodyWriter) { w.mindieParameters(c) })
	return w.end()
}

func appendMindIETGIBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("inputs", c.prompt)
	w.object("parameters", func(w *bodyWriter) { w.mindieParameters(c) })
	return w.end()
}

func appendMindIETritonBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.text("text_input", c.prompt)
	w.object("parameters", func(w *bodyWriter) { w.mindieParameters(c) })
	return w.end()
}

// mindieParameters are those that its faces have in common. "details" has it say
// how many tokens there were.
func (w *bodyWriter) mindieParameters(c *call) {
	w.count("max_new_tokens", c.maxTokens)
	w.drawing(c)
	w.stops("stop", c)
	w.flag("ignore_eos", c.ignoreEOS)
	w.boolean("details", true)
}

// decodeMindIEVLLM reads {"text": ["the new text", …]}, one text a choice.
func decodeMindIEVLLM(data []byte, o *output) error { return decodeTexts(data, o, false) }
