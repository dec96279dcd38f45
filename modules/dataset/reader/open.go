package reader

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
)

// File is an open file, or several of a folder, that is read to its end once. Its
// methods may be called from one goroutine at a time, but for Progress.
type File struct {
	ctx     context.Context
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
	names    names // of models and kinds

	read atomic.Int64
	size int64
}

// Open opens a file, or a folder, and finds out its format. When ctx ends, Open and Next
// soon return its error. Pipes and devices, which could keep them waiting, are refused.
func Open(ctx context.Context, path string, o Options) (*File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &File{ctx: ctx, options: o, names: names{}}
	f.batch.file = f
	err := f.find(path)
	if err == nil {
		err = f.open()
	}
	if err != nil {
		_ = f.Close()
		return nil, f.ended(err)
	}
	return f, nil
}

// ended is ctx's error if there is one, and err otherwise.
func (f *File) ended(err error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	return err
}

// Format is the name of the file's format.
func (f *File) Format() string { return f.format.Name }

// Why says in words by what the format was recognised.
func (f *File) Why() string { return f.why }

// Rows is how many rows Next has returned.
func (f *File) Rows() int { return f.returned }

// Progress is how many bytes have been read from the disk, and how many there are. It
// may be called from any goroutine.
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
// the end, and ctx's error when that has ended. Any error ends the reading, and is
// returned again by further calls; the rows before it are good.
func (f *File) Next(r *Row) error {
	for {
		if f.batch.next < len(f.batch.rows) {
			*r = f.batch.rows[f.batch.next]
			f.batch.rows[f.batch.next] = Row{} // it holds no texts any longer
			f.batch.next++
			f.returned++
			f.names.same(&r.Model)
			f.names.same(&r.Kind)
			return nil
		}
		*r = Row{}
		if f.failed != nil {
			return f.failed
		}
		f.batch.reset()
		if f.failed = f.ctx.Err(); f.failed != nil {
			continue
		}
		if f.failed = f.more(); f.failed != nil && f.failed != io.EOF {
			f.failed = f.ended(f.failed)
		}
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
		f.rejected.add(string(reason), f.record.path, f.record.line, f.record.raw)
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
