package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"weir/runtime/export"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// everything is a run with all that the tables show.
func everything() *result.Result {
	r := resulttest.Troubled()
	a, b, c := r.Cases[0], r.Cases[1], r.Cases[2]
	a.Repeat, a.Tags = 2, map[string]any{"rate": 1e6, "model": "qwen", "cold": true}
	a.Metrics["ttft"].AvgLow, a.Metrics["ttft"].AvgHigh = new(90.0), new(103.0)
	a.Window = result.WindowAll
	a.Windows = map[string]*result.Window{
		"all": {From: 0, To: 12.5, Found: true, Requests: 40},
		"steady": {From: 2, To: 10, Found: true, Requests: 30, Throughput: &result.Throughput{Requests: 3.75},
			Metrics: map[string]*result.Metric{"ttft": resulttest.Distribution("ms", 30, 95)}},
	}
	b.Goodput = &result.Goodput{SLO: map[string]float64{"ttft": 500}, Requests: 327, Good: 300, Share: new(300.0 / 327), PerSecond: 24, OutputTokens: 6144, Missed: map[string]int64{"failed": 7, "ttft": 20}}
	b.Metrics["goodput"] = &result.Metric{Kind: "goodput", N: 327, Rate: b.Goodput.Share, PerSecond: new(24.0), Missed: new(27.0)}
	b.Energy = &result.Energy{Joules: 4000, Watts: 320, Devices: []string{"npu 0"}, PerOutputToken: new(0.0488), Method: "power"}
	b.Windows = map[string]*result.Window{"steady": {Note: "too few requests"}}
	c.Window = result.WindowSteady
	c.Windows = map[string]*result.Window{
		"all": {To: 12.5, Found: true, Requests: 1300, Throughput: &result.Throughput{Requests: 104},
			Metrics: map[string]*result.Metric{"ttft": resulttest.Distribution("ms", 1300, 1500)}},
		"steady": {From: 1, To: 11, Found: true, Requests: 1280},
	}
	c.Scenarios = map[string]*result.Scenario{"chat": {Tags: map[string]any{"kind": "short"}, Started: resulttest.Began, Duration: 5, Metrics: map[string]*result.Metric{"ttft": resulttest.Distribution("ms", 700, 50)}}}
	c.Thresholds = append(c.Thresholds, result.Threshold{Metric: "validity", Expr: "value==VALID", Verdict: result.Valid, OK: true})
	r.Thresholds = []result.Threshold{{Metric: "ttft{rate:9}", Expr: "p(99)<500", Note: "no case has judged it: the run has no rate 9, only 1"}}
	r.Command = []string{"weir", "run", "static", "--host", "`a|b`"}
	return r
}

// hostile has texts that each format would read as its own.
func hostile() *result.Result {
	c := resulttest.LLMCase("=HYPERLINK(\"http://x\",\"a\")|b\n<script>@someone #12 `c` *d* ]]>\x00\xff", 40, 96)
	c.Tags = map[string]any{"=cmd": "+1+1", "n": -1.5, "text": "-1.5", "wide": "＝1"}
	c.Metrics["@sum"] = &result.Metric{Kind: "gauge", Custom: true, N: 1, Unit: "-x", Value: new(-3.0)}
	c.Errors = []result.ErrorGroup{{Scope: "request", Kind: "http_status", Status: 500, Count: 1, Message: strings.Repeat("long </details> ", 100) + "]]>\x1b[31m"}}
	c.Thresholds = []result.Threshold{{Metric: "ttft{a:\"|\"}", Expr: "p(99)<1", Value: new(3.0)}}
	c.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "few_samples", Verdict: result.Suspect, Message: "a | b <i>@someone</i>"}}}
	return resulttest.Run(c)
}

