package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/chart"
	"weir/runtime/result"
)

// Overview has the figures over all cases of the run; a run of one case has none.
func (d *Data) Overview() []Figure {
	if len(d.cases) < 2 {
		return nil
	}
	var figures []Figure
	for _, f := range []func() (Figure, bool){
		func() (Figure, bool) { return d.latency("ttft") },
		func() (Figure, bool) { return d.latency("tpot") },
		func() (Figure, bool) { return d.latency("e2el") },
		func() (Figure, bool) { return d.latency("http_req_duration") },
		d.pareto, d.goodput,
	} {
		if figure, ok := f(); ok {
			figures = append(figures, figure)
		}
	}
	return figures
}

// caseGroup is cases that differ in their load alone.
type caseGroup struct {
	name  string // "": there is one group
	cases []*caseData
}

// loads are tags that say how much load a case has, as weir's own scenarios and many
// scripts name them.
var loads = []string{"rate", "rates", "request_rate", "conversation_rate", "qps", "rps", "parallel", "parallel_num", "concurrency", "users", "vus", "max_in_flight"}

const mostGroups = 8

// groups puts cases together by those tags that are not the load. load is the tag that
// is; "" when there is none.
func (d *Data) groups() (all []caseGroup, load string) {
	tags := make([]map[string]any, len(d.cases))
	for i, c := range d.cases {
		tags[i] = c.Tags
	}
	names, load := groupNames(tags)
	for i, c := range d.cases {
		at := slices.IndexFunc(all, func(g caseGroup) bool { return g.name == names[i] })
		if at < 0 {
			at, all = len(all), append(all, caseGroup{name: names[i]})
		}
		all[at].cases = append(all[at].cases, c)
	}
	return all, load
}

// groupNames says to which group each case belongs, from the tags of all: cases of a group
// differ in their load alone. All have the name "" where there is one group, or where there
// are so many that nobody could tell their lines apart.
func groupNames[V any](tags []map[string]V) (groups []string, load string) {
	values := map[string]map[string]bool{}
	for _, of := range tags {
		for name, v := range of {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][fmt.Sprint(v)] = true
		}
	}
	var names []string
	for name, v := range values {
		if name != "seed" && name != "attempt" && len(v) > 1 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if at := slices.IndexFunc(loads, func(l string) bool { return slices.Contains(names, l) }); at >= 0 {
		load = loads[at]
	} else if len(names) > 0 {
		// The one that tells most of them apart; all of them, where it is the only one.
		load = slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(len(values[a]), len(values[b])) })
		if len(names) == 1 && len(values[load]) < len(tags) {
			load = ""
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == load })
	different := map[string]bool{}
	for _, of := range tags {
		var parts []string
		for _, n := range names {
			if v, has := of[n]; has {
				parts = append(parts, n+" "+short(fmt.Sprint(v), 40))
			}
		}
		groups = append(groups, strings.Join(parts, ", "))
		different[groups[len(groups)-1]] = true
	}
	if len(different) > mostGroups {
		clear(groups)
	}
	return groups, load
}

// label is what a point of a case is called; of repetitions, the first one has it for all.
func (c *caseData) label(load string) string {
	if c.Repeat > 1 {
		return ""
	}
	text := short(c.Name, 18)
	if v, has := c.Tags[load]; has {
		text = short(fmt.Sprint(v), 12)
		if slices.Contains(loads, load) {
			text = strings.TrimSuffix(strings.ReplaceAll(load, "_", " "), " num") + " " + text
		}
	}
	return text
}

// mark shows whether a case can be believed.
func (c *caseData) mark() chart.Mark { return markOf(c.Validity.Verdict) }

func markOf(v result.Verdict) chart.Mark {
	switch v {
	case result.Invalid:
		return chart.Cross
	case result.Suspect:
		return chart.Triangle
	}
	return chart.Dot
}

