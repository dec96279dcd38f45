package terminal

import (
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// minWidth is the narrowest terminal that the summary is made for.
const minWidth = 40

// SummaryOptions say how a summary is written.
type SummaryOptions struct {
	Width   int           // of the terminal, columns: less important columns are left out of a narrow one
	Colours bool          // verdicts and marks are in colours
	Stats   []result.Stat // of each latency, instead of those that a table has else; nil: these
}

// Summary writes the tables that end a run: one row a case, and below what went
// wrong and what the script asked for.
func Summary(w io.Writer, r *result.Result, o SummaryOptions) error {
	s := &summary{width: max(o.Width, minWidth), stats: o.Stats}
	cases := titled(r.Cases)
	s.head(r)
	s.cases(cases)
	s.legend(cases)
	s.devices(cases)
	s.energy(cases)
	s.goodput(cases)
	s.custom(cases)
	s.errors(cases)
	s.checks(cases)
	s.thresholds(cases, r.Thresholds)
	s.validity(r.Verdict, cases)
	s.monitors(r.Monitors)
	s.servers(cases)
	s.traces(cases)
	text := s.out.String()
	if o.Colours {
		text = coloured(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// titled gives each case the name that readers know it by.
func titled(cases []*result.Case) []*result.Case {
	all := slices.Clone(cases)
	for i, c := range all {
		if title := line(c.Title()); title != c.Name {
			same := *c
			same.Name, same.Repeat = title, 0
			all[i] = &same
		}
	}
	return all
}

// marks are what a summary has in colours.
var marks = regexp.MustCompile(`\bINVALID\b|\bSUSPECT\b|✓|✗|(?m)^! .*$`)

// coloured paints the verdicts and marks of a summary.
func coloured(summary string) string {
	i := ink(true)
	return marks.ReplaceAllStringFunc(summary, func(mark string) string {
		switch mark {
		case "SUSPECT":
			return i.warn(mark)
		case "✓":
			return i.good(mark)
		}
		return i.bad(mark)
	})
}

type summary struct {
	out   strings.Builder
	width int
	stats []result.Stat

	vague   bool     // a value is marked that comes from too few samples
	spread  bool     // a table has a column ±
	lacking []string // columns that were asked for and have no room
}

func (s *summary) head(r *result.Result) {
	parts := []string{r.Script.Name, plural(int64(len(r.Cases)), "case")}
	if r.Ended != nil {
		parts = append(parts, Clock(r.Ended.Sub(r.Started)))
	}
	if r.Environment.Sim != "" {
		parts = append(parts, "simulated service")
	}
	s.wrapped("", strings.Join(parts, " · "))
	if r.Interrupted {
		text := "Interrupted: the cases below are what was finished."
		if slices.ContainsFunc(r.Cases, func(c *result.Case) bool { return c.Interrupted }) {
			text = "Interrupted: the cases below are what was finished, and the last one as far as it came."
		}
		s.wrapped("! ", text)
	}
	if r.Error != "" {
		s.wrapped("! ", "Ended early: "+r.Error)
	}
}

// column is one column of a case table.
type column struct {
	group, unit string // head: "TTFT" over "ms" …
	name        string // … and "p99"
	// keep says how long the column stays when the terminal is narrow: that with
	// the lowest number goes first; 0 stays.
	keep   int
	value  func(*result.Case) (float64, bool)
	vague  func(*result.Case) bool   // the value comes from too few samples to be known; nil: never
	text   func(*result.Case) string // instead of value
	chosen bool                      // by the user, not by us
}

func count(group, name string, keep int, n func(*result.Case) int64) column {
	return column{group: group, name: name, keep: keep, text: func(c *result.Case) string { return strconv.FormatInt(n(c), 10) }}
}

func perSecond(group, name string, keep int, v func(*result.Case) float64) column {
	return column{group: group, name: name, keep: keep, value: func(c *result.Case) (float64, bool) { return v(c), c.Duration > 0 }}
}

var (
	caseName = column{name: "case", text: (*result.Case).Title}
	verdict  = column{name: "verdict", text: func(c *result.Case) string {
		switch {
		case c.Interrupted:
			return string(c.Validity.Verdict) + ", interrupted"
		case c.Stopped != nil:
			return string(c.Validity.Verdict) + ", stopped"
		}
		return string(c.Validity.Verdict)
	}}
	ok = count("requests", "ok", 12, func(c *result.Case) int64 {
		return c.Counts.Requests - c.Counts.RequestsFailed - c.Counts.RequestsCut
	})
	failed = count("requests", "failed", 13, func(c *result.Case) int64 { return c.Counts.RequestsFailed })
	cut    = count("requests", "cut", 5, func(c *result.Case) int64 { return c.Counts.RequestsCut })
	reqPS  = perSecond("", "req/s", 8, func(c *result.Case) float64 { return c.Throughput.Requests })
	tokPS  = perSecond("output", "tok/s", 20, func(c *result.Case) float64 { return c.Throughput.OutputTokens })
	good   = column{group: "goodput", name: "%", keep: 15, value: func(c *result.Case) (float64, bool) {
		if c.Goodput == nil || c.Goodput.Share == nil {
			return 0, false
		}
		return 100 * *c.Goodput.Share, true
	}}
	goodPS = column{group: "goodput", name: "req/s", keep: 11, value: func(c *result.Case) (float64, bool) {
		return goodPerSecond(c), c.Goodput != nil && c.Duration > 0
	}}
)

var llmColumns = []column{
	caseName, ok, failed, cut, reqPS, tokPS, good, goodPS,
	of("ttft", "TTFT", "avg", 18, "avg"), plusMinus("ttft", "TTFT"),
	of("ttft", "TTFT", "p50", 2, "p(50)"), of("ttft", "TTFT", "p90", 6, "p(90)"), of("ttft", "TTFT", "p99", 17, "p(99)"),
	of("tpot", "TPOT", "avg", 16, "avg"), plusMinus("tpot", "TPOT"),
	of("itl", "ITL", "p50", 3, "p(50)"), of("itl", "ITL", "p99", 9, "p(99)"),
	of("e2el", "E2EL", "avg", 7, "avg"), plusMinus("e2el", "E2EL"),
	verdict,
}

var llmLatencies = []latency{{"ttft", "TTFT"}, {"tpot", "TPOT"}, {"itl", "ITL"}, {"e2el", "E2EL"}}

var poolingColumns = []column{
	caseName, ok, failed, cut, reqPS, good, goodPS,
	perSecond("input", "tok/s", 20, func(c *result.Case) float64 { return c.Throughput.InputTokens }),
	of("e2el", "E2EL", "avg", 18, "avg"), plusMinus("e2el", "E2EL"), of("e2el", "E2EL", "p50", 6, "p(50)"), of("e2el", "E2EL", "p90", 9, "p(90)"),
	of("e2el", "E2EL", "p99", 17, "p(99)"), of("e2el", "E2EL", "max", 2, "max"),
	verdict,
}

var poolingLatencies = []latency{{"e2el", "E2EL"}}

var httpColumns = []column{
	caseName, ok, failed, cut, reqPS,
	of("http_req_duration", "HTTP duration", "avg", 18, "avg"), plusMinus("http_req_duration", "HTTP duration"),
	of("http_req_duration", "HTTP duration", "p50", 6, "p(50)"), of("http_req_duration", "HTTP duration", "p90", 3, "p(90)"),
	of("http_req_duration", "HTTP duration", "p95", 9, "p(95)"), of("http_req_duration", "HTTP duration", "p99", 17, "p(99)"),
	of("http_req_duration", "HTTP duration", "max", 2, "max"), of("http_req_waiting", "waiting", "avg", 1, "avg"),
	verdict,
}

var httpLatencies = []latency{{"http_req_duration", "HTTP duration"}, {"http_req_waiting", "waiting"}}

var idleColumns = []column{
	caseName,
	count("iterations", "ended", 2, func(c *result.Case) int64 { return c.Counts.Started - c.Counts.Interrupted }),
	count("iterations", "failed", 3, func(c *result.Case) int64 { return c.Counts.IterationFailed }),
	verdict,
}

// cases writes a table for each family of cases: a case with both generations
// and plain requests is in two.
func (s *summary) cases(cases []*result.Case) {
	var llm, pooling, http, idle []*result.Case
	for _, c := range cases {
		plain := c.Metrics["http_req_duration"] != nil
		switch {
		case c.Metrics["prompt_tokens"] != nil && c.Metrics["generated_tokens"] == nil:
			pooling = append(pooling, c)
		case c.Metrics["generated_tokens"] != nil, c.Counts.Requests > 0 && !plain:
			llm = append(llm, c)
		case !plain:
			idle = append(idle, c)
		}
		if plain {
			http = append(http, c)
		}
	}
	s.table(llm, s.withStats(llmColumns, llmLatencies))
	s.table(pooling, s.withStats(poolingColumns, poolingLatencies))
	s.table(http, s.withStats(httpColumns, httpLatencies))
	s.table(idle, idleColumns)
}

// table writes one table, with as many of the columns as the width allows.
func (s *summary) table(cases []*result.Case, columns []column) {
	if len(cases) == 0 {
		return
	}
	columns = slices.Clone(columns)
	if !slices.ContainsFunc(cases, func(c *result.Case) bool { return c.Counts.RequestsCut > 0 }) {
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.group == cut.group && c.name == cut.name })
	}
	if !slices.ContainsFunc(cases, func(c *result.Case) bool { return c.Counts.RequestsFailed > 0 }) {
		// Where nothing failed, the column may go early.
		if i := slices.IndexFunc(columns, func(c column) bool { return c.group == failed.group && c.name == failed.name }); i >= 0 {
			columns[i].keep = 4
		}
	}
	columns = slices.DeleteFunc(columns, func(c column) bool {
		return c.value != nil && !slices.ContainsFunc(cases, func(k *result.Case) bool { _, ok := c.value(k); return ok })
	})
	for {
		rendered := render(cases, columns, 0)
		width := text.LongestLineLen(rendered)
		if width <= s.width {
			s.block(rendered)
			s.notice(cases, columns)
			return
		}
		least := leastImportant(columns)
		names := text.LongestLineLen(caseName.name)
		for _, c := range cases {
			names = max(names, text.StringWidth(c.Name))
		}
		// A long name gives way before the columns that matter most do.
		room := names - (width - s.width)
		if least < 0 || columns[least].keep >= 12 && room >= 24 || columns[least].keep >= 16 && room >= 12 {
			s.block(render(cases, columns, max(room, 6)))
			s.notice(cases, columns)
			return
		}
		if c := columns[least]; c.chosen {
			s.lacking = append(s.lacking, c.group+" "+c.name)
		}
		columns = slices.Delete(columns, least, least+1)
	}
}

// leastImportant is the column that goes first; -1 when all must stay.
func leastImportant(columns []column) int {
	least := -1
	for i, c := range columns {
		if c.keep > 0 && (least < 0 || c.keep < columns[least].keep) {
			least = i
		}
	}
	return least
}

// render draws the table; names longer than nameWidth are cut off, 0: none are.
func render(cases []*result.Case, columns []column, nameWidth int) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault

	rows := make([]table.Row, len(cases))
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = text.StringWidth(c.name)
		for row, cell := range c.cells(cases) {
			if i == 0 && nameWidth > 0 && text.StringWidth(cell) > nameWidth {
				cell = text.Trim(cell, nameWidth-1) + "…"
			}
			rows[row] = append(rows[row], cell)
			widths[i] = max(widths[i], text.StringWidth(cell))
		}
	}
	groups, names := heads(columns, widths)
	t.AppendHeader(groups, table.RowConfig{AutoMerge: true, AutoMergeAlign: text.AlignCenter})
	t.AppendHeader(names)
	t.AppendRows(rows)

	var configs []table.ColumnConfig
	for i, c := range columns {
		config := table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight}
		if c.name == caseName.name || c.name == verdict.name {
			config.Align, config.AlignHeader = text.AlignLeft, text.AlignLeft
		}
		configs = append(configs, config)
	}
	t.SetColumnConfigs(configs)
	return t.Render()
}

