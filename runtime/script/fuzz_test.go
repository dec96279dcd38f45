package script

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Nothing of the command line gets lost or doubled when it is split.
func FuzzSplitFlags(f *testing.F) {
	for _, seed := range []string{"--a\n1\n2", "--a=1\n--no-b\n-c\n-5\n-", "x\n--\n---\n--=\n-a=b\n-inf", "--rates\n1,2\n--rates=3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		var back []string
		for _, use := range splitFlags(args) {
			values := use.values
			if use.inline {
				back = append(back, use.text+"="+values[0])
				values = values[1:]
			} else if use.text != "" {
				back = append(back, use.text)
			}
			back = append(back, values...)
		}
		var want []string
		for _, arg := range args {
			if arg != "--" {
				want = append(want, arg)
			}
		}
		if strings.Join(back, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q became %q", want, back)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{"10m", "1d2h", "-1", "1e400", "inf", "1,2,,x", "true", "", "0x10", "9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind := range expectations {
			p := Param{Type: kind}
			v, err := p.parse([]string{text})
			if err != nil {
				continue
			}
			if again, err := coerce(kind, v); err != nil || show(again) != show(v) {
				t.Errorf("%s %q gave %v, which is not one: %v, %v", kind, text, v, again, err)
			}
		}
	})
}

func FuzzParamsFile(f *testing.F) {
	for _, seed := range []string{`{"a": 1}`, "a: [1, 2]\nb: .inf", "- 1", "a: &x [*x]", "{", "a: !!binary x", "<<: 1", "\ufeffa: 1", "%YAML 1.2\n---\na: 1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parseParams(data)
		if err != nil {
			return
		}
		if again, err := parseParams(append([]byte("\ufeff"), bytes.TrimPrefix(data, []byte("\ufeff"))...)); err != nil || len(again) != len(values) {
			t.Errorf("%q has %d values, and with a byte order mark %d, %v", data, len(values), len(again), err)
		}
		for _, v := range values {
			for kind := range expectations {
				_, _ = coerce(kind, v)
			}
			_ = show(v)
		}
	})
}

// Any source is loaded and run, or refused with an error that has a text.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"export default 1", "import x from 'weir'; x()", "const = ;", "for await (const x of y) {}", "throw new Error('x')", "class A { #x = 1; static { } }",
		"/(?<a>x)/v.exec('')", "async function* f() { yield* f(); }", "await 1", "import.meta", "import('x')", "\x00\xff", "//# sourceMappingURL=x", "(function(){", "})", "label: for(;;) break label", "`${1", "enum A { B }", "<T>x", "using x = null", "@dec class X {}", "console.log(this, arguments)", "structuredClone(globalThis)", "Promise.reject(1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		path := filepath.Join(t.TempDir(), "fuzz.ts")
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Load(path, Config{Console: &bytes.Buffer{}})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		r, err := s.NewRuntime(ctx, 0)
		if err != nil {
			_ = err.Error()
			return
		}
		r.Close()
	})
}

// However the bytes are cut, a stream decodes to what they decode to at once.
func FuzzTextDecoder(f *testing.F) {
	f.Add([]byte("aé€😀"), 3)
	f.Add([]byte{0xe2, 0x82, 65, 0xff, 0xf0, 0x9f, 0x98}, 2)
	f.Add([]byte{0xef, 0xbb, 0xbf, 0xc0, 0x80, 0xed, 0xa0, 0x80}, 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		whole, err := (&decoder{}).decode(data, false)
		if err != nil || !utf8.ValidString(whole.(string)) {
			t.Fatalf("%v, %v", whole, err)
		}
		size = min(max(size, 1), len(data)+1)
		var d decoder
		var got strings.Builder
		for rest := data; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			part, _ := d.decode(rest[:min(size, len(rest))], true)
			got.WriteString(part.(string))
		}
		last, _ := d.decode(nil, false)
		got.WriteString(last.(string))
		if got.String() != whole {
			t.Errorf("%q in pieces of %d: %q, want %q", data, size, got.String(), whole)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"http://h:80/a/../b?q#f", "file:///x", "mailto:a", "//h", "http://[::1]/", "http://u:p@bücher/ä b", "x:%zz", "a b://c"} {
		f.Add(seed, "")
		f.Add(seed, "http://base/x/y")
	}
	f.Fuzz(func(t *testing.T, href, base string) {
		parts, err := parseURL(href, base)
		if err == nil && parts["protocol"] == ":" {
			t.Errorf("%q has no scheme and no error", href)
		}
	})
}
