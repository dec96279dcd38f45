package script_test

import (
	"fmt"
	"testing"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// What leaves its runtime is what goja makes of it, but never more than there is memory for.
func TestExport(t *testing.T) {
	f := func(code, want string) {
		t.Helper()
		v, err := goja.New().RunString("(" + code + ")")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%T %[1]v", script.Export(v)); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	f(`undefined`, "<nil> <nil>")
	f(`"a"`, "string a")
	f(`3`, "int64 3")
	f(`new Number(1)`, "int64 1")
	f(`[1, "b", [true]]`, "[]interface {} [1 b [true]]")
	f(`[, 1]`, "[]interface {} [<nil> 1]")
	f(`{ a: { b: [null] }, get c() { return 2.5; } }`, "map[string]interface {} map[a:map[b:[<nil>]] c:2.5]")
	// too much, or no plain data
	f(`(() => { const a = []; a.length = 4e9; return a; })()`, "<nil> <nil>")
	f(`(() => { const a = []; a[4e9] = 1; return { a }; })()`, "<nil> <nil>")
	f(`(() => { let n = 0; const a = []; a.length = 4e9; return { get a() { return n++ ? a : 1; } , get b() { return n++ ? a : 1; } }; })()`, "<nil> <nil>")
	f(`(() => { const a = []; a.push(a); return a; })()`, "<nil> <nil>")
	f(`(() => { let a = []; for (let i = 0; i < 60; i++) a = [a, a]; return a; })()`, "<nil> <nil>")
	f(`new Map([[1, 2]])`, "<nil> <nil>")
	f(`[new Set([1])]`, "[]interface {} [<nil>]")
	if script.Export(nil) != nil {
		t.Error("nil is something")
	}
}
