package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/chart"
	"weir/runtime/compare"
	"weir/runtime/result"
)

// WriteComparison writes comparisons, one for each new run that was held against the
// base, as a page. outcomes are those of all conditions in all comparisons.
func WriteComparison(w io.Writer, comparisons []*compare.Comparison, outcomes []compare.Outcome, l Lang) error {
	v := comparisonView{}
	for i, c := range comparisons {
		part := comparisonPart{ID: fmt.Sprintf("comparison-%d", i+1), Comparison: c, Figures: l.comparedFigures(i, c)}
		for _, o := range outcomes {
			if slices.Equal(o.New, c.New) {
				part.Outcomes = append(part.Outcomes, o)
			}
		}
		for _, k := range c.Cases {
			part.Cases = append(part.Cases, newComparedCase(k))
		}
		v.Parts = append(v.Parts, part)
	}
	var body strings.Builder
	if err := templates(l).ExecuteTemplate(&body, "comparison", v); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return Frame(w, FrameOptions{Lang: l, Title: l.T("comparison")}, template.HTML(body.String()))
}

type comparisonView struct{ Parts []comparisonPart }

type comparisonPart struct {
	ID string
	*compare.Comparison
	Outcomes []compare.Outcome
	Cases    []comparedCase
	Figures  []Figure
}

// comparedCase is a pair of cases, with the place of each interval on an axis that its
// rows have in common.
type comparedCase struct {
	*compare.Case
	Rows  []comparedRow
	Noise bool   // some row has any
	Reach string // of the axis, percent
}

type comparedRow struct {
	*compare.Row
	First bool   // of its metric
	Class string // for the colour
	Word  string // key of the verdict's text
	Range *comparedRange
}

// verdictWords are the verdicts' texts in a table.
var verdictWords = map[compare.Verdict]string{
	compare.Better: "verdict better", compare.Worse: "verdict worse", compare.Differs: "verdict differs", compare.NoDifference: "verdict none shown",
	compare.NoInterval: "verdict no interval", compare.NotComparable: "verdict not comparable",
}

// comparedRange is where on its axis, 0…200, an interval is.
type comparedRange struct{ From, Width, At float64 }

// widestRange is how far the axis of intervals goes at most, as a multiple of how far
// half of them go: so that one that knows nothing does not hide the others. What is beyond
// is cut off.
const widestRange = 4

func newComparedCase(k *compare.Case) comparedCase {
	c := comparedCase{Case: k}
	var ends []float64
	for _, r := range k.Rows {
		if r.Low != nil && r.High != nil {
			ends = append(ends, max(math.Abs(*r.Low), math.Abs(*r.High)))
		}
		c.Noise = c.Noise || r.BaseNoise != nil || r.NewNoise != nil
	}
	reach := 0.0
	if slices.Sort(ends); len(ends) > 0 {
		reach = min(ends[len(ends)-1], widestRange*ends[len(ends)/2])
	}
	if reach > 0 {
		end := strconv.FormatFloat(100*reach, 'g', 3, 64)
		c.Reach = "−" + end + " … +" + end
	}
	at := func(v float64) float64 { return math.Round(10*(100+96*max(-1, min(v/reach, 1)))) / 10 }
	before := ""
	for _, r := range k.Rows {
		row := comparedRow{Row: r, First: r.Metric != before, Word: verdictWords[r.Verdict]}
		switch text := r.VerdictText(); text {
		case "the same":
			row.Word = "verdict the same"
		case "too few":
			row.Word = "verdict too few"
		}
		before = r.Metric
		switch r.Verdict {
		case compare.Better:
			row.Class = "good"
		case compare.Worse:
			row.Class = "bad"
		case compare.NotComparable, compare.NoInterval:
			row.Class = "thin"
		}
		if r.Low != nil && r.High != nil && r.Change != nil && reach > 0 {
			from, to := at(*r.Low), at(*r.High)
			row.Range = &comparedRange{From: from, Width: max(1, math.Round(10*(to-from))/10), At: at(*r.Change)}
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// comparedFigures are, of several cases, latencies over throughput before and after: a line
// for each side of a group of cases that differ in their load alone.
func (l Lang) comparedFigures(number int, c *compare.Comparison) (figures []Figure) {
	tags := make([]map[string]string, len(c.Cases))
	for i, k := range c.Cases {
		tags[i] = k.Tags
	}
	groups, _ := groupNames(tags)
	for _, metric := range []string{"ttft", "tpot", "e2el", "http_req_duration"} {
		stat, axis := comparedStat(c, metric), ""
		var series []chart.Series
		table := Table{Head: []string{l.T("case"), l.T("series"), l.T("throughput"), metric + " ms"}}
		points := 0
		var verdicts []result.Verdict
		for i, k := range c.Cases {
			load, latency := rowOf(k, "throughput", "output_tokens", "requests"), rowOf(k, metric, stat)
			if load == nil || latency == nil || axis != "" && axis != load.Unit {
				continue
			}
			axis = load.Unit
			at := l.sides(&series, groups[i])
			for side, values := range [][2]*float64{{load.Base, latency.Base}, {load.New, latency.New}} {
				s := &series[at+side]
				s.Points = append(s.Points, chart.Point{X: *values[0], Y: *values[1], Mark: markOf(k.Validity[side]), Title: k.Name})
				table.Rows = append(table.Rows, []string{k.Name, s.Name, chart.Number(*values[0]), chart.Number(*values[1])})
			}
			points, verdicts = points+1, append(verdicts, k.Validity[:]...)
		}
		if points < 2 {
			continue
		}
		picture := &chart.Chart{X: chart.Axis{Label: l.T("throughput"), Unit: axis}, Y: chart.Axis{Label: metric + " " + stat, Unit: "ms"}, Series: series}
		figures = append(figures, Figure{
			ID: fmt.Sprintf("comparison-%d-%s", number+1, metric), Title: l.F("title compared", metric+" "+stat), Caption: strings.TrimSpace(l.marks(verdicts)),
			Chart: picture, Legend: picture.Legend(), Table: table,
		})
	}
	return figures
}

// sides are the two series of a group, base and new, which are added when they are not
// there: the number of the first.
func (l Lang) sides(all *[]chart.Series, group string) int {
	name := strings.TrimSpace(group + " " + l.T("base"))
	if at := slices.IndexFunc(*all, func(s chart.Series) bool { return s.Name == name }); at >= 0 {
		return at
	}
	at := len(*all)
	base := chart.Series{Name: name, Kind: chart.Points, Joined: true, Dashed: true, Ink: series(at)}
	after := chart.Series{Name: strings.TrimSpace(group + " " + l.T("new")), Kind: chart.Points, Joined: true, Ink: series(at + 1)}
	if group != "" { // the dashes tell the sides apart
		base.Ink, after.Ink = series(at/2), series(at/2)
	}
	*all = append(*all, base, after)
	return at
}

// comparedStat is the statistic of a latency that a figure has: the median where all
// cases with the metric have it, otherwise the mean.
func comparedStat(c *compare.Comparison, metric string) string {
	for _, k := range c.Cases {
		if rowOf(k, metric, "avg") != nil && rowOf(k, metric, "p50") == nil {
			return "avg"
		}
	}
	return "p50"
}

// rowOf is the row of a metric with the first of some statistics that it has; nil: none.
func rowOf(k *compare.Case, metric string, stats ...string) *compare.Row {
	for _, stat := range stats {
		for _, r := range k.Rows {
			if r.Metric == metric && r.Stat == stat && r.Base != nil && r.New != nil {
				return r
			}
		}
	}
	return nil
}
