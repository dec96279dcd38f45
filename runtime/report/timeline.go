package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"weir/runtime/chart"
	"weir/runtime/result"
)

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
