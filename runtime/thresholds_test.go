//go:build !race

package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime"
	"weir/runtime/result"
)

// kept are thresholds as "metric expr ✓".
func kept(list []result.Threshold) (all []string) {
	for _, t := range list {
		all = append(all, fmt.Sprintf("%s %s %s", t.Metric, t.Expr, map[bool]string{true: "✓", false: "✗"}[t.OK]))
	}
	slices.Sort(all)
	return all
}

// A selector picks the cases that have its tags, and inside a case the scenarios.
func TestThresholdsByTags(t *testing.T) {
	p := bubble(t, `
		export const options = { thresholds: {
			"ttft{rate:8}": "max<=10", "ttft{rate:8,model:qwen}": "max<1", "ttft{big:1000000}": "max<=10", "ttft{on:true}": "count==2",
			"ttft{rate:9}": "max<1", "ttft{rates:8}": ["max<1", "min<1"], "ttft{rate:1,model:glm}": "max<1",
			"ttft{kind:fast}": "max<=10", "ttft{model:mix}": "count==6", "ttft{scenario:slow}": "min>=30",
			requests: "count>0",
		} };
		export function* plan() {
			const a = yield { name: "a", iterations: 2, tags: { rate: 1, model: "qwen", on: true }, data: [10] };
			a.tag("rate", 9); // what plan adds when the case has ended, is too late
			yield { name: "b", iterations: 2, tags: { rate: 8, model: "glm", big: 1e6 }, data: [10], thresholds: { requests: "count==2" } };
			yield { name: "c", tags: { model: "mix" }, exec: "default", scenarios: {
				one: { iterations: 2, data: [10], tags: { kind: "fast" } },
				two: { iterations: 2, data: [20], tags: { kind: "fast" } },
				slow: { iterations: 2, data: [30], tags: { kind: "slow" } },
			} };
		}
		export default async function (it) { await request(it.item); }`,
		func(c *runtime.Config) {
			c.Thresholds = map[string][]string{"requests": {"count<100"}, "ttft{ model : qwen }": {"max<5"}, "ttft{rate:7}": {"max<5"}}
		})
	if p.Outcome.Err != nil || len(p.Cases) != 3 {
		t.Fatalf("%d cases, %v", len(p.Cases), p.Outcome.Err)
	}
	for i, want := range [][]string{
		{"requests count<100 ✓", "requests count>0 ✓", "ttft{model:qwen} max<5 ✗", "ttft{on:true} count==2 ✓"},
		{"requests count<100 ✓", "requests count==2 ✓", "ttft{big:1000000} max<=10 ✓", "ttft{rate:8} max<=10 ✓"},
		{"requests count<100 ✓", "requests count>0 ✓", "ttft{kind:fast,scenario:one} max<=10 ✓", "ttft{kind:fast,scenario:two} max<=10 ✗",
			"ttft{model:mix} count==6 ✓", "ttft{scenario:slow} min>=30 ✓"},
	} {
		if got := kept(p.Cases[i].Thresholds); !slices.Equal(got, want) {
			t.Errorf("case %s\n got %q\nwant %q", p.Cases[i].Name, got, want)
		}
	}
	// Those that no case has judged are not kept, and say why.
	want := []string{"ttft{rate:1,model:glm} max<1 ✗", "ttft{rate:7} max<5 ✗", "ttft{rate:8,model:qwen} max<1 ✗", "ttft{rate:9} max<1 ✗", "ttft{rates:8} max<1 ✗", "ttft{rates:8} min<1 ✗"}
	if got := kept(p.Result.Thresholds); !slices.Equal(got, want) {
		t.Errorf("of the run\n got %q\nwant %q", got, want)
	}
	for metric, want := range map[string]string{
		"ttft{rate:9}":            "has no rate 9, only 1, 8",
		"ttft{rates:8}":           "has no tag rates; did you mean rate? the tags are big: 1000000; kind: fast, slow; model: qwen, glm, mix; on: true; rate: 1, 8; scenario: default, one, two, slow",
		"ttft{rate:8,model:qwen}": "nothing has them together",
	} {
		for _, th := range p.Result.Thresholds {
			if th.Metric == metric && (th.Value != nil || !strings.Contains(th.Note, want)) {
				t.Errorf("%s: %+v, want a note with %q", metric, th, want)
			}
		}
	}
}

