package jinja_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"weir/modules/tokenizer/jinja"
)

// variables makes those of a template from a JSON object.
func variables(t testing.TB, data []byte) map[string]any {
	t.Helper()
	v, err := jinja.FromJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return maps.Collect(v.(*jinja.Dict).All())
}

func render(source string, vars map[string]any) (string, error) {
	template, err := jinja.Parse("a.jinja", source)
	if err != nil {
		return "", err
	}
	return template.Render(context.Background(), vars)
}

// golden.json is what Python's Jinja2 says, set up by transformers; it is written
// by testdata/real-tokenizers/golden.py.
func TestAsJinja2(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Variables json.RawMessage
		Cases     []struct {
			Template string
			Want     *string
			Error    string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 150 {
		t.Fatalf("%d cases, want more", len(golden.Cases))
	}
	vars := variables(t, golden.Variables)
	for _, c := range golden.Cases {
		got, err := render(c.Template, vars)
		if c.Want == nil {
			if err == nil {
				t.Errorf("%q gives %q, want an error: %s", c.Template, got, c.Error)
			}
			continue
		}
		if err != nil || got != *c.Want {
			t.Errorf("%q:\n got %q, %v\nwant %q", c.Template, got, err, *c.Want)
		}
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	vars := variables(t, []byte(`{"m": [{"role": "user"}], "n": null, "s": "x"}`))
	f := func(source, want string) {
		t.Helper()
		_, err := render(source, vars)
		var place *jinja.Error
		if !errors.As(err, &place) || err.Error() != want {
			t.Errorf("%q: error %v, want %s", source, err, want)
		}
	}
	// while it is parsed
	f("a\n{% if s %}\nb", "a.jinja:3: Unexpected end of template. Jinja was looking for one of these tags: 'elif' or 'else' or 'endif'")
	f("a\n\n{% endfor %}", "a.jinja:3: Encountered unknown tag 'endfor'.")
	f("{{ a b }}", "a.jinja:1: expected token 'end of print statement', got 'b'")
	f("{# x", "a.jinja:1: Missing end of comment tag")
	f("\n{{ 'x }}", "a.jinja:2: a string is not closed: 'x }}")
	f("{% include 'other' %}", "a.jinja:1: {% include %} needs another template: a chat template is one file")
	f("{% break %}", "a.jinja:1: break outside of a loop")
	f("{{ (1] }}", "a.jinja:1: unexpected ']', expected ')'")
	// while it is rendered
	f("a\n{{ raise_exception('Only user and\nassistant') }}", "a.jinja:2: Only user and\nassistant")
	f("\n\n{{ s + 1 }}", `a.jinja:3: can only concatenate str (not "int") to str`)
	f("{% for x in m %}\n{{ x.content.parts }}{% endfor %}", "a.jinja:2: 'dict object' has no attribute 'content'")
	f("{{ missing.x }}", "a.jinja:1: 'missing' is undefined")
	f("{{ s|nothing }}", "a.jinja:1: No filter named 'nothing'.")
	f("{{ m.append(1) }}", "a.jinja:1: access to attribute 'append' of 'list' object is unsafe.")
	f("{% macro f(a) %}\n{{ a.x.y }}{% endmacro %}\n\n{{ f(s) }}", "a.jinja:2: 'str object' has no attribute 'x'")
}

// Whatever a template does, rendering it ends soon and in bounded memory.
func TestEndsAlways(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if _, err := render(source, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want one with %q", source, err, want)
		}
	}
	f("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "maximum recursion depth exceeded")
	f("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "maximum recursion depth exceeded")
	f("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps")
	f("{% for a in range(99999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "more than")
	f("{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "more than 67108864 bytes")
	f("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "steps")
	f("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "more than")
	f("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x|list }}", "steps")
	f("{% set ns = namespace(x=[1]) %}{% for i in range(9000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}", "maximum recursion depth exceeded")
	f("{{ 'a' * 10000000000 }}", "more than")
	f("{{ [1] * 10000000000 }}", "more than")
	f("{{ 'a'|center(10000000000) }}", "more than")
	f("{{ 'a\nb'|indent(10000000000) }}", "more than")
	f("{{ '%99999999d' % 1 }}", "more than 10000")
	f("{{ [1]|tojson(indent=1000000000) }}", "more than")
	f("{{ ('a' * 60000)|replace('a', 'b' * 60000) }}", "more than")
	f("{{ ('a' * 60000)|list|join('b' * 60000) }}", "more than")
	f("{{ 9 ** 99999999 }}", "too large")
	f("{{ range(100001) }}", "Range too big")
	f("{{ "+strings.Repeat("(", 100000)+"1"+strings.Repeat(")", 100000)+" }}", "nested more than")
	f(strings.Repeat("{% if 1 %}", 10000), "nested more than")
	f("{{ "+strings.Repeat("-", 100000)+"1 }}", "nested more than")
	f("{{ "+strings.Repeat("not ", 100000)+"1 }}", "nested more than")
	f("{{ 1"+strings.Repeat(" + 1", 100000)+" }}", "maximum recursion depth exceeded")
	f(strings.Repeat(" ", 5<<20), "more than 4194304")
}

func TestContextEndsRendering(t *testing.T) {
	template, err := jinja.Parse("a.jinja", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := template.Render(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestStrftimeNow(t *testing.T) {
	before := time.Now().Format("02 Jan 2006")
	got, err := render("{{ strftime_now('%d %b %Y') }}", nil)
	if after := time.Now().Format("02 Jan 2006"); err != nil || got != before && got != after {
		t.Errorf("strftime_now gives %q, %v, want %q", got, err, after)
	}
	if got, err := render("{{ strftime_now('%% %Q %n%Z|') }}", nil); err != nil || got != "% %Q \n|" {
		t.Errorf("strftime_now gives %q, %v", got, err)
	}
}

// A value of Go becomes one of Python.
func TestFrom(t *testing.T) {
	v, err := jinja.From(map[string]any{"b": []any{1, int64(2), 2.0, json.Number("12345678901234567890"), nil, true}, "a": []map[string]any{{"x": "y\xff"}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := render("{{ v }}|{{ v|tojson }}", map[string]any{"v": v})
	want := "{'a': [{'x': 'y\uFFFD'}], 'b': [1, 2, 2.0, 12345678901234567890, None, True]}|" +
		"{\"a\": [{\"x\": \"y\uFFFD\"}], \"b\": [1, 2, 2.0, 12345678901234567890, null, true]}"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := jinja.From(map[string]any{"a": []any{make(chan int)}}); err == nil || !strings.Contains(err.Error(), "a: item 0: a value of Go type chan int") {
		t.Errorf("a channel: error %v", err)
	}
	for _, broken := range []string{"", "{", `{"a": }`, "1 2", `[1`} {
		if v, err := jinja.FromJSON([]byte(broken)); err == nil {
			t.Errorf("FromJSON(%q) = %v, want an error", broken, v)
		}
	}
}

// No template, however broken, panics, hangs or fills the memory; and its text is
// valid UTF-8.
func FuzzRender(f *testing.F) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		f.Fatal(err)
	}
	var golden struct {
		Variables json.RawMessage
		Cases     []struct{ Template string }
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		f.Fatal(err)
	}
	for _, c := range golden.Cases {
		f.Add(c.Template)
	}
	vars := variables(f, golden.Variables)
	f.Fuzz(func(t *testing.T, source string) {
		template, err := jinja.Parse("a.jinja", source)
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			var text string
			text, err = template.Render(ctx, vars)
			if strings.ToValidUTF8(text, "") != text {
				t.Errorf("%q gives invalid UTF-8: %q", source, text)
			}
		}
		var place *jinja.Error
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && (!errors.As(err, &place) || place.Line < 0) {
			t.Errorf("%q: error %v without a place", source, err)
		}
	})
}
