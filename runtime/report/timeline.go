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
		begin := c.begin() // which the window is counted from
		l.shades = []chart.Shade{{From: 0, To: begin + w.From}, {From: begin + w.To, To: l.x.Max}}
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
