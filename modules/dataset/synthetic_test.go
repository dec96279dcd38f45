package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"weir/modules/dataset"
	"weir/modules/tokenizer"
)

func builtin(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(tokenizer.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}

// withSpecials is the builtin tokenizer, which puts <|endoftext|> before a text
// and, with both, after it as well.
func withSpecials(t testing.TB, both bool) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile("../tokenizer/builtin.json")
	if err != nil {
		t.Fatal(err)
	}
	after := ""
	if both {
		after = `,{"SpecialToken":{"id":"<|endoftext|>","type_id":0}}`
	}
	template := `"post_processor":{"type":"TemplateProcessing",
	 "single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}` + after + `],
	 "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
	 "special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>","ids":[4095],"tokens":["<|endoftext|>"]}}}`
	changed := strings.Replace(string(data), `"post_processor":null`, template, 1)
	if changed == string(data) {
		t.Fatal("builtin.json has no post_processor to replace")
	}
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}

// item is what tests look at of a dataset.Item.
type item struct {
	Prompt                     string
	PromptTokens, OutputTokens int
}

func at(d *dataset.Dataset, i int) item {
	it := d.At(i)
	prompt, err := it.Prompt()
	if err != nil {
		panic(err)
	}
	return item{prompt, it.PromptTokens(), it.OutputTokens()}
}

func mustMake(t testing.TB, s dataset.Synthetic) *dataset.Dataset {
	t.Helper()
	d, err := s.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func prompts(d *dataset.Dataset) []string {
	var out []string
	for i := range d.Len() {
		out = append(out, at(d, i).Prompt)
	}
	return out
}

// Every prompt has exactly the asked number of tokens when it is encoded again.
func TestLengthsAreExact(t *testing.T) {
	plain, before, around := builtin(t), withSpecials(t, false), withSpecials(t, true)
	for _, test := range []struct {
		name string
		s    dataset.Synthetic
	}{
		{"one token", dataset.Synthetic{Tokenizer: plain, Count: 50, Input: dataset.Fixed(1), Output: dataset.Fixed(1)}},
		{"two tokens", dataset.Synthetic{Tokenizer: plain, Count: 50, Input: dataset.Fixed(2), Output: dataset.Fixed(8)}},
		{"512 tokens", dataset.Synthetic{Tokenizer: plain, Count: 20, Input: dataset.Fixed(512), Output: dataset.Fixed(128)}},
		{"a special token before", dataset.Synthetic{Tokenizer: before, Count: 20, Input: dataset.Fixed(100), Output: dataset.Fixed(8)}},
		{"special tokens around", dataset.Synthetic{Tokenizer: around, Count: 20, Input: dataset.Fixed(100), Output: dataset.Fixed(8)}},
		{"special tokens around, shortest", dataset.Synthetic{Tokenizer: around, Count: 20, Input: dataset.Fixed(3), Output: dataset.Fixed(8)}},
		{"special tokens not counted", dataset.Synthetic{Tokenizer: around, Count: 20, Input: dataset.Fixed(1), Output: dataset.Fixed(8), NoSpecialTokens: true}},
		{"prefix", dataset.Synthetic{Tokenizer: plain, Count: 20, Input: dataset.Fixed(100), Output: dataset.Fixed(8), Prefix: dataset.Prefix{Tokens: 99, Share: 1}}},
		{"prefix and special tokens", dataset.Synthetic{Tokenizer: around, Count: 20, Input: dataset.Fixed(100), Output: dataset.Fixed(8), Prefix: dataset.Prefix{Tokens: 50, Share: 1}}},
		{"distribution", dataset.Synthetic{Tokenizer: plain, Count: 50, Input: dataset.Length{Mean: 200, Std: 80}, Output: dataset.Fixed(8)}},
	} {
		d := mustMake(t, test.s)
		if d.Len() != test.s.Count || d.Inexact() != 0 {
			t.Errorf("%s: %d prompts, %d inexact, want %d and 0", test.name, d.Len(), d.Inexact(), test.s.Count)
		}
		for i := range d.Len() {
			item := at(d, i)
			ids, err := test.s.Tokenizer.Encode(item.Prompt, !test.s.NoSpecialTokens)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) != item.PromptTokens {
				t.Errorf("%s: prompt %d has %d tokens, not %d: %q", test.name, i, len(ids), item.PromptTokens, item.Prompt)
			}
			if fixed := test.s.Input.Max; fixed != 0 && item.PromptTokens != fixed {
				t.Errorf("%s: prompt %d has %d tokens, want %d", test.name, i, item.PromptTokens, fixed)
			}
			if item.OutputTokens != test.s.Output.Max {
				t.Errorf("%s: %d output tokens, want %d", test.name, item.OutputTokens, test.s.Output.Max)
			}
		}
	}
}

