//go:build !race

package runtime_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dop251/goja"

	"weir/modules/core"
	custom "weir/modules/metrics"
	"weir/runtime"
	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/pacer"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/wire"
)

// service is a module that stands in for a service: request(ms) is a generation
// whose only token comes after so long, or when it is cut off; request(ms, kind) fails
// then; stubborn(ms) is one that cannot be cut off.
type service struct{}

func (s service) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{"request": s.request(rt, false), "stubborn": s.request(rt, true), "about": about(rt), "profiler": profilerOf(rt)}, nil
}

// about tells when the iteration was scheduled, ns, and for how many ms it has
// slept before its first request.
func about(rt *script.Runtime) any {
	return func(goja.FunctionCall) goja.Value {
		it := rt.Current().(*metrics.Iteration)
		return rt.VM().ToValue(fmt.Sprint(it.Scheduled.UnixNano(), " ", it.Asleep.Total().Milliseconds()))
	}
}

func (service) request(rt *script.Runtime, stubborn bool) any {
	return func(call goja.FunctionCall) goja.Value {
		d := time.Duration(call.Argument(0).ToInteger()) * time.Millisecond
		var failure *metrics.Error // by its kind
		if kind := call.Argument(1); !goja.IsUndefined(kind) {
			failure = &metrics.Error{Kind: kind.String()}
		}
		rec := metrics.NewRecord()
		rec.Iteration, _ = rt.Current().(*metrics.Iteration)
		recorder, ctx := rec.Recorder(), rt.Context()
		if stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		recorder.Announce(rec)
		promise, settle := rt.Promise()
		go func() {
			recorder.Begin(rec)
			select {
			case <-time.After(d):
				if rec.Error = failure; failure == nil {
					rec.Token(wire.Arrival{At: time.Now(), Kernel: true}, 1)
				}
			case <-ctx.Done():
				rec.Error = &metrics.Error{Kind: "interrupted"}
			}
			recorder.Close(rec)
			settle(func() (any, error) { return nil, ctx.Err() })
		}()
		return promise
	}
}

// played is what came of a script.
type played struct {
	*result.Result
	runtime.Outcome
	console string
}

// playScript runs a script on two runtimes; change may change the configuration.
func playScript(t testing.TB, source string, change func(*runtime.Config)) played {
	t.Helper()
	return loaded(t, source)(t, change)
}

// bubble is playScript in a bubble of its own time.
func bubble(t *testing.T, source string, change func(*runtime.Config)) (p played) {
	t.Helper()
	play := loaded(t, source)
	synctest.Test(t, func(t *testing.T) {
		p = play(t, func(c *runtime.Config) {
			c.Unwatched = true
			if change != nil {
				change(c)
			}
		})
	})
	return p
}

// loaded loads a script. (The bundler leaves goroutines behind for a while, so
// this cannot be done in a bubble.)
func loaded(t testing.TB, source string) func(testing.TB, func(*runtime.Config)) played {
	t.Helper()
	play := loadedIn(t, source)
	return func(t testing.TB, change func(*runtime.Config)) played { return play(t, t.Context(), change) }
}

