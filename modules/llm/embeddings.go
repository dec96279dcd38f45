package llm

// embeddings is POST /v1/embeddings of the OpenAI protocols:
// https://platform.openai.com/docs/api-reference/embeddings/create.
var embeddings = &backend{
	name:        "embeddings",
	path:        "/v1/embeddings",
	task:        taskEmbed,
	appendBody:  appendEmbeddingsBody,
	decodeWhole: decodeEmbeddings,
}

func appendEmbeddingsBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	w.raw("input", c.input)
	if c.model != "" {
		w.text("model", c.model)
	}
	return w.end()
}

// decodeEmbeddings reads {"data": [{"embedding": […]}], "usage"}. A vector is counted,
// not kept.
func decodeEmbeddings(body []byte, o *output) error {
	c := cursor{b: body}
	err := c.document(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			return o.takeID(&c)
		case "data":
			return c.array(func() error {
				o.results++
				return c.object(func(key []byte) error {
					if string(key) != "embedding" || c.peek() != '[' {
						return c.skip() // base64 has no commas to count
					}
					o.dimensions = 0
					return c.array(func() error {
						o.dimensions++
						return c.skip()
					})
				})
			})
		case "usage":
			return decodePoolingUsage(&c, o)
		case "error":
			o.fail, err = decodeError(&c)
			return err
		}
		return c.skip()
	})
	return err
}

// decodePoolingUsage reads the usage of what makes no tokens: all of them are the
// input's.
func decodePoolingUsage(c *cursor, o *output) error {
	total := 0
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "prompt_tokens", "input_tokens":
			o.usage.hasInput = true
			o.usage.input, err = c.count()
			return err
		case "total_tokens":
			total, err = c.count()
			return err
		case "tokens": // Cohere has them in "meta"
			return decodePoolingUsage(c, o)
		}
		return c.skip()
	})
	if !o.usage.hasInput && total > 0 {
		o.usage.hasInput, o.usage.input = true, total
	}
	return err
}
