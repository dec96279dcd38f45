//go:build !race

package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/runtime"
	"weir/runtime/result"
)

const repeated = `
	export const options = { thresholds: { ttft: "max<=20" } };
	let times = 0;
	export function* plan() {
		const a = yield { name: "a", of: 2, iterations: 2, warmup: 1, tags: { rate: 1 } };
		console.log(a.repeat, a.repeats?.map((r) => [r.repeat, r.name, r.metrics.ttft.p(50), r.metrics.e2el.n].join(":")).join(" "), JSON.stringify(a).length > 0);
		a.tag("conclusion", "good");
		const b = yield { name: "b", of: 2, repeat: 2, iterations: 1 };
		console.log(b.repeat, b.repeats?.length);
	}
	export default async function (it) {
		if (it.state.seen) throw new Error("state of the repetition before");
		if (it.iterationInVU === 1) it.state.seen = true;
		await request(it.warmup ? 1 : 10 * (1 + Math.floor(times++ / 2)));
	}`

// Each case is played several times in succession, from its warm-up on; plan sees them
// all, and the progress counts them.
func TestRepeat(t *testing.T) {
	var views []string
	watch := func(c *runtime.Config) {
		views = nil
		c.Watch = func(v runtime.CaseView) func() {
			views = append(views, fmt.Sprintf("%s%d %d/%d %v", v.Name, v.Repeat, v.Number, v.Of, v.Warmup))
			return func() {}
		}
	}
	f := func(repeat int, names, console, progress string) {
		t.Helper()
		p := bubble(t, repeated, func(c *runtime.Config) { watch(c); c.Repeat = repeat })
		if p.Outcome.Err != nil {
			t.Fatal(p.Outcome.Err)
		}
		var got []string
		for _, c := range p.Cases {
			got = append(got, fmt.Sprintf("%s%d %v %d %v", c.Name, c.Repeat, c.Tags, c.Counts.Requests, c.Warmup != nil))
			if len(c.Errors) > 0 {
				t.Errorf("%s: %v", c.Title(), c.Errors)
			}
		}
		if strings.Join(got, " ") != names {
			t.Errorf("repeat %d: cases\n got %q\nwant %q", repeat, strings.Join(got, " "), names)
		}
		if said := strings.Join(slices.DeleteFunc(strings.Split(p.console, "\n"), func(l string) bool { return l == "" }), "|"); said != console {
			t.Errorf("repeat %d: console\n got %q\nwant %q", repeat, said, console)
		}
		if shown := strings.Join(views, ", "); shown != progress {
			t.Errorf("repeat %d: progress\n got %q\nwant %q", repeat, shown, progress)
		}
	}
	f(0, "a0 map[conclusion:good rate:1] 2 true b1 map[] 1 false b2 map[] 1 false", "undefined undefined true|2 2",
		"a0 1/2 true, a0 1/2 false, b1 2/3 false, b2 3/3 false")
	f(3, "a1 map[conclusion:good rate:1] 2 true a2 map[conclusion:good rate:1] 2 true a3 map[conclusion:good rate:1] 2 true b1 map[] 1 false b2 map[] 1 false b3 map[] 1 false",
		"3 1:a:10:2 2:a:20:2 3:a:30:2 true|3 3",
		"a1 1/6 true, a1 1/6 false, a2 2/6 true, a2 2/6 false, a3 3/6 true, a3 3/6 false, b1 4/6 false, b2 5/6 false, b3 6/6 false")
	f(1, "a0 map[conclusion:good rate:1] 2 true b0 map[] 1 false", "undefined undefined true|undefined undefined", "a0 1/2 true, a0 1/2 false, b0 2/2 false")

	// Thresholds are judged each time, and one that ends the run leaves out what follows.
	p := bubble(t, repeated, func(c *runtime.Config) { c.Repeat = 3 })
	var ok []bool
	for _, c := range p.Cases[:3] {
		ok = append(ok, c.Thresholds[0].OK)
	}
	if !slices.Equal(ok, []bool{true, true, false}) {
		t.Errorf("thresholds of the repetitions: %v", ok)
	}
	p = bubble(t, strings.Replace(repeated, `ttft: "max<=20"`, `ttft: { threshold: "max<=10", abortOnFail: true }`, 1), func(c *runtime.Config) { c.Repeat = 3 })
	if len(p.Cases) != 2 || !strings.Contains(p.Outcome.Aborted, "ttft was 20") {
		t.Errorf("%d cases, aborted %q", len(p.Cases), p.Outcome.Aborted)
	}
}

// Without a plan, what the options describe is repeated.
func TestRepeatAlone(t *testing.T) {
	p := bubble(t, `export const options = { repeat: 3, iterations: 2 }; export default () => request(10);`, nil)
	if got := titles(p.Cases); got != "case 1 #1, case 1 #2, case 1 #3" {
		t.Errorf("%s, %v", got, p.Outcome.Err)
	}
	p = playScript(t, `export const options = { repeat: 0 }; export default () => request(10);`, nil)
	if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), "repeat must be how often the case is played, not 0") {
		t.Errorf("%v", p.Outcome.Err)
	}
}

func titles(cases []*result.Case) string {
	var all []string
	for _, c := range cases {
		all = append(all, c.Title())
	}
	return strings.Join(all, ", ")
}
