package tokenizer

import (
	"fmt"
	"math"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const className = "Tokenizer"

// class makes the class that tokenizer.d.ts describes. Of no module, it has
// instances but no constructor.
func (m *Module) class(rt *script.Runtime) *goja.Object {
	vm := rt.VM()
	c := script.Class{
		Name: className,
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"encode": func(self any, call goja.FunctionCall) (any, error) {
				text, special, err := textArguments(vm, "encode", call)
				if err != nil {
					return nil, err
				}
				ids, err := self.(*Tokenizer).encode(text, special)
				if err != nil {
					return nil, err
				}
				items := make([]any, len(ids))
				for i, id := range ids {
					items[i] = int(id)
				}
				return vm.NewArray(items...), nil
			},
			"count": func(self any, call goja.FunctionCall) (any, error) {
				text, special, err := textArguments(vm, "count", call)
				if err != nil {
					return nil, err
				}
				ids, err := self.(*Tokenizer).encode(text, special)
				return len(ids), err
			},
			"decode": func(self any, call goja.FunctionCall) (any, error) {
				ids, err := tokenIDs(vm, call.Argument(0))
				if err != nil {
					return nil, err
				}
				skip, err := option(vm, "decode", call.Argument(1), "skipSpecialTokens", false)
				if err != nil {
					return nil, err
				}
				return self.(*Tokenizer).decode(ids, skip)
			},
		},
		Getters: map[string]func(any) any{
			"path":           func(self any) any { return self.(*Tokenizer).Path() },
			"vocabSize":      func(self any) any { return self.(*Tokenizer).VocabSize() },
			"totalVocabSize": func(self any) any { return self.(*Tokenizer).TotalVocabSize() },
		},
	}
	if m != nil {
		c.New = func(call goja.ConstructorCall) (any, error) {
			path, ok := call.Argument(0).Export().(string)
			if !ok {
				return nil, fmt.Errorf(`new Tokenizer(path): the path is %s, not a string: name a tokenizer.json, the directory that contains it, or "builtin"`, call.Argument(0))
			}
			t, err := m.Load(path)
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

// textArguments reads (text, {addSpecialTokens = true}).
func textArguments(vm *goja.Runtime, method string, call goja.FunctionCall) (text string, special bool, err error) {
	text, ok := call.Argument(0).Export().(string)
	if !ok {
		return "", false, fmt.Errorf("tokenizer.%s(text): the text is %s, not a string", method, call.Argument(0))
	}
	special, err = option(vm, method, call.Argument(1), "addSpecialTokens", true)
	return text, special, err
}

// option reads the one boolean that an options object may have.
func option(vm *goja.Runtime, method string, v goja.Value, name string, otherwise bool) (bool, error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return otherwise, nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return false, fmt.Errorf("tokenizer.%s: the options are %s, not an object such as {%s: %t}", method, v, name, !otherwise)
	}
	for _, key := range o.Keys() {
		if key != name {
			return false, fmt.Errorf("tokenizer.%s: there is no option %q; there is %q", method, key, name)
		}
	}
	value := o.Get(name)
	if value == nil || goja.IsUndefined(value) {
		return otherwise, nil
	}
	b, ok := value.Export().(bool)
	if !ok {
		return false, fmt.Errorf("tokenizer.%s: %s is %s, not true or false", method, name, value)
	}
	return b, nil
}

// tokenIDs reads an array, typed array or any other iterable of whole numbers.
func tokenIDs(vm *goja.Runtime, v goja.Value) (ids []int, err error) {
	o, ok := v.(*goja.Object)
	if !ok || o.GetSymbol(goja.SymIterator) == nil {
		return nil, fmt.Errorf("tokenizer.decode(ids): the ids are %s, not an array of numbers", v)
	}
	thrown := vm.Try(func() {
		vm.ForOf(v, func(item goja.Value) bool {
			var f float64
			switch n := item.Export().(type) {
			case int64:
				f = float64(n)
			case float64:
				f = n
			default:
				f = math.NaN()
			}
			if f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
				err = fmt.Errorf("tokenizer.decode(ids): item %d is %s, not a token id (a whole number)", len(ids), item)
				return false
			}
			ids = append(ids, int(f))
			return true
		})
	})
	if err == nil && thrown != nil {
		err = thrown // by the iterator
	}
	return ids, err
}
