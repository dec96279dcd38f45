//go:build !race

package runtime_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"weir/runtime"
	"weir/runtime/metrics"
	"weir/runtime/result"
)

// SLOs of a scenario replace those of its case, those of a case the options',
// and those of the command line all of them: each metric by itself.
func TestSLOs(t *testing.T) {
	const source = `
		export const options = { slo: { ttft: 30, e2el: "1s", tpot: 7 }, thresholds: { goodput: "rate>0.2" } };
		export function* plan() {
			const own = yield { name: "options", iterations: 4 };
			if (own.goodput.share !== 1 || own.metrics.goodput.rate !== 1) throw new Error("what plan gets: " + JSON.stringify(own.goodput));
			yield { name: "case", iterations: 4, slo: { ttft: "5ms", tpot: null } };
			yield { name: "scenarios", slo: { ttft: 15 }, thresholds: { "goodput{scenario:quick}": ["missed<1", "per_second>1"] }, scenarios: {
				quick: { iterations: 2 },
				strict: { iterations: 3, slo: { ttft: 5 } },
				free: { iterations: 4, slo: { ttft: null, e2el: null, tpot: null } },
			} };
			yield { name: "alone", scenarios: { one: { iterations: 2, slo: { ttft: 5 } } }, thresholds: { "goodput{scenario:one}": "missed==2", goodput: "missed==2" } };
		}
		export default () => request(10);`
	p := bubble(t, source, nil)
	if p.Err != nil || len(p.Cases) != 4 {
		t.Fatalf("%d cases, %v", len(p.Cases), p.Err)
	}
	type want struct {
		requests, good int64
		slo            metrics.SLOs
	}
	hold := func(name string, got *want, w want) {
		t.Helper()
		if got.requests != w.requests || got.good != w.good || !maps.Equal(got.slo, w.slo) {
			t.Errorf("%s: %+v, want %+v", name, got, w)
		}
	}
	of := func(i int, scenario string) *want {
		g := p.Cases[i].Goodput
		if scenario != "" {
			g = p.Cases[i].Scenarios[scenario].Goodput
		}
		if g == nil {
			return &want{}
		}
		return &want{g.Requests, g.Good, g.SLO}
	}
	hold("options", of(0, ""), want{4, 4, metrics.SLOs{"ttft": 30, "e2el": 1000, "tpot": 7}})
	hold("case", of(1, ""), want{4, 0, metrics.SLOs{"ttft": 5, "e2el": 1000}})
	hold("scenarios", of(2, ""), want{5, 2, nil}) // they differ

	hold("quick", of(2, "quick"), want{2, 2, metrics.SLOs{"ttft": 15, "e2el": 1000, "tpot": 7}})
	hold("strict", of(2, "strict"), want{3, 0, metrics.SLOs{"ttft": 5, "e2el": 1000, "tpot": 7}})
	hold("free", of(2, "free"), want{})
	hold("alone", of(3, ""), want{2, 0, metrics.SLOs{"ttft": 5, "e2el": 1000, "tpot": 7}})
	hold("alone, its scenario", of(3, "one"), want{2, 0, metrics.SLOs{"ttft": 5, "e2el": 1000, "tpot": 7}})
	kept := func(i int) (s string) {
		for _, th := range p.Cases[i].Thresholds {
			s += map[bool]string{true: "✓", false: "✗"}[th.OK]
		}
		return s
	}
	// rate>0.2 of each but the last, and those of scenarios.
	if got := kept(0) + " " + kept(1) + " " + kept(2) + " " + kept(3); got != "✓ ✗ ✓✓✓ ✓✓" {
		t.Errorf("thresholds: %s", got)
	}

	p = bubble(t, source, func(c *runtime.Config) { c.SLOs = metrics.SLOs{"ttft": 12} })
	hold("flag", of(0, ""), want{4, 4, metrics.SLOs{"ttft": 12, "e2el": 1000, "tpot": 7}})
	hold("flag, case", of(1, ""), want{4, 4, metrics.SLOs{"ttft": 12, "e2el": 1000}})
	hold("flag, scenarios", of(2, ""), want{9, 9, nil})
	hold("flag, free", of(2, "free"), want{4, 4, metrics.SLOs{"ttft": 12}})
}

