package script_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// words is a module with a promise, a class, and a count that all runtimes share.
type words struct{ counted atomic.Int64 }

func (m *words) Exports(rt *script.Runtime) (map[string]any, error) {
	text := rt.Class(script.Class{
		Name: "Text",
		New: func(call goja.ConstructorCall) (any, error) {
			if !goja.IsString(call.Argument(0)) {
				return nil, script.TypeErrorf("new Text: %s is no string", call.Argument(0))
			}
			return call.Argument(0).String(), nil
		},
		Getters: map[string]func(any) any{
			"length": func(self any) any { return len(self.(string)) },
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			// What takes time is a goroutine's; what it settles is made on the loop.
			"count": func(self any, _ goja.FunctionCall) (any, error) {
				promise, settle := rt.Promise()
				go func() {
					n := len(strings.Fields(self.(string)))
					m.counted.Add(int64(n))
					settle(func() (any, error) { return map[string]any{"words": n}, nil })
				}()
				return promise, nil
			},
		},
	})
	return map[string]any{"Text": text}, nil
}

func ExampleModule() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "count.ts")
	if err := os.WriteFile(path, []byte(`import { Text } from "weir/x/words";
		export default async function () {
			const text = new Text("a weir measures a stream");
			const { words } = await text.count();
			console.log(text.length + " characters, " + words + " words");
		}`), 0o600); err != nil {
		panic(err)
	}

	module := new(words)
	s, err := script.Load(path, script.Config{
		Modules: map[string]script.Module{"weir/x/words": module}, // in weir: script.Register, in an init function
		Console: os.Stdout,
	})
	if err != nil {
		panic(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		panic(err)
	}
	defer rt.Close()
	iteration, _ := goja.AssertFunction(rt.Export("default"))
	if err := rt.Wait(script.Task{Op: "iteration", Run: func(*goja.Runtime) (goja.Value, error) {
		return iteration(goja.Undefined())
	}}, nil); err != nil {
		panic(err)
	}
	fmt.Println(module.counted.Load(), "words in all")
	// Output:
	// 24 characters, 5 words
	// 5 words in all
}
