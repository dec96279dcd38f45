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
