// Package licenses tells what is linked into a weir besides weir itself, of which
// version and under which licence, with the licences' texts, which have to go along with
// a binary.
//
// The list is made when a binary is built: cmd/licenses asks go and cargo what they link
// and looks into the sources that they have downloaded. "make build" writes it to
// built/licenses.json.zst, which is then part of the binary ([Embedded]); a list of what
// was shipped (an SBOM) is written from the same file ([Read]). Nothing of it is committed.
package licenses

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
)

// FileName is the file that a list is kept in, a zstd-compressed JSON document.
const FileName = "licenses.json.zst"

// List is what is linked into a binary.
type List struct {
	Target       string            `json:"target"` // "linux/amd64"
	Dependencies []Dependency      `json:"dependencies"`
	Texts        map[string]string `json:"texts"` // of licences and notices, by what Dependency.Texts names
}

// Dependency is a Go module, a Rust crate, or the library that comes with a compiler.
type Dependency struct {
	Kind    string   `json:"kind"` // "go", "rust", or "toolchain"
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	License string   `json:"license,omitempty"` // an SPDX expression; "": nobody knows
	Texts   []string `json:"texts,omitempty"`   // keys of List.Texts
}

//go:embed all:built
var built embed.FS

// Embedded is the list of this program; nil: it was built without one.
func Embedded() (*List, error) {
	f, err := built.Open("built/" + FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f)
}

// maxSize bounds what a list may take when it is unpacked, in bytes; those of weir take one megabyte.
const maxSize = 64 << 20

// Read reads a list that Write has written.
func Read(r io.Reader) (*List, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(maxSize), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("reading the list of licences: %w", err)
	}
	defer d.Close()
	l := new(List)
	if err := json.NewDecoder(io.LimitReader(d, maxSize)).Decode(l); err != nil {
		return nil, fmt.Errorf("reading the list of licences: %w", err)
	}
	return l, nil
}

// Write writes a list: the same bytes for the same list.
func (l *List) Write(w io.Writer) error {
	e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(e).Encode(l); err != nil {
		return err
	}
	return e.Close()
}
