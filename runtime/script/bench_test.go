package script_test

import (
	"testing"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// benchmarkTasks runs b.N calls of the default export, 32 in flight.
func benchmarkTasks(b *testing.B, source string) {
	r := start(b, source, nil)
	var call goja.Callable
	if err := r.Wait(script.Task{Run: func(*goja.Runtime) (goja.Value, error) {
		call, _ = goja.AssertFunction(r.Export("default"))
		return nil, nil
	}}, nil); err != nil {
		b.Fatal(err)
	}
	slots := make(chan struct{}, 32)
	task := script.Task{
		Op:   "iteration",
		Run:  func(*goja.Runtime) (goja.Value, error) { return call(goja.Undefined()) },
		Done: func(goja.Value, error) { <-slots },
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		slots <- struct{}{}
		r.Start(task)
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
}

func BenchmarkEmptyFunction(b *testing.B) {
	benchmarkTasks(b, `export default function () {}`)
}

func BenchmarkEmptyAsyncFunction(b *testing.B) {
	benchmarkTasks(b, `export default async function () {}`)
}

func BenchmarkAwaitedPromise(b *testing.B) {
	benchmarkTasks(b, `import { request } from "weir"; export default async function () { await request("x"); }`)
}

func BenchmarkAwaitedPromiseAndFields(b *testing.B) {
	benchmarkTasks(b, `import { request } from "weir"; export default async function () { const r = await request("x"); if (r.text !== "x") throw 1; }`)
}

// Bodies of requests, as they leave their runtime (weir/http, extra of weir/llm), beside
// what goja itself makes of them without a bound.
func BenchmarkExport(b *testing.B) {
	for name, code := range map[string]string{
		"text of 4 KB": `({ model: "m", stream: true, max_tokens: 128, prompt: "x".repeat(4096) })`,
		"32 messages":  `({ model: "m", stream: true, max_tokens: 128, messages: Array.from({ length: 32 }, (_, i) => ({ role: i % 2 ? "user" : "assistant", content: "word ".repeat(25) })) })`,
		"4096 tokens":  `({ model: "m", prompt: Array.from({ length: 4096 }, (_, i) => i) })`,
	} {
		v, err := goja.New().RunString(code)
		if err != nil {
			b.Fatal(err)
		}
		for of, export := range map[string]func(goja.Value) any{"weir": script.Export, "goja": goja.Value.Export} {
			b.Run(name+"/"+of, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					export(v)
				}
			})
		}
	}
}
