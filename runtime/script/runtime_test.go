package script_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// load writes source to main.ts and loads it; what it prints goes to console.
func load(t testing.TB, source string, console *bytes.Buffer) *script.Script {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.ts")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := script.Config{Modules: map[string]script.Module{"weir": testModule{}}}
	if console != nil {
		cfg.Console = console
	}
	s, err := script.Load(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB, source string, console *bytes.Buffer) *script.Runtime {
	t.Helper()
	r, err := load(t, source, console).NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// ended collects what tasks ended with.
type ended struct {
	mu   sync.Mutex
	errs []error
	wg   sync.WaitGroup
}

func (e *ended) start(r *script.Runtime, task script.Task) {
	e.wg.Add(1)
	task.Done = func(_ goja.Value, err error) {
		e.mu.Lock()
		e.errs = append(e.errs, err)
		e.mu.Unlock()
		e.wg.Done()
	}
	r.Start(task)
}

func TestTasksOverlapInTheirAwaits(t *testing.T) {
	var console bytes.Buffer
	r := start(t, `
		import { sleep, current } from "weir";
		export default async function () {
			console.log("begin", current());
			await sleep(20);
			console.log("end", current());
		}`, &console)
	var all ended
	for i := range 3 {
		task := callExport(r, "default")
		task.Value = i
		all.start(r, task)
	}
	all.wg.Wait()
	lines := strings.Split(strings.TrimSpace(console.String()), "\n")
	if len(lines) != 6 {
		t.Fatalf("console: %q", lines)
	}
	if want := []string{"begin 0", "begin 1", "begin 2"}; !slices.Equal(lines[:3], want) {
		t.Errorf("the tasks did not overlap: %q", lines)
	}
	slices.Sort(lines[3:])
	if want := []string{"end 0", "end 1", "end 2"}; !slices.Equal(lines[3:], want) {
		t.Errorf("after the await: %q, want %q", lines[3:], want)
	}
}

func TestTaskValue(t *testing.T) {
	r := start(t, `
		import { sleep } from "weir";
		export const plain = () => 42;
		export const later = async () => { await sleep(1); return 43; };
		export const settled = async () => 44;
		export const nothing = undefined;
		export default null;`, nil)
	for name, want := range map[string]int64{"plain": 42, "later": 43, "settled": 44} {
		var got int64
		if err := r.Wait(callExport(r, name), func(v goja.Value) error { got = v.ToInteger(); return nil }); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", name, got, err, want)
		}
	}
	err := r.Wait(script.Task{Op: "reading", Run: func(*goja.Runtime) (goja.Value, error) {
		for _, name := range []string{"nothing", "missing"} {
			if v := r.Export(name); v != nil {
				return nil, fmt.Errorf("Export(%q) = %v, want nil", name, v)
			}
		}
		if v := r.Export("default"); !goja.IsNull(v) {
			return nil, fmt.Errorf("Export(default) = %v, want null", v)
		}
		return nil, nil
	}}, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestAnErrorOfReadEndsWait(t *testing.T) {
	r := start(t, `export default () => ({ get x() { throw new Error("from the getter"); } });`, nil)
	err := r.Wait(callExport(r, "default"), func(v goja.Value) error {
		v.(*goja.Object).Get("x")
		return nil
	})
	var scriptErr *script.Error
	if !errors.As(err, &scriptErr) || scriptErr.Line != 1 || !strings.Contains(scriptErr.Message, "from the getter") {
		t.Errorf("got %v", err)
	}
	own := errors.New("not what was expected")
	if err := r.Wait(callExport(r, "default"), func(goja.Value) error { return own }); err != own {
		t.Errorf("got %v", err)
	}
}

// A task ends when all that it began has ended, not with its function.
func TestTaskKeepsAliveWhileWorkIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, `
			import { sleep } from "weir";
			export default function () {
				sleep("10m").then(() => setTimeout(() => {}, 60_000));
			}`, nil)
		began := time.Now()
		if err := r.Wait(callExport(r, "default"), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 11*time.Minute {
			t.Errorf("the task ended after %v, want 11m", took)
		}
		r.Close()
	})
}

func TestInitWorkIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := start(t, `export let x = 0; setTimeout(() => { x = 5; }, 3000);`, nil)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("init took %v, want 3s", took)
		}
		r.Close()
	})
}

// A promise that another task settles is no deadlock; one that nobody can
// settle ends with an error, and the runtime goes on.
func TestStuckTasks(t *testing.T) {
	r := start(t, `
		import { sleep } from "weir";
		let open;
		const gate = new Promise((resolve) => { open = resolve; });
		export const wait = () => gate;
		export const settle = async () => { await sleep(5); open(); };
		export const never = () => new Promise(() => {});
		export const plain = () => 1;`, nil)
	var gated ended
	// The opener first: without it nothing would be pending.
	gated.start(r, callExport(r, "settle"))
	gated.start(r, callExport(r, "wait"))
	gated.wg.Wait()
	if err := errors.Join(gated.errs...); err != nil {
		t.Errorf("gate: %v", err)
	}
	var stuck ended
	stuck.start(r, callExport(r, "never"))
	stuck.start(r, callExport(r, "never"))
	stuck.wg.Wait()
	for _, err := range stuck.errs {
		if err == nil || !strings.Contains(err.Error(), "nothing can settle") {
			t.Errorf("a stuck task ended with %v", err)
		}
	}
	if err := r.Wait(callExport(r, "plain"), nil); err != nil {
		t.Errorf("after stuck tasks: %v", err)
	}
}

// errors.Is sees the Go error that a native function threw or rejected with.
func TestCauseOfExceptions(t *testing.T) {
	r := start(t, `
		import { request, Counter } from "weir";
		export const rejected = () => request("bad");
		export const thrown = () => new Counter(1).fail();
		export const rethrown = async () => { try { await request("bad"); } catch (e) { throw e; } };
		export const own = () => { throw new Error("the service refused"); };`, nil)
	for name, want := range map[string]bool{"rejected": true, "thrown": true, "rethrown": true, "own": false} {
		err := r.Wait(callExport(r, name), nil)
		var e *script.Error
		if !errors.As(err, &e) || e.Op != "iteration" || e.Line == 0 || e.Column == 0 || filepath.Base(e.File) != "main.ts" {
			t.Errorf("%s: no place in %#v", name, err)
		}
		if got := errors.Is(err, errRefused); got != want {
			t.Errorf("%s: errors.Is = %v, want %v (%v)", name, got, want, err)
		}
	}
}

func TestErrorsOfGoCodePassThrough(t *testing.T) {
	r := start(t, `export default 1;`, nil)
	own := errors.New("not from JavaScript")
	if err := r.Wait(script.Task{Op: "x", Run: func(*goja.Runtime) (goja.Value, error) { return nil, own }}, nil); err != own {
		t.Errorf("got %v", err)
	}
}

const endless = `
	import { never, sleep } from "weir";
	export const loop = () => { for (;;) {} };
	export const microtasks = async () => { for (;;) await null; };
	export const asyncLoop = async () => { for (;;) {} };
	export const nested = async () => { await (async () => { await null; await (async () => { for (;;) {} })(); })(); };
	export const generator = () => { function* g() { for (;;) {} } for (const x of g()); };
	export const asyncGenerator = async () => { async function* g() { for (;;) yield 1; } for await (const x of g()); };
	export const caught = async () => { for (;;) { try { for (;;) {} } catch {} finally { for (;;) await null; } } };
	export const callback = () => { [1].forEach(() => { new Map([[1, 1]]).forEach(() => { for (;;) {} }); }); };
	export const getter = () => ({ get x() { for (;;) {} } });
	export const wait = async () => { await never(); console.log("must not run"); };
	export const timer = () => { setInterval(() => {}, 1); };
	export const sleeping = async () => { try { await sleep("1h"); } finally { console.log("must not run"); } };
	export const plain = () => 1;
	export const works = async () => { await null; await sleep(1); for (const x of (function* () { yield 1; })()) await x; return 2; };`

