package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// page is the report of a result without files of requests.
func page(t testing.TB, r *result.Result, l Lang) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, &result.Run{Dir: t.TempDir(), Result: r}, Options{Lang: l}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// texts are what a page says: its texts, without those of the style and the script.
func texts(t testing.TB, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			all.WriteString(strings.Join(strings.Fields(n.Data), " ") + "\n")
		}
	}
	return all.String()
}

// Whatever a run was, its page is whole in both languages: nothing that templates leave
// where a value or a text is missing.
func TestPages(t *testing.T) {
	f := func(name string, r *result.Result, want ...string) {
		t.Helper()
		for _, l := range []Lang{English, Chinese} {
			t.Run(name+" "+string(l), func(t *testing.T) {
				p := page(t, r, l)
				for _, wrong := range []string{"<no value>", "%!", "ZgotmplZ", "<nil>", "NaN"} {
					if strings.Contains(texts(t, p), wrong) {
						t.Errorf("there is %q in the page", wrong)
					}
				}
				if !strings.Contains(p, `<html lang="`+l.Tag()+`">`) {
					t.Error("the page does not say its language")
				}
				for _, w := range want {
					if !strings.Contains(texts(t, p), w) {
						t.Errorf("%q is not in the page", w)
					}
				}
			})
		}
	}
	f("one case", resulttest.Run(resulttest.LLMCase("8 parallel", 700, 120)), "8 parallel", "ttft", "VALID")
	f("plain requests", resulttest.Run(resulttest.HTTPCase("pages")), "http_req_duration")
	f("no requests", resulttest.Run(resulttest.IdleCase("waits")), "waits")
	f("all families", resulttest.Run(resulttest.LLMCase("a", 10, 1), resulttest.HTTPCase("b"), resulttest.IdleCase("c")), "a", "b", "c")
	f("troubled", resulttest.Troubled(), "INVALID")
	f("no cases", resulttest.Run())
	f("nothing", &result.Result{})
	f("an empty case", &result.Result{Cases: []*result.Case{{}}})
}

// The overview says which cases its numbers leave out, what they are of, and whose a
// reason is.
func TestOverviewNotes(t *testing.T) {
	late := result.Reason{Rule: "start_lag", Verdict: result.Invalid, Message: "late by 7 ms"}
	f := func(want string, cases ...string) {
		t.Helper()
		var all []*result.Case
		for _, name := range cases {
			c := resulttest.LLMCase(name, 700, 120)
			c.Window = result.WindowAll
			if strings.Contains(name, "steady") {
				c.Window = result.WindowSteady
			}
			if strings.Contains(name, "late") {
				c.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{late}}
			}
			all = append(all, c)
		}
		v := newView(&result.Run{Dir: t.TempDir(), Result: resulttest.Run(all...)}, &Data{}, English)
		got := []string{v.KeyNote, v.Window}
		for _, r := range v.Reasons {
			of := r.Message + " " + r.Of.Name
			for _, other := range r.Others {
				of += ", " + other.Name
			}
			if r.All {
				of += " all"
			}
			got = append(got, of)
		}
		if got := strings.Join(got, "|"); got != want {
			t.Errorf("%q: got %q, want %q", cases, got, want)
		}
	}
	f("|", "a")
	f("||late by 7 ms ", "late")
	f("The best of the cases that are not INVALID; INVALID are 1 of 2.||late by 7 ms late b", "a", "late b")
	f("The best of the cases that are not INVALID; INVALID are 2 of 3.|"+
		"Latencies, rates and goodput are those of the steady state, without warming up and draining, in 1 of 3 cases; counts of requests are of the whole.|late by 7 ms late a, late c",
		"late a", "b steady", "late c")
	f("All cases are INVALID: none is put forward as the best.||late by 7 ms late a, late b all", "late a", "late b")
}

