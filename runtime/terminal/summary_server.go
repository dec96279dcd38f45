package terminal

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// servers writes a table for each page of server metrics: what the server did during
// the cases, and what of the time to first token was its own.
func (s *summary) servers(cases []*result.Case) {
	for _, url := range pagesOf(cases) {
		of := func(c *result.Case) *result.Server {
			if i := slices.IndexFunc(c.Server, func(p result.Server) bool { return p.URL == url }); i >= 0 {
				return &c.Server[i]
			}
			return nil
		}
		with := slices.DeleteFunc(slices.Clone(cases), func(c *result.Case) bool { return of(c) == nil })
		s.title("Server" + kindOf(with, of) + " " + url)
		told := slices.DeleteFunc(slices.Clone(with), func(c *result.Case) bool { return !tells(of(c)) })
		s.serverTables(told, serverColumns(told, of))
		if slices.ContainsFunc(told, func(c *result.Case) bool { return of(c).TTFT != nil && of(c).TTFT.Rest != nil }) {
			s.wrapped("  ", restText(told, of))
		}
		s.serverNotes(with, of)
	}
}

// serverTables writes one table or, where it does not fit, one of what the server did
// and one of the time to first token.
func (s *summary) serverTables(cases []*result.Case, columns []column) {
	if len(columns) < 2 {
		return
	}
	if text.LongestLineLen(render(cases, columns, 0)) <= s.width {
		s.table(cases, columns)
		return
	}
	var did, first []column
	for _, c := range columns {
		if c.name == caseName.name || !strings.HasPrefix(c.group, firstToken) {
			did = append(did, c)
		}
		if c.name == caseName.name || strings.HasPrefix(c.group, firstToken) {
			first = append(first, c)
		}
	}
	for _, some := range [][]column{did, first} {
		if len(some) > 1 {
			s.table(cases, some)
		}
	}
}

// firstToken begins the heads of columns of the time to first token.
const firstToken = "TTFT "

// pagesOf lists the pages in the order in which the cases name them.
func pagesOf(cases []*result.Case) []string {
	var urls []string
	for _, c := range cases {
		for _, p := range c.Server {
			if !slices.Contains(urls, p.URL) {
				urls = append(urls, p.URL)
			}
		}
	}
	return urls
}

func kindOf(cases []*result.Case, of func(*result.Case) *result.Server) string {
	for _, c := range cases {
		if kind := of(c).Kind; kind != "" {
			return " (" + kind + ")"
		}
	}
	return ""
}

// tells tells whether the page said anything of the case.
func tells(p *result.Server) bool {
	return len(p.Gauges) > 0 || len(p.Times) > 0 || p.Requests != nil || p.PromptTokens != nil || p.GenerationTokens != nil
}

