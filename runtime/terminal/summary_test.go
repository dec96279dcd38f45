package terminal_test

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

// Scenarios that have SLOs of their own are listed by them, not held against others'.
func TestSummaryGoodputOfScenarios(t *testing.T) {
	c := resulttest.LLMCase("mixed", 94, 12)
	c.Goodput = &result.Goodput{Requests: 94, Good: 48, Missed: map[string]int64{"failed": 0, "tpot": 23, "ttft": 23}}
	c.Scenarios = map[string]*result.Scenario{
		"chat":  {Goodput: &result.Goodput{SLO: map[string]float64{"ttft": 500}, Requests: 47, Good: 24, Missed: map[string]int64{"failed": 0, "ttft": 23}}},
		"batch": {Goodput: &result.Goodput{SLO: map[string]float64{"tpot": 50}, Requests: 47, Good: 24, Missed: map[string]int64{"failed": 0, "tpot": 23}}},
		"free":  {},
	}
	var b strings.Builder
	if err := terminal.Summary(&b, resulttest.Run(c), terminal.SummaryOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	want := "\nGoodput\n" +
		"  tpot ≤ 50 ms: missed by 23 of 47 requests (tpot 23) in scenario \"batch\"\n" +
		"  ttft ≤ 500 ms: missed by 23 of 47 requests (ttft 23) in scenario \"chat\"\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("want%s\n%s", want, b.String())
	}
}

// A case that its stopWhen has ended is marked, as one is that was interrupted.
func TestSummaryMarksStopped(t *testing.T) {
	ended := resulttest.LLMCase("rate 16", 320, 166.4189)
	ended.Stopped = &result.Stopped{Metric: "goodput", Expr: "missed>7", Value: 8, After: 12}
	var b strings.Builder
	if err := terminal.Summary(&b, resulttest.Run(ended, resulttest.LLMCase("rate 8", 320, 166.4189)), terminal.SummaryOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "VALID, stopped"); n != 1 {
		t.Errorf("%d cases are marked, want 1:\n%s", n, b.String())
	}
}

// What a service or a script has written does nothing to the terminal.
func TestSummaryIsHarmless(t *testing.T) {
	const clears = "\x1b[2J\x07\r"
	c := resulttest.LLMCase("a"+clears+"b", 94, 12)
	c.Errors = []result.ErrorGroup{{Scope: "request", Kind: "http_status", Status: 500, Count: 3, Message: "over" + clears + "loaded"}}
	c.Thresholds = []result.Threshold{{Metric: "ttft" + clears, Expr: "p(99)<1", Note: clears}}
	c.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "failed_requests", Verdict: result.Suspect, Message: "because" + clears}}}
	var b strings.Builder
	if err := terminal.Summary(&b, resulttest.Run(c), terminal.SummaryOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\r") || !strings.Contains(b.String(), "because") || !strings.Contains(b.String(), "loaded") {
		t.Errorf("%q", b.String())
	}
}

func TestSummary(t *testing.T) {
	dead := resulttest.LLMCase("parallel 4", 0, 1)
	dead.Counts = result.Counts{Scheduled: 4, Started: 4, Completed: 4, Requests: 4, RequestsFailed: 4}
	dead.Metrics = map[string]*result.Metric{"request_failed": {Kind: "rate", N: 4, Rate: new(1.0)}}
	dead.Duration = 0
	dead.Errors = []result.ErrorGroup{{Scope: "request", Kind: "connect", Count: 4, Message: "connect to 127.0.0.1:8000: connection refused"}}
	dead.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{{Rule: "no_completed_requests", Verdict: result.Invalid, Message: "no request completed (4 failed, 0 interrupted): there is nothing to measure"}}}

	part := resulttest.LLMCase("parallel 2", 2, 8)
	part.Counts.Scheduled, part.Interrupted = 60, true
	part.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "interrupted_case", Verdict: result.Suspect, Message: "interrupted: 2 of 60 iterations were played"}}}
	stopped := resulttest.Run(resulttest.LLMCase("parallel 1", 320, 166.4189), part)
	stopped.Interrupted = true

	wide := resulttest.LLMCase("并发数 32，输入长度 2048，输出长度 256，一个很长的名字", 640, 520)
	for name, r := range map[string]*result.Result{
		"troubled": resulttest.Troubled(),
		"one":      resulttest.Run(resulttest.LLMCase("static", 320, 166.4189)),
		"http":     resulttest.Run(resulttest.HTTPCase("constant-vus"), resulttest.IdleCase("no requests at all")),
		"dead":     resulttest.Run(dead),
		"names":    resulttest.Run(wide, resulttest.LLMCase("short", 640, 8.125)),
		"alike": resulttest.Run(resulttest.LLMCase("2048 in, 256 out, rate 0.5, shared prefix of 1024", 640, 520), resulttest.LLMCase("2048 in, 256 out, rate 1.5, shared prefix of 1024", 640, 520),
			resulttest.LLMCase("输入长度两千零四十八，输出长度二百五十六，每秒一个请求", 640, 520)),
		"none":    resulttest.Run(),
		"stopped": stopped,
	} {
		for width, label := range map[int]string{60: "60", 80: "80", 120: "120", 200: "200"} {
			var b strings.Builder
			if err := terminal.Summary(&b, r, terminal.SummaryOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			resulttest.Golden(t, "summary-"+name+"-"+label+".txt", b.String())
			for line := range strings.Lines(b.String()) {
				if n := text.StringWidth(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%s: a line takes %d of %d columns: %s", name, n, width, line)
				}
				if strings.TrimRight(line, " \n") != strings.TrimRight(line, "\n") {
					t.Errorf("%s: blanks at the end of a line: %q", name, line)
				}
			}
		}
	}
}

