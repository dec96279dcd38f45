package tokenizer_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/modules/tokenizer"
)

// testdata/sentencepiece.json has the ids of the library sentencepiece; it and the
// models are made by testdata/real-tokenizers/golden.py.
func TestSentencePiece(t *testing.T) {
	data, err := os.ReadFile("testdata/sentencepiece.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][]struct {
		Text string
		IDs  []int
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for name, cases := range golden {
		tok := loadFrom(t, "testdata/"+name)
		if len(cases) < 150 {
			t.Errorf("%s: %d cases, want more", name, len(cases))
		}
		for _, c := range cases {
			ids, err := tok.Encode(c.Text, false)
			if err != nil || !slices.Equal(ids, c.IDs) {
				t.Errorf("%s: Encode(%q) = %v, %v, want %v", name, c.Text, ids, err, c.IDs)
			}
			// What SentencePiece keeps of a text: all but the invalid.
			if text, err := tok.Decode(ids); text != c.Text || err != nil {
				t.Errorf("%s: %q comes back as %q, %v", name, c.Text, text, err)
			}
		}
	}
	tok := loadFrom(t, "testdata/sp-llama")
	if ids, err := tok.Encode("</s>", true); err != nil || !slices.Equal(ids, []int{1, 2}) {
		t.Errorf("the beginning and the end are %v, %v, want [1 2]", ids, err)
	}
	if tok.Path() != filepath.Join("testdata", "sp-llama", "tokenizer.model") {
		t.Errorf("Path() = %s", tok.Path())
	}
}

// folder writes files into a new folder; a content that begins with @ names a file.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		data := []byte(content)
		if path, ok := strings.CutPrefix(content, "@"); ok {
			var err error
			if data, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const llamaModel = "@testdata/sp-llama/tokenizer.model"

// The special tokens of ChatGLM3 stand behind the pieces, two of them begin each
// text, and those that are not listed are plain text.
func TestChatGLM(t *testing.T) {
	config := `{"tokenizer_class": "ChatGLMTokenizer", "auto_map": {}, "added_tokens_decoder": {"526": {"content": "<|user|>", "special": false}}}`
	tok := loadFrom(t, folder(t, map[string]string{"tokenizer.model": llamaModel, "tokenizer_config.json": config}))
	plain := loadFrom(t, "testdata/sp-llama")
	for _, text := range []string{"", "hello", "sop <|system|> [gMASK]"} {
		got, err := tok.Encode(text, true)
		want, _ := plain.Encode(text, false)
		if err != nil || !slices.Equal(got, append([]int{521, 523}, want...)) {
			t.Errorf("Encode(%q) = %v, %v, want [gMASK] sop and %v", text, got, err, want)
		}
	}
	if ids, err := tok.Encode("<s></s>", false); err != nil || slices.Contains(ids, 1) || slices.Contains(ids, 2) {
		t.Errorf("the text of control tokens is %v, %v, want plain text", ids, err)
	}
	if ids, err := tok.Encode("<|user|>", false); err != nil || !slices.Equal(ids, []int{526}) {
		t.Errorf("a listed token is %v, %v", ids, err)
	}
	_, err := tokenizer.Load(folder(t, map[string]string{"tokenizer.model": llamaModel, "tokenizer_config.json": strings.Replace(config, "526", "600", 1)}))
	if err == nil || !strings.Contains(err.Error(), `gives "<|user|>" the id 600, ChatGLM3 gives it 526`) {
		t.Errorf("another id: error %v", err)
	}
}

func TestSlowSettings(t *testing.T) {
	f := func(config, text string, want ...int) {
		t.Helper()
		tok := loadFrom(t, folder(t, map[string]string{"tokenizer.model": llamaModel, "tokenizer_config.json": config}))
		if ids, err := tok.Encode(text, true); err != nil || !slices.Equal(ids, want) {
			t.Errorf("with %s: Encode(%q) = %v, %v, want %v", config, text, ids, err, want)
		}
	}
	f(`{}`, "")
	f(`{"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>"}`, "", 1)
	f(`{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "add_bos_token": false}`, "")
	f(`{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true, "add_eos_token": true}`, "", 1, 2)
	f(`{"added_tokens_decoder": {"520": {"content": "<new>", "special": true}}}`, "<new><new>", 520, 520)
	f(`{"pad_token": "<pad>"}`, "<pad>", 520) // gets the next id, as in transformers

	fail := func(config, want string) {
		t.Helper()
		_, err := tokenizer.Load(folder(t, map[string]string{"tokenizer.model": llamaModel, "tokenizer_config.json": config}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s: error %v, want one with %q", config, err, want)
		}
	}
	fail(`{"tokenizer_class": "XLMRobertaTokenizer"}`, "names the class XLMRobertaTokenizer, which changes the ids")
	fail(`{"tokenizer_class": "XLMRobertaTokenizer"}`, "AutoTokenizer.from_pretrained(")
	fail(`{"added_tokens_decoder": {"7": {"content": "</s>"}}}`, `the token "</s>" has the id 2 in the model and 7 in the added tokens`)
	fail(`{"added_tokens_decoder": {"x": {"content": "a"}}}`, `"x" is not a token id`)
}

func TestVocabularyAndMerges(t *testing.T) {
	vocab := `{"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "'": 5, "s": 6, "'s": 7, "!": 8, "1": 9, "11": 10}`
	merges := "#version: 0.2\na b\nĠ ab\n' s\n1 1\n"
	files := func(config string) map[string]string {
		return map[string]string{"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": config}
	}
	f := func(class, text string, want ...int) {
		t.Helper()
		tok := loadFrom(t, folder(t, files(`{"tokenizer_class": "`+class+`", "unk_token": "!"}`)))
		if ids, err := tok.Encode(text, true); err != nil || !slices.Equal(ids, want) {
			t.Errorf("%s: Encode(%q) = %v, %v, want %v", class, text, ids, err, want)
		}
	}
	f("GPT2Tokenizer", "ab ab's11!", 2, 4, 7, 10, 8)
	f("Qwen2TokenizerFast", "ab ab's11!", 2, 4, 7, 9, 9, 8) // digits one by one

	fail := func(name, content, want string) {
		t.Helper()
		broken := files(`{"tokenizer_class": "GPT2Tokenizer"}`)
		broken[name] = content
		if _, err := tokenizer.Load(folder(t, broken)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s %q: error %v, want one with %q", name, content, err, want)
		}
	}
	fail("tokenizer_config.json", "{}", "does not name the tokenizer's class")
	fail("tokenizer_config.json", `{"tokenizer_class": "CLIPTokenizer"}`, "names the class CLIPTokenizer; with vocab.json and merges.txt, GPT2Tokenizer and Qwen2Tokenizer can be read")
	fail("vocab.json", "[]", "vocab.json: not an object")
	fail("vocab.json", "{}", "vocab.json: it has no tokens")
	fail("merges.txt", "a b\nab", `merges.txt:2: "ab" is not two tokens`)
	fail("merges.txt", "a b\na x", `merges.txt:2: vocab.json does not have "x"`)
}

// No tokenizer.model, however broken, ends the process or loads to something that
// cannot be used.
func FuzzSentencePiece(f *testing.F) {
	for _, name := range []string{"sp-llama", "sp-yi"} {
		data, err := os.ReadFile("testdata/" + name + "/tokenizer.model")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02\n\x0c\n\x03\xe2\x96\x81\x15\x00\x00\x80\xbf\x12\x02\x18\x01"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "tokenizer.model")
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
