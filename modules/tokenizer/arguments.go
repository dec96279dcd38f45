package tokenizer

import (
	"fmt"
	"math"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// textArguments reads (text, {addSpecialTokens = true}).
func textArguments(rt *script.Runtime, method string, call goja.FunctionCall) (text string, special bool, err error) {
	text, ok := script.Export(call.Argument(0)).(string)
	if !ok {
		return "", false, fmt.Errorf("tokenizer.%s(text): the text is %s, not a string", method, call.Argument(0))
	}
	special, err = option(rt, method, call.Argument(1), "addSpecialTokens", true)
	return text, special, err
}

// textsArguments reads (texts, {addSpecialTokens = true}).
func textsArguments(rt *script.Runtime, method string, call goja.FunctionCall) (texts []string, special bool, err error) {
	what := "tokenizer." + method + "(texts): "
	err = forEach(rt, what+"the texts are %s, not an array of strings", call.Argument(0), func(i int, v goja.Value) error {
		text, ok := script.Export(v).(string)
		if !ok {
			return fmt.Errorf("%sitem %d is %s, not a string", what, i, v)
		}
		texts = append(texts, text)
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	special, err = option(rt, method, call.Argument(1), "addSpecialTokens", true)
	return texts, special, err
}

// option reads the one boolean that an options object may have.
func option(rt *script.Runtime, method string, v goja.Value, name string, otherwise bool) (bool, error) {
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
	return boolean(method, o, name, otherwise)
}

func boolean(method string, o *goja.Object, name string, otherwise bool) (bool, error) {
	value := o.Get(name)
	if value == nil || goja.IsUndefined(value) {
		return otherwise, nil
	}
	b, ok := script.Export(value).(bool)
	if !ok {
		return false, fmt.Errorf("tokenizer.%s: %s is %s, not true or false", method, name, value)
	}
	return b, nil
}

// forEach goes through an array, typed array or any other iterable. wrong is the
// error text for another value, with a %s for it; a string is one.
func forEach(rt *script.Runtime, wrong string, v goja.Value, f func(i int, v goja.Value) error) error {
	o, ok := v.(*goja.Object)
	if !ok || o.GetSymbol(goja.SymIterator) == nil {
		return fmt.Errorf(wrong, v)
	}
	var err error
	i := 0
	thrown := rt.VM().Try(func() {
		rt.VM().ForOf(v, func(item goja.Value) bool {
			err = f(i, item)
			i++
			return err == nil
		})
	})
	if err == nil && thrown != nil {
		err = thrown // by the iterator
	}
	return err
}

// tokenIDs reads an iterable of whole numbers; what names it.
func tokenIDs(rt *script.Runtime, what string, v goja.Value) (ids []int, err error) {
	err = forEach(rt, what+": the ids are %s, not an array of numbers", v, func(i int, v goja.Value) error {
		id, ok := wholeNumber(v)
		if !ok {
			return fmt.Errorf("%s: item %d is %s, not a token id (a whole number)", what, i, v)
		}
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

func wholeNumber(v goja.Value) (int, bool) {
	switch n := script.Export(v).(type) {
	case int64:
		return int(n), n <= math.MaxInt32 && n >= -math.MaxInt32
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	}
	return 0, false
}

// array makes a JavaScript array.
func array[T int | uint32](rt *script.Runtime, numbers []T) *goja.Object {
	items := make([]any, len(numbers))
	for i, n := range numbers {
		items[i] = int(n)
	}
	return rt.VM().NewArray(items...)
}
