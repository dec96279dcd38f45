package jinja

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	eof kind = iota
	text
	blockBegin
	blockEnd
	outputBegin
	outputEnd
	name
	stringLiteral
	number
	operator
)

// token is one piece of a template. value is its text; literal is what a string
// or a number stands for.
type token struct {
	kind    kind
	value   string
	literal any
	line    int
}

func (t token) is(k kind, value string) bool { return t.kind == k && t.value == value }

func (t token) String() string {
	switch t.kind {
	case eof:
		return "end of template"
	case text:
		return "template data"
	case blockBegin:
		return "begin of statement block"
	case blockEnd:
		return "end of statement block"
	case outputBegin:
		return "begin of print statement"
	case outputEnd:
		return "end of print statement"
	}
	return t.value
}

var (
	rawBegin = regexp.MustCompile(`^\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)`)
	numbers  = regexp.MustCompile(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|` +
		`(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)|[1-9](?:_?\d)*|0(?:_?0)*)`)
	// Longer operators first.
	operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}
	closing   = map[string]string{"(": ")", "[": "]", "{": "}"}
)

// lexer cuts a template into tokens. The rules for white space are Jinja2's with
// trim_blocks and lstrip_blocks: a line break behind a block tag goes, and so do
// blanks between the beginning of a line and a block tag or comment; a minus takes
// all white space on its side, a plus keeps it.
type lexer struct {
	src         string
	pos         int
	line        int
	lineStart   bool // what was read last ended with a line break
	tokens      []token
	brackets    []string // that are open within a tag, as what closes them
	afterPeriod bool     // a number behind a period is an index: x.0
}

func lex(src string) []token {
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	for l.pos < len(l.src) {
		l.next()
	}
	l.emit(eof, "", nil)
	return l.tokens
}

func (l *lexer) emit(k kind, value string, literal any) {
	l.tokens = append(l.tokens, token{k, value, literal, l.line})
}

// advance moves on by n bytes.
func (l *lexer) advance(n int) {
	passed := l.src[l.pos : l.pos+n]
	l.line += strings.Count(passed, "\n")
	l.lineStart = strings.HasSuffix(passed, "\n")
	l.pos += n
}

// next reads text up to the next tag, and the tag.
func (l *lexer) next() {
	rest := l.src[l.pos:]
	at := 0
	for ; ; at++ {
		i := strings.IndexByte(rest[at:], '{')
		if i < 0 || at+i+1 >= len(rest) {
			l.emit(text, rest, nil)
			l.advance(len(rest))
			return
		}
		at += i
		if c := rest[at+1]; c == '%' || c == '{' || c == '#' {
			break
		}
	}
	tag := rest[at:]
	sign := byte(0)
	if len(tag) > 2 {
		sign = tag[2]
	}
	data := strip(rest[:at], sign, tag[1] != '{', l.lineStart)
	if data != "" {
		l.emit(text, data, nil)
	}
	l.advance(at)
	begin := 2
	if sign == '-' || sign == '+' {
		begin = 3
	}
	switch tag[1] {
	case '#':
		l.comment(begin)
	case '{':
		l.emit(outputBegin, "", nil)
		l.advance(begin)
		l.inside(outputEnd)
	default:
		if m := rawBegin.FindString(tag); m != "" {
			l.raw(len(m))
			return
		}
		l.emit(blockBegin, "", nil)
		l.advance(begin)
		l.inside(blockEnd)
	}
}

// strip takes away the white space before a tag that the tag does not want.
func strip(data string, sign byte, block, lineStart bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(data, isSpace)
	}
	if sign == '+' || !block {
		return data
	}
	line := strings.LastIndexByte(data, '\n') + 1
	if (line > 0 || lineStart) && strings.TrimFunc(data[line:], isSpace) == "" {
		return data[:line]
	}
	return data
}

func (l *lexer) comment(begin int) {
	line := l.line
	l.advance(begin)
	end := strings.Index(l.src[l.pos:], "#}")
	if end < 0 {
		fail(line, "Missing end of comment tag")
	}
	sign := byte(0)
	if end > 0 {
		sign = l.src[l.pos+end-1]
	}
	l.advance(end + 2)
	l.trim(sign, true)
}

// trim passes over the white space behind a tag that the tag does not want.
func (l *lexer) trim(sign byte, block bool) {
	rest := l.src[l.pos:]
	switch {
	case sign == '-':
		if n := len(rest) - len(strings.TrimLeftFunc(rest, isSpace)); n > 0 {
			l.advance(n)
		}
	case sign != '+' && block && strings.HasPrefix(rest, "\n"):
		l.advance(1)
	}
}

func (l *lexer) raw(begin int) {
	line := l.line
	l.advance(begin)
	rest := l.src[l.pos:]
	m := rawEnd.FindStringSubmatchIndex(rest)
	if m == nil {
		fail(line, "Missing end of raw directive")
	}
	sign := byte(0)
	if m[3] > m[2] {
		sign = rest[m[2]]
	}
	if data := strip(rest[:m[0]], sign, true, l.lineStart); data != "" {
		l.emit(text, data, nil)
	}
	l.advance(m[1])
}

// inside reads the tokens of a tag up to its end.
func (l *lexer) inside(end kind) {
	l.brackets = l.brackets[:0]
	closer, line := "}}", l.line
	if end == blockEnd {
		closer = "%}"
	}
	for {
		rest := strings.TrimLeftFunc(l.src[l.pos:], isSpace)
		l.advance(len(l.src) - l.pos - len(rest))
		if rest == "" {
			fail(line, "unexpected end of template, expected %q for the tag of line %d", closer, line)
		}
		if len(l.brackets) == 0 {
			sign := byte(0)
			if rest[0] == '-' || rest[0] == '+' && end == blockEnd {
				sign = rest[0]
			}
			tag := rest
			if sign != 0 {
				tag = rest[1:]
			}
			if strings.HasPrefix(tag, closer) {
				l.emit(end, "", nil)
				l.advance(len(rest) - len(tag) + 2)
				l.trim(sign, end == blockEnd)
				return
			}
		}
		l.one(rest)
	}
}

// one reads a single token of a tag.
func (l *lexer) one(rest string) {
	period := l.afterPeriod
	l.afterPeriod = false
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case first >= '0' && first <= '9':
		m := numbers.FindString(rest)
		if period { // x.0.1 are two indices, no fraction
			m = rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		}
		l.emit(number, m, numberOf(m, l.line))
		l.advance(len(m))
	case first == '_' || unicode.IsLetter(first):
		n := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		})
		if n < 0 {
			n = len(rest)
		}
		l.emit(name, rest[:n], nil)
		l.advance(n)
	case first == '"' || first == '\'':
		n := stringEnd(rest)
		if n < 0 {
			fail(l.line, "a string is not closed: %s", firstLine(rest))
		}
		l.emit(stringLiteral, rest[:n], unescape(rest[1:n-1], l.line))
		l.advance(n)
	default:
		for _, op := range operators {
			if strings.HasPrefix(rest, op) {
				l.bracket(op)
				l.emit(operator, op, nil)
				l.advance(len(op))
				l.afterPeriod = op == "."
				return
			}
		}
		fail(l.line, "unexpected char %s", quoted(string(first)))
	}
}

// bracket keeps the open brackets: within them }} does not end the tag.
func (l *lexer) bracket(op string) {
	if closer, opens := closing[op]; opens {
		l.brackets = append(l.brackets, closer)
		return
	}
	if op != ")" && op != "]" && op != "}" {
		return
	}
	if len(l.brackets) == 0 {
		fail(l.line, "unexpected '%s'", op)
	}
	top := len(l.brackets) - 1
	if l.brackets[top] != op {
		fail(l.line, "unexpected '%s', expected '%s'", op, l.brackets[top])
	}
	l.brackets = l.brackets[:top]
}

// stringEnd returns the length of the string literal that s begins with, -1 when
// it is not closed.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return -1
}

func numberOf(s string, line int) any {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i
	}
	if i, err := strconv.ParseInt(digits, 10, 64); err == nil { // an index such as 007
		return i
	}
	if f, err := strconv.ParseFloat(digits, 64); err == nil && strings.ContainsAny(digits, ".eE") {
		return f
	}
	fail(line, "the number %s is too large", firstLine(s))
	return nil
}

// unescape reads the escapes of a Python string.
func unescape(s string, line int) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 == len(s) {
			break
		}
		b.WriteString(s[:at])
		c := s[at+1]
		s = s[at+2:]
		if r := strings.IndexByte("abfnrtv\\'\"", c); r >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v\\'\""[r])
			continue
		}
		digits, base := 0, 16
		switch {
		case c == '\n':
			continue
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case c >= '0' && c <= '7':
			s, base = string(c)+s, 8
			for digits < 3 && digits < len(s) && s[digits] >= '0' && s[digits] <= '7' {
				digits++
			}
		default: // Python keeps what it does not know
			b.WriteByte('\\')
			b.WriteByte(c)
			continue
		}
		if digits > len(s) {
			fail(line, `a string has a cut escape \%c`, c)
		}
		r, err := strconv.ParseUint(s[:digits], base, 32)
		if err != nil || r > unicode.MaxRune {
			fail(line, `a string has a broken escape \%c%s`, c, s[:digits])
		}
		b.WriteRune(rune(r)) // half of a surrogate pair becomes U+FFFD
		s = s[digits:]
	}
	b.WriteString(s)
	return b.String()
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// firstLine is the beginning of s, for error texts.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
