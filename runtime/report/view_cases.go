package report

import (
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// column is one of the tables of cases.
type column struct {
	group, unit, term string // head of it and its neighbours: "TTFT", "ms", entry of the glossary
	name              string // "p99"
	cell              func(*result.Case) cell
}

// statistic is a column with a field of a metric. p is its percentile, 0 when it is none.
func statistic(metric, name string, p float64, field func(*result.Metric) *float64) column {
	return column{group: metricLabel(metric), unit: "ms", term: metric, name: name, cell: func(c *result.Case) cell {
		m := c.Metrics[metric]
		if m == nil {
			return cell{Text: absent}
		}
		return statisticCell(m, p, field(m))
	}}
}

// statisticCell shows a statistic, and marks a percentile that the sample is too small
// for. The page's script says on hover what the mark means.
func statisticCell(m *result.Metric, p float64, v *float64) cell {
	c := cell{Text: percentile(m, p, v)}
	if strings.HasPrefix(c.Text, vague) {
		c.Mark = "thin"
	}
	return c
}

// meanCell shows a mean with its interval of confidence.
func meanCell(m *result.Metric) cell {
	c := opt(m.Avg)
	if m.Avg != nil && m.AvgLow != nil && m.AvgHigh != nil {
		c.Note = "± " + number(max(*m.Avg-*m.AvgLow, *m.AvgHigh-*m.Avg))
	}
	return c
}

func mean(metric string) column {
	return column{group: metricLabel(metric), unit: "ms", term: metric, name: "avg", cell: func(c *result.Case) cell {
		if m := c.Metrics[metric]; m != nil {
			return meanCell(m)
		}
		return cell{Text: absent}
	}}
}

// metricLabel is how the head of a table names a metric.
func metricLabel(metric string) string {
	switch metric {
	case "ttft", "tpot", "itl", "e2el":
		return strings.ToUpper(metric)
	}
	return metric
}

func p50(m *result.Metric) *float64  { return m.P50 }
func p90(m *result.Metric) *float64  { return m.P90 }
func p95(m *result.Metric) *float64  { return m.P95 }
func p99(m *result.Metric) *float64  { return m.P99 }
func most(m *result.Metric) *float64 { return m.Max }

// caseTables has a table for each family of cases.
func caseTables(cases []*result.Case, l Lang) (all []table) {
	of := map[result.Family][]int{}
	for i, c := range cases {
		for _, family := range c.Families() {
			of[family] = append(of[family], i)
		}
	}
	load := loadColumns(l)
	for _, family := range []struct {
		caption string
		of      []int
		columns []column
	}{
		{"generations", of[result.Generations], slices.Concat(load, []column{
			throughput("output", l, func(t result.Throughput) float64 { return t.OutputTokens }),
			throughput("total", l, func(t result.Throughput) float64 { return t.TotalTokens }),
			mean("ttft"), statistic("ttft", "p50", 50, p50), statistic("ttft", "p90", 90, p90), statistic("ttft", "p99", 99, p99),
			mean("tpot"), statistic("tpot", "p90", 90, p90),
			statistic("itl", "p50", 50, p50), statistic("itl", "p99", 99, p99),
			mean("e2el"), statistic("e2el", "p99", 99, p99),
		})},
		{"embeddings and rankings", of[result.Pooling], slices.Concat(load, []column{
			throughput("input", l, func(t result.Throughput) float64 { return t.InputTokens }),
			mean("e2el"), statistic("e2el", "p50", 50, p50), statistic("e2el", "p90", 90, p90), statistic("e2el", "p99", 99, p99), statistic("e2el", "max", 0, most),
		})},
		{"plain requests", of[result.PlainHTTP], slices.Concat(load, []column{
			mean("http_req_duration"), statistic("http_req_duration", "p50", 50, p50), statistic("http_req_duration", "p90", 90, p90),
			statistic("http_req_duration", "p95", 95, p95), statistic("http_req_duration", "p99", 99, p99), statistic("http_req_duration", "max", 0, most),
			mean("http_req_waiting"),
		})},
		{"iterations", of[result.Idle], []column{
			{name: l.T("started"), cell: func(c *result.Case) cell { return count(c.Counts.Started) }},
			{name: l.T("completed"), cell: func(c *result.Case) cell { return count(c.Counts.Completed) }},
			{name: l.T("failed"), cell: func(c *result.Case) cell { return failures(c.Counts.IterationFailed) }},
		}},
	} {
		if len(family.of) > 0 {
			all = append(all, caseTable(l.T(family.caption), cases, family.of, family.columns, l))
		}
	}
	return all
}

// loadColumns are those of every case with requests.
func loadColumns(l Lang) []column {
	requests := l.T("requests")
	return []column{
		{group: requests, name: l.T("ok"), cell: func(c *result.Case) cell {
			return count(c.Counts.Requests - c.Counts.RequestsFailed - c.Counts.RequestsCut)
		}},
		{group: requests, name: l.T("failed"), cell: func(c *result.Case) cell { return failures(c.Counts.RequestsFailed) }},
		{group: requests, name: l.T("cut off"), cell: func(c *result.Case) cell {
			if c.Counts.RequestsCut == 0 {
				return cell{Text: absent}
			}
			return count(c.Counts.RequestsCut)
		}},
		{group: requests, name: l.T("a second"), term: "throughput", cell: func(c *result.Case) cell {
			if c.Duration <= 0 {
				return cell{Text: absent}
			}
			return num(c.Throughput.Requests)
		}},
		{group: l.T("goodput"), term: "goodput", name: "%", cell: func(c *result.Case) cell {
			if c.Goodput == nil || c.Goodput.Share == nil {
				return cell{Text: absent}
			}
			return cell{Text: strconv.FormatFloat(100**c.Goodput.Share, 'f', 1, 64)}
		}},
		{group: l.T("goodput"), term: "goodput", name: l.T("a second"), cell: func(c *result.Case) cell {
			if c.Goodput == nil || c.Duration <= 0 {
				return cell{Text: absent}
			}
			return num(c.Goodput.PerSecond)
		}},
	}
}

// throughput is a column of tokens a second.
func throughput(name string, l Lang, of func(result.Throughput) float64) column {
	return column{group: l.T("throughput"), unit: l.T("tokens per second"), term: "throughput", name: l.T(name), cell: func(c *result.Case) cell {
		if v := of(c.Throughput); v > 0 {
			return num(v)
		}
		return cell{Text: absent}
	}}
}

// caseTable makes a table of some of the cases. Columns in which no case has a value
// are left out.
func caseTable(caption string, cases []*result.Case, of []int, columns []column, l Lang) table {
	t := table{Caption: caption, Sort: len(of) > 1, Search: len(of) > 12, Wide: true}
	t.Head = []head{{Text: l.T("case"), Left: true}, {Text: l.T("verdict"), Left: true}}
	t.Groups = []topHead{{Span: 2}}
	for _, i := range of {
		t.Rows = append(t.Rows, []cell{
			{Text: cases[i].Title(), Href: "#" + caseID(i), Left: true},
			{Verdict: cases[i].Validity.Verdict, Text: stateOf(cases[i], l), Left: true},
		})
	}
	for _, c := range columns {
		cells := make([]cell, len(of))
		there := false
		for row, i := range of {
			cells[row] = c.cell(cases[i])
			there = there || cells[row].Text != absent
		}
		if !there {
			continue
		}
		t.Head = append(t.Head, head{Text: c.name})
		if last := len(t.Groups) - 1; c.group != "" && t.Groups[last].Text == c.group {
			t.Groups[last].Span++
		} else {
			t.Groups = append(t.Groups, topHead{Text: c.group, Unit: c.unit, Term: c.term, Span: 1})
		}
		for row := range t.Rows {
			t.Rows[row] = append(t.Rows[row], cells[row])
		}
	}
	if !slices.ContainsFunc(t.Groups, func(g topHead) bool { return g.Text != "" }) {
		t.Groups = nil
	}
	return t
}

// stateOf says what else than its verdict there is to a case's end.
func stateOf(c *result.Case, l Lang) string {
	switch {
	case c.Interrupted:
		return l.T("interrupted")
	case c.Stopped != nil:
		return l.T("stopped")
	}
	return ""
}

// thresholdTables has every threshold, with the cases that did not keep it.
func thresholdTables(run *result.Result, l Lang) []table {
	type kept struct {
		threshold result.Threshold
		ok        int
		bad       []cell
	}
	var all []*kept
	at := map[string]*kept{}
	for i, c := range run.Cases {
		for _, t := range c.Thresholds {
			key := t.Metric + "\x00" + t.Expr
			k := at[key]
			if k == nil {
				k = &kept{threshold: t}
				at[key] = k
				all = append(all, k)
			}
			if t.OK {
				k.ok++
				continue
			}
			k.bad = append(k.bad, cell{Text: c.Title(), Href: "#" + caseID(i), Note: thresholdValue(t), Left: true})
		}
	}
	for _, t := range run.Thresholds {
		all = append(all, &kept{threshold: t, bad: []cell{{Text: absent, Note: thresholdValue(t), Left: true}}})
	}
	if len(all) == 0 {
		return nil
	}
	t := table{Caption: l.T("thresholds"), Head: []head{{Text: l.T("threshold"), Left: true}, {Text: l.T("kept by")}, {Text: l.T("not kept by"), Left: true}}}
	for _, k := range all {
		name := cell{Text: "✓ " + k.threshold.Metric + " " + k.threshold.Expr, Mark: "good", Left: true, Code: true}
		if len(k.bad) > 0 {
			name.Text, name.Mark = "✗ "+k.threshold.Metric+" "+k.threshold.Expr, "bad"
		}
		if len(k.bad) == 0 {
			k.bad = []cell{{Text: absent, Left: true}}
		}
		for i, bad := range k.bad {
			row := []cell{name, count(int64(k.ok)), bad}
			if i > 0 {
				row = []cell{{}, {}, bad}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return []table{t}
}

// thresholdValue is what a threshold was held against, or why there is nothing.
func thresholdValue(t result.Threshold) string {
	if t.Value == nil {
		return t.Found()
	}
	value := strings.TrimSpace(number(*t.Value) + " " + t.Unit)
	if t.Thin {
		value = vague + value
	}
	return value
}

// failureTables has the errors of all cases by kind, most frequent first.
func failureTables(cases []*result.Case, l Lang) []table {
	var all []result.ErrorGroup
	for _, c := range cases {
		for _, e := range c.Errors {
			at := slices.IndexFunc(all, func(o result.ErrorGroup) bool {
				return o.Scope == e.Scope && o.Kind == e.Kind && o.Status == e.Status
			})
			if at < 0 {
				all = append(all, e)
			} else {
				all[at].Count += e.Count
			}
		}
	}
	return errorTables(all, l)
}

func errorTables(errors []result.ErrorGroup, l Lang) []table {
	if len(errors) == 0 {
		return nil
	}
	errors = slices.Clone(errors)
	slices.SortStableFunc(errors, func(a, b result.ErrorGroup) int { return int(min(max(b.Count-a.Count, -1), 1)) })
	t := table{Caption: l.T("errors"), Wide: true, Head: []head{{Text: l.T("count")}, {Text: l.T("scope"), Left: true},
		{Text: l.T("kind"), Left: true}, {Text: l.T("status")}, {Text: l.T("first message"), Left: true}}}
	for _, e := range errors {
		status := cell{Text: absent}
		if e.Status != 0 {
			status.Text = strconv.Itoa(e.Status)
		}
		scope := l.T("request")
		if e.Scope == "iteration" {
			scope = l.T("iteration")
		}
		t.Rows = append(t.Rows, []cell{failures(e.Count), text(scope), {Text: e.Kind, Left: true, Code: true}, status, text(e.Message)})
	}
	return []table{t}
}