// heads makes the two lines of the head, of which go-pretty merges equal
// neighbours in the first. A group's columns together are made as wide as its
// title: go-pretty 6.8 may divide by zero when they are not.
func heads(columns []column, widths []int) (groups, names table.Row) {
	title := func(i int) string {
		if columns[i].group == "" {
			return strings.Repeat(" ", i%2) // keeps neighbours without a group apart
		}
		return strings.TrimSpace(columns[i].group + " " + columns[i].unit)
	}
	for i := range columns {
		groups = append(groups, title(i))
		names = append(names, columns[i].name)
	}
	for from := 0; from < len(columns); {
		to, sum := from, 0
		for ; to < len(columns) && groups[to] == groups[from]; to++ {
			sum += widths[to]
		}
		if lacking := text.StringWidth(title(from)) - sum; lacking > 0 {
			names[from] = strings.Repeat(" ", widths[from]+lacking-text.StringWidth(columns[from].name)) + columns[from].name
		}
		from = to
	}
	return groups, names
}

// cells writes a column's values, all with the same number of decimals.
func (c column) cells(cases []*result.Case) []string {
	cells := make([]string, len(cases))
	if c.text != nil {
		for i, k := range cases {
			cells[i] = c.text(k)
		}
		return cells
	}
	largest := 0.0
	for _, k := range cases {
		if v, ok := c.value(k); ok {
			largest = max(largest, math.Abs(v))
		}
	}
	for i, k := range cases {
		cells[i] = "–"
		if v, ok := c.value(k); ok {
			cells[i] = strconv.FormatFloat(v, 'f', decimals(largest), 64)
			if c.vague != nil && c.vague(k) {
				cells[i] = vague + cells[i]
			}
		}
	}
	return cells
}

