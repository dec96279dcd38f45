package llm

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// cursor reads one JSON text from front to back, without reflection and
// without allocating: what a decoder does not ask for is skipped, checked for
// syntax only. The text is RFC 8259's; numbers come as float64.
type cursor struct {
	b     []byte
	i     int
	depth int
}

// maxDepth bounds nesting: a hostile stream must not exhaust the stack.
const maxDepth = 200

var errJSON = errors.New("not valid JSON")

func (c *cursor) fail(what string) error {
	if c.i >= len(c.b) {
		return fmt.Errorf("%w: it ends in the middle", errJSON)
	}
	return fmt.Errorf("%w: %s at byte %d", errJSON, what, c.i+1)
}

func (c *cursor) space() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
			c.i++
		default:
			return
		}
	}
}

// peek returns the first byte of the next value: '{', '[', '"', 't', 'f', 'n',
// '-' or a digit; 0 at the end.
func (c *cursor) peek() byte {
	c.space()
	if c.i < len(c.b) {
		return c.b[c.i]
	}
	return 0
}

// end checks that nothing follows.
func (c *cursor) end() error {
	if c.peek() != 0 || c.i < len(c.b) {
		return c.fail("more after the value")
	}
	return nil
}

// isObject tells what is wrong with a text that begins with no object.
func (c *cursor) isObject() error {
	if c.peek() != '{' {
		return c.fail("no object")
	}
	return nil
}

// finish checks that nothing follows what has been read without an error.
func (c *cursor) finish(err error) error {
	if err != nil {
		return err
	}
	return c.end()
}

// document reads a text that is one object, see object.
func (c *cursor) document(member func(key []byte) error) error {
	if err := c.isObject(); err != nil {
		return err
	}
	return c.finish(c.object(member))
}

// object reads an object: member is called with the cursor before each value,
// which it must consume. A value that is not an object is skipped.
func (c *cursor) object(member func(key []byte) error) error {
	if c.peek() != '{' {
		return c.skip()
	}
	return c.list('}', func() error {
		if c.peek() != '"' {
			return c.fail("no key")
		}
		from := c.i + 1
		if err := c.skipString(); err != nil {
			return err
		}
		key := c.b[from : c.i-1]
		if c.peek() != ':' {
			return c.fail("no colon")
		}
		c.i++
		return member(key)
	})
}

// array reads an array: element must consume one value each call. A value that
// is not an array is skipped.
func (c *cursor) array(element func() error) error {
	if c.peek() != '[' {
		return c.skip()
	}
	return c.list(']', element)
}

func (c *cursor) list(closing byte, item func() error) error {
	if c.depth++; c.depth > maxDepth {
		return fmt.Errorf("%w: nested more than %d deep", errJSON, maxDepth)
	}
	defer func() { c.depth-- }()
	c.i++
	if c.peek() == closing {
		c.i++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c.peek() {
		case ',':
			c.i++
		case closing:
			c.i++
			return nil
		default:
			return c.fail("no comma")
		}
	}
}

// skip passes over one value of any kind.
func (c *cursor) skip() error {
	switch c.peek() {
	case '{':
		return c.object(func([]byte) error { return c.skip() })
	case '[':
		return c.list(']', c.skip)
	case '"':
		return c.skipString()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	_, err := c.number()
	return err
}

func (c *cursor) literal(word string) error {
	if len(c.b)-c.i < len(word) {
		c.i = len(c.b)
		return c.fail("")
	}
	if string(c.b[c.i:c.i+len(word)]) != word {
		return c.fail("no value")
	}
	c.i += len(word)
	return nil
}

// number reads a number.
func (c *cursor) number() (float64, error) {
	c.space()
	from := c.i
	digits := func() bool {
		start := c.i
		for c.i < len(c.b) && c.b[c.i] >= '0' && c.b[c.i] <= '9' {
			c.i++
		}
		return c.i > start
	}
	has := func(set string) bool {
		for k := 0; k < len(set); k++ {
			if c.i < len(c.b) && c.b[c.i] == set[k] {
				c.i++
				return true
			}
		}
		return false
	}
	has("-")
	if !has("0") && !digits() {
		return 0, c.fail("no value")
	}
	if has(".") && !digits() {
		return 0, c.fail("no digit")
	}
	if has("eE") {
		has("+-")
		if !digits() {
			return 0, c.fail("no digit")
		}
	}
	if text := c.b[from:c.i]; len(text) <= 15 { // the usual: a small count
		n, whole := 0, true
		for _, d := range text {
			if d < '0' || d > '9' {
				whole = false
				break
			}
			n = n*10 + int(d-'0')
		}
		if whole {
			return float64(n), nil
		}
	}
	f, err := strconv.ParseFloat(string(c.b[from:c.i]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, c.fail("no number")
	}
	return f, nil
}

// count reads a number of tokens; null and anything that is no count is 0.
func (c *cursor) count() (int, error) {
	if b := c.peek(); b != '-' && (b < '0' || b > '9') {
		return 0, c.skip()
	}
	f, err := c.number()
	if f < 0 || f > math.MaxInt32 {
		f = 0
	}
	return int(f), err
}

// told consumes a count that need not be told: what is no number leaves both as they are.
func (c *cursor) told(has *bool, n *int) error {
	if b := c.peek(); b != '-' && (b < '0' || b > '9') {
		return c.skip()
	}
	var err error
	*has = true
	*n, err = c.count()
	return err
}

// timing consumes a time in ms that need not be told: what is no number, or below 0, is not.
func (c *cursor) timing(t *timing) error {
	if b := c.peek(); b != '-' && (b < '0' || b > '9') {
		return c.skip()
	}
	ms, err := c.number()
	if err == nil && ms >= 0 && !math.IsInf(ms, 0) {
		*t = timing{ms, true}
	}
	return err
}

// skipString passes over a string.
func (c *cursor) skipString() error {
	for c.i++; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; {
		case b == '"':
			c.i++
			return nil
		case b == '\\':
			c.i++
			if c.i >= len(c.b) {
				return c.fail("")
			}
			switch c.b[c.i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if c.i++; c.i >= len(c.b) || unhex(c.b[c.i]) < 0 {
						return c.fail("bad escape")
					}
				}
			default:
				return c.fail("bad escape")
			}
		case b < ' ':
			return c.fail("bare control character in a string")
		}
	}
	return c.fail("")
}

// text appends the next value to dst when it is a string; any other is skipped.
func (c *cursor) text(dst []byte) ([]byte, error) {
	if c.peek() != '"' {
		return dst, c.skip()
	}
	from := c.i + 1
	if err := c.skipString(); err != nil {
		return dst, err
	}
	return appendUnquoted(dst, c.b[from:c.i-1]), nil
}

// word returns the inside of the next value when it is a string, escapes and
// all, as part of the text; for comparing. Any other value is skipped.
func (c *cursor) word() ([]byte, error) {
	if c.peek() != '"' {
		return nil, c.skip()
	}
	from := c.i + 1
	err := c.skipString()
	if err != nil {
		return nil, err
	}
	return c.b[from : c.i-1], nil
}

// appendUnquoted appends the inside of a checked JSON string without its escapes.
func appendUnquoted(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					pair = utf16.DecodeRune(r, hex4(s[i+3:]))
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

func hex4(s []byte) (r rune) {
	for _, b := range s[:4] {
		r = r<<4 | rune(unhex(b))
	}
	return r
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, as in encoding/json.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