// What is wrong with SLOs and with stopWhen is told before any load.
func TestWrongSLOs(t *testing.T) {
	for options, want := range map[string]string{
		`slo: 500`:                               "slo must be an object such as { ttft: 500, tpot: 50 }",
		`slo: { tfft: 500 }`:                     "did you mean ttft?",
		`slo: { tfft: null }`:                    "did you mean ttft?",
		`slo: { ttft: -1 }`:                      "must be more than 0 ms",
		`slo: { ttft: "soon" }`:                  `slo of ttft: "soon" is not a duration`,
		`thresholds: { goodput: "rate>0.9" }`:    "thresholds of goodput: there are no SLOs to measure it by",
		`stopWhen: { goodput: "missed>3" }`:      "stopWhen of goodput: there are no SLOs",
		`stopWhen: 5`:                            "stopWhen must be an object",
		`stopWhen: { requests: "p(99)>3" }`:      "stopWhen of requests: \"p(99)>3\": a counter has no p(99)",
		`stopWhen: { ttft: { abortOnFail: 1 } }`: "stopWhen of ttft: ",
		`stopWhen: { ttft: { threshold: "max>3", abortOnFail: true } }`:                                  "abortOnFail belongs to thresholds",
		`stopWhen: { "ttft{scenario:default}": "max>3" }`:                                                "a case ends as a whole",
		`slo: { ttft: 1 }, thresholds: { goodput: "p(99)>1" }`:                                           "a goodput has no p(99), only rate, per_second, missed",
		`slo: { ttft: 1 }, thresholds: { ttft: "missed>1" }`:                                             "a distribution has no missed",
		`scenarios: { a: { iterations: 1, slo: { itl: 5 } } }`:                                           `there is no SLO "itl"`,
		`scenarios: { a: { slo: { ttft: 5 } }, b: {} }, thresholds: { "goodput{scenario:b}": "rate>0" }`: "there are no SLOs",
	} {
		p := playScript(t, `export const options = { `+options+` }; export default () => request(1);`, nil)
		if !p.Refused || p.Err == nil || !strings.Contains(p.Err.Error(), want) {
			t.Errorf("%s: %v, want %q", options, p.Err, want)
		}
	}
}

// What is no number is no tag of a case or a scenario either.
func TestTagsAreFinite(t *testing.T) {
	for _, options := range []string{`tags: { n: 0 / 0 }`, `scenarios: { a: { tags: { n: 1 / 0 } } }`} {
		p := playScript(t, `export const options = { `+options+` }; export default () => request(1);`, nil)
		if !p.Refused || p.Err == nil || !strings.Contains(p.Err.Error(), `tag "n" is`) {
			t.Errorf("%s: %v", options, p.Err)
		}
	}
}

// stopWhen ends a case at once, what runs is cut off, and the run goes on.
func TestStopWhen(t *testing.T) {
	p := bubble(t, `
		export function* plan() {
			const first = yield { name: "hopeless", startTime: 50, rate: 10, duration: "10m", slo: { ttft: 500 }, stopWhen: { goodput: "missed>=5" } };
			if (first.stopped?.metric !== "goodput" || first.stopped.after_s > 60) throw new Error("stopped: " + JSON.stringify(first.stopped));
			yield { name: "next", vus: 2, iterations: 4, slo: { ttft: 2000 }, stopWhen: { goodput: ["missed>=1", "per_second>1e9"], ttft: "max>2000" } };
		}
		export default () => request(1000);`, nil)
	if p.Err != nil || p.Aborted != "" || p.Outcome.Interrupted || len(p.Cases) != 2 {
		t.Fatalf("%d cases, %+v", len(p.Cases), p.Outcome)
	}
	// Each request takes a second, one starts every 100 ms from 50 ms on. The fifth ends at 1.45 s, which is seen at 2 s.
	first, next := p.Cases[0], p.Cases[1]
	if s := first.Stopped; s == nil || s.Expr != "missed>=5" || s.Value < 5 || s.After != 2 {
		t.Errorf("stopped: %+v", s)
	}
	if n := first.Counts; first.Interrupted || n.Started != 20 || n.RequestsCut != 10 || n.RequestsFailed != 0 || n.Requests != n.Started {
		t.Errorf("%+v, interrupted %v", n, first.Interrupted)
	}
	if i := slices.IndexFunc(first.Validity.Reasons, func(r result.Reason) bool { return r.Rule == "interrupted_requests" }); i < 0 ||
		first.Validity.Reasons[i].Verdict != result.Valid || !strings.Contains(first.Validity.Reasons[i].Message, "10 of 20 requests were cut off by stopWhen (goodput missed>=5)") {
		t.Errorf("reasons: %+v", first.Validity.Reasons)
	}
	if next.Stopped != nil || next.Goodput.Good != 4 || next.Interrupted {
		t.Errorf("next: %+v", next)
	}
}

// plan tags what it has concluded from a case, and what is no tag is refused.
func TestTag(t *testing.T) {
	p := bubble(t, `
		export function* plan() {
			const first = yield { name: "first", tags: { rate: 1 } };
			first.tag("decision", "met");
			first.tag("rate", 2.5);
			first.tag("final", true);
			for (const value of [{}, [1], null, undefined, NaN, Infinity]) {
				let refused = "";
				try { first.tag("wrong", value); } catch (e) { refused = String(e); }
				if (!refused.startsWith("TypeError: tag(name, value): the value is")) throw new Error(value + ": " + refused);
			}
		}
		export default () => request(1);`, nil)
	if tags := p.only(t).Tags; len(tags) != 3 || tags["decision"] != "met" || tags["rate"] != 2.5 || tags["final"] != true {
		t.Errorf("%v", tags)
	}
}
