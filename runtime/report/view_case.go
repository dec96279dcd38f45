package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// caseView is what the page shows of a case.
type caseView struct {
	ID, Name   string
	Number     int
	Verdict    result.Verdict
	State      string // "interrupted", "stopped"
	Tags       []fact
	Facts      []fact
	Reasons    []reason
	Figures    []Figure
	Parts      []part // below the figures
	Slowest    []table
	SlowestOf  string // what the table of requests is taken from
	Thresholds []table
}

func newCaseView(c *result.Case, i int, d *Data, l Lang) caseView {
	v := caseView{
		ID: caseID(i), Name: c.Title(), Number: i + 1,
		Verdict: c.Validity.Verdict, State: stateOf(c, l),
		Facts: caseFacts(c, l), Thresholds: caseThresholds(c, l), Figures: d.Case(i),
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		v.Tags = append(v.Tags, fact{Name: name, Value: tagValue(c.Tags[name])})
	}
	for _, r := range result.Reasons([]*result.Case{c}) {
		v.Reasons = append(v.Reasons, reason{Reason: r.Reason, Title: l.rule(r.Rule)})
	}
	v.Slowest, v.SlowestOf = slowest(c, d.Slowest(i), l)
	brief := d.detail.brief()
	parts := windowParts(c, brief, l)
	parts = append(parts, countsPart(c, l), part{Title: l.T("errors"), Tables: errorTables(c.Errors, l)}, checksPart(c, l), goodputPart(c, l))
	parts = append(parts, scenarioParts(c, brief, l)...)
	parts = append(parts, serverParts(c, brief, l)...)
	parts = append(parts, devicesPart(c, l))
	if !brief {
		parts = append(parts, clientPart(c, l))
	}
	parts = append(parts, warmupPart(c, l), profilePart(c, l))
	for _, p := range parts {
		for i := range p.Tables {
			p.Tables[i].Shown = len(p.Tables) > 1 && p.Tables[i].Caption != p.Title
		}
		if !p.empty() {
			v.Parts = append(v.Parts, p)
		}
	}
	return v
}

