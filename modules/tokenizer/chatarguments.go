package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

func applyChatTemplate(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	messages, o, err := chatArguments(rt, "applyChatTemplate", call)
	if err != nil {
		return nil, err
	}
	return t.ApplyChatTemplate(rt.Context(), messages, o)
}

func countChat(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	messages, o, err := chatArguments(rt, "countChat", call)
	if err != nil {
		return nil, err
	}
	return t.CountChat(rt.Context(), messages, o)
}

// messageList is implemented by what module weir/dataset makes of messages.
type messageList interface {
	AppendMessages(dst []byte) ([]byte, error)
}

// chatArguments reads (messages, {addGenerationPrompt = true, template, tools, …}).
func chatArguments(rt *script.Runtime, method string, call goja.FunctionCall) (messages json.RawMessage, o ChatOptions, err error) {
	o.AddGenerationPrompt = true
	what := "tokenizer." + method
	if messages, err = chatMessages(rt, call.Argument(0)); err != nil {
		return nil, o, fmt.Errorf("%s(messages): %w", what, err)
	}
	v := call.Argument(1)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return messages, o, nil
	}
	options, ok := v.(*goja.Object)
	if !ok {
		return nil, o, fmt.Errorf("%s: the options are %s, not an object such as {addGenerationPrompt: false}", what, v)
	}
	o.Variables = map[string]any{}
	for _, key := range options.Keys() {
		v := options.Get(key)
		if v == nil || goja.IsUndefined(v) {
			continue
		}
		switch name := snakeCase(key); name {
		case "add_generation_prompt":
			o.AddGenerationPrompt, err = boolean(method, options, key, true)
		case "template":
			if o.Template, ok = script.Export(v).(string); !ok {
				err = fmt.Errorf("%s: the template is %s, not a string", what, v)
			}
		case "messages":
			err = fmt.Errorf("%s: the messages are the first argument", what)
		case "tools":
			if o.Tools, err = plain(rt, v); err != nil {
				err = fmt.Errorf("%s: tools: %w", what, err)
			}
		default:
			if o.Variables[name], err = plain(rt, v); err != nil {
				err = fmt.Errorf("%s: %s: %w", what, key, err)
			}
		}
		if err != nil {
			return nil, o, err
		}
	}
	return messages, o, nil
}

func chatMessages(rt *script.Runtime, v goja.Value) (json.RawMessage, error) {
	if list, ok := script.ValueOf(v).(messageList); ok {
		return list.AppendMessages(nil)
	}
	if o, ok := v.(*goja.Object); !ok || o.ClassName() != "Array" {
		return nil, fmt.Errorf(`the messages are %s, not an array such as [{role: "user", content: "…"}]`, v)
	}
	return plain(rt, v)
}

// plain makes JSON of a script's value, nil of null, with the keys in their order.
func plain(rt *script.Runtime, v goja.Value) (json.RawMessage, error) {
	detached, err := rt.Detach(v)
	if err != nil || detached == nil {
		return nil, err
	}
	if detached, err = plainData(detached); err != nil {
		return nil, err
	}
	return json.Marshal(detached)
}

// plainData checks what a template can have. What is undefined in an array becomes
// null; JSON leaves it out of objects.
func plainData(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			var err error
			if v[i], err = plainData(item); err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
		}
		return v, nil
	case *script.Object:
		for i, key := range v.Keys {
			if _, undefined := v.Values[i].(goja.Value); undefined {
				continue
			}
			if _, err := plainData(v.Values[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return v, nil
	case goja.Value: // undefined
		return nil, nil
	case nil, bool, int64, float64, string:
		return v, nil
	}
	return nil, fmt.Errorf("a chat template takes texts, numbers, true and false, null, arrays and plain objects, not %T", v)
}

// snakeCase makes enable_thinking of enableThinking.
func snakeCase(name string) string {
	var b strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) {
			if i > 0 {
				b.WriteByte('_')
			}
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	return b.String()
}
