package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Bundle is an open bundle, whose structure and manifest are as they have to be. Its
// contents are checked when they are read. Its methods are for one goroutine.
type Bundle struct {
	Path     string // as it was opened
	Bytes    int64  // of the file
	Manifest Manifest

	ManifestText []byte // weir.json as it is in the file

	from    io.ReaderAt
	close   func() error
	entries map[string]*zip.File
}

// Open opens a bundle's file.
func Open(path string) (*Bundle, error) {
	file, err := os.Open(path)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the path is said already
		}
		return nil, &Error{Bundle: path, Err: err}
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Error{Bundle: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	b, err := Read(file, info.Size(), path)
	if err != nil {
		file.Close()
		return nil, err
	}
	b.close = file.Close
	return b, nil
}

// Read opens a bundle of so many bytes. name is for messages.
func Read(from io.ReaderAt, size int64, name string) (*Bundle, error) {
	b := &Bundle{Path: name, Bytes: size, from: from, entries: map[string]*zip.File{}}
	if wrong := b.read(); wrong != nil {
		wrong.Bundle = name
		return nil, wrong
	}
	return b, nil
}

// Close closes the file.
func (b *Bundle) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

func (b *Bundle) read() *Error {
	if wrong := b.checkEnd(); wrong != nil {
		return wrong
	}
	archive, err := zip.NewReader(b.from, b.Bytes)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked below, with better words
		return &Error{Err: fmt.Errorf("%w: %w", ErrDamaged, err), Hint: "get it again"}
	}
	names := newNames()
	for _, f := range archive.File {
		if err := names.add(f.Name); err != nil {
			return &Error{Entry: f.Name, Err: err}
		}
		b.entries[f.Name] = f
	}
	if wrong := b.checkLayout(archive.File); wrong != nil {
		return wrong
	}
	if len(archive.File) == 0 || archive.File[0].Name != ManifestName {
		return &Error{Entry: ManifestName, Err: errors.New("it is not the first entry: this is no bundle of weir"), Hint: "weir bundle makes one"}
	}
	if size := archive.File[0].UncompressedSize64; size > maxManifest {
		return &Error{Entry: ManifestName, Err: fmt.Errorf("it has %d bytes, at most %d are possible", size, maxManifest)}
	}
	var text bytes.Buffer
	if err := inflate(context.Background(), &text, archive.File[0]); err != nil {
		return &Error{Entry: ManifestName, Err: err}
	}
	m, wrong := readManifest(text.Bytes())
	if wrong != nil {
		return wrong
	}
	b.Manifest, b.ManifestText = *m, text.Bytes()
	return b.checkEntries()
}

// checkEntries holds the entries against the manifest, and all of them against what a
// file of this size may have.
func (b *Bundle) checkEntries() *Error {
	listed := 1 // the manifest itself
	var total int64
	for _, f := range b.Manifest.Files {
		if !f.Inside {
			if b.entries[f.Path] != nil {
				return &Error{Entry: f.Path, Err: errors.New("it is inside, and the manifest says that it is not")}
			}
			continue
		}
		listed++
		entry := b.entries[f.Path]
		if entry == nil {
			return &Error{Entry: f.Path, Err: errors.New("the manifest lists it, and it is not inside")}
		}
		if entry.UncompressedSize64 != uint64(f.Bytes) {
			return &Error{Entry: f.Path, Err: fmt.Errorf("it has %d bytes, and %d by the manifest", entry.UncompressedSize64, f.Bytes)}
		}
		total += f.Bytes
	}
	if listed != len(b.entries) {
		for name := range b.entries {
			if name != ManifestName && !b.Manifest.inside(name) {
				return &Error{Entry: name, Err: errors.New("it is inside, and the manifest does not list it")}
			}
		}
	}
	if total > freeRatio && total > maxRatio*b.Bytes {
		return &Error{Err: fmt.Errorf("it would unpack to %d bytes, more than %d times its own %d", total, maxRatio, b.Bytes)}
	}
	return nil
}

// Digest is the SHA-256 of the file: "sha256:…".
func (b *Bundle) Digest() (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(b.from, 0, b.Bytes)); err != nil {
		return "", &Error{Bundle: b.Path, Err: err}
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}

