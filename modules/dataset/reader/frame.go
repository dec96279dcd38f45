package reader

import "bytes"

const maxDepth = 10_000 // of nesting, as in the JSON library

// frame finds where a JSON value ends, in pieces of any size. It looks at quotes
// and brackets alone; whether what lies between them is JSON must be checked
// afterwards.
type frame struct {
	closers  []byte // that are still to come, the innermost last
	inString bool
	escaped  bool // the last byte of the string so far is a backslash that counts
	scalar   bool // the value is a number or a word
	begun    bool
}

func (f *frame) reset() { *f = frame{closers: f.closers[:0]} }

// next looks at more of the value. It returns how many bytes belong to it, and
// whether it ends with them; ok is false at a bracket that closes what is not open,
// or that is nested too deep. It is then the byte after them.
func (f *frame) next(b []byte) (n int, done, ok bool) {
	for n < len(b) {
		if f.inString {
			n += f.string(b[n:])
			if !f.inString && len(f.closers) == 0 {
				return n, true, true
			}
			continue
		}
		c := b[n]
		switch special[c] {
		case 0:
		case quote:
			if f.scalar {
				return n, true, true
			}
			f.inString = true
		case opens:
			if f.scalar {
				return n, true, true
			}
			if len(f.closers) == maxDepth {
				return n, false, false
			}
			f.closers = append(f.closers, c+2) // in ASCII, ] and } are two after [ and {
		case closes:
			if f.scalar {
				return n, true, true
			}
			last := len(f.closers) - 1
			if last < 0 || f.closers[last] != c {
				return n, false, false
			}
			f.closers = f.closers[:last]
			if last == 0 {
				return n + 1, true, true
			}
		case between:
			if f.scalar {
				return n, true, true
			}
		}
		if !f.begun {
			f.begun = true
			f.scalar = special[c] == 0
		}
		n++
	}
	return n, false, true
}

// tooDeep says whether the bracket at which a value is not ok is nested too deep.
func tooDeep(bracket byte) bool { return special[bracket] == opens }

// string goes to the end of the string, or of b.
func (f *frame) string(b []byte) int {
	from := 0
	for {
		at := bytes.IndexByte(b[from:], '"')
		if at < 0 {
			f.escaped = f.odd(b[from:])
			return len(b)
		}
		odd := f.odd(b[from : from+at])
		f.escaped = false
		from += at + 1
		if !odd {
			f.inString = false
			return from
		}
		if from == len(b) {
			return from
		}
	}
}

// odd says whether an odd number of backslashes stands at the end of b, which
// follows one already if f.escaped.
func (f *frame) odd(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	count := len(b) - n
	if n == 0 && f.escaped {
		count++
	}
	return count%2 == 1
}

const (
	quote = iota + 1
	opens
	closes
	between
)

// special tells the bytes outside of strings at which something begins or ends.
var special = [256]byte{
	'"': quote, '{': opens, '[': opens, '}': closes, ']': closes,
	',': between, ':': between, ' ': between, '\t': between, '\r': between, '\n': between,
}
