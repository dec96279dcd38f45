package dataset

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// writing is a JSON object that is being written, member by member.
type writing struct {
	dst   []byte
	begun bool
	err   error // the first one
}

// name begins a member. Names need no escapes.
func (w *writing) name(name string) {
	comma := byte('{')
	if w.begun {
		comma = ','
	}
	w.begun = true
	w.dst = append(w.dst, comma, '"')
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, '"', ':')
}

// string writes a member; what is no UTF-8 becomes U+FFFD.
func (w *writing) string(name, value string) {
	w.name(name)
	w.dst, _ = jsontext.AppendQuote(w.dst, value) // only says that there were such bytes
}

// text writes a text of an item, but leaves it out when there is none.
func (w *writing) text(name string, t text) {
	if t == nil {
		return
	}
	value, err := t.read()
	if err != nil && w.err == nil {
		w.err = err
	}
	w.string(name, value)
}

// number writes a member, but leaves it out when it is 0.
func (w *writing) number(name string, n float64) {
	if n != 0 {
		w.always(name, n)
	}
}

func (w *writing) always(name string, n float64) {
	w.name(name)
	w.dst = strconv.AppendFloat(w.dst, n, 'f', -1, 64)
}

func (w *writing) integers(name string, list []int64) {
	w.name(name)
	w.dst = append(w.dst, '[')
	for i, n := range list {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = strconv.AppendInt(w.dst, n, 10)
	}
	w.dst = append(w.dst, ']')
}

func (w *writing) end() ([]byte, error) { return append(w.dst, '}'), w.err }

// weirItem is a row of weir's own format: all that an item has, but conversations.
func weirItem(dst []byte, it Item) ([]byte, error) {
	w, more := writing{dst: dst}, it.details()
	if it.e.timed {
		w.always("timestamp_ms", milliseconds(it.e.at))
	}
	w.number("prompt_tokens", float64(it.PromptTokens()))
	w.number("output_tokens", float64(it.OutputTokens()))
	if more.session != "" {
		w.string("session", more.session)
		w.always("turn", float64(more.turn))
	}
	if more.hasDelay {
		w.always("delay_ms", milliseconds(more.delay))
	}
	if more.model != "" {
		w.string("model", more.model)
	}
	if more.kind != "" {
		w.string("kind", more.kind)
	}
	if more.hashes != nil {
		w.integers("hash_ids", more.hashes)
		w.number("block_size", float64(more.blockSize))
	}
	w.text("system", more.system)
	w.text("prompt", it.e.prompt)
	w.text("output", more.output)
	if !w.begun {
		return dst, errors.New("it has neither a prompt nor lengths")
	}
	return w.end()
}

// customItem is an element of what generate_dataset.py writes.
func customItem(dst []byte, it Item) ([]byte, error) {
	w, more := writing{dst: dst}, it.details()
	switch {
	case it.e.prompt == nil:
		return dst, errNoPrompt
	case more.output == nil:
		return dst, errors.New(`it has no recorded output, which format "custom" needs: make some (withAnswers), or use format "vllm-custom" or "weir"`)
	case more.system != nil:
		return dst, errNoSystem
	}
	w.text("input", it.e.prompt)
	w.text("output", more.output)
	w.string("instruction", "NA")
	return w.end()
}

// vllmItem is a row of vLLM's custom dataset.
func vllmItem(dst []byte, it Item) ([]byte, error) {
	w := writing{dst: dst}
	switch {
	case it.e.prompt == nil:
		return dst, errNoPrompt
	case it.details().system != nil:
		return dst, errNoSystem
	}
	w.text("prompt", it.e.prompt)
	w.number("output_tokens", float64(it.OutputTokens()))
	return w.end()
}

// openAIItem is the body of a chat request; a recorded answer is its last message.
func openAIItem(dst []byte, it Item) ([]byte, error) {
	w, more := writing{dst: dst}, it.details()
	w.name("messages")
	list, err := chatOf(it)
	if err != nil {
		return dst, err
	}
	w.dst = append(w.dst, list...)
	if more.turns == nil { // of a conversation, that of the first answer is known
		w.number("max_tokens", float64(it.OutputTokens()))
	}
	if it.e.timed {
		w.always("timestamp", it.e.at.Seconds())
	}
	if more.model != "" {
		w.string("model", more.model)
	}
	return w.end()
}

// chatOf is an item's conversation as JSON.
func chatOf(it Item) ([]byte, error) {
	more := it.details()
	if more.messages != nil {
		list, err := more.messages.read()
		if more.output == nil || err != nil {
			return []byte(list), err
		}
		return appendMessage([]byte(list[:len(list)-1]), "assistant", more.output)
	}
	if it.e.prompt == nil {
		return nil, errNoPrompt
	}
	list := []byte("[")
	var err error
	if more.system != nil {
		if list, err = appendMessage(list, "system", more.system); err != nil {
			return nil, err
		}
		list = list[:len(list)-1]
	}
	if more.turns != nil {
		turns, err := more.turns.read()
		if err != nil {
			return nil, err
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		// ShareGPT's calls of functions are the assistant's; quotes within texts are escaped.
		turns = strings.ReplaceAll(turns, `"role":"function_call"`, `"role":"assistant"`)
		return append(list, turns[1:]...), nil
	}
	if list, err = appendMessage(list, "user", it.e.prompt); err != nil || more.output == nil {
		return list, err
	}
	return appendMessage(list[:len(list)-1], "assistant", more.output)
}

// appendMessage appends a message to a JSON list whose end is missing, and the end.
func appendMessage(list []byte, role string, content text) ([]byte, error) {
	if len(list) > 1 {
		list = append(list, ',')
	}
	w := writing{dst: list}
	w.string("role", role)
	w.text("content", content)
	list, err := w.end()
	return append(list, ']'), err
}

var (
	errNoPrompt = errors.New(`it has no prompt, only lengths: format "weir" can hold those`)
	errNoSystem = errors.New(`it has a message of the system, which the format cannot hold: use format "openai" or "weir"`)
)