func decimals(largest float64) int {
	switch {
	case largest < 10:
		return 2
	case largest < 1000:
		return 1
	}
	return 0
}

func goodPerSecond(c *result.Case) float64 {
	if c.Goodput == nil {
		return 0
	}
	return c.Goodput.PerSecond
}

// goodput lists the SLOs that goodput was measured by, and how many requests
// missed them.
func (s *summary) goodput(cases []*result.Case) {
	var all gather
	add := func(g *result.Goodput, where string) {
		var slos, missed []string
		for _, name := range slices.Sorted(maps.Keys(g.SLO)) {
			slos = append(slos, fmt.Sprintf("%s ≤ %s ms", name, compact(new(g.SLO[name]))))
		}
		for _, name := range slices.Sorted(maps.Keys(g.Missed)) {
			if n := g.Missed[name]; n > 0 {
				missed = append(missed, fmt.Sprintf("%s %d", name, n))
			}
		}
		f := all.at(strings.Join(slos, ", "), "", where)
		if bad := g.Requests - g.Good; bad > 0 {
			f.bad = append(f.bad, fmt.Sprintf("missed by %d of %s (%s)%s", bad, plural(g.Requests, "request"), strings.Join(missed, ", "), where))
		}
	}
	for _, c := range cases {
		in, of := "", ""
		if len(cases) > 1 {
			in, of = fmt.Sprintf(" in case %q", c.Name), fmt.Sprintf(" of case %q", c.Name)
		}
		switch {
		case c.Goodput == nil:
		case len(c.Goodput.SLO) > 0:
			add(c.Goodput, in)
		default: // each of its scenarios has its own
			for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
				if g := c.Scenarios[name].Goodput; g != nil {
					add(g, fmt.Sprintf(" in scenario %q%s", name, of))
				}
			}
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Goodput")
	for _, f := range all {
		const shown = 3
		switch more := len(f.bad) - shown; {
		case len(f.bad) == 0:
			f.bad = []string{"kept by all requests"}
		case more > 0:
			f.bad = append(f.bad[:shown], fmt.Sprintf("and in %d more", more))
		}
		s.hanging("  ", 6, f.label+": "+strings.Join(f.bad, ", "))
	}
}

// custom lists the metrics that the script made itself. They are those that
// weir has no name for, which the metric itself knows.
func (s *summary) custom(cases []*result.Case) {
	var lines [][2]string
	for _, c := range cases {
		for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
			m := c.Metrics[name]
			if !m.Custom || strings.HasPrefix(name, "_") { // for tables of the script's own
				continue
			}
			label := name
			if len(cases) > 1 {
				label = c.Name + "  " + name
			}
			lines = append(lines, [2]string{label, s.metricLine(m)})
		}
	}
	if len(lines) == 0 {
		return
	}
	s.title("Custom metrics")
	widest := 0
	for _, l := range lines {
		widest = max(widest, text.StringWidth(l[0]))
	}
	widest = min(widest, s.width/2)
	for _, l := range lines {
		s.wrapped("  "+text.Pad(l[0], widest, ' ')+"  ", l[1])
	}
}

