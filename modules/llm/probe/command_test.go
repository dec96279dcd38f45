package probe

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Words come out of a shell as they went in.
func TestQuote(t *testing.T) {
	f := func(word, want string) {
		t.Helper()
		got := quote(word)
		if got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+got).Output()
		if err != nil || string(out) != word {
			t.Errorf("%s gives %q, %v", got, out, err)
		}
	}
	f("qwen3-8b", "qwen3-8b")
	f("/models/a_b.c", "/models/a_b.c")
	f("", `""`)
	f("a b", `"a b"`)
	f("<the model's name>", `"<the model's name>"`)
	f("http://h/a?b=1&c=2", `"http://h/a?b=1&c=2"`)
	f("$HOME", `'$HOME'`)
	f("it's `id` \\ \"$(x)\"!", `'it'\''s `+"`id`"+` \ "$(x)"!'`)
	f("多字节", `"多字节"`)
}

// A tokenizer that the service names and that is here is taken.
func TestTokenizer(t *testing.T) {
	dir := t.TempDir()
	r := &Result{Model: "m", Models: []Model{{Name: "other", Root: "/"}, {Name: "m", Root: dir}}}
	if got := r.tokenizer(); got != unknownTokenizer {
		t.Errorf("without a tokenizer: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := r.tokenizer(); got != dir {
		t.Errorf("with a tokenizer: %s", got)
	}
}

func TestPerEvent(t *testing.T) {
	f := func(counts []int, want PerEvent) {
		t.Helper()
		if got := *perEvent(slices.Clone(counts)); got != want {
			t.Errorf("%v: %+v, want %+v", counts, got, want)
		}
	}
	f([]int{1, 2, 3, 4}, PerEvent{Tokens: 4, Events: 4})
	f([]int{0, 1, 2, 3, 3}, PerEvent{Tokens: 3, Events: 3}) // role and finish have tokens of their own neither
	f([]int{1, 5, 9, 13, 16}, PerEvent{Tokens: 16, Events: 5, Steps: 4})
	f([]int{4, 8, 12, 16}, PerEvent{Tokens: 16, Events: 4, Steps: 4})
	f([]int{1, 4, 5, 7, 10, 11}, PerEvent{Tokens: 11, Events: 6, Varies: true})
	f([]int{1, 3}, PerEvent{Tokens: 3, Events: 2}) // too few to tell
	f([]int{}, PerEvent{})
}