// latency is the curve of throughput and latency.
func (d *Data) latency(metric string) (Figure, bool) {
	all, load := d.groups()
	t := d.lang.T
	has := func(c *caseData) *result.Metric {
		if m := c.Metrics[metric]; m != nil && m.Kind == "distribution" && m.N > 0 {
			return m
		}
		return nil
	}
	// One unit for all: where some case generates nothing, or the metric is that of
	// plain requests, they are counted.
	x, throughput := chart.Axis{Label: t("axis output tokens"), Unit: "tokens/s"}, func(c *caseData) float64 { return c.Throughput.OutputTokens }
	if metric == "http_req_duration" || slices.ContainsFunc(d.cases, func(c *caseData) bool { return has(c) != nil && !(c.Throughput.OutputTokens > 0) }) {
		x, throughput = chart.Axis{Label: t("axis requests"), Unit: "requests/s"}, func(c *caseData) float64 { return c.Throughput.Requests }
	}
	ch := &chart.Chart{Height: 320, X: x, Y: chart.Axis{Label: strings.ToUpper(metric), Unit: "ms", Scale: chart.Log}}
	if metric == "http_req_duration" {
		ch.Y.Label = metric
	}
	table := Table{Head: []string{t("case"), x.Unit, "p50 ms", "p90 ms", "p99 ms"}}
	percentiles := []struct {
		name   string
		p      float64
		of     func(*result.Metric) *float64
		dashed bool
	}{{"p50", 50, func(m *result.Metric) *float64 { return m.P50 }, false}, {"p90", 90, func(m *result.Metric) *float64 { return m.P90 }, false}, {"p99", 99, func(m *result.Metric) *float64 { return m.P99 }, true}}
	points, thin := 0, 0
	for gi, g := range all {
		cases := slices.Clone(g.cases)
		slices.SortStableFunc(cases, func(a, b *caseData) int { return cmp.Compare(throughput(a), throughput(b)) })
		for pi, p := range percentiles {
			if len(all) > 1 && p.name == "p90" {
				continue
			}
			s := chart.Series{Name: strings.TrimSpace(g.name + " " + p.name), Kind: chart.Points, Joined: true, Dashed: p.dashed, Ink: series(pi)}
			if len(all) > 1 {
				s.Ink = series(gi)
			}
			for _, c := range cases {
				m := has(c)
				if m == nil || p.of(m) == nil {
					continue
				}
				v := throughput(c)
				point := chart.Point{X: v, Y: *p.of(m), Mark: c.mark(), Title: fmt.Sprintf("%s: %s %s, %s %s", c.Title(), p.name, chart.Milliseconds(*p.of(m)), number(v), x.Unit)}
				if pi == 0 {
					point.Label = c.label(load)
				}
				if p.p == 99 && !m.Supports(99) {
					thin++
				}
				s.Points = append(s.Points, point)
				points++
			}
			ch.Series = append(ch.Series, s)
		}
	}
	for _, c := range d.cases {
		if m := has(c); m != nil {
			table.Rows = append(table.Rows, []string{d.caseName(c), number(throughput(c)), percentile(m, 50, m.P50), percentile(m, 90, m.P90), percentile(m, 99, m.P99)})
		}
	}
	caption := t("caption latency")
	if len(all) > 1 {
		caption += " " + t("caption groups")
	}
	if thin > 0 {
		caption += " " + d.lang.F("caption thin", thin)
	}
	caption += d.marks()
	return d.figure("latency-"+metric, "", d.lang.F("title latency", ch.Y.Label), caption, ch, table), points > 0 && len(table.Rows) > 1
}

// series is the ink of the i-th series.
func series(i int) chart.Ink { return chart.Ink("series-" + strconv.Itoa(i%8+1)) }

// caseName is a case in a table: its name, and what is wrong with it.
func (d *Data) caseName(c *caseData) string {
	if v := c.Validity.Verdict; v == result.Suspect || v == result.Invalid {
		return short(c.Title(), 80) + " (" + string(v) + ")"
	}
	return short(c.Title(), 80)
}

// marks explains the marks of cases that cannot be believed.
func (d *Data) marks() string {
	var verdicts []result.Verdict
	for _, c := range d.cases {
		verdicts = append(verdicts, c.Validity.Verdict)
	}
	return d.lang.marks(verdicts)
}

