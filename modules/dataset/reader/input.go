package reader

import (
	"bytes"
	"context"
	"io"
)

const (
	chunk     = 256 << 10 // bytes that are read at once
	maxRecord = 64 << 20  // bytes of a record; larger ones are rejected
)

// input is a buffered reader that lets a whole record be seen where it lies, and
// knows the line it is on. It holds one record and a chunk at most.
type input struct {
	ctx        context.Context
	source     io.Reader
	buffer     []byte
	start, end int   // what has been read and not yet skipped
	err        error // why there is no more; io.EOF at the end
	// Of the byte at start, from 1; column counts bytes.
	line, column int
}

// newInput reads until ctx ends, whose error is then in.err.
func newInput(ctx context.Context, source io.Reader) *input {
	return &input{ctx: ctx, source: source, line: 1, column: 1}
}

// rest is what has been read and not skipped. It is good until the next fill.
func (in *input) rest() []byte { return in.buffer[in.start:in.end] }

// fill reads more after rest. It returns false when there is no more, or reading
// fails: in.err says which.
func (in *input) fill() bool {
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err != nil {
		return false
	}
	if in.end == len(in.buffer) {
		switch {
		case in.start > len(in.buffer)/2:
			in.end = copy(in.buffer, in.rest())
			in.start = 0
		default:
			grown := make([]byte, max(chunk, 2*len(in.buffer)))
			in.end = copy(grown, in.rest())
			in.start, in.buffer = 0, grown
		}
	}
	for range 100 {
		n, err := in.source.Read(in.buffer[in.end:])
		in.end += n
		in.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// skip goes n bytes on in rest.
func (in *input) skip(n int) {
	over := in.rest()[:n]
	if lines := bytes.Count(over, newline); lines > 0 {
		in.line += lines
		in.column = n - bytes.LastIndexByte(over, '\n')
	} else {
		in.column += n
	}
	in.start += n
}

var newline = []byte{'\n'}

// skipSpace skips white space and says what comes then; false at the end.
func (in *input) skipSpace() (byte, bool) {
	for {
		for i, c := range in.rest() {
			if !space(c) {
				in.skip(i)
				return c, true
			}
		}
		in.skip(len(in.rest()))
		if !in.fill() {
			return 0, false
		}
	}
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Read makes an input an io.Reader of what comes next.
func (in *input) Read(p []byte) (int, error) {
	if in.start == in.end && !in.fill() {
		return 0, in.err
	}
	n := copy(p, in.rest())
	in.start += n
	return n, nil
}