// What is absent is not shown as 0, and what the sample is too small for is marked.
func TestStatistics(t *testing.T) {
	few := resulttest.LLMCase("few", 100, 120)
	few.Metrics["ttft"].AvgLow, few.Metrics["ttft"].AvgHigh = new(110.0), new(125.0)
	few.Metrics["e2el"].P99 = nil
	p := page(t, resulttest.Run(few), English)
	text := texts(t, p)
	for _, want := range []string{
		"± 10",  // of the mean of ttft, the farther end
		"156\n", // its p90, for which 100 samples are enough
		"~240",  // its p99, for which they are not
		"E2EL", absent + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if got := strings.Count(p, "rom fewer samples than it takes to know this percentile with 99 % confidence"); got != 2 {
		t.Errorf("%d places say why p99 is marked, not the tables' note and the glossary", got)
	}
}

// Everything that comes from outside is text.
func TestEscaped(t *testing.T) {
	const evil = `</title></script><script>alert("1")</script><img src=x onerror=alert(1)>'"&amp;{{.}}`
	c := resulttest.LLMCase(evil, 700, 120)
	c.Tags = map[string]any{evil: evil}
	c.Metrics[evil] = &result.Metric{Kind: "counter", Custom: true, Unit: evil, Sum: new(1.0)}
	c.Errors = []result.ErrorGroup{{Scope: "request", Kind: evil, Count: 1, Message: evil}}
	c.Checks = []result.Check{{Name: evil, Fails: 1}}
	c.Thresholds = []result.Threshold{{Metric: evil, Expr: evil, Note: evil}}
	c.Validity.Reasons = []result.Reason{{Rule: evil, Verdict: result.Suspect, Message: evil}}
	c.Server = []result.Server{{URL: evil, Kind: evil, Notes: []string{evil}, Gauges: map[string]result.ValueStat{evil: {}}}}
	r := resulttest.Run(c)
	r.Script.Name, r.Error, r.Command = evil, evil, []string{"weir", "run", evil}
	r.Params = map[string]any{evil: evil, "list": []any{evil, evil}}
	r.Services = []result.Service{{URL: "javascript:" + evil, Name: evil, Models: []result.ServiceModel{{Name: evil}}}}
	r.Doctor = []result.Finding{{Check: evil, Status: evil, What: evil, Why: evil, Do: evil}}
	r.Files = []result.File{{Kind: evil, Path: evil, Note: evil}}
	p := page(t, r, English)
	doc, err := html.Parse(strings.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script":
			scripts++
		case "img", "iframe", "object", "embed", "form", "base":
			t.Errorf("there is a <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has %s", n.Data, a.Key)
			}
			if (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
				t.Errorf("<%s> leads to %s", n.Data, a.Val)
			}
		}
	}
	if scripts != 1 {
		t.Errorf("%d scripts, want the page's own", scripts)
	}
	if n := strings.Count(texts(t, p), evil); n < 20 {
		t.Errorf("the names are shown %d times, want all of them", n)
	}
}

// An INVALID case is never the best one, and of one case its own numbers are shown.
func TestKeyFigures(t *testing.T) {
	fast, right := resulttest.LLMCase("fast", 700, 10), resulttest.LLMCase("right", 700, 50)
	fast.Validity.Verdict = result.Invalid
	f := func(label, value, note string, cases ...*result.Case) {
		t.Helper()
		for _, k := range keyFigures(resulttest.Run(cases...), English) {
			if k.Label == label {
				if k.Value != value || k.Note != note {
					t.Errorf("%s is %s (%s), want %s (%s)", label, k.Value, k.Note, value, note)
				}
				return
			}
		}
		t.Errorf("there is no %q", label)
	}
	f("Lowest median TTFT", "47.50", "right", fast, right)
	f("TTFT, median", "9.500", "", fast)
	f("Failed requests", "0", "of 1,400", fast, right)
}

func TestFacts(t *testing.T) {
	type inner struct {
		Bytes int64    `json:"memory_bytes"`
		Names []string `json:"names,omitempty"`
	}
	got := facts(struct {
		B     bool           `json:"b"`
		None  *int           `json:"none"`
		Empty string         `json:"empty"`
		Inner inner          `json:"inner"`
		Map   map[string]any `json:"map"`
		Many  []inner        `json:"many"`
		Last  float64        `json:"last"`
	}{Inner: inner{1536 << 20, []string{"x", "y"}}, Map: map[string]any{"k.l": []any{1, 2}}, Many: []inner{{1, nil}, {2048, nil}}, Last: 0.5})
	var lines []string
	for _, f := range got {
		lines = append(lines, f.Name+"="+f.Value)
	}
	want := []string{"b=false", "inner.memory_bytes=1.5 GiB", "inner.names=x, y", "map.k.l=1, 2",
		"many.0.memory_bytes=1 B", "many.1.memory_bytes=2.0 KiB", "last=0.5"}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", lines, want)
	}
}

func TestNumbers(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(number(0), "0")
	f(number(1.23456), "1.235")
	f(number(12.3456), "12.35")
	f(number(123.456), "123.5")
	f(number(1234.56), "1,235")
	f(number(-1234567), "-1,234,567")
	f(number(0.00012345), "0.000123")
	f(number(nan()), absent)
	f(value(nil), absent)
	f(span(1500*time.Millisecond), "1.500 s")
	f(span(125*time.Second), "2 min 5 s")
	f(span(3720*time.Second), "1 h 2 min")
	f(span(-time.Second), "0 s")
	f(seconds(nan()), absent)
	f(seconds(1e300), absent)
	f(size(512), "512 B")
	f(size(16<<30), "16.0 GiB")
	f(percent(0.995), "99.5 %")
}

// Whoever wrote a result, its page is made without a panic.
func FuzzWrite(f *testing.F) {
	for _, r := range []*result.Result{resulttest.Troubled(), resulttest.Run(resulttest.LLMCase("a", 10, 1), resulttest.HTTPCase("b"))} {
		data, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema":1,"cases":[{"metrics":{"ttft":{"kind":"distribution","n":-1,"avg":1e308,"avg_low":-1e308,"avg_high":1e308}},"duration_s":-1e300,"counts":{"requests":9223372036854775807}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, result.FileName), data, 0o644); err != nil {
			t.Fatal(err)
		}
		run, err := result.Open(dir)
		if err != nil {
			return
		}
		var out strings.Builder
		if err := Write(&out, run, Options{Lang: Chinese}); err != nil {
			t.Fatal(err)
		}
	})
}
