package tokenizer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"weir/modules/tokenizer"
)

// withBOS is a word-level tokenizer whose special token <s> is an added token,
// not in the model's vocabulary, and is put before each text.
const withBOS = `{"version":"1.0","truncation":null,"padding":null,
 "added_tokens":[
  {"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
  {"id":4,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
 "normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
 "post_processor":{"type":"TemplateProcessing",
  "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
  "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
  "special_tokens":{"<s>":{"id":"<s>","ids":[4],"tokens":["<s>"]}}},
 "decoder":null,
 "model":{"type":"WordLevel","unk_token":"[UNK]","vocab":{"[UNK]":0,"hello":1,"world":2,"!":3}}}`

// load writes a tokenizer.json and loads it.
func load(t *testing.T, content string) *tokenizer.Tokenizer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}

func builtin(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(tokenizer.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}

func TestSpecialTokensAndVocabulary(t *testing.T) {
	tok := load(t, withBOS)
	if got := tok.VocabSize(); got != 4 {
		t.Errorf("VocabSize() = %d, want 4: the model's tokens alone", got)
	}
	if got := tok.TotalVocabSize(); got != 5 {
		t.Errorf("TotalVocabSize() = %d, want 5: [UNK] is in the model already, <s> is not", got)
	}

	encode := func(text string, special bool, want ...int) {
		t.Helper()
		got, err := tok.Encode(text, special)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Encode(%q, %t) = %v, %v, want %v", text, special, got, err, want)
		}
	}
	encode("hello world!", true, 4, 1, 2, 3)
	encode("hello world!", false, 1, 2, 3)
	encode("hello nobody", false, 1, 0)
	encode("<s>hello", false, 4, 1) // a special token within the text
	encode("", false)
	encode("", true, 4)

	if n, err := tok.Count("hello world!"); n != 3 || err != nil {
		t.Errorf("Count = %d, %v, want 3: no special tokens", n, err)
	}
}

func TestDecode(t *testing.T) {
	tok := load(t, withBOS)
	decode := func(ids []int, want, wantErr string) {
		t.Helper()
		got, err := tok.Decode(ids)
		if wantErr == "" && (err != nil || got != want) {
			t.Errorf("Decode(%v) = %q, %v, want %q", ids, got, err, want)
		}
		if wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)) {
			t.Errorf("Decode(%v): error %v, want one with %q", ids, err, wantErr)
		}
	}
	decode(nil, "", "")
	decode([]int{1, 2}, "hello world", "")
	decode([]int{4, 1}, "<s> hello", "")
	decode([]int{1, 5}, "", "no token with id 5 (item 1 of 2)")
	decode([]int{10}, "", "no token with id 10")
	decode([]int{-1}, "", "no token with id -1")
	decode([]int{1 << 40}, "", "no token with id")

	tok = load(t, `{"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0,"b":200}}}`) // a gap between
	decode([]int{0, 200}, "a b", "")
	decode([]int{100}, "", "no token with id 100")
}

// The 4,096 tokens of the builtin one: 256 bytes, merges, one special token.
func TestBuiltin(t *testing.T) {
	tok := builtin(t)
	if tok.VocabSize() != 4095 || tok.TotalVocabSize() != 4096 {
		t.Errorf("vocabulary of %d and %d tokens, want 4095 and 4096", tok.VocabSize(), tok.TotalVocabSize())
	}
	for id := 256; id < 4096; id++ { // the bytes before are another test's
		if _, err := tok.Decode([]int{id}); err != nil {
			t.Errorf("Decode of id %d: %v", id, err)
		}
	}
	for _, text := range []string{"Hello", " the", " river"} {
		if n, err := tok.Count(text); n != 1 || err != nil {
			t.Errorf("Count(%q) = %d, %v, want 1", text, n, err)
		}
	}
	with, _ := tok.Encode("Hello", true)
	without, _ := tok.Encode("Hello", false)
	if !slices.Equal(with, without) {
		t.Errorf("special tokens are added: %v, without %v", with, without)
	}
	if info, err := os.Stat("builtin.json"); err != nil || info.Size() > 300_000 {
		t.Errorf("builtin.json: %v, %v, want less than 300 kB", info, err)
	}
}

