package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"weir/modules/tokenizer/slow"
)

// inDirectory returns the tokenizer of a model's directory: its tokenizer.json,
// else what is made of the files of a slow tokenizer.
func inDirectory(dir string, read reading) (*source, error) {
	has := func(name string) (bool, error) {
		_, err := os.Stat(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("%w: is the path readable for this user?", err)
		}
		return err == nil, nil
	}
	found := map[string]bool{}
	for _, name := range []string{"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt"} {
		there, err := has(name)
		if err != nil {
			return nil, err
		}
		found[name] = there
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	switch {
	case found["tokenizer.json"]:
		return fileSource(in("tokenizer.json"), read)
	case found["tokenizer.model"]:
		return fileSource(in("tokenizer.model"), read)
	case found["vocab.json"] && found["merges.txt"]:
		return byteLevel(in("vocab.json"), in("merges.txt"), read), nil
	}
	for _, other := range []struct{ name, problem string }{
		{"vocab.json", "merges.txt, which belongs to it, is missing: copy it too"},
		{"merges.txt", "vocab.json, which belongs to it, is missing: copy it too"},
		{"qwen.tiktoken", "which weir cannot read"},
		{"tiktoken.model", "which weir cannot read"},
		{"tekken.json", "which weir cannot read"},
		{"ice_text.model", "which weir cannot read"},
		{"spiece.model", "which weir cannot read"},
		{"sentencepiece.bpe.model", "which weir cannot read"},
		{"vocab.txt", "which weir cannot read"},
	} {
		if there, _ := has(other.name); there {
			return nil, fmt.Errorf("%s has no tokenizer.json, only %s; %s. %s", dir, other.name, other.problem, convert(dir))
		}
	}
	return nil, fmt.Errorf("%s has no tokenizer.json: is it the model's directory?", dir)
}

// convert tells how a tokenizer.json is made with Hugging Face's own program.
func convert(dir string) string {
	return fmt.Sprintf("Or make a tokenizer.json once, with Python: from transformers import AutoTokenizer; "+
		"AutoTokenizer.from_pretrained(%q, use_fast=True).save_pretrained(%q) (add trust_remote_code=True when it asks for it; "+
		"many models also have a tokenizer.json in their repository)", dir, dir)
}

// ranks is what a line of a tiktoken file looks like.
var ranks = regexp.MustCompile(`^[A-Za-z0-9+/]+=* [0-9]+\r?\n`)

func sentencePiece(path string, read reading) *source {
	s := &source{path: path}
	s.read = func() ([]byte, error) {
		data, err := read(path)
		if err != nil {
			return nil, err
		}
		hint := convert(filepath.Dir(path))
		switch {
		case len(data) == 0:
			return nil, errors.New("the file is empty: copy the model's files again")
		case bytes.HasPrefix(data, []byte("version https://git-lfs")):
			return nil, errors.New("the file is a Git LFS pointer, not the tokenizer: run 'git lfs pull' in the model's directory")
		case ranks.Match(data):
			return nil, fmt.Errorf("the file is one of tiktoken, which does not say how texts are cut into words; there is no tokenizer.json beside it. %s", hint)
		}
		made, err := slow.FromSentencePiece(data, s.settings)
		if err != nil {
			return nil, fmt.Errorf("%w. %s", err, hint)
		}
		return made, nil
	}
	return s
}

func byteLevel(vocabulary, merges string, read reading) *source {
	s := &source{path: vocabulary}
	s.read = func() ([]byte, error) {
		v, err := read(vocabulary)
		if err != nil {
			return nil, err
		}
		m, err := read(merges)
		if err != nil {
			return nil, err
		}
		made, err := slow.FromVocabulary(v, m, s.settings)
		if err != nil {
			return nil, fmt.Errorf("%w. %s", err, convert(filepath.Dir(vocabulary)))
		}
		return made, nil
	}
	return s
}