// The scripts' prompts for prefix caching: "Hello" n times, then random text.
func TestPrefixIsShared(t *testing.T) {
	tok := withSpecials(t, false)
	d := mustMake(t, dataset.Synthetic{Tokenizer: tok, Count: 10, Input: dataset.Fixed(64), Output: dataset.Fixed(1), Prefix: dataset.Prefix{Tokens: 32, Share: 1}})
	first, _ := tok.Encode(at(d, 0).Prompt, true)
	for i := range d.Len() {
		ids, _ := tok.Encode(at(d, i).Prompt, true)
		if !slices.Equal(ids[:32], first[:32]) {
			t.Errorf("prompt %d starts with other tokens: %v, want %v", i, ids[:32], first[:32])
		}
		if i > 0 && slices.Equal(ids[32:], first[32:]) {
			t.Errorf("prompt %d is prompt 0", i)
		}
		// 32 tokens: the special one, and 31 of "Hello".
		if !strings.HasPrefix(at(d, i).Prompt, strings.Repeat("Hello", 31)) {
			t.Errorf("prompt %d does not start with Hello: %q", i, at(d, i).Prompt)
		}
	}
}

func TestPromptsDifferAndRepeat(t *testing.T) {
	tok := builtin(t)
	s := dataset.Synthetic{Tokenizer: tok, Count: 40, Input: dataset.Length{Mean: 50, Std: 20, Min: 10, Max: 90}, Output: dataset.Length{Mean: 20, Std: 10}, Seed: 7}
	d := mustMake(t, s)
	texts := prompts(d)
	if distinct := slices.Compact(slices.Sorted(slices.Values(texts))); len(distinct) != len(texts) {
		t.Errorf("%d distinct prompts of %d", len(distinct), len(texts))
	}

	// The same seed on one core gives the same, output lengths included.
	cores := runtime.GOMAXPROCS(1)
	again := mustMake(t, s)
	runtime.GOMAXPROCS(cores)
	for i := range d.Len() {
		if at(d, i) != at(again, i) {
			t.Fatalf("item %d differs on one core: %v and %v", i, at(d, i), at(again, i))
		}
	}

	// A longer dataset starts with the shorter one.
	s.Count = 60
	if longer := mustMake(t, s); !slices.Equal(prompts(longer)[:40], texts) {
		t.Error("60 prompts do not start with the 40 of the same seed")
	}
	s.Count, s.Seed = 40, 8
	if other := mustMake(t, s); slices.Equal(prompts(other), texts) {
		t.Error("another seed gives the same prompts")
	}
}

func TestSamePrompt(t *testing.T) {
	tok := builtin(t)
	s := dataset.Synthetic{Tokenizer: tok, Count: 30, Input: dataset.Fixed(40), Output: dataset.Length{Mean: 100, Std: 30}, Seed: 3}
	different := mustMake(t, s)
	s.Same = true
	same := mustMake(t, s)
	for i := range same.Len() {
		if at(same, i).Prompt != at(different, 0).Prompt || at(same, i).PromptTokens != 40 {
			t.Errorf("item %d: %q of %d tokens, want the first prompt of the seed", i, at(same, i).Prompt, at(same, i).PromptTokens)
		}
		if at(same, i).OutputTokens != at(different, i).OutputTokens {
			t.Errorf("item %d asks for %d tokens, want %d as with different prompts", i, at(same, i).OutputTokens, at(different, i).OutputTokens)
		}
	}
}

