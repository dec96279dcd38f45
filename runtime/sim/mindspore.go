package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// mindspore is POST /models/{model}, /models/{model}/generate and
// /models/{model}/generate_stream of MindSpore's llm-serving. The second one streams
// when the body asks for it, as in the images for AscendCloud; the public version
// never does. An event has one token; those of one step come in one piece.
var mindspore = &dialect{
	name:        "mindspore",
	paths:       []string{"/models/{model}", "/models/{model}/generate", "/models/{model}/generate_stream"},
	contentType: eventStream,
	broken:      "{\"event\": \"mess\n",
	parse:       parseMindSpore,
	tokens:      appendMindSporeTokens,
	finish:      finishMindSpore,
	whole:       appendMindSporeWhole,
	refuse:      appendErrorText,
	fail:        failMindSpore,
}

func parseMindSpore(in incoming, cfg *Config) (*request, error) {
	r, b, err := parseInputs(in, cfg)
	if err != nil {
		return nil, err
	}
	r.stream = b.Stream || strings.HasSuffix(in.path, "_stream")
	protocol := b.Parameters.ReturnProtocol
	r.wrapped = protocol == nil || *protocol == "sse"
	return r, nil
}

// appendMindSporeToken appends the object of a token, spaced as Python does it.
func appendMindSporeToken(dst []byte, r *reply, c *choice, k int) []byte {
	dst = append(dst, `{"id": `...)
	dst = strconv.AppendInt(dst, int64(r.word(c, k)), 10)
	dst = append(dst, `, "logprob": `+logprob+`, "special": false, "text": `...)
	dst = r.appendText(dst, c, k, k+1)
	return append(dst, '}')
}

// appendMindSporeEvent appends an event with what write appends as its data.
func appendMindSporeEvent(dst []byte, r *reply, data []byte) []byte {
	if r.req.wrapped {
		dst = append(dst, `{"event": "message", "retry": 30000, "data": [`...)
		dst = append(dst, data...)
		return append(dst, "]}\n"...)
	}
	dst = append(dst, "data:"...)
	dst = append(dst, data...)
	return append(dst, '\n')
}

func appendMindSporeTokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	for k := from; k < to; k++ {
		data := append([]byte(nil), `{"details": null, "generated_text": `...)
		data = r.appendText(data, c, k, k+1)
		data = append(data, `, "tokens": `...)
		data = appendMindSporeToken(data, r, c, k)
		data = append(data, `, "top_tokens": [`...)
		data = appendMindSporeToken(data, r, c, k)
		data = append(data, "]}"...)
		dst = appendMindSporeEvent(dst, r, data)
	}
	return dst
}

func finishMindSpore(dst []byte, r *reply, _ int) []byte {
	if !r.req.fullText {
		return dst
	}
	return appendMindSporeEvent(dst, r, appendMindSporeFull(nil, r))
}

// appendMindSporeFull appends the whole answer.
func appendMindSporeFull(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, `{"generated_text": `...)
	dst = appendGenerated(dst, r)
	dst = fmt.Appendf(dst, `, "finish_reason": "%s", "generated_tokens": %d, "prefill": [], "seed": `, c.stopName(), c.tokens)
	if r.req.seed == nil {
		dst = append(dst, '0')
	} else {
		dst = appendSeed(dst, r)
	}
	dst = append(dst, `, "tokens": [`...)
	for k := range c.tokens {
		if k > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendMindSporeToken(dst, r, c, k)
	}
	return append(dst, `], "top_tokens": [], "details": null}`...)
}

func appendMindSporeWhole(dst []byte, r *reply) []byte {
	return append(appendMindSporeFull(dst, r), '\n')
}

func failMindSpore(dst []byte, r *reply, e *apiError) []byte {
	return appendMindSporeEvent(dst, r, appendErrorText(nil, e))
}
