package terminal

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Panel is what is seen of the running case: how far it is, its latencies, what comes and
// what fails. It is a pure function of the snapshots that it has been shown. It is for one
// goroutine at a time.
type Panel struct{ course course }

// Look shows it how far the run is.
func (p *Panel) Look(s Snapshot) { p.course.add(s) }

// panelWidth is the widest that a panel gets, columns.
const panelWidth = 110

// The smallest terminal that a panel is drawn on, columns and lines: the cursor takes one.
const (
	leastWidth  = 20
	leastHeight = 2
)

// Lines draws the panel for a terminal of a size: less important lines are left out of a
// low one, and nothing is drawn where there is no room at all. No line takes the whole
// width.
func (p *Panel) Lines(width, height int, colours bool) []string {
	if len(p.course.looks) == 0 || width < leastWidth || height < leastHeight {
		return nil
	}
	d := drawing{course: &p.course, now: p.course.last(), ink: ink(colours), width: min(width-1, panelWidth)}
	d.title()
	d.progress()
	d.latencies()
	d.throughput()
	d.counts()
	d.graph()
	d.devices()
	d.warnings()
	return d.fit(max(height-2, 1)) // the cursor rests below, and something of what came before stays
}

// drawing is a panel that is drawn.
type drawing struct {
	course *course
	now    *Snapshot
	ink    ink
	width  int
	lines  []drawn
}

// drawn is a line of it.
type drawn struct {
	text string
	keep int // how long it stays when the terminal is low: that with the lowest number goes first
}

func (d *drawing) add(keep int, line string) {
	if columns(line) > d.width {
		line = text.Trim(line, d.width-1) + "…"
		if d.ink {
			line += text.EscapeReset
		}
	}
	d.lines = append(d.lines, drawn{line, keep})
}

// fit leaves out what there is no room for.
func (d *drawing) fit(height int) (lines []string) {
	for len(d.lines) > height {
		least := 0
		for i, l := range d.lines {
			if l.keep <= d.lines[least].keep {
				least = i
			}
		}
		if keep := d.lines[least].keep; keep == keepGraph { // as a whole
			d.lines = slices.DeleteFunc(d.lines, func(l drawn) bool { return l.keep == keep })
			continue
		}
		d.lines = slices.Delete(d.lines, least, least+1)
	}
	for _, l := range d.lines {
		lines = append(lines, l.text)
	}
	return lines
}

// The order in which lines go.
const (
	keepGraph = iota
	keepDevices
	keepMoreLatencies
	keepOtherWarnings
	keepHead
	keepLatencies
	keepWarning
	keepCounts
	keepThroughput
	keepTitle
)

// parts joins what there is.
func parts(of ...string) string {
	return strings.Join(slices.DeleteFunc(of, func(s string) bool { return s == "" }), "  ")
}

// number names the case: [3/12].
func (s *Snapshot) number() string {
	if s.Cases > 0 {
		return fmt.Sprintf("[%d/%d]", s.Case, s.Cases)
	}
	return fmt.Sprintf("[%d]", s.Case)
}

func (d *drawing) title() {
	phase := d.now.phase()
	if phase != "" {
		phase = d.ink.warn("(" + phase + ")")
	}
	d.add(keepTitle, parts(d.ink.bold(d.now.number()+" "+Harmless(d.now.Name)), phase, d.ink.faint(tags(d.now.Tags))))
}

// tags writes a case's tags, such as "rate=4 model=a".
func tags(of map[string]any) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, Harmless(fmt.Sprintf("%s=%v", name, of[name])))
	}
	return strings.Join(all, " ")
}

func (d *drawing) progress() {
	times := Clock(d.now.Elapsed)
	if d.now.LeftKnown {
		times += ", " + Clock(d.now.Left) + " left"
	}
	if left, ok := d.course.runLeft(); ok && d.now.Cases > 1 {
		times += ", the run about " + Clock(left) + " more"
	}
	share, ok := d.now.done()
	if !ok {
		d.add(keepTitle, times)
		return
	}
	percent := fmt.Sprintf("%3.0f%%", math.Floor(100*share))
	room := d.width - len(percent) - len(times) - 4
	d.add(keepTitle, parts(d.ink.bar(share, max(min(room, 40), 5)), percent, times))
}

// bar draws a share of a width, to the eighth of a column.
func (i ink) bar(share float64, width int) string {
	eighths := int(min(max(share, 0), 1) * float64(8*width))
	full := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		full += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return i.good(full) + i.faint(strings.Repeat("░", width-text.StringWidth(full)))
}

// latencies is a table: the percentiles of the case so far, and those of the last
// recentTime.
func (d *drawing) latencies() {
	l, before := &d.now.Live, &d.course.looks[0].Live
	plain := l.HTTP.N > 0
	streams := l.TTFT.N+l.ITL.N > 0 || l.E2EL.N == 0 && !plain // where nothing is known yet, there may be some
	rows := []struct {
		name        string
		keep        int
		shown       bool
		all, recent metrics.Histogram
	}{
		{"TTFT", keepLatencies, streams, l.TTFT, l.TTFT.Sub(before.TTFT)},
		{"ITL", keepLatencies, streams, l.ITL, l.ITL.Sub(before.ITL)},
		{"TPOT", keepMoreLatencies, streams, l.TPOT, l.TPOT.Sub(before.TPOT)},
		{"E2EL", keepMoreLatencies, streams || l.E2EL.N > 0, l.E2EL, l.E2EL.Sub(before.E2EL)},
		{"HTTP", keepLatencies, plain, l.HTTP, l.HTTP.Sub(before.HTTP)},
	}
	shown, recent := []float64{50, 90, 99}, []float64{50, 90, 99}
	switch {
	case d.width < 44:
		recent = nil
	case d.width < 67:
		recent = []float64{50, 99}
	}
	cells := func(percentiles []float64, cell func(p float64) string) (all string) {
		for _, p := range percentiles {
			c := cell(p)
			all += strings.Repeat(" ", max(8-columns(c), 1)) + c
		}
		return all
	}
	line := func(name, label string, of func(p float64) string, now func(p float64) string) string {
		line := fmt.Sprintf("%-6s", name) + cells(shown, of)
		if recent != nil {
			line += " │ " + label + cells(recent, now)
		}
		return line
	}
	label := fmt.Sprintf("last %.0f s", recentTime.Seconds())
	head := func(p float64) string { return fmt.Sprintf("p%g", p) }
	d.add(keepHead, d.ink.faint(line("ms", label, head, head)))
	for _, r := range rows {
		if r.shown {
			d.add(r.keep, line(r.name, strings.Repeat(" ", len(label)), d.percentile(r.all), d.percentile(r.recent)))
		}
	}
}

