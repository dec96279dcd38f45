package tokenizer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"weir/modules/tokenizer/chattemplate"
)

// ChatOptions say how messages become a text.
type ChatOptions struct {
	AddGenerationPrompt bool            // end with the beginning of an answer
	Template            string          // the name of one of the tokenizer's templates, or a template; "": the tokenizer's
	Tools               json.RawMessage // nil, or a list
	Variables           map[string]any  // further ones of the template, for package encoding/json
}

// templates keeps the templates that have been parsed, by name or text.
type templates struct {
	mu     sync.Mutex
	parsed map[string]*chattemplate.Template
}

// maxTemplates bounds how many are kept: a script could make new ones without end.
const maxTemplates = 64

// HasChatTemplate is true when the model came with a chat template.
func (t *Tokenizer) HasChatTemplate() bool { return len(t.config.templates) > 0 }

// ChatPrompt is the text that messages become with the model's chat template. The
// keys of maps within them, which a few templates print, are in alphabetical order.
func (t *Tokenizer) ChatPrompt(messages []map[string]any, addGenerationPrompt bool) (string, error) {
	list, err := json.Marshal(messages)
	if err != nil {
		return "", fmt.Errorf("render the chat template of %s: messages: %w", t.Path(), err)
	}
	return t.ApplyChatTemplate(context.Background(), list, ChatOptions{AddGenerationPrompt: addGenerationPrompt})
}

// ApplyChatTemplate is the text that messages, a list of objects, become with a
// chat template, as by Hugging Face's apply_chat_template. Errors of the template
// name its file and line. It returns early when ctx ends.
func (t *Tokenizer) ApplyChatTemplate(ctx context.Context, messages json.RawMessage, o ChatOptions) (string, error) {
	text, err := t.applyChatTemplate(ctx, messages, o)
	if err != nil {
		return "", fmt.Errorf("render the chat template of %s: %w", t.Path(), err)
	}
	return text, nil
}

func (t *Tokenizer) applyChatTemplate(ctx context.Context, messages json.RawMessage, o ChatOptions) (string, error) {
	template, err := t.template(o)
	if err != nil {
		return "", err
	}
	list, err := normalMessages(messages)
	if err != nil {
		return "", err
	}
	variables := maps.Clone(t.config.variables)
	if variables == nil {
		variables = map[string]any{}
	}
	maps.Copy(variables, o.Variables)
	variables["messages"] = list
	variables["tools"] = o.Tools
	variables["documents"] = o.Variables["documents"]
	variables["add_generation_prompt"] = o.AddGenerationPrompt
	return template.Render(ctx, variables)
}

// CountChat is the number of tokens of messages with a chat template. No special
// tokens are added: the template has them.
func (t *Tokenizer) CountChat(ctx context.Context, messages json.RawMessage, o ChatOptions) (int, error) {
	text, err := t.ApplyChatTemplate(ctx, messages, o)
	if err != nil {
		return 0, err
	}
	ids, err := t.encode(ctx, text, false)
	return len(ids), err
}

// template returns the parsed template that options ask for.
func (t *Tokenizer) template(o ChatOptions) (*chattemplate.Template, error) {
	found, err := t.templateText(o)
	if err != nil {
		return nil, err
	}
	key := found.file + "\x00" + found.text
	t.chat.mu.Lock()
	defer t.chat.mu.Unlock()
	if parsed := t.chat.parsed[key]; parsed != nil {
		return parsed, nil
	}
	parsed, err := chattemplate.Parse(found.file, found.text)
	if err != nil {
		return nil, err
	}
	if t.chat.parsed == nil || len(t.chat.parsed) >= maxTemplates {
		t.chat.parsed = map[string]*chattemplate.Template{}
	}
	t.chat.parsed[key] = parsed
	return parsed, nil
}

func (t *Tokenizer) templateText(o ChatOptions) (chatTemplate, error) {
	all := t.config.templates
	names := strings.Join(slices.Sorted(maps.Keys(all)), ", ")
	if o.Template != "" {
		if found, ok := all[o.Template]; ok {
			return found, nil
		}
		if !strings.Contains(o.Template, "{") {
			return chatTemplate{}, fmt.Errorf("there is no template named %q (there are: %s), and it is no template itself, which would have braces", o.Template, names)
		}
		return chatTemplate{"template", o.Template}, nil
	}
	if found, ok := all["tool_use"]; ok && o.Tools != nil {
		return found, nil
	}
	if found, ok := all[defaultTemplate]; ok {
		return found, nil
	}
	if len(all) > 0 {
		return chatTemplate{}, fmt.Errorf("it has several templates and none is the default: name one of %s", names)
	}
	return chatTemplate{}, errors.New("it has none: neither tokenizer_config.json nor chat_template.jinja beside it gives one; " +
		"models that are not trained for chats have none, else copy these files from the model's repository or give a template")
}

// normalMessages changes messages as transformers does before it renders them:
// keys without a value go, and reasoning gets all the names that templates know.
func normalMessages(messages json.RawMessage) ([]object, error) {
	var list []json.RawMessage
	if json.Unmarshal(messages, &list) != nil || list == nil {
		return nil, errors.New("the messages are not a list")
	}
	if len(list) == 0 {
		return nil, errors.New("the list of messages is empty")
	}
	out := make([]object, len(list))
	for i, raw := range list {
		var message object
		if err := json.Unmarshal(raw, &message); err != nil {
			return nil, fmt.Errorf("message %d is not an object such as {role: \"user\", content: \"…\"}", i)
		}
		message = slices.DeleteFunc(message, func(f field) bool { return string(f.value) == "null" })
		for _, name := range []string{"reasoning_content", "thinking", "reasoning"} {
			if reasoning := message.get(name); reasoning != nil {
				normal := object{{"thinking", reasoning}}
				for _, f := range message {
					normal = normal.set(f.name, f.value)
				}
				message = normal.set("reasoning_content", reasoning)
				break
			}
		}
		out[i] = message
	}
	return out, nil
}

// object is a JSON object, its keys in their order.
type object []field

type field struct {
	name  string
	value json.RawMessage
}

func (o object) get(name string) json.RawMessage {
	if i := slices.IndexFunc(o, func(f field) bool { return f.name == name }); i >= 0 {
		return o[i].value
	}
	return nil
}

// set adds or replaces a key, as the last one of the same name in JSON does.
func (o object) set(name string, value json.RawMessage) object {
	if i := slices.IndexFunc(o, func(f field) bool { return f.name == name }); i >= 0 {
		o[i].value = value
		return o
	}
	return append(o, field{name, value})
}

func (o *object) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return errors.New("not an object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = o.set(name.(string), value)
	}
	return nil
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), f.value...)
	}
	return append(b, '}'), nil
}
