package reader

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	looked   = 1 << 20 // bytes at the begin by which a format is recognised, if a record ends there
	lookedAt = 20      // records
	txt      = ".txt"  // the ending of the names of files that are text if nothing says otherwise
)

// layout is how records lie in a file.
type layout int

const (
	jsonList   layout = iota // [{…}, {…}]
	jsonValues               // {…} {…}, each over several lines
	jsonLines                // {…} a line
	csvTable                 // a head, and a record a line
	textLines                // anything else
)

var layoutNames = []string{"a JSON list", "JSON", "JSONL", "CSV", "text"}

// open opens the next file, and finds out the format if it is not known yet.
func (f *File) open() error {
	path := f.paths[0]
	several := len(f.paths) > 1
	s, err := open(f.ctx, path, &f.read)
	if err != nil {
		return err
	}
	f.source = s
	if f.format == nil {
		if err := f.recognise(s); err != nil {
			return err
		}
		if several && !f.format.folder {
			return f.single()
		}
		if err := f.useless(path); err != nil {
			return err
		}
		f.rows = f.format.rows(&f.options)
	}
	f.paths = f.paths[1:]
	f.record = record{path: path}
	f.records, err = f.layOut(s)
	return err
}

// layOut makes the reader of a file's records.
func (f *File) layOut(s *source) (records, error) {
	is := shape(s)
	switch f.format.layout {
	case textLines:
		return &lines{source: s}, nil
	case csvTable:
		return f.table(s)
	}
	switch is {
	case jsonList, jsonValues:
		return &values{source: s, list: is == jsonList}, nil
	case jsonLines:
		return &lines{source: s, json: true}, nil
	}
	return nil, wrong("leave the format out to have it found out", "%s: this is no JSON, as %s is: it begins with %q", s.path, f.format.Name, cut(s.in.peek(60)))
}

// table opens a CSV file, and looks for the columns that the format needs.
func (f *File) table(s *source) (records, error) {
	t, err := newTable(s, separator(string(firstLine(s.in.peek(looked)))))
	if err != nil {
		return nil, err
	}
	for meaning, column := range f.options.Fields {
		if (&record{columns: t.columns}).column(column) < 0 {
			return nil, wrong("the columns are "+quoted(t.names), "%s:%d: there is no column %q, which is to be the %s", s.path, s.in.line, column, meaning)
		}
	}
	if len(f.format.fits(&record{columns: t.columns, cells: t.names}, &f.options)) == 0 {
		return nil, wrong(f.format.Name+" needs "+f.format.needs, "%s:%d: the columns are %s", s.path, s.in.line, quoted(t.names))
	}
	if timed := (&record{columns: t.columns}); f.format.Name == "csv" && f.options.TimeUnit > 0 && timed.usual("timestamp", &f.options) == "" && timed.usual("delay", &f.options) == "" {
		return nil, f.noUse(s.path, "timeUnit", "is the unit of times, and the columns are "+quoted(t.names))
	}
	return t, nil
}

// shape looks at how the records lie.
func shape(s *source) layout {
	switch begin := s.in.peek(looked); {
	case begin[0] == '[':
		return jsonList
	case begin[0] == '{':
		return shapeOfObjects(s)
	case separator(string(firstLine(begin))) != 0:
		return csvTable
	}
	return textLines
}

// shapeOfObjects tells JSONL from objects over several lines: it is JSONL if the
// first line is an object, or if what begins there is broken anyway, as then
// the next line is where to go on.
func shapeOfObjects(s *source) layout {
	for n := looked; ; n *= 4 {
		begin := s.in.peek(n)
		line := firstLine(begin)
		if len(line) < len(begin) || len(begin) < n {
			if jsontext.Value(line).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
				return jsonLines
			}
			d := jsontext.NewDecoder(bytes.NewReader(begin), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
			_, err := d.ReadValue()
			if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				return jsonValues
			}
			return jsonLines
		}
		if n > maxRecord {
			return jsonLines
		}
	}
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, newline)
	return line
}

// recognise chooses the format.
func (f *File) recognise(s *source) error {
	if f.options.Format != "" {
		f.format, f.why = named(f.options.Format), "as asked"
		return nil
	}
	switch is := shape(s); is {
	case csvTable, textLines:
		return f.recogniseText(s, is)
	default:
		return f.recogniseJSON(s, is)
	}
}

