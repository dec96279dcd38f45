package compare_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/compare"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// shown is a comparison with everything that there is to show, and what came of its
// conditions.
func shown(t *testing.T) (*compare.Comparison, []compare.Outcome) {
	t.Helper()
	side := func(name string, seed uint64, slower float64) *compare.Run {
		r := simulated("independent", 700, slower, rand.New(rand.NewPCG(seed, 1)))
		r.Name = name
		r.Result.Params = map[string]any{"url": "http://" + name + ":8000", "seed": seed}
		invalid := tagged("parallel 32 | 2048/256", map[string]any{"rate": 32})
		mixed := tagged("rate 64", map[string]any{"rate": 64})
		r.Result.Cases = append(r.Result.Cases, invalid, mixed)
		if seed == 2 {
			invalid.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{{Rule: "failed_requests", Verdict: result.Invalid, Message: "7 of 327 requests failed (2.1%): the latencies are those of the survivors"}}}
			mixed.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "few_samples", Verdict: result.Suspect, Message: "p99 comes from 40 samples"}}}
			mixed.Metrics["goodput"] = &result.Metric{Kind: "goodput"}
			mixed.Goodput = &result.Goodput{Share: new2(0.95)}
			r.Result.Cases = append(r.Result.Cases, tagged("rate 128", map[string]any{"rate": 128}))
		} else {
			r.Result.Cases = append(r.Result.Cases, tagged("rate 1", map[string]any{"rate": 1}), tagged("rate 2", map[string]any{"rate": 2}))
		}
		return r
	}
	c := compared(t, side("before", 1, 0), side("after", 2, 0.12), options())
	var outcomes []compare.Outcome
	for _, text := range []string{"ttft.p50{rate:8} > +10%", "throughput.output_tokens{rate:8} < -50%", "validity != VALID", "verdict{rate:32} == worse"} {
		condition, err := compare.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		o, err := condition.Check(c, false)
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, o)
	}
	return c, outcomes
}

func TestTerminal(t *testing.T) {
	c, outcomes := shown(t)
	for _, width := range []int{52, 60, 80, 120} {
		var b bytes.Buffer
		if err := compare.Terminal(&b, c, outcomes, width, false); err != nil {
			t.Fatal(err)
		}
		resulttest.Golden(t, fmt.Sprintf("terminal_%d.txt", width), b.String())
		for line := range strings.SplitSeq(b.String(), "\n") {
			if n := text.StringWidth(line); n > width {
				t.Errorf("a line of %d columns for a terminal of %d: %s", n, width, line)
			}
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Error("there are colours, and none are wanted")
		}
	}
}

func TestColours(t *testing.T) {
	text.EnableColors()
	c, outcomes := shown(t)
	var b bytes.Buffer
	if err := compare.Terminal(&b, c, outcomes, 120, true); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if strings.Contains(line, "▲ worse") && !strings.Contains(line, "\x1b[31m") {
			t.Errorf("not in red: %q", line)
		}
	}
	if !strings.Contains(b.String(), "\x1b[31m") {
		t.Error("there is nothing in red")
	}
}

func TestMarkdown(t *testing.T) {
	c, outcomes := shown(t)
	var b bytes.Buffer
	if err := compare.Markdown(&b, []*compare.Comparison{c, c}, outcomes); err != nil {
		t.Fatal(err)
	}
	resulttest.Golden(t, "comparison.md", b.String())
}

// What somebody else has put into a result does nothing to a terminal, and mentions nobody.
func TestHarmless(t *testing.T) {
	c, outcomes := shown(t)
	const evil = "\x1b[2J\x07 @somebody"
	k := c.Cases[0]
	k.Name, k.Notes, c.Notes, c.OnlyNew = evil, []string{evil}, []string{evil}, []string{evil}
	k.Rows[0].Unit, outcomes[0].Text = evil, evil
	var b bytes.Buffer
	if err := compare.Terminal(&b, c, outcomes, 100, false); err != nil {
		t.Fatal(err)
	}
	if err := compare.Markdown(&b, []*compare.Comparison{c}, outcomes); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07") {
		t.Errorf("%q", b.String())
	}
	if _, markdown, _ := strings.Cut(b.String(), "### "); strings.Contains(markdown, "@somebody") {
		t.Error("somebody is mentioned")
	}
}

