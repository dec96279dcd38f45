package tokenizer

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/daulet/tokenizers"
)

// Builtin is the path that stands for weir's own tokenizer.
const Builtin = "builtin"

//go:embed builtin.json
var builtin []byte

// maxFile is the largest file that is read, in bytes; the largest known
// tokenizer.json have 35 MB.
const maxFile = 1 << 30

// Load reads a tokenizer: a tokenizer.json, a tokenizer.model of SentencePiece, a
// model's directory that contains one of these or vocab.json with merges.txt, or
// Builtin. The caller closes it.
func Load(path string) (*Tokenizer, error) {
	return load(path, func(string) error { return nil })
}

// load is Load; found is told of each file before it is read, and may refuse it.
func load(path string, found func(file string) error) (*Tokenizer, error) {
	read := func(file string) ([]byte, error) {
		if err := found(file); err != nil {
			return nil, err
		}
		return readFile(file)
	}
	if path == Builtin {
		return parse(&source{path: Builtin, read: func() ([]byte, error) { return builtin, nil }}, config{})
	}
	src, err := locate(path, read)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	cfg, err := readConfig(filepath.Dir(src.path), read)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	src.settings = cfg.settings
	return parse(src, cfg)
}

// reading reads a file, if it may be.
type reading = func(file string) ([]byte, error)

// source is a tokenizer's file. It is read again when the tokenizer is needed in
// another form (see nul.go).
type source struct {
	path     string
	read     func() ([]byte, error) // as a tokenizer.json
	checksum uint32                 // of what was read first
	settings settings
}

// again returns what was read first, or an error when the file has changed.
func (s *source) again() ([]byte, error) {
	data, err := s.read()
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(data) != s.checksum {
		return nil, fmt.Errorf("%s has changed since it was loaded", s.path)
	}
	return data, nil
}

// locate returns the file that path means.
func locate(path string, read reading) (*source, error) {
	if path == "" {
		return nil, errors.New(`no path given: name a tokenizer.json, the directory that contains it, or "builtin"`)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf(`%s does not exist: name a tokenizer.json, the model's directory that contains it, or "builtin"`, path)
	case err != nil:
		return nil, fmt.Errorf("%w: is the path readable for this user?", err)
	}
	if info.IsDir() {
		return inDirectory(path, read)
	}
	return fileSource(path, read)
}

// fileSource is a file by its name: all but *.model are a tokenizer.json.
func fileSource(path string, read reading) (*source, error) {
	if filepath.Ext(path) == ".model" {
		return sentencePiece(path, read), nil
	}
	return &source{path: path, read: func() ([]byte, error) { return read(path) }}, nil
}

// readFile reads a regular file of a bearable size.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: is the path readable for this user?", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: name a tokenizer.json or its directory", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, too many for a tokenizer.json: is it a file of weights?", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: is the file readable for this user?", err)
	}
	return data, nil
}

// parse makes a tokenizer of a file. The library reads it while we read the
// vocabulary: each takes half a second for the largest files.
func parse(src *source, cfg config) (*Tokenizer, error) {
	fail := func(err error) (*Tokenizer, error) {
		return nil, fmt.Errorf("load tokenizer %s: %w", src.path, err)
	}
	data, err := src.read()
	if err != nil {
		return fail(err)
	}
	src.checksum = crc32.ChecksumIEEE(data)
	file, err := checkFile(data)
	if err != nil {
		return fail(err)
	}
	if data, err = whole(data, file); err != nil {
		return fail(err)
	}
	type result struct {
		lib *tokenizers.Tokenizer
		err error
	}
	library := make(chan result, 1)
	go func() {
		lib, err := tokenizers.FromBytes(data)
		library <- result{lib, err}
	}()
	vocab, err := readVocabulary(file)
	loaded := <-library
	if err == nil && loaded.err != nil {
		if err = brokenJSON(data); err == nil {
			err = fmt.Errorf("not a tokenizer that this version of weir understands: %w: save it again with a current version of transformers", loaded.err)
		}
	}
	if err != nil {
		if loaded.lib != nil {
			loaded.lib.Close()
		}
		return fail(err)
	}
	return &Tokenizer{source: src, config: cfg, vocab: vocab, lib: loaded.lib}, nil
}

// whole turns off the cutting and padding of texts that a tokenizer.json may ask
// for: they are for feeding a model, and would falsify every count.
func whole(data []byte, file map[string]json.RawMessage) ([]byte, error) {
	changed := false
	for _, name := range []string{"truncation", "padding"} {
		if value, ok := file[name]; ok && string(value) != "null" {
			file[name], changed = json.RawMessage("null"), true
		}
	}
	if !changed {
		return data, nil
	}
	data, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("broken JSON: %w: copy the model's files again", err)
	}
	return data, nil
}
