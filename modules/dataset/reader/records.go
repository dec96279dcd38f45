package reader

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// record is one entry of a file, before it is known what it says.
type record struct {
	path string
	line int // it begins on
	raw  []byte

	object object // of JSON

	// Of CSV: cells, and which column has a name (in small letters; others are added).
	cells   []string
	columns map[string]int
}

// get is the value of a member, or of a column; nil if there is none, it is null,
// or the cell is empty.
func (r *record) get(name string) []byte {
	if name == "" {
		return nil
	}
	if r.columns == nil {
		return r.object.get(name)
	}
	if i := r.column(name); i >= 0 && i < len(r.cells) && r.cells[i] != "" {
		return []byte(r.cells[i])
	}
	return nil
}

// column is the number of the column with a name, whose letters may be small or
// large; -1: there is none.
func (r *record) column(name string) int {
	i, known := r.columns[name]
	if !known {
		i = -1
		if small, ok := r.columns[strings.ToLower(name)]; ok {
			i = small
		}
		r.columns[name] = i // the next time is quicker
	}
	return i
}

// list is a member that must be a list.
func (r *record) list(name string) ([]byte, error) {
	switch value := r.get(name); {
	case value == nil:
		return nil, reject(`"` + name + `" is missing`)
	case !isArray(value):
		return nil, reject(`"` + name + `" is not a list`)
	default:
		return value, nil
	}
}

// text is the text of a member or column. missing: there is none, or it is null;
// an error if it is something else than text.
func (r *record) text(name string) (text string, missing bool, err error) {
	value := r.get(name)
	switch {
	case value == nil:
		return "", true, nil
	case r.columns != nil:
		return string(value), false, nil
	case !isString(value):
		return "", false, reject(`"` + name + `" is not text`)
	}
	return unquote(value), false, nil
}

// records are those of one file, one after another.
type records interface {
	// next fills in a record, whose bytes are good until the next call. io.EOF: there
	// is none; a reject: it is no good, but others may come; any other error ends the
	// reading.
	next(*record) error
}

// lines are records of one line each.
type lines struct {
	*source
	json bool // check them, and take them apart
}

func (l *lines) next(r *record) error {
	for {
		raw, err := l.line()
		r.line = l.in.line
		if raw != nil {
			l.in.skip(len(raw))
		}
		r.raw = bytes.TrimRight(raw, "\r\n")
		if err != nil {
			if reason, ok := err.(reject); ok {
				r.raw = bytes.Clone(r.raw)
				l.skipLine()
				return reason
			}
			return err
		}
		inside := bytes.TrimSpace(r.raw)
		if len(inside) == 0 {
			continue
		}
		if l.json {
			r.raw = inside
			return r.parse()
		}
		return nil
	}
}

// line is the line that comes, with its end. When it is too long, it is its begin,
// and a reject.
func (l *lines) line() ([]byte, error) {
	seen := 0
	for {
		rest := l.in.rest()
		if i := bytes.IndexByte(rest[seen:], '\n'); i >= 0 {
			if seen+i > maxRecord {
				return rest[:keptCharacters*4], tooLarge
			}
			return rest[:seen+i+1], nil
		}
		seen = len(rest)
		if seen > maxRecord {
			return rest[:keptCharacters*4], tooLarge
		}
		if !l.in.fill() {
			switch rest = l.in.rest(); {
			case l.in.err != io.EOF:
				return nil, l.failed()
			case len(rest) == 0:
				return nil, io.EOF
			default:
				return rest, nil
			}
		}
	}
}

// skipLine goes on to the next line.
func (l *lines) skipLine() {
	for {
		if i := bytes.IndexByte(l.in.rest(), '\n'); i >= 0 {
			l.in.skip(i + 1)
			return
		}
		l.in.skip(len(l.in.rest()))
		if !l.in.fill() {
			return
		}
	}
}

const (
	tooLarge      = reject("larger than 64 MiB")
	nestedTooDeep = reject("nested more than 10,000 deep")
)