// The lengths of 4,000 items against the distribution that was asked for: the
// bounds are five standard errors wide.
func TestLengthDistribution(t *testing.T) {
	const n = 4000
	lengths := func(l dataset.Length) (out []float64, mean, std float64) {
		d := mustMake(t, dataset.Synthetic{Tokenizer: builtin(t), Count: n, Input: dataset.Fixed(1), Output: l})
		for i := range d.Len() {
			out = append(out, float64(at(d, i).OutputTokens))
			mean += out[i] / n
		}
		for _, x := range out {
			std += (x - mean) * (x - mean) / (n - 1)
		}
		return out, mean, math.Sqrt(std)
	}

	_, mean, std := lengths(dataset.Length{Mean: 1800, Std: 100})
	// Cutting to whole numbers takes half a token off.
	if math.Abs(mean-1799.5) > 5*100/math.Sqrt(n) || math.Abs(std-100) > 5*100/math.Sqrt(2*n) {
		t.Errorf("mean %.1f, std %.1f, want 1799.5 and 100", mean, std)
	}

	// One in six is below one standard deviation, and clipped to it.
	clipped, _, _ := lengths(dataset.Length{Mean: 1800, Std: 500, Min: 1300, Max: 2300})
	atMin := 0
	for _, x := range clipped {
		if x < 1300 || x > 2300 {
			t.Fatalf("a length of %v, want 1300 to 2300", x)
		}
		if x == 1300 {
			atMin++
		}
	}
	if p := float64(atMin) / n; math.Abs(p-0.1587) > 5*math.Sqrt(0.1587*0.8413/n) {
		t.Errorf("%.3f of the lengths are at the minimum, want 0.159", p)
	}
}

// brokenUnit makes two tokens of each word but the first: no text has an even
// number of tokens.
type brokenUnit struct{}

func (brokenUnit) VocabSize() int { return 100 }
func (brokenUnit) Decode(ids []int) (string, error) {
	return strings.Repeat("x", (len(ids)+1)/2), nil
}
func (brokenUnit) Encode(text string, special bool) ([]int, error) {
	n := 2*strings.Count(text, "x") - 1
	if n < 0 {
		n = 2*(len(text)/len("Hello")) - 1
	}
	return make([]int, max(n, 0)), nil
}

// Where no text has the asked length, the next longer one made of "Hello" is
// used, and its true length is told.
func TestFallback(t *testing.T) {
	d := mustMake(t, dataset.Synthetic{Tokenizer: brokenUnit{}, Count: 3, Input: dataset.Fixed(10), Output: dataset.Fixed(1)})
	if d.Inexact() != 3 {
		t.Errorf("Inexact() = %d, want 3", d.Inexact())
	}
	if got, want := at(d, 2), (item{Prompt: strings.Repeat("Hello", 6), PromptTokens: 11, OutputTokens: 1}); got != want {
		t.Errorf("item %+v, want %+v", got, want)
	}
}

// failing is a tokenizer with a fault.
type failing struct {
	encode, decode error
	vocab          int
}

func (f failing) VocabSize() int                     { return f.vocab }
func (f failing) Encode(string, bool) ([]int, error) { return []int{1}, f.encode }
func (f failing) Decode([]int) (string, error)       { return "", f.decode }

