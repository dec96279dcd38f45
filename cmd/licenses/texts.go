package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/licensecheck"

	"weir/runtime/licenses"
)

// legal are the names of files that have to go along with a program.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|unlicense)([-_.].*)?$`)

// code are endings of files that are called so and are something else.
var code = regexp.MustCompile(`(?i)\.(go|rs|py|js|ts|sh|html|json|toml|yml|yaml)$`)

// textsIn reads the licences and notices of one folder, and of one for them in it.
func textsIn(folder string) (texts []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if e.IsDir() && strings.EqualFold(e.Name(), "licenses") {
			in, err := os.ReadDir(path)
			if err != nil {
				return nil, err
			}
			for _, text := range in {
				if texts, err = add(texts, filepath.Join(path, text.Name()), text); err != nil {
					return nil, err
				}
			}
		} else if legal.MatchString(e.Name()) {
			if texts, err = add(texts, path, e); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

// add reads a file, if it is one that is read.
func add(texts []string, path string, e fs.DirEntry) ([]string, error) {
	if e.IsDir() || code.MatchString(path) {
		return texts, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return append(texts, string(bytes.ToValidUTF8(text, []byte("?")))), nil
}

// keep adds a text to the list and gives its key.
func keep(l *licenses.List, text string) string {
	sum := sha256.Sum256([]byte(text))
	key := hex.EncodeToString(sum[:6])
	l.Texts[key] = text
	return key
}

// identify names the licences in a text by their SPDX identifiers; nil for what is none,
// such as a notice, or a promise about patents.
func identify(text string) (ids []string) {
	for _, match := range licensecheck.Scan([]byte(text)).Match {
		if !match.IsURL && match.ID != "GooglePatentsFile" {
			ids = append(ids, match.ID)
		}
	}
	return ids
}
