package runtime_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/modules/core"
	"weir/modules/output"
	"weir/runtime"
	"weir/runtime/access"
	"weir/runtime/script"
)

// dryRun plays a script dry in a folder of its own, in which nothing may be left.
func dryRun(t *testing.T, source string, change func(*runtime.DryConfig)) (*runtime.Planned, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "script.ts")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir) // of the scratch folders
	a := access.New(access.Rules{Dry: true})
	loaded, err := script.Load(file, script.Config{
		Access:  a,
		Modules: map[string]script.Module{"weir": core.New(), "weir/output": new(output.Module)},
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimes, err := runtime.Init(t.Context(), loaded, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close(runtimes)
	c := runtime.DryConfig{Script: loaded}
	if change != nil {
		change(&c)
	}
	planned, err := runtime.Dry(t.Context(), runtimes, c)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("the dry run has left %v", left)
	}
	return planned, err
}

// TestDry has what a dry run says of plans: their cases, where they begin to depend on
// results, and why they end.
func TestDry(t *testing.T) {
	const iterate = "\nexport default function () { throw new Error('called') }"
	f := func(source, want string) {
		t.Helper()
		p, err := dryRun(t, source+iterate, nil)
		if got := outline(p, err); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}

	// Options alone are one case.
	f(`export const options = { vus: 4, iterations: 20 }`, "case 1 ×20 at 4")
	f(``, "case 1 ×1 at 1")
	f(`export const options = { scenarios: { a: { rate: 5, duration: "10s" }, b: { vus: 2, duration: "1m" } } }`, "a + b ×50 at any + ×any at 2")
	// A sweep that writes what it measures, also in words, does not depend on it.
	f(`import { Csv } from "weir/output";
export function* plan() {
	const table = new Csv("table.csv", { columns: ["a", "b"] });
	for (const vus of [1, 2]) {
		const r = yield { name: vus + " users", vus, iterations: 8 };
		table.row([r.metrics.ttft.p(99), r.throughput.requests]);
		if (r.counts.requests_failed > 0) return;
	}
}`, "1 users ×8 at 1; 2 users ×8 at 2")
	// One that stops when a limit is passed does, from the case that may not come.
	f(`export function* plan() {
	for (const vus of [1, 2, 4]) {
		const { metrics } = yield { name: "" + vus, vus, iterations: 4 };
		if (vus > 1 && metrics.ttft.p(99) > 500) return;
	}
}`, "1 ×4 at 1; 2 ×4 at 2; from 3 on by results")
	// One that climbs until nothing more is gained, too.
	f(`export function* plan() {
	let [before, vus] = [0, 1];
	for (;;) {
		const { throughput } = yield { vus, iterations: 4 * vus };
		if (throughput.requests < 1.05 * before) return;
		[before, vus] = [throughput.requests, 2 * vus];
	}
}`, "case 1 ×4 at 1; case 2 ×8 at 2; from 3 on by results")
	// So does one whose next load is a result, and one that a result keeps from failing.
	f(`export function* plan() {
	const { throughput } = yield { vus: 1, iterations: 4 };
	yield { rate: throughput.requests / 2, iterations: 10 };
}`, "case 1 ×4 at 1; from 2 on by results")
	f(`export function* plan() {
	const { goodput } = yield { vus: 1, iterations: 4, slo: { ttft: 100 } };
	if (goodput.share < 0.5) throw new Error("slow");
	yield { vus: 2 };
}`, "case 1 ×4 at 1; from 2 on by results")
	// Chance and the clock are no results: both plays have the same.
	f(`const id = Math.random();
export function* plan() {
	for (let i = 0; i < 2; i++) yield { name: "n", tags: { id, other: Math.random(), now: Date.now() } };
}`, "n ×1 at 1; n ×1 at 1")
	// Repetitions are of the case, and plan sees them.
	f(`export function* plan() {
	const { repeats } = yield { name: "a", repeat: 3, vus: 2, iterations: 5 };
	yield { name: "after " + repeats.length };
}`, "a 3 times ×5 at 2; after 3 ×1 at 1")
	// A metric of the script's own has a value, as if every iteration had given one.
	f(`export async function* plan() {
	yield { name: "async" };
}`, "async ×1 at 1")
	// What the plan does at its end is played, and what it writes is gone.
	f(`import { writeFile } from "weir/output";
export function* plan() { try { yield {}; yield { waves: 2, vus: 3 }; } finally { writeFile("end.txt", "end"); } }`, "case 1 ×1 at 1; case 2 ×6 at 3")

	// setup is not called, and what is missing then is said.
	f(`export function setup() { throw new Error("called") }
export function* plan({ model }) { yield { name: "of " + model } }`, "of undefined ×1 at 1; no setup")
	f(`export function setup() { return { all: [1] } }
export function* plan({ all }) { for (const vus of all) yield { vus } }`,
		"no setup; ended: plan failed, as it seems without what setup() returns: script.ts:2:52: plan: TypeError: Cannot convert undefined or null to object")
	// Conclusions of the script about results that are made up are none.
	f(`import { notMet } from "weir";
export function* plan() { yield { name: "a" }; notMet("none was good enough"); }`, "a ×1 at 1; ended: plan ends the run here: none was good enough")

	// What is wrong is the error of a run.
	f(`export const options = { vuss: 3 }`, `error: options: unknown option "vuss"; did you mean "vus"?`)
	f(`export function* plan() { yield { name: "a" }; yield { name: "b", vus: -1 }; }`, `a ×1 at 1; ended: plan failed here; error: case "b": options of a case: vus must be a whole number above 0, got -1`)
	f(`export function* plan() { yield { exec: "other" }; }`, `ended: plan failed here; error: script.ts: plan: case "case 1" needs an exported function other, and the script has none`)
	f(`export function* plan() { yield {}; throw new Error("mine"); }`, "case 1 ×1 at 1; ended: plan failed here; error: script.ts:1:43: plan: Error: mine")
}

// outline is what a dry run found in a line.
func outline(p *runtime.Planned, err error) string {
	var parts []string
	if p != nil {
		for _, c := range p.Cases {
			var loads []string
			for _, s := range c.Scenarios {
				iterations, atOnce := "any", "any"
				if s.Iterations != nil {
					iterations = fmt.Sprint(*s.Iterations)
				}
				if s.AtOnce != nil {
					atOnce = fmt.Sprint(*s.AtOnce)
				}
				loads = append(loads, "×"+iterations+" at "+atOnce)
			}
			name := c.Name
			if c.Repeat > 1 {
				name += fmt.Sprintf(" %d times", c.Repeat)
			}
			parts = append(parts, name+" "+strings.Join(loads, " + "))
		}
		if p.DependsFrom > 0 {
			parts = append(parts, fmt.Sprintf("from %d on by results", p.DependsFrom))
		}
		if p.SetupSkipped {
			parts = append(parts, "no setup")
		}
		if p.Ended != "" {
			line, _, _ := strings.Cut(p.Ended, "\n")
			parts = append(parts, "ended: "+line)
		}
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		parts = append(parts, "error: "+line)
	}
	return inFolder.ReplaceAllString(strings.Join(parts, "; "), "script.ts")
}

// inFolder is the script's path, whose folder is another one each time.
var inFolder = regexp.MustCompile(`/\S*script\.ts`)

// TestDryBounds plays plans that do not end, or not soon.
func TestDryBounds(t *testing.T) {
	p, err := dryRun(t, `export function* plan() { for (;;) yield {} }
export default function () {}`, func(c *runtime.DryConfig) { c.MaxCases = 20 })
	if err != nil || len(p.Cases) != 20 || !strings.Contains(p.Ended, "the first 20 cases") {
		t.Errorf("an endless plan: %v, %d cases, ended %q", err, len(p.Cases), p.Ended)
	}
	p, err = dryRun(t, `export function* plan() { yield {}; for (;;) ; }
export default function () {}`, func(c *runtime.DryConfig) { c.MaxTime = 100 * time.Millisecond })
	if err != nil || len(p.Cases) != 1 || !strings.Contains(p.Ended, "after 100ms") {
		t.Errorf("a plan that hangs: %v, %d cases, ended %q", err, len(p.Cases), p.Ended)
	}
	stop := make(chan struct{})
	close(stop)
	p, err = dryRun(t, `export function* plan() { yield {} }
export default function () {}`, func(c *runtime.DryConfig) { c.Stop = stop })
	if p != nil && len(p.Cases) > 0 || err != nil && !errors.Is(err, script.ErrInterrupted) {
		t.Errorf("stopped before it began: %+v, %v", p, err)
	}
}

// TestDryTotals adds up cases of which not everything is known.
func TestDryTotals(t *testing.T) {
	f := func(source string, want string) {
		t.Helper()
		p, err := dryRun(t, source+"\nexport default function () {}", nil)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d cases", p.Totals.Cases)
		for _, part := range []struct {
			name string
			n    any
		}{{"iterations", p.Totals.Iterations}, {"warm-up", p.Totals.Warmup}, {"prompt", p.Totals.PromptTokens}, {"output", p.Totals.OutputTokens}, {"at once", p.Totals.AtOnce}, {"limit", p.Totals.LimitS}} {
			if v := reflect.ValueOf(part.n); !v.IsNil() {
				got += fmt.Sprintf(", %s %v", part.name, v.Elem())
			}
		}
		got += fmt.Sprintf(", least %v", p.Totals.LeastS)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	f(`const data = [{ promptTokens: 10, outputTokens: 4 }, { promptTokens: 30, outputTokens: 4 }];
export function* plan() {
	yield { vus: 2, iterations: 3, data, warmup: 2, pause: "5s", repeat: 2 }; // items 0, 1, 0
	yield { rate: 10, duration: "4s", data };
}`, "3 cases, iterations 46, warm-up 4, prompt 900, output 184, limit 1214, least 14")
	// A list with an item for each iteration, beside one of something else; then one whose use is not known.
	f(`export function* plan() {
	yield { iterations: 2, maxDuration: "1m", data: { order: [1, 0], items: [{ promptTokens: 3 }, { promptTokens: 4 }] } };
}`, "1 cases, iterations 2, warm-up 0, prompt 7, at once 1, limit 60, least 0")
	f(`export function* plan() {
	yield { iterations: 2, maxDuration: "1m", data: { order: [1, 0], items: [{ promptTokens: 3 }] } };
}`, "1 cases, iterations 2, warm-up 0, at once 1, limit 60, least 0")
	f(`export function* plan() {
	yield { vus: 2, duration: "10s", data: [{ promptTokens: 10 }] };
	yield { executor: "per-vu-iterations", vus: 3, iterations: 2, maxDuration: "1m", startTime: "1s" };
}`, "2 cases, warm-up 0, at once 3, limit 71, least 10")
	f(`export const options = { rate: 100, duration: "30h", process: "poisson" }`, "1 cases, iterations 10800000, warm-up 0, limit 108000, least 108000")
}

// TestDryWithholds plays a plan that asks for something outside.
func TestDryWithholds(t *testing.T) {
	a := access.New(access.Rules{Dry: true})
	err := a.Connect("127.0.0.1:8000")
	var refused *access.Refused
	if !errors.As(err, &refused) || len(a.Twin().Withheld()) != 0 {
		t.Errorf("%v; a twin knows nothing of it", err)
	}
	_ = a.Connect("127.0.0.1:8000")
	if got := a.Withheld(); len(got) != 1 || !strings.Contains(got[0], "127.0.0.1:8000") {
		t.Errorf("withheld %q, want the request, once", got)
	}
}
