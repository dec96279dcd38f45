package script_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/access"
	"weir/runtime/script"
)

// guarded loads a script with limits, and tells a context's end and the breach when it
// passes one.
func guarded(t *testing.T, source string, l script.Limits, console io.Writer) (s *script.Script, ctx context.Context, breach chan *script.Breach) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.ts")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir": testModule{}}, Limits: l, Console: console})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	breach = make(chan *script.Breach, 1)
	release := s.Guard(func(b *script.Breach) {
		breach <- b
		cancel()
	}, func(b *script.Breach) { t.Errorf("stuck: %v", b) })
	t.Cleanup(release)
	return s, ctx, breach
}

// Code that has no end is ended, in whatever way it goes on.
func TestGuardEnds(t *testing.T) {
	for name, source := range map[string]string{
		"a loop in init code": `let n = 0; while (true) n++;`,
		"promises":            `const f = () => Promise.resolve().then(f); f();`,
		"timers":              `const f = () => setTimeout(f, 0); f();`,
		"a sort":              `[1, 2].sort(() => { while (true); });`,
		"a getter":            `JSON.stringify({ get x() { while (true); } });`,
		"toJSON":              `JSON.stringify({ toJSON() { while (true); } });`,
		"a proxy":             `Object.keys(new Proxy({}, { ownKeys() { while (true); } }));`,
		"a finally block":     `try { throw 1 } finally { while (true); }`,
		"text replaced":       `"x".replace("x", () => { while (true); });`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var console bytes.Buffer
			s, ctx, breach := guarded(t, "console.log(1);\n\n"+source, script.Limits{Time: 50 * time.Millisecond}, &console)
			r, err := s.NewRuntime(ctx, 0)
			if r != nil {
				r.Close() // init code is at its end when a timer of it is cut off
			} else if !errors.Is(err, script.ErrInterrupted) {
				t.Errorf("it ended with %v", err)
			}
			b := <-breach
			if !strings.Contains(b.Error(), "ran for 50ms") || !strings.Contains(b.Hint, "--script-time-limit") {
				t.Errorf("the message is %q", b)
			}
			// The time may be over before the code has begun, or between two turns of it.
			if begun, turns := console.Len() > 0, name == "timers" || name == "promises"; begun && !turns && !strings.Contains(b.Problem(), "ended at ") {
				t.Errorf("the message is %q, without a place", b.Problem())
			}
		})
	}
}

// What a script has written is held to its limit; no more is on the disk than its size says.
func TestGuardWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main.ts")
	if err := os.WriteFile(path, []byte("export default () => {};"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := func(bytes int64, ended bool) {
		t.Helper()
		a := access.New(access.Rules{Limited: true, Dir: dir})
		a.Out(t.TempDir())
		s, err := script.Load(path, script.Config{Access: a, Limits: script.Limits{Written: 1e9}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a.csv", "b/c.csv"} {
			file, err := a.Write(name)
			if err == nil {
				err = os.MkdirAll(filepath.Dir(file), 0o755)
			}
			if err == nil {
				err = os.WriteFile(file, nil, 0o644)
			}
			if err == nil {
				err = os.Truncate(file, bytes/2)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			var breach *script.Breach
			release := s.Guard(func(b *script.Breach) { breach = b }, func(b *script.Breach) { t.Errorf("stuck: %v", b) })
			time.Sleep(3 * time.Second) // it is looked at once a second
			release()
			if (breach != nil) != ended || ended && !strings.Contains(breach.Error(), "written more than 1000 MB to files") {
				t.Errorf("%d bytes: %v, want an end %t", bytes, breach, ended)
			}
		})
	}
	f(1e9, false)
	f(1e9+2, true)
}

// What waits is not busy, and neither is a loop that is told to be paused.
func TestGuardLets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, breach := guarded(t, `export const wait = () => new Promise((done) => setTimeout(done, 150));`, script.Limits{Time: 50 * time.Millisecond}, nil)
		r, err := s.NewRuntime(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		wait, _ := goja.AssertFunction(r.Export("wait"))
		for _, run := range []func(*goja.Runtime) (goja.Value, error){
			func(*goja.Runtime) (goja.Value, error) { return wait(goja.Undefined()) },
			func(*goja.Runtime) (goja.Value, error) {
				defer r.Pause()()
				time.Sleep(150 * time.Millisecond)
				return nil, nil
			},
		} {
			if err := r.Wait(script.Task{Run: run}, nil); err != nil {
				t.Error(err)
			}
		}
		select {
		case b := <-breach:
			t.Errorf("it was ended: %v", b)
		default:
		}
	})
}

