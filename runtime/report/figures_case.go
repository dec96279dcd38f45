package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

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
	add(always, line.bars)
	add(seldom, line.flight)
	add(seldom, coarse.rates)
	add(always, line.outputs)
	add(seldom, coarse.inputs)
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
	all := []distribution{
		{"ITL", int(c.gaps.n), c.gaps.quantiles},
		samples("TPOT", func(r request) float32 { return r.tpot }),
		samples("TTFT", func(r request) float32 { return r.ttft }),
		samples("E2EL", func(r request) float32 { return r.e2el }),
	}
	if c.Metrics["e2el"] == nil && c.Metrics["http_req_duration"] != nil {
		all[3].name = "http_req_duration"
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
		for _, v := range dist.quantiles(shown) {
			row = append(row, number(v))
		}
		table.Rows = append(table.Rows, row)
	}
	return d.figure(c.id("cdf"), "", t("title cdf"), t("caption cdf")+d.keptNote(c), ch, table), len(table.Rows) > 0
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

// timeline makes the figures over the time of a case.
type timeline struct {
	*Data
	c      *caseData
	x      chart.Axis
	shades []chart.Shade
	width  time.Duration // of a bucket
	n      int           // buckets
}

func (d *Data) timeline(c *caseData, buckets int) *timeline {
	length := c.length()
	l := &timeline{Data: d, c: c, x: chart.Axis{Scale: chart.Seconds, Max: max(length, 0.001)}}
	l.width = roundWidth(l.x.Max, buckets)
	l.n = int(math.Ceil(l.x.Max / l.width.Seconds()))
	if w := c.Windows[result.WindowSteady]; w != nil && w.Found && w.From < w.To {
		l.shades = []chart.Shade{{From: 0, To: w.From}, {From: w.To, To: l.x.Max}}
	}
	return l
}

func (l *timeline) chart(height float64, y chart.Axis) *chart.Chart {
	return &chart.Chart{Height: height, X: l.x, Y: y, Shades: l.shades}
}

// over is a figure of the time line.
func (l *timeline) over(id, title, caption string, ch *chart.Chart, table Table) Figure {
	return l.figure(l.c.id(id), l.c.id("time"), title, caption, ch, table)
}

// time is the middle of a bucket, seconds.
func (l *timeline) time(i int) float64 {
	return min((float64(i)+0.5)*l.width.Seconds(), l.x.Max)
}

// bucket is the number of the bucket of a moment; what is outside of the case is in its
// first or last one.
func (l *timeline) bucket(at time.Duration) int { return min(max(int(at/l.width), 0), l.n-1) }

// every says how long a bucket is, in words.
func (l *timeline) every() string { return chart.Milliseconds(milliseconds(l.width)) }

// bars are the requests, each from when it was to start to its end.
func (l *timeline) bars() (Figure, bool) {
	t := l.lang.T
	c := l.c
	chosen := c.choose(l.detail.bars)
	places, caption := rows(chosen), t("caption bars")
	if l.brief(chosen) {
		places, caption = lanes(chosen), t("caption lanes")
	}
	phases := []chart.Series{
		{Name: t("phase scheduled"), Ink: "scheduled", Kind: chart.Bars},
		{Name: t("phase waiting"), Ink: "waiting", Kind: chart.Bars},
		{Name: t("phase prefill"), Ink: "prefill", Kind: chart.Bars},
		{Name: t("phase decode"), Ink: "decode", Kind: chart.Bars},
		{Name: t("phase failed"), Ink: "failed", Kind: chart.Bars},
	}
	const scheduled, waiting, prefill, decode, failed = 0, 1, 2, 3, 4
	var table Table
	for i, r := range chosen {
		bar := func(phase int, from, to time.Duration) {
			if to > from || phase == failed {
				phases[phase].Points = append(phases[phase].Points, chart.Point{Y: float64(places[i]), Low: from.Seconds(), High: max(to, from).Seconds()})
			}
		}
		if r.has&(hasScheduled|hasStarted) == hasScheduled|hasStarted {
			bar(scheduled, r.scheduled, r.started)
		}
		switch {
		case c.failed(r):
			bar(failed, r.begin(), max(r.end, r.begin()))
		case r.has&(hasStarted|hasEnd) != hasStarted|hasEnd:
		case r.has&hasFirst != 0:
			bar(prefill, r.started, r.first)
			bar(decode, r.first, r.end)
		default:
			bar(waiting, r.started, r.end)
		}
		table.Rows = append(table.Rows, []string{number(r.begin().Seconds()), optional(r.ttft), optional(r.tpot), number(milliseconds(r.took())), cmp.Or(c.outcome(r), absent)})
	}
	high := 0
	for _, place := range places {
		high = max(high, place+1)
	}
	ch := l.chart(float64(min(60+max(high*3, min(high*12, 120)), 420)), chart.Axis{Rows: true})
	ch.Series = phases
	table.Head = []string{t("start") + " (s)", "TTFT (ms)", "TPOT (ms)", t("took") + " (ms)", t("error")}
	table.Rows = l.few(table.Rows)
	if len(chosen) < len(c.requests) {
		caption += " " + l.lang.F("caption chosen", whole(int64(len(chosen))), whole(int64(len(c.requests))))
	}
	return l.over("requests", t("title requests"), caption+l.keptNote(c)+l.shadeNote(), ch, table), len(chosen) > 0
}

