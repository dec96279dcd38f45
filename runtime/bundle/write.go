package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"
)

// Contents are what a bundle is written from.
type Contents struct {
	// Manifest says all but Schema and Files, which Write fills in.
	Manifest Manifest
	Script   []byte
	Map      []byte
	Sources  map[string]string // texts by name, as package script has them
	Data     []Data            // in any order
	// Progress is told of data that was read, in bytes; nil: nobody wants to know.
	Progress func(done int64)
}

// Data is a file that the script reads.
type Data struct {
	Name   string // in the bundle: "files/prompts.jsonl"
	Path   string // on disk; "": it is not put inside, and Bytes and SHA256 say what is known of it
	Bytes  int64
	SHA256 string
}

// Written is a bundle that was written.
type Written struct {
	Manifest Manifest
	Digest   string // "sha256:…"
	Bytes    int64
}

// Write writes a bundle. What is compressed waits in a file of the folder spool until the
// manifest is known, which says the hashes of exactly that.
func Write(ctx context.Context, to io.Writer, spool string, c Contents) (*Written, error) {
	temp, err := os.CreateTemp(spool, ".bundle-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	w := &writer{ctx: ctx, spool: temp, progress: c.Progress}
	if err := w.collect(c); err != nil {
		return nil, err
	}
	m := c.Manifest
	m.Schema, m.Files = Schema, w.files
	if m.Modules == nil {
		m.Modules = []string{}
	}
	manifest, err := m.encode()
	if err != nil {
		return nil, err
	}
	// What is written can be read.
	if _, wrong := readManifest(manifest); wrong != nil {
		return nil, wrong.because()
	}
	sum := sha256.New()
	size, err := w.assemble(io.MultiWriter(to, sum), manifest)
	if err != nil {
		return nil, err
	}
	if total := m.Bytes(); total > freeRatio && total > maxRatio*size {
		return nil, fmt.Errorf("its %d bytes compress to %d: a bundle like that is taken for a bomb and not opened\n  hint: --no-data leaves the files out", total, size)
	}
	return &Written{Manifest: m, Digest: fmt.Sprintf("sha256:%x", sum.Sum(nil)), Bytes: size}, nil
}

// because is what is wrong with a bundle that is not written yet.
func (e *Error) because() error {
	if e.Entry != "" && e.Entry != ManifestName {
		return fmt.Errorf("%q cannot be in a bundle: %w", e.Entry, e.Err)
	}
	return e.Err
}

// encode is the manifest's JSON.
func (m *Manifest) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode the manifest of the bundle: %w", err)
	}
	return b.Bytes(), nil
}

// writer collects the entries of one bundle.
type writer struct {
	ctx      context.Context
	deflate  *flate.Writer // of all entries, since each takes a megabyte; nil: before the first one
	spool    *os.File
	at       int64 // end of the spool
	entries  []entry
	files    []File
	progress func(int64)
	done     int64
}

// entry is compressed content in the spool.
type entry struct {
	header zip.FileHeader
	from   int64
}

// collect compresses everything but the manifest.
func (w *writer) collect(c Contents) error {
	texts := map[string][]byte{ScriptName: c.Script, MapName: c.Map}
	for name, text := range c.Sources {
		if name := sourceEntry(name); name != "" {
			texts[name] = []byte(text)
		}
	}
	all := slices.Clone(c.Data)
	for name := range texts {
		all = append(all, Data{Name: name})
	}
	slices.SortFunc(all, func(a, b Data) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range all {
		text, isText := texts[d.Name]
		switch {
		case isText:
			if err := w.add(d.Name, bytes.NewReader(text)); err != nil {
				return err
			}
		case d.Path == "":
			w.files = append(w.files, File{Path: d.Name, Bytes: d.Bytes, SHA256: d.SHA256})
		default:
			if err := w.addFile(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) addFile(d Data) error {
	file, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file, and cannot be in a bundle", d.Path)
	}
	return w.add(d.Name, &watched{w, file})
}

// watched is a file whose reading is told of, and ends with the context.
type watched struct {
	w    *writer
	file *os.File
}

func (r *watched) Read(p []byte) (int, error) {
	if err := r.w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p)
	r.w.done += int64(n)
	if r.w.progress != nil && n > 0 {
		r.w.progress(r.w.done)
	}
	return n, err
}

// add compresses one entry into the spool.
func (w *writer) add(name string, from io.Reader) error {
	counted := &counter{to: w.spool}
	if w.deflate == nil {
		var err error
		if w.deflate, err = flate.NewWriter(counted, flate.DefaultCompression); err != nil {
			return err
		}
	} else {
		w.deflate.Reset(counted)
	}
	sum, check := sha256.New(), crc32.NewIEEE()
	size, err := io.Copy(io.MultiWriter(w.deflate, sum, check), from)
	if err = errors.Join(err, w.deflate.Close()); err != nil {
		return fmt.Errorf("put %s into the bundle: %w", name, err)
	}
	w.entries = append(w.entries, entry{header(name, check.Sum32(), size, counted.n), w.at})
	w.files = append(w.files, File{Path: name, Bytes: size, SHA256: fmt.Sprintf("%x", sum.Sum(nil)), Inside: true})
	w.at += counted.n
	return nil
}

const utf8Names = 0x800 // the flag of a zip file whose names are UTF-8

// header is that of every entry: what does not tell of the machine.
func header(name string, crc uint32, size, compressed int64) zip.FileHeader {
	h := zip.FileHeader{Name: name, ReaderVersion: 20, Method: zip.Deflate, Flags: utf8Names, CRC32: crc, CompressedSize64: uint64(compressed), UncompressedSize64: uint64(size)}
	h.SetMode(0o644)
	h.SetModTime(epoch)
	return h
}

// assemble writes the zip file and returns its size.
func (w *writer) assemble(to io.Writer, manifest []byte) (int64, error) {
	spooled := w.entries
	w.entries = nil
	end := w.at
	counted := &counter{to: to}
	z := zip.NewWriter(counted)
	if err := w.add(ManifestName, bytes.NewReader(manifest)); err != nil {
		return 0, err
	}
	for _, e := range append([]entry{{w.entries[0].header, end}}, spooled...) {
		if err := w.ctx.Err(); err != nil {
			return 0, err
		}
		raw, err := z.CreateRaw(&e.header)
		if err != nil {
			return 0, fmt.Errorf("put %s into the bundle: %w", e.header.Name, err)
		}
		if _, err := io.Copy(raw, io.NewSectionReader(w.spool, e.from, int64(e.header.CompressedSize64))); err != nil {
			return 0, fmt.Errorf("write %s of the bundle: %w", e.header.Name, err)
		}
	}
	return counted.n, z.Close()
}

// counter counts what is written, and tells of it. After Close of what writes to it, n is all.
type counter struct {
	to       io.Writer
	n        int64
	progress func(n int64) // nil: nobody wants to know
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	if c.progress != nil {
		c.progress(c.n)
	}
	return n, err
}

// sourceEntry is where the text of a source is in the bundle; "" for what is no file.
// Folders above the script's are called _up, weir's own sources are in _weir.
func sourceEntry(name string) string {
	if own, isOwn := strings.CutPrefix(name, "builtin:"); isOwn {
		name = "_weir/" + own
	}
	for strings.Contains(name, "../") {
		name = strings.Replace(name, "../", "_up/", 1)
	}
	if strings.Contains(name, ":") || checkName(name) != nil {
		return ""
	}
	return SourceDir + "/" + name
}