// A number alone gets no more memory than engines give; what they allow stays possible.
func TestBounds(t *testing.T) {
	f := func(code, want string) {
		t.Helper()
		var console bytes.Buffer
		start(t, `let r; try { r = (() => { `+code+` })(); } catch (e) { r = String(e); } console.log(r);`, &console)
		if got := strings.TrimSpace(console.String()); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	const buffer, text, list = "RangeError: Array buffer allocation failed", "RangeError: Invalid string length", "RangeError: Invalid array length"
	f(`return new ArrayBuffer(1e13)`, buffer)
	f(`return new ArrayBuffer("1e13" as any)`, buffer)
	f(`return new Uint8Array(2 ** 46)`, buffer)
	f(`return new Float64Array(2 ** 28)`, buffer)
	f(`return new Float64Array({ length: 1e12 })`, buffer)
	f(`let n = 0; return new Float64Array({ get length() { return n++ ? 1e12 : 1; } } as any).length`, "1")
	f(`return new (class extends Uint8Array {})(1e12)`, buffer)
	f(`return Uint8Array.from({ length: 1e12 })`, buffer)
	f(`return "ab".repeat(2 ** 40)`, text)
	f(`return "ab".padEnd(2 ** 40)`, text)
	f(`return "ab".padStart(2 ** 40, "x")`, text)
	f(`return Math.max.apply(null, { length: 2 ** 40 } as any)`, "RangeError: too many arguments")
	f(`return Reflect.apply(Math.max, null, { length: 2 ** 40 } as any)`, "RangeError: too many arguments")
	f(`return (Array.prototype as any).toSorted.call({ length: 2 ** 40 })`, list)
	f(`const a: any = []; a.length = 4e9; return a.toReversed()`, list)
	f(`const a: any = []; a.length = 4e9; return JSON.stringify({}, a)`, list)
	f(`const a: any = []; a.length = 4e9; return a.join()`, text)
	f(`const a: any = []; a.length = 4e9; return a + ""`, text)
	f(`return BigInt.asUintN(2 ** 50, -1n)`, "RangeError: Maximum BigInt size exceeded")
	// as ever
	f(`return [1, , 2].join() + [1, 2].join("") + Array.prototype.join.call({ length: 2, 0: 3 }, "-") + Array.prototype.join.length`, "1,,2123-1")
	f(`return "ab".repeat(2) + "x".padStart(3, "ab") + "x".padEnd(1)`, "abababxx")
	f(`return [Math.max.apply(null, [1, 3]), Reflect.apply(Math.max, null, [2]), Math.max.apply(null, { length: 1, 0: 4 } as any)].join()`, "3,2,4")
	f(`class B extends Uint8Array { twice() { return this[0] * 2; } } const b = new B([4]); return [b.twice(), b instanceof B, b instanceof Uint8Array, b.constructor === B].join()`, "8,true,true,true")
	f(`return [new Uint8Array(2).length, new Uint8Array(new ArrayBuffer(8), 2, 3).length, Uint8Array.BYTES_PER_ELEMENT, Uint8Array.name, Uint8Array.from([1]).constructor === Uint8Array, new Uint16Array(new Set([7]))[0]].join()`, "2,3,1,Uint8Array,true,7")
	f(`return [ArrayBuffer.isView(new Uint8Array(1)), new ArrayBuffer(2).slice(1).byteLength, new Uint8Array(2).buffer instanceof ArrayBuffer, ArrayBuffer.name].join()`, "true,1,true,ArrayBuffer")
	f(`return (Uint8Array as any)(1)`, "TypeError: Uint8Array constructor: 'new' is required")
	f(`return String.prototype.repeat.call(null, 1)`, "TypeError: Value is not object coercible")
	f(`return JSON.stringify({ a: 1, b: [2] }, ["a"], 1)`, "{\n \"a\": 1\n}")
	f(`return ([3, 1] as any).toSorted().join() + (Array.prototype as any).toSorted.call({ length: 2, 0: 3, 1: 1 }).join()`, "1,31,3")
}

// What the engine does not check is a fault of the script, and not the end of the program.
func TestEngineFails(t *testing.T) {
	s := load(t, `export const f = async (n: bigint) => { await null; return 3n << n; };`, nil)
	r, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, _ := goja.AssertFunction(r.Export("f"))
	for range 2 { // the runtime stays whole
		err = r.Wait(script.Task{Op: "iteration", Run: func(vm *goja.Runtime) (goja.Value, error) {
			return f(goja.Undefined(), vm.ToValue(new(big.Int).Lsh(big.NewInt(1), 62)))
		}}, nil)
		if err == nil || !strings.Contains(err.Error(), "the script engine cannot do what the code asks for") {
			t.Errorf("it ended with %v", err)
		}
	}
	if err := r.Wait(script.Task{Run: func(vm *goja.Runtime) (goja.Value, error) {
		return f(goja.Undefined(), vm.ToValue(big.NewInt(1)))
	}}, func(v goja.Value) error {
		if v.String() != "6" {
			t.Errorf("3n << 1n is %v", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A script that came from elsewhere is not shown the environment, and none gets at weir's own
// variables by a parameter of that name.
func TestEnvironmentIsHidden(t *testing.T) {
	t.Setenv("TRUST_TEST", "hidden")
	t.Setenv("WEIR_CACHE", "hidden")
	t.Setenv("WEIR_PROMETHEUS_PASSWORD", "hidden")
	t.Setenv("WEIR_CACHED", "shown")
	path := filepath.Join(t.TempDir(), "main.ts")
	if err := os.WriteFile(path, []byte(`import { params } from "weir";
const p = params({ cache: { default: "none" }, prometheusPassword: { default: "" }, cached: { default: "" } });
__ENV.OWN = "own"; console.log(p.cache + p.prometheusPassword + p.cached, __ENV.TRUST_TEST, Object.keys(__ENV).join(), typeof process);`), 0o644); err != nil {
		t.Fatal(err)
	}
	for limited, want := range map[bool]string{true: "noneshown undefined OWN undefined", false: "noneshown hidden "} {
		var console bytes.Buffer
		s, err := script.Load(path, script.Config{Modules: map[string]script.Module{"weir": testModule{}}, Access: access.New(access.Rules{Limited: limited}), LookupEnv: os.LookupEnv, Console: &console})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.NewRuntime(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if got := strings.TrimSpace(console.String()); !strings.HasPrefix(got, want) {
			t.Errorf("limited: %v: it sees %q, want %q", limited, got, want)
		}
	}
}
