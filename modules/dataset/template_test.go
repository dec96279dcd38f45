package dataset_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/dataset"
	"weir/modules/tokenizer"
)

// withTemplate is the builtin tokenizer with a chat template.
func withTemplate(t *testing.T, template string) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile("../tokenizer/builtin.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"chat_template": template})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"tokenizer.json": data, "tokenizer_config.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tok.Close() })
	return tok
}

// Prompts have their length when the template was rendered, also where it takes blanks away.
func TestLengthsInATemplate(t *testing.T) {
	const rest = `{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`
	for name, template := range map[string]string{
		"as it is":          `{% for m in messages %}[{{ m.role }}]{{ m.content }}<|endoftext|>` + rest,
		"trimmed":           "{% for m in messages %}[{{ m.role }}]\n\n{{ m.content | trim }}<|endoftext|>" + rest,
		"nothing before it": `{% for m in messages %}{{ m.content | trim }}` + rest,
	} {
		for _, system := range []string{"", "Be brief."} {
			tok := withTemplate(t, template)
			d := mustMake(t, dataset.Synthetic{Tokenizer: tok, Count: 60, Input: dataset.Length{Law: dataset.Uniform, Min: 44, Max: 90}, Output: dataset.Fixed(1), Template: true, System: system,
				Prefix: dataset.Prefix{Tokens: 26, Groups: 2, Share: 1}})
			if d.Inexact() > 0 {
				t.Errorf("%s: %d inexact", name, d.Inexact())
			}
			for i := range d.Len() {
				messages := []map[string]any{{"role": "user", "content": at(d, i).Prompt}}
				if system != "" {
					messages = append([]map[string]any{{"role": "system", "content": system}}, messages...)
				}
				text, err := tok.ChatPrompt(messages, true)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := tok.Encode(text, false); err != nil || len(n) != at(d, i).PromptTokens {
					t.Errorf("%s: prompt %d has %d tokens in the template, not %d: %q", name, i, len(n), at(d, i).PromptTokens, text)
				}
			}
			if system == "" {
				if kept := dataset.Kept(d); kept > 60*80 {
					t.Errorf("%s: %d bytes are kept: most prompts had to be corrected", name, kept)
				}
			}
		}
	}

	for template, want := range map[string]string{
		`{{ messages[0].content | upper }}`:                  "does not show the user's message once and as it is",
		`{{ messages[0].content }}{{ messages[0].content }}`: "does not show the user's message once and as it is",
		`{{ raise_exception("no users here") }}`:             "no users here",
	} {
		_, err := dataset.Synthetic{Tokenizer: withTemplate(t, template), Count: 1, Input: dataset.Fixed(9), Output: dataset.Fixed(1), Template: true}.Make(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", template, err, want)
		}
	}
}
