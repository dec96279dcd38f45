package result

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// servers writes a table for each page of server metrics: what the server did during
// the cases, and what of the time to first token was its own.
func (s *summary) servers(cases []*Case) {
	for _, url := range pagesOf(cases) {
		of := func(c *Case) *Server {
			if i := slices.IndexFunc(c.Server, func(p Server) bool { return p.URL == url }); i >= 0 {
				return &c.Server[i]
			}
			return nil
		}
		with := slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool { return of(c) == nil })
		s.title("Server" + kindOf(with, of) + " " + url)
		told := slices.DeleteFunc(slices.Clone(with), func(c *Case) bool { return !of(c).tells() })
		s.serverTables(told, serverColumns(told, of))
		if slices.ContainsFunc(told, func(c *Case) bool { return of(c).TTFT != nil && of(c).TTFT.Rest != nil }) {
			s.wrapped("  ", restText(told, of))
		}
		s.serverNotes(with, of)
	}
}

// serverTables writes one table or, where it does not fit, one of what the server did
// and one of the time to first token.
func (s *summary) serverTables(cases []*Case, columns []column) {
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
func pagesOf(cases []*Case) []string {
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

func kindOf(cases []*Case, of func(*Case) *Server) string {
	for _, c := range cases {
		if kind := of(c).Kind; kind != "" {
			return " (" + kind + ")"
		}
	}
	return ""
}

// tells tells whether the page said anything of the case.
func (p *Server) tells() bool {
	return len(p.Gauges) > 0 || len(p.Times) > 0 || p.Requests != nil || p.PromptTokens != nil || p.GenerationTokens != nil
}

// serverColumns are the columns of which the pages tell something.
func serverColumns(cases []*Case, of func(*Case) *Server) []column {
	gauge := func(group, unit, name, gauge string, keep int, field func(ValueStat) float64) column {
		return column{group: group, unit: unit, name: name, keep: keep, value: func(c *Case) (float64, bool) {
			g, told := of(c).Gauges[gauge]
			return field(g), told
		}}
	}
	average := func(g ValueStat) float64 { return g.Avg }
	most := func(g ValueStat) float64 { return g.Max }
	number := func(group, unit, name string, keep int, field func(*Server) *float64) column {
		return column{group: group, unit: unit, name: name, keep: keep, value: func(c *Case) (float64, bool) {
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
	ttft := func(name, time string, keep int, part func(*TTFTParts) *float64) column {
		return number(firstToken+"avg", "ms", name, keep, func(p *Server) *float64 {
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
		number("prefix", "", "hit %", 10, func(p *Server) *float64 {
			if p.PrefixCache != nil {
				return percent(p.PrefixCache.Rate)
			}
			if g, told := p.Gauges["prefix_cache_pct"]; told {
				return &g.Avg
			}
			return nil
		}),
		whole(number("", "", "preempted", preempted(cases, of), func(p *Server) *float64 { return p.Preemptions }), 0),
		number("draft", "", "accepted %", 11, func(p *Server) *float64 {
			if p.Speculative != nil {
				return percent(p.Speculative.Rate)
			}
			return nil
		}),
		ttft("client", "", 15, func(t *TTFTParts) *float64 { return &t.Client }),
		ttft("server", "ttft", 16, func(t *TTFTParts) *float64 { return t.Server }),
		ttft("queue", "queue", 18, func(t *TTFTParts) *float64 { return t.Queue }),
		ttft("prefill", "prefill", 17, func(t *TTFTParts) *float64 { return t.Prefill }),
		ttft("rest", "", 19, func(t *TTFTParts) *float64 { return t.Rest }),
		// Percentiles are not subtracted, only set side by side.
		{group: firstToken + "p99", unit: "ms", name: "client", keep: 2, value: func(c *Case) (float64, bool) {
			if m := c.Metrics["ttft"]; m != nil && m.P99 != nil && of(c).percentile99() != nil && len(c.Server) == 1 {
				return *m.P99, true
			}
			return 0, false
		}},
		{group: firstToken + "p99", unit: "ms", name: "server", keep: 3, text: func(c *Case) string { return of(c).percentile99().span() }},
	}
	return slices.DeleteFunc(columns, func(c column) bool {
		return c.name != caseName.name && !slices.ContainsFunc(cases, func(k *Case) bool {
			if c.value == nil {
				return c.text(k) != absent
			}
			_, told := c.value(k)
			return told
		})
	})
}

// percentile99 is the server's 99th percentile of the time to first token.
func (p *Server) percentile99() *Estimate {
	if t := p.Times["ttft"]; t != nil {
		return t.P99
	}
	return nil
}

// span is between what the percentile lies. A value that was interpolated in a wide
// bucket looks like a contradiction beside the client's.
func (e *Estimate) span() string {
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
	c.text = func(k *Case) string {
		if v, told := value(k); told {
			return strconv.FormatFloat(v, 'f', decimals, 64)
		}
		return absent
	}
	return c
}

// preempted says how long the column of preemptions stays: where there are some, long.
func preempted(cases []*Case, of func(*Case) *Server) int {
	if slices.ContainsFunc(cases, func(c *Case) bool { n := of(c).Preemptions; return n != nil && *n > 0 }) {
		return 14
	}
	return 1
}

// restText says what the column "rest" is.
func restText(cases []*Case, of func(*Case) *Server) string {
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
func (s *summary) serverNotes(cases []*Case, of func(*Case) *Server) {
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