var endlessNames = []string{"loop", "asyncLoop", "nested", "microtasks", "generator", "asyncGenerator", "caught", "callback", "wait", "timer", "sleeping"}

// within is a task that calls an exported function, with a context.
func within(ctx context.Context, r *script.Runtime, name string) script.Task {
	task := callExport(r, name)
	task.Context = ctx
	return task
}

// When their context ends, tasks end, whatever they are doing, and the runtime
// goes on as if nothing had been.
func TestTasksEndWithTheirContext(t *testing.T) {
	for _, name := range endlessNames {
		t.Run(name, func(t *testing.T) {
			var console bytes.Buffer
			r := start(t, endless, &console)
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				var all ended
				for range 3 {
					all.start(r, within(ctx, r, name))
				}
				time.Sleep(5 * time.Millisecond)
				cancel()
				all.start(r, within(ctx, r, name)) // begins no more
				all.wg.Wait()
				for _, err := range all.errs {
					if !errors.Is(err, script.ErrInterrupted) {
						t.Errorf("a task ended with %v", err)
					}
				}
				if err := r.Wait(callExport(r, "works"), nil); err != nil {
					t.Errorf("after the end of the context: %v", err)
				}
			}
			if console.Len() > 0 {
				t.Errorf("a task that was cut off went on: %s", &console)
			}
		})
	}
}

// Tasks with another context do not notice: neither those that wait, nor those
// whose code comes up between endless ones.
func TestOtherTasksAreUnharmed(t *testing.T) {
	for _, name := range endlessNames {
		t.Run(name, func(t *testing.T) {
			r := start(t, endless+`
				export const bystander = async (n) => {
					for (let i = 0; i < 20; i++) {
						for (let j = 0; j < 50; j++) await null;
						await sleep(1);
					}
				};`, nil)
			theirs, cancelTheirs := context.WithCancel(t.Context())
			defer cancelTheirs()
			var unharmed, cut ended
			for range 10 {
				unharmed.start(r, within(theirs, r, "bystander"))
			}
			for range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				for range 2 {
					cut.start(r, within(ctx, r, name))
				}
				time.Sleep(time.Millisecond)
				cancel()
			}
			cut.wg.Wait()
			unharmed.wg.Wait()
			for _, err := range cut.errs {
				if !errors.Is(err, script.ErrInterrupted) {
					t.Errorf("a task whose context has ended: %v", err)
				}
			}
			for _, err := range unharmed.errs {
				if err != nil {
					t.Errorf("another task: %v", err)
				}
			}
		})
	}
}

// A context that ends at the wrong moment hits no code but its own tasks'.
func TestInterruptsHitTheRightCode(t *testing.T) {
	r := start(t, `
		import { sleep } from "weir";
		export const busy = async () => { for (let i = 0; i < 30; i++) { let x = 0; for (let j = 0; j < 100; j++) x += j; await null; } await sleep(0); };`, nil)
	var cut, unharmed ended
	for range 80 {
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			cut.start(r, within(ctx, r, "busy"))
			unharmed.start(r, callExport(r, "busy"))
		}
		go cancel()
	}
	cut.wg.Wait()
	unharmed.wg.Wait()
	for _, err := range cut.errs {
		if err != nil && !errors.Is(err, script.ErrInterrupted) {
			t.Errorf("a task whose context may end: %v", err)
		}
	}
	for _, err := range unharmed.errs {
		if err != nil {
			t.Errorf("a task whose context goes on: %v", err)
		}
	}
}