// serverColumns are the columns of which the pages tell something.
func serverColumns(cases []*result.Case, of func(*result.Case) *result.Server) []column {
	gauge := func(group, unit, name, gauge string, keep int, field func(result.ValueStat) float64) column {
		return column{group: group, unit: unit, name: name, keep: keep, value: func(c *result.Case) (float64, bool) {
			g, told := of(c).Gauges[gauge]
			return field(g), told
		}}
	}
	average := func(g result.ValueStat) float64 { return g.Avg }
	most := func(g result.ValueStat) float64 { return g.Max }
	number := func(group, unit, name string, keep int, field func(*result.Server) *float64) column {
		return column{group: group, unit: unit, name: name, keep: keep, value: func(c *result.Case) (float64, bool) {
			if v := field(of(c)); v != nil {
				return *v, true
			}
			return 0, false
		}}
	}
	percent := func(v *float64) *float64 {
		if v != nil {
			v = new(100 * *v)
		}
		return v
	}
	ttft := func(name, time string, keep int, part func(*result.TTFTParts) *float64) column {
		return number(firstToken+"avg", "ms", name, keep, func(p *result.Server) *float64 {
			if p.TTFT != nil {
				return part(p.TTFT)
			}
			if t := p.Times[time]; t != nil { // beside no client's
				return t.Avg
			}
			return nil
		})
	}
	columns := []column{
		caseName,
		whole(gauge("running", "", "avg", "running", 12, average), 1), whole(gauge("running", "", "max", "running", 5, most), 0),
		whole(gauge("waiting", "", "avg", "waiting", 7, average), 1), whole(gauge("waiting", "", "max", "waiting", 13, most), 0),
		gauge("KV cache", "", "max %", "kv_cache_pct", 14, most),
		number("prefix", "", "hit %", 10, func(p *result.Server) *float64 {
			if p.PrefixCache != nil {
				return percent(p.PrefixCache.Rate)
			}
			if g, told := p.Gauges["prefix_cache_pct"]; told {
				return &g.Avg
			}
			return nil
		}),
		whole(number("", "", "preempted", preempted(cases, of), func(p *result.Server) *float64 { return p.Preemptions }), 0),
		number("draft", "", "accepted %", 11, func(p *result.Server) *float64 {
			if p.Speculative != nil {
				return percent(p.Speculative.Rate)
			}
			return nil
		}),
		ttft("client", "", 15, func(t *result.TTFTParts) *float64 { return &t.Client }),
		ttft("server", "ttft", 16, func(t *result.TTFTParts) *float64 { return t.Server }),
		ttft("queue", "queue", 18, func(t *result.TTFTParts) *float64 { return t.Queue }),
		ttft("prefill", "prefill", 17, func(t *result.TTFTParts) *float64 { return t.Prefill }),
		ttft("rest", "", 19, func(t *result.TTFTParts) *float64 { return t.Rest }),
		// Percentiles are not subtracted, only set side by side.
		{group: firstToken + "p99", unit: "ms", name: "client", keep: 2, value: func(c *result.Case) (float64, bool) {
			if m := c.Metrics["ttft"]; m != nil && m.P99 != nil && percentile99(of(c)) != nil && len(c.Server) == 1 {
				return *m.P99, true
			}
			return 0, false
		}},
		{group: firstToken + "p99", unit: "ms", name: "server", keep: 3, text: func(c *result.Case) string { return span(percentile99(of(c))) }},
	}
	return slices.DeleteFunc(columns, func(c column) bool {
		return c.name != caseName.name && !slices.ContainsFunc(cases, func(k *result.Case) bool {
			if c.value == nil {
				return c.text(k) != absent
			}
			_, told := c.value(k)
			return told
		})
	})
}

// percentile99 is the server's 99th percentile of the time to first token.
func percentile99(p *result.Server) *result.Estimate {
	if t := p.Times["ttft"]; t != nil {
		return t.P99
	}
	return nil
}

// span is between what the percentile lies. A value that was interpolated in a wide
// bucket looks like a contradiction beside the client's.
func span(e *result.Estimate) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	switch {
	case e == nil:
		return absent
	case e.High == nil:
		return "> " + number(e.Low)
	}
	return number(e.Low) + "…" + number(*e.High)
}

// absent stands for what nobody told.
const absent = "–"

// whole is a column of numbers with so many decimals, however large they are.
func whole(c column, decimals int) column {
	value := c.value
	c.value = nil
	c.text = func(k *result.Case) string {
		if v, told := value(k); told {
			return strconv.FormatFloat(v, 'f', decimals, 64)
		}
		return absent
	}
	return c
}

// preempted says how long the column of preemptions stays: where there are some, long.
func preempted(cases []*result.Case, of func(*result.Case) *result.Server) int {
	if slices.ContainsFunc(cases, func(c *result.Case) bool { n := of(c).Preemptions; return n != nil && *n > 0 }) {
		return 14
	}
	return 1
}

// restText says what the column "rest" is.
func restText(cases []*result.Case, of func(*result.Case) *result.Server) string {
	for _, c := range cases {
		if t := of(c).TTFT; t != nil && t.Rest != nil {
			switch t.RestOf {
			case "server":
				return "rest: client − server: the network, proxies and the client itself"
			case "prefill":
				return "rest: client − prefill: waiting in the server, the network, proxies and the client itself"
			default:
				return "rest: client − queue − prefill: the server's front end, the network, proxies and the client itself"
			}
		}
	}
	return ""
}

// mostNotes is how many notes of a page are shown; all are in the result.
const mostNotes = 4

// serverNotes writes what is in doubt, and pages that could not be read.
func (s *summary) serverNotes(cases []*result.Case, of func(*result.Case) *result.Server) {
	var all gather
	for _, c := range cases {
		p := of(c)
		if p.Error != "" {
			all.at(p.Error, "!", c.Name)
		}
		for _, note := range p.Notes {
			all.at(note, "·", c.Name)
		}
	}
	for _, f := range all[:min(len(all), mostNotes)] {
		s.wrapped("  "+f.text+" ", f.label+inCases(f.where, len(cases)))
	}
	if more := len(all) - mostNotes; more > 0 {
		s.wrapped("  · ", plural(int64(more), "more note")+" like these in result.json")
	}
}
