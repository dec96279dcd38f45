package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"weir/runtime/compare"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// comparedRuns are two runs of cases with requests that are drawn.
func comparedRuns(t *testing.T) ([]*compare.Comparison, []compare.Outcome) {
	t.Helper()
	side := func(seed uint64, slower float64) *compare.Run {
		const n = 300
		var cases []*result.Case
		var requests []*result.Request
		rng := rand.New(rand.NewPCG(seed, 1))
		for number, parallel := range []int{1, 8} {
			c := resulttest.LLMCase(fmt.Sprintf("%d <parallel>", parallel), n, 100)
			c.Tags = map[string]any{"parallel": parallel}
			c.Throughput.OutputTokens *= float64(1+number) / (1 + slower)
			at := resulttest.Began.UnixNano()
			for range n {
				us := func(ms float64) int64 { return int64(1000 * ms * (1 + slower) * math.Exp(0.1*rng.NormFloat64())) }
				q := &result.Request{Case: number + 1, Kind: "llm", Started: at, OutputTokens: &result.TokenCount{N: 4, Source: "usage"}, TokenGaps: []int64{us(100), us(7), us(7), us(7)}}
				q.End = new(q.TokenGaps[0] + q.TokenGaps[1] + q.TokenGaps[2] + q.TokenGaps[3])
				at += *q.End * 1000
				requests = append(requests, q)
			}
			cases = append(cases, c)
		}
		cases = append(cases, resulttest.LLMCase(fmt.Sprintf("only here %d", seed), n, 100))
		cases[2].Tags = map[string]any{"only": seed}
		return &compare.Run{Name: fmt.Sprintf("results/<%d>", seed), Result: resulttest.Run(cases...), Requests: func(yield func(*result.Request, error) bool) {
			for _, q := range requests {
				if !yield(q, nil) {
					return
				}
			}
		}}
	}
	base, new := []*compare.Run{side(1, 0)}, []*compare.Run{side(2, 0.2)}
	c, err := compare.Compare(base, new, compare.Options{Confidence: 0.95, MinEffect: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	condition, err := compare.ParseCondition("ttft > +10%")
	if err != nil {
		t.Fatal(err)
	}
	o, err := condition.Check(c, false)
	if err != nil {
		t.Fatal(err)
	}
	return []*compare.Comparison{c}, []compare.Outcome{o}
}

var elsewhere = regexp.MustCompile(`(?s)<figure.*?</figure>| title="[^"]*"`)

// The page has every case, row and condition, escaped, with a picture of each interval
// and figures over the cases.
func TestComparison(t *testing.T) {
	comparisons, outcomes := comparedRuns(t)
	for _, l := range []Lang{English, Chinese} {
		var b strings.Builder
		if err := WriteComparison(&b, comparisons, outcomes, l); err != nil {
			t.Fatal(err)
		}
		main := regexp.MustCompile(`(?s)<main.*</main>`).FindString(b.String())
		if got := strings.Count(main, "<figure"); got != 3 {
			t.Errorf("%s: %d figures, want 3", l, got)
		}
		// What charts look like and how metrics are defined are other tests' subjects.
		resulttest.Golden(t, fmt.Sprintf("comparison_%s.html", l), elsewhere.ReplaceAllString(main, "")+"\n")
		if strings.Contains(main, "<parallel>") || strings.Contains(main, "<1>") {
			t.Error("what comes from a run is not escaped")
		}
		if rows, ranges := len(comparisons[0].Cases[0].Rows)+len(comparisons[0].Cases[1].Rows), strings.Count(main, `class="range"`); ranges < rows*3/4 {
			t.Errorf("%s: %d pictures of intervals for %d rows", l, ranges, rows)
		}
	}
}

// A figure has all cases, with a statistic that all of them have, and a pair of lines for
// each group of cases that differ in their load alone.
func TestComparedFigures(t *testing.T) {
	f := func(want string, cases ...*compare.Case) {
		t.Helper()
		var got []string
		for _, figure := range English.comparedFigures(0, &compare.Comparison{Cases: cases}) {
			text := figure.Chart.Y.Label
			for _, s := range figure.Chart.Series {
				text += fmt.Sprintf(", %s %d", s.Name, len(s.Points))
			}
			got = append(got, fmt.Sprintf("%s, %d rows", text, len(figure.Table.Rows)))
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	at := func(prompt, parallel string, stats ...string) *compare.Case {
		k := &compare.Case{Name: prompt + " in, " + parallel + " parallel", Tags: map[string]string{"prompt_tokens": prompt, "parallel": parallel}}
		k.Rows = append(k.Rows, &compare.Row{Metric: "throughput", Stat: "output_tokens", Unit: "tok/s", Base: new(100.0), New: new(90.0)})
		for _, stat := range stats {
			k.Rows = append(k.Rows, &compare.Row{Metric: "ttft", Stat: stat, Unit: "ms", Base: new(10.0), New: new(20.0)})
		}
		return k
	}
	f("ttft p50, base 2, new 2, 4 rows", at("64", "1", "avg", "p50"), at("64", "8", "avg", "p50"))
	f("ttft avg, base 2, new 2, 4 rows", at("64", "1", "avg"), at("64", "8", "avg", "p50"))
	f("ttft p50, base 2, new 2, 4 rows", at("64", "1", "p50"), at("64", "8", "p50"), at("64", "16")) // one that has no ttft
	f("ttft avg, prompt_tokens 64 base 2, prompt_tokens 64 new 2, prompt_tokens 256 base 2, prompt_tokens 256 new 2, 8 rows",
		at("64", "1", "avg"), at("256", "1", "avg", "p50"), at("64", "8", "avg", "p50"), at("256", "8", "avg", "p50"))
	f("", at("64", "1", "avg", "p50"))
}
