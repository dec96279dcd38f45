package llm

import (
	"slices"
	"strings"

	"weir/runtime/metrics"
)

// Backend is a wire protocol: how a request is written and how its answer is
// read. A backend has no state; adding one is a file and a row of the table.
type Backend struct {
	Name string
	Path string // added to the endpoint's base URL
	Chat bool   // takes messages rather than a prompt

	// appendBody appends the request's JSON to dst.
	appendBody func(dst []byte, c *call) []byte
	// decode reads one event of a stream into out.
	decode func(data []byte, out *output) error
	// decodeWhole reads the answer to a request that was not streamed.
	decodeWhole func(body []byte, out *output) error
}

// backends is the table of wire protocols, by the name that scripts use.
var backends = []*Backend{openAI, openAIChat}

func findBackend(name string) *Backend {
	i := slices.IndexFunc(backends, func(b *Backend) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return backends[i]
}

// BackendNames lists the wire protocols that an Endpoint can speak.
func BackendNames() []string {
	names := make([]string, len(backends))
	for i, b := range backends {
		names[i] = b.Name
	}
	return names
}

// output is what an answer has brought so far. Decoders add to it.
type output struct {
	choices   [][]byte // the text of each choice, by index
	reasoning []byte
	toolCalls []byte // function names and arguments, as they came
	finish    string
	id        string

	usage struct {
		hasInput, hasOutput              bool // the service said how many
		input, output, reasoning, cached int
	}

	// Of the newest event:
	text bool // it brought text of the answer
	more bool // it brought reasoning or a part of a tool call
	done bool // it is the protocol's end mark
	fail *metrics.Error

	place   textPlace // of its text
	effects bool      // it said something besides: usage, a finish reason, a part of a tool call
}

// begin forgets what the event before brought.
func (o *output) begin() {
	o.text, o.more, o.done, o.fail = false, false, false, nil
	o.place, o.effects = textPlace{}, false
}

// take appends a string value of an event to what it is a part of, and notes
// where it stood. Any other value is skipped. It tells whether there was text.
func (o *output) take(value cursor, into *[]byte, belongs textPlace) bool {
	if value.peek() != '"' {
		return false
	}
	before := len(*into)
	belongs.texts, belongs.from = o.place.texts+1, value.i+1
	*into, _ = value.text(*into)
	belongs.to = value.i - 1
	o.place = belongs
	return len(*into) > before
}

// choice is the text of choice i so far. Services number their choices from 0
// without gaps, so a number out of reach is a choice of its own at the end.
func (o *output) choice(i int) *[]byte {
	const most = 1024
	for len(o.choices) <= min(i, most) {
		o.choices = append(o.choices, nil)
	}
	return &o.choices[min(i, most)]
}

// generated is all text that the service made, for counting its tokens.
func (o *output) generated() string {
	var all strings.Builder
	all.Write(o.reasoning)
	all.Write(o.toolCalls)
	for _, c := range o.choices {
		all.Write(c)
	}
	return all.String()
}