func TestContextEndsWhileTheValueIsRead(t *testing.T) {
	r := start(t, endless, nil)
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan struct{})
	result := make(chan error)
	go func() {
		result <- r.Wait(within(ctx, r, "getter"), func(v goja.Value) error {
			close(running)
			v.(*goja.Object).Get("x")
			return nil
		})
	}()
	<-running
	time.Sleep(5 * time.Millisecond)
	cancel()
	if err := <-result; !errors.Is(err, script.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	if err := r.Wait(callExport(r, "works"), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A stack overflow is one task's fault; the others and the runtime go on.
func TestStackOverflow(t *testing.T) {
	r := start(t, `
		import { sleep, Counter } from "weir";
		export const plain = () => { const f = () => f(); f(); };
		export const inAsync = async () => { const f = () => f(); f(); };
		export const afterAwait = async () => { await sleep(1); const f = () => f() + 1; f(); };
		export const asyncAll = async () => { const f = async () => { await f(); }; await f(); };
		export const inGenerator = () => { function* g() { const f = () => f(); f(); } [...g()]; };
		export const inTimer = () => { setTimeout(() => { const f = () => f(); f(); }, 1); };
		export const getter = () => { const o = { get x() { return this.x; } }; o.x; };
		export const other = async () => { await sleep(20); await null; return 1; };`, nil)
	for _, name := range []string{"plain", "inAsync", "afterAwait", "asyncAll", "inGenerator", "inTimer", "getter"} {
		var all ended
		for range 2 {
			all.start(r, callExport(r, name))
		}
		all.wg.Wait()
		for _, err := range all.errs {
			if err == nil || !strings.Contains(err.Error(), "maximum call stack size exceeded") {
				t.Errorf("%s ended with %v", name, err)
			}
		}
		if err := r.Wait(callExport(r, "other"), nil); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// A task that another one wakes up after it was cut off cannot begin anything.
func TestCutOffTasksBeginNothing(t *testing.T) {
	var console bytes.Buffer
	r := start(t, `
		import { never, sleep } from "weir";
		let open;
		const gate = new Promise((resolve) => { open = resolve; });
		export const waiter = async () => { never(); await gate; await sleep(1); console.log("must not run"); };
		export const opener = () => open();`, &console)
	ctx, cancel := context.WithCancel(t.Context())
	var all ended
	all.start(r, within(ctx, r, "waiter"))
	time.Sleep(5 * time.Millisecond)
	cancel()
	all.wg.Wait()
	if err := r.Wait(callExport(r, "opener"), nil); err != nil {
		t.Error(err)
	}
	if console.Len() > 0 {
		t.Error(console.String())
	}
}

func TestEndOfTheRun(t *testing.T) {
	for _, name := range endlessNames {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			r, err := load(t, endless, nil).NewRuntime(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var all ended
			all.start(r, callExport(r, name))
			time.Sleep(5 * time.Millisecond)
			cancel()
			all.start(r, callExport(r, name))
			all.wg.Wait()
			for _, err := range all.errs {
				if !errors.Is(err, script.ErrInterrupted) {
					t.Errorf("a task ended with %v", err)
				}
			}
		})
	}
	t.Run("init", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err := load(t, `for (;;) {}`, nil).NewRuntime(ctx, 0); !errors.Is(err, script.ErrInterrupted) {
			t.Errorf("got %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	for _, name := range endlessNames {
		t.Run(name, func(t *testing.T) {
			r := start(t, endless, nil)
			var all ended
			all.start(r, callExport(r, name))
			time.Sleep(5 * time.Millisecond)
			r.Close()
			all.wg.Wait()
			if err := all.errs[0]; !errors.Is(err, script.ErrInterrupted) {
				t.Errorf("the open task ended with %v", err)
			}
			if err := r.Wait(callExport(r, "plain"), nil); !errors.Is(err, script.ErrInterrupted) {
				t.Errorf("a task after Close ended with %v", err)
			}
			r.Close()
		})
	}
}

// Whatever comes together, every task ends once.
func TestEveryTaskEndsOnce(t *testing.T) {
	r := start(t, endless+`export const quick = async () => { await sleep(1); };`, nil)
	var counts [400]atomic.Int32
	var wg, starters sync.WaitGroup
	wg.Add(len(counts))
	for g := range 4 {
		starters.Go(func() {
			var cancel context.CancelFunc
			for i := g; i < len(counts); i += 4 {
				ctx, cancelThis := context.WithCancel(t.Context())
				if cancel != nil {
					time.AfterFunc(time.Millisecond, cancel)
				}
				cancel = cancelThis
				name := "quick"
				if i%40 == 0 {
					name = endlessNames[i/40%len(endlessNames)]
				}
				task := within(ctx, r, name)
				task.Done = func(goja.Value, error) {
					if counts[i].Add(1) == 1 {
						wg.Done()
					}
				}
				r.Start(task)
			}
			cancel()
		})
	}
	starters.Wait()
	wg.Wait()
	r.Close()
	for i := range counts {
		if n := counts[i].Load(); n != 1 {
			t.Errorf("task %d ended %d times", i, n)
		}
	}
}

func TestContext(t *testing.T) {
	r, err := load(t, `export default () => {};`, nil).NewRuntime(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	contextOf := func(parent context.Context) (ctx context.Context) {
		got := make(chan context.Context, 1)
		r.Start(script.Task{Context: parent, Run: func(*goja.Runtime) (goja.Value, error) {
			promise, _ := r.Promise() // keeps the task open
			got <- r.Context()
			return promise, nil
		}})
		return <-got
	}
	parent, cancel := context.WithCancel(t.Context())
	one, two, run := contextOf(parent), contextOf(parent), contextOf(nil)
	if one.Err() != nil || two.Err() != nil {
		t.Fatal("ended before its time")
	}
	cancel()
	<-one.Done()
	<-two.Done()
	other := contextOf(context.Background())
	if other.Err() != nil || run.Err() != nil {
		t.Error("another context ended")
	}
	r.Close()
	<-other.Done()
	<-run.Done()
}

// TakeLag tells how long things have waited for the loop, once.
func TestTakeLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, `import { request } from "weir"; export default () => request("x");`, nil)
		hold := func() (release func()) {
			holding, released := make(chan struct{}), make(chan struct{})
			r.Start(script.Task{Run: func(*goja.Runtime) (goja.Value, error) { close(holding); <-released; return nil, nil }})
			<-holding
			return func() { close(released) }
		}
		r.TakeLag()
		want := func(want time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := r.TakeLag(); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		}
		var all ended
		release := hold()
		time.Sleep(time.Second)
		want(0) // nothing waits
		all.start(r, callExport(r, "default"))
		time.Sleep(2 * time.Second)
		all.start(r, callExport(r, "default"))
		time.Sleep(time.Second)
		want(3 * time.Second) // the first one, which waits still
		time.Sleep(time.Second)
		release()
		all.wg.Wait()
		want(4 * time.Second)
		want(0)
		r.Close()
	})
}

func TestManyRuntimesOfOneScript(t *testing.T) {
	var console bytes.Buffer
	s := load(t, `
		import { params, request } from "weir";
		const p = params({ n: 3 });
		let calls = 0;
		export default async () => { calls++; await request("x"); if (calls === p.n) throw new Error("third"); };`, &console)
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			r, err := s.NewRuntime(context.Background(), id)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if r.ID() != id || r.Script() != s {
				t.Errorf("runtime %d says %d", id, r.ID())
			}
			for i := range 3 {
				if err := r.Wait(callExport(r, "default"), nil); (err != nil) != (i == 2) {
					t.Errorf("call %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	if p := s.Params(); len(p) != 1 || p[0].Value != int64(3) {
		t.Errorf("params: %+v", p)
	}
}

func TestDetachBetweenRuntimes(t *testing.T) {
	s := load(t, `
		import { Counter } from "weir";
		export const make = () => ({ b: 1, a: [new Counter(5), "s"], when: new Date(7) });
		export const use = (data) => { data.a[0].add(1); return Object.keys(data).join() + data.a[0].n + data.when.getTime(); };`, nil)
	one, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := s.NewRuntime(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	var data any
	if err := one.Wait(callExport(one, "make"), func(v goja.Value) (err error) { data, err = one.Detach(v); return err }); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*script.Runtime{two, one, two} {
		var got string
		err := r.Wait(script.Task{Op: "use", Run: func(*goja.Runtime) (goja.Value, error) {
			use, _ := goja.AssertFunction(r.Export("use"))
			return use(goja.Undefined(), r.Attach(data))
		}}, func(v goja.Value) error { got = v.String(); return nil })
		if want := fmt.Sprintf("b,a,when%d7", 6+i); err != nil || got != want {
			t.Errorf("use: %q, %v; want %q", got, err, want)
		}
	}
	text, err := data.(*script.Object).MarshalJSON()
	if err != nil || !strings.HasPrefix(string(text), `{"b":1,"a":[`) {
		t.Errorf("JSON: %s, %v", text, err)
	}
}

func TestParamsListsValuesAndSources(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	source := `
		import { params } from "weir";
		params({ plain: "d", list: { default: [1], help: "numbers" }, pause: { type: "duration", default: "1s" }, key: { default: "", secret: true }, mode: { default: "a", choices: ["a", "b"] } });`
	if err := os.WriteFile("main.ts", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load("main.ts", script.Config{
		Modules: map[string]script.Module{"weir": testModule{}}, Args: []string{"--list", "2", "3.5", "--mode=b"},
		LookupEnv: func(name string) (string, bool) { return "k", name == "WEIR_KEY" },
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	var got []string
	for _, p := range s.Params() {
		got = append(got, fmt.Sprintf("%s --%s %s %v=%v from %s secret=%v %v", p.Name, p.Flag, p.Type, p.Default, p.Value, p.From, p.Secret, p.Choices))
	}
	want := []string{
		"plain --plain string d=d from default secret=false []",
		"list --list number list [1]=[2 3.5] from flag secret=false []",
		"pause --pause duration 1000=1000 from default secret=false []",
		"key --key string =k from env secret=true []",
		"mode --mode string a=b from flag secret=false [a b]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s.Name != "main" || s.Path != "main.ts" || s.Dir != dir {
		t.Errorf("names: %q %q %q", s.Name, s.Path, s.Dir)
	}
}

func TestDuration(t *testing.T) {
	vm := goja.New()
	f := func(source string, want time.Duration) {
		t.Helper()
		v, err := vm.RunString(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := script.Duration(v); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", source, got, err, want)
		}
	}
	f(`"10m"`, 10*time.Minute)
	f(`"1h30m"`, 90*time.Minute)
	f(`"250ms"`, 250*time.Millisecond)
	f(`"1.5s"`, 1500*time.Millisecond)
	f(`"2d"`, 48*time.Hour)
	f(`"1d12h"`, 36*time.Hour)
	f(`" 5s "`, 5*time.Second)
	f(`"20"`, 20*time.Millisecond)
	f(`0`, 0)
	f(`1.5`, 1500*time.Microsecond)
	for _, bad := range []string{`undefined`, `null`, `""`, `"soon"`, `-1`, `"-1s"`, `NaN`, `Infinity`, `1e300`, `({})`, `true`, `"1e9d"`, `"d"`} {
		v, err := vm.RunString(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := script.Duration(v); err == nil {
			t.Errorf("%s: %v, want an error", bad, got)
		}
	}
}

func TestNoGoroutinesAreLeft(t *testing.T) {
	s := load(t, endless, nil)
	before := runtime.NumGoroutine()
	for id := range 5 {
		r, err := s.NewRuntime(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range endlessNames {
			r.Start(callExport(r, name))
		}
		r.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
