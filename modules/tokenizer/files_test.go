package tokenizer_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"weir/modules/tokenizer"
)

// A module tells which files its tokenizers were made of, each once.
func TestFiles(t *testing.T) {
	content, err := os.ReadFile("builtin.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"tokenizer.json": string(content), "tokenizer_config.json": "{}", "config.json": "{}", "model.safetensors": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := tokenizer.New()
	defer m.Close()
	for _, path := range []string{tokenizer.Builtin, dir, filepath.Join(dir, "tokenizer.json")} {
		if _, err := m.Load(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Load(filepath.Join(dir, "none")); err == nil {
		t.Fatal("a tokenizer that is not there was loaded")
	}
	want := []string{filepath.Join(dir, "tokenizer.json"), filepath.Join(dir, "tokenizer_config.json")}
	if got := m.Files(); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}