// percentile writes a percentile; with a ~ when it is of too few samples to be known.
func (d *drawing) percentile(h metrics.Histogram) func(p float64) string {
	return func(p float64) string {
		v, ok := h.Quantile(p)
		switch {
		case !ok:
			return d.ink.faint("–")
		case h.N < result.Floor(p):
			return d.ink.faint(vague + figures(v))
		}
		return figures(v)
	}
}

// vague marks a percentile that comes from fewer samples than it takes to know it.
const vague = "~"

// figures writes a number with three figures, or all of those before the point.
func figures(v float64) string {
	switch v = math.Abs(v); {
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func (d *drawing) throughput() {
	now, all := d.course.recent(), d.course.overall()
	tokens := ""
	if d.now.tokens() > 0 {
		tokens = fmt.Sprintf("%s tok/s (%s so far)", d.ink.bold(figures(now.tokens)), figures(all.tokens))
	}
	d.add(keepThroughput, parts(tokens, fmt.Sprintf("%d in flight", d.now.Live.Open), d.ink.warn(some(d.now.Iterations.Queued, "queued")),
		fmt.Sprintf("%s req/s (%s so far)", d.ink.bold(figures(now.requests)), figures(all.requests))))
}

func (d *drawing) counts() {
	it := d.now.Iterations
	of := ""
	if it.Planned > 0 {
		of = fmt.Sprintf("%d of %d iterations", it.Ended, it.Planned)
	}
	bad := func(n int64, what string) string { return d.ink.bad(some(n, what)) }
	d.add(keepCounts, parts(fmt.Sprintf("%d done", d.now.Live.Ended), bad(it.Dropped, "dropped"), bad(it.Late, "late"),
		d.ink.bad(failedIterations(it.Failed)), d.ink.bad(failures(&d.now.Live)), of))
}

// failures tells how many requests failed, and of what: the most frequent kinds. ""
// without any.
func failures(l *metrics.Live) string {
	if l.Failed == 0 {
		return ""
	}
	kinds := slices.SortedFunc(slices.Values(l.Failures), func(a, b metrics.Failure) int { return cmp.Compare(b.Count, a.Count) })
	const shown = 3
	var all []string
	for i, f := range kinds {
		if i == shown {
			all = append(all, "…")
			break
		}
		name := f.Kind
		if f.Status != 0 {
			name += " " + strconv.Itoa(f.Status)
		}
		all = append(all, fmt.Sprintf("%s × %d", name, f.Count))
	}
	if len(all) == 0 {
		return fmt.Sprintf("%d FAILED", l.Failed)
	}
	return fmt.Sprintf("%d FAILED (%s)", l.Failed, strings.Join(all, ", "))
}

// graphHeight is how many lines the history has.
const graphHeight = 3

// graph draws the history of the throughput as columns.
func (d *drawing) graph() {
	const label = 9
	values, tokens := d.course.history(d.width - label - 2)
	unit := "req/s"
	if tokens {
		unit = "tok/s"
	}
	highest := 0.0
	for _, v := range values {
		highest = max(highest, v)
	}
	labels := [graphHeight]string{figures(highest), unit, "0"}
	if highest == 0 {
		labels[0] = ""
	}
	for row, name := range labels {
		var b strings.Builder
		for _, v := range values {
			eighths := 0
			if highest > 0 {
				eighths = int(math.Ceil(v / highest * 8 * graphHeight))
			}
			b.WriteRune([]rune(" ▁▂▃▄▅▆▇█")[min(max(eighths-8*(graphHeight-1-row), 0), 8)])
		}
		d.add(keepGraph, d.ink.faint(fmt.Sprintf("%*s ", label, name)+"┤")+d.ink.paint(strings.TrimRight(b.String(), " "), text.FgCyan))
	}
}

// warned is how many warnings are shown.
const warned = 2

func (d *drawing) warnings() {
	bad := slices.DeleteFunc(slices.Clone(d.now.Warnings), func(r result.Reason) bool { return r.Verdict == result.Valid })
	slices.SortStableFunc(bad, func(a, b result.Reason) int { return b.Verdict.Severity() - a.Verdict.Severity() })
	for i, r := range bad {
		keep, more := keepWarning, ""
		if i > 0 {
			keep = keepOtherWarnings
		}
		if rest := len(bad) - warned; i == warned-1 && rest > 0 {
			more = fmt.Sprintf(" (and %d more)", rest)
		}
		d.add(keep, d.ink.verdict(r.Verdict, fmt.Sprintf("! %s %s%s: %s", r.Verdict, r.Rule, more, Harmless(r.Message))))
		if i == warned-1 {
			return
		}
	}
}

// Clock writes a duration as 0:07, 12:30 or 1:02:03.
func Clock(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
