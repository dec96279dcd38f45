package reader

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// body is what has the messages: the record, or its "body" in a batch.
func (r *record) body() object {
	var body object
	if raw := r.get("body"); isObject(raw) && body.parse(raw) {
		return body
	}
	return r.object
}

func fitsOpenAI(r *record, _ *Options) []string {
	switch {
	case isArray(r.get("messages")):
		return []string{"messages"}
	case isArray(r.body().get("messages")):
		return []string{"body", "messages"}
	}
	return nil
}

// openAIRows reads bodies of requests, alone or in a batch, and with the
// timestamp that EvalScope's workload traces have beside them.
func openAIRows(o *Options) func(*record, *batch) error {
	unit := o.unitOr(time.Second)
	return each(func(r *record, row *Row) error {
		body := record{object: r.body()}
		messages, err := body.list("messages")
		if err != nil {
			return err
		}
		if err := row.chat(messages); err != nil {
			return err
		}
		return first(
			body.count("max_tokens", &row.OutputTokens), body.count("max_completion_tokens", &row.OutputTokens), r.count("completion_tokens", &row.OutputTokens),
			body.label("model", &row.Model), r.arrive("timestamp", unit, row),
		)
	})
}

// chat fills in messages, up to the last one that is not the assistant's, and the
// assistant's answer to it.
func (row *Row) chat(messages []byte) error {
	var message object
	role, text := "", ""      // of the last message
	asked, question := "", "" // of the one before
	last, count := 0, 0       // where the last one begins in messages, and how many there are
	err := elements(messages, func(at int, raw []byte) error {
		if !message.parse(raw) {
			return reject("a message is not an object")
		}
		tag := message.get("role")
		if !isString(tag) {
			return reject("a message has no role")
		}
		asked, question = role, text
		role, last = unquote(tag), at
		count++
		var err error
		text, err = content(message.get("content"))
		return err
	})
	if err != nil {
		return err
	}
	if role == "assistant" {
		row.Output = text
		messages = append(bytes.TrimRight(bytes.Clone(messages[:last]), ", \t\r\n"), ']')
		role, text = asked, question
		count--
	}
	switch {
	case count == 0:
		return reject("no message to be answered")
	case role == "assistant":
		return reject("two messages of the assistant at the end")
	case role == "system" || role == "developer":
		return reject("no message to be answered, but the system's")
	}
	row.Prompt = text
	compact := jsontext.Value(bytes.Clone(messages))
	if err := compact.Compact(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return reject("broken JSON")
	}
	row.Messages = compact
	return nil
}

// content is the text of a message: a string, or the texts among its parts.
func content(raw []byte) (string, error) {
	switch {
	case raw == nil:
		return "", nil
	case isString(raw):
		return unquote(raw), nil
	case !isArray(raw):
		return "", reject("the content of a message is neither text nor a list of parts")
	}
	var texts []string
	var part object
	err := elements(raw, func(_ int, value []byte) error {
		if isString(value) {
			texts = append(texts, unquote(value))
			return nil
		}
		if !part.parse(value) {
			return reject("a part of a message is not an object")
		}
		if text := part.get("text"); isString(text) {
			texts = append(texts, unquote(text))
		}
		return nil
	})
	return strings.Join(texts, "\n"), err
}
