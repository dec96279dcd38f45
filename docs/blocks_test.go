// Package docs_test runs what the documentation shows, and follows its links. Its pages
// are README.md, README.zh-CN.md, docs/*.md and docs/modules/*.md. Every block of code in
// them says what it is:
//
//	```ts --model qwen3      a complete scenario, with flags: it is played against the
//	                         simulator; testdata/datasets is in the folder datasets beside it
//	```ts fragment           a part of one
//	```sh                    commands; those of weir are checked ([TestCommands])
//	```json, yaml, go        is parsed; so are the commands of a CI system's YAML
//	```text                  what a program prints
//
// and what else languages has.
package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// block is one of code in a page.
type block struct {
	page     string
	line     int // of its first line of code
	language string
	words    []string // that follow the language
	code     string
}

func (b *block) fragment() bool { return slices.Contains(b.words, "fragment") }

// pages are the files of the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "modules/*.md", "../README*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

// blocks are those of a page. They may be in a list, and are then indented.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	var open *block
	indent := ""
	for i, line := range strings.Split(string(text), "\n") {
		bare := strings.TrimLeft(line, " ")
		info, fence := strings.CutPrefix(bare, "```")
		switch {
		case fence && open != nil:
			found = append(found, *open)
			open = nil
		case fence:
			indent = line[:len(line)-len(bare)]
			open = &block{page: filepath.Base(page), line: i + 2}
			if words := strings.Fields(info); len(words) > 0 {
				open.language, open.words = words[0], words[1:]
			}
		case open != nil:
			open.code += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if open != nil {
		t.Errorf("%s: the last block is not closed", page)
	}
	return found
}
