package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
)

// Files are the files that the run's tokenizers were made of, by their absolute paths,
// sorted; the built-in one has none. Any goroutine may call it, at any time.
func (m *Module) Files() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := slices.Clone(m.files)
	slices.Sort(files)
	return slices.Compact(files)
}

// note keeps what a tokenizer was made of: its file, and those beside it that were read
// with it.
func (m *Module) note(t *Tokenizer) {
	if t.Path() == Builtin {
		return
	}
	path, err := filepath.Abs(t.Path())
	if err != nil {
		return
	}
	files := []string{path}
	names := companions
	if filepath.Base(path) == "vocab.json" {
		names = append([]string{"merges.txt"}, names...)
	}
	for _, name := range names {
		file := filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files = append(m.files, files...)
}
