package chattemplate_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/modules/tokenizer/chattemplate"
)

func render(source string, variables any) (string, error) {
	template, err := chattemplate.Parse("a.jinja", source)
	if err != nil {
		return "", err
	}
	return template.Render(context.Background(), variables)
}

// golden is what Python's Jinja2 says, set up by transformers; it is written by
// testdata/real-tokenizers/golden.py.
type golden struct {
	Variables json.RawMessage
	Cases     []struct {
		Template string
		Want     *string
		Error    string
	}
}

func readGolden(t testing.TB) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) < 150 {
		t.Fatalf("%d cases, want more", len(g.Cases))
	}
	return g
}

func TestAsJinja2(t *testing.T) {
	g := readGolden(t)
	for _, c := range g.Cases {
		got, err := render(c.Template, g.Variables)
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

// What is not as in Jinja2. None of the real templates that were looked at has
// these, but for |safe: that of functionary 3.1 with tools.
func TestDiffers(t *testing.T) {
	f := func(source, jinja2, ours string) {
		t.Helper()
		got, err := render(source, json.RawMessage(`{"s": "Hello", "n": null}`))
		if err != nil {
			got = err.Error()
		}
		if ours == jinja2 || got != ours {
			t.Errorf("%q: %q, want %q (Jinja2: %q)", source, got, ours, jinja2)
		}
	}
	// another text
	f("{{ (1, 2) }}|{{ {'a': 1}.items()|list }}", "(1, 2)|[('a', 1)]", "[1, 2]|[['a', 1]]")
	f("{{ '<'|safe + '<' }}", "<&lt;", "<<")
	f("{% for x in n %}{% endfor %}", "'NoneType' object is not iterable", "")
	f("{{ 1 < 'a' }}", "'<' not supported between instances of 'int' and 'str'", "True")
	f("{{ 1/0 }}", "division by zero", "inf")
	f("{{ 7 // -2 }}|{{ 7 % -3 }}|{{ -5.5 % 2 }}", "-4|-2|0.5", "-3|1|-1.5")
	f("{{ 2.5|round }}", "2.0", "3.0")
	f("{{ 'a\n'|indent(2) }}.", "a\n.", "a.")
	f("{{ ''.isdigit() }}{{ 'a1'.islower() }}", "FalseTrue", "TrueFalse")
	f("{{ \"o'neill\"|title }}", "O'neill", "O'Neill")
	f("{{ '' ~ 1e-7 }}", "1e-07", "0.0000001")
	f("{{ 'x'.join([1]) }}", "sequence item 0: expected str instance, int found", "1")
	f("{% raw %}\nx{% endraw %}", "\nx", "x")
	f("{% set y %}{% set s = 4 %}{% endset %}{{ s }}", "Hello", "4")
	// an error
	f("{{ '%s' % s }}", "Hello", "a.jinja:1: tried to use % operator on unsupported types string and string")
	f("{{ 'x'|int }}", "0", "a.jinja:1: invalid float literal")
	f("{{ s.rsplit('l') }}", "['He', '', 'o']", "a.jinja:1: unknown method: string has no method named rsplit")
	f("{{ s.find('l', 3) }}", "3", "a.jinja:1: too many arguments: .find('l', 3)")
	f("{{ s|wordcount }}", "1", "a.jinja:1: unknown filter: filter wordcount is unknown")
	f("{{ s is callable }}", "False", "a.jinja:1: unknown test: test callable is unknown")
	f("{{ [1]|tojson(true) }}", "[1]", "a.jinja:1: too many arguments: tojson(true)")
	f("{{ cycler(1) }}", "<jinja2.utils.Cycler object>", "a.jinja:1: unknown function: cycler is unknown")
	f("{{ +1 }}", "1", "a.jinja:1: syntax error: unexpected `+`")
}

func TestErrorsNameTheirPlace(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		_, err := render(source, json.RawMessage(`{"m": [{"role": "user"}], "n": null, "s": "x"}`))
		var place *chattemplate.Error
		if !errors.As(err, &place) || err.Error() != want {
			t.Errorf("%.100q: error %v, want %s", source, err, want)
		}
	}
	// while it is parsed
	f("a\n{% if s %}\nb", "a.jinja:3: syntax error: unexpected end of input, expected end of block")
	f("a\n\n{% endfor %}", "a.jinja:3: syntax error: unknown statement endfor")
	f("a\r\nb\r{{ a b }}", "a.jinja:3: syntax error: unexpected identifier, expected end of variable block")
	f("\n{% generation %}", "a.jinja:2: syntax error: unexpected end of input, expected end of block")
	f(strings.Repeat(" ", 5<<20), "a.jinja: the template has 5242880 bytes, more than 4194304")
	// while it is rendered
	f("a\n{{ raise_exception('Only user and\nassistant') }}", "a.jinja:2: Only user and\nassistant")
	f("\n\n{{ s + 1 }}", "a.jinja:3: tried to use + operator on unsupported types string and number")
	f("{% for x in m %}\n{{ x.content.parts }}{% endfor %}", "a.jinja:2: undefined value: .content.parts")
	f("{{ missing.x }}", "a.jinja:1: undefined value: missing.x")
	f("{{ s|nothing }}", "a.jinja:1: unknown filter: filter nothing is unknown")
	f("{{ missing|tojson }}", "a.jinja:1: an object of type undefined is not JSON serializable")
	f("{% include 'other' %}", `a.jinja:1: template not found: tried to include non-existing template "other"`)
	f("{% macro f(a) %}\n{{ a.x.y }}{% endmacro %}\n\n{{ f(s) }}", "a.jinja:2: undefined value: .x.y")
}

// A template that does not end by itself is ended.
func TestLimits(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if _, err := render(source, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want one with %q", source, err, want)
		}
	}
	f("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion limit exceeded")
	f("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recursion limit exceeded")
	f("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "does it have an endless loop?")
	f("{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}", "it makes a text of more than 67108864 bytes")
	nested := "{% set ns = namespace(x=[1]) %}{% for i in range(LOOPS) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}"
	f(strings.Replace(nested, "LOOPS", "1000", 1), "more than 300 lists and dicts are in each other")
	f(strings.Replace(nested, "range(LOOPS)", "range(99999)|list * 99", 1), "does it have an endless loop?")
	f("{{ range(100001) }}", "range has too many elements")
	f("{{ 'a' * 10000000000 }}", "repeated string is too large")
	f("{{ "+strings.Repeat("(", 100000)+"1"+strings.Repeat(")", 100000)+" }}", "template exceeds maximum recursion limits")
	f(strings.Repeat("{% if 1 %}", 10000), "template exceeds maximum recursion limits")
}

func TestContextEndsRendering(t *testing.T) {
	template, err := chattemplate.Parse("a.jinja", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
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
	if got, err := render("{{ strftime_now('%% %n%Z|') }}", nil); err != nil || got != "% \n|" {
		t.Errorf("strftime_now gives %q, %v", got, err)
	}
}

// The variables keep their order and their numbers, whatever is in a text.
func TestVariables(t *testing.T) {
	f := func(variables any, want string) {
		t.Helper()
		if got, err := render("{{ v }}|{{ v|tojson }}", map[string]any{"v": variables}); err != nil || got != want {
			t.Errorf("%v: got %q, %v, want %q", variables, got, err, want)
		}
	}
	f(json.RawMessage(`{"b": 1, "a": [true, null]}`), `{'b': 1, 'a': [True, None]}|{"b": 1, "a": [true, null]}`)
	f(json.RawMessage(`[1.0, 1e400, 0.30000000000000004, 2.7715077941825975e-163, 1E5]`),
		"[1.0, inf, 0.30000000000000004, 2.7715077941825975e-163, 100000.0]|[1.0, Infinity, 0.30000000000000004, 2.7715077941825975e-163, 100000.0]")
	f(json.RawMessage(`[9223372036854775808, -123456789012345678901234567890]`),
		"[9223372036854775808, -123456789012345678901234567890]|[9223372036854775808, -123456789012345678901234567890]")
	f(map[string]any{"x": "y\xff\x00z<&>"}, "{'x': 'y\uFFFD\\x00z<&>'}|{\"x\": \"y\uFFFD\\u0000z<&>\"}")
	f(json.RawMessage(`["\ud83d\ude00 \ud83d \uDE00 \\ud83d"]`), "['😀 \uFFFD \uFFFD \\\\ud83d']|[\"😀 \uFFFD \uFFFD \\\\ud83d\"]")
	f(json.RawMessage("[\"\xff\"]"), "['\uFFFD']|[\"\uFFFD\"]")
	if got, err := render("a\x00{{ v }}", map[string]any{"v": "b\x00c"}); err != nil || got != "a\x00b\x00c" {
		t.Errorf("NUL: %q, %v", got, err)
	}
	for _, broken := range []any{json.RawMessage(`{"a": }`), map[string]any{"v": make(chan int)}, map[string]any{"v": json.RawMessage(strings.Repeat("[", 20000) + strings.Repeat("]", 20000))}} {
		if got, err := render("{{ v }}", broken); err == nil || !strings.Contains(err.Error(), "a.jinja: ") {
			t.Errorf("variables %.100v: %q, %v, want an error", broken, got, err)
		}
	}
}

func TestManyGoroutinesRenderOneTemplate(t *testing.T) {
	template, err := chattemplate.Parse("a.jinja", "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m %}{% endfor %}{{ ns.n }}")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := template.Render(context.Background(), map[string]any{"messages": []int{1, 2, 3}})
			if got != "6" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
}

// No template, however broken, ends the process or hangs; and its text is valid UTF-8.
func FuzzRender(f *testing.F) {
	g := readGolden(f)
	for _, c := range g.Cases {
		f.Add(c.Template)
	}
	f.Fuzz(func(t *testing.T, source string) {
		template, err := chattemplate.Parse("a.jinja", source)
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			var text string
			text, err = template.Render(ctx, g.Variables)
			if strings.ToValidUTF8(text, "") != text {
				t.Errorf("%q gives invalid UTF-8: %q", source, text)
			}
		}
		var place *chattemplate.Error
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &place) {
			t.Errorf("%q: error %v without a place", source, err)
		}
	})
}
