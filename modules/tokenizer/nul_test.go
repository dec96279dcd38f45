package tokenizer_test

import (
	"slices"
	"strings"
	"testing"
)

// Every byte decodes, NUL too, and comes back.
func TestNUL(t *testing.T) {
	tok := builtin(t)
	zero, ok := tok.ID("Ā") // NUL in the alphabet of byte-level vocabularies
	if !ok {
		t.Fatal("there is no token for NUL")
	}
	for id := range 256 {
		if text, err := tok.Decode([]int{id}); err != nil || text == "" {
			t.Errorf("Decode of id %d is %q, %v", id, text, err)
		}
	}
	f := func(text string, want ...int) {
		t.Helper()
		ids, err := tok.Encode(text, true)
		if err != nil || len(want) > 0 && !slices.Equal(ids, want) {
			t.Errorf("Encode(%q) = %v, %v, want %v", text, ids, err, want)
			return
		}
		if got, err := tok.Decode(ids); got != text || err != nil {
			t.Errorf("%q becomes %v becomes %q, %v", text, ids, got, err)
		}
	}
	f("\x00", zero)
	f("\x00\x00", zero, zero)
	f("\x00\x01\x00\x02", zero, zero+1, zero, zero+2)
	f("one\x00two \x00 量\x00\n")
	f(strings.Repeat("\x00", 1000))
}

// A NUL that is in the vocabulary of a tokenizer without bytes is that token,
// also beside the characters that stand in for it.
func TestNULInVocabulary(t *testing.T) {
	tok := load(t, strings.Replace(strings.Replace(withBOS, `{"type":"Whitespace"}`, `{"type":"Split","pattern":{"String":" "},"behavior":"Removed","invert":false}`, 1),
		`"!":3`, `"!":3,"<s>":4,"\u0000":5,"\u0001":6,"a\u0000\u0001":7`, 1))
	ids, err := tok.Encode("\x00 \x01 a\x00\x01 hello \x01\x00", false)
	if want := []int{5, 6, 7, 1, 0}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("ids are %v, %v, want %v", ids, err, want)
	}
	text, err := tok.Decode([]int{5, 1, 6, 7})
	if want := "\x00 hello \x01 a\x00\x01"; err != nil || text != want {
		t.Errorf("text is %q, %v, want %q", text, err, want)
	}
}

// Where something tells NUL from other characters, a NUL is an error as before.
func TestNULThatCannotBeEncoded(t *testing.T) {
	f := func(old, with, want string) {
		t.Helper()
		tok := load(t, strings.Replace(withBOS, old, with, 1))
		if ids, err := tok.Encode("a\x00", true); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "NUL character at byte 1") {
			t.Errorf("with %s: ids %v, error %v, want one with %q", with, ids, err, want)
		}
	}
	f(`"normalizer":null`, `"normalizer":{"type":"Nmt"}`, "its normalizer Nmt may treat it in its own way")
	f(`{"type":"Whitespace"}`, `{"type":"Split","pattern":{"Regex":"[^\\x00]+"},"behavior":"Isolated","invert":false}`, `its pre_tokenizer has the text or pattern "[^\\x00]+"`)
	f(`"content":"<s>"`, `"content":"<s\u0001>"`, `its added token "<s\x01>" has such characters`)
}
