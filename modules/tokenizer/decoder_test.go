package tokenizer_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"weir/modules/tokenizer"
)

// incremental decodes ids one by one and some at a time; both must give what
// Decode gives, and show no character before it is whole.
func incremental(t *testing.T, tok *tokenizer.Tokenizer, ids []int) {
	t.Helper()
	want, err := tok.Decode(ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{1, 3} {
		d := tok.NewDecoder(false)
		var got strings.Builder
		for at := 0; at < len(ids); at += step {
			text, err := d.Push(ids[at:min(at+step, len(ids))]...)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString(text)
			if !strings.HasPrefix(want, got.String()) {
				t.Fatalf("after %d of %v: %q, which does not begin %q", at+step, ids, got.String(), want)
			}
		}
		rest, err := d.End()
		if got.WriteString(rest); err != nil || got.String() != want {
			t.Fatalf("%v: incremental %q, %v, want %q", ids, got.String(), err, want)
		}
	}
}

func TestIncrementalDecoding(t *testing.T) {
	texts := []string{"", "a", " a", "  two  blanks ", "量水堰 🙂👩‍👩‍👧 é", "\n\n", "\uFFFD", "\uFFFDa\uFFFD\uFFFD", strings.Repeat("水 stream 🙂\n", 200), strings.Repeat(" ", 300)}
	for name, tok := range map[string]*tokenizer.Tokenizer{
		"builtin": builtin(t), "sp-llama": loadFrom(t, "testdata/sp-llama"), "sp-yi": loadFrom(t, "testdata/sp-yi"), "words": load(t, withBOS),
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts {
				ids, err := tok.Encode(text, true)
				if err != nil {
					t.Fatal(err)
				}
				incremental(t, tok, ids)
			}
			nul, hasNUL := tok.ID("Ā") // which cannot stand beside all of U+0001 to U+0003
			random := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				ids := make([]int, random.IntN(200))
				top := tok.TotalVocabSize()
				if random.IntN(2) == 0 {
					top = min(top, 260) // bytes, which seldom make a character
				}
				for i := range ids {
					if ids[i] = random.IntN(top); hasNUL && ids[i] == nul {
						ids[i]++
					}
				}
				incremental(t, tok, ids)
			}
		})
	}
}

// Text comes as soon as it is certain.
func TestIncrementalDecodingIsPrompt(t *testing.T) {
	tok := builtin(t)
	var got []string
	d := tok.NewDecoder(false)
	ids, _ := tok.Encode("a🙂b", false)
	for _, id := range ids {
		text, err := d.Push(id)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text)
	}
	if joined := strings.Join(got, "|"); strings.Trim(joined, "|") != "a|"+strings.Repeat("|", strings.Count(joined, "|")-2)+"🙂|b" {
		t.Errorf("the parts are %q", got)
	}
	if text, err := d.End(); text != "" || err != nil {
		t.Errorf("End() = %q, %v after whole characters", text, err)
	}
	// Bytes that never make a character do not pile up.
	id, _ := tok.ID("ÿ")
	for range 5000 {
		if _, err := d.Push(id); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := d.End(); text != "\uFFFD" || err != nil {
		t.Errorf("End() = %q, %v, want the last one of the broken bytes", text, err)
	}
	if _, err := d.Push(-1); err == nil || !strings.Contains(err.Error(), "no token with id -1") {
		t.Errorf("an unknown id: error %v", err)
	}
}

func loadFrom(t *testing.T, path string) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}