// metricLine describes a metric in one line.
func (s *summary) metricLine(m *result.Metric) string {
	unit := m.Unit
	if unit != "" {
		unit = " " + unit
	}
	number := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return strconv.FormatFloat(*v, 'f', decimals(math.Abs(*v)), 64)
	}
	switch m.Kind {
	case "counter":
		return fmt.Sprintf("%s%s, %s/s", compact(m.Sum), unit, number(m.Rate))
	case "gauge":
		return fmt.Sprintf("%s%s (min %s, max %s)", compact(m.Value), unit, compact(m.Min), compact(m.Max))
	case "rate":
		if m.Rate == nil {
			return "–"
		}
		return fmt.Sprintf("%.1f%% of %d", *m.Rate*100, m.N)
	}
	if s.stats != nil {
		var all []string
		for _, stat := range s.stats {
			value := "–"
			if v, ok := stat.Of(m); ok {
				value = number(&v)
			}
			all = append(all, statName(stat)+" "+value)
		}
		return fmt.Sprintf("%s%s (n %d)", strings.Join(all, ", "), unit, m.N)
	}
	return fmt.Sprintf("avg %s, min %s, p50 %s, p90 %s, p99 %s, max %s%s (n %d)",
		number(m.Avg), number(m.Min), number(m.P50), number(m.P90), number(m.P99), number(m.Max), unit, m.N)
}

