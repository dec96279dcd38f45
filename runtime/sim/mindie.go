package sim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// MindIE Service (https://www.hiascend.com/document/detail/zh/mindie): a protocol of
// its own, and faces of those of vLLM, TGI and Triton, which differ from them in
// what they send.

// mindie is POST /infer.
var mindie = &dialect{
	name:        "mindie",
	paths:       []string{"/infer"},
	contentType: bareEventStream,
	broken:      "data: {\"prefill_time\":\n\n",
	invalid:     http.StatusUnprocessableEntity,
	failed:      http.StatusFailedDependency,
	parse:       parseMindIE,
	tokens:      appendMindIETokens,
	whole:       appendMindIEWhole,
	refuse:      appendMindIEError,
	fail:        failMindIE,
}

// mindieVLLM is POST /generate with a prompt: new texts, not all of the text, each
// value ended by NUL.
var mindieVLLM = &dialect{
	name:    "mindie-vllm",
	paths:   []string{"/generate"},
	takes:   []string{"prompt"},
	rivals:  []string{"vllm"},
	joint:   true,
	broken:  "{\"text\":[\"\x00",
	invalid: http.StatusUnprocessableEntity,
	failed:  http.StatusFailedDependency,
	parse:   parseVLLM,
	tokens: func(dst []byte, r *reply, _, from, to int) []byte {
		return append(appendTexts(dst, r, from, to, false), 0)
	},
	whole:  func(dst []byte, r *reply) []byte { return appendTexts(dst, r, 0, r.total(), true) },
	refuse: appendMindIEError,
	fail: func(dst []byte, _ *reply, e *apiError) []byte {
		return append(appendTypedError(dst, e, mindieGeneration), 0)
	},
}

// mindieTGI is POST /generate_stream, and /generate with inputs.
var mindieTGI = &dialect{
	name:        "mindie-tgi",
	paths:       []string{"/generate_stream", "/generate"},
	takes:       []string{"inputs"},
	rivals:      []string{"tgi"},
	contentType: bareEventStream,
	broken:      "data: {\"token\":\n\n",
	invalid:     http.StatusUnprocessableEntity,
	failed:      http.StatusFailedDependency,
	parse:       parseTGI,
	tokens:      appendMindIETGITokens,
	whole:       appendMindIETGIWhole,
	refuse:      appendMindIEError,
	fail:        failMindIE,
}

// mindieTriton is POST /v2/models/{model}/generate_stream and …/generate.
var mindieTriton = &dialect{
	name:        "mindie-triton",
	paths:       []string{"/v2/models/{model}/generate_stream", "/v2/models/{model}/generate"},
	rivals:      []string{"trt", "triton"},
	contentType: bareEventStream,
	broken:      "data:{\"model_name\":\n\n",
	invalid:     http.StatusUnprocessableEntity,
	failed:      http.StatusFailedDependency,
	parse:       parseMindIETriton,
	begin:       func(r *reply) []byte { return appendMindIETritonHead([]byte("data:"), r) },
	tokens:      appendMindIETritonTokens,
	whole:       appendMindIETritonWhole,
	refuse:      appendMindIEError,
	fail: func(dst []byte, _ *reply, e *apiError) []byte {
		return append(appendTypedError(append(dst, "data:"...), e, mindieGeneration), "\n\n"...)
	},
}

func parseMindIE(in incoming, cfg *Config) (*request, error) {
	r, b, err := parseInputs(in, cfg)
	if err != nil {
		return nil, err
	}
	r.stream = b.Stream
	return r, nil
}

func parseMindIETriton(in incoming, cfg *Config) (*request, error) {
	r, err := parseTriton(in, cfg)
	var failure *apiError
	if errors.As(err, &failure) {
		failure.status, failure.event = http.StatusBadRequest, false
	}
	return r, err
}

// appendMindIETimes appends how long the newest step took, ms: it was the prefill,
// or a decode.
func appendMindIETimes(dst []byte, r *reply, from int) []byte {
	whole := func(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
	if from == 0 {
		return fmt.Appendf(dst, `"prefill_time":%d,"decode_time":null`, whole(r.first-r.queued))
	}
	return fmt.Appendf(dst, `"prefill_time":null,"decode_time":%d`, whole(r.due-r.previous))
}

// appendMindIESeed appends a seed: MindIE draws one when it is given none.
func appendMindIESeed(dst []byte, r *reply) []byte {
	if r.req.seed != nil {
		return appendSeed(dst, r)
	}
	return strconv.AppendUint(dst, r.req.textSeed>>33, 10)
}

// appendMindIEDetails appends the details of the end.
func appendMindIEDetails(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = fmt.Appendf(dst, `"finish_reason":"%s","generated_tokens":%d,"seed":`, c.stopName(), c.tokens)
	return appendMindIESeed(dst, r)
}

// appendMindIETokens appends an event. The last one has no text of its own but all
// of it.
func appendMindIETokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	dst = append(dst, "data: {"...)
	dst = appendMindIETimes(dst, r, from)
	if to == c.tokens {
		dst = append(dst, `,"generated_text":`...)
		dst = appendGenerated(dst, r)
		dst = append(dst, `,"details":`...)
		if r.req.details {
			dst = append(dst, '{')
			dst = appendMindIEDetails(dst, r)
			dst = append(dst, '}')
		} else {
			dst = append(dst, "null"...)
		}
	}
	dst = append(dst, `,"token":{"id":`...)
	dst = r.appendIDs(dst, c, from, to)
	dst = append(dst, `,"text":`...)
	if to == c.tokens {
		dst = append(dst, "null"...)
	} else {
		dst = r.appendText(dst, c, from, to)
	}
	return append(dst, "}}\n\n"...)
}

