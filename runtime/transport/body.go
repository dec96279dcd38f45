package transport

import (
	"errors"
	"io"
	"math"
)

// body finds the content in what comes behind a response head (RFC 9112,
// section 6), in place: what is read from the connection stays where it was
// read, but for the framing between its parts. A stream's events are so small
// that a second buffer, and the calls that fill it, would cost more than them.
//
// It belongs to one goroutine.
type body struct {
	state bodyState
	left  int64 // bytes of the content, or of the chunk, that are still to come
	line  int   // bytes of the chunk's size, of an extension or of the trailer so far
	colon bool  // the line of the trailer has one
	after bool  // something followed the end: the connection cannot be kept
}

type bodyState uint8

const (
	bodyUnknown    bodyState = iota // no head has come
	bodyEnded                       // all of it has come
	bodyUntilClose                  // the end of the connection is its end
	bodyFixed                       // left bytes
	chunkSize                       // in the digits of a chunk's size
	chunkBlank                      // in blanks behind them
	chunkExtension                  // behind a semicolon, up to the end of the line
	chunkSizeLF                     // at the LF of that line
	chunkData                       // left bytes
	chunkDataCR                     // at the CR LF behind them
	chunkDataLF
	trailerStart // at the beginning of a line behind the last chunk
	trailerLine  // inside of one
	trailerLF    // at the LF of an empty line, the end
)

// Lengths of a body, as fasthttp's ResponseHeader gives them.
const (
	lengthChunked = -1
	lengthUnknown = -2
)

// maxFraming bounds a chunk's extension and the trailer, bytes.
const maxFraming = 64 << 10

var errChunks = errors.New("malformed chunk")

// newBody begins a body of a length.
func newBody(length int) body {
	switch {
	case length == 0:
		return body{state: bodyEnded}
	case length > 0:
		return body{state: bodyFixed, left: int64(length)}
	case length == lengthChunked:
		return body{state: chunkSize}
	}
	return body{state: bodyUntilClose}
}

// read reads from src and returns the content in it; io.EOF at the body's end.
func (b *body) read(src io.Reader, p []byte) (int, error) {
	for b.state != bodyEnded {
		n, err := src.Read(p)
		n, bad := b.strip(p[:n])
		switch {
		case n > 0 || bad != nil:
			return n, bad // an error of src comes again
		case err == io.EOF && b.state == bodyUntilClose:
			b.state = bodyEnded
		case err == io.EOF && b.state != bodyEnded:
			return 0, io.ErrUnexpectedEOF
		case err != nil && b.state != bodyEnded:
			return 0, err
		case len(p) == 0:
			return 0, nil
		}
	}
	return 0, io.EOF
}

// strip removes the framing from what has been read, and returns how much
// content is left at the beginning of p.
func (b *body) strip(p []byte) (n int, err error) {
	for i := 0; i < len(p); {
		switch b.state {
		case bodyEnded:
			b.after = true
			return n, nil
		case bodyUntilClose:
			return len(p), nil
		case bodyFixed, chunkData:
			k := int(min(b.left, int64(len(p)-i)))
			if n != i {
				copy(p[n:], p[i:i+k])
			}
			n, i, b.left = n+k, i+k, b.left-int64(k)
			if b.left == 0 && b.state == bodyFixed {
				b.state = bodyEnded
			} else if b.left == 0 {
				b.state = chunkDataCR
			}
		default:
			if !b.step(p[i]) {
				return n, errChunks
			}
			i++
		}
	}
	return n, nil
}

// step takes one byte of the chunks' framing; false: it does not belong there.
func (b *body) step(c byte) bool {
	switch b.state {
	case chunkSize:
		digit := hexDigit(c)
		switch {
		case digit >= 0 && b.left <= math.MaxInt64>>4:
			b.left = b.left<<4 | int64(digit)
			b.line++
		case digit >= 0 || b.line == 0:
			return false
		default:
			return b.behindSize(c)
		}
	case chunkBlank:
		return b.behindSize(c)
	case chunkExtension:
		if b.line++; c == '\r' {
			b.state = chunkSizeLF
		}
		return c != '\n' && b.line < maxFraming
	case chunkSizeLF:
		b.line = 0
		if b.state = chunkData; b.left == 0 {
			b.state = trailerStart
		}
		return c == '\n'
	case chunkDataCR:
		b.state = chunkDataLF
		return c == '\r'
	case chunkDataLF:
		b.state = chunkSize
		return c == '\n'
	case trailerStart:
		b.state, b.colon = trailerLine, false
		if b.line++; c == '\r' {
			b.state = trailerLF
		}
		return b.line < maxFraming
	case trailerLine:
		b.colon = b.colon || c == ':'
		if b.line++; c == '\n' {
			b.state = trailerStart
			return b.colon
		}
		return b.line < maxFraming
	case trailerLF:
		b.state = bodyEnded
		return c == '\n'
	}
	return true
}

// behindSize takes what may follow a chunk's size.
func (b *body) behindSize(c byte) bool {
	b.line++
	switch c {
	case '\r':
		b.state = chunkSizeLF
	case ';':
		b.state = chunkExtension
	case ' ', '\t':
		b.state = chunkBlank
	default:
		return false
	}
	return b.line < maxFraming
}

// hexDigit is the value of a hexadecimal digit, -1 for any other byte.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