// Shares change by percentage points, and numbers are short whatever their size is.
func TestTexts(t *testing.T) {
	f := func(r compare.Row, want string) {
		t.Helper()
		got := fmt.Sprint(r.Label(), " ", r.BaseText(), " ", r.NewText(), " ", r.ChangeText(), " ", r.IntervalText(), " ", r.NoiseText())
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(compare.Row{Metric: "ttft", Stat: "p99", Unit: "ms", Base: new2(12345.6), New: new2(0.0123456), Change: new2(-0.999999), Low: new2(-1), High: new2(25), BaseNoise: new2(0.0123)}, "ttft p99 ms 12346 0.012 -100% -100 … +2.5e+03 ±1.2% –")
	f(compare.Row{Metric: "request_failed", Stat: "rate", Unit: "%", Base: new2(0.0), New: new2(0.0123456), Change: new2(0.0123456), Low: new2(0.0001), High: new2(0.02)}, "request_failed % 0 1.235 +1.2pp +0.01 … +2.0 –")
	f(compare.Row{Metric: "throughput", Stat: "output_tokens", Unit: "tok/s", Base: new2(1e7), New: new2(100.0), Change: new2(0.00001)}, "throughput output tok/s 1e+07 100 0% – –")
	f(compare.Row{Metric: "energy", Stat: "per_output_token", Unit: "J/tok"}, "energy J/tok – – – – –")
	f(compare.Row{Metric: "queue", Stat: "avg"}, "queue avg – – – – –")
	f(compare.Row{Metric: "cache_use", Stat: "avg", Unit: "%", Base: new2(50.0), New: new2(60.0), Change: new2(0.2), Low: new2(0.1), High: new2(0.3)}, "cache_use avg % 50 60 +20.0% +10.0 … +30.0 –")
}

// The first line says what came out, and an interval that seems to contradict its verdict
// is explained.
func TestHead(t *testing.T) {
	f := func(head string, explained bool, rows ...*compare.Row) {
		t.Helper()
		c := &compare.Comparison{Repeated: true, Cases: []*compare.Case{{Rows: rows}}}
		for _, r := range rows {
			switch r.Verdict {
			case compare.Worse:
				c.Counts.Worse++
			case compare.NoDifference:
				c.Counts.NoDifference++
			case compare.NotComparable:
				c.Counts.NotComparable++
			}
		}
		if got := c.Head(); got != head {
			t.Errorf("got %q, want %q", got, head)
		}
		if got := strings.Contains(strings.Join(c.Remarks(), "\n"), "by chance"); got != explained {
			t.Errorf("%s: explained %t, want %t", head, got, explained)
		}
	}
	row := func(v compare.Verdict, low, high float64) *compare.Row {
		return &compare.Row{Verdict: v, Low: &low, High: &high, P: new2(0.04)}
	}
	without := &compare.Row{Verdict: compare.NotComparable}
	f("nothing was compared", false)
	f("1 row", false, without)
	f("all 2 rows", false, without, without)
	f("1 worse, 1 not comparable", false, row(compare.Worse, 0.1, 0.2), without)
	f("all 2 rows", false, row(compare.NoDifference, -0.1, 0.2), row(compare.NoDifference, -0.1, 0.1))
	f("all 2 rows", true, row(compare.NoDifference, -0.1, 0.2), row(compare.NoDifference, -0.2, -0.1))
	f("1 worse, 1 no difference shown", true, row(compare.Worse, 0.1, 0.2), row(compare.NoDifference, 0.01, 0.3))
}
