package tokenizer

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dop251/goja"

	"weir/modules/tokenizer/jinja"
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
func chatArguments(rt *script.Runtime, method string, call goja.FunctionCall) (messages any, o ChatOptions, err error) {
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
			if o.Template, ok = v.Export().(string); !ok {
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

func chatMessages(rt *script.Runtime, v goja.Value) (any, error) {
	if list, ok := script.ValueOf(v).(messageList); ok {
		data, err := list.AppendMessages(nil)
		if err != nil {
			return nil, err
		}
		return jinja.FromJSON(data)
	}
	if o, ok := v.(*goja.Object); !ok || o.ClassName() != "Array" {
		return nil, fmt.Errorf(`the messages are %s, not an array such as [{role: "user", content: "…"}]`, v)
	}
	return plain(rt, v)
}

// plain makes the value of a template from that of a script.
func plain(rt *script.Runtime, v goja.Value) (any, error) {
	detached, err := rt.Detach(v)
	if err != nil {
		return nil, err
	}
	return fromDetached(detached)
}

func fromDetached(v any) (any, error) {
	switch v := v.(type) {
	case goja.Value: // undefined
		return nil, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = fromDetached(item); err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
		}
		return jinja.List(out...), nil
	case *script.Object:
		d := jinja.NewDict()
		for i, key := range v.Keys {
			if _, undefined := v.Values[i].(goja.Value); undefined {
				continue
			}
			value, err := fromDetached(v.Values[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			d.Set(key, value)
		}
		return d, nil
	case nil, bool, int64, float64, string:
		return jinja.From(v)
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