// loadedIn is loaded for those who end Run's context.
func loadedIn(t testing.TB, source string) func(testing.TB, context.Context, func(*runtime.Config)) played {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.ts")
	source = `import { check, group, sleep } from "weir"; import { about, profiler, request, stubborn } from "service"; import { Counter, Trend } from "weir/metrics";` + "\n" + source
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	var console bytes.Buffer
	own := custom.New()
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir": core.New(), "service": service{}, "weir/metrics": own},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   &console,
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(t testing.TB, ctx context.Context, change func(*runtime.Config)) played {
		runtimes, err := runtime.Init(t.Context(), s, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer runtime.Close(runtimes)
		p := played{Result: &result.Result{}}
		c := runtime.Config{Script: s, Result: p.Result, Custom: func() map[string]metrics.CustomKind { return own.Kinds() },
			Output: &console, Errors: &console, Write: func(string, []byte) error { return nil }, Sleep: pacer.Sleep}
		if change != nil {
			change(&c)
		}
		p.Outcome = runtime.Run(ctx, runtimes, c)
		p.console = console.String()
		return p
	}
}

func (p played) only(t testing.TB) *result.Case {
	t.Helper()
	if p.Outcome.Err != nil || len(p.Cases) != 1 {
		t.Fatalf("%d cases, error %v", len(p.Cases), p.Outcome.Err)
	}
	return p.Cases[0]
}

func TestScenarios(t *testing.T) {
	p := bubble(t, `
		const answers = new Counter("answers");
		export const options = {
			tags: { model: "m" },
			thresholds: { "ttft{scenario:chat}": "max<=20", "ttft{ scenario: batch }": "max<=20", ttft: "count==16" },
			scenarios: {
				chat: { executor: "per-vu-iterations", vus: 3, iterations: 2, exec: "chat", tags: { kind: "short" } },
				batch: { executor: "shared-iterations", vus: 2, iterations: 10, exec: "batch", startTime: "1s", data: [30],
					thresholds: { ttft: ["count==10"], answers: "count==10" } },
			},
		};
		const begin = performance.now();
		export async function chat(it) {
			if (it.scenario !== "chat" || it.tags.kind !== "short" || it.tags.model !== "m" || it.data !== undefined) throw new Error("chat: wrong iteration");
			await request(10);
		}
		export async function batch(it) {
			if (it.scenario !== "batch" || it.tags.kind !== undefined || it.item !== 30) throw new Error("batch: wrong iteration");
			if (performance.now() - begin < 1000) throw new Error("batch: too early");
			await request(it.item);
			check(it, { "is batch": (it) => it.scenario === "batch" });
			answers.add(1);
		}`, nil)
	c := p.only(t)
	if c.Name != "chat + batch" || c.Counts.Completed != 16 || c.Counts.Requests != 16 || len(c.Errors) > 0 {
		t.Errorf("case %q: %+v, errors %+v", c.Name, c.Counts, c.Errors)
	}
	chat, batch := c.Scenarios["chat"], c.Scenarios["batch"]
	if len(c.Scenarios) != 2 || chat == nil || batch == nil {
		t.Fatalf("scenarios: %v", c.Scenarios)
	}
	if chat.Counts.Started != 6 || chat.Counts.Requests != 6 || *chat.Metrics["ttft"].Max != 10 || len(chat.Checks) != 0 {
		t.Errorf("chat: %+v, %+v", chat.Counts, chat.Checks)
	}
	if batch.Counts.Started != 10 || batch.Counts.Requests != 10 || *batch.Metrics["ttft"].Min != 30 || batch.Metrics["answers"].N != 10 || batch.Checks[0].Passes != 10 {
		t.Errorf("batch: %+v, %+v", batch.Counts, batch.Checks)
	}
	if c.Metrics["ttft"].N != 16 || *c.Metrics["ttft"].Min != 10 || *c.Metrics["ttft"].Max != 30 || c.Metrics["answers"].N != 10 || c.Checks[0].Passes != 10 {
		t.Errorf("the whole: %+v, %+v", c.Metrics["ttft"], c.Checks)
	}
	if lag := batch.Started.Sub(c.Started); lag != time.Second {
		t.Errorf("batch began after %v", lag)
	}
	if !reflect.DeepEqual(chat.Tags, map[string]any{"model": "m", "kind": "short"}) || !reflect.DeepEqual(c.Tags, map[string]any{"model": "m"}) {
		t.Errorf("tags: %v, %v", chat.Tags, c.Tags)
	}
	var got []string
	for _, th := range c.Thresholds {
		got = append(got, fmt.Sprint(th.Metric, " ", th.Expr, " ", th.OK))
	}
	want := []string{"answers{scenario:batch} count==10 true", "ttft count==16 true",
		"ttft{scenario:batch} count==10 true", "ttft{scenario:batch} max<=20 false", "ttft{scenario:chat} max<=20 true"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("thresholds\n got %q\nwant %q", got, want)
	}
}

// plan sees the scenarios' results; what stands beside them holds for all.
func TestScenariosOfPlan(t *testing.T) {
	p := bubble(t, `
		export function* plan() {
			const a = yield { name: "two", data: ["x"], warmup: 3, exec: "both", scenarios: { a: { vus: 2, iterations: 4 }, b: { vus: 1, iterations: 1, warmup: 0, data: ["y"] } } };
			console.log(a.scenarios.a.metrics.ttft.p(50), a.scenarios.b.counts.started, a.scenarios.b.metrics.ttst.n, a.warmup.iterations);
			const b = yield { name: "one", scenarios: { only: { exec: "both", iterations: 2, data: ["x"] } }, thresholds: { "ttft{scenario:only}": ["p(50)<100"] } };
			console.log(b.scenarios.only.counts.started, b.thresholds[0].ok);
			const c = yield { name: "none", scenario: "plain", exec: "both", data: ["x"], thresholds: { "ttft{scenario:plain}": ["p(50)<100"] } };
			console.log(c.scenarios, c.thresholds[0].ok);
		}
		export async function both(it) {
			if (it.item !== (it.scenario === "b" ? "y" : "x") || it.data.length !== 1) throw new Error(it.scenario);
			await request(it.warmup ? 1 : it.scenario === "a" ? 10 : 20);
		}`, nil)
	if p.Outcome.Err != nil || p.console != "10 1 0 3\n2 true\nundefined true\n" {
		t.Errorf("%v, console %q", p.Outcome.Err, p.console)
	}
	for _, c := range p.Cases {
		if c.Counts.IterationFailed > 0 {
			t.Errorf("%s: %+v", c.Name, c.Errors)
		}
	}
}

// A scenario that is cut off, whatever it does, leaves the other one alone.
func TestCutOffOfOneScenario(t *testing.T) {
	for name, body := range map[string]string{
		"loop":          `for (;;) {}`,
		"loop of jobs":  `for (;;) await null;`,
		"await":         `await sleep("10m"); throw new Error("must not run");`,
		"request":       `await request(600_000); throw new Error("must not run");`,
		"many requests": `for (;;) await request(1);`,
	} {
		t.Run(name, func(t *testing.T) {
			// Real time: a loop that never ends keeps a bubble's clock from moving.
			p := playScript(t, `
				export const options = { scenarios: {
					cut: { executor: "constant-vus", vus: 4, duration: "50ms", gracefulStop: 0, exec: "cut" },
					other: { executor: "per-vu-iterations", vus: 4, iterations: 1, exec: "other" },
				} };
				export async function cut() { `+body+` }
				export async function other() { for (let i = 0; i < 20; i++) { await request(5); await null; } }`, nil)
			c := p.only(t)
			other, cut := c.Scenarios["other"], c.Scenarios["cut"]
			if other.Counts.Completed != 4 || other.Counts.Requests != 80 || other.Counts.RequestsFailed+other.Counts.RequestsCut > 0 {
				t.Errorf("other: %+v, errors %+v", other.Counts, other.Errors)
			}
			if cut.Counts.Interrupted != 4 || cut.Counts.Completed > 0 || cut.Counts.IterationFailed > 0 {
				t.Errorf("cut: %+v, errors %+v", cut.Counts, cut.Errors)
			}
		})
	}
}

func TestState(t *testing.T) {
	p := bubble(t, `
		export const options = { vus: 5, executor: "per-vu-iterations", iterations: 4, warmup: { executor: "per-vu-iterations", vus: 5, iterations: 2 } };
		export default async function (it) {
			const state = it.state;
			state.count ??= 0;
			state.vu ??= it.vu;
			if (state.count !== it.iterationInVU || state.vu !== it.vu) throw new Error(JSON.stringify([state, it.iterationInVU, it.vu]));
			await request(1 + it.vu);
			if (it.state !== state) throw new Error("another object after an await");
			it.state.count++;
			try { it.state = {}; } catch (e) { if (e instanceof TypeError) return; }
			throw new Error("it.state can be replaced");
		}`, nil)
	c := p.only(t)
	if c.Counts.Completed != 20 || c.Warmup.Iterations != 10 {
		t.Errorf("%+v, errors %+v, warm-up %+v", c.Counts, c.Errors, c.Warmup)
	}
}

// State belongs to a VU of a scenario; in an open loop too, a VU is one iteration
// at a time.
func TestStateOfScenarios(t *testing.T) {
	p := playScript(t, `
		export const options = { scenarios: {
			open: { executor: "arrival-rate", rate: 200, iterations: 40 },
			closed: { executor: "constant-vus", vus: 3, duration: "200ms" },
		} };
		export default async function (it) {
			if (it.state.busy) throw new Error("two iterations of a VU at once");
			if ((it.state.scenario ??= it.scenario) !== it.scenario) throw new Error("shared between scenarios");
			if ((it.state.n ??= 0) !== it.iterationInVU) throw new Error("lost");
			it.state.n++;
			it.state.busy = true;
			await request(it.index % 20);
			it.state.busy = false;
		}`, nil)
	if c := p.only(t); c.Counts.IterationFailed > 0 || c.Scenarios["open"].Counts.Completed != 40 {
		t.Errorf("%+v, errors %+v", c.Counts, c.Errors)
	}
}

func TestAbortOnFail(t *testing.T) {
	const script = `
		export function* plan() {
			try {
				yield { name: "bad", executor: "constant-vus", vus: 2, duration: "5m", LOAD thresholds: { THRESHOLDS } };
				yield { name: "never" };
			} finally { console.log("plan left"); }
		}
		const waited = new Trend("waited", true);
		export default async function (it) { await request(it.index < 100 ? 10 : 1000); waited.add(it.index < 100 ? 10 : 1000); }
		export function teardown() { console.log("teardown"); }
		export function handleSummary(result) { return { stdout: result.cases.length + " case" }; }`
	for _, c := range []struct {
		name, thresholds string
		after            time.Duration // 0: never, the case goes to its end
		metric, expr     string
	}{
		{"crossed", `ttft: [{ threshold: "max<500", abortOnFail: true }]`, 2 * time.Second, "ttft", "max<500"},
		{"crossed, beside others", `ttft: ["avg<1", { threshold: "p(50)<500", abortOnFail: true }], e2el: "max<1"`, 50 * time.Second, "ttft", "p(50)<500"},
		{"a metric of the script's", `waited: { threshold: "max<500", abortOnFail: true }`, 2 * time.Second, "waited", "max<500"},
		{"not before its delay", `ttft: [{ threshold: "max<500", abortOnFail: true, delayAbortEval: "30s" }]`, 30 * time.Second, "ttft", "max<500"},
		{"kept", `ttft: [{ threshold: "max<5000", abortOnFail: true }]`, 0, "", ""},
		{"no samples", `ttst: [{ threshold: "max<5000", abortOnFail: true }]`, 0, "", ""},
		{"not asked for", `ttft: [{ threshold: "max<500", abortOnFail: false }, "max<100"]`, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := bubble(t, strings.NewReplacer("THRESHOLDS", c.thresholds, "LOAD", "gracefulStop: '5s',").Replace(script), nil)
			if p.Outcome.Err != nil || p.Outcome.Interrupted || p.Result.Interrupted {
				t.Errorf("error %v, interrupted %v, %v", p.Outcome.Err, p.Outcome.Interrupted, p.Result.Interrupted)
			}
			cases := 1
			if c.after == 0 {
				cases = 2
			}
			if want := fmt.Sprintf("plan left\nteardown\n%d case", cases); p.console != want {
				t.Errorf("console %q, want %q", p.console, want)
			}
			found := p.Cases[0]
			if c.after == 0 {
				if p.Outcome.Aborted != "" || p.Error != "" || found.Interrupted {
					t.Errorf("aborted %q, error %q, interrupted %v", p.Outcome.Aborted, p.Error, found.Interrupted)
				}
				return
			}
			if !strings.Contains(p.Outcome.Aborted, `case "bad"`) || !strings.Contains(p.Outcome.Aborted, c.metric) || !strings.Contains(p.Outcome.Aborted, c.expr) || p.Error != p.Outcome.Aborted {
				t.Errorf("aborted %q, error %q", p.Outcome.Aborted, p.Error)
			}
			if late := time.Duration(found.Duration*1e9) - c.after; late < 0 || late > 3*time.Second {
				t.Errorf("it lasted %v, want about %v", found.Duration, c.after)
			}
			if !found.Interrupted || found.Counts.Interrupted > 0 || found.Counts.Completed != found.Counts.Started {
				t.Errorf("interrupted %v, %+v: what ran must come to its end", found.Interrupted, found.Counts)
			}
			i := slices.IndexFunc(found.Thresholds, func(th result.Threshold) bool { return th.Metric == c.metric && th.Expr == c.expr })
			if th := found.Thresholds[i]; th.OK || !strings.Contains(th.Note, "ended the run") {
				t.Errorf("threshold %+v", th)
			}
		})
	}
}

