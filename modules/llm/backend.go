package llm

import (
	"cmp"
	"slices"

	"weir/runtime/transport"
)

// backend is a wire protocol: how a request is written and how its answer is
// read. It has no state; adding one is a file and a row of the table.
type backend struct {
	name      string
	path      string // added to the endpoint's base URL; {model} stands for the model's name
	wholePath string // instead of path for an answer that is not streamed; "": the same
	chat      bool   // takes messages rather than a prompt
	system    bool   // takes the system's message apart from the others
	model     string // in its path where none is named
	ids       bool   // takes a prompt as token ids
	choices   bool   // takes a number of choices (n)
	best      bool   // takes a number of choices of which it returns the best
	keyHeader string // where the API key goes; "": Authorization: Bearer
	noEndMark bool   // nothing in a stream tells that it is complete but the proper end of the body

	contentType string             // of the request; "": application/json
	headers     []transport.Header // that every request has besides
	task        task
	format      format
	custom      *custom // a script's own protocol; nil: it is one of the table

	// appendBody appends the request's JSON to dst.
	appendBody func(dst []byte, c *call) []byte
	// decode reads one event of a stream into out.
	decode func(data []byte, out *output) error
	// decodeWhole reads the answer to a request that was not streamed.
	decodeWhole func(body []byte, out *output) error
}

// task is what a service does with a request.
type task uint8

const (
	taskGenerate task = iota
	taskEmbed
	taskRerank
)

// method is the method of an Endpoint that asks for a task.
func (t task) method() string {
	return [...]string{"complete(prompt)", "embed(input)", "rerank(query, documents)"}[t]
}

// nothing says that an answer had nothing of what was asked for.
func (t task) nothing() string {
	return [...]string{"the answer ended without a token", "the answer has no embedding", "the answer has no score"}[t]
}

// format is the form of a stream.
type format uint8

const (
	formatSSE format = iota
	formatValues
)

// what names it.
func (f format) what() string { return [...]string{"an event stream", "a stream of values"}[f] }

// cut is how the stream is cut into events.
func (f format) cut() transport.Format {
	if f == formatValues {
		return transport.Values
	}
	return transport.SSE
}

// is tells whether an answer of that media type can be such a stream. "" is none
// given.
func (f format) is(mediaType string) bool {
	switch mediaType {
	case "", "text/event-stream":
		return true
	case "text/plain", "application/json", "application/x-ndjson", "application/jsonl", "application/octet-stream":
		return f == formatValues
	}
	return false
}

// backends is the table of wire protocols, by the name that scripts use.
var backends = []*backend{
	openAIChat, openAI, openAIResponses, anthropic,
	vllm, sglang, tgi, llamaCPP,
	trt, triton, mindie, mindieVLLM, mindieTGI, mindieTriton, mindspore, base,
	embeddings, rerank,
}

func findBackend(name string) *backend {
	i := slices.IndexFunc(backends, func(b *backend) bool { return b.name == name })
	if i < 0 {
		return nil
	}
	return backends[i]
}

// BackendNames lists the wire protocols that an Endpoint can speak.
func BackendNames() []string {
	names := make([]string, len(backends))
	for i, b := range backends {
		names[i] = b.name
	}
	return names
}

// Info is what others may want to know of a backend.
type Info struct {
	Name      string
	Path      string // {model} stands for the model's name
	WholePath string // of requests for an answer that is not streamed
	Model     string // that its path has where none is named; "": none
	Pools     bool   // it makes no tokens, but embeddings or scores
}

// Describe tells of a backend; false: there is none of that name.
func Describe(name string) (Info, bool) {
	b := findBackend(name)
	if b == nil {
		return Info{}, false
	}
	return Info{Name: b.name, Path: b.path, WholePath: cmp.Or(b.wholePath, b.path), Model: b.model, Pools: b.task != taskGenerate}, true
}

// event reads one event of a stream, as short as what is known of those before
// allows.
func (b *backend) event(data []byte, known *repeat, out *output) error {
	out.begin()
	if known.decode(data, out) {
		return nil
	}
	err := b.decode(data, out)
	if err == nil {
		known.learn(data, out)
	}
	return err
}