// What a case itself asks for must be about it: it is told before any load.
func TestWrongSelectors(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		p := playScript(t, `export const options = `+options+`; export default () => { throw new Error("must not run"); };`, nil)
		if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), want) || len(p.Cases) > 0 {
			t.Errorf("%s: %d cases, %v, want %q", options, len(p.Cases), p.Outcome.Err, want)
		}
	}
	f(`{ tags: { rate: 8 }, thresholds: { "ttft{rat:8}": "max<1" } }`, "the case has no tag rat; did you mean rate?")
	f(`{ tags: { rate: 8 }, thresholds: { "ttft{rate:9}": "max<1" } }`, "the case has no rate 9, only 8")
	f(`{ thresholds: { "ttft{rate:8": "max<1" } }`, "there is no } at the end")
	f(`{ thresholds: { validity: "value==GOOD" } }`, `"GOOD", to the right of ==, is not a number`)
	f(`{ scenarios: { a: {}, b: {} }, thresholds: { "validity{scenario:a}": "value==VALID" } }`, "a case has one verdict")
	f(`{ stopWhen: { validity: "value==INVALID" } }`, "known when it has ended")
	p := playScript(t, `export default () => {};`, func(c *runtime.Config) { c.Thresholds = map[string][]string{"tttft": {"max<1"}} })
	if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), "--threshold of tttft (max<1): there is no such metric; did you mean ttft?") || !p.Outcome.Refused {
		t.Errorf("%v", p.Outcome.Err)
	}
}

// abortOnFail works for a part by tags as for all, with its delay, and for the verdict
// when the case has ended.
func TestAbortByTagsAndVerdict(t *testing.T) {
	f := func(thresholds, aborted string, cases int, lasted time.Duration) {
		t.Helper()
		p := bubble(t, `
			export const options = { thresholds: `+thresholds+` };
			export function* plan() {
				yield { name: "slow", executor: "constant-vus", vus: 1, duration: "5s", tags: { rate: 1 }, data: [400] };
				yield { name: "next", iterations: 1, tags: { rate: 2 }, data: [1] };
			}
			export default async function (it) { await request(it.item); }`, nil)
		if len(p.Cases) != cases || !strings.Contains(p.Outcome.Aborted, aborted) || (aborted == "") != (p.Outcome.Aborted == "") {
			t.Fatalf("%s: %d cases, aborted %q", thresholds, len(p.Cases), p.Outcome.Aborted)
		}
		if d := time.Duration(p.Cases[0].Duration * 1e9); d < lasted-2*time.Second || d > lasted+2*time.Second {
			t.Errorf("%s: it lasted %v", thresholds, d)
		}
		if aborted != "" && !slices.ContainsFunc(p.Cases[0].Thresholds, func(th result.Threshold) bool { return !th.OK && strings.Contains(th.Note, "ended the run") }) {
			t.Errorf("%s: %+v", thresholds, p.Cases[0].Thresholds)
		}
	}
	f(`{ "ttft{rate:1}": { threshold: "max<300", abortOnFail: true } }`, "ttft{rate:1} was 400", 1, time.Second)
	f(`{ "ttft{rate:1}": { threshold: "max<300", abortOnFail: true, delayAbortEval: "3s" } }`, "ttft{rate:1} was 400", 1, 3*time.Second)
	f(`{ "ttft{rate:2}": { threshold: "max<300", abortOnFail: true } }`, "", 2, 5*time.Second)
	f(`{ validity: { threshold: "value==VALID", abortOnFail: true } }`, `case "slow" ended after`, 1, 5*time.Second) // few samples
	f(`{ validity: { threshold: "value>=SUSPECT", abortOnFail: true } }`, "", 2, 5*time.Second)
	f(`{ "validity{rate:1}": { threshold: "value==VALID", abortOnFail: true, delayAbortEval: "1m" } }`, "", 2, 5*time.Second)
}

// What was about a case that an aborted run did not come to, says so.
func TestUnjudgedOfAnEndedRun(t *testing.T) {
	p := bubble(t, `
		export const options = { thresholds: { "ttft{rate:2}": "max<1", ttft: { threshold: "max<300", abortOnFail: true } } };
		export function* plan() { for (const rate of [1, 2]) yield { iterations: 1, tags: { rate } }; }
		export default async function () { await request(400); }`, nil)
	if len(p.Result.Thresholds) != 1 || p.Result.Thresholds[0].Note != "no case has judged it: the run, which ended early, has no rate 2, only 1" {
		t.Errorf("%+v", p.Result.Thresholds)
	}
}