func appendMindIEWhole(dst []byte, r *reply) []byte {
	dst = append(dst, `{"generated_text":`...)
	dst = appendGenerated(dst, r)
	if !r.req.details {
		return append(dst, `,"details":null}`...)
	}
	dst = append(dst, `,"details":{`...)
	return append(appendMindIEDetails(dst, r), "}}"...)
}

func appendMindIETGITokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	dst = append(dst, `data: {"token":{"id":`...)
	dst = r.appendIDs(dst, c, from, to)
	dst = append(dst, `,"text":`...)
	dst = r.appendText(dst, c, from, to)
	dst = append(dst, `,"logprob":null,"special":null},"generated_text":`...)
	if to < c.tokens {
		return append(dst, "null,\"details\":null}\n\n"...)
	}
	dst = appendGenerated(dst, r)
	dst = fmt.Appendf(dst, `,"details":{"prompt_tokens":%d,`, r.req.promptTokens)
	dst = appendMindIEDetails(dst, r)
	return append(dst, "}}\n\n"...)
}

func appendMindIETGIWhole(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, '{')
	if r.req.details {
		dst = fmt.Appendf(dst, `"details":{"finish_reason":"%s","generated_tokens":%d,"prefill":[],"prompt_tokens":%d,"seed":`,
			c.stopName(), c.tokens, r.req.promptTokens)
		dst = appendMindIESeed(dst, r)
		dst = append(dst, `,"tokens":[`...)
		for k := range c.tokens {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = fmt.Appendf(dst, `{"id":%d,"logprob":null,"special":null,"text":`, r.word(c, k))
			dst = append(r.appendText(dst, c, k, k+1), '}')
		}
		dst = append(dst, "]},"...)
	}
	dst = append(dst, `"generated_text":`...)
	return append(appendGenerated(dst, r), '}')
}

func appendMindIETritonHead(dst []byte, r *reply) []byte {
	id := r.req.id
	if id == "" {
		id = r.id
	}
	dst = append(dst, `{"id":`...)
	dst = appendQuoted(dst, id)
	dst = append(dst, `,"model_name":`...)
	dst = appendQuoted(dst, r.req.model)
	return append(dst, `,"model_version":null,"text_output":`...)
}

// appendMindIETritonDetails appends the details after so many tokens.
func appendMindIETritonDetails(dst []byte, r *reply, made int) []byte {
	c := &r.choices[0]
	dst = append(dst, `,"details":{`...)
	if made == c.tokens {
		dst = append(dst, `"finish_reason":"`...)
		dst = append(dst, c.stopName()...)
		dst = append(dst, `",`...)
	}
	return fmt.Appendf(dst, `"generated_tokens":%d,"first_token_cost":null,"decode_cost":null}`, made)
}

func appendMindIETritonTokens(dst []byte, r *reply, _, from, to int) []byte {
	dst = append(dst, r.head...)
	dst = r.appendText(dst, &r.choices[0], from, to)
	if r.req.details {
		dst = appendMindIETritonDetails(dst, r, to)
		dst = append(dst, ',')
		dst = appendMindIETimes(dst, r, from)
	}
	return append(dst, "}\n\n"...)
}

func appendMindIETritonWhole(dst []byte, r *reply) []byte {
	dst = appendMindIETritonHead(dst, r)
	dst = r.appendText(dst, &r.choices[0], 0, r.total())
	if r.req.details {
		dst = appendMindIETritonDetails(dst, r, r.total())
	}
	return append(dst, '}')
}

// mindieGeneration is what MindIE calls an error while it makes tokens.
const mindieGeneration = "Generation Error"

func appendMindIEError(dst []byte, e *apiError) []byte {
	kind := "Input Validation Error"
	switch {
	case e.status == http.StatusNotFound:
		kind = "NotFoundError"
	case e.status == http.StatusTooManyRequests:
		kind = "Overloaded"
	case e.status == http.StatusFailedDependency:
		kind = mindieGeneration
	case e.status >= 500:
		kind = "Incomplete Generation"
	}
	return appendTypedError(dst, e, kind)
}

func failMindIE(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendTypedError(append(dst, "data: "...), e, mindieGeneration)
	return append(dst, "\n\n"...)
}