// The statistics of latencies can be chosen; percentiles of too few samples are marked,
// averages have their confidence where there is room, and the window is told.
func TestSummaryStats(t *testing.T) {
	again := func(n int, verdict result.Verdict) *result.Case {
		c := resulttest.LLMCase("parallel 8", 320, 100+float64(n))
		c.Repeat = n
		c.Validity.Verdict = verdict
		for _, name := range []string{"ttft", "tpot", "e2el"} {
			m := c.Metrics[name]
			m.AvgLow, m.AvgHigh = new(*m.Avg*0.9), new(*m.Avg*1.1)
		}
		c.Metrics["ttft"].Quantile = func(p float64) float64 { return 10 * p }
		c.Windows = map[string]*result.Window{result.WindowAll: {Found: true}, result.WindowSteady: {Found: n == 1}}
		c.Window = result.WindowAll
		c.Thresholds = []result.Threshold{
			{Metric: "ttft", Expr: "p(99)<500", Value: new(100 * float64(n)), OK: true},
			{Metric: "ttft", Expr: "avg<102", Value: new(100 + float64(n)), OK: n < 2},
		}
		return c
	}
	r := resulttest.Run(again(1, result.Valid), again(2, result.Suspect), again(3, result.Invalid))
	r.Thresholds = []result.Threshold{{Metric: "ttft{rate:8}", Expr: "p(99)<500", Note: "no case has these tags"}}
	steady := resulttest.Run(again(1, result.Valid), again(2, result.Valid))
	steady.Cases[0].Window = result.WindowSteady
	stats := func(list string) []result.Stat {
		all, err := result.ParseStats(list)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for name, o := range map[string]terminal.SummaryOptions{
		"default-200":    {Width: 200},
		"default-80":     {Width: 80},
		"chosen-200":     {Width: 200, Stats: stats("p(97),avg,count,p(99.9)")},
		"chosen-80":      {Width: 80, Stats: stats("p(97),avg,count,p(99.9)")},
		"chosen-40":      {Width: 40, Stats: stats("med,max")},
		"in-colours-120": {Width: 120, Colours: true},
	} {
		var b strings.Builder
		for _, r := range []*result.Result{r, steady} {
			if err := terminal.Summary(&b, r, o); err != nil {
				t.Fatal(err)
			}
		}
		resulttest.Golden(t, "summary-stats-"+name+".txt", b.String())
		for line := range strings.Lines(b.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); n > o.Width {
				t.Errorf("%s: a line takes %d columns: %s", name, n, line)
			}
		}
	}
}

// The script's own metrics are marked, too, where there are too few samples, and stand
// below each other.
func TestSummaryCustomMetrics(t *testing.T) {
	f := func(want string, stats string, n int64, names ...string) {
		t.Helper()
		var cases []*result.Case
		for _, name := range names {
			c := resulttest.IdleCase(name)
			c.Metrics["wait"] = &result.Metric{Kind: "distribution", Custom: true, Unit: "ms", N: n, Avg: new(2.5), Min: new(1.0), P50: new(2.0), P90: new(3.0), P99: new(4.0), Max: new(4.0)}
			cases = append(cases, c)
		}
		o := terminal.SummaryOptions{Width: 120}
		if stats != "" {
			all, err := result.ParseStats(stats)
			if err != nil {
				t.Fatal(err)
			}
			o.Stats = all
		}
		var b strings.Builder
		if err := terminal.Summary(&b, resulttest.Run(cases...), o); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "\nCustom metrics\n"+want) {
			t.Errorf("want\n%s\ngot%s", want, b.String())
		}
	}
	f("  wait  avg 2.50, min 1.00, p50 2.00, p90 ~3.00, p99 ~4.00, max 4.00 ms (n 20)\n"+
		"  ~  from fewer samples than it takes to know this percentile with 99 % confidence\n", "", 20, "a")
	f("  a          wait  p99 4.00, max 4.00 ms (n 5000)\n"+
		"  long name  wait  p99 4.00, max 4.00 ms (n 5000)\n", "p(99),count,max", 5000, "a", "long name")
}

// A threshold on a percentile of too few samples is marked, which is explained once, and
// values that kept one have their unit once.
func TestSummaryThresholds(t *testing.T) {
	f := func(want string, found ...result.Threshold) {
		t.Helper()
		var cases []*result.Case
		for i, found := range found {
			found.Metric, found.Expr, found.Unit = "wait", "p(99)<500", "ms"
			c := resulttest.IdleCase(string(rune('a' + i)))
			c.Thresholds = []result.Threshold{found}
			cases = append(cases, c)
		}
		var b strings.Builder
		if err := terminal.Summary(&b, resulttest.Run(cases...), terminal.SummaryOptions{Width: 120}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "\nThresholds\n"+want) {
			t.Errorf("want\n%s\ngot%s", want, b.String())
		}
	}
	const explained = "  ~  from fewer samples than it takes to know this percentile with 99 % confidence\n"
	f("  ✓ wait p(99)<500 — 20 to 96.4 ms\n", result.Threshold{Value: new(96.4), OK: true}, result.Threshold{Value: new(20.0), OK: true})
	f("  ✓ wait p(99)<500 — ~20 to 96.4 ms\n"+explained, result.Threshold{Value: new(96.4), OK: true}, result.Threshold{Value: new(20.0), OK: true, Thin: true})
	f("  ✗ wait p(99)<500 — ~700 ms in case \"b\"\n"+explained, result.Threshold{Value: new(20.0), OK: true}, result.Threshold{Value: new(700.0), Thin: true})
}
