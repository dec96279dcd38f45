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
	n      int           // buckets; the last one goes to the end of the case
}

func (d *Data) timeline(c *caseData, buckets int) *timeline {
	l := &timeline{Data: d, c: c, x: chart.Axis{Scale: chart.Seconds, Max: max(c.length(), 0.001)}}
	if w := c.Windows[result.WindowSteady]; w != nil && w.Found && w.From < w.To {
		l.shades = []chart.Shade{{From: 0, To: w.From}, {From: w.To, To: l.x.Max}}
	}
	return l.divided(buckets)
}

// divided is the same time in other buckets, so many at most.
func (l *timeline) divided(most int) *timeline {
	own := *l
	own.width = roundWidth(l.x.Max, most)
	// A rest that is short belongs to the bucket before it: a rate of its own would be
	// that of next to no time.
	own.n = max(1, int(math.Round(l.x.Max/own.width.Seconds())))
	return &own
}

// edges are where a bucket begins and ends.
func (l *timeline) edges(i int) (from, to time.Duration) {
	from, to = time.Duration(i)*l.width, time.Duration(i+1)*l.width
	if i == l.n-1 {
		to = time.Duration(math.Ceil(l.x.Max * float64(time.Second)))
	}
	return from, to
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
	from, to := l.edges(i)
	return (from + (to-from)/2).Seconds()
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
	v := levelOf(all, l.edges, l.n)
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
		begin, _ := l.edges(from)
		_, end := l.edges(to - 1)
		all = append(all, stretch{from, to, chart.Clock(begin.Seconds()) + " – " + chart.Clock(end.Seconds()), chart.Clock(end.Seconds())})
	}
	return all
}

// spread puts the sums of buckets into those of the time line: what a bucket has is
// divided by the time that it has in common with each.
func (l *timeline) spread(b *buckets) []float64 {
	sums := make([]float64, l.n)
	_, end := l.edges(l.n - 1)
	for i, v := range b.all {
		from := min(time.Duration(i)*b.width, end-1)
		to := max(from+1, min(time.Duration(i+1)*b.width, end))
		for k := l.bucket(from); k <= l.bucket(to-1); k++ {
			start, stop := l.edges(k)
			sums[k] += v.sum * l.c.weight() * float64(min(to, stop)-max(from, start)) / float64(to-from)
		}
	}
	return sums
}

// counted is a quantity that happens at moments: how much of it there was in each bucket.
type counted struct {
	name string
	ink  chart.Ink
	sums []float64
}

// enough is how many moments it takes for a rate over time. Of fewer there is a curve of
// how many there have been, which needs no buckets.
const enough = 400

// rateBuckets is in how many buckets a rate of so many moments is drawn: with some 20 in
// each, and as long as several periods (seconds; 0: none) in which streams give their
// tokens, as far as the least number of buckets allows. So it shows the load and not the
// single moment.
func (l *timeline) rateBuckets(moments int, period float64) int {
	most := 150.0
	if period > 0 {
		most = min(most, l.x.Max/(5*period))
	}
	return int(max(min(most, float64(moments)/12), 40))
}

// rates draws quantities a second.
func (l *timeline) rates(of []counted) ([]chart.Series, Table) {
	table := Table{Head: []string{l.lang.T("time")}}
	var all []chart.Series
	for _, q := range of {
		s := chart.Series{Name: q.name, Kind: chart.Line, Ink: q.ink}
		for i, sum := range q.sums {
			from, to := l.edges(i)
			s.Points = append(s.Points, chart.Point{X: l.time(i), Y: sum / (to - from).Seconds()})
		}
		all = append(all, s)
		table.Head = append(table.Head, q.name+" (1/s)")
	}
	for _, p := range l.parts() {
		from, _ := l.edges(p.from)
		_, to := l.edges(p.to - 1)
		row := []string{p.time}
		for _, q := range of {
			row = append(row, number(total(q.sums[p.from:p.to])/(to-from).Seconds()))
		}
		table.Rows = append(table.Rows, row)
	}
	return all, table
}

