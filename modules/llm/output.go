package llm

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"weir/runtime/metrics"
)

// Finish reasons, by the names that OpenAI's protocols have for them; a protocol's
// other names for the same are translated, anything else is left as it is.
const (
	finishLength = "length"
	finishStop   = "stop"
	finishCalls  = "tool_calls"
)

// output is what an answer has brought so far. Decoders add to it.
type output struct {
	prompt string // what was asked, where it is a text
	wanted int    // choices that were asked for; 0: one

	choices   [][]byte // the text of each choice, by index
	reasoning []byte
	toolCalls []byte // function names and arguments, as they came
	finish    string
	id        string
	whole     bool // a stream was asked for, and the answer came in one piece

	usage struct {
		hasInput, hasOutput, hasReasoning, hasCached bool // the service said how many
		input, output, reasoning, cached             int
		ttft, tpot, latency                          timing // that the service tells of itself
	}

	results    int     // embeddings or scores
	dimensions int     // of an embedding
	scores     []score // of documents

	summed   bool       // a chunk with the usage alone has come
	progress []progress // of each choice, where the protocol needs it
	stopped  int        // choices that have ended, where the protocol says so of each

	// Of the newest event:
	text   bool // it brought text of the answer
	more   bool // it brought reasoning or a part of a tool call
	done   bool // it is the protocol's end mark
	tokens int  // how many came with it, where it says so by itself
	fail   *metrics.Error

	counts int // whose tokens its usage counts: 0: of all choices, else of one, from 1
	newest int // choice that it belongs to

	place   textPlace // of its text
	effects bool      // it said something besides: usage, a finish reason, a part of a tool call
}

// timing is a time that a service tells of itself, if it does.
type timing struct {
	ms   float64
	told bool
}

// common is the length of what two texts begin with together.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// incomplete tells whether a part of a JSON string is nothing but U+FFFD, which
// stands for characters of which tokens are still to come.
func incomplete(raw []byte) bool {
	for _, r := range string(appendUnquoted(nil, afterEscape(raw))) {
		if r != utf8.RuneError {
			return false
		}
	}
	return true
}

// afterEscape is a part of a JSON string without the rest of an escape that it begins
// with.
func afterEscape(raw []byte) []byte {
	const escape = `\ufffd`
	for n := 1; n < len(escape); n++ {
		if bytes.HasPrefix(raw, []byte(escape[n:])) {
			return raw[len(escape)-n:]
		}
	}
	return raw
}

// progress is how far a choice has come.
type progress struct {
	seen  bool
	parts bool   // events have what is new, not all of the text
	raw   []byte // inside of the JSON string with all of its text so far
	made  int    // tokens that the service has counted
}

// begin forgets what the event before brought.
func (o *output) begin() {
	o.text, o.more, o.done, o.tokens, o.counts, o.fail = false, false, false, 0, 0, nil
	o.place, o.effects = textPlace{}, false
}

// take appends a string value of an event to what it is a part of, and notes
// where it stood. Any other value is skipped. It tells whether there was text.
func (o *output) take(value cursor, into *[]byte, belongs textPlace) bool {
	if value.b == nil || value.peek() != '"' {
		return false
	}
	before := len(*into)
	belongs.texts, belongs.from = o.place.texts+1, value.i+1
	*into, _ = value.text(*into)
	belongs.to = value.i - 1
	o.place = belongs
	return len(*into) > before
}

// takeID takes the service's id of the answer, of which the first one counts.
func (o *output) takeID(c *cursor) error {
	if o.id != "" {
		return c.skip()
	}
	id, err := c.word()
	o.id = string(id)
	return err
}

// takeCall appends a string that belongs to a tool call, and tells whether there
// was any.
func (o *output) takeCall(c *cursor) (bool, error) {
	if c.b == nil {
		return false, nil
	}
	before := len(o.toolCalls)
	calls, err := c.text(o.toolCalls)
	o.toolCalls = calls
	return len(calls) > before, err
}

// grow takes a value that holds the prompt, perhaps, and all of a choice's text so
// far, and tells whether there is new text. What is no string is skipped.
func (o *output) grow(c *cursor, choice int) (more bool, err error) {
	if c.peek() != '"' {
		return false, c.skip()
	}
	raw, err := c.word()
	if err != nil {
		return false, err
	}
	p, into := o.of(choice), o.choice(choice)
	before := len(*into)
	if p.seen && !p.parts && bytes.HasPrefix(raw, p.raw) {
		*into = appendUnquoted(*into, raw[len(p.raw):])
		p.raw = append(p.raw, raw[len(p.raw):]...)
		return len(*into) > before, nil
	}
	// The first one, or one in which the service has changed what it had said, such
	// as a character that was not complete; or it sends what is new alone.
	switch {
	case p.seen && !p.parts && bytes.HasPrefix(p.raw, raw):
		p.raw = append(p.raw[:0], raw...)
		*into = append((*into)[:0], bytes.TrimPrefix(appendUnquoted(nil, raw), []byte(o.prompt))...)
		return false, nil // a stop text was taken away
	case p.parts || p.seen && !incomplete(p.raw[common(p.raw, raw):]):
		p.parts = true
		*into = appendUnquoted(*into, raw)
		p.raw = append(p.raw[:0], raw...)
		return len(raw) > 0, nil
	}
	p.seen = true
	p.raw = append(p.raw[:0], raw...)
	all := bytes.TrimPrefix(appendUnquoted(nil, raw), []byte(o.prompt))
	changed := !bytes.Equal(all, *into)
	*into = append((*into)[:0], all...)
	return changed, nil
}

// Services number their choices from 0 without gaps, so a number out of reach is a
// choice of its own at the end.
const mostChoices = 1024

// choice is the text of choice i so far.
func (o *output) choice(i int) *[]byte {
	for len(o.choices) <= min(i, mostChoices) {
		o.choices = append(o.choices, nil)
	}
	return &o.choices[min(i, mostChoices)]
}

func (o *output) of(choice int) *progress {
	for len(o.progress) <= min(choice, mostChoices) {
		o.progress = append(o.progress, progress{})
	}
	return &o.progress[min(choice, mostChoices)]
}

// made is how many tokens the service has counted of a choice.
func (o *output) made(choice int) *int { return &o.of(choice).made }

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
