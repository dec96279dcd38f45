package reader

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Options say how a file is to be understood. The zero value finds everything out.
type Options struct {
	// Format is the name of one of Formats; "" or "auto": it is found out from the
	// content.
	Format string
	// InputOnly is for Alpaca: the prompt is "input" alone, as benchmark_serving.py has
	// it. Otherwise it is the instruction and the input, those that are not empty,
	// with a line break between them, as ModelLink has it.
	InputOnly bool
	// FirstExchange is for ShareGPT: the first two turns of a conversation alone,
	// whatever their roles are and whatever follows, as benchmark_serving.py and vLLM
	// have it. Otherwise whole conversations, whose roles must take turns.
	FirstExchange bool
	// Fields are for the formats csv and custom: names of the columns or members that
	// stand for "prompt", "output", "system", "output_tokens", "prompt_tokens",
	// "timestamp", "session", "delay".
	Fields map[string]string
	// TimeUnit is that of timestamps that are numbers; 0: the format's own.
	TimeUnit time.Duration
	// BlockSize is how many tokens a hash id of a trace stands for, where the file does
	// not say it; 0: the format's own.
	BlockSize int
	// Length chooses the file <Length>.json of a folder of prompts of fixed lengths.
	Length int
}

// File is an open file, or several of a folder, that is read to its end once. Its
// methods may be called from one goroutine at a time, but for Progress.
type File struct {
	options Options
	format  *format
	why     string
	rows    func(*record, *batch) error

	paths    []string // that are still to be opened
	source   *source
	records  records
	record   record
	batch    batch
	failed   error
	returned int
	rejected rejections

	read atomic.Int64
	size int64
}

// Open opens a file, or a folder, and finds out its format.
func Open(path string, o Options) (*File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &File{options: o}
	f.batch.file = f
	err := f.find(path)
	if err == nil {
		err = f.open()
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Meanings are what Options.Fields can name.
var meanings = []string{"prompt", "output", "system", "output_tokens", "prompt_tokens", "timestamp", "session", "delay"}

func (o *Options) check() error {
	if o.Format == "auto" {
		o.Format = ""
	}
	if o.Format != "" && named(o.Format) == nil {
		return wrong("the formats are "+strings.Join(names(), ", "), "%q is no format of datasets or traces", o.Format)
	}
	for meaning := range o.Fields {
		if !slices.Contains(meanings, meaning) {
			return wrong("fields can name what stands for "+strings.Join(meanings, ", "), "fields: %q is unknown", meaning)
		}
	}
	if len(o.Fields) > 0 && o.Format != "" && o.Format != "csv" && o.Format != "custom" {
		return wrong("leave one of the two out: the fields of other formats are known", "fields are for the formats csv and custom, not for %s", o.Format)
	}
	if o.TimeUnit < 0 || o.BlockSize < 0 || o.Length < 0 {
		return wrong("", "the time unit, the block size and the length must not be negative")
	}
	return nil
}

// Format is the name of the file's format.
func (f *File) Format() string { return f.format.Name }

// Why says in words by what the format was recognised.
func (f *File) Why() string { return f.why }

// Rows is how many rows Next has returned.
func (f *File) Rows() int { return f.returned }

// Progress is how many bytes have been read from the disk, and how many there are;
// size is 0 if that is not known. It may be called from any goroutine.
func (f *File) Progress() (read, size int64) { return f.read.Load(), f.size }

// Rejected lists what was left out so far by reason, the most frequent first.
func (f *File) Rejected() []Rejection {
	all := make([]Rejection, 0, len(f.rejected.by))
	for _, r := range f.rejected.by {
		copied := *r
		copied.First = slices.Clone(r.First)
		all = append(all, copied)
	}
	slices.SortFunc(all, func(a, b Rejection) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return all
}

// Next reads the next row into *r, of which nothing is left. It returns io.EOF at
// the end. Any other error ends the reading, and is returned again by further
// calls; the rows before it are good.
func (f *File) Next(r *Row) error {
	for {
		if f.batch.next < len(f.batch.rows) {
			*r = f.batch.rows[f.batch.next]
			f.batch.rows[f.batch.next] = Row{} // it holds no texts any longer
			f.batch.next++
			f.returned++
			return nil
		}
		*r = Row{}
		if f.failed != nil {
			return f.failed
		}
		f.batch.reset()
		f.failed = f.more()
	}
}

// more turns the next record into rows, or counts it as rejected.
func (f *File) more() error {
	if f.records == nil {
		if len(f.paths) == 0 {
			return io.EOF
		}
		if err := f.open(); err != nil {
			return err
		}
	}
	err := f.records.next(&f.record)
	if err == nil {
		err = f.rows(&f.record, &f.batch)
	}
	if reason, ok := errors.AsType[reject](err); ok {
		f.rejected.add(string(reason), f.record.path, f.record.line, f.record.begins())
		return nil
	}
	if err == io.EOF {
		f.source.close()
		f.source, f.records = nil, nil
		return nil
	}
	return err
}

// Close ends the reading.
func (f *File) Close() error {
	if f.source != nil {
		f.source.close()
		f.source, f.records = nil, nil
	}
	f.paths = nil
	if f.failed == nil {
		f.failed = io.EOF
	}
	return nil
}

// batch is the rows of one record.
type batch struct {
	file *File
	rows []Row
	next int
}

func (b *batch) reset() {
	b.rows, b.next = b.rows[:0], 0
	if cap(b.rows) > 1000 {
		b.rows = nil
	}
}

// add makes a row of the record.
func (b *batch) add(r *record) *Row {
	b.rows = append(b.rows, Row{Path: r.path, Line: r.line})
	return &b.rows[len(b.rows)-1]
}

// drop takes the last row back.
func (b *batch) drop() { b.rows = b.rows[:len(b.rows)-1] }

// reject counts a part of a record that is no good.
func (b *batch) reject(err error, path string, line int, text []byte) {
	b.file.rejected.add(err.Error(), path, line, text)
}