// rows gives each request a row of its own.
func rows(of []request) []int {
	places := make([]int, len(of))
	for i := range of {
		places[i] = i
	}
	return places
}

// lanes gives each request the first row in which there is room for it.
func lanes(of []request) []int {
	places := make([]int, len(of))
	var free []time.Duration // since when each row is
	for i, r := range of {
		from := r.begin()
		if r.has&hasScheduled != 0 {
			from = min(from, r.scheduled)
		}
		at := slices.IndexFunc(free, func(since time.Duration) bool { return since <= from })
		if at < 0 {
			at, free = len(free), append(free, 0)
		}
		free[at], places[i] = r.begin()+r.took(), at
	}
	return places
}

// brief tells whether the requests are short for the time of the case: with a row each,
// they would be a thin line from one corner to the other.
func (l *timeline) brief(of []request) bool {
	sum := 0.0
	for _, r := range of {
		sum += r.took().Seconds()
	}
	return sum < 0.04*l.x.Max*float64(len(of))
}

func optional(v float32) string {
	if math.IsNaN(float64(v)) {
		return absent
	}
	return number(float64(v))
}

// outcome is why a request did not complete; "": it did.
func (c *caseData) outcome(r request) string {
	if r.kind == 0 {
		return ""
	}
	return short(c.kinds[r.kind-1], 40)
}

func (l *timeline) shadeNote() string {
	if len(l.shades) == 0 {
		return ""
	}
	return " " + l.lang.T("caption shades")
}

// few is every second, third, … row, so many as tables have, with the last.
func (l *timeline) few(rows [][]string) [][]string {
	if len(rows) <= l.detail.rows {
		return rows
	}
	some := make([][]string, 0, l.detail.rows)
	for i := range l.detail.rows {
		some = append(some, rows[i*(len(rows)-1)/(l.detail.rows-1)])
	}
	return some
}

