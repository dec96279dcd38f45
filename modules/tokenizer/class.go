package tokenizer

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const (
	className        = "Tokenizer"
	decoderClassName = "TokenDecoder"
)

// methodFunc is a method of the class: self is the instance's tokenizer.
type methodFunc = func(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error)

// class makes the class that tokenizer.d.ts describes. Of no module, it has
// instances but no constructor.
func (m *Module) class(rt *script.Runtime) *goja.Object {
	rt.Class(decoderClass(rt))
	c := script.Class{Name: className, Methods: map[string]func(any, goja.FunctionCall) (any, error){}, Getters: getters(rt)}
	for name, method := range map[string]methodFunc{
		"encode":            encode,
		"count":             count,
		"decode":            decode,
		"encodeBatch":       encodeBatch,
		"countBatch":        countBatch,
		"decodeBatch":       decodeBatch,
		"decoder":           newDecoder,
		"token":             token,
		"id":                id,
		"applyChatTemplate": applyChatTemplate,
		"countChat":         countChat,
	} {
		c.Methods[name] = func(self any, call goja.FunctionCall) (any, error) {
			return method(rt, self.(*Tokenizer), call)
		}
	}
	if m != nil {
		c.New = func(call goja.ConstructorCall) (any, error) {
			path, ok := script.Export(call.Argument(0)).(string)
			if !ok {
				return nil, fmt.Errorf(`new Tokenizer(path): the path is %s, not a string: name a tokenizer.json, the directory that contains it, or "builtin"`, call.Argument(0))
			}
			if path != Builtin && path != "" {
				at, err := rt.Script().ReadPath(path)
				if missing, ok := errors.AsType[*script.ParamError](err); ok {
					missing.Hint = `name a tokenizer.json, the model's directory that contains it, or "builtin"`
				}
				if err != nil {
					return nil, &script.ParamError{Message: "load tokenizer: " + err.Error()}
				}
				path = at
			}
			t, err := m.load(path, rt.Script().Access())
			if err != nil { // a wrong path is a wrong setting, no fault of the script
				return nil, &script.ParamError{Message: err.Error()}
			}
			return t, nil
		}
	}
	return rt.Class(c)
}

// Object implements script.Shared: a tokenizer goes to other runtimes by
// reference.
func (t *Tokenizer) Object(rt *script.Runtime) *goja.Object {
	t.module.class(rt)
	return rt.Instance(className, t)
}

func getters(rt *script.Runtime) map[string]func(any) any {
	get := func(f func(t *Tokenizer) any) func(any) any {
		return func(self any) any { return f(self.(*Tokenizer)) }
	}
	text := func(f func(t *Tokenizer) string) func(any) any {
		return get(func(t *Tokenizer) any {
			if s := f(t); s != "" {
				return s
			}
			return nil
		})
	}
	yes := func(f func(t *Tokenizer) *bool) func(any) any {
		return get(func(t *Tokenizer) any {
			if b := f(t); b != nil {
				return *b
			}
			return nil
		})
	}
	return map[string]func(any) any{
		"path":            get(func(t *Tokenizer) any { return t.Path() }),
		"vocabSize":       get(func(t *Tokenizer) any { return t.VocabSize() }),
		"totalVocabSize":  get(func(t *Tokenizer) any { return t.TotalVocabSize() }),
		"hasChatTemplate": get(func(t *Tokenizer) any { return t.HasChatTemplate() }),
		"bosToken":        text(func(t *Tokenizer) string { return t.config.BOS }),
		"eosToken":        text(func(t *Tokenizer) string { return t.config.EOS }),
		"addBosToken":     yes(func(t *Tokenizer) *bool { return t.config.AddBOS }),
		"addEosToken":     yes(func(t *Tokenizer) *bool { return t.config.AddEOS }),
		"modelMaxLength": get(func(t *Tokenizer) any {
			if n := t.config.maxLength; n > 0 {
				return n
			}
			return nil
		}),
		"specialTokens": get(func(t *Tokenizer) any {
			var list []any
			for _, id := range t.vocab.specials() {
				o := rt.VM().NewObject()
				_ = o.Set("id", id)
				_ = o.Set("text", t.vocab.tokens[id])
				list = append(list, o)
			}
			return rt.VM().NewArray(list...)
		}),
	}
}

