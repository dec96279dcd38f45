package output

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"weir/runtime/result"
	"weir/runtime/script"
)

// byteOrderMark makes spreadsheet programs read a file as UTF-8.
const byteOrderMark = "\ufeff"

// Column is one column of a table.
type Column struct {
	Name string
	// Decimals is the number of places that numbers are rounded to, 0 to 17;
	// -1: they are not.
	Decimals int
	// Float writes whole numbers with a point, as Python writes floats: 512.0.
	Float bool
}

// Options describe a table's file.
type Options struct {
	Columns   []Column
	BOM       bool        // begin the file with a byte order mark
	EOL       string      // "\r\n" or "\n"
	Exclusive bool        // fail when the file exists
	Mode      fs.FileMode // of a new file, less the process's umask
}

// Csv is a table on disk. The file is not kept open: each row is appended and
// synced, so nothing has to be closed and nothing is lost. Safe for concurrent
// use.
type Csv struct {
	path    string
	options Options

	mu        sync.Mutex // protects the following fields
	rows      []row
	discarded bool // a file of that name is not ours any more
}

// row is a row as it was written.
type row struct {
	values []any // numbers are float64, rounded
	line   string
}

// Create makes the file and writes its head.
func Create(path string, o Options) (*Csv, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("create the table %s: %w", path, err)
	}
	t := &Csv{path: path, options: o}
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if o.Exclusive {
		flag = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	if err := t.append(flag, t.head()); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) {
			os.Remove(path) // of what it has of the head nobody has any use
		}
		return nil, createError(path, err)
	}
	return t, nil
}

func createError(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return &script.ParamError{
			Message: fmt.Sprintf("create %s: the file exists and is not overwritten", path),
			Hint:    "choose another name or delete it; nothing was written",
		}
	}
	hint := "does its folder exist, and may you write there?"
	if spaceHint(err) != "" {
		hint = "free some space, or name a file on another disk"
	}
	return &script.ParamError{Message: fmt.Sprintf("create %s: %v", path, cause(err)), Hint: hint}
}

// spaceHint says what to do about a disk that is full; "" for other errors.
func spaceHint(err error) string {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return ": free some space; what was written before is still there"
	}
	return ""
}

// cause leaves out the operation and path that our own texts have already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (o Options) check() error {
	if len(o.Columns) == 0 {
		return errors.New("it has no columns: give columns: [\"name\", …]")
	}
	if o.EOL != "\r\n" && o.EOL != "\n" {
		return fmt.Errorf("eol is %q: use \"\\r\\n\" or \"\\n\"", o.EOL)
	}
	for _, c := range o.Columns {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Column) check() error {
	if c.Decimals < -1 || c.Decimals > 17 {
		return fmt.Errorf("column %q: decimals is %d: use 0 to 17", c.Name, c.Decimals)
	}
	return nil
}

// Discard takes the file away again when it has no rows: it was made to be sure of it,
// and would be in the way of the next run. With rows it stays.
func (t *Csv) Discard() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) > 0 || t.discarded {
		return nil
	}
	if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", t.path, cause(err))
	}
	t.discarded = true
	return nil
}

// removeHead takes the file away when all that was ever written to it is the head, and
// no file was there before.
func (t *Csv) removeHead() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) > 0 || t.discarded || !t.options.Exclusive {
		return
	}
	if text, err := os.ReadFile(t.path); err == nil && string(text) == t.head() {
		_ = os.Remove(t.path) // at the end of the run; what cannot be removed stays
	}
}

// Path is the path of the file as given.
func (t *Csv) Path() string { return t.path }

// Len is the number of rows.
func (t *Csv) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows)
}

// Table is what the table has: its columns, and its rows as they were written, numbers
// rounded. The caller may keep both, and must not change them.
func (t *Csv) Table() ([]Column, [][]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make([][]any, len(t.rows))
	for i, r := range t.rows {
		rows[i] = r.values
	}
	return t.options.Columns, rows
}

