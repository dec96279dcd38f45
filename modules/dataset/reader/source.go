package reader

import (
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// source is one open file.
type source struct {
	path   string
	in     *input // its text, decompressed, without a byte order mark
	packed string // how it is compressed: "gzip", "zstd", "bzip2", ""
	closes []func()
}

func (s *source) close() {
	for _, c := range s.closes {
		c()
	}
	s.closes = nil
}

// open opens a file, and refuses it when it is no text. Bytes are counted in read
// as they come from the disk.
func open(ctx context.Context, path string, read *atomic.Int64) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, cannotOpen(path, err)
	}
	s := &source{path: path, closes: []func(){func() { _ = file.Close() }}}
	if err := s.unpack(ctx, &counter{file, read}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Bytes that compressed files begin with.
var (
	gzipMagic  = []byte{0x1f, 0x8b}
	zstdMagic  = []byte{0x28, 0xb5, 0x2f, 0xfd}
	bzip2Magic = []byte("BZh")
	mark       = []byte("\xef\xbb\xbf") // the byte order mark of UTF-8
)

// unpack finds out how the file is compressed, and skips a byte order mark.
func (s *source) unpack(ctx context.Context, file io.Reader) error {
	raw := newInput(ctx, file)
	begin := raw.peek(512)
	text := io.Reader(nil)
	var err error
	switch {
	case bytes.HasPrefix(begin, gzipMagic):
		s.packed = "gzip"
		text, err = gzip.NewReader(raw)
	case bytes.HasPrefix(begin, zstdMagic):
		s.packed = "zstd"
		var d *zstd.Decoder
		d, err = zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err == nil {
			text = d
			s.closes = append(s.closes, d.Close)
		}
	case bytes.HasPrefix(begin, bzip2Magic):
		s.packed = "bzip2"
		text = bzip2.NewReader(raw)
	}
	if err != nil {
		return wrong("", "%s: it begins as a %s file, but is damaged: %v", s.path, s.packed, err)
	}
	s.in = raw
	if s.packed != "" {
		s.in = newInput(ctx, text)
	}
	begin = s.in.peek(sniffed)
	if err := refuse(s.path, begin); err != nil {
		return err
	}
	if bytes.HasPrefix(begin, mark) {
		s.in.start += len(mark)
	}
	if _, more := s.in.skipSpace(); more {
		return nil
	}
	if s.in.err != io.EOF {
		return s.failed()
	}
	return wrong("it may not have been downloaded or written completely", "%s: the file is empty", s.path)
}

// peek is up to n bytes of what comes; fewer at the end.
func (in *input) peek(n int) []byte {
	for len(in.rest()) < n && in.fill() {
	}
	return in.rest()[:min(n, len(in.rest()))]
}

// failed is the error that ended the input, for the user.
func (s *source) failed() error {
	err := s.in.err
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	switch {
	case s.packed == "":
		return wrong("", "%s:%d: reading: %v", s.path, s.in.line, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return wrong("it was copied, downloaded or written incompletely: fetch it again",
			"%s: the %s file breaks off, after line %d of its text", s.path, s.packed, s.in.line)
	}
	return wrong("it may have been copied or downloaded incompletely: fetch it again",
		"%s: the %s file is damaged, after line %d of its text: %v", s.path, s.packed, s.in.line, err)
}

func cannotOpen(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return wrong("", "%s: there is no such file or folder", path)
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	return wrong("", "%s: %v", path, err)
}

// counter counts what is read.
type counter struct {
	io.Reader
	read *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// at is a place in a source, for messages.
func (s *source) at() string { return fmt.Sprintf("%s:%d:%d", s.path, s.in.line, s.in.column) }
