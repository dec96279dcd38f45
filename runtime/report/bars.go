package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"weir/runtime/chart"
)

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

// choose picks requests to be drawn: all, or failed ones (a fifth at most), the slowest
// of each stretch of the time (a fifth) and of the rest an even share. They are in order
// of their begin.
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
	var failed []int
	slowest := map[int]int{} // by stretch
	length := c.length()
	for i, r := range c.requests {
		if c.failed(r) {
			failed = append(failed, i)
			continue
		}
		stretch := int(r.begin().Seconds() / length * float64(most/5))
		if at, ok := slowest[stretch]; !ok || r.took() > c.requests[at].took() {
			slowest[stretch] = i
		}
	}
	spread(failed, most/5)
	for _, i := range slowest {
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