// soFar draws how many there have been.
func (l *timeline) soFar(of []counted) ([]chart.Series, Table) {
	table := Table{Head: []string{l.lang.T("by")}}
	var all []chart.Series
	for _, q := range of {
		s := chart.Series{Name: q.name, Kind: chart.Step, Ink: q.ink, Points: []chart.Point{{}}}
		sum := 0.0
		for i, v := range q.sums {
			_, to := l.edges(i)
			sum += v
			if v != 0 || i == l.n-1 {
				s.Points = append(s.Points, chart.Point{X: to.Seconds(), Y: sum})
			}
		}
		all = append(all, s)
		table.Head = append(table.Head, q.name)
	}
	for _, p := range l.parts() {
		row := []string{p.end}
		for _, q := range of {
			row = append(row, number(total(q.sums[:p.to])))
		}
		table.Rows = append(table.Rows, row)
	}
	return all, table
}

func total(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// flow is a figure of quantities of which there were so many moments, with the period of
// rateBuckets: their rates, or how many there have been. Its words are under its id.
func (l *timeline) flow(id, unit string, moments int, period float64, of func(*timeline) []counted) (Figure, bool) {
	if moments == 0 {
		return Figure{}, false
	}
	t := l.lang.T
	if moments < enough {
		ch := l.chart(170, chart.Axis{})
		var table Table
		ch.Series, table = l.soFar(of(l))
		return l.over(id, t("title so far "+id), t("caption so far "+id)+l.estimate(), ch, table), true
	}
	wide := l.divided(l.rateBuckets(moments, period))
	ch := l.chart(170, chart.Axis{Unit: unit})
	var table Table
	ch.Series, table = wide.rates(of(wide))
	return l.over(id, t("title "+id), l.lang.F("caption "+id, wide.every())+l.estimate(), ch, table), true
}

// requests are how many requests started, completed and failed.
func (l *timeline) requests() (Figure, bool) {
	t := l.lang.T
	return l.flow("rates", "requests/s", len(l.c.requests), 0, func(l *timeline) []counted {
		of := func(name string, ink chart.Ink, has flags, when func(request) time.Duration, take func(request) bool) counted {
			q := counted{name, ink, make([]float64, l.n)}
			for _, r := range l.c.requests {
				if r.has&has != 0 && take(r) {
					q.sums[l.bucket(when(r))] += l.c.weight()
				}
			}
			return q
		}
		end := func(r request) time.Duration { return r.end }
		all := []counted{
			of(t("requests started"), series(0), hasStarted, func(r request) time.Duration { return r.started }, func(request) bool { return true }),
			of(t("completed"), "good", hasEnd, end, func(r request) bool { return r.kind == 0 }),
		}
		if slices.ContainsFunc(l.c.requests, l.c.failed) {
			all = append(all, of(t("failed"), "failed", hasEnd, end, l.c.failed))
		}
		return all
	})
}

// outputs are the tokens that arrived.
func (l *timeline) outputs() (Figure, bool) {
	period := 0.0
	if l.c.gaps.n > 0 {
		period = l.c.gaps.quantiles([]float64{50})[0] / 1000
	}
	return l.tokens("tokens", l.lang.T("output tokens"), series(0), period, l.c.tokens)
}

// inputs are the tokens of prompts that had been processed: their first token came.
func (l *timeline) inputs() (Figure, bool) {
	return l.tokens("prompts", l.lang.T("prompt tokens"), series(6), 0, l.c.prompts)
}

func (l *timeline) tokens(id, name string, ink chart.Ink, period float64, b *buckets) (Figure, bool) {
	return l.flow(id, "tokens/s", b.count(), period, func(l *timeline) []counted { return []counted{{name, ink, l.spread(b)}} })
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
	return l.over("ttft", t("title ttft"), caption, ch, table), len(single.Points) > 1
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
	all := make([]counted, len(names))
	for k, name := range names {
		all[k] = counted{name, "failed", make([]float64, l.n)}
		if len(names) > 1 {
			all[k].ink = series((k + 1) % 8)
		}
	}
	for _, r := range l.c.requests {
		if l.c.failed(r) && r.has&hasEnd != 0 {
			all[rank[r.kind]].sums[l.bucket(r.end)] += l.c.weight()
		}
	}
	ch := l.chart(140, chart.Axis{})
	var table Table
	ch.Series, table = l.soFar(all)
	return l.over("errors", t("title errors"), t("caption errors")+l.estimate(), ch, table), len(names) > 0
}
