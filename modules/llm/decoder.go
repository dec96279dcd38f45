package llm

import (
	"fmt"
	"strings"

	"weir/runtime/transport"
)

// Decoder reads events as an Endpoint does, without a connection: so it can be
// measured what that costs. It belongs to one goroutine.
type Decoder struct {
	backend *backend
	repeat  repeat
	out     output
}

// NewDecoder returns a decoder for a backend that sends streams.
func NewDecoder(backend string) (*Decoder, error) {
	b := findBackend(backend)
	if b == nil || b.decode == nil {
		return nil, fmt.Errorf("backend %q sends no streams", backend)
	}
	return &Decoder{backend: b}, nil
}

// Format is how the backend's streams are cut into events.
func (d *Decoder) Format() transport.Format { return d.backend.format.cut() }

// Begin makes it ready for the stream that answers a prompt.
func (d *Decoder) Begin(prompt string) {
	d.repeat.reset()
	for i := range d.out.choices {
		d.out.choices[i] = d.out.choices[i][:0]
	}
	clear(d.out.progress)
	d.out = output{prompt: prompt, choices: d.out.choices, progress: d.out.progress[:0]}
}

// Forget drops what is known of the events before, so that the next one is read
// by itself.
func (d *Decoder) Forget() { d.repeat.reset() }

// Event reads one event; token tells whether it brought a token.
func (d *Decoder) Event(data []byte) (token bool, err error) {
	err = d.backend.event(data, &d.repeat, &d.out)
	return d.out.text || d.out.more, err
}

// Request returns the path and the body of a request for a stream of tokens, which is
// not ended before.
func Request(backend, prompt string, tokens int) (path string, body []byte, err error) {
	b := findBackend(backend)
	if b == nil {
		return "", nil, fmt.Errorf("there is no backend %q", backend)
	}
	const model = "sim"
	c := &call{backend: b, prompt: prompt, settings: settings{model: model, maxTokens: tokens, ignoreEOS: true, stream: true}}
	return strings.ReplaceAll(b.path, modelPlace, model), b.appendBody(nil, c), nil
}
