package tokenizer

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/daulet/tokenizers"
)

// Builtin is the path that stands for weir's own tokenizer.
const Builtin = "builtin"

//go:embed builtin.json
var builtin []byte

// maxFile is the largest tokenizer.json that is read, in bytes; the largest
// known ones have 35 MB.
const maxFile = 1 << 30

// Load reads a tokenizer: a tokenizer.json, a directory that contains one, or
// Builtin. The caller closes it.
func Load(path string) (*Tokenizer, error) {
	if path == Builtin {
		return parse(Builtin, builtin)
	}
	file, err := locate(path)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w: is the file readable for this user?", err)
	}
	return parse(file, data)
}

// locate returns the tokenizer.json that path means.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New(`no path given: name a tokenizer.json, the directory that contains it, or "builtin"`)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf(`%s does not exist: name a tokenizer.json, the model's directory that contains it, or "builtin"`, path)
	case err != nil:
		return "", fmt.Errorf("%w: is the path readable for this user?", err)
	}
	if info.IsDir() {
		dir := path
		path = filepath.Join(dir, "tokenizer.json")
		info, err = os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", missing(dir)
		}
		if err != nil {
			return "", fmt.Errorf("%w: is the path readable for this user?", err)
		}
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file: name a tokenizer.json or its directory", path)
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("%s has %d bytes, too many for a tokenizer.json: is it a file of weights?", path, info.Size())
	}
	return path, nil
}

// missing explains why a directory without tokenizer.json cannot be used; older
// models come with another format.
func missing(dir string) error {
	for _, name := range []string{"tokenizer.model", "vocab.txt", "vocab.json", "tiktoken.model", "qwen.tiktoken"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s has no tokenizer.json, only %s, which weir cannot read: convert it once with Python: "+
				"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained(%q, use_fast=True).save_pretrained(%q)", dir, name, dir, dir)
		}
	}
	return fmt.Errorf("%s has no tokenizer.json: is it the model's directory?", dir)
}

// parse checks a tokenizer.json before the library sees it: the library ends
// the whole process on some broken files.
func parse(path string, data []byte) (*Tokenizer, error) {
	vocab, err := readVocabulary(data)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer %s: %w", path, err)
	}
	if data, err = whole(data); err != nil {
		return nil, fmt.Errorf("load tokenizer %s: %w", path, err)
	}
	lib, err := tokenizers.FromBytes(data)
	if err != nil {
		return nil, fmt.Errorf("load tokenizer %s: not a tokenizer that this version of weir understands: %w: "+
			"save it again with a current version of transformers", path, err)
	}
	return &Tokenizer{path: path, vocab: vocab, lib: lib}, nil
}

// whole turns off the cutting and padding of texts that a tokenizer.json may ask
// for: they are for feeding a model, and would falsify every count.
func whole(data []byte) ([]byte, error) {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	changed := false
	for _, name := range []string{"truncation", "padding"} {
		if value, ok := file[name]; ok && string(value) != "null" {
			file[name], changed = json.RawMessage("null"), true
		}
	}
	if !changed {
		return data, nil
	}
	return json.Marshal(file)
}