// Row appends a row: one value a column, each a string, bool, int64, float64 or
// nil. It is on disk when Row returns.
func (t *Csv) Row(values []any) error {
	if len(values) != len(t.options.Columns) {
		return fmt.Errorf("write a row to %s: it has %d values and the table %d columns", t.path, len(values), len(t.options.Columns))
	}
	written := row{values: make([]any, len(values))}
	cells := make([]string, len(values))
	for i, v := range values {
		var err error
		if written.values[i], cells[i], err = t.options.Columns[i].cell(v); err != nil {
			return fmt.Errorf("write a row to %s: column %q: %w", t.path, t.options.Columns[i].Name, err)
		}
	}
	written.line = quoteRow(cells, t.options.EOL)

	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.append(os.O_WRONLY|os.O_APPEND, written.line); err != nil {
		hint := spaceHint(err)
		if errors.Is(err, fs.ErrNotExist) {
			hint = ": the file was moved or deleted while the script ran"
		}
		return fmt.Errorf("write a row to %s: %w%s", t.path, cause(err), hint)
	}
	t.rows = append(t.rows, written)
	return nil
}

// Sort rewrites the file with its rows sorted; rows that compare equal keep
// their order. compare is called with rows as they were written, numbers
// rounded. nil: as Python sorts tuples, by the first value, then the second, …
func (t *Csv) Sort(compare func(a, b []any) (int, error)) error {
	if compare == nil {
		compare = func(a, b []any) (int, error) { return compareRows(a, b), nil }
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := slices.Clone(t.rows)
	var failed error
	slices.SortStableFunc(rows, func(a, b row) int {
		if failed != nil {
			return 0
		}
		var order int
		order, failed = compare(a.values, b.values)
		return order
	})
	if failed != nil {
		return fmt.Errorf("sort %s: %w", t.path, failed)
	}

	var b strings.Builder
	b.WriteString(t.head())
	for _, row := range rows {
		b.WriteString(row.line)
	}
	info, err := os.Stat(t.path)
	if err != nil {
		return fmt.Errorf("sort %s: %w: the file was moved or deleted while the script ran", t.path, cause(err))
	}
	if err := result.ReplaceFile(t.path, []byte(b.String()), info.Mode().Perm()); err != nil {
		return fmt.Errorf("sort %s: %w", t.path, err)
	}
	t.rows = rows
	return nil
}

// head is what the file begins with.
func (t *Csv) head() string {
	names := make([]string, len(t.options.Columns))
	for i, c := range t.options.Columns {
		names[i] = c.Name
	}
	head := quoteRow(names, t.options.EOL)
	if t.options.BOM {
		return byteOrderMark + head
	}
	return head
}

// append writes text at the end of the file and has it put on disk. When that
// fails half-way (the disk is full), the file is cut back to what it was.
func (t *Csv) append(flag int, text string) (err error) {
	f, err := os.OpenFile(t.path, flag, t.options.Mode)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil && info.Mode().IsRegular() {
		err = f.Sync()
	}
	if err != nil && info.Mode().IsRegular() {
		err = errors.Join(err, f.Truncate(info.Size()))
	}
	return err
}

// cell rounds a value as the column says, and formats it. What is no number
// (null, undefined, NaN) is an empty cell.
func (c Column) cell(v any) (value any, text string, err error) {
	switch v := v.(type) {
	case nil:
		return nil, "", nil
	case string:
		return v, v, nil
	case bool:
		if v {
			return v, "true", nil
		}
		return v, "false", nil
	case int64:
		return c.number(float64(v))
	case float64:
		return c.number(v)
	}
	return nil, "", fmt.Errorf("a %T cannot be written: give a number, a string, a boolean or null", v)
}

func (c Column) number(x float64) (value any, text string, err error) {
	if math.IsNaN(x) {
		return nil, "", nil
	}
	if whole(x) && !c.Float {
		return x, fmt.Sprintf("%.0f", x+0), nil // + 0: no minus in front of zero
	}
	if c.Decimals >= 0 && !math.IsInf(x, 0) {
		x = Round(x, c.Decimals)
	}
	return x, FormatFloat(x), nil
}

// compareRows orders rows as Python orders tuples. Where Python refuses, empty
// cells come before booleans, those before numbers, and those before strings.
func compareRows(a, b []any) int {
	for i := range min(len(a), len(b)) {
		if order := compareValues(a[i], b[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareValues(a, b any) int {
	if order := cmp.Compare(rank(a), rank(b)); order != 0 {
		return order
	}
	switch a := a.(type) {
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return cmp.Compare(a, b.(string))
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	}
	return 0
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case float64:
		return 2
	}
	return 3
}