// compact writes whole numbers without decimals.
func compact(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v == math.Trunc(*v) && math.Abs(*v) < 1e15:
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strconv.FormatFloat(*v, 'g', 6, 64)
}

// found is something that several cases may have in common.
type found struct {
	label string   // what is the same
	text  string   // of the first case
	where []string // names of the cases
	count int64
	fails int64
	v     result.Verdict
	bad   []string // thresholds that did not hold: case and value
	good  []result.Threshold
}

// gather is a list of findings in the order in which they came up.
type gather []*found

// at finds what has been found before under a label, or makes it.
func (g *gather) at(label, text, where string) *found {
	for _, f := range *g {
		if f.label == label {
			if last := len(f.where) - 1; f.where[last] != where {
				f.where = append(f.where, where)
			}
			return f
		}
	}
	f := &found{label: label, text: text, where: []string{where}}
	*g = append(*g, f)
	return f
}

func (s *summary) errors(cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, e := range c.Errors {
			label := e.Kind
			if e.Status != 0 {
				label += " " + strconv.Itoa(e.Status)
			}
			if e.Scope == "iteration" {
				label = "iteration " + label
			}
			all.at(label, e.Message, c.Name).count += e.Count
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Errors")
	for _, e := range all {
		s.hanging("  ", 6, fmt.Sprintf("%d × %s: %s%s", e.count, e.label, e.text, inCases(e.where, len(cases))))
	}
}

func (s *summary) checks(cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, check := range c.Checks {
			f := all.at(check.Name, "", c.Name)
			f.count += check.Passes + check.Fails
			f.fails += check.Fails
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Checks")
	for _, f := range all {
		if f.fails == 0 {
			s.wrapped("  ✓ ", fmt.Sprintf("%s (%d)", f.label, f.count))
			continue
		}
		s.wrapped("  ✗ ", fmt.Sprintf("%s: %d of %d failed (%.1f%%)", f.label, f.fails, f.count, 100*float64(f.fails)/float64(f.count)))
	}
}

// thresholds tells which were kept, and with what values.
func (s *summary) thresholds(cases []*result.Case, unjudged []result.Threshold) {
	var all gather
	for _, c := range cases {
		for _, t := range c.Thresholds {
			f := all.at(t.Metric+" "+t.Expr, "", c.Name)
			if t.OK {
				f.good = append(f.good, t)
				continue
			}
			value := t.Found()
			if len(cases) > 1 {
				value = fmt.Sprintf("%s in case %q", value, c.Name)
			}
			f.bad = append(f.bad, value)
		}
	}
	for _, t := range unjudged {
		f := all.at(t.Metric+" "+t.Expr, "", "")
		f.bad = append(f.bad, t.Found())
	}
	if len(all) == 0 {
		return
	}
	s.title("Thresholds")
	for _, f := range all {
		const shown = 3
		switch more := len(f.bad) - shown; {
		case len(f.bad) == 0:
			s.wrapped("  ✓ ", f.label+" — "+keptWith(f.good))
		case more > 0:
			s.wrapped("  ✗ ", fmt.Sprintf("%s — %s, and %d more", f.label, strings.Join(f.bad[:shown], ", "), more))
		default:
			s.wrapped("  ✗ ", f.label+" — "+strings.Join(f.bad, ", "))
		}
	}
}

// keptWith is the values that kept a threshold: the lowest and the highest of several.
func keptWith(all []result.Threshold) string {
	low, high := all[0], all[0]
	for _, t := range all {
		switch {
		case t.Value == nil || low.Value == nil:
			continue
		case *t.Value < *low.Value:
			low = t
		case *t.Value > *high.Value:
			high = t
		}
	}
	if low.Found() == high.Found() {
		return low.Found()
	}
	return low.Found() + " to " + high.Found()
}

func (s *summary) validity(worst result.Verdict, cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, reason := range c.Validity.Reasons {
			f := all.at(reason.Rule, reason.Message, c.Name)
			if worse := result.Worse(f.v, reason.Verdict); worse != f.v {
				// The worst case's message says most.
				f.v, f.text = worse, reason.Message
			}
		}
	}
	if len(all) == 0 {
		return
	}
	s.title(fmt.Sprintf("Validity: %s", worst))
	slices.SortStableFunc(all, func(a, b *found) int { return b.v.Severity() - a.v.Severity() })
	for _, f := range all {
		label := string(f.v)
		if f.v == result.Valid {
			label = "note"
		}
		s.wrapped("  "+text.Pad(label, 7, ' ')+"  ", f.label+": "+f.text+inCases(f.where, len(cases)))
	}
}

// inCases tells where something was found, of n cases.
func inCases(where []string, n int) string {
	switch {
	case n == 1:
		return ""
	case len(where) == n:
		return " — in all cases"
	case len(where) == 1:
		return fmt.Sprintf(" — case %q", where[0])
	}
	return fmt.Sprintf(" — case %q and %d more", where[0], len(where)-1)
}

func (s *summary) title(t string) { fmt.Fprintf(&s.out, "\n%s\n", t) }

func (s *summary) block(b string) { fmt.Fprintf(&s.out, "\n%s\n", b) }

// wrapped writes text behind a label, with its further lines below its first.
func (s *summary) wrapped(label, t string) {
	indent := text.StringWidth(label)
	if indent > s.width/2 {
		fmt.Fprintln(&s.out, strings.TrimRight(label, " "))
		label, indent = "      ", 6
	}
	s.hanging(label, indent, t)
}

// hanging writes text behind a label, with its further lines indented.
func (s *summary) hanging(label string, indent int, t string) {
	t = strings.Join(strings.Fields(t), " ")
	for i, line := range strings.Split(text.WrapSoft(t, s.width-indent), "\n") {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(&s.out, strings.TrimRight(label+line, " "))
	}
}

func plural(n int64, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