// A threshold on one scenario stops the case, all of it.
func TestAbortOnFailOfAScenario(t *testing.T) {
	p := bubble(t, `
		export const options = { scenarios: {
			slow: { executor: "constant-vus", vus: 1, duration: "1h", data: [400], thresholds: { ttft: { threshold: "max<300", abortOnFail: true } } },
			fast: { executor: "constant-vus", vus: 1, duration: "1h", data: [100] },
		} };
		export default async function (it) { await request(it.item); }`, nil)
	c := p.only(t)
	if !strings.Contains(p.Aborted, "ttft{scenario:slow} was 400") || !c.Interrupted || c.Duration > 2 {
		t.Errorf("aborted %q, %v s", p.Aborted, c.Duration)
	}
	if c.Counts.Started != c.Counts.Completed || c.Scenarios["fast"].Counts.Started < 9 {
		t.Errorf("%+v", c.Counts)
	}
}

func TestPreconnect(t *testing.T) {
	for options, want := range map[string]string{
		`{ vus: 7, iterations: 7 }`:                                                                                   "7",
		`{ vus: 7, iterations: 7, preconnect: true }`:                                                                 "7",
		`{ vus: 7, iterations: 7, preconnect: false }`:                                                                "",
		`{ vus: 7, iterations: 7, preconnect: 3, warmup: 1 }`:                                                         "3,3", // once more, for those that are gone
		`{ executor: "arrival-rate", rate: 1000, iterations: 2, maxInFlight: 9 }`:                                     "",
		`{ executor: "arrival-rate", rate: 1000, iterations: 2, maxInFlight: 9, preconnect: true }`:                   "9",
		`{ executor: "constant-arrival-rate", rate: 1000, duration: 2, maxVUs: 6, preconnect: true }`:                 "6",
		`{ vus: 7, iterations: 1, instance: 1, instances: 2, preconnect: true }`:                                      "",
		`{ vus: 7, iterations: 1, instance: 1, instances: 2, warmup: 2 }`:                                             "",
		`{ executor: "arrival-rate", rate: 1000, iterations: 2 }`:                                                     "",
		`{ executor: "arrival-rate", rate: 1000, iterations: 2, preconnect: 20 }`:                                     "20",
		`{ scenarios: { a: { vus: 2 }, b: { executor: "arrival-rate", rate: 1000, iterations: 1 }, c: { vus: 3 } } }`: "5",
	} {
		var calls []string
		requests := 0
		p := playScript(t, `export const options = `+options+`; export default async function () { await request(0); }`, func(c *runtime.Config) {
			c.Watch = func(v runtime.CaseView) func() {
				if !v.Warmup {
					requests++
				}
				return func() {}
			}
			c.Preconnect = func(_ context.Context, n int) error {
				if requests > 0 {
					t.Errorf("%s: connections are opened after the first requests", options)
				}
				calls = append(calls, fmt.Sprint(n))
				return fmt.Errorf("refused") // the requests would report it
			}
		})
		p.only(t)
		if got := strings.Join(calls, ","); got != want {
			t.Errorf("%s: %q connections, want %q", options, got, want)
		}
	}
}