// parse takes JSON apart.
func (r *record) parse() error {
	if err := checkJSON(r.raw); err != nil {
		return err
	}
	if !r.object.parse(r.raw) {
		return reject("not an object")
	}
	return nil
}

// values are JSON values, either in a list, or one after another.
type values struct {
	*source
	list  bool
	begun bool
	frame frame
	count int
}

func (v *values) next(r *record) error {
	c, more := v.in.skipSpace()
	if v.list && more && !v.begun {
		v.begun = true
		v.in.skip(1) // the bracket
		c, more = v.in.skipSpace()
	} else if v.list && more {
		switch c {
		case ',':
			v.in.skip(1)
			c, more = v.in.skipSpace()
		case ']':
		case '}':
			return wrong("", "%s: broken JSON: this bracket closes nothing", v.at())
		default:
			return wrong("", "%s: broken JSON: a comma is missing before the record that begins here", v.at())
		}
	}
	switch {
	case !more && v.in.err != io.EOF:
		return v.failed()
	case !more && v.list:
		return v.breaksOff("the list is not closed", v.count)
	case !more:
		return io.EOF
	case v.list && c == ']':
		return v.end()
	case c == ',' || c == ':' || c == ']' || c == '}':
		return wrong("", "%s: broken JSON: %q stands where a record should begin", v.at(), c)
	}
	v.count++
	r.line = v.in.line
	var err error
	if r.raw, err = v.value(); err != nil {
		return err
	}
	return r.parse()
}

// value is the JSON value that comes, and skips it.
func (v *values) value() ([]byte, error) {
	v.frame.reset()
	line, seen, total := v.in.line, 0, 0
	var begin []byte // of one that is too large
	for {
		n, done, ok := v.frame.next(v.in.rest()[seen:])
		seen += n
		total += n
		switch {
		case !ok:
			bracket := v.in.rest()[seen]
			v.in.skip(seen)
			if tooDeep(bracket) {
				return nil, wrong("take it out of the file", "%s: the record that begins at line %d is %s", v.at(), line, nestedTooDeep)
			}
			return nil, wrong("a quote or a bracket is missing in that record, or there is one too many",
				"%s: broken JSON: %q does not fit the brackets of the record that begins at line %d", v.at(), bracket, line)
		case done && total > maxRecord:
			if begin == nil {
				begin = bytes.Clone(v.in.rest()[:keptCharacters*4])
			}
			v.in.skip(seen)
			return begin, tooLarge
		case done:
			raw := v.in.rest()[:seen]
			v.in.skip(seen)
			return raw, nil
		}
		if total > maxRecord {
			if begin == nil {
				begin = bytes.Clone(v.in.rest()[:keptCharacters*4])
			}
			v.in.skip(seen)
			seen = 0
		}
		if v.in.fill() {
			continue
		}
		switch {
		case v.in.err != io.EOF:
			return nil, v.failed()
		case v.frame.scalar && !v.list:
			raw := v.in.rest()[:seen]
			v.in.skip(seen)
			return raw, nil
		}
		v.in.skip(seen)
		return nil, v.breaksOff(fmt.Sprintf("the record that begins at line %d is not closed", line), v.count-1)
	}
}

// breaksOff is the error of a file that ends in the middle.
func (v *values) breaksOff(what string, before int) error {
	return wrong("it was copied, downloaded or written incompletely; otherwise a quote or a bracket is missing there",
		"%s: the JSON file breaks off: %s; records before: %d", v.at(), what, before)
}

// end is the end of a list: nothing may follow.
func (v *values) end() error {
	at := v.at()
	v.in.skip(1)
	if _, more := v.in.skipSpace(); more {
		return wrong("", "%s: broken JSON: the list ends here, but more follows", at)
	}
	if v.in.err != io.EOF {
		return v.failed()
	}
	v.list = false // so that the next call ends, too
	return io.EOF
}
