package sim

import (
	"fmt"
	"net/http"
	"strconv"
)

// tgi is POST /generate_stream and /generate of Hugging Face's Text Generation
// Inference (docs/openapi.json in its repository). An event has one token; those of
// one step come in one piece.
var tgi = &dialect{
	name:        "tgi",
	paths:       []string{"/generate_stream", "/generate"},
	takes:       []string{"inputs"},
	contentType: bareEventStream,
	broken:      "data:{\"index\":\n\n",
	invalid:     http.StatusUnprocessableEntity,
	failed:      http.StatusFailedDependency,
	parse:       parseTGI,
	tokens:      appendTGITokens,
	whole:       appendTGIWhole,
	refuse:      appendTGIError,
	fail:        failTGI,
}

func parseTGI(in incoming, cfg *Config) (*request, error) {
	r, _, err := parseInputs(in, cfg)
	if err != nil {
		return nil, err
	}
	r.stream = in.path == "/generate_stream"
	return r, nil
}

// logprob is that of every token, in protocols that have to name one.
const logprob = "-0.25"

// appendTGIToken appends the object of a token.
func appendTGIToken(dst []byte, r *reply, c *choice, k int) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, int64(r.word(c, k)), 10)
	dst = append(dst, `,"text":`...)
	dst = r.appendText(dst, c, k, k+1)
	return append(dst, `,"logprob":`+logprob+`,"special":false}`...)
}

// appendGenerated appends all of the text, with the prompt in front when it was
// asked for.
func appendGenerated(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, '"')
	if r.req.fullText {
		dst = appendInside(dst, r.prompt(0))
	}
	dst = r.appendWords(dst, c, 0, c.tokens)
	return append(dst, '"')
}

// appendSeed appends the request's seed, or null.
func appendSeed(dst []byte, r *reply) []byte {
	if r.req.seed == nil {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, *r.req.seed, 10)
}

func appendTGITokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	for k := from; k < to; k++ {
		dst = append(dst, `data:{"index":`...)
		dst = strconv.AppendInt(dst, int64(k+1), 10)
		dst = append(dst, `,"token":`...)
		dst = appendTGIToken(dst, r, c, k)
		if k+1 < c.tokens {
			dst = append(dst, `,"generated_text":null,"details":null}`...)
		} else {
			dst = append(dst, `,"generated_text":`...)
			dst = appendGenerated(dst, r)
			dst = fmt.Appendf(dst, `,"details":{"finish_reason":"%s","generated_tokens":%d,"input_length":%d,"seed":`, c.stopName(), c.tokens, r.req.promptTokens)
			dst = append(appendSeed(dst, r), "}}"...)
		}
		dst = append(dst, "\n\n"...)
	}
	return dst
}

func appendTGIWhole(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, `{"generated_text":`...)
	dst = appendGenerated(dst, r)
	if r.req.details {
		dst = fmt.Appendf(dst, `,"details":{"finish_reason":"%s","generated_tokens":%d,"seed":`, c.stopName(), c.tokens)
		dst = appendSeed(dst, r)
		dst = append(dst, `,"prefill":[],"tokens":[`...)
		for k := range c.tokens {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = appendTGIToken(dst, r, c, k)
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, '}')
}

func appendTGIError(dst []byte, e *apiError) []byte {
	kind := "validation"
	switch {
	case e.status == http.StatusTooManyRequests:
		kind = "overloaded"
	case e.status == http.StatusFailedDependency:
		kind = "generation"
	case e.status >= 500:
		kind = "incomplete_generation"
	}
	return appendTypedError(dst, e, kind)
}

// appendTypedError appends {"error": "…", "error_type": "…"}.
func appendTypedError(dst []byte, e *apiError, kind string) []byte {
	dst = append(dst, `{"error":`...)
	dst = appendQuoted(dst, e.message)
	dst = append(dst, `,"error_type":"`...)
	dst = append(dst, kind...)
	return append(dst, `"}`...)
}

func failTGI(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendTypedError(append(dst, "data:"...), e, "generation")
	return append(dst, "\n\n"...)
}
