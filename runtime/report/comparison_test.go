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
