package llm

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCursor holds the cursor against encoding/json: it accepts the same texts
// (but for depth), and reads the same strings and numbers out of them.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5,-3e2,true,false,null,"x"],"b":{"c":"\u00e9\ud83d\ude00\n"}}`,
		`{"choices":[{"index":0,"delta":{"content":"\ud800"}}]}`,
		`"\ud83d\ud83d\ude00"`, `[]`, `{}`, ``, ` `, `nul`, `{"a"}`, `[1,]`, `01`, `1.`, `-`, `"\x"`, "\"\x01\"", `{"a":1}x`,
		"\"\xff\"", `1e400`, `[[[[[[]]]]]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cursor{b: data}
		err := c.skip()
		if err == nil {
			err = c.end()
		}
		if strings.Contains(string(data), strings.Repeat("[", maxDepth/2)) || strings.Count(string(data), "{") > maxDepth/2 || strings.Count(string(data), "[") > maxDepth/2 {
			return
		}
		if valid := json.Valid(data); valid != (err == nil) {
			t.Fatalf("%q: encoding/json says valid = %v, the cursor says %v", data, valid, err)
		}
		if err != nil || !utf8.Valid(data) {
			return
		}
		var want any
		if json.Unmarshal(data, &want) != nil {
			return // a number out of range
		}
		compare(t, &cursor{b: data}, want)
	})
}

// compare reads a value with the cursor and holds it against encoding/json's.
func compare(t *testing.T, c *cursor, want any) {
	t.Helper()
	switch want := want.(type) {
	case string:
		got, err := c.text(nil)
		if err != nil || string(got) != want {
			t.Fatalf("%q: string %q (%v), want %q", c.b, got, err, want)
		}
	case float64:
		got, err := c.number()
		if err != nil || got != want {
			t.Fatalf("%q: number %v (%v), want %v", c.b, got, err, want)
		}
	case []any:
		i := 0
		c.array(func() error { compare(t, c, want[i]); i++; return nil })
		if i != len(want) {
			t.Fatalf("%q: %d elements, want %d", c.b, i, len(want))
		}
	default: // objects may repeat keys, of which encoding/json keeps the last
		if err := c.skip(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", `"\/`, "tab\tnl\ncr\r", "\x00\x1f\x7f", "é 中 😀", "bad \xff\xfe utf-8", "\u2028"} {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && s != "bad \xff\xfe utf-8" {
			t.Errorf("%q: came back as %q", s, got)
		}
	}
	if got := string(appendString(nil, "bad \xff\xfe utf-8")); got != "\"bad \ufffd\ufffd utf-8\"" {
		t.Errorf("invalid UTF-8: %q", got)
	}
}

func TestCursorTellsWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":`:                      "it ends in the middle",
		`{"a":1,}`:                   "no key at byte 8",
		`{"a" 1}`:                    "no colon at byte 6",
		`[1 2]`:                      "no comma at byte 4",
		`{"a":tru}`:                  "no value",
		"\"a\nb\"":                   "bare control character in a string at byte 3",
		strings.Repeat("[", 1000000): "nested more than 200 deep",
	} {
		c := cursor{b: []byte(text)}
		if err := c.skip(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
