package sim

import (
	"encoding/json"
	"slices"
	"strings"
)

// dialect is a wire protocol: how a request is read and how its answer is written.
// It has no state: what an answer remembers is in its [reply]. Its functions append
// to dst; one that appends nothing sends nothing. A nil one stands for nothing, but
// parse, whole, refuse, and of a dialect with streams tokens and fail.
type dialect struct {
	name  string   // for Config.Speaks
	paths []string // {model} stands for a name
	// takes are the members of a body by which dialects with one path are told apart.
	takes []string
	// rivals are the dialects with the same path and members that are spoken by default.
	rivals []string

	contentType string // of a stream; empty: none is named
	idPrefix    string // of the answer's id
	joint       bool   // an event has the tokens of all choices
	// mark is what a stream ends with, also after an error; empty: nothing.
	mark    string
	broken  string // an event that is not JSON
	invalid int    // status of a request that makes no sense; 0: 400
	failed  int    // status of a whole answer that has failed; 0: 200

	// parse reads a request. The error is always an *apiError.
	parse func(in incoming, cfg *Config) (*request, error)
	// begin returns what every event begins with, see reply.head.
	begin func(r *reply) []byte
	// open is sent at once, behind the head.
	open func(dst []byte, r *reply, choice int) []byte
	// first comes before the first token of a choice.
	first func(dst []byte, r *reply, choice int) []byte
	// tokens are those of a choice, or of all of them when joint, from (inclusive)
	// to to (exclusive).
	tokens func(dst []byte, r *reply, choice, from, to int) []byte
	// finish comes after the last token of a choice.
	finish func(dst []byte, r *reply, choice int) []byte
	// usage comes after the last token of all of them; choice is 0.
	usage func(dst []byte, r *reply, choice int) []byte
	// whole is an answer that is not streamed.
	whole func(dst []byte, r *reply) []byte
	// refuse is the body of an answer with the status of an error.
	refuse func(dst []byte, e *apiError) []byte
	// fail is an error in the midst of a stream.
	fail func(dst []byte, r *reply, e *apiError) []byte
}

// incoming is a request as it came.
type incoming struct {
	body  []byte
	path  string // as in dialect.paths
	model string // in the path; empty: none
}

const (
	eventStream     = "text/event-stream; charset=utf-8"
	bareEventStream = "text/event-stream"
)

// dialects are all there are, in the order in which they are shown.
var dialects = []*dialect{
	openAIChat, openAI, openAIResponses, anthropic,
	vllm, sglang, tgi, llamaCPP,
	trt, triton, mindie, mindieVLLM, mindieTGI, mindieTriton, mindspore, base,
	embeddings, rerank,
}

// Protocols returns the names that [Config].Speaks can have.
func Protocols() []string {
	names := make([]string, len(dialects))
	for i, d := range dialects {
		names[i] = d.name
	}
	return names
}

// spoken returns the dialects of a service that was told to speak some, or none in
// particular.
func spoken(names []string) []*dialect {
	var out []*dialect
	for _, d := range dialects {
		if slices.Contains(names, d.name) || len(names) == 0 && d.rivals == nil {
			out = append(out, d)
		}
	}
	return out
}

// pattern returns the path as it stands in dialect.paths, and the model that it names.
func pattern(path string) (pattern, model string) {
	for _, prefix := range []string{"/v2/models/", "/models/"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok || rest == "" {
			continue
		}
		model, action := rest, ""
		for _, a := range []string{"/generate", "/generate_stream", "/infer", "/ready"} {
			if m, ok := strings.CutSuffix(rest, a); ok {
				model, action = m, a
			}
		}
		model, _, _ = strings.Cut(model, "/versions/")
		if model != "" && (action != "" || !strings.Contains(model, "/")) {
			return prefix + "{model}" + action, model
		}
	}
	return path, ""
}

// choose returns the one of several dialects with a path that a body is written in:
// the first one when it is written in none.
func choose(several []*dialect, body []byte) *dialect {
	if len(several) == 1 {
		return several[0]
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // the dialect says what is wrong with it
	for _, d := range several {
		for _, name := range d.takes {
			if _, ok := members[name]; ok {
				return d
			}
		}
	}
	return several[0]
}

// stopName is why a choice ended, in the words of TGI and of those after its model.
func (c *choice) stopName() string {
	switch {
	case c.finishReason == "length":
		return "length"
	case c.stopReason != "":
		return "stop_sequence"
	}
	return "eos_token"
}
