package llm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// items is a module with items as those of a dataset: item(system, prompt, messages, media).
type items struct{}

func (items) Exports(rt *script.Runtime) (map[string]any, error) {
	rt.Class(script.Class{Name: "TestItem"})
	return map[string]any{"item": func(call goja.FunctionCall) goja.Value {
		return rt.Instance("TestItem", testItem{
			system: call.Argument(0).String(), prompt: call.Argument(1).String(), messages: call.Argument(2).String(), media: call.Argument(3).ToBoolean(),
		})
	}}, nil
}

type testItem struct {
	system, prompt, messages string
	media                    bool
}

func (testItem) Lengths() (prompt, output int) { return 7, 9 }

func (it testItem) Text() (system, prompt string, err error) {
	if it.prompt == "broken" {
		return "", "", errors.New("the disk is gone")
	}
	return it.system, it.prompt, nil
}

func (it testItem) Chat() (list interface {
	AppendMessages(dst []byte) ([]byte, error)
}, media bool) {
	if it.messages == "" {
		return nil, false
	}
	return rawMessages(it.messages), it.media
}

type rawMessages string

func (m rawMessages) AppendMessages(dst []byte) ([]byte, error) { return append(dst, m...), nil }

// What becomes of an item of a dataset, with its system message and its messages.
func TestItemBodies(t *testing.T) {
	const messages = `'[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":"a"},{"role":"user","content":"v"}]'`
	for _, row := range []struct{ name, options, call, want string }{
		{"a prompt", `backend: "openai-chat"`, `complete(item("", "p", ""))`, `{"messages":[{"role":"user","content":"p"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`},
		{"a prompt alone", `backend: "openai"`, `complete(item("", "p", ""))`, `{"prompt":"p","max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`},
		{"fewer tokens than the item's", `backend: "openai"`, `complete(item("", "p", ""), { maxTokens: 3 })`, `{"prompt":"p","max_tokens":3,"stream":true,"stream_options":{"include_usage":true}}`},
		{"a system message", `backend: "openai-chat"`, `complete(item("s", "p\n", ""))`, `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"p\n"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`},
		{"a system message apart", `backend: "anthropic"`, `complete(item("s", "p", ""))`, `{"max_tokens":9,"system":"s","messages":[{"role":"user","content":"p"}],"stream":true}`},
		{"a system message before a plain prompt", `backend: "tgi"`, `complete(item("s", "p", ""))`, `{"inputs":"s\n\np","parameters":{"best_of":1,"max_new_tokens":9,"decoder_input_details":false}}`},
		{"messages", `backend: "openai-chat"`, `complete(item("", "v", '[{"role":"user","content":"v","name":"x"}]'))`, `{"messages":[{"role":"user","content":"v","name":"x"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`},
		{"messages with the system's apart", `backend: "anthropic"`, `complete(item("", "v", ` + messages + `))`,
			`{"max_tokens":9,"system":"s","messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"},{"role":"user","content":"v"}],"stream":true}`},
		{"to be embedded", `backend: "embeddings"`, `embed(item("", "p", ""))`, `{"input":"p"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, body := sentBy(t, row.options, row.call); body != row.want {
				t.Errorf("\n got %s\nwant %s", body, row.want)
			}
		})
	}
}

// What cannot be sent is the failure of its request.
func TestItemCannotBeSent(t *testing.T) {
	for _, row := range []struct{ backend, item, want string }{
		{"openai-chat", `item("", "broken", "")`, "the disk is gone"},
		{"openai", `item("", "v", '[{"role":"user","content":"v"}]')`, `a list of messages, which backend "openai" does not take`},
		{"anthropic", `item("", "v", '[]')`, "no messages"},
	} {
		var r reply
		played(t, `return JSON.stringify(await new Endpoint({ backend: "`+row.backend+`", url: "http://127.0.0.1:1" }).complete(`+row.item+`));`, &r)
		if r.Error == nil || r.Error.Kind != "unsent" || !strings.Contains(r.Error.Message, row.want) {
			t.Errorf("%s: %+v", row.item, r.Error)
		}
	}
}
