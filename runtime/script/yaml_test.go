package script_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"weir/runtime/script"
)

func TestReadYAML(t *testing.T) {
	for in, want := range map[string]string{
		"": "null", "# nothing\n": "null", "---\n": "null", "~": "null", "text": `"text"`, "3": "3",
		"a: 1\nb: -2.5\nc: 1e3\nd: 0x10\ne: 0o17\nf: 18446744073709551615\n": `{"a":1,"b":-2.5,"c":1000,"d":16,"e":15,"f":18446744073709552000}`,
		"z: 1\na: 2\nm: 3\n":                        `{"z":1,"a":2,"m":3}`,
		"a: yes\nb: true\nc: null\nd:\ne: ''\n":     `{"a":"yes","b":true,"c":null,"d":null,"e":""}`,
		"a: 2024-01-01\nb: '12'\nc: \"x\\ty\"\n":    `{"a":"2024-01-01","b":"12","c":"x\ty"}`,
		"a: |\n  one\n  two\nb: >-\n  one\n  two\n": `{"a":"one\ntwo\n","b":"one two"}`,
		"- 1\n- [2, {x: 3}]\n- - 4\n":               `[1,[2,{"x":3}],[4]]`,
		`{"json": [1, "two", null, {"x": true}]}`:   `{"json":[1,"two",null,{"x":true}]}`,
		"1: one\ntrue: t\n2.5: f\n'': e\n":          `{"1":"one","true":"t","2.5":"f","":"e"}`,
		"__proto__: 1\n":                            `{"__proto__":1}`,

		"a: &x [1, 2]\nb: *x\nc: [*x, *x]\n":                             `{"a":[1,2],"b":[1,2],"c":[[1,2],[1,2]]}`,
		"base: &b {x: 1, y: 2}\nc:\n  y: 3\n  <<: *b\n":                  `{"base":{"x":1,"y":2},"c":{"y":3,"x":1}}`,
		"p: &p {x: 1}\nq: &q {x: 2, y: 2}\nr:\n  <<: [*p, *q]\n  z: 0\n": `{"p":{"x":1},"q":{"x":2,"y":2},"r":{"z":0,"x":1,"y":2}}`,
		"a: &x 1\nb: &x 2\nc: *x\n":                                      `{"a":1,"b":2,"c":2}`,
		"a: !!str 12\nb: !!int 3\nc: !!float 3":                          `{"a":"12","b":3,"c":3}`,

		// What editors on Windows put in front, and what a document may say of itself.
		"\ufeffa: 1\r\nb: [x]\r\n": `{"a":1,"b":["x"]}`,
		"\ufeff{\"a\": 1}":         `{"a":1}`,
		"\ufeff":                   "null",
		"a: \ufeffx\n":             "{\"a\":\"\ufeffx\"}",
		"%YAML 1.2\n---\na: 1\n":   `{"a":1}`,
		"\ufeff# by hand\n%YAML 1.1\n--- # here\na": `"a"`,
		"%YAML 1.2\n---\n":                          "null",
		"%RESERVED x\n---\n- 1\n":                   "[1]",
	} {
		v, err := script.ReadYAML(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("%q is %s, %v, want %s", in, got, err, want)
		}
	}
	if v, err := script.ReadYAML("[.inf, -.inf, .nan]"); err != nil || fmt.Sprint(v) != "[+Inf -Inf NaN]" {
		t.Errorf("%v, %v", v, err)
	}
}

func TestReadYAMLFaults(t *testing.T) {
	laughs := "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
	for i := 1; i < 30; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for in, want := range map[string]string{
		"a: 1\nb: 2\na: 3\n":                 `3:1: mapping key "a" already defined at [1:1]`,
		"1: a\n'1': b\n":                     `2:1: `,
		"true: a\n'true': b\n":               `2:1: `,
		"a: [1, 2\nb: 3\n":                   "2:1: ',' or ']' must be specified",
		"a:\n\t- b\n":                        "2:1: found character",
		"key: \"sk-secret\n":                 "1:6: could not find end character of double-quoted text",
		"a: 1\n---\nb: 2\n":                  "3:2: a second document begins",
		"a: *x\n":                            "1:5: there is no anchor &x",
		"a: &x [*x]\n":                       "1:9: *x stands inside of &x",
		"a: &x {b: &y [*x]}\n":               "1:16: *x stands inside of &x",
		"a: !!binary aGk=\n":                 "1:4: the tag !!binary is not supported",
		"a: !mine 1\n":                       "1:4: the tag !mine is not supported",
		"%TAG ! tag:x,2000:\n---\na: !b 1\n": "1:1: the directive %TAG is not supported: leave it out",
		"%YAML 3\n---\na: 1\n":               "unknown YAML version",
		"%YAML 1.2\n---\na\n---\nb\n":        "a second document begins",
		"\xff\xfea\x00":                      "it is UTF-16: save it as UTF-8",
		"\ufeffa: *x\n":                      "1:5: there is no anchor &x",
		"a: !!int text\n":                    "1:4: this is no !!int",
		"a:\n  <<: 1\n":                      "2:7: << takes a map, or a list of maps",
		laughs:                               "it has more than 1000000 values",
		strings.Repeat("[", 200_000):         "1:1001: its values are more than 1000 levels deep",
		strings.Repeat("- ", 100_000) + "1":  "1:2001: its values are more than 1000 levels deep",
	} {
		v, err := script.ReadYAML(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %.80v, error %v, want one with %q", in, v, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the document: %v", in, err)
		}
	}
}

// What comes out of any document is data that JSON can hold, and JSON is YAML.
func FuzzReadYAML(f *testing.F) {
	for _, seed := range []string{
		"providers:\n  - id: 1\n    name: \"x\"\n    api_key: ''\n", "a: &x [1, *x]\n", "{a: 1, <<: {b: 2}}", "- - ? x\n", "!!str 1", "a: |+\n x\n\n", "\x00", "a: \"\\u0000\"",
		"%YAML 1.2\n---\na\n...\n", "'a': .nan", "? [a]\n: b", "&a a: *a", "\ufeffa: 1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := script.ReadYAML(text)
		if err != nil || !finite(v) {
			return
		}
		before, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q gave %v: %v", text, v, err)
		}
		for _, front := range []string{"\ufeff", "%YAML 1.2\n---\n"} {
			if strings.HasPrefix(text, "\ufeff") || front[0] == '%' && strings.ContainsAny(text, "%-.\ufeff") {
				continue // it has something like that itself, or may have
			}
			if same, err := script.ReadYAML(front + text); err != nil || !equal(same, before) {
				t.Errorf("%q gave %s, and with %q in front %v, %v", text, before, front, same, err)
			}
		}
		again, err := script.ReadYAML(string(before))
		if err != nil {
			t.Fatalf("%q gave %s: %v", text, before, err)
		}
		if after, err := json.Marshal(again); err != nil || string(after) != string(before) {
			t.Errorf("%q gave %s, and that gave %s, %v", text, before, after, err)
		}
	})
}

func equal(v any, text []byte) bool {
	got, err := json.Marshal(v)
	return err == nil && string(got) == string(text)
}

func finite(v any) bool {
	switch v := v.(type) {
	case float64:
		return !math.IsInf(v, 0) && !math.IsNaN(v)
	case []any:
		for _, one := range v {
			if !finite(one) {
				return false
			}
		}
	case interface{ MarshalJSON() ([]byte, error) }:
		_, err := v.MarshalJSON()
		return err == nil
	}
	return true
}
