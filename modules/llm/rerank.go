package llm

// rerank is POST /v1/rerank, as Jina, Cohere, vLLM, SGLang and llama.cpp speak it:
// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#re-rank-api.
var rerank = &backend{
	name:        "rerank",
	path:        "/v1/rerank",
	task:        taskRerank,
	appendBody:  appendRerankBody,
	decodeWhole: decodeRerank,
}

func appendRerankBody(dst []byte, c *call) []byte {
	w := c.write(dst)
	if c.model != "" {
		w.text("model", c.model)
	}
	w.text("query", c.prompt)
	w.raw("documents", c.input)
	return w.end()
}

// decodeRerank reads {"results": [{"index", "relevance_score"}], "usage"}, in the order
// of the service; a bare list has "score" (SGLang).
func decodeRerank(body []byte, o *output) error {
	c := cursor{b: body}
	var err error
	switch c.peek() {
	case '[':
		err = decodeScores(&c, o)
	case '{':
		err = c.object(func(key []byte) (err error) {
			switch string(key) {
			case "id":
				id, err := c.word()
				o.id = string(id)
				return err
			case "results", "data":
				return decodeScores(&c, o)
			case "usage", "meta":
				return decodePoolingUsage(&c, o)
			case "error":
				o.fail, err = decodeError(&c)
				return err
			}
			return c.skip()
		})
	default:
		err = c.fail("neither an object nor a list")
	}
	return c.finish(err)
}

func decodeScores(c *cursor, o *output) error {
	return c.array(func() error {
		o.results++
		s := score{}
		err := c.object(func(key []byte) (err error) {
			switch string(key) {
			case "index":
				s.index, err = c.count()
				return err
			case "relevance_score", "score":
				if b := c.peek(); b == '-' || b >= '0' && b <= '9' {
					s.score, err = c.number()
					return err
				}
			}
			return c.skip()
		})
		o.scores = append(o.scores, s)
		return err
	})
}

// score is how relevant a document is.
type score struct {
	index int // of the document
	score float64
}