// choose picks requests to be drawn: all, or the slowest (a fifth), failed ones (a fifth
// at most) and of the rest an even share. They are in order of their begin.
func (c *caseData) choose(most int) []request {
	if len(c.requests) <= most {
		return c.requests
	}
	taken := make([]bool, len(c.requests))
	left := most
	take := func(i int) {
		if !taken[i] && left > 0 {
			taken[i] = true
			left--
		}
	}
	spread := func(from []int, n int) {
		for k := range min(n, len(from)) {
			take(from[k*len(from)/min(n, len(from))])
		}
	}
	var failed, order []int
	for i, r := range c.requests {
		if c.failed(r) {
			failed = append(failed, i)
		} else {
			order = append(order, i)
		}
	}
	spread(failed, most/5)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.requests[b].took(), c.requests[a].took()) })
	for _, i := range order[:min(len(order), most/5)] {
		take(i)
	}
	var rest []int
	for i := range c.requests {
		if !taken[i] {
			rest = append(rest, i)
		}
	}
	spread(rest, left)
	var chosen []request
	for i, r := range c.requests {
		if taken[i] {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

// flight is how many requests were in flight.
func (l *timeline) flight() (Figure, bool) {
	t := l.lang.T
	var all []moments
	weight := l.c.weight()
	for _, r := range l.c.requests {
		if r.has&(hasStarted|hasEnd) == hasStarted|hasEnd && r.end > r.started {
			all = append(all, moments{r.started, weight}, moments{r.end, -weight})
		}
	}
	slices.SortFunc(all, func(a, b moments) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.change, b.change)) })
	v := levelOf(all, l.width, l.n)
	mean := chart.Series{Name: t("mean"), Kind: chart.Line, Ink: series(0)}
	span := chart.Series{Name: t("min to max"), Kind: chart.Band, Ink: series(0), Note: true}
	var rows [][]string
	for i := range l.n {
		mean.Points = append(mean.Points, chart.Point{X: l.time(i), Y: v.mean[i]})
		span.Points = append(span.Points, chart.Point{X: l.time(i), Low: v.low[i], High: v.high[i]})
	}
	for _, p := range l.parts() {
		rows = append(rows, []string{p.time, number(slices.Min(v.low[p.from:p.to])), number(average(v.mean[p.from:p.to])), number(slices.Max(v.high[p.from:p.to]))})
	}
	ch := l.chart(150, chart.Axis{})
	ch.Series = []chart.Series{span, mean}
	table := Table{Head: []string{t("time"), "min", t("mean"), "max"}, Rows: rows}
	return l.over("in-flight", t("title in flight"), l.lang.F("caption band", l.every())+l.estimate(), ch, table), len(all) > 0
}