func write(t *testing.T, r *result.Result, by func(*result.Run, string) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	if err := by(&result.Run{Result: r}, path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is written looks like this.
func TestGolden(t *testing.T) {
	resulttest.Golden(t, "everything.csv", strings.ReplaceAll(write(t, everything(), export.CSV), "\r\n", "\n"))
	resulttest.Golden(t, "everything.xml", write(t, everything(), export.JUnit))
	resulttest.Golden(t, "everything.md", write(t, everything(), export.Markdown))
	resulttest.Golden(t, "hostile.xml", write(t, hostile(), export.JUnit))
	resulttest.Golden(t, "hostile.md", write(t, hostile(), export.Markdown))
}

// A row is a case, a window or scenario, and a metric; each has all columns.
func TestCSV(t *testing.T) {
	text := write(t, everything(), export.CSV)
	if !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\r\n") != strings.Count(text, "\n") {
		t.Error("lines do not end as RFC 4180 has it")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := rows[0]
	find := func(where map[string]string, column string) string {
		t.Helper()
		var found []string
		for _, row := range rows[1:] {
			matches := true
			for name, want := range where {
				matches = matches && row[slices.Index(head, name)] == want
			}
			if matches {
				found = append(found, row[slices.Index(head, column)])
			}
		}
		return strings.Join(found, ",")
	}
	f := func(where map[string]string, column, want string) {
		t.Helper()
		if got := find(where, column); got != want {
			t.Errorf("%v: %s is %q, want %q", where, column, got, want)
		}
	}
	ttft := func(n string) map[string]string { return map[string]string{"case": n, "metric": "ttft"} }
	f(ttft("1"), "window", "all,steady")
	f(ttft("1"), "avg", "96.4,95")
	f(ttft("1"), "avg_low", "90,")
	f(ttft("1"), "thin", "p90 p95 p99 p999,p90 p95 p99 p999")
	f(ttft("1"), "started", "2026-03-04T05:06:07Z,2026-03-04T05:06:09Z")
	f(ttft("1"), "duration_s", "12.5,8")
	f(ttft("1"), "tag_rate", "1000000,1000000")
	f(ttft("1"), "tag_cold", "true,true")
	f(ttft("1"), "repeat", "2,2")
	f(ttft("2"), "tag_rate", "")
	f(ttft("2"), "window", "all") // there is no steady one
	f(ttft("3"), "scenario", ",,chat")
	f(ttft("3"), "window", "steady,all,steady")
	f(ttft("3"), "n", "1280,1300,700")
	f(map[string]string{"case": "3", "metric": "tpot"}, "window", "steady")
	f(map[string]string{"case": "3", "metric": "acceptance"}, "window", "all") // the script's own: of the whole case only
	f(map[string]string{"case": "2", "metric": "goodput"}, "missed", "27")
	f(map[string]string{"case": "2", "metric": "energy_per_output_token"}, "value", "0.0488")
	f(map[string]string{"case": "2", "metric": "energy_per_output_token"}, "n", "")
	f(map[string]string{"case": "1", "metric": "throughput_requests"}, "value", "3.2,3.75")
	f(map[string]string{"case": "2", "metric": "energy_per_token"}, "value", "")

	// No cell is a formula, and numbers are numbers.
	text = write(t, hostile(), export.CSV)
	rows, err = csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !utf8.ValidString(text) {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+@") || strings.HasPrefix(cell, "-") && cell != "-1.5" && cell != "-3" || strings.HasPrefix(cell, "＝") {
				t.Errorf("%s: %q", rows[0][i], cell)
			}
		}
	}
	if head = rows[0]; find(map[string]string{"metric": "'@sum"}, "value") != "-3" || find(map[string]string{"metric": "'@sum"}, "tag_=cmd") != "'+1+1" {
		t.Errorf("%q", rows[len(rows)-1])
	}
}

// JUnit is what CIs read: counts are right, texts legal.
func TestJUnit(t *testing.T) {
	f := func(r *result.Result, tests, failures, errors, skipped int) {
		t.Helper()
		text := write(t, r, export.JUnit)
		var got junit.Testsuites
		if err := xml.Unmarshal([]byte(text), &got); err != nil || !utf8.ValidString(text) {
			t.Fatalf("%v", err)
		}
		if got.Tests != tests || got.Failures != failures || got.Errors != errors || got.Skipped != skipped || len(got.Suites) != len(r.Cases)+1 {
			t.Errorf("%d tests, %d failures, %d errors, %d skipped, %d suites", got.Tests, got.Failures, got.Errors, got.Skipped, len(got.Suites))
		}
	}
	f(resulttest.Run(resulttest.LLMCase("a", 2000, 96)), 3, 0, 0, 0)
	f(everything(), 18, 6, 1, 1) // 3 checks without samples, a p99, an INVALID case, one that no case has judged; interrupted; SUSPECT
	f(hostile(), 4, 1, 0, 1)
	refused := resulttest.LLMCase("a", 0, 96)
	refused.Warmup = &result.Warmup{Requests: 4, Failed: 4, Errors: []result.ErrorGroup{{Scope: "request", Kind: "connect", Count: 4, Message: "refused"}}}
	refused.Validity.Verdict = result.Invalid
	f(resulttest.Run(refused), 3, 1, 1, 0)
	ended := resulttest.Run()
	ended.Error = "case 1 of plan is not an object\nat plan"
	f(ended, 1, 0, 1, 0)
}