// What a file says about cutting and padding texts is for feeding a model.
func TestTruncationAndPaddingAreOff(t *testing.T) {
	content, err := os.ReadFile("builtin.json")
	if err != nil {
		t.Fatal(err)
	}
	plain := builtin(t)
	const truncation = `"truncation":{"direction":"Right","max_length":16,"strategy":"LongestFirst","stride":0}`
	const padding = `"padding":{"strategy":{"Fixed":64},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"!"}`
	for _, test := range []struct{ name, truncation, padding string }{
		{"truncation", truncation, `"padding":null`},
		{"padding", `"truncation":null`, padding},
		{"both", truncation, padding},
	} {
		tok := load(t, strings.NewReplacer(`"truncation":null`, test.truncation, `"padding":null`, test.padding).Replace(string(content)))
		for _, text := range []string{"Hello", "<|endoftext|> & <b>", strings.Repeat("the river ", 500)} {
			got, err := tok.Encode(text, true)
			want, _ := plain.Encode(text, true)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: a text of %d bytes has %d tokens, %v, want %d", test.name, len(text), len(got), err, len(want))
			}
		}
	}
}

func TestTextThatCannotBeEncoded(t *testing.T) {
	tok := builtin(t)
	_, err := tok.Encode("one\x00two\x01\x02\x03", true)
	if err == nil || !strings.Contains(err.Error(), "NUL character at byte 3 and all of U+0001 to U+0003") {
		t.Errorf("a NUL: error %v", err)
	}
	_, err = tok.Count(strings.Repeat("a", 33<<20))
	if err == nil || !strings.Contains(err.Error(), "split it") {
		t.Errorf("a text of 33 MiB: error %v", err)
	}
	// Invalid UTF-8 is what the replacement character is.
	broken, err1 := tok.Encode("a\xffb", true)
	replaced, err2 := tok.Encode("a\uFFFDb", true)
	if err1 != nil || err2 != nil || !slices.Equal(broken, replaced) {
		t.Errorf("invalid UTF-8: %v, %v, want %v, %v", broken, err1, replaced, err2)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// companion writes a file into a new folder and returns the name of the tokenizer.json beside it.
	folders := 0
	companion := func(name, content string) string {
		folders++
		folder := fmt.Sprintf("companion%d/", folders)
		file(folder+name, content)
		return folder + "tokenizer.json"
	}
	model := func(vocab string) string {
		return `{"model":{"type":"WordLevel","unk_token":"a","vocab":` + vocab + `}}`
	}

	for _, test := range []struct{ name, path, want string }{
		{"no path", "", "no path given"},
		{"missing", filepath.Join(dir, "none"), "does not exist"},
		{"directory without anything", t.TempDir(), "has no tokenizer.json: is it the model's directory?"},
		{"broken SentencePiece", filepath.Dir(file("spm/tokenizer.model", "x")), "not a SentencePiece model: broken data"},
		{"tiktoken", filepath.Dir(file("tiktoken/tokenizer.model", "IQ== 0\nIg== 1\n")), "the file is one of tiktoken"},
		{"tiktoken of another name", filepath.Dir(file("qwen/qwen.tiktoken", "IQ== 0\n")), "only qwen.tiktoken; which weir cannot read. Or make a tokenizer.json once, with Python"},
		{"vocab.json alone", filepath.Dir(file("vocab/vocab.json", "{}")), "merges.txt, which belongs to it, is missing"},
		{"BERT", filepath.Dir(file("bert/vocab.txt", "[UNK]\n")), "only vocab.txt"},
		{"broken companion", filepath.Dir(file(companion("tokenizer_config.json", "{"), withBOS)), "tokenizer_config.json: unexpected end of JSON input"},
		{"added token of another id", filepath.Dir(file(companion("added_tokens.json", `{"a": "b"}`), withBOS)), "added_tokens.json: json: cannot unmarshal string"},
		{"device", "/dev/null", "not a regular file"},
		{"empty", file("empty.json", " \n"), "the file is empty"},
		{"LFS pointer", file("lfs.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git lfs pull"},
		{"cut off", file("cut.json", withBOS[:500]), "broken JSON at byte 500 of 500"},
		{"not JSON", file("text.json", "hello"), "broken JSON at byte 1"},
		{"a list", file("list.json", "[]"), "not a Hugging Face tokenizer.json"},
		{"another JSON file", file("config.json", `{"model_type":"llama"}`), "no model.vocab"},
		{"vocabulary of another form", file("form.json", model(`"x"`)), "model.vocab"},
		{"vocabulary of null", file("null.json", model(`null`)), "vocabulary is empty"},
		{"vocabulary with text as id", file("ids.json", model(`{"a":"b"}`)), "model.vocab"},
		{"negative id", file("negative.json", model(`{"a":-1}`)), "token id -1 is out of range"},
		{"gigantic id", file("huge.json", model(`{"a":4000000000}`)), "out of range"},
		{"Unigram entry without score", file("score.json", model(`[["a"]]`)), "entry 0 is not a pair"},
		{"empty vocabulary", file("none.json", model(`{}`)), "vocabulary is empty"},
		{"unknown model", file("type.json", `{"model":{"type":"Magic","vocab":{"a":0}}}`), "not a tokenizer that this version of weir understands"},
		// The library ends the process when its error text contains a NUL.
		{"NUL in a type", file("nul.json", `{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"A\u0000B"},"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}}`), "pre_tokenizer.type contains a NUL"},
		{"NUL in a key", file("key.json", `{"version":"1.0","x\u0000":1,"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}}`), "contains a NUL"},
		{"NUL in merges", file("merges.json", `{"model":{"type":"BPE","vocab":{"a":0},"merges":["a \u0000"]}}`), "model.merges[0] contains a NUL"},
	} {
		tok, err := tokenizer.Load(test.path)
		if err == nil {
			tok.Close()
			t.Errorf("%s: no error", test.name)
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "load tokenizer") {
			t.Errorf("%s: error %q, want one with %q", test.name, err, test.want)
		}
	}
}

// A NUL among the vocabulary's tokens does no harm.
func TestVocabularyWithNUL(t *testing.T) {
	tok := load(t, strings.Replace(withBOS, `"!":3`, `"!":3,"\u0000":4`, 1))
	if got := tok.VocabSize(); got != 5 {
		t.Errorf("VocabSize() = %d, want 5", got)
	}
}

func TestLoadFromDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(withBOS), 0o644); err != nil {
		t.Fatal(err)
	}
	m := tokenizer.New()
	defer m.Close()
	first, err := m.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "tokenizer.json"); first.Path() != want {
		t.Errorf("Path() = %s, want %s", first.Path(), want)
	}
	if second, err := m.Load(dir + "/."); second != first || err != nil {
		t.Errorf("the same directory gives another tokenizer (%v)", err)
	}
}