func TestMakeErrors(t *testing.T) {
	plain, around := builtin(t), withSpecials(t, true)
	one := dataset.Fixed(1)
	for _, test := range []struct {
		name string
		s    dataset.Synthetic
		want string
	}{
		{"no tokenizer", dataset.Synthetic{Count: 1, Input: one, Output: one}, "no tokenizer given"},
		{"count 0", dataset.Synthetic{Tokenizer: plain, Input: one, Output: one}, "count: 0 prompts is out of range"},
		{"negative count", dataset.Synthetic{Tokenizer: plain, Count: -1, Input: one, Output: one}, "count: -1"},
		{"no input", dataset.Synthetic{Tokenizer: plain, Count: 1, Output: one}, "input: a length of 0 tokens is out of range"},
		{"negative input", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Fixed(-5), Output: one}, "input: a length of -5 tokens"},
		{"NaN", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Length{Mean: math.NaN()}, Output: one}, "input: a length of NaN"},
		{"negative deviation", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Length{Mean: 5, Std: -1}, Output: one}, "input: a standard deviation of -1"},
		{"no output", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: one}, "output: a length of 0 tokens"},
		{"limits the wrong way round", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Length{Mean: 5, Min: 9, Max: 3}, Output: one}, "minimum of 9 tokens is greater than the maximum of 3"},
		{"negative minimum", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: one, Output: dataset.Length{Mean: 5, Min: -1}}, "output: -1 tokens are impossible"},
		{"too long", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Fixed(2e9), Output: one}, "out of range"},
		{"shorter than the special tokens", dataset.Synthetic{Tokenizer: around, Count: 1, Input: dataset.Fixed(2), Output: one}, "input: 2 tokens are impossible, the least is 3: the tokenizer adds 2 special ones"},
		{"prefix as long as the prompt", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: dataset.Fixed(8), Prefix: dataset.Prefix{Tokens: 8, Share: 1}, Output: one}, "input: 8 tokens are impossible, the least is 9: the prefix has 8"},
		{"negative prefix", dataset.Synthetic{Tokenizer: plain, Count: 1, Input: one, Output: one, Prefix: dataset.Prefix{Tokens: -1, Share: 1}}, "prefix: -1"},
		{"prefix shorter than the special tokens", dataset.Synthetic{Tokenizer: around, Count: 1, Input: dataset.Fixed(9), Prefix: dataset.Prefix{Tokens: 1, Share: 1}, Output: one}, "prefix: 1 tokens are impossible"},
		{"tiny vocabulary", dataset.Synthetic{Tokenizer: failing{vocab: 2}, Count: 1, Input: one, Output: one}, "vocabulary of 2 tokens is too small"},
		{"encode fails", dataset.Synthetic{Tokenizer: failing{vocab: 99, encode: errors.New("no encode")}, Count: 1, Input: one, Output: one}, "no encode"},
		{"decode fails", dataset.Synthetic{Tokenizer: failing{vocab: 99, decode: errors.New("no decode")}, Count: 1, Input: one, Output: one}, "none of the ids 24 to 32 can be decoded: no decode"},
	} {
		_, err := test.s.Make(context.Background())
		if err == nil || !strings.HasPrefix(err.Error(), "synthetic prompts: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestMakeIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("stop")
	cancel(reason)
	_, err := dataset.Synthetic{Tokenizer: builtin(t), Count: 1000, Input: dataset.Fixed(1000), Output: dataset.Fixed(1)}.Make(ctx)
	if !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}

	// While the prefix is looked for, which without its letters goes on for long.
	ctx, cancel = context.WithCancelCause(context.Background())
	calls := 0
	tok := tellsPrefix{func() { calls++; cancel(reason) }}
	_, err = dataset.Synthetic{Tokenizer: tok, Count: 1, Input: dataset.Fixed(80), Output: dataset.Fixed(1), Prefix: dataset.Prefix{Tokens: 40, Share: 1}, NoSpecialTokens: true}.Make(ctx)
	if !errors.Is(err, reason) || calls != 1 {
		t.Errorf("while the prefix is made: error %v after %d texts, want %v after 1", err, calls, reason)
	}
}

// tellsPrefix is a tokenizer without the prefix's letters that tells when it is
// given a text for the prefix.
type tellsPrefix struct{ tell func() }

func (tellsPrefix) VocabSize() int                   { return lettersOnly{}.VocabSize() }
func (tellsPrefix) Decode(ids []int) (string, error) { return lettersOnly{}.Decode(ids) }
func (p tellsPrefix) Encode(text string, special bool) ([]int, error) {
	if strings.HasPrefix(text, "Hello") {
		p.tell()
	}
	return lettersOnly{}.Encode(text, special)
}

func BenchmarkSynthetic(b *testing.B) {
	tok := builtin(b)
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%d prompts of 1800±500", n), func(b *testing.B) {
			for b.Loop() {
				mustMake(b, dataset.Synthetic{Tokenizer: tok, Count: n, Input: dataset.Length{Mean: 1800, Std: 500, Min: 100, Max: 3600}, Output: dataset.Fixed(128)})
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
		})
	}
}

// lettersOnly is a tokenizer that knows no capitals: it makes one token of each
// small letter and nothing of anything else.
type lettersOnly struct{}

func (lettersOnly) VocabSize() int { return 26 }

func (lettersOnly) Encode(text string, _ bool) (ids []int, err error) {
	for _, r := range text {
		if r >= 'a' && r <= 'd' {
			ids = append(ids, int(r-'a'))
		}
	}
	return ids, nil
}

func (lettersOnly) Decode(ids []int) (string, error) {
	var text []byte
	for _, id := range ids {
		text = append(text, 'a'+byte(id%4))
	}
	return string(text), nil
}

// A prefix that can never get long enough is refused, however little is missing.
func TestPrefixWithoutItsLetters(t *testing.T) {
	_, err := dataset.Synthetic{Tokenizer: lettersOnly{}, Count: 1, Input: dataset.Fixed(8), Output: dataset.Fixed(1), Prefix: dataset.Prefix{Tokens: 4, Share: 1}}.Make(context.Background())
	if err == nil || !strings.Contains(err.Error(), `too few tokens of "Hello"`) {
		t.Errorf("%v", err)
	}
}
