package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"weir/runtime/chart"
)

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

// reading is what has a line in a panel: a device, a quantity of a service, or all devices
// of a kind.
type reading struct {
	name string
	of   []*buckets
}

// panel draws what there are readings of.
func (l *timeline) panel(p panel) (Figure, bool) {
	t := l.lang.T
	lines, together := l.readings(p)
	y := chart.Axis{Unit: p.unit}
	if p.unit == "%" {
		y.Max = 100
	}
	ch := l.chart(150, y)
	table := Table{Head: []string{t("time")}}
	values := make([][]bucket, len(lines))
	banded := false
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
			banded = true
		}
		ch.Series = append(ch.Series, mean)
		table.Head = append(table.Head, line.name)
	}
	table.Rows = l.readingRows(values)
	key := "caption readings"
	if banded {
		key = "caption band"
	}
	caption := l.lang.F(key, l.every()) + together
	if l.c.crowded > 0 {
		caption += " " + l.lang.F("caption crowded", mostSeries)
	}
	title := t(p.title)
	if len(lines) == 1 && !p.service {
		title += " · " + lines[0].name // one line has no legend
	}
	return l.over(p.id, title, caption, ch, table), len(lines) > 0
}

// readings are the lines of a panel; together says of which kinds all devices are in one.
func (l *timeline) readings(p panel) (lines []reading, together string) {
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
			name += " · " + short(cmp.Or(k.host, k.source, l.lang.T("this machine")), 40)
		}
		if kinds[k.kind] == nil {
			order = append(order, k.kind)
		}
		kinds[k.kind] = append(kinds[k.kind], l.c.samples[k])
		lines = append(lines, reading{name, []*buckets{l.c.samples[k]}})
	}
	if len(lines) <= mostLines {
		return lines, ""
	}
	lines = nil
	for _, kind := range order {
		name := kind
		if n := len(kinds[kind]); n > 1 {
			name = fmt.Sprintf("%d × %s", n, kind)
			together += " " + l.lang.F("caption together", n, kind)
		}
		lines = append(lines, reading{name, kinds[kind]})
	}
	return lines, together
}

// readingRows are the means of a panel's lines in each part of the time, with the least and
// the most where these differ.
func (l *timeline) readingRows(values [][]bucket) (rows [][]string) {
	for _, part := range l.parts() {
		row := []string{part.time}
		for _, of := range values {
			var all bucket
			for _, b := range of[part.from:part.to] {
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
		rows = append(rows, row)
	}
	return rows
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
