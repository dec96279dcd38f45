package reader

import (
	"bytes"
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
	text    *recent
	before  int // lines before the first one that csv reads
	names   []string
	columns map[string]int
}

// newTable reads the head.
func newTable(s *source, comma rune) (*table, error) {
	t := &table{source: s, text: &recent{in: s.in, left: maxRecord}, before: s.in.line - 1}
	if comma == 0 {
		comma = ','
	}
	t.parse(comma)
	names, err := t.csv.Read()
	if err != nil {
		return nil, wrong("leave the format out to have it found out", "%s:%d: the head of the CSV file: %v", s.path, s.in.line, err)
	}
	t.names = slices.Clone(names)
	t.columns = make(map[string]int, len(names))
	for i, name := range t.names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := t.columns[name]; !twice {
			t.columns[name] = i
		}
	}
	return t, nil
}

// parse begins to read at t.text.
func (t *table) parse(comma rune) {
	t.csv = csv.NewReader(t.text)
	t.csv.Comma = comma
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
}

func (t *table) next(r *record) error {
	t.text.forget(t.csv.InputOffset())
	cells, err := t.csv.Read()
	text := bytes.TrimLeft(t.text.until(t.csv.InputOffset()), "\r\n") // without blank lines before it
	r.columns, r.cells, r.raw = t.columns, cells, bytes.TrimRight(text, "\r\n")
	fault, isFault := errors.AsType[*csv.ParseError](err)
	switch {
	case err == errTooLarge:
		return wrong("a quote may be missing before", "%s:%d: broken CSV: the record after this line is larger than 64 MiB", t.path, t.in.line)
	case err == io.EOF && t.in.err == io.EOF:
		return io.EOF
	case isFault && t.csv.Comma == '\t':
		t.unquoted(r, text, fault.StartLine)
	case isFault:
		r.line = t.before + fault.StartLine
		if t.unclosed(fault, text) {
			return wrong("the file may have been copied or downloaded incompletely",
				"%s:%d: broken CSV: the record that begins here has a quote that is not closed", t.path, r.line)
		}
		return reject("broken CSV")
	case err != nil:
		return t.failed()
	default:
		line, _ := t.csv.FieldPos(0)
		r.line = t.before + line
	}
	t.in.line = r.line
	switch {
	case len(r.cells) != len(t.names):
		return reject("not as many columns as the head has")
	case slices.ContainsFunc(r.cells, func(c string) bool { return !utf8.ValidString(c) }):
		return reject("not UTF-8")
	}
	return nil
}

// unclosed says whether a quote that is not closed has swallowed what was left of the
// file, rather than a quote stands where none may.
func (t *table) unclosed(fault *csv.ParseError, text []byte) bool {
	if t.text.more(t.csv.InputOffset()) {
		return false
	}
	for range fault.Line - fault.StartLine {
		_, text, _ = bytes.Cut(text, newline)
	}
	return fault.Column > len(text) || text[fault.Column-1] != '"'
}

// unquoted takes a record of a tab-separated file by its line when its quotes are not
// those of CSV: in many such files quotes are characters like others. The lines that a
// quote may have swallowed are read again, each by itself.
func (t *table) unquoted(r *record, text []byte, line int) {
	r.line = t.before + line
	first, swallowed, _ := bytes.Cut(text, newline)
	if len(swallowed) > 0 {
		t.text.again(t.csv.InputOffset() - int64(len(swallowed)))
		t.before = r.line
		t.parse('\t')
	}
	r.raw = bytes.TrimSuffix(first, []byte{'\r'})
	r.cells = strings.Split(string(r.raw), "\t")
	for i, cell := range r.cells {
		r.cells[i] = withoutQuotes(cell)
	}
}

// withoutQuotes is a cell without the quotes around it, if there are some.
func withoutQuotes(cell string) string {
	n := len(cell)
	if n < 2 || cell[0] != '"' || cell[n-1] != '"' {
		return cell
	}
	inside := cell[1 : n-1]
	if strings.Contains(strings.ReplaceAll(inside, `""`, ""), `"`) {
		return cell
	}
	return strings.ReplaceAll(inside, `""`, `"`)
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