// estimate says that numbers stand for more requests than were kept.
func (l *timeline) estimate() string {
	if l.c.weight() > 1 {
		return " " + l.lang.F("caption estimate", number(l.c.weight()))
	}
	return ""
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

// stretch is some buckets in a row: one row of a table.
type stretch struct {
	from, to  int
	time, end string
}

// parts divide the time into as many pieces as a table has rows.
func (l *timeline) parts() []stretch {
	var all []stretch
	rows := min(l.detail.rows, l.n)
	for k := range rows {
		from, to := k*l.n/rows, (k+1)*l.n/rows
		end := chart.Clock(min(float64(to)*l.width.Seconds(), l.x.Max))
		all = append(all, stretch{from, to, chart.Clock(float64(from)*l.width.Seconds()) + " – " + end, end})
	}
	return all
}

// spread puts the sums of buckets into those of the time line: what a bucket has is
// divided by the time that it has in common with each.
func (l *timeline) spread(b *buckets) []float64 {
	sums := make([]float64, l.n)
	for i, v := range b.all {
		from, to := time.Duration(i)*b.width, time.Duration(i+1)*b.width
		last := l.bucket(to - 1)
		for k := l.bucket(from); k <= last; k++ {
			start, end := max(from, time.Duration(k)*l.width), time.Duration(k+1)*l.width
			if k == last {
				end = to // with what is outside of the case
			}
			sums[k] += v.sum * l.c.weight() * float64(end-start) / float64(b.width)
		}
	}
	return sums
}

// rate makes a series of rates out of what there was in each bucket.
func (l *timeline) rate(name string, ink chart.Ink, sums []float64) chart.Series {
	s := chart.Series{Name: name, Kind: chart.Line, Ink: ink}
	for i, v := range sums {
		// The last bucket may be shorter.
		width := min(l.width.Seconds(), l.x.Max-float64(i)*l.width.Seconds())
		if width < l.width.Seconds()/100 {
			continue
		}
		s.Points = append(s.Points, chart.Point{X: l.time(i), Y: v / width})
	}
	return s
}

// rateTable is the table of series that rate has made.
func (l *timeline) rateTable(series []chart.Series) Table {
	table := Table{Head: []string{l.lang.T("time")}}
	for _, s := range series {
		table.Head = append(table.Head, s.Name+" (1/s)")
	}
	for _, p := range l.parts() {
		row := []string{p.time}
		for _, s := range series {
			sum, n := 0.0, 0
			for i := p.from; i < min(p.to, len(s.Points)); i++ {
				sum, n = sum+s.Points[i].Y, n+1
			}
			row = append(row, number(sum/float64(max(n, 1))))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// rates are how many requests started, completed and failed.
func (l *timeline) rates() (Figure, bool) {
	t := l.lang.T
	weight := l.c.weight()
	of := func(name string, ink chart.Ink, has flags, when func(request) time.Duration, take func(request) bool) chart.Series {
		sums := make([]float64, l.n)
		for _, r := range l.c.requests {
			if r.has&has != 0 && take(r) {
				sums[l.bucket(when(r))] += weight
			}
		}
		return l.rate(name, ink, sums)
	}
	end := func(r request) time.Duration { return r.end }
	all := []chart.Series{
		of(t("requests started"), series(0), hasStarted, func(r request) time.Duration { return r.started }, func(request) bool { return true }),
		of(t("completed"), "good", hasEnd, end, func(r request) bool { return r.kind == 0 }),
	}
	if slices.ContainsFunc(l.c.requests, l.c.failed) {
		all = append(all, of(t("failed"), "failed", hasEnd, end, l.c.failed))
	}
	ch := l.chart(170, chart.Axis{Unit: "requests/s"})
	ch.Series = slices.Clone(all)
	return l.over("rates", t("title rates"), l.lang.F("caption rates", l.every())+l.estimate(), ch, l.rateTable(all)), len(l.c.requests) > 0
}

// outputs are the tokens that arrived.
func (l *timeline) outputs() (Figure, bool) {
	caption := l.lang.F("caption tokens", l.every()) + l.estimate()
	return l.tokens("tokens", l.lang.T("title tokens"), caption, l.lang.T("output tokens"), series(0), l.c.tokens)
}

// inputs are the tokens of prompts that had been processed: their first token came.
func (l *timeline) inputs() (Figure, bool) {
	caption := l.lang.F("caption prompts", l.every()) + l.estimate()
	return l.tokens("prompts", l.lang.T("title prompts"), caption, l.lang.T("prompt tokens"), series(6), l.c.prompts)
}

func (l *timeline) tokens(id, title, caption, name string, ink chart.Ink, b *buckets) (Figure, bool) {
	all := []chart.Series{l.rate(name, ink, l.spread(b))}
	ch := l.chart(170, chart.Axis{Unit: "tokens/s"})
	ch.Series = slices.Clone(all)
	return l.over(id, title, caption, ch, l.rateTable(all)), len(b.all) > 0
}

// first is the time to the first token of the requests that started then.
func (l *timeline) first() (Figure, bool) {
	t := l.lang.T
	perBucket := make([][]float32, l.n)
	single := chart.Series{Name: "TTFT", Kind: chart.Points, Ink: series(2), Small: true}
	for _, r := range l.c.requests {
		if r.has&hasStarted != 0 && !math.IsNaN(float64(r.ttft)) {
			i := l.bucket(r.started)
			perBucket[i] = append(perBucket[i], r.ttft)
			single.Points = append(single.Points, chart.Point{X: r.started.Seconds(), Y: float64(r.ttft)})
		}
	}
	median := chart.Series{Name: t("median"), Kind: chart.Line, Ink: series(2)}
	span := chart.Series{Name: t("min to max"), Kind: chart.Band, Ink: series(2), Note: true}
	for i, values := range perBucket {
		if len(values) == 0 {
			median.Points = append(median.Points, chart.Point{X: l.time(i), Y: nan()})
			span.Points = append(span.Points, chart.Point{X: l.time(i), Low: nan(), High: nan()})
			continue
		}
		q := quantiles(values, []float64{0, 50, 100})
		median.Points = append(median.Points, chart.Point{X: l.time(i), Y: q[1]})
		span.Points = append(span.Points, chart.Point{X: l.time(i), Low: q[0], High: q[2]})
	}
	table := Table{Head: []string{t("time"), "n", "min ms", t("median") + " ms", "max ms"}}
	for _, p := range l.parts() {
		values := slices.Concat(perBucket[p.from:p.to]...)
		row := []string{p.time, whole(int64(len(values))), absent, absent, absent}
		if len(values) > 0 {
			for k, v := range quantiles(values, []float64{0, 50, 100}) {
				row[k+2] = number(v)
			}
		}
		table.Rows = append(table.Rows, row)
	}
	ch := l.chart(170, chart.Axis{Unit: "ms"})
	ch.Series = []chart.Series{span, median}
	caption := l.lang.F("caption ttft", l.every())
	if len(single.Points) <= l.detail.bars {
		ch.Series, caption = []chart.Series{single}, t("caption ttft points")
	}
	return l.over("ttft", t("title ttft"), caption, ch, table), len(single.Points) > 0
}

// errors are the failures so far, by their kind.
func (l *timeline) errors() (Figure, bool) {
	t := l.lang.T
	const most = 7
	type kind struct {
		name string
		id   uint8
		n    int
	}
	counts := map[uint8]int{}
	for _, r := range l.c.requests {
		if l.c.failed(r) {
			counts[r.kind]++
		}
	}
	var kinds []kind
	for id, n := range counts {
		kinds = append(kinds, kind{short(l.c.kinds[id-1], 40), id, n})
	}
	slices.SortFunc(kinds, func(a, b kind) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id)) })
	rank := map[uint8]int{}
	for i, k := range kinds {
		rank[k.id] = min(i, most)
	}
	names := make([]string, 0, most+1)
	for i, k := range kinds {
		if i == most {
			names = append(names, t("others"))
			break
		}
		names = append(names, k.name)
	}
	counted := make([][]float64, len(names))
	for i := range counted {
		counted[i] = make([]float64, l.n)
	}
	for _, r := range l.c.requests {
		if l.c.failed(r) && r.has&hasEnd != 0 {
			counted[rank[r.kind]][l.bucket(r.end)] += l.c.weight()
		}
	}
	ch := l.chart(140, chart.Axis{})
	table := Table{Head: append([]string{t("by")}, names...)}
	for k, name := range names {
		s := chart.Series{Name: name, Kind: chart.Step, Ink: "failed"}
		if len(names) > 1 {
			s.Ink = series((k + 1) % 8)
		}
		sum := 0.0
		for i, v := range counted[k] {
			sum += v
			counted[k][i] = sum // by the end of the bucket
			s.Points = append(s.Points, chart.Point{X: l.time(i), Y: sum})
		}
		ch.Series = append(ch.Series, s)
	}
	for _, p := range l.parts() {
		row := []string{p.end}
		for k := range names {
			row = append(row, number(counted[k][p.to-1]))
		}
		table.Rows = append(table.Rows, row)
	}
	return l.over("errors", t("title errors"), t("caption errors")+l.estimate(), ch, table), len(names) > 0
}

// panel is a figure of telemetry.
type panel struct {
	id, title, unit string
	service         bool
	rank            rank
	names           []string // quantities, of a device the first that it has
	all             bool     // all of names, a series each
}

// panels are what is shown of devices and services; what there is no reading of is not.
var panels = []panel{
	{id: "devices-use", rank: often, title: "title use", unit: "%", names: []string{"aicore_pct", "utilization_pct", "sm_pct", "cpu_pct"}},
	{id: "devices-power", rank: seldom, title: "title power", unit: "W", names: []string{"power_w"}},
	{id: "devices-memory", rank: seldom, title: "title memory", unit: "%", names: []string{"memory_pct"}},
	{id: "devices-temperature", rank: seldom, title: "title temperature", unit: "°C", names: []string{"temperature_c"}},
	{id: "server-queue", rank: often, title: "title queue", service: true, all: true, names: []string{"running", "waiting"}},
	{id: "server-cache", rank: seldom, title: "title cache", unit: "%", service: true, all: true, names: []string{"kv_cache_pct"}},
}

// shown tells whether a figure has a quantity of devices or services of a kind.
func shown(kind, quantity string) bool {
	return slices.ContainsFunc(panels, func(p panel) bool {
		return p.service == (kind == "service") && slices.Contains(p.names, quantity)
	})
}

// mostLines is how many devices have lines of their own; more are put together.
const mostLines = 4

func (l *timeline) panel(p panel) (Figure, bool) {
	t := l.lang.T
	type line struct {
		name string
		of   []*buckets
	}
	var lines []line
	keys := make([]sampleKey, 0, len(l.c.samples))
	for key := range l.c.samples {
		if p.service == (key.kind == "service") && slices.Contains(p.names, key.quantity) {
			keys = append(keys, key)
		}
	}
	place := func(k sampleKey) int { return slices.Index(p.names, k.quantity) }
	slices.SortFunc(keys, func(a, b sampleKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.host, b.host), cmp.Compare(a.index, b.index), cmp.Compare(a.source, b.source), cmp.Compare(place(a), place(b)))
	})
	hosts := map[string]bool{}
	for _, k := range keys {
		hosts[k.host+k.source] = true
	}
	kinds := map[string][]*buckets{}
	var order []string
	var last sampleKey
	for _, k := range keys {
		same := k
		same.quantity = last.quantity
		if !p.all && same == last {
			continue // a device has a line for the best of its quantities
		}
		last = k
		name := k.kind + " " + strconv.Itoa(k.index)
		switch {
		case p.service:
			name = k.quantity
		case k.kind == "host":
			name = k.kind
		}
		if len(hosts) > 1 {
			name += " · " + short(cmp.Or(k.host, k.source, t("this machine")), 40)
		}
		if kinds[k.kind] == nil {
			order = append(order, k.kind)
		}
		kinds[k.kind] = append(kinds[k.kind], l.c.samples[k])
		lines = append(lines, line{name, []*buckets{l.c.samples[k]}})
	}
	caption := l.lang.F("caption band", l.every())
	if len(lines) > mostLines {
		lines = nil
		for _, kind := range order {
			name := kind
			if n := len(kinds[kind]); n > 1 {
				name = fmt.Sprintf("%d × %s", n, kind)
				caption += " " + l.lang.F("caption together", n, kind)
			}
			lines = append(lines, line{name, kinds[kind]})
		}
	}
	y := chart.Axis{Unit: p.unit}
	if p.unit == "%" {
		y.Max = 100
	}
	ch := l.chart(150, y)
	table := Table{Head: []string{t("time")}}
	values := make([][]bucket, len(lines))
	for i, line := range lines {
		values[i] = l.gather(line.of)
		mean := chart.Series{Name: line.name, Kind: chart.Line, Ink: series(i)}
		span := chart.Series{Kind: chart.Band, Ink: series(i), Note: true, Name: line.name}
		wide := false
		for k, b := range values[i] {
			if b.n > 0 {
				mean.Points = append(mean.Points, chart.Point{X: l.time(k), Y: b.sum / float64(b.n)})
				span.Points = append(span.Points, chart.Point{X: l.time(k), Low: b.min, High: b.max})
				wide = wide || b.min < b.max
				if p.unit == "%" && b.max > 100 {
					ch.Y.Max = 0 // of several cores, or nonsense: all of it is shown
				}
			}
		}
		if wide {
			ch.Series = append(ch.Series, span)
		}
		ch.Series = append(ch.Series, mean)
		table.Head = append(table.Head, line.name)
	}
	for _, part := range l.parts() {
		row := []string{part.time}
		for i := range lines {
			var all bucket
			for _, b := range values[i][part.from:part.to] {
				all.merge(b)
			}
			text := absent
			if all.n > 0 {
				text = number(all.sum / float64(all.n))
				if all.min < all.max {
					text += " (" + number(all.min) + " – " + number(all.max) + ")"
				}
			}
			row = append(row, text)
		}
		table.Rows = append(table.Rows, row)
	}
	if l.c.crowded > 0 {
		caption += " " + l.lang.F("caption crowded", mostSeries)
	}
	return l.over(p.id, t(p.title), caption, ch, table), len(lines) > 0
}

// gather puts the readings of devices into the buckets of the time line.
func (l *timeline) gather(of []*buckets) []bucket {
	all := make([]bucket, l.n)
	for _, b := range of {
		for i, v := range b.all {
			all[l.bucket(b.middle(i))].merge(v)
		}
	}
	return all
}
