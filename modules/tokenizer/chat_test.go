package tokenizer_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"weir/modules/tokenizer"
)

// Package dataset finds tokenizers by these.
var _ interface {
	ChatPrompt(messages []map[string]any, addGenerationPrompt bool) (string, error)
	HasChatTemplate() bool
	CountBatch(ctx context.Context, texts []string, special bool) ([]int, error)
} = (*tokenizer.Tokenizer)(nil)

func TestWhereTemplatesAreFrom(t *testing.T) {
	messages := []map[string]any{{"role": "user", "content": "hello"}}
	f := func(files map[string]string, want, wantErr string) {
		t.Helper()
		files["tokenizer.json"] = withBOS
		tok := loadFrom(t, folder(t, files))
		got, err := tok.ChatPrompt(messages, true)
		if wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), wantErr) {
				t.Errorf("%v: error %v, want one with %q", files, err, wantErr)
			}
			return
		}
		if err != nil || got != want || !tok.HasChatTemplate() {
			t.Errorf("%v: %q, %v, %t, want %q", files, got, err, tok.HasChatTemplate(), want)
		}
	}
	f(map[string]string{"tokenizer_config.json": `{"chat_template": "config {{ messages[0].content }}"}`}, "config hello", "")
	f(map[string]string{"tokenizer_config.json": `{"chat_template": "config"}`, "chat_template.jinja": "file\n"}, "file", "")
	f(map[string]string{"chat_template.json": `{"chat_template": "json"}`}, "json", "")
	f(map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}]}`}, "plain", "")
	f(map[string]string{"tokenizer_config.json": `{"chat_template": [{"name": "b", "template": ""}, {"name": "a", "template": ""}]}`}, "", "name one of a, b")
	f(map[string]string{"special_tokens_map.json": `{"bos_token": "<s>"}`, "chat_template.jinja": "{{ bos_token }}{{ eos_token is defined }}"}, "<s>False", "")
	f(map[string]string{}, "", "it has none")
	f(map[string]string{"chat_template.jinja": "\n{{ messages[0].x.y }}"}, "", "chat_template.jinja:2: undefined value: .x.y")
	f(map[string]string{"chat_template.jinja": "{% if %}"}, "", "chat_template.jinja:1: syntax error: unexpected end of block")
	f(map[string]string{"tokenizer_config.json": `{"chat_template": "\n\n{{ raise_exception('no') }}"}`}, "", "tokenizer_config.json:3: no")
}

func TestCountChat(t *testing.T) {
	tok := loadFrom(t, folder(t, map[string]string{"tokenizer.json": withBOS, "chat_template.jinja": "<s>{{ messages[0].content }}{% if tools %}!{% endif %}"}))
	messages := json.RawMessage(`[{"role": "user", "content": "hello world"}]`)
	f := func(o tokenizer.ChatOptions, want int) {
		t.Helper()
		if n, err := tok.CountChat(context.Background(), messages, o); n != want || err != nil {
			t.Errorf("CountChat with %v = %d, %v, want %d", o, n, err, want)
		}
	}
	f(tokenizer.ChatOptions{}, 3) // the template's <s>, and no other
	f(tokenizer.ChatOptions{Tools: json.RawMessage(`[{}]`)}, 4)
	f(tokenizer.ChatOptions{Template: "{{ messages[0].content }}{{ messages[0].thinking }}"}, 2)
}

// Reasoning has several names; templates find it under theirs. Keys without a
// value are not there.
func TestMessagesAreNormalized(t *testing.T) {
	tok := load(t, withBOS)
	messages := json.RawMessage(`[{"role": "assistant", "reasoning": "why", "tool_calls": null}]`)
	got, err := tok.ApplyChatTemplate(context.Background(), messages, tokenizer.ChatOptions{Template: "{{ messages[0] }}"})
	if want := "{'thinking': 'why', 'role': 'assistant', 'reasoning': 'why', 'reasoning_content': 'why'}"; got != want || err != nil {
		t.Errorf("the message is %s, %v, want %s", got, err, want)
	}
}