// marks explains the marks of verdicts, as far as there are some.
func (l Lang) marks(verdicts []result.Verdict) string {
	text := ""
	for _, v := range []result.Verdict{result.Suspect, result.Invalid} {
		if slices.Contains(verdicts, v) {
			text += " " + l.T("caption mark "+string(v))
		}
	}
	return text
}

// pareto is what a user gets against what a device gives.
func (d *Data) pareto() (Figure, bool) {
	t := d.lang.T
	all, load := d.groups()
	devices := map[*caseData]int{}
	known := true
	for _, c := range d.cases {
		devices[c] = d.devices(c)
		known = known && devices[c] > 0
	}
	y := chart.Axis{Label: t("axis per device"), Unit: "tokens/s"}
	if !known {
		y.Label = t("axis output tokens")
	}
	ch := &chart.Chart{Height: 320, X: chart.Axis{Label: t("axis per user"), Unit: "tokens/s"}, Y: y}
	table := Table{Head: []string{t("case"), t("axis per user") + " (tokens/s)", y.Label + " (tokens/s)"}}
	if known {
		table.Head = append(table.Head, t("devices"))
	}
	table.Head = append(table.Head, t("on the front"))
	type place struct {
		c    *caseData
		x, y float64
	}
	var places []place
	for gi, g := range all {
		s := chart.Series{Name: cmp.Or(g.name, t("cases")), Kind: chart.Points, Ink: series(gi)}
		for _, c := range g.cases {
			m := c.Metrics["tpot"]
			if m == nil || m.Avg == nil || !(*m.Avg > 0) || !(c.Throughput.OutputTokens > 0) {
				continue
			}
			p := place{c, 1000 / *m.Avg, c.Throughput.OutputTokens}
			if known {
				p.y /= float64(devices[c])
			}
			places = append(places, p)
			s.Points = append(s.Points, chart.Point{X: p.x, Y: p.y, Label: c.label(load), Mark: c.mark(),
				Title: fmt.Sprintf("%s: %s, %s tokens/s", c.Title(), number(p.x), number(p.y))})
		}
		ch.Series = append(ch.Series, s)
	}
	// Where nobody is needs no room.
	least, most := math.Inf(1), 0.0
	for _, p := range places {
		least, most = min(least, p.x), max(most, p.x)
	}
	if len(places) > 0 {
		ch.X.Max = most + max(most-least, most*0.02)*0.15
		ch.X.Min = max(0, least-max(most-least, most*0.02)*0.5)
	}
	// On the front is whoever no other case beats in both.
	front := slices.Clone(places)
	slices.SortStableFunc(front, func(a, b place) int { return cmp.Or(cmp.Compare(b.x, a.x), cmp.Compare(b.y, a.y)) })
	best := math.Inf(-1)
	front = slices.DeleteFunc(front, func(p place) bool {
		if p.c.Validity.Verdict == result.Invalid || p.y <= best {
			return true
		}
		best = p.y
		return false
	})
	slices.Reverse(front)
	step := chart.Series{Name: t("pareto front"), Kind: chart.Line, Ink: "ink-soft", Dashed: true}
	if len(front) > 0 {
		step.Points = append(step.Points, chart.Point{X: ch.X.Min, Y: front[0].y})
		for i, p := range front {
			if i > 0 {
				step.Points = append(step.Points, chart.Point{X: front[i-1].x, Y: p.y})
			}
			step.Points = append(step.Points, chart.Point{X: p.x, Y: p.y})
		}
		step.Points = append(step.Points, chart.Point{X: front[len(front)-1].x, Y: 0})
	}
	ch.Series = append([]chart.Series{step}, ch.Series...)
	for _, p := range places {
		row := []string{d.caseName(p.c), number(p.x), number(p.y)}
		if known {
			row = append(row, strconv.Itoa(devices[p.c]))
		}
		on := ""
		if slices.ContainsFunc(front, func(f place) bool { return f.c == p.c }) {
			on = "✓"
		}
		table.Rows = append(table.Rows, append(row, on))
	}
	caption := t("caption pareto")
	if !known {
		caption += " " + t("caption no devices")
	}
	return d.figure("pareto", "", t("title pareto"), caption+d.marks(), ch, table), len(places) > 1
}

