package compare_test

import (
	"strings"
	"testing"

	"weir/runtime/compare"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

func TestParseCondition(t *testing.T) {
	f := func(text, metric, stat, op string, limit float64, unit string, change bool) {
		t.Helper()
		c, err := compare.ParseCondition(text)
		if err != nil {
			t.Error(err)
			return
		}
		if c.On.String() != metric || c.Stat != stat || c.Op != op || c.Limit != limit || c.Unit != unit || c.Change != change || c.Verdict != "" || c.Validity != "" {
			t.Errorf("%s is read as %+v", text, c)
		}
	}
	f("ttft.p99 > +10%", "ttft", "p99", ">", 10, "%", true)
	f("  ttft.p(99)>=-2.5 % ", "ttft", "p99", ">=", -2.5, "%", true)
	f("ttft>+20ms", "ttft", "", ">", 20, "ms", true)
	f("ttft.med > 0.5s", "ttft", "p50", ">", 0.5, "s", false)
	f("ttft.p99.9 > 500", "ttft", "p99.9", ">", 500, "", false)
	f("throughput.output_tokens{rate:8} < -5%", "throughput{rate:8}", "output_tokens", "<", -5, "%", true)
	f("ttft{rate:8}.mean > +1e1%", "ttft{rate:8}", "avg", ">", 10, "%", true)
	f(`ttft{case:"a > }b", rate:8}.p90 <= +1%`, `ttft{case:"a > }b",rate:8}`, "p90", "<=", 1, "%", true)
	f("goodput < -1pp", "goodput", "", "<", -1, "pp", true)
	f("request_failed > 1%", "request_failed", "", ">", 1, "%", false)
	f("accepted < -1pp", "accepted", "", "<", -1, "pp", true) // a script's own may be a rate
	f("accepted < 50%", "accepted", "", "<", 50, "%", false)
	f("goodput.per_second < -3%", "goodput", "per_second", "<", -3, "%", true)

	verdict := func(text, metric, stat, op string, want compare.Verdict, validity string) {
		t.Helper()
		c, err := compare.ParseCondition(text)
		if err != nil {
			t.Error(err)
			return
		}
		if c.On.Metric != metric || c.Stat != stat || c.Op != op || c.Verdict != want || string(c.Validity) != validity {
			t.Errorf("%s is read as %+v", text, c)
		}
	}
	verdict("verdict == worse", "verdict", "", "==", compare.Worse, "")
	verdict("verdict{rate:8} != none", "verdict", "", "!=", compare.NoDifference, "")
	verdict("ttft.p99==Worse", "ttft", "p99", "==", compare.Worse, "")
	verdict("ttft != not-comparable", "ttft", "", "!=", compare.NotComparable, "")
	verdict("validity != valid", "validity", "", "!=", "", "VALID")
	verdict("validity >= SUSPECT", "validity", "", ">=", "", "SUSPECT")

	wrong := func(text, want string) {
		t.Helper()
		_, err := compare.ParseCondition(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	wrong("", "no comparison")
	wrong("ttft.p99", "no comparison")
	wrong("ttft = 3", "is no comparison")
	wrong("> +10%", "no name of a metric")
	wrong("ttft.p101 > +10%", "no statistic")
	wrong("ttft. > +10%", "no statistic behind the dot")
	wrong("ttft.p99{rate:8}.p50 > +10%", "not one statistic")
	wrong("ttft{rate > +10%", "not closed")
	wrong("ttft{rate} > +10%", "has no value")
	wrong("ttft > +x%", "no limit")
	wrong("ttft > +0x1p4%", "no limit")
	wrong("ttft > +1e999%", "no limit")
	wrong("ttft > NaN", "no limit")
	wrong("ttft > 10%", "a change has a sign: +10%")
	wrong("ttft > +1pp", "for shares")
	wrong("throughput > +1pp", "for shares")
	wrong("throughput > 5%", "a change has a sign: +5%")
	wrong("goodput < -1%", "percentage points: -1pp")
	wrong("goodput < 1pp", "has a sign")
	wrong("ttft == 10ms", "never just a number")
	wrong("verdict > worse", "== or !=")
	wrong("verdict == bad", "one of better,")
	wrong("verdict.p99 == worse", "== or !=")
	wrong("validity == OK", "VALID, SUSPECT or INVALID")
	wrong(strings.Repeat("x", 2000), "1000 characters")
}

// What is parsed keeps its text, and what is not says why.
func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{"ttft.p99 > +10%", `ttft{a:"}>"}.p50 <= -3ms`, "verdict == worse", "validity != VALID", "goodput<-1pp", "a{b:c}.", "{", "x>+", "ttft{rate:8"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := compare.ParseCondition(text)
		if err != nil {
			return
		}
		if c.String() != strings.TrimSpace(text) || c.Op == "" || c.On.Metric == "" {
			t.Errorf("%q is read as %+v", text, c)
		}
		again, err := compare.ParseCondition(c.String())
		if err != nil || again.On.String() != c.On.String() || again.Limit != c.Limit || again.Change != c.Change || again.Verdict != c.Verdict {
			t.Errorf("%q is read differently the second time: %v", text, err)
		}
	})
}

// A condition holds when the value is beyond the limit and the difference is shown.
func TestConditions(t *testing.T) {
	same, slower, little := latencies(1, 500, 1), latencies(1, 500, 1.12), latencies(2, 500, 1.01)
	compared := func(new []float64, failed int) *compare.Comparison {
		t.Helper()
		c, err := compare.Compare([]*compare.Run{withTTFT(same, 0)}, []*compare.Run{withTTFT(new, failed)}, compare.Options{
			Also: []string{"ttft", "ttft.p50", "ttft.p99", "request_failed", "ttft.p99.9"}, Confidence: 0.95, MinEffect: 0.01,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	f := func(c *compare.Comparison, condition string, strict, failed bool, text string) {
		t.Helper()
		parsed, err := compare.ParseCondition(condition)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parsed.Check(c, strict)
		if err != nil {
			t.Error(err)
			return
		}
		if o.Failed != failed || !strings.Contains(o.Text, text) {
			t.Errorf("%s: failed %t (%s), want %t (%s)", condition, o.Failed, o.Text, failed, text)
		}
	}
	worse, noise := compared(slower, 0), compared(little, 30)
	f(worse, "ttft > +10%", false, true, "ttft.avg +12.0%")
	f(worse, "ttft > +11%", true, false, "")
	f(worse, "ttft > +11%", false, true, "")
	f(worse, "ttft > +5%", true, true, "ttft.avg +12.0%")
	f(worse, "ttft > +15%", false, false, "")
	f(worse, "ttft > +10ms", false, true, "")
	f(worse, "ttft > +0.01s", false, true, "")
	f(worse, "ttft > +20ms", false, false, "")
	f(worse, "ttft.p50 > 105ms", false, true, "")
	f(worse, "ttft.p50 > 1s", false, false, "")
	f(worse, "ttft.p50 > 1 req/s", false, true, "cannot be told: the limit is in req/s, and the metric in ms")
	f(worse, "ttft.p50 == worse", false, true, "worse +12")
	f(worse, "ttft.p50 != worse", false, false, "")
	f(worse, "verdict == worse", false, true, "")
	f(worse, "verdict == better", false, false, "")
	f(worse, "ttft{rate:8} < +50%", false, true, "") // no change at all would be below
	f(worse, "validity != VALID", false, false, "")
	f(worse, "validity < VALID", false, false, "")
	f(worse, "validity >= SUSPECT", false, true, "VALID") // the greatest
	f(worse, "ttft.p99 > +10%", false, true, "cannot be told: p99 takes 662 samples")
	f(worse, "ttft.p99.9 > 5s", false, true, "cannot be told")
	f(worse, "request_failed > +1pp", false, false, "")
	f(noise, "ttft > +0.1%", false, false, "")
	f(noise, "request_failed > +1pp", false, true, "+6.0pp")
	f(noise, "request_failed > 5%", false, true, "6%")
	f(noise, "request_failed.rate > 7%", false, false, "")
	f(noise, "request_failed == worse", false, true, "")

	// A script's own metrics: a rate is a share; what is below 0 changes by its size.
	own := func(accepted, headroom float64) []*compare.Run {
		c := resulttest.LLMCase("x", 800, 100)
		c.Metrics["accepted"] = &result.Metric{Kind: "rate", Custom: true, N: 100, Rate: &accepted}
		c.Metrics["headroom"] = &result.Metric{Kind: "gauge", Custom: true, Unit: "GiB", N: 1, Value: &headroom}
		return []*compare.Run{planned("own", c)}
	}
	custom, err := compare.Compare(own(0.9, -50), own(0.8, -40), compare.Options{Metrics: []string{"accepted", "headroom"}, Confidence: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	f(custom, "accepted < -5pp", false, true, "-10.0pp, 90 → 80%")
	f(custom, "accepted < -15pp", false, false, "")
	f(custom, "accepted < 85%", false, true, "80%")
	f(custom, "accepted < -5%", false, true, "cannot be told: a share changes by percentage points")
	f(custom, "headroom > +5GiB", false, true, "+20.0%")
	f(custom, "headroom > +15GiB", false, false, "")
	f(custom, "headroom > +1pp", false, true, "cannot be told: it is no share")
	f(custom, "headroom > 5%", false, true, "cannot be told: the limit is in %, and the metric in GiB")

	wrong := func(condition, want string) {
		t.Helper()
		parsed, err := compare.ParseCondition(condition)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Check(worse, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", condition, err, want)
		}
	}
	wrong("ttft{rate:9} > +10%", `no case that was compared has these tags`)
	wrong("ttff > +10%", "did you mean ttft?")
}
