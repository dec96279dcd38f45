package reader

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is the records of a CSV file, whose first line names the columns.
type table struct {
	*source
	csv     *csv.Reader
	limit   *limit
	before  int // lines before the head
	names   []string
	columns map[string]int
}

// limit lets a record not be larger than it may, as a quote that is not closed
// would otherwise read the whole file into memory.
type limit struct {
	io.Reader
	left int
}

var errTooLarge = errors.New("record too large")

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.Reader.Read(p)
	l.left -= n
	return n, err
}

// newTable reads the head.
func newTable(s *source, comma rune) (*table, error) {
	t := &table{source: s, before: s.in.line - 1, limit: &limit{s.in, maxRecord}}
	t.csv = csv.NewReader(t.limit)
	if comma != 0 {
		t.csv.Comma = comma
	}
	t.csv.FieldsPerRecord = -1
	names, err := t.csv.Read()
	if err != nil {
		return nil, wrong("leave the format out to have it found out", "%s:%d: the head of the CSV file: %v", s.path, s.in.line, err)
	}
	t.names = names
	t.columns = make(map[string]int, len(names))
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := t.columns[name]; !twice {
			t.columns[name] = i
		}
	}
	t.csv.ReuseRecord = true
	return t, nil
}

func (t *table) next(r *record) error {
	t.limit.left = maxRecord
	cells, err := t.csv.Read()
	r.columns, r.cells, r.raw = t.columns, cells, nil
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		r.line = t.before + parse.StartLine
		r.raw = []byte(parse.Err.Error())
		// A quote that is not closed has swallowed what was left of the file.
		if parse.Line > parse.StartLine {
			if _, err := t.csv.Read(); err == io.EOF {
				return wrong("the file may have been copied or downloaded incompletely",
					"%s:%d: broken CSV: the record that begins here has a quote that is not closed", t.path, r.line)
			}
		}
		return reject("broken CSV")
	}
	switch {
	case err == errTooLarge:
		return wrong("a quote may be missing before", "%s:%d: broken CSV: the record after this line is larger than 64 MiB", t.path, t.in.line)
	case err == io.EOF && t.in.err == io.EOF:
		return io.EOF
	case err != nil:
		return t.failed()
	}
	line, _ := t.csv.FieldPos(0)
	r.line = t.before + line
	t.in.line = r.line
	switch {
	case len(cells) != len(t.names):
		return reject("not as many columns as the head has")
	case slices.ContainsFunc(cells, func(c string) bool { return !utf8.ValidString(c) }):
		return reject("not UTF-8")
	}
	return nil
}

// begins is how a record begins, for the list of rejected ones.
func (r *record) begins() []byte {
	if r.raw == nil {
		return []byte(strings.Join(r.cells, ","))
	}
	return r.raw
}

// separator finds out what stands between the columns of a head; 0: nothing does.
func separator(head string) rune {
	best, most := rune(0), 0
	for _, c := range ",;\t" {
		if n := strings.Count(head, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}
