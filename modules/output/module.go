package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/result"
	"weir/runtime/script"
)

// Path is what scripts import the module as.
const Path = "weir/output"

// Module is weir/output of one run. The zero value is ready for use; Close ends it.
type Module struct {
	mu     sync.Mutex // protects the following field
	tables []*Csv     // that scripts have made
}

// Close takes away the tables that got no rows: they were made before any load, to be
// sure of the file, and then nothing came that was to be written. Left behind by a run
// that ended early, such a file would only be in the way of the next one.
func (m *Module) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tables {
		t.removeHead()
	}
	m.tables = nil
}

// Exports makes Csv, Workbook, writeFile and makeFolder for a runtime.
func (module *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	m := &exports{module: module, rt: rt}
	return map[string]any{
		"Csv": rt.Class(script.Class{
			Name: "Csv",
			New:  m.newCsv,
			Methods: map[string]func(any, goja.FunctionCall) (any, error){
				"row":  m.row,
				"sort": m.sort,
				"discard": func(self any, _ goja.FunctionCall) (any, error) {
					return nil, self.(*Csv).Discard()
				},
			},
			Getters: map[string]func(any) any{
				"path":   func(self any) any { return self.(*Csv).Path() },
				"length": func(self any) any { return self.(*Csv).Len() },
			},
		}),
		"Workbook": rt.Class(script.Class{
			Name:    "Workbook",
			New:     m.newWorkbook,
			Methods: map[string]func(any, goja.FunctionCall) (any, error){"sheet": m.sheet},
			Getters: map[string]func(any) any{"path": func(self any) any { return self.(*Workbook).Path() }},
		}),
		"writeFile":  m.writeFile,
		"makeFolder": m.makeFolder,
	}, nil
}

// exports are the module's functions in one runtime.
type exports struct {
	module *Module
	rt     *script.Runtime
}

// errInit says why no files are made in init code.
var errInit = errors.New("not in init code, which every JavaScript runtime runs: do it in setup(), plan() or handleSummary()")

func (m *exports) newCsv(call goja.ConstructorCall) (any, error) {
	if m.rt.InInit() {
		return nil, fmt.Errorf("new Csv: %w", errInit)
	}
	path, err := m.pathArgument(call.Argument(0))
	if err != nil {
		return nil, fmt.Errorf("new Csv: %w", err)
	}
	options, err := csvOptions(m.rt.VM(), call.Argument(1))
	if err != nil {
		return nil, fmt.Errorf("new Csv %s: %w", path, err)
	}
	t, err := Create(path, options)
	if err != nil {
		return nil, err
	}
	m.module.mu.Lock()
	defer m.module.mu.Unlock()
	m.module.tables = append(m.module.tables, t)
	return t, nil
}

func (m *exports) row(self any, call goja.FunctionCall) (any, error) {
	t := self.(*Csv)
	values, err := rowValues(m.rt.VM(), call.Argument(0))
	if err != nil {
		return nil, fmt.Errorf("write a row to %s: %w", t.Path(), err)
	}
	return goja.Undefined(), t.Row(values)
}

func (m *exports) sort(self any, call goja.FunctionCall) (any, error) {
	t := self.(*Csv)
	if absent(call.Argument(0)) {
		return goja.Undefined(), t.Sort(nil)
	}
	compare, ok := goja.AssertFunction(call.Argument(0))
	if !ok {
		return nil, fmt.Errorf("sort %s: %v is not a function (a, b) => number", t.Path(), call.Argument(0))
	}
	vm := m.rt.VM()
	return goja.Undefined(), t.Sort(func(a, b []any) (int, error) {
		order, err := compare(goja.Undefined(), vm.NewArray(a...), vm.NewArray(b...))
		if err != nil {
			return 0, err
		}
		switch f := order.ToFloat(); {
		case f < 0:
			return -1, nil
		case f > 0:
			return 1, nil
		}
		return 0, nil
	})
}

func (m *exports) newWorkbook(call goja.ConstructorCall) (any, error) {
	if m.rt.InInit() {
		return nil, fmt.Errorf("new Workbook: %w", errInit)
	}
	path, err := m.pathArgument(call.Argument(0))
	if err != nil {
		return nil, fmt.Errorf("new Workbook: %w", err)
	}
	exclusive, mode, err := fileOptions(m.rt.VM(), call.Argument(1), true)
	if err != nil {
		return nil, fmt.Errorf("new Workbook %s: %w", path, err)
	}
	return NewWorkbook(path, exclusive, mode)
}

// sheet is workbook.sheet(name, table), where table is a Csv or { columns, rows }.
func (m *exports) sheet(self any, call goja.FunctionCall) (any, error) {
	w := self.(*Workbook)
	name, ok := script.Export(call.Argument(0)).(string)
	if !ok {
		return nil, fmt.Errorf("write a sheet of %s: the first argument has to be its name", w.Path())
	}
	columns, rows, err := tableArgument(m.rt.VM(), call.Argument(1))
	if err != nil {
		return nil, fmt.Errorf("write sheet %q of %s: %w", name, w.Path(), err)
	}
	return goja.Undefined(), w.Sheet(name, columns, rows)
}

func (m *exports) makeFolder(call goja.FunctionCall) goja.Value {
	path, err := m.pathArgument(call.Argument(0))
	switch {
	case m.rt.InInit():
		err = fmt.Errorf("makeFolder: %w", errInit)
	case err != nil:
		err = fmt.Errorf("makeFolder: %w", err)
	default:
		err = MakeFolder(path)
	}
	if err != nil {
		m.rt.Throw(err)
	}
	return goja.Undefined()
}

// MakeFolder makes a folder, and those above it that are missing.
func MakeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return &script.ParamError{Message: fmt.Sprintf("make the folder %s: %v", path, cause(err)), Hint: "choose another one"}
	}
	return nil
}

func (m *exports) writeFile(call goja.FunctionCall) goja.Value {
	if err := m.write(call); err != nil {
		m.rt.Throw(err)
	}
	return goja.Undefined()
}

func (m *exports) write(call goja.FunctionCall) error {
	if m.rt.InInit() {
		return fmt.Errorf("writeFile: %w", errInit)
	}
	path, err := m.pathArgument(call.Argument(0))
	if err != nil {
		return fmt.Errorf("writeFile: %w", err)
	}
	text, ok := script.Export(call.Argument(1)).(string)
	if !ok {
		return fmt.Errorf("writeFile %s: the second argument is no string: use JSON.stringify for an object", path)
	}
	exclusive, mode, err := fileOptions(m.rt.VM(), call.Argument(2), false)
	if err != nil {
		return fmt.Errorf("writeFile %s: %w", path, err)
	}
	return WriteFile(path, text, exclusive, mode)
}

// WriteFile writes text to a file, at once: the file is what it was, or all of
// text. With exclusive, a file that exists is an error.
func WriteFile(path, text string, exclusive bool, mode fs.FileMode) error {
	if !exclusive {
		return result.ReplaceFile(path, []byte(text), mode)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return createError(path, err)
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path) // it is ours, and not whole
		return fmt.Errorf("write %s: %w%s", path, cause(err), spaceHint(err))
	}
	return nil
}
