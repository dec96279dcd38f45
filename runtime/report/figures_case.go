package report

import (
	"math"
	"slices"
	"strconv"

	"weir/runtime/chart"
	"weir/runtime/result"
)

// Case has the figures of a case, counted from 0: how its latencies are distributed, and
// what happened over its time, one figure below the other with one time axis.
func (d *Data) Case(i int) []Figure {
	if i < 0 || i >= len(d.cases) {
		return nil
	}
	c := d.cases[i]
	var figures []Figure
	line, coarse := d.timeline(c, d.detail.buckets), d.timeline(c, min(60, d.detail.buckets))
	add := func(r rank, of func() (Figure, bool)) {
		if r > d.detail.figures {
			return
		}
		if f, ok := of(); ok {
			figures = append(figures, f)
		}
	}
	add(always, func() (Figure, bool) { return d.cdf(c) })
	add(seldom, func() (Figure, bool) { return d.tail(c) })
	add(often, line.bars)
	add(seldom, line.flight)
	add(seldom, line.requests)
	add(always, line.outputs)
	add(seldom, line.inputs)
	add(seldom, coarse.first)
	add(often, line.errors)
	for _, p := range panels {
		add(p.rank, func() (Figure, bool) { return line.panel(p) })
	}
	return figures
}

func (c *caseData) id(what string) string { return "case-" + strconv.Itoa(c.number) + "-" + what }

// distribution is the samples of a latency of a case.
type distribution struct {
	name      string
	n         int
	quantiles func(ps []float64) []float64
}

func (c *caseData) distributions() []distribution {
	samples := func(name string, of func(request) float32) distribution {
		var all []float32
		for _, r := range c.requests {
			if v := of(r); !math.IsNaN(float64(v)) {
				all = append(all, v)
			}
		}
		return distribution{name, len(all), func(ps []float64) []float64 { return quantiles(all, ps) }}
	}
	took := func(plain bool) func(request) float32 {
		return func(r request) float32 {
			if r.plain != plain {
				return nan32
			}
			return r.e2el
		}
	}
	all := []distribution{
		{"ITL", int(c.gaps.n), c.gaps.quantiles},
		samples("TPOT", func(r request) float32 { return r.tpot }),
		samples("TTFT", func(r request) float32 { return r.ttft }),
		samples("E2EL", took(false)),
		samples("http_req_duration", took(true)),
	}
	return slices.DeleteFunc(all, func(d distribution) bool { return d.n == 0 })
}

// resolution is the smallest time that records tell: a log axis has no place for 0.
const resolution = 0.001 // ms

// cdf is how many samples were at most how long.
func (d *Data) cdf(c *caseData) (Figure, bool) {
	t := d.lang.T
	ch := &chart.Chart{X: chart.Axis{Unit: "ms", Scale: chart.Log}, Y: chart.Axis{Label: t("axis at most"), Unit: "%", Max: 100}}
	shown := []float64{0, 10, 25, 50, 75, 90, 95, 99, 99.9, 100}
	table := Table{Head: []string{t("latency") + " (ms)", "n"}}
	for _, p := range shown {
		table.Head = append(table.Head, percentileName(p))
	}
	// Even steps, and finer ones at both ends.
	ps := []float64{0, 0.5}
	for k := 1; k < d.detail.points; k++ {
		ps = append(ps, 100*float64(k)/float64(d.detail.points))
	}
	ps = append(ps, 99, 99.9, 100)
	if d.detail.figures == seldom {
		ps = append(ps, 0.1, 0.2, 99.5, 99.8, 99.99)
	}
	slices.Sort(ps)
	ps = slices.Compact(ps)
	for i, dist := range c.distributions() {
		s := chart.Series{Name: dist.name, Kind: chart.Line, Ink: series(i)}
		for k, v := range dist.quantiles(ps) {
			s.Points = append(s.Points, chart.Point{X: max(v, resolution), Y: ps[k]})
		}
		ch.Series = append(ch.Series, s)
		row := []string{dist.name, whole(int64(dist.n))}
		for k, v := range dist.quantiles(shown) {
			row = append(row, percentile(&result.Metric{N: int64(dist.n)}, shown[k], &v))
		}
		table.Rows = append(table.Rows, row)
	}
	caption := t("caption cdf")
	if c.gaps.n > 0 {
		caption += " " + t("caption gaps")
	}
	ch.X.Label = only(table)
	return d.figure(c.id("cdf"), "", t("title cdf"), caption+d.keptNote(c), ch, table), len(table.Rows) > 0
}

// only is what the only row of a table is of, "" when there are several: then the legend
// says it.
func only(table Table) string {
	if len(table.Rows) == 1 {
		return table.Rows[0][0]
	}
	return ""
}

func percentileName(p float64) string {
	switch p {
	case 0:
		return "min"
	case 100:
		return "max"
	}
	return "p" + strconv.FormatFloat(p, 'f', -1, 64)
}

// tail is how many samples were longer than that: what the slowest few are like, which a
// CDF hides in its upper edge.
func (d *Data) tail(c *caseData) (Figure, bool) {
	t := d.lang.T
	const enough = 100 // samples
	ch := &chart.Chart{X: chart.Axis{Unit: "ms", Scale: chart.Log}, Y: chart.Axis{Label: t("axis longer"), Unit: "%", Scale: chart.Log}}
	shown := []float64{90, 99, 99.9, 99.99, 99.999}
	table := Table{Head: []string{t("longer than")}}
	for _, p := range shown {
		table.Head = append(table.Head, strconv.FormatFloat(math.Round((100-p)*1e6)/1e6, 'f', -1, 64)+" %")
	}
	for i, dist := range c.distributions() {
		if dist.n < enough {
			continue
		}
		var ps, shares []float64
		steps := min(20, max(4, d.detail.points/5)) // of a decade
		for k := 0; ; k++ {
			share := 100 * math.Pow(10, -float64(k)/float64(steps))
			if share <= 100/float64(dist.n) {
				break
			}
			ps, shares = append(ps, 100-share), append(shares, share)
		}
		ps, shares = append(ps, 100), append(shares, 100/float64(dist.n))
		s := chart.Series{Name: dist.name, Kind: chart.Line, Ink: series(i)}
		for k, v := range dist.quantiles(ps) {
			s.Points = append(s.Points, chart.Point{X: max(v, resolution), Y: shares[k]})
		}
		ch.Series = append(ch.Series, s)
		row := []string{dist.name}
		for k, v := range dist.quantiles(shown) {
			if (100-shown[k])/100*float64(dist.n) < 1 {
				row = append(row, absent) // fewer than one sample is longer
				continue
			}
			row = append(row, number(v)+" ms")
		}
		table.Rows = append(table.Rows, row)
	}
	ch.X.Label = only(table)
	return d.figure(c.id("tail"), "", t("title tail"), t("caption tail")+d.keptNote(c), ch, table), len(table.Rows) > 0
}

// keptNote says that a figure is of a part of the requests.
func (d *Data) keptNote(c *caseData) string {
	text := ""
	if k := c.Kept; k != nil && k.Of > k.Requests {
		text += " " + d.lang.F("caption kept", whole(k.Requests), whole(k.Of))
	}
	if c.Window == result.WindowSteady {
		text += " " + d.lang.T("caption whole")
	}
	if c.odd > 0 {
		text += " " + d.lang.F("caption odd", whole(int64(c.odd)))
	}
	return text
}