func encode(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	text, special, err := textArguments(rt, "encode", call)
	if err != nil {
		return nil, err
	}
	ids, err := t.encode(rt.Context(), text, special)
	if err != nil {
		return nil, err
	}
	return array(rt, ids), nil
}

func count(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	text, special, err := textArguments(rt, "count", call)
	if err != nil {
		return nil, err
	}
	ids, err := t.encode(rt.Context(), text, special)
	return len(ids), err
}

func decode(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	ids, err := tokenIDs(rt, "tokenizer.decode(ids)", call.Argument(0))
	if err != nil {
		return nil, err
	}
	skip, err := option(rt, "decode", call.Argument(1), "skipSpecialTokens", false)
	if err != nil {
		return nil, err
	}
	return t.decode(ids, skip)
}

func encodeBatch(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	texts, special, err := textsArguments(rt, "encodeBatch", call)
	if err != nil {
		return nil, err
	}
	lists, err := t.EncodeBatch(rt.Context(), texts, special)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(lists))
	for i, ids := range lists {
		out[i] = array(rt, ids)
	}
	return rt.VM().NewArray(out...), nil
}

func countBatch(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	texts, special, err := textsArguments(rt, "countBatch", call)
	if err != nil {
		return nil, err
	}
	counts, err := t.CountBatch(rt.Context(), texts, special)
	if err != nil {
		return nil, err
	}
	return array(rt, counts), nil
}

func decodeBatch(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	var lists [][]int
	err := forEach(rt, "tokenizer.decodeBatch(lists): the lists are %s, not an array of arrays of numbers", call.Argument(0), func(i int, v goja.Value) error {
		ids, err := tokenIDs(rt, fmt.Sprintf("tokenizer.decodeBatch(lists): list %d", i), v)
		lists = append(lists, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	skip, err := option(rt, "decodeBatch", call.Argument(1), "skipSpecialTokens", false)
	if err != nil {
		return nil, err
	}
	texts, err := t.DecodeBatch(rt.Context(), lists, skip)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return rt.VM().NewArray(out...), nil
}

func token(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	id, ok := wholeNumber(call.Argument(0))
	if !ok {
		return nil, fmt.Errorf("tokenizer.token(id): %s is not a token id (a whole number)", call.Argument(0))
	}
	if text, ok := t.Token(id); ok {
		return text, nil
	}
	return nil, nil
}

func id(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	text, ok := script.Export(call.Argument(0)).(string)
	if !ok {
		return nil, fmt.Errorf("tokenizer.id(token): the token is %s, not a string", call.Argument(0))
	}
	if id, ok := t.ID(text); ok {
		return id, nil
	}
	return nil, nil
}

func newDecoder(rt *script.Runtime, t *Tokenizer, call goja.FunctionCall) (any, error) {
	skip, err := option(rt, "decoder", call.Argument(0), "skipSpecialTokens", false)
	if err != nil {
		return nil, err
	}
	return rt.Instance(decoderClassName, t.NewDecoder(skip)), nil
}

func decoderClass(rt *script.Runtime) script.Class {
	return script.Class{Name: decoderClassName, Methods: map[string]func(any, goja.FunctionCall) (any, error){
		"push": func(self any, call goja.FunctionCall) (any, error) {
			if id, ok := wholeNumber(call.Argument(0)); ok {
				return self.(*Decoder).Push(id)
			}
			ids, err := tokenIDs(rt, "decoder.push(ids)", call.Argument(0))
			if err != nil {
				return nil, err
			}
			return self.(*Decoder).Push(ids...)
		},
		"end": func(self any, _ goja.FunctionCall) (any, error) { return self.(*Decoder).End() },
	}}
}