// devices is how many accelerators served a case: those that were monitored and
// selected, or what a tag or a parameter says; 0: nobody knows.
func (d *Data) devices(c *caseData) int {
	n := 0
	for _, use := range c.Devices {
		if use.Serves && use.Kind != "host" {
			n++
		}
	}
	if n > 0 {
		return n
	}
	for _, name := range []string{"npus", "gpus", "devices", "num_devices", "num_npus", "num_gpus", "cards"} {
		for _, from := range []map[string]any{c.Tags, d.run.Params} {
			if v, ok := wholeNumber(from[name]); ok {
				return v
			}
		}
	}
	return 0
}

// wholeNumber is a number of devices as JSON or a flag has it.
func wholeNumber(v any) (int, bool) {
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil || f != math.Trunc(f) || f < 1 || f > 1e6 {
		return 0, false
	}
	return int(f), true
}

// goodput is how many requests were good, over how many there were.
func (d *Data) goodput() (Figure, bool) {
	t := d.lang.T
	all, load := d.groups()
	ch := &chart.Chart{Height: 300, X: chart.Axis{Label: t("axis judged"), Unit: "requests/s"}, Y: chart.Axis{Label: t("axis good"), Unit: "requests/s"}}
	table := Table{Head: []string{t("case"), t("axis judged") + " (requests/s)", t("axis good") + " (requests/s)", "%"}}
	most, points := 0.0, 0
	for gi, g := range all {
		s := chart.Series{Name: cmp.Or(g.name, t("good requests")), Kind: chart.Points, Joined: true, Ink: series(gi)}
		for _, c := range g.cases {
			if c.Goodput == nil || c.Goodput.Share == nil || !(c.Duration > 0) {
				continue
			}
			x := float64(c.Goodput.Requests) / c.Duration
			most = max(most, x)
			points++
			s.Points = append(s.Points, chart.Point{X: x, Y: c.Goodput.PerSecond, Label: c.label(load), Mark: c.mark(),
				Title: fmt.Sprintf("%s: %s / %s requests/s (%s)", c.Title(), number(c.Goodput.PerSecond), number(x), percent(*c.Goodput.Share))})
			table.Rows = append(table.Rows, []string{d.caseName(c), number(x), number(c.Goodput.PerSecond), percent(*c.Goodput.Share)})
		}
		slices.SortStableFunc(s.Points, func(a, b chart.Point) int { return cmp.Compare(a.X, b.X) })
		ch.Series = append(ch.Series, s)
	}
	ch.Series = append([]chart.Series{{Name: t("all good"), Kind: chart.Line, Dashed: true, Ink: "ink-soft", Points: []chart.Point{{}, {X: most, Y: most}}}}, ch.Series...)
	var slos []string
	for _, c := range d.cases {
		if c.Goodput != nil {
			for _, name := range slices.Sorted(maps.Keys(c.Goodput.SLO)) {
				if text := name + " ≤ " + number(c.Goodput.SLO[name]) + " ms"; !slices.Contains(slos, text) {
					slos = append(slos, text)
				}
			}
		}
	}
	caption := t("caption goodput")
	if len(slos) > 0 && len(slos) < 12 {
		caption += " SLO: " + strings.Join(slos, ", ") + "."
	}
	return d.figure("goodput", "", t("title goodput"), caption+d.marks(), ch, table), points > 1
}

// figure puts a chart and its words together. What has no points has no place in the
// legend.
func (d *Data) figure(id, group, title, caption string, ch *chart.Chart, table Table) Figure {
	ch.Series = slices.DeleteFunc(ch.Series, func(s chart.Series) bool { return len(s.Points) == 0 })
	return Figure{ID: id, Group: group, Title: title, Caption: caption, Chart: ch, Legend: ch.Legend(), Table: table}
}
