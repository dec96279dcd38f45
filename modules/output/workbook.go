package output

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Workbook is a file of spreadsheets (.xlsx, Office Open XML). There is no file until
// it has a sheet; from then on each change replaces it as a whole. Safe for concurrent
// use.
type Workbook struct {
	path      string
	exclusive bool
	mode      fs.FileMode

	mu      sync.Mutex // protects the following fields
	sheets  []sheet
	written bool // the file is ours
}

// sheet is a table that has been checked.
type sheet struct {
	name    string
	columns []Column
	rows    [][]cell
}

// cell is a value, rounded, and how it is shown. value is nil, a string, bool or float64.
type cell struct {
	value any
	text  string
}

// NewWorkbook makes sure that the file can be written, and with exclusive that there is
// none yet. mode is that of a new file, less the process's umask.
func NewWorkbook(path string, exclusive bool, mode fs.FileMode) (*Workbook, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && exclusive:
		return nil, createError(path, fs.ErrExist)
	case err == nil && info.IsDir():
		return nil, createError(path, errors.New("it is a folder"))
	case err == nil && !info.Mode().IsRegular():
		return &Workbook{path: path, mode: mode}, nil
	}
	trial, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, createError(path, err)
	}
	if err := errors.Join(trial.Close(), os.Remove(trial.Name())); err != nil {
		return nil, createError(path, err)
	}
	return &Workbook{path: path, exclusive: exclusive, mode: mode}, nil
}

// Path is the path of the file as given.
func (w *Workbook) Path() string { return w.path }

// Sheet adds a sheet, or replaces the one of that name. Columns and values are those of
// a Csv, which writes them as text; here numbers stay numbers. The file is on disk with
// all its sheets when Sheet returns; when it fails, it is what it was.
func (w *Workbook) Sheet(name string, columns []Column, rows [][]any) error {
	s, err := newSheet(name, columns, rows)
	if err != nil {
		return fmt.Errorf("write sheet %q of %s: %w", name, w.path, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	sheets := slices.Clone(w.sheets)
	// Spreadsheet programs do not tell upper from lower case in these names.
	if i := slices.IndexFunc(sheets, func(s sheet) bool { return strings.EqualFold(s.name, name) }); i >= 0 {
		sheets[i] = s
	} else {
		sheets = append(sheets, s)
	}
	data, err := encodeWorkbook(sheets)
	if err != nil {
		return fmt.Errorf("write sheet %q of %s: %w", name, w.path, err)
	}
	if err := WriteFile(w.path, string(data), w.exclusive && !w.written, w.mode); err != nil {
		return err
	}
	w.sheets, w.written = sheets, true
	return nil
}

// newSheet checks what spreadsheet programs would refuse or cut off.
func newSheet(name string, columns []Column, rows [][]any) (sheet, error) {
	s := sheet{name: name, columns: columns, rows: make([][]cell, len(rows))}
	switch {
	case strings.TrimSpace(name) == "":
		return s, errors.New("a sheet needs a name")
	case utf8.RuneCountInString(name) > excelize.MaxSheetNameLength:
		return s, fmt.Errorf("a sheet's name may have %d characters", excelize.MaxSheetNameLength)
	case strings.ContainsAny(name, `:\/?*[]`) || name[0] == '\'' || name[len(name)-1] == '\'':
		return s, errors.New(`a sheet's name may have none of : \ / ? * [ ] and no ' at its ends`)
	case len(columns) == 0:
		return s, errors.New("it has no columns: give columns: [\"name\", …]")
	case len(columns) > excelize.MaxColumns:
		return s, fmt.Errorf("it has %d columns; a sheet may have %d", len(columns), excelize.MaxColumns)
	case len(rows) >= excelize.TotalRows:
		return s, fmt.Errorf("it has %d rows; a sheet may have %d below its head", len(rows), excelize.TotalRows-1)
	}
	if err := checkCellText(name); err != nil {
		return s, fmt.Errorf("its name: %w", err)
	}
	for _, c := range columns {
		if err := c.check(); err != nil {
			return s, err
		}
		if err := checkCellText(c.Name); err != nil {
			return s, fmt.Errorf("a column's name: %w", err)
		}
	}
	for i, row := range rows {
		if len(row) != len(columns) {
			return s, fmt.Errorf("row %d has %d values and the sheet %d columns", i+1, len(row), len(columns))
		}
		s.rows[i] = make([]cell, len(row))
		for j, v := range row {
			value, shown, err := columns[j].cell(v)
			if err == nil {
				err = checkCellText(shown)
			}
			if err != nil {
				return s, fmt.Errorf("row %d, column %q: %w", i+1, columns[j].Name, err)
			}
			if x, ok := value.(float64); ok && math.IsInf(x, 0) {
				value = shown // these files know no infinity
			}
			s.rows[i][j] = cell{value, shown}
		}
	}
	return s, nil
}

// checkCellText refuses what the file format cannot hold.
func checkCellText(s string) error {
	if n := utf8.RuneCountInString(s); n > excelize.TotalCellChars {
		return fmt.Errorf("a cell may have %d characters, not %d", excelize.TotalCellChars, n)
	}
	control := func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
	}
	if i := strings.IndexFunc(s, control); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Errorf("a cell cannot hold the character U+%04X", r)
	}
	return nil
}