// Text is the content of an entry that is part of the script, after a check of its hash.
func (b *Bundle) Text(name string) ([]byte, error) {
	for _, f := range b.Manifest.Files {
		if f.Path == name && f.Inside && !f.IsData() {
			var text bytes.Buffer
			err := b.verified(context.Background(), &text, f)
			return text.Bytes(), err
		}
	}
	return nil, &Error{Bundle: b.Path, Entry: name, Err: fs.ErrNotExist}
}

// Sources are the texts that the script was made of, by their names in the folder source.
func (b *Bundle) Sources() (map[string]string, error) {
	all := map[string]string{}
	for _, f := range b.Manifest.Files {
		if name, isSource := strings.CutPrefix(f.Path, SourceDir+"/"); isSource {
			text, err := b.Text(f.Path)
			if err != nil {
				return nil, err
			}
			all[name] = string(text)
		}
	}
	return all, nil
}

// Unpack writes the data that is inside below dir, which exists and is empty, and checks
// the hashes of all entries. What it has written stays there when it fails. progress is
// told of the bytes of data so far; nil: nobody wants to know.
func (b *Bundle) Unpack(ctx context.Context, dir string, progress func(done int64)) error {
	root, err := os.OpenRoot(dir) // not even a name that was overlooked leads out of it
	if err != nil {
		return fmt.Errorf("unpack %s: %w", b.Path, err)
	}
	defer root.Close()
	var done int64
	for _, f := range b.Manifest.Files {
		switch {
		case !f.Inside:
		case !f.IsData():
			if err := b.verified(ctx, io.Discard, f); err != nil {
				return err
			}
		default:
			before := done
			err := b.unpack(ctx, root, f, func(n int64) {
				if done = before + n; progress != nil {
					progress(done)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Bundle) unpack(ctx context.Context, root *os.Root, f File, progress func(n int64)) error {
	failed := func(err error) error {
		return fmt.Errorf("unpack %s of the bundle %s: %w\n  hint: it takes %d bytes; WEIR_CACHE names another folder for it", f.Path, b.Path, err, b.Manifest.Bytes())
	}
	name := filepath.FromSlash(f.Path)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return failed(err)
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return failed(err)
	}
	err = b.verified(ctx, &counter{to: file, progress: progress}, f)
	if closed := file.Close(); err == nil && closed != nil {
		err = closed
	}
	var wrong *Error
	if err != nil && !errors.As(err, &wrong) && ctx.Err() == nil {
		return failed(err)
	}
	return err
}

// verified writes the content of an entry, and checks its size and hash.
func (b *Bundle) verified(ctx context.Context, to io.Writer, f File) error {
	sum := sha256.New()
	sink := &sinking{to: to}
	err := inflate(ctx, io.MultiWriter(sink, sum), b.entries[f.Path])
	switch {
	case sink.err != nil:
		return sink.err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &Error{Bundle: b.Path, Entry: f.Path, Err: err, Hint: "get it again"}
	}
	if found := fmt.Sprintf("%x", sum.Sum(nil)); found != f.SHA256 {
		return &Error{Bundle: b.Path, Entry: f.Path, Err: fmt.Errorf("its SHA-256 is %s, and %s by the manifest", found, f.SHA256), Hint: "get it again"}
	}
	return nil
}

// sinking tells failures of writing from those of reading.
type sinking struct {
	to  io.Writer
	err error
}

func (s *sinking) Write(p []byte) (n int, err error) {
	n, s.err = s.to.Write(p)
	return n, s.err
}

// inflate writes what an entry has, and no byte more than its header says.
func inflate(ctx context.Context, to io.Writer, entry *zip.File) error {
	from, err := entry.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer from.Close()
	size := int64(entry.UncompressedSize64)
	buffer := make([]byte, 256<<10)
	for written := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := from.Read(buffer)
		if written += int64(n); written > size {
			return fmt.Errorf("it has more than the %d bytes that its header says", size)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
		switch {
		case err == io.EOF && written < size:
			return fmt.Errorf("it has %d bytes, and %d by its header", written, size)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
}

// Sizes of a zip file's parts.
const (
	localSize   = 30 // a local header before its name
	centralSize = 46 // one of the central directory
	endSize     = 22
	end64Size   = 56 // the end of the central directory of zip64
	locatorSize = 20 // and where that is
)

// checkEnd looks at the end of the central directory, before anybody believes it.
func (b *Bundle) checkEnd() *Error {
	none := &Error{Err: errors.New("it is no zip file, or cut off"), Hint: "a bundle is what weir bundle has written; get it again"}
	tail := make([]byte, min(b.Bytes, endSize+locatorSize+end64Size))
	if _, err := b.from.ReadAt(tail, b.Bytes-int64(len(tail))); err != nil && err != io.EOF {
		return &Error{Err: err}
	}
	if len(tail) < endSize {
		return none
	}
	end := tail[len(tail)-endSize:]
	if string(end[:4]) != "PK\x05\x06" {
		return none
	}
	records := uint64(binary.LittleEndian.Uint16(end[10:]))
	if records == 0xffff && len(tail) == endSize+locatorSize+end64Size && string(tail[:4]) == "PK\x06\x06" {
		records = binary.LittleEndian.Uint64(tail[32:])
	}
	if records > maxEntries+1 {
		return &Error{Err: fmt.Errorf("it has %d entries, at most %d are possible", records, maxEntries)}
	}
	return nil
}

// checkLayout holds the file to be just as weir writes it: local headers that say what the
// central directory does, in its order, with nothing before, between, behind or in two of
// them. Then no reader of zip files finds anything else in it.
func (b *Bundle) checkLayout(files []*zip.File) *Error {
	damaged := func(name, format string, args ...any) *Error {
		return &Error{Entry: name, Err: fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...), Hint: "get it again, or make it with weir bundle"}
	}
	var at, central uint64
	for i, f := range files {
		switch {
		case !f.Mode().IsRegular():
			return &Error{Entry: f.Name, Err: fmt.Errorf("it is no regular file (%s): bundles have no links, folders or devices", f.Mode().Type())}
		case f.Method != zip.Deflate || f.Flags != utf8Names || f.Comment != "" || len(f.Extra) > 0 && !isZip64(f.Extra):
			return damaged(f.Name, "method %d, flags %#x, or fields that weir does not write", f.Method, f.Flags)
		case i > 1 && files[i-1].Name >= f.Name:
			return damaged(f.Name, "entries are not sorted")
		case f.CompressedSize64 > uint64(b.Bytes) || f.UncompressedSize64 > maxUnpacked:
			return &Error{Entry: f.Name, Err: fmt.Errorf("it has %d bytes, %d of them in the file: that is not possible", f.UncompressedSize64, f.CompressedSize64)}
		}
		want := header(f.Name, f.CRC32, int64(f.UncompressedSize64), int64(f.CompressedSize64))
		local := make([]byte, localSize+len(f.Name))
		if _, err := b.from.ReadAt(local, int64(at)); err != nil || !bytes.Equal(local, localHeader(&want)) {
			return damaged(f.Name, "its local header is not what the central directory says, or where it belongs")
		}
		at += localSize + uint64(len(f.Name))
		if offset, err := f.DataOffset(); err != nil || uint64(offset) != at {
			return damaged(f.Name, "its content is not behind its header")
		}
		at += f.CompressedSize64
		central += centralSize + uint64(len(f.Name)+len(f.Extra))
	}
	rest := uint64(b.Bytes) - at
	if at > uint64(b.Bytes) || rest != central+endSize && rest != central+endSize+end64Size+locatorSize {
		return damaged("", "there is something before, between or behind its entries")
	}
	return nil
}

// isZip64 tells whether extra fields are that of zip64 alone.
func isZip64(extra []byte) bool {
	return len(extra) >= 4 && binary.LittleEndian.Uint16(extra) == 1 && int(binary.LittleEndian.Uint16(extra[2:])) == len(extra)-4
}

// localHeader is the header of an entry, before its content.
func localHeader(h *zip.FileHeader) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0x04034b50)
	for _, v := range []uint16{h.ReaderVersion, h.Flags, h.Method, epochTime, epochDate} {
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint64{uint64(h.CRC32), h.CompressedSize64, h.UncompressedSize64} {
		b = le.AppendUint32(b, uint32(min(v, 1<<32-1)))
	}
	b = le.AppendUint16(b, uint16(len(h.Name)))
	b = le.AppendUint16(b, 0)
	return append(b, h.Name...)
}