// A stop while connections are opened ends that, and the run. A case of which
// nothing was measured is no case.
func TestStopWhilePreconnecting(t *testing.T) {
	stop := make(chan struct{})
	p := playScript(t, `export const options = { vus: 2 }; export default () => { throw 1; };`, func(c *runtime.Config) {
		c.Stop = stop
		c.Preconnect = func(ctx context.Context, n int) error {
			close(stop)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if !p.Outcome.Interrupted || p.Outcome.Err != nil || len(p.Cases) != 0 {
		t.Errorf("%+v, %d cases", p.Outcome, len(p.Cases))
	}
}

// A stop between two cases leaves the result of the first one as it was.
func TestStopBetweenCases(t *testing.T) {
	for name, options := range map[string][2]string{
		"in the pause":   {`pause: "10m"`, ``},
		"in the warm-up": {``, `warmup: { executor: "constant-vus", vus: 1, duration: "10m" }`},
	} {
		t.Run(name, func(t *testing.T) {
			p := bubble(t, `
				export function* plan() {
					try {
						yield { name: "first", iterations: 30, `+options[0]+` };
						yield { name: "second", `+options[1]+` };
						throw new Error("plan goes on");
					} finally { console.log("plan left"); }
				}
				export default async function () { await request(10); }`, func(c *runtime.Config) {
				stop := make(chan struct{})
				c.Stop = stop
				time.AfterFunc(time.Minute, func() { close(stop) })
			})
			if !p.Outcome.Interrupted || p.Outcome.Err != nil || p.console != "plan left\n" {
				t.Errorf("%+v, console %q", p.Outcome, p.console)
			}
			if len(p.Cases) != 1 || p.Cases[0].Interrupted || p.Verdict != p.Cases[0].Validity.Verdict {
				t.Errorf("%d cases, verdict %s", len(p.Cases), p.Verdict)
			}
		})
	}
}

// However a run is stopped, plan's finally blocks run, unless they take too long.
// Times are seconds from the begin; 0: it is not stopped in that way.
func TestPlanIsLeft(t *testing.T) {
	for _, row := range []struct {
		name         string
		stop, cancel float64
		plan, finish string // plan's way to its next case, and its finally block
		ended        float64
		console      string
	}{
		{"stop, and the iterations end", 5, 0, "", "", 10, "left\n"},
		{"stop, and cancel", 5, 6, "", "", 6, "left\n"},
		{"a finally that takes its time", 5, 6, "", `await sleep("4s");`, 10, "left\n"},
		{"a finally that takes too long", 5, 6, "", `await sleep("1h");`, 11, "left\nweir: plan's finally blocks were cut off, 5s after all else: what they write may be missing\n"},
		{"cancel while plan is left", 5, 11, "", `await sleep("3s");`, 13, "left\n"},
		{"cancel while plan is left, for too long", 5, 11, "", `await sleep("1h");`, 16, "left\nweir: plan's finally blocks were cut off, 5s after all else: what they write may be missing\n"},
		{"stop on the way to the next case", 11, 0, `await sleep("2s");`, "", 12, "left\n"},
		{"stop on a long way to the next case", 11, 0, `await sleep("1h");`, "", 13, "weir: plan was cut off on its way to the next case, and its finally blocks did not run: what they write is missing\n"},
		{"cancel on the way to the next case", 11, 11.5, `await sleep("2s");`, "", 11.5, "weir: plan was cut off on its way to the next case, and its finally blocks did not run: what they write is missing\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			play := loadedIn(t, fmt.Sprintf(`
export async function* plan() {
	try {
		yield {};
		%s
		yield {};
	} finally {
		console.log("left");
		%s
	}
}
export default () => request(10_000);
export const teardown = () => sleep("1ms");`, row.plan, row.finish))
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				stop := make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				after := func(seconds float64, f func()) {
					if seconds > 0 {
						time.AfterFunc(time.Duration(seconds*float64(time.Second)), f)
					}
				}
				after(row.stop, func() { close(stop) })
				after(row.cancel, cancel)
				p := play(t, ctx, func(c *runtime.Config) { c.Stop = stop })
				cancel()
				if !p.Outcome.Interrupted || p.Outcome.Err != nil || p.console != row.console {
					t.Errorf("interrupted %v, error %v, console %q, want %q", p.Outcome.Interrupted, p.Outcome.Err, p.console, row.console)
				}
				if took := time.Since(begin).Seconds(); took < row.ended || took > row.ended+0.1 {
					t.Errorf("it ended after %v s, want %v", took, row.ended)
				}
			})
		})
	}
}

// A case is judged by its thresholds with abortOnFail however short it is.
func TestAbortOnFailAtTheEnd(t *testing.T) {
	for threshold, aborted := range map[string]bool{
		`{ threshold: "max<50", abortOnFail: true }`:                          true,
		`{ threshold: "max<500", abortOnFail: true }`:                         false,
		`{ threshold: "max<50", abortOnFail: true, delayAbortEval: "1s" }`:    false,
		`{ threshold: "max<50", abortOnFail: true, delayAbortEval: "100ms" }`: true,
		`"max<50"`: false,
	} {
		p := bubble(t, `
			export function* plan() {
				yield { name: "short", warmup: 1, thresholds: { ttft: `+threshold+` } };
				yield { name: "next" };
			}
			export default async function () { await request(100); }`, nil)
		cases := 2
		if aborted {
			cases = 1
		}
		if len(p.Cases) != cases || p.Outcome.Err != nil || strings.Contains(p.Aborted, `case "short" ended after 100ms: ttft was 100`) != aborted {
			t.Errorf("%s: %d cases, aborted %q, error %v", threshold, len(p.Cases), p.Aborted, p.Outcome.Err)
		}
		if p.Cases[0].Interrupted || p.Outcome.Interrupted {
			t.Errorf("%s: it counts as interrupted", threshold)
		}
	}
}

// Scenarios of one seed do not send their requests at the same moments; what one
// does is the same beside others and alone.
func TestStreamsOfScenarios(t *testing.T) {
	p := playScript(t, `
		const load = { executor: "arrival-rate", rate: 1000, process: "poisson", iterations: 20, seed: 7, exec: "start" };
		export function* plan() {
			yield { name: "both", scenarios: { a: load, b: load } };
			yield { name: "alone", scenarios: { b: load } };
			yield { name: "plain", ...load };
			yield { name: "default", scenarios: { default: load } };
		}
		export function start(it) { console.log(it.caseName, it.scenario, about()); }`, nil)
	starts := map[string][]int64{}
	for line := range strings.Lines(p.console) {
		var name, scenario string
		var at int64
		fmt.Sscan(line, &name, &scenario, &at)
		starts[name+"/"+scenario] = append(starts[name+"/"+scenario], at)
	}
	for _, of := range starts {
		slices.Sort(of)
		first := of[0]
		for i := range of {
			of[i] -= first
		}
	}
	same := func(a, b string) (n int) {
		for i := range starts[a] {
			if starts[a][i] == starts[b][i] {
				n++
			}
		}
		return n
	}
	for key, of := range starts {
		if len(of) != 20 {
			t.Fatalf("%s: %d starts", key, len(of))
		}
	}
	if n := same("both/a", "both/b"); n != 1 {
		t.Errorf("two scenarios have %d of 20 starts in common", n)
	}
	if n := same("both/b", "alone/b"); n != 20 {
		t.Errorf("a scenario alone has %d of 20 starts in common with itself beside another", n)
	}
	if n := same("plain/default", "default/default"); n != 20 {
		t.Errorf("a case and its only scenario have %d of 20 starts in common", n)
	}
}

// What runs outside of cases has a time limit of its own.
func TestTimeLimits(t *testing.T) {
	for _, c := range []struct {
		script, want string // want: in the error; "": there is none
		cases        int
	}{
		{`export const setup = () => sleep("9m");`, "", 1},
		{`export const setup = () => sleep("11m");`, "setup: it took longer than 10m0s and was cut off", 0},
		{`export const options = { setupTimeout: "1h" }; export const setup = () => sleep("11m");`, "", 1},
		{`export const options = { setupTimeout: "1s" }; export const setup = () => sleep("2s");`, `setupTimeout: "…"`, 0},
		{`export async function* plan() { yield {}; await sleep("11m"); yield {}; }`, "plan: it took longer than 10m0s", 1},
		{`export async function* plan() { yield {}; await sleep("9m"); yield {}; await sleep("9m"); }`, "", 2},
		{`export const options = { setupTimeout: "20m" }; export async function* plan() { await sleep("11m"); yield {}; }`, "", 1},
		{`export const teardown = () => sleep("61s");`, "teardown: it took longer than 1m0s", 1},
		{`export const options = { teardownTimeout: "2m" }; export const teardown = () => sleep("61s");`, "", 1},
		{`export const handleSummary = () => sleep("61s");`, "handleSummary: it took longer than 1m0s", 1},
	} {
		p := bubble(t, c.script+` export default async function () { await request(10); }`, nil)
		message := fmt.Sprint(p.Outcome.Err)
		if c.want == "" && p.Outcome.Err != nil || !strings.Contains(message, c.want) || len(p.Cases) != c.cases || p.Outcome.Interrupted {
			t.Errorf("%s: %d cases, %s", c.script, len(p.Cases), message)
		}
	}
	// Code that never gives way is cut off too.
	for what, code := range map[string]string{
		"setup":         `export const options = { setupTimeout: 50 }; export function setup() { for (;;); }`,
		"plan":          `export const options = { setupTimeout: 50 }; export function* plan() { yield {}; for (;;); }`,
		"handleSummary": `export const options = { teardownTimeout: 50 }; export function handleSummary() { for (;;); }`,
	} {
		p := playScript(t, code+` export default async function () { await request(10); }`, nil)
		if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), what+": it took longer than 50ms") {
			t.Errorf("%s: %v", what, p.Outcome.Err)
		}
	}
}

// What an iteration sleeps before its first request is kept, as it is no lateness
// of the client: sleeps that have ended, and those at the same time once.
func TestThinkTimeFirst(t *testing.T) {
	for code, asleep := range map[string]int{
		`await sleep(2);`: 2000,
		`await sleep(1); await group("x", () => sleep(1));`:                      2000,
		`await Promise.all([sleep(2), sleep(1), sleep(2)]);`:                     2000,
		`await new Promise((woken) => setTimeout(woken, 2000));`:                 0,
		`sleep(10); await new Promise((woken) => setTimeout(woken, 2000));`:      0,
		`await sleep(1); const first = request(1); await sleep(1); await first;`: 1000,
		`await request(1); await sleep(1);`:                                      0,
	} {
		p := bubble(t, `export default async function () { `+code+` console.log(about().split(" ")[1]); await request(10); }`, nil)
		if p.only(t); p.console != fmt.Sprintln(asleep) {
			t.Errorf("%s: %s ms, want %d", code, p.console, asleep)
		}
	}
}

// Requests that do not end though they are given up are reported, and do no harm
// when they end after all.
func TestUnfinished(t *testing.T) {
	p := bubble(t, `
		export const options = { executor: "constant-vus", vus: 3, duration: "1s", gracefulStop: 0 };
		export default async function (it) { await (it.vu === 0 ? request(100) : stubborn(60_000)); }
		export const teardown = () => sleep(59);`, nil)
	c := p.only(t)
	i := slices.IndexFunc(c.Errors, func(e result.ErrorGroup) bool { return e.Kind == "unfinished" })
	if i < 0 || c.Errors[i].Count != 2 || c.Validity.Verdict != result.Invalid || c.Counts.Requests < 10 {
		t.Errorf("%+v, errors %+v, %+v", c.Counts, c.Errors, c.Validity)
	}
}

func TestInstances(t *testing.T) {
	seen, own := map[int]int{}, 0
	for instance := range 3 {
		p := playScript(t, `
			export const options = { scenarios: {
				striped: { executor: "arrival-rate", rate: 10000, iterations: 20 },
				own: { executor: "arrival-rate", rate: 10000, iterations: 4, instance: 1, instances: 4 },
			} };
			export default function (it) { console.log(it.scenario, it.index); }`, func(c *runtime.Config) { c.Instance, c.Instances = instance, 3 })
		p.only(t)
		for line := range strings.Lines(p.console) {
			var scenario string
			var index int
			fmt.Sscan(line, &scenario, &index)
			switch {
			case scenario == "striped" && index%3 != instance:
				t.Errorf("instance %d plays iteration %d", instance, index)
			case scenario == "own" && index%4 != 1:
				t.Errorf("a share of its own plays iteration %d", index)
			case scenario == "striped":
				seen[index]++
			case scenario == "own":
				own++
			}
		}
	}
	if len(seen) != 20 || own != 3 {
		t.Errorf("%d shared iterations were played, want 20; %d of shares of their own, want one in each run", len(seen), own)
	}
}

func TestWrongCases(t *testing.T) {
	for options, want := range map[string]string{
		`{ scenarios: {} }`:                                                                           "scenarios must be an object of at least one scenario",
		`{ scenarios: [] }`:                                                                           "scenarios must be an object",
		`{ scenarios: { a: 3 } }`:                                                                     "scenario a must be an object",
		`{ scenarios: { a: {} }, vus: 2 }`:                                                            "vus beside scenarios",
		`{ scenarios: { a: { vuss: 2 } } }`:                                                           `scenario a: unknown option "vuss"; did you mean "vus"?`,
		`{ scenarios: { a: { vus: 2, pause: 3 } } }`:                                                  `scenario a: unknown option "pause"`,
		`{ scenarios: { a: { env: { X: "1" } } } }`:                                                   "scenario a: env is not supported",
		`{ scenarios: { a: { executor: "constant-vu" } } }`:                                           `did you mean "constant-vus"?`,
		`{ scenarios: { a: { data: [] } } }`:                                                          "scenario a: data is an empty list",
		`{ scenarios: { "a{b}": {} } }`:                                                               "must not have braces",
		`{ scenarios: { a: {} }, thresholds: { "ttft{scenario:b}": "max<1" } }`:                       "the case has no scenario b, only a",
		`{ scenarios: { a: { thresholds: { "ttft{scenario:a}": "max<1" } } } }`:                       "write ttft",
		`{ scenarios: { a: { thresholds: { tttft: "max<1" } } } }`:                                    "did you mean ttft?",
		`{ thresholds: { "ttft{status:200}": "max<1" } }`:                                             "the case has no tag status; the tags are scenario: default",
		`{ thresholds: { ttft: 3 } }`:                                                                 "neither an expression",
		`{ thresholds: { ttft: { threshold: "max<1", abortOnfail: true } } }`:                         `unknown option "abortOnfail"; did you mean "abortOnFail"?`,
		`{ thresholds: { ttft: { abortOnFail: true } } }`:                                             "threshold must be an expression",
		`{ thresholds: { ttft: { threshold: "max<1", abortOnFail: "yes" } } }`:                        "abortOnFail must be true or false",
		`{ thresholds: { ttft: { threshold: "max<1", delayAbortEval: "1s" } } }`:                      "give abortOnFail",
		`{ thresholds: { ttft: { threshold: "max<1", abortOnFail: true, delayAbortEval: "soon" } } }`: "delayAbortEval:",
		`{ thresholds: { ttft: { threshold: "max<<1", abortOnFail: true } } }`:                        "max<<1",
		`{ preconnect: "yes" }`:                                                                       "preconnect must be true, false or a number",
		`{ preconnect: -1 }`:                                                                          "preconnect must be true, false or a number",
		`{ executor: "arrival-rate", rate: 1, iterations: 1, preconnect: true }`:                      "give the number of connections",
		`{ warmup: { iterations: 2, vuss: 2 } }`:                                                      `warmup: unknown option "vuss"; did you mean "vus"?`,
		`{ warmup: { iterations: 2, exec: "other" } }`:                                                `warmup: unknown option "exec"`,
		`{ warmup: { executor: "constant-vu" } }`:                                                     `warmup: unknown executor "constant-vu"`,
		`{ exec: 1 }`:                           "exec must be a text, not 1",
		`{ scenarios: { a: { exec: ["f"] } } }`: "scenario a: exec must be a text",
		`{ name: 5 }`:                           "name must be a text, not 5",
		`{ scenario: 5 }`:                       "scenario must be a text, not 5",
		`{ of: "12" }`:                          "of must be the number of cases in all, not 12",
		`{ of: 0 }`:                             "of must be the number of cases in all",
		`{ executor: 3 }`:                       "executor must be a string, got 3",
		`{ setupTimeout: "soon" }`:              "options: setupTimeout:",
		`{ teardownTimeout: 0 }`:                "options: teardownTimeout must be more than 0",
	} {
		p := playScript(t, `export const options = `+options+`; export default () => { throw new Error("must not run"); };`, nil)
		if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), want) {
			t.Errorf("%s: %v, want %q", options, p.Outcome.Err, want)
		}
		if len(p.Cases) > 0 {
			t.Errorf("%s: a case was played", options)
		}
	}
}

// The progress of a case is that of its scenarios together.
func TestProgressOfScenarios(t *testing.T) {
	var mu sync.Mutex
	var view runtime.CaseView
	play := loaded(t, `
		export const options = { scenarios: {
			a: { executor: "per-vu-iterations", vus: 2, iterations: 5 },
			b: { executor: "shared-iterations", vus: 1, iterations: 3, startTime: "1s", maxDuration: "1h" },
		} };
		export default async function () { await request(1000); }`)
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			play(t, func(c *runtime.Config) {
				c.Watch = func(v runtime.CaseView) func() {
					mu.Lock()
					defer mu.Unlock()
					view = v
					return func() {}
				}
			})
		}()
		time.Sleep(2500 * time.Millisecond)
		mu.Lock()
		got := view.Progress()
		mu.Unlock()
		want := load.Counts{Scheduled: 13, Started: 8, Completed: 5}
		if got.Counts != want || got.Running != 3 || got.Planned != 13 || got.Stopping {
			t.Errorf("after 2.5 s: %+v", got)
		}
		if got.End.Sub(got.Begin) != time.Hour+time.Second {
			t.Errorf("from %v to %v", got.Begin, got.End)
		}
		<-done
	})
}
