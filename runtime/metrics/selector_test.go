package metrics_test

import (
	"slices"
	"strings"
	"testing"

	"weir/runtime/metrics"
)

func TestParseSelector(t *testing.T) {
	f := func(text, canonical, metric string, tags ...string) {
		t.Helper()
		s, err := metrics.ParseSelector(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		var got []string
		for _, tag := range s.Tags {
			got = append(got, tag.Name, tag.Value)
		}
		if s.Metric != metric || !slices.Equal(got, tags) || s.String() != canonical {
			t.Errorf("%s: %q %q, written %s", text, s.Metric, got, s)
		}
	}
	f("ttft", "ttft", "ttft")
	f(" ttft ", "ttft", "ttft")
	f("ttft{rate:8}", "ttft{rate:8}", "ttft", "rate", "8")
	f("ttft { rate : 8 , model: qwen }", "ttft{rate:8,model:qwen}", "ttft", "rate", "8", "model", "qwen")
	f(`ttft{"rate":'8'}`, "ttft{rate:8}", "ttft", "rate", "8")
	// A value may have colons and blanks: only the first colon ends the name.
	f("http_req_duration{url:http://a:80/b}", "http_req_duration{url:http://a:80/b}", "http_req_duration", "url", "http://a:80/b")
	f("ttft{group:::login page}", "ttft{group:::login page}", "ttft", "group", "::login page")
	f(`ttft{name:it's "it"}`, `ttft{name:it's "it"}`, "ttft", "name", `it's "it"`)
	// Quotation marks keep what would end it.
	f(`ttft{case:"a, b}",x:' y '}`, `ttft{case:"a, b}",x:" y "}`, "ttft", "case", "a, b}", "x", " y ")
	f(`ttft{case:'say "a, b"'}`, `ttft{case:'say "a, b"'}`, "ttft", "case", `say "a, b"`)
	f(`ttft{"a:b":c}`, `ttft{"a:b":c}`, "ttft", "a:b", "c")
	f(`ttft{empty:""}`, `ttft{empty:""}`, "ttft", "empty", "")
}

func TestParseSelectorErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if s, err := metrics.ParseSelector(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write it as") {
			t.Errorf("%s: %v, %v; want an error with %q", text, s, err, want)
		}
	}
	f("", "no name of a metric")
	f("{rate:8}", "no name of a metric")
	f("ttft{rate:8", "no } at the end")
	f("ttft}", "a } without a {")
	f("ttft:p(99)<500", "has no colon")
	f("ttft{}", "lacks its name or its value")
	f("ttft{rate}", `the tag "rate" has no value`)
	f("ttft{rate:}", "lacks its name or its value")
	f("ttft{:8}", "lacks its name or its value")
	f("ttft{rate:8,}", "lacks its name or its value")
	f("ttft{rate:8,rate:9}", `the tag "rate" is there twice`)
	f("ttft{rate:8}p", `"p" behind the }`)
	f(`ttft{rate:"8}`, "not closed")
	f(`ttft{rate:"8"9}`, `"9" follows a quotation mark`)
}

func TestParseLimit(t *testing.T) {
	f := func(text, on, expr string) {
		t.Helper()
		s, e, err := metrics.ParseLimit(text)
		if err != nil || s.String() != on || e != expr {
			t.Errorf("%s: %s %s, %v", text, s, e, err)
		}
	}
	f("ttft:p(99)<500", "ttft", "p(99)<500")
	f(" ttft : p(99) < 500 ", "ttft", "p(99) < 500")
	f("ttft{rate:8}:p(99)<500", "ttft{rate:8}", "p(99)<500")
	f(`ttft{url:http://a,b:"}:"} : med<1`, `ttft{url:http://a,b:"}:"}`, "med<1")

	bad := func(text, want string) {
		t.Helper()
		if _, _, err := metrics.ParseLimit(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want an error with %q", text, err, want)
		}
	}
	bad("ttft", "no colon between")
	bad("ttft{rate:8}", "no colon between")
	bad("ttft{rate:8} p(99)<500", "no colon between")
	bad("ttft{rate:8:p(99)<500", "no } at the end")
	bad(":p(99)<500", "no name of a metric")
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"ttft", "ttft{rate:8}", `a{b:"c, d", 'e':f}`, "a{b::c}", `a{b:"`, "a{b:c}:p(99)<1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := metrics.ParseSelector(text)
		if err != nil {
			return
		}
		again, err := metrics.ParseSelector(s.String())
		if err != nil || again.Metric != s.Metric || !slices.Equal(again.Tags, s.Tags) {
			t.Fatalf("%q is %v, and that is %v, %v", text, s, again, err)
		}
		limited, expr, err := metrics.ParseLimit(s.String() + ":p(99)<1")
		if err != nil || limited.String() != s.String() || expr != "p(99)<1" {
			t.Fatalf("%q with a limit is %v %q, %v", text, limited, expr, err)
		}
	})
}
