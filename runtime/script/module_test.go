package script_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// testModule is what the scripts of the tests import: enough natives to meet
// every way from Go to JavaScript and back.
type testModule struct{}

var errRefused = errors.New("the service refused")

func (testModule) Exports(r *script.Runtime) (map[string]any, error) {
	vm := r.VM()
	counter := r.Class(script.Class{
		Name: "Counter",
		New: func(call goja.ConstructorCall) (any, error) {
			if start := call.Argument(0); !goja.IsUndefined(start) && !goja.IsNumber(start) {
				return nil, script.TypeErrorf("Counter: the start must be a number, not %s", start)
			}
			return &counter{n: call.Argument(0).ToInteger()}, nil
		},
		Getters: map[string]func(any) any{
			"n":     func(self any) any { return self.(*counter).n },
			"names": func(self any) any { return []string{"a", "b"} },
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"add": func(self any, call goja.FunctionCall) (any, error) {
				self.(*counter).n += call.Argument(0).ToInteger()
				return self.(*counter).n, nil
			},
			"fail": func(any, goja.FunctionCall) (any, error) { return nil, errRefused },
			"@@iterator": func(self any, _ goja.FunctionCall) (any, error) {
				next := int64(0)
				return map[string]any{"next": func(goja.FunctionCall) goja.Value {
					next++
					return r.Attach(map[string]any{"done": next > self.(*counter).n, "value": next})
				}}, nil
			},
		},
	})
	r.Class(script.Class{Name: "Reply", Getters: map[string]func(any) any{
		"text": func(self any) any { return self.(string) },
	}})
	return map[string]any{
		"Counter": counter,
		"params": func(call goja.FunctionCall) goja.Value {
			spec, _ := call.Argument(0).(*goja.Object)
			v, err := r.Params(spec)
			if err != nil {
				r.Throw(err)
			}
			return v
		},
		// sleep settles from a goroutine.
		"sleep": func(call goja.FunctionCall) goja.Value {
			d, err := script.Duration(call.Argument(0))
			if err != nil {
				r.Throw(err)
			}
			promise, settle := r.Promise()
			ctx := r.Context()
			go func() {
				select {
				case <-time.After(d):
				case <-ctx.Done():
				}
				settle(func() (any, error) { return nil, ctx.Err() })
			}()
			return promise
		},
		// request answers a Reply, or rejects for "bad".
		"request": func(call goja.FunctionCall) goja.Value {
			text := call.Argument(0).String()
			promise, settle := r.Promise()
			go settle(func() (any, error) {
				if text == "bad" {
					return nil, fmt.Errorf("requesting %q: %w", text, errRefused)
				}
				return r.Instance("Reply", text), nil
			})
			return promise
		},
		"never": func(goja.FunctionCall) goja.Value {
			promise, _ := r.Promise()
			return promise
		},
		"current": func(goja.FunctionCall) goja.Value { return vm.ToValue(fmt.Sprint(r.Current())) },
		"group": func(call goja.FunctionCall) goja.Value {
			fn, _ := goja.AssertFunction(call.Argument(1))
			v, err := r.With(call.Argument(0).String(), func() (goja.Value, error) { return fn(goja.Undefined()) })
			if err != nil {
				r.Throw(err)
			}
			return v
		},
		"misuse": func(goja.FunctionCall) goja.Value {
			r.Throw(script.TypeErrorf("misuse: expected a string"))
			return nil
		},
		"copy": func(call goja.FunctionCall) goja.Value {
			v, err := r.Detach(call.Argument(0))
			if err != nil {
				r.Throw(err)
			}
			return r.Attach(v)
		},
	}, nil
}

type counter struct{ n int64 }

// Object makes counters go from one runtime to another by reference.
func (c *counter) Object(r *script.Runtime) *goja.Object { return r.Instance("Counter", c) }