// A summary fits into a comment, however much there is to say.
func TestMarkdownFits(t *testing.T) {
	var cases []*result.Case
	for i := range 500 {
		c := resulttest.LLMCase(fmt.Sprintf("case %d with a name %s", i, strings.Repeat("测", 100)), 100, 20)
		c.Errors = hostile().Cases[0].Errors
		for j := range 50 {
			c.Thresholds = append(c.Thresholds, result.Threshold{Metric: "ttft", Expr: fmt.Sprintf("p(99)<%d", j), Value: new(20.5)})
			c.Validity.Reasons = append(c.Validity.Reasons, result.Reason{Rule: fmt.Sprint("rule", j), Message: strings.Repeat("why ", 100)})
		}
		cases = append(cases, c)
	}
	r := resulttest.Run(cases...)
	for i := range 1000 {
		r.Params[fmt.Sprint("param", i)] = strings.Repeat("x", 100)
	}
	r.Error = strings.Repeat("why ", 10000)
	text := write(t, r, export.Markdown)
	if len(text) > 65_536 || !utf8.ValidString(text) {
		t.Errorf("%d bytes", len(text))
	}
	for _, want := range []string{"which do not fit here", "**Thresholds**", "**Validity**", "<details><summary>Environment</summary>", "p(99)&lt;0"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if open, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); open != closed || open != 3 {
		t.Errorf("%d details are opened, %d closed", open, closed)
	}
	if empty := write(t, resulttest.Run(), export.Markdown); !strings.Contains(empty, "No case was played") {
		t.Errorf("%s", empty)
	}
}

// Nothing of a text is markup, an HTML element, or somebody's name.
func TestMarkdownEscapes(t *testing.T) {
	text := write(t, hostile(), export.Markdown)
	for _, bad := range []string{"<script>", "<i>", "@someone", "#12", "</details> long", "\x1b", "\x00"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in it", bad)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "| ") && strings.Contains(line, "SUSPECT") {
			if bars := strings.Count(line, "|") - strings.Count(line, `\|`); bars != 12 {
				t.Errorf("%d bars: %s", bars, line)
			}
		}
	}
	if bytes.Contains([]byte(text), []byte("\r")) {
		t.Error("a carriage return is in it")
	}
}

// Whatever a result.json says, it is refused or can be written.
func FuzzExports(f *testing.F) {
	for _, r := range []*result.Result{everything(), hostile(), resulttest.Run()} {
		text, err := r.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"schema":1,"cases":[null]}`))
	f.Add([]byte(`{"schema":1,"cases":[{"metrics":{"ttft":null},"windows":{"steady":null},"scenarios":{"a":null}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, result.FileName), text, 0o644); err != nil {
			t.Fatal(err)
		}
		run, err := result.Open(dir)
		if err != nil {
			return
		}
		for _, by := range []func(*result.Run, string) error{export.CSV, export.JUnit, export.Markdown} {
			out := write(t, run.Result, by)
			if !utf8.ValidString(out) {
				t.Errorf("%q", out)
			}
		}
		if md := write(t, run.Result, export.Markdown); len(md) > 65_536 {
			t.Errorf("%d bytes", len(md))
		}
		var suites junit.Testsuites
		if err := xml.Unmarshal([]byte(write(t, run.Result, export.JUnit)), &suites); err != nil {
			t.Error(err)
		}
		if _, err := csv.NewReader(strings.NewReader(write(t, run.Result, export.CSV))).ReadAll(); err != nil {
			t.Error(err)
		}
	})
}

// A folder or file that is not there is an error that names it.
func TestUnwritable(t *testing.T) {
	for _, by := range []func(*result.Run, string) error{export.CSV, export.JUnit, export.Markdown} {
		path := filepath.Join(t.TempDir(), "none", "out")
		if err := by(&result.Run{Result: resulttest.Run()}, path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
}