// A run's tokenizers are loaded once, used by all goroutines, and closed while
// some still use them.
func TestModuleIsShared(t *testing.T) {
	m := tokenizer.New()
	first, err := m.Load(tokenizer.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var users, started sync.WaitGroup
	for range 8 {
		users.Add(1)
		started.Add(1)
		go func() {
			defer users.Done()
			tok, err := m.Load(tokenizer.Builtin)
			if tok != first || err != nil {
				t.Errorf("Load gives %p, %v, want %p", tok, err, first)
			}
			begun := sync.OnceFunc(started.Done)
			defer begun()
			for {
				ids, err := tok.Encode("Hello world, how are you today?", true)
				if errors.Is(err, tokenizer.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := tok.Decode(ids); err != nil && !errors.Is(err, tokenizer.ErrClosed) {
					t.Error(err)
					return
				}
				begun()
			}
		}()
	}
	started.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	users.Wait()
	if _, err := m.Load(tokenizer.Builtin); !errors.Is(err, tokenizer.ErrClosed) {
		t.Errorf("Load after Close: %v, want ErrClosed", err)
	}
	if _, err := first.Decode([]int{1}); !errors.Is(err, tokenizer.ErrClosed) {
		t.Errorf("Decode after Close: %v, want ErrClosed", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Byte-level BPE loses nothing.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range []string{"", "Hello, world", " two  blanks ", "\r\n\t", "量水堰", "🙂👩‍👩‍👧", "<|endoftext|>", "e\u0301", "\uFFFD", "a\u00a0b\u2028c", "it's 12345"} {
		f.Add(text)
	}
	tok := builtin(f)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) && strings.ContainsAny(text, "\x01\x02\x03") {
			return
		}
		ids, err := tok.Encode(text, true)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tok.Decode(ids); got != text || err != nil {
			t.Errorf("%q becomes %v becomes %q, %v", text, ids, got, err)
		}
	})
}

// No tokenizer.json, however broken, ends the process or loads to something
// that cannot be used.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(withBOS))
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",0],["b",-1.5]]}}`))
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`))
	f.Add([]byte(`{"model":{"type":"\u0000","vocab":{}}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "tokenizer.json")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Load(path)
		if err != nil {
			return
		}
		defer tok.Close()
		if ids, err := tok.Encode("ab hello", true); err == nil {
			_, _ = tok.Decode(ids)
		}
	})
}
