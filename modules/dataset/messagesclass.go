package dataset

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const messagesClassName = "Messages"

// messagesClass makes the class that dataset.d.ts describes.
func messagesClass(rt *script.Runtime) *goja.Object {
	parse := jsonParser(rt)
	return rt.Class(script.Class{
		Name: messagesClassName,
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"toJSON": func(self any, _ goja.FunctionCall) (any, error) {
				text, err := self.(*Messages).AppendMessages(nil)
				if err != nil {
					return nil, err
				}
				return parse(text)
			},
		},
	})
}

// Object implements script.Shared: messages go to other runtimes by reference.
func (m *Messages) Object(rt *script.Runtime) *goja.Object {
	messagesClass(rt)
	return rt.Instance(messagesClassName, m)
}

// messages is messages(list): the same as the list, but that media in a
// message's content do not become strings of the script.
func (k *maker) messages(call goja.FunctionCall) (script.Shared, error) {
	list, ok := call.Argument(0).(*goja.Object)
	if !ok || list.ClassName() != "Array" || list.Get("length").ToInteger() == 0 {
		return nil, fmt.Errorf(`messages: the argument is %s, not a list of messages such as [{ role: "user", content: ["What is this?", image] }]`, call.Argument(0))
	}
	m := new(Messages)
	for i := range int(list.Get("length").ToInteger()) {
		message, ok := list.Get(strconv.Itoa(i)).(*goja.Object)
		if !ok || message.Get("role") == nil || goja.IsUndefined(message.Get("role")) {
			return nil, fmt.Errorf("messages: message %d is no object with a role and a content", i+1)
		}
		m.text(i == 0, "[", ",")
		first := true
		for _, key := range message.Keys() {
			value := message.Get(key)
			if goja.IsUndefined(value) {
				continue // as JSON.stringify does
			}
			m.text(first, "{", ",")
			first = false
			m.pieces = append(m.pieces, piece{text: key}, piece{json: ":"})
			parts, isObject := value.(*goja.Object)
			var err error
			if key == "content" && isObject && parts.ClassName() == "Array" && parts.Get("length").ToInteger() > 0 {
				err = m.content(parts)
			} else {
				err = m.value(value)
			}
			if err != nil {
				return nil, fmt.Errorf("messages: message %d: %s: %w", i+1, key, err)
			}
		}
		m.pieces = append(m.pieces, piece{json: "}"})
	}
	m.pieces = append(m.pieces, piece{json: "]"})
	return m, nil
}

func (m *Messages) text(first bool, open, more string) {
	if !first {
		open = more
	}
	m.pieces = append(m.pieces, piece{json: open})
}

// content adds the parts of a message: texts, media, and parts as they are.
func (m *Messages) content(parts *goja.Object) error {
	for i := range int(parts.Get("length").ToInteger()) {
		m.text(i == 0, "[", ",")
		part := parts.Get(strconv.Itoa(i))
		if media, ok := script.ValueOf(part).(*Media); ok {
			m.pieces = append(m.pieces, piece{media: media})
			continue
		}
		if goja.IsString(part) {
			m.pieces = append(m.pieces, piece{json: `{"type":"text","text":`}, piece{text: part.String()}, piece{json: "}"})
			continue
		}
		if err := m.value(part); err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	m.pieces = append(m.pieces, piece{json: "]"})
	return nil
}

// value adds a value as JSON.stringify writes it.
func (m *Messages) value(v goja.Value) error {
	if goja.IsString(v) {
		m.pieces = append(m.pieces, piece{text: v.String()})
		return nil
	}
	var text []byte
	var err error
	if o, ok := v.(*goja.Object); ok {
		if _, isFunction := goja.AssertFunction(o); isFunction {
			return fmt.Errorf("a function cannot be written as JSON")
		}
		text, err = json.Marshal(o) // goja's objects do what JSON.stringify does
	} else {
		text, err = json.Marshal(script.Export(v))
	}
	if err != nil {
		return err
	}
	m.pieces = append(m.pieces, piece{json: string(text)})
	return nil
}