// recogniseText tells CSV, by its head, from text.
func (f *File) recogniseText(s *source, is layout) error {
	head := string(bytes.TrimSpace(firstLine(s.in.peek(looked))))
	if !utf8.ValidString(head) {
		return wrong("convert it to UTF-8: iconv -f GB18030 -t UTF-8 "+filepath.Base(s.path)+" > data.txt", "%s:%d: the text is not UTF-8", s.path, s.in.line)
	}
	ending := filepath.Ext(bare(s.path))
	// The head alone, in a source of its own: nothing is used up.
	only := &source{path: s.path, in: newInput(f.ctx, strings.NewReader(head+"\n"))}
	t, err := newTable(only, separator(head))
	if err == nil {
		var fit []*format
		for i := range formats {
			if c := &formats[i]; c.layout == csvTable && len(c.match(&record{columns: t.columns, cells: t.names}, &f.options)) > 0 {
				fit = append(fit, c)
			}
		}
		if len(fit) > 0 {
			f.choose(fit, "CSV with the columns "+quoted(fit[0].match(&record{columns: t.columns, cells: t.names}, &f.options)))
			return nil
		}
		if is == csvTable && ending != txt || ending == ".csv" || ending == ".tsv" {
			return wrong(`name the column of the prompts (fields: {prompt: "…"}), or the format "text" if each line is a prompt`,
				"%s:%d: the columns %s are of no known format", s.path, s.in.line, quoted(t.names))
		}
	}
	if ending == txt {
		f.takeText()
		return nil
	}
	return wrong(`if each line is a prompt, say format "text"`, "%s: this is text of no known format: it begins with %q", s.path, cut([]byte(head)))
}

// takeText takes each line as a prompt.
func (f *File) takeText() {
	f.format, f.why = named("text"), "lines of text, in a file whose name ends in .txt"
}

// recogniseJSON looks at the first records.
func (f *File) recogniseJSON(s *source, is layout) error {
	isText := filepath.Ext(bare(s.path)) == txt // unless most of its records are objects
	var seen []*record
	var bad int
	for n := looked; ; n *= 4 {
		begin := s.in.peek(n)
		whole := len(begin) < n
		seen, bad = f.firstRecords(begin, s, is, whole)
		if len(seen) > 0 || whole || n > 2*maxRecord || isText && bad > 0 {
			break
		}
	}
	if isText && bad > len(seen) {
		f.takeText()
		return nil
	}
	if len(seen) == 0 {
		return f.noRecord(s, is)
	}
	var fit []*format
	for i := range formats {
		c := &formats[i]
		if c.layout == csvTable || c.layout == textLines {
			continue
		}
		count := 0
		for _, r := range seen {
			if len(c.match(r, &f.options)) > 0 {
				count++
			}
		}
		if count > 0 && 2*count >= len(seen) {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return f.unknownFields(s, is, seen)
	}
	for _, r := range seen {
		if marks := fit[0].match(r, &f.options); len(marks) > 0 {
			f.choose(fit, layoutNames[is]+" whose records have "+quoted(marks))
			break
		}
	}
	return nil
}

// choose takes the first one, which is the most specific.
func (f *File) choose(fit []*format, by string) {
	f.format = fit[0]
	f.why += by
	if len(fit) > 1 {
		var others []string
		for _, other := range fit[1:] {
			others = append(others, other.Name)
		}
		f.why += "; " + strings.Join(others, " and ") + " would fit, too, but " + fit[0].Name + " says more"
	}
}

// firstRecords are the good ones among the first, and how many are bad. whole: begin
// is all of the file, so that a last one that breaks off is bad, too.
func (f *File) firstRecords(begin []byte, s *source, is layout, whole bool) (seen []*record, bad int) {
	copied := &source{path: s.path, in: newInput(f.ctx, bytes.NewReader(begin))}
	var from records = &values{source: copied, list: is == jsonList}
	if is == jsonLines {
		from = &lines{source: copied, json: true}
	}
	for range lookedAt {
		var r record
		err := from.next(&r)
		if _, rejected := errors.AsType[reject](err); rejected {
			bad++
			continue
		}
		if err != nil {
			if err != io.EOF && whole {
				bad++
			}
			break
		}
		r.raw = bytes.Clone(r.raw)
		r.object.parse(r.raw)
		seen = append(seen, &r)
	}
	return seen, bad
}
