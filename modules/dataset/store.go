package dataset

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
)

// inMemory is how many bytes of a store are kept in memory. What comes after
// them is kept in a file.
const inMemory = 32 << 20

// store keeps blobs: the first in memory, all others in a temporary file that
// has no name any more, so that it is gone with the process, or as soon as
// nothing refers to the store. What is read again and again stays in the
// kernel's page cache; it is given up when the machine needs its memory. A store
// may be used by several goroutines.
type store struct {
	what  string // for errors
	limit int64  // bytes in memory

	mu     sync.Mutex // protects the following fields, and file from being made twice
	memory int64      // bytes in memory
	file   *os.File   // nil until it is needed; closed by the garbage collector
	end    int64      // of what is in the file, or being written to it
}

// newStore makes a store of what: "media", "prompts".
func newStore(what string) *store { return &store{what: what, limit: inMemory} }

// blob is a piece of a store.
type blob struct {
	memory []byte // nil: in the file
	file   *os.File
	offset int64
	length int
}

// put keeps a copy of b.
func (s *store) put(b []byte) (blob, error) {
	n := int64(len(b))
	s.mu.Lock()
	if s.memory+n <= s.limit {
		s.memory += n
		s.mu.Unlock()
		return blob{memory: slices.Clone(b), length: len(b)}, nil
	}
	if s.file == nil {
		var err error
		if s.file, err = unnamedFile(); err != nil {
			s.mu.Unlock()
			return blob{}, s.fileError(err)
		}
	}
	at := blob{file: s.file, offset: s.end, length: len(b)}
	s.end += n
	s.mu.Unlock()
	if _, err := at.file.WriteAt(b, at.offset); err != nil {
		return blob{}, s.fileError(err)
	}
	return at, nil
}

// unnamedFile makes a file in the folder for temporary ones and takes its name away.
func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "weir-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// fileError says what to do about a file that cannot be written.
func (s *store) fileError(err error) error {
	hint := "they take more than %d MB, and the rest goes to a temporary file: set TMPDIR to a folder that can be written to"
	if errors.Is(err, syscall.ENOSPC) {
		hint = "they take more than %d MB, and the rest goes to a temporary file: set TMPDIR to a folder with more room, or make fewer or smaller ones"
	}
	return fmt.Errorf("keep "+s.what+": %w ("+hint+")", err, inMemory>>20)
}

// appendTo appends the blob to dst.
func (b *blob) appendTo(dst []byte) ([]byte, error) {
	if b.memory != nil || b.length == 0 {
		return append(dst, b.memory...), nil
	}
	n := len(dst)
	dst = slices.Grow(dst, b.length)[:n+b.length]
	if _, err := b.file.ReadAt(dst[n:], b.offset); err != nil {
		return dst[:n], fmt.Errorf("read from the temporary file: %w", err)
	}
	return dst, nil
}
