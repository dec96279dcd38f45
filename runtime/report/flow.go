package report

import (
	"slices"
	"time"

	"weir/runtime/chart"
)

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