// tagValue is a tag as a script has written it: of a file it comes as a float64.
func tagValue(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func caseFacts(c *result.Case, l Lang) (all []fact) {
	add := func(key, value, term string) {
		if value != "" {
			all = append(all, fact{Name: l.T(key), Value: value, Term: term})
		}
	}
	add("started", moment(c.Started), "")
	if c.Duration > 0 {
		add("duration", seconds(c.Duration), "duration")
		add("requests per second", number(c.Throughput.Requests), "throughput")
	}
	if c.Throughput.OutputTokens > 0 {
		add("output tokens per second", number(c.Throughput.OutputTokens), "throughput")
	}
	if c.Throughput.InputTokens > 0 {
		add("input tokens per second", number(c.Throughput.InputTokens), "throughput")
	}
	if c.Goodput != nil && c.Goodput.Share != nil {
		add("goodput", fmt.Sprintf("%s · %s/s", percent(*c.Goodput.Share), number(c.Goodput.PerSecond)), "goodput")
	}
	if c.Repeat > 0 {
		add("repetition", whole(int64(c.Repeat)), "")
	}
	if s := c.Stopped; s != nil {
		add("stopped by", l.F("stopped at", s.Metric+" "+s.Expr, number(s.Value), seconds(s.After)), "")
	}
	return all
}

func caseThresholds(c *result.Case, l Lang) []table {
	if len(c.Thresholds) == 0 {
		return nil
	}
	t := table{Caption: l.T("thresholds"), Head: []head{{Text: l.T("threshold"), Left: true}, {Text: l.T("value")}, {Text: l.T("note"), Left: true}}}
	noted := false
	for _, o := range c.Thresholds {
		name := cell{Text: "✗ " + o.Metric + " " + o.Expr, Mark: "bad", Left: true, Code: true}
		if o.OK {
			name.Text, name.Mark = "✓ "+o.Metric+" "+o.Expr, "good"
		}
		noted = noted || o.Note != ""
		value := cell{Text: absent}
		if o.Value != nil || o.Verdict != "" {
			value.Text = thresholdValue(o)
		}
		t.Rows = append(t.Rows, []cell{name, value, text(o.Note)})
	}
	if !noted {
		t.Head = t.Head[:2]
		for i := range t.Rows {
			t.Rows[i] = t.Rows[i][:2]
		}
	}
	return []table{t}
}

// windowParts has the metrics of the case, and those of its other window; in brief, the
// most important ones of the first.
func windowParts(c *result.Case, brief bool, l Lang) (all []part) {
	shown := cmp.Or(c.Window, result.WindowAll)
	all = append(all, metricsPart(l.T("metrics"), c.Metrics, brief, l))
	if w := c.Windows[shown]; w != nil && w.Found {
		all[0].Notes = append(all[0].Notes, windowNote(shown, w, l))
	} else if c.Windows == nil {
		all[0].Notes = nil
	}
	for _, name := range []string{result.WindowAll, result.WindowSteady} {
		w := c.Windows[name]
		switch {
		case w == nil || name == shown:
		case !w.Found:
			all[0].Notes = append(all[0].Notes, l.F("no window", l.T("window "+name), strings.TrimPrefix(w.Note, "no steady state: ")))
		case !brief:
			p := metricsPart(l.T("window "+name), w.Metrics, brief, l)
			p.Notes = append([]string{windowNote(name, w, l)}, p.Notes...)
			if t := w.Throughput; t != nil {
				p.Facts = throughputFacts(*t, l)
			}
			all = append(all, p)
		}
	}
	return all
}

// windowNote says which part of the case is shown.
func windowNote(name string, w *result.Window, l Lang) string {
	note := l.F("window of", l.T("window "+name), number(w.From), number(w.To), whole(w.Requests))
	if w.Note != "" {
		note += " (" + w.Note + ")"
	}
	return note
}

func throughputFacts(t result.Throughput, l Lang) (all []fact) {
	for _, f := range []struct {
		key string
		v   float64
	}{{"requests per second", t.Requests}, {"output tokens per second", t.OutputTokens}, {"input tokens per second", t.InputTokens}} {
		if f.v > 0 {
			all = append(all, fact{Name: l.T(f.key), Value: number(f.v), Term: "throughput"})
		}
	}
	return all
}

// mainMetrics are those that matter most.
var mainMetrics = []string{"ttft", "tpot", "itl", "e2el", "http_req_duration", "goodput"}

// metricsPart has the distributions with all statistics, and the other metrics; in brief,
// those of mainMetrics and the script's own.
func metricsPart(title string, metrics map[string]*result.Metric, brief bool, l Lang) part {
	p := part{Title: title}
	distributions := table{Caption: title, Wide: true, Head: []head{{Text: l.T("metric"), Left: true}, {Text: l.T("unit"), Left: true}, {Text: "n"},
		{Text: "avg"}, {Text: "min"}, {Text: "p50"}, {Text: "p75"}, {Text: "p90"}, {Text: "p95"}, {Text: "p99"}, {Text: "p99.9"}, {Text: "max"}, {Text: "std"}}}
	others := table{Caption: l.T("counters and rates"), Head: []head{{Text: l.T("metric"), Left: true}, {Text: l.T("value")}, {Text: l.T("per second")}, {Text: l.T("note"), Left: true}}}
	for _, name := range metricOrder(metrics) {
		m := metrics[name]
		if m == nil || strings.HasPrefix(name, "_") { // for tables of a script's own
			continue
		}
		if brief && !m.Custom && !slices.Contains(mainMetrics, name) {
			continue
		}
		label := cell{Text: name, Left: true, Code: true}
		if l.Definition(name) != "" && !m.Custom {
			label.Term = name
		}
		if m.Kind != "distribution" {
			others.Rows = append(others.Rows, otherRow(label, m, l))
			continue
		}
		at := func(p float64, v *float64) cell { return statisticCell(m, p, v) }
		n := count(m.N)
		if m.Estimator == "hdr" {
			n.Note, n.Title = "hdr", l.T("hdr")
		}
		distributions.Rows = append(distributions.Rows, []cell{label, text(m.Unit), n, meanCell(m), opt(m.Min),
			at(50, m.P50), at(75, m.P75), at(90, m.P90), at(95, m.P95), at(99, m.P99), at(99.9, m.P999), opt(m.Max), opt(m.Std)})
	}
	for _, t := range []table{distributions, others} {
		if len(t.Rows) > 0 {
			p.Tables = append(p.Tables, t)
		}
	}
	return p
}

// otherRow is a metric that is no distribution.
func otherRow(label cell, m *result.Metric, l Lang) []cell {
	unit := func(v *float64) cell {
		c := opt(v)
		if v != nil {
			c.Note = m.Unit
		}
		return c
	}
	switch m.Kind {
	case "counter":
		return []cell{label, unit(m.Sum), opt(m.Rate), {}}
	case "gauge":
		return []cell{label, unit(m.Value), {Text: absent}, text(l.F("gauge range", value(m.Min), value(m.Max)))}
	case "goodput":
		c := cell{Text: absent}
		if m.Rate != nil {
			c.Text = percent(*m.Rate)
		}
		return []cell{label, c, opt(m.PerSecond), text(l.F("missed n", value(m.Missed)))}
	}
	c := cell{Text: absent}
	if m.Rate != nil {
		c.Text = percent(*m.Rate)
	}
	return []cell{label, c, {Text: absent}, text(l.F("of n", whole(m.N)))}
}

// metricOrder sorts metrics as the glossary has them, and then those that a script made.
func metricOrder(metrics map[string]*result.Metric) []string {
	rank := func(name string) int {
		if i := slices.IndexFunc(glossary, func(e entry) bool { return e.Name == name }); i >= 0 {
			return i
		}
		return len(glossary)
	}
	return slices.SortedFunc(maps.Keys(metrics), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// countsPart has what was counted: of iterations, requests, tokens and connections.
func countsPart(c *result.Case, l Lang) part {
	n := c.Counts
	t := table{Caption: l.T("counts"), Head: []head{{Text: l.T("what"), Left: true}, {Text: l.T("count")}}}
	add := func(key string, v int64, bad bool) {
		k := count(v)
		if bad {
			k = failures(v)
		}
		t.Rows = append(t.Rows, []cell{text(l.T(key)), k})
	}
	add("iterations scheduled", n.Scheduled, false)
	add("iterations started", n.Started, false)
	add("iterations completed", n.Completed, false)
	add("iterations failed", n.IterationFailed, true)
	add("iterations interrupted", n.Interrupted, false)
	add("iterations dropped", n.Dropped, true)
	add("iterations late", n.Late, true)
	add("requests ended", n.Requests, false)
	add("requests failed", n.RequestsFailed, true)
	add("requests cut off", n.RequestsCut, false)
	add("requests resent", n.Resent, false)
	add("requests retried", n.Retried, false)
	add("connections opened", c.Connections.Opened, false)
	add("connections failed", c.Connections.Failed, true)
	add("segments retransmitted", c.Connections.Retransmits, false)
	if c.TokenEvents.All > 0 {
		add("token events", c.TokenEvents.All, false)
		add("token events shared", c.TokenEvents.Shared, false)
		add("token events late", c.TokenEvents.ReadLate, true)
	}
	p := part{Title: l.T("counts"), Tables: []table{t}, Closed: true}
	sources := func(key string, counts map[string]int64) {
		var list []string
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			if counts[name] > 0 {
				list = append(list, name+" "+whole(counts[name]))
			}
		}
		if len(list) > 0 {
			p.Facts = append(p.Facts, fact{Name: l.T(key), Value: strings.Join(list, ", ")})
		}
	}
	sources("input counted by", c.Tokens.Input)
	sources("output counted by", c.Tokens.Output)
	sources("stamped by", c.Stamps)
	if g := c.Growth; g != nil {
		p.Facts = append(p.Facts, fact{Name: l.T("growth"), Value: number(g.Slope) + " s/s ± " + number(g.StdErr), Term: "growth"})
	}
	if w := c.RecordsWait; w != nil {
		p.Facts = append(p.Facts, fact{Name: l.T("waited for records"), Value: whole(w.Count) + " · " + seconds(w.Total)})
	}
	return p
}

func checksPart(c *result.Case, l Lang) part {
	return part{Title: l.T("checks"), Tables: checkTables(c.Checks, l)}
}

func checkTables(checks []result.Check, l Lang) []table {
	if len(checks) == 0 {
		return nil
	}
	t := table{Caption: l.T("checks"), Head: []head{{Text: l.T("check"), Left: true}, {Text: l.T("passed")}, {Text: l.T("failed")}, {Text: l.T("share passed")}}}
	for _, k := range checks {
		name, share := cell{Text: "✓ " + k.Name, Mark: "good", Left: true}, cell{Text: absent}
		if k.Fails > 0 {
			name.Text, name.Mark = "✗ "+k.Name, "bad"
		}
		if all := k.Passes + k.Fails; all > 0 {
			share.Text = percent(float64(k.Passes) / float64(all))
		}
		t.Rows = append(t.Rows, []cell{name, count(k.Passes), failures(k.Fails), share})
	}
	return []table{t}
}

// goodputPart says which SLOs there were and which were missed.
func goodputPart(c *result.Case, l Lang) part {
	g := c.Goodput
	if g == nil {
		return part{}
	}
	t := table{Caption: l.T("SLOs"), Head: []head{{Text: "SLO", Left: true}, {Text: l.T("at most"), Unit: "ms"}, {Text: l.T("missed by")}}}
	names := slices.Sorted(maps.Keys(g.Missed))
	for name := range g.SLO {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		label := cell{Text: name, Left: true, Code: true}
		if l.Definition(name) != "" {
			label.Term = name
		}
		limit := cell{Text: absent}
		if slo, ok := g.SLO[name]; ok {
			limit = num(slo)
		}
		t.Rows = append(t.Rows, []cell{label, limit, failures(g.Missed[name])})
	}
	p := part{Title: l.T("goodput"), Facts: []fact{
		{Name: l.T("good requests"), Value: l.F("n of m", whole(g.Good), whole(g.Requests)), Term: "goodput"},
		{Name: l.T("per second"), Value: number(g.PerSecond)},
		{Name: l.T("output tokens per second"), Value: number(g.OutputTokens)},
	}}
	if len(t.Rows) > 0 {
		p.Tables = []table{t}
	}
	return p
}

// scenarioParts has the share of each named scenario.
func scenarioParts(c *result.Case, brief bool, l Lang) (all []part) {
	for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
		s := c.Scenarios[name]
		if s == nil {
			continue
		}
		p := metricsPart(l.F("scenario", name), s.Metrics, brief, l)
		p.Facts = append([]fact{{Name: l.T("duration"), Value: seconds(s.Duration), Term: "duration"},
			{Name: l.T("requests ended"), Value: whole(s.Counts.Requests)}, {Name: l.T("requests failed"), Value: whole(s.Counts.RequestsFailed)}},
			throughputFacts(s.Throughput, l)...)
		p.Tables = slices.Concat(p.Tables, errorTables(s.Errors, l), checkTables(s.Checks, l))
		all = append(all, p)
	}
	return all
}

func warmupPart(c *result.Case, l Lang) part {
	w := c.Warmup
	if w == nil {
		return part{}
	}
	return part{Title: l.T("warm-up"), Tables: errorTables(w.Errors, l), Notes: []string{
		l.F("warm-up of", whole(w.Iterations), whole(w.Requests), whole(w.Failed))}}
}

func profilePart(c *result.Case, l Lang) part {
	if len(c.Profile) == 0 {
		return part{}
	}
	t := table{Caption: l.T("traces"), Wide: true, Head: []head{{Text: l.T("profiler"), Left: true}, {Text: l.T("of"), Left: true}, {Text: l.T("duration"), Unit: "s"}, {Text: l.T("where"), Left: true}}}
	for _, p := range c.Profile {
		where := cell{Text: p.Where, Left: true, Code: true}
		if p.Error != "" {
			where = cell{Text: p.Error, Mark: "bad", Left: true}
		}
		t.Rows = append(t.Rows, []cell{text(p.Profiler), text(p.Target), num(p.Stopped.Sub(p.Started).Seconds()), where})
	}
	return part{Title: l.T("traces"), Tables: []table{t}}
}
