package sim

import (
	"errors"
	"net/http"
	"strings"
)

// triton is Triton's generate extension:
// https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_generate.html.
var triton = tritonDialect("triton")

// trt is the same by the name that the AscendCloud scripts have for it. Parameters
// are taken beside the text and in an object of their own.
var trt = tritonDialect("trt")

func tritonDialect(name string) *dialect {
	return &dialect{
		name:        name,
		paths:       []string{"/v2/models/{model}/generate_stream", "/v2/models/{model}/generate"},
		contentType: eventStream,
		broken:      "data: {\"model_name\":\n\n",
		parse:       parseTriton,
		begin:       func(r *reply) []byte { return appendTritonHead([]byte("data: "), r) },
		tokens:      appendTritonTokens,
		whole:       appendTritonWhole,
		refuse:      appendTritonError,
		fail:        failTriton,
	}
}

// parseTriton reads a request. What Triton itself finds wrong has status 500; what
// the model does has 400, in an event of the stream if there was to be one.
func parseTriton(in incoming, cfg *Config) (*request, error) {
	stream := strings.HasSuffix(in.path, "_stream")
	var b parametersBody
	if err := unmarshal(in.body, &b); err != nil {
		var failure *apiError
		errors.As(err, &failure)
		failure.status = http.StatusInternalServerError
		return nil, failure
	}
	r, err := b.Parameters.beside(b.parameters).request(in.model, "text_input", b.TextInput, cfg)
	if err != nil {
		var failure *apiError
		errors.As(err, &failure)
		failure.event = stream
		return nil, failure
	}
	r.stream, r.id = stream, b.ID
	return r, nil
}

// appendTritonHead appends what all of its objects begin with.
func appendTritonHead(dst []byte, r *reply) []byte {
	dst = append(dst, '{')
	if r.req.id != "" {
		dst = append(dst, `"id":`...)
		dst = append(appendQuoted(dst, r.req.id), ',')
	}
	dst = append(dst, `"model_name":`...)
	dst = appendQuoted(dst, r.req.model)
	return append(dst, `,"model_version":"1","text_output":`...)
}

func appendTritonTokens(dst []byte, r *reply, _, from, to int) []byte {
	dst = append(dst, r.head...)
	dst = r.appendText(dst, &r.choices[0], from, to)
	return append(dst, "}\n\n"...)
}

func appendTritonWhole(dst []byte, r *reply) []byte {
	dst = appendTritonHead(dst, r)
	dst = r.appendText(dst, &r.choices[0], 0, r.total())
	return append(dst, '}')
}

func appendTritonError(dst []byte, e *apiError) []byte {
	if e.event {
		return failTriton(dst, nil, e)
	}
	return appendErrorText(dst, e)
}

func failTriton(dst []byte, _ *reply, e *apiError) []byte {
	dst = appendErrorText(append(dst, "data: "...), e)
	return append(dst, "\n\n"...)
}
