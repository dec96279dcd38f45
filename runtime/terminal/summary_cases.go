package terminal

import (
	"strconv"

	"weir/runtime/result"
)

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

// cases writes a table for each family of cases.
func (s *summary) cases(cases []*result.Case) {
	of := map[result.Family][]*result.Case{}
	for _, c := range cases {
		for _, family := range c.Families() {
			of[family] = append(of[family], c)
		}
	}
	s.table(of[result.Generations], s.withStats(llmColumns, llmLatencies))
	s.table(of[result.Pooling], s.withStats(poolingColumns, poolingLatencies))
	s.table(of[result.PlainHTTP], s.withStats(httpColumns, httpLatencies))
	s.table(of[result.Idle], idleColumns)
}

func goodPerSecond(c *result.Case) float64 {
	if c.Goodput == nil {
		return 0
	}
	return c.Goodput.PerSecond
}