// Tags that requests and values get while the case runs pick them: a group, and those of
// a script's own values. A case in which nothing has them does not judge.
func TestThresholdsOnTagsInRun(t *testing.T) {
	const script = `
		const step = new Trend("step");
		export const options = { thresholds: {
			"ttft{group:::login}": ["max<=10", "count==2"], "ttft{group:::login,rate:8}": "count==2", "requests{group:::login,scenario:default}": "count==2",
			"ttft{group:::out}": "max<1", "step{name:a}": "max==1", "step{name:b,rate:8}": "count==2", "step{n:8}": "max==3", "step{name:c}": "max<9",
			"step{group:::login}": "count==2", "checks{group:::login}": "rate==1", "ttft{rate:8}": "count==4",
		} };
		export function* plan() {
			yield { name: "plain", iterations: 1, exec: "plain" };
			yield { name: "steps", iterations: 2, tags: { rate: 8 } };
		}
		export async function plain() { await request(30); }
		export default async function () {
			await group("login", async () => { await request(10); step.add(1, { name: "a" }); });
			await request(20);
			step.add(2, { name: "b" });
			step.add(3, { n: 8 });
		}`
	p := bubble(t, script, nil)
	if p.Outcome.Err != nil || len(p.Cases) != 2 {
		t.Fatalf("%d cases, %v", len(p.Cases), p.Outcome.Err)
	}
	if got := kept(p.Cases[0].Thresholds); len(got) > 0 {
		t.Errorf("plain: %q", got)
	}
	want := []string{"requests{group:::login,scenario:default} count==2 ✓", "step{group:::login} count==2 ✓", "step{n:8} max==3 ✓", "step{name:a} max==1 ✓", "step{name:b,rate:8} count==2 ✓",
		"ttft{group:::login,rate:8} count==2 ✓", "ttft{group:::login} count==2 ✓", "ttft{group:::login} max<=10 ✓", "ttft{rate:8} count==4 ✓"}
	if got := kept(p.Cases[1].Thresholds); !slices.Equal(got, want) {
		t.Errorf("steps\n got %q\nwant %q", got, want)
	}
	if m := p.Cases[1].Metrics; m["ttft"].N != 4 || m["step"].N != 6 || p.Cases[1].Counts.Requests != 4 {
		t.Errorf("the case has %d and %d samples, %d requests", m["ttft"].N, m["step"].N, p.Cases[1].Counts.Requests)
	}
	var notes []string
	for _, th := range p.Result.Thresholds {
		notes = append(notes, th.Metric+": "+th.Note)
	}
	if got := strings.Join(notes, "\n"); got != `checks{group:::login}: no case has judged it: the run has no tag group; the tags are rate: 8; scenario: default
step{name:c}: no case has judged it: nothing of the run had these tags
ttft{group:::out}: no case has judged it: nothing of the run had these tags` {
		t.Errorf("not kept:\n%s", got)
	}

	// Where all that has the tags failed, there are no samples, and it is not kept.
	p = bubble(t, `
		export const options = { thresholds: { "ttft{group:::login}": "max<300" } };
		export function* plan() { yield { name: "up", iterations: 2 }; yield { name: "down", iterations: 2, tags: { down: true } }; }
		export default async (it) => { await group("login", () => it.tags.down ? request(10, "http_status") : request(10)); };`, nil)
	if got := append(kept(p.Cases[0].Thresholds), kept(p.Cases[1].Thresholds)...); !slices.Equal(got, []string{"ttft{group:::login} max<300 ✓", "ttft{group:::login} max<300 ✗"}) {
		t.Errorf("a service that went down: %q", got)
	}

	// They can end the run, too.
	p = bubble(t, `
		export const options = { executor: "constant-vus", vus: 1, duration: "1h", thresholds: { "ttft{group:::slow}": { threshold: "max<300", abortOnFail: true } } };
		export default async function (it) { if (it.index < 10) await request(100); else await group("slow", () => request(400)); }`, nil)
	if !strings.Contains(p.Outcome.Aborted, "ttft{group:::slow} was 400") {
		t.Errorf("aborted %q, %v", p.Outcome.Aborted, p.Outcome.Err)
	}
}
