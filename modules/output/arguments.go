package output

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// absent reports whether JavaScript left a value out.
func absent(v goja.Value) bool { return v == nil || goja.IsUndefined(v) || goja.IsNull(v) }

// pathArgument reads the path that a call begins with. It is absolute where it does not
// start at the working directory.
func (m *exports) pathArgument(v goja.Value) (string, error) {
	path, ok := "", false
	if !absent(v) {
		path, ok = script.Export(v).(string)
	}
	if !ok || path == "" {
		return "", errors.New("the first argument has to be the path of the file")
	}
	return m.rt.Script().WritePath(path)
}

// fields gives the fields of an options object, after it has made sure that
// there are no others: a misspelt option must not be ignored.
func fields(vm *goja.Runtime, v goja.Value, known ...string) (map[string]goja.Value, error) {
	given := make(map[string]goja.Value)
	if absent(v) {
		return given, nil
	}
	if _, ok := v.(*goja.Object); !ok {
		return nil, fmt.Errorf("the options are %v instead of an object", v)
	}
	object := v.ToObject(vm)
	for _, key := range object.Keys() {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("there is no option %q: use %s", key, strings.Join(known, ", "))
		}
		if field := object.Get(key); !absent(field) {
			given[key] = field
		}
	}
	return given, nil
}

// read stores an option that was given.
func read[T any](given map[string]goja.Value, name string, to *T, what string) error {
	v, ok := given[name]
	if !ok {
		return nil
	}
	if *to, ok = script.Export(v).(T); !ok {
		return fmt.Errorf("%s is %v instead of %s", name, v, what)
	}
	return nil
}

// readInt stores a whole number.
func readInt(given map[string]goja.Value, name string, to *int, least, most int) error {
	n := int64(*to)
	err := read(given, name, &n, "a whole number")
	if err == nil && (n < int64(least) || n > int64(most)) && given[name] != nil {
		err = fmt.Errorf("%s is %d: use %d to %d", name, n, least, most)
	}
	*to = int(n)
	return err
}

// readMode stores the permissions of a new file.
func readMode(given map[string]goja.Value, to *fs.FileMode) error {
	mode := int(*to)
	err := readInt(given, "mode", &mode, 0, 0o777)
	*to = fs.FileMode(mode)
	return err
}

// fileOptions reads those of a file that is written as a whole.
func fileOptions(vm *goja.Runtime, v goja.Value, exclusiveByDefault bool) (exclusive bool, mode fs.FileMode, err error) {
	exclusive, mode = exclusiveByDefault, 0o644
	given, err := fields(vm, v, "exclusive", "mode")
	if err == nil {
		err = errors.Join(read(given, "exclusive", &exclusive, "true or false"), readMode(given, &mode))
	}
	return exclusive, mode, err
}

// tableArgument reads a table: a Csv, or an object with columns and rows.
func tableArgument(vm *goja.Runtime, v goja.Value) ([]Column, [][]any, error) {
	if t, ok := script.ValueOf(v).(*Csv); ok {
		list, rows := t.Table()
		return list, rows, nil
	}
	if absent(v) {
		return nil, nil, errors.New("the second argument has to be a Csv, or { columns, rows }")
	}
	given, err := fields(vm, v, "columns", "rows")
	if err != nil {
		return nil, nil, err
	}
	list, err := columns(vm, given["columns"])
	if err != nil {
		return nil, nil, err
	}
	lines, err := items(vm, given["rows"])
	if err != nil {
		return nil, nil, fmt.Errorf("rows: %w", err)
	}
	rows := make([][]any, len(lines))
	for i, line := range lines {
		if rows[i], err = rowValues(vm, line); err != nil {
			return nil, nil, fmt.Errorf("rows[%d]: %w", i, err)
		}
	}
	return list, rows, nil
}

// csvOptions reads the options of new Csv.
func csvOptions(vm *goja.Runtime, v goja.Value) (Options, error) {
	o := Options{EOL: "\r\n", Exclusive: true, Mode: 0o644}
	given, err := fields(vm, v, "columns", "bom", "eol", "exclusive", "mode")
	if err != nil {
		return o, err
	}
	err = errors.Join(
		read(given, "bom", &o.BOM, "true or false"),
		read(given, "eol", &o.EOL, "a string"),
		read(given, "exclusive", &o.Exclusive, "true or false"),
		readMode(given, &o.Mode),
	)
	if err != nil {
		return o, err
	}
	o.Columns, err = columns(vm, given["columns"])
	return o, err
}

// columns reads a list of names and { name, decimals, float }.
func columns(vm *goja.Runtime, v goja.Value) ([]Column, error) {
	items, err := items(vm, v)
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	list := make([]Column, len(items))
	for i, item := range items {
		c := Column{Decimals: -1}
		if name, ok := script.Export(item).(string); ok {
			c.Name = name
			list[i] = c
			continue
		}
		given, err := fields(vm, item, "name", "decimals", "float")
		if err == nil && given["name"] == nil {
			err = errors.New("it has no name")
		}
		if err == nil {
			err = errors.Join(
				read(given, "name", &c.Name, "a string"),
				readInt(given, "decimals", &c.Decimals, 0, 17),
				read(given, "float", &c.Float, "true or false"),
			)
		}
		if err != nil {
			return nil, fmt.Errorf("columns[%d]: %w", i, err)
		}
		list[i] = c
	}
	return list, nil
}

// items gives the elements of an array.
func items(vm *goja.Runtime, v goja.Value) ([]goja.Value, error) {
	if absent(v) {
		return nil, errors.New("an array is missing")
	}
	object, ok := v.(*goja.Object)
	if !ok || object.ClassName() != "Array" {
		return nil, fmt.Errorf("%v is not an array", v)
	}
	list := make([]goja.Value, int(object.Get("length").ToInteger()))
	for i := range list {
		list[i] = object.Get(fmt.Sprint(i))
		if list[i] == nil {
			list[i] = goja.Undefined()
		}
	}
	return list, nil
}

// rowValues reads the values of a row; what they may be is the table's to say.
func rowValues(vm *goja.Runtime, v goja.Value) ([]any, error) {
	items, err := items(vm, v)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(items))
	for i, item := range items {
		if !absent(item) {
			values[i] = script.Export(item)
		}
	}
	return values, nil
}
