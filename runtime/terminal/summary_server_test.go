package terminal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

// served is a case with what a server's page says of it.
func served(name string, running, ttft float64, change func(*result.Server)) *result.Case {
	c := resulttest.LLMCase(name, 200, ttft)
	p := result.Server{
		URL: "http://10.0.0.1:8000/metrics", Kind: "vllm", Polls: 12,
		Gauges: map[string]result.ValueStat{
			"running":      {N: 12, Avg: running, Max: 2 * running},
			"waiting":      {N: 12, Avg: running / 3, Max: running},
			"kv_cache_pct": {N: 12, Avg: 31, Max: 62.5},
		},
		Requests:    &result.ServerRequests{Finished: new(200.0)},
		PrefixCache: &result.HitRate{Queries: new(1000.0), Hits: new(125.0), Rate: new(0.125)},
		Preemptions: new(0.0),
		Times:       map[string]*result.ServerTime{"ttft": {N: new(200.0), Avg: new(0.9 * ttft), P99: &result.Estimate{Value: 1.8 * ttft, Low: ttft, High: new(2.5 * ttft)}}, "queue": {N: new(200.0), Avg: new(0.3 * ttft)}},
		TTFT: &result.TTFTParts{Client: ttft, Server: new(0.9 * ttft), Queue: new(0.3 * ttft), Prefill: new(0.5 * ttft),
			FrontEnd: new(0.1 * ttft), Rest: new(0.1 * ttft), RestOf: "server"},
	}
	change(&p)
	c.Server = append(c.Server, p)
	return c
}

// The section of servers, at the widths of terminals.
func TestSummaryServer(t *testing.T) {
	same := func(*result.Server) {}
	whole := &result.Result{Script: result.Script{Name: "static"}, Cases: []*result.Case{
		served("1 × 64/32", 1, 50, same),
		served("8 × 64/32", 8, 120, func(p *result.Server) {
			p.Preemptions = new(3.0)
			p.Notes = []string{"the server finished 212 requests, weir saw 200 end: others use the server too, or requests were under way when a page was read"}
		}),
		served("64 × 64/32", 64, 1800, func(p *result.Server) {
			*p = result.Server{URL: p.URL, Kind: "vllm", Gauges: p.Gauges, Restarted: true, Notes: []string{"the server was restarted during the case"}}
		}),
		served("128 × 64/32", 64, 1800, func(p *result.Server) {
			*p = result.Server{URL: p.URL, Error: "just after the case: page of server metrics http://10.0.0.1:8000/metrics: the answer is status 503 Service Unavailable"}
		}),
	}}
	poor := &result.Result{Script: result.Script{Name: "static"}, Cases: []*result.Case{
		served("1 × 64/32", 1, 50, func(p *result.Server) {
			*p = result.Server{URL: p.URL, Kind: "llamacpp", PromptTokens: &result.ServerTokens{Tokens: 7}, Speculative: &result.Speculative{Rate: new(0.6)},
				TTFT: &result.TTFTParts{Client: 50, Prefill: new(20.0), Rest: new(30.0), RestOf: "prefill"}}
		}),
	}}
	none := &result.Result{Script: result.Script{Name: "static"}, Cases: []*result.Case{
		served("1 × 64/32", 1, 50, func(p *result.Server) { *p = result.Server{URL: p.URL, Error: "nobody listens"} }),
	}}
	// Of several pages none is set beside the client, which has asked all of them. All
	// were above the largest bound.
	second := served("1 × 64/32", 2, 70, func(p *result.Server) {
		p.URL, p.TTFT, p.Times["ttft"].P99 = "http://10.0.0.2:8000/metrics", nil, &result.Estimate{Value: 60_000, Low: 60_000}
	})
	two := &result.Result{Script: result.Script{Name: "static"}, Cases: []*result.Case{
		served("1 × 64/32", 1, 50, func(p *result.Server) { p.TTFT = nil }),
	}}
	two.Cases[0].Server = append(two.Cases[0].Server, second.Server...)
	for _, width := range []int{60, 80, 120, 200} {
		var all strings.Builder
		for _, r := range []*result.Result{whole, poor, none, two} {
			var b strings.Builder
			if err := terminal.Summary(&b, r, terminal.SummaryOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			at := strings.Index(b.String(), "\nServer ")
			if at < 0 {
				t.Fatalf("no section of servers in\n%s", b.String())
			}
			all.WriteString(b.String()[at:])
		}
		for _, line := range strings.Split(all.String(), "\n") {
			if text.StringWidth(line) > width {
				t.Errorf("a line is wider than %d columns: %s", width, line)
			}
		}
		resulttest.Golden(t, fmt.Sprintf("summary-server-%d.txt", width), all.String())
	}
}
