package output_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"weir/modules/output"
)

func columns(names ...string) []output.Column {
	list := make([]output.Column, len(names))
	for i, name := range names {
		list[i] = output.Column{Name: name, Decimals: -1}
	}
	return list
}

func options(c []output.Column) output.Options {
	return output.Options{Columns: c, EOL: "\r\n", Exclusive: true, Mode: 0o600}
}

// create makes a table in a new folder.
func create(t *testing.T, o output.Options) *output.Csv {
	t.Helper()
	table, err := output.Create(filepath.Join(t.TempDir(), "table.csv"), o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The bytes are those of Python's csv.writer for the same rows:
//
//	w = csv.writer(f); w.writerow(["a", "b"]); w.writerow(["x,y", '"q"']); …
func TestBytesArePythons(t *testing.T) {
	table := create(t, options(columns("a", "b")))
	for _, row := range [][]any{
		{"x,y", `"q"`}, {"l1\nl2", "c\rd"}, {"", ""}, {" s ", "'"}, {512.5, int64(8)}, {nil, 1.5}, {"输入长度", "（ms）"}, {math.NaN(), math.Inf(1)},
	} {
		if err := table.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	want := "a,b\r\n\"x,y\",\"\"\"q\"\"\"\r\n\"l1\nl2\",\"c\rd\"\r\n,\r\n s ,'\r\n512.5,8\r\n,1.5\r\n输入长度,（ms）\r\n,inf\r\n"
	if got := content(t, table.Path()); got != want {
		t.Errorf("%q, want %q", got, want)
	}

	single := create(t, output.Options{Columns: columns("only"), EOL: "\n", BOM: true, Exclusive: true, Mode: 0o600})
	for _, v := range []any{"", nil, true} {
		if err := single.Row([]any{v}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := content(t, single.Path()), "\ufeffonly\n\"\"\n\"\"\ntrue\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A table as the static benchmark writes it: whole numbers as floats in some
// columns and as they are in others.
func TestColumns(t *testing.T) {
	table := create(t, options([]output.Column{
		{Name: "输入长度", Decimals: 4, Float: true}, {Name: "并发数", Decimals: -1}, {Name: "tokens", Decimals: 4}, {Name: "raw", Decimals: -1},
	}))
	for _, row := range [][]any{
		{int64(512), int64(8), 1078.04745, 0.1234567},
		{512.00001, int64(16), 512.00001, 1e-7},
		{1e300, int64(math.MaxInt32), math.Copysign(0, -1), float64(1 << 60)},
	} {
		if err := table.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	want := "输入长度,并发数,tokens,raw\r\n512.0,8,1078.0475,0.1234567\r\n512.0,16,512.0,1e-07\r\n1e+300,2147483647,0,1.152921504606847e+18\r\n"
	if got := content(t, table.Path()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if info, err := os.Stat(table.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// Each row is on disk when Row returns, and sorting keeps what the rows look like.
func TestSort(t *testing.T) {
	table := create(t, options([]output.Column{{Name: "a", Decimals: 1}, {Name: "b", Decimals: -1}}))
	rows := [][]any{{int64(10), "x"}, {int64(9), "b"}, {"text", "x"}, {int64(9), "a"}, {nil, "x"}, {true, "x"}, {false, "x"}, {2.04, "second"}, {2.03, "first"}}
	for i, row := range rows {
		if err := table.Row(row); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(content(t, table.Path()), "\r\n"); got != i+2 || table.Len() != i+1 {
			t.Errorf("%d lines on disk after %d rows, Len %d", got, i+1, table.Len())
		}
	}
	if err := table.Sort(nil); err != nil {
		t.Fatal(err)
	}
	// 2.04 and 2.03 are both written 2.0; what is not whole is so before it is rounded.
	want := "a,b\r\n,x\r\nfalse,x\r\ntrue,x\r\n2.0,first\r\n2.0,second\r\n9,a\r\n9,b\r\n10,x\r\ntext,x\r\n"
	if got := content(t, table.Path()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := table.Sort(func(a, b []any) (int, error) { return strings.Compare(b[1].(string), a[1].(string)), nil }); err != nil {
		t.Fatal(err)
	}
	if err := table.Row([]any{int64(1), "last"}); err != nil {
		t.Fatal(err)
	}
	want = "a,b\r\n,x\r\nfalse,x\r\ntrue,x\r\n10,x\r\ntext,x\r\n2.0,second\r\n2.0,first\r\n9,b\r\n9,a\r\n1,last\r\n"
	if got := content(t, table.Path()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if info, err := os.Stat(table.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode after sorting %v, %v, want 0600", info.Mode(), err)
	}
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	exists := filepath.Join(dir, "exists.csv")
	if err := os.WriteFile(exists, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := options(columns("a"))
	with := func(edit func(*output.Options)) output.Options {
		o := good
		edit(&o)
		return o
	}
	for _, row := range []struct {
		path    string
		options output.Options
		want    string
	}{
		{exists, good, "the file exists and is not overwritten"},
		{filepath.Join(dir, "no", "such.csv"), good, "does its folder exist"},
		{dir, with(func(o *output.Options) { o.Exclusive = false }), "is a directory"},
		{filepath.Join(dir, "x"), with(func(o *output.Options) { o.Columns = nil }), "no columns"},
		{filepath.Join(dir, "x"), with(func(o *output.Options) { o.EOL = ";" }), `eol is ";"`},
		{filepath.Join(dir, "x"), with(func(o *output.Options) { o.Columns = []output.Column{{Name: "n", Decimals: 18}} }), `column "n": decimals is 18`},
	} {
		_, err := output.Create(row.path, row.options)
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), row.path) {
			t.Errorf("%s: error %v, want one with %q and the path", row.path, err, row.want)
		}
	}
	if got := content(t, exists); got != "precious" {
		t.Errorf("the existing file is now %q", got)
	}
	if _, err := output.Create(exists, with(func(o *output.Options) { o.Exclusive = false })); err != nil || content(t, exists) != "a\r\n" {
		t.Errorf("not exclusive: %v, %q, want a new table", err, content(t, exists))
	}
}

func TestRowErrors(t *testing.T) {
	table := create(t, options(columns("a", "b")))
	for _, row := range []struct {
		values []any
		want   string
	}{
		{[]any{1.0}, "it has 1 values and the table 2 columns"},
		{[]any{1.0, 2.0, 3.0}, "it has 3 values"},
		{[]any{1.0, map[string]any{}}, `column "b": a map`},
	} {
		if err := table.Row(row.values); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: error %v, want one with %q", row.values, err, row.want)
		}
	}
	if got := content(t, table.Path()); got != "a,b\r\n" || table.Len() != 0 {
		t.Errorf("wrong rows have left %q", got)
	}
	if err := os.Remove(table.Path()); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"row": table.Row([]any{1.0, 2.0}), "sort": table.Sort(nil)} {
		if err == nil || !strings.Contains(err.Error(), "moved or deleted") {
			t.Errorf("%s without the file: error %v", what, err)
		}
	}
}

func TestRowsFromManyGoroutines(t *testing.T) {
	table := create(t, options(columns("worker", "text")))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for range 5 {
				if err := table.Row([]any{int64(worker), "a,b"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rows, err := csv.NewReader(strings.NewReader(content(t, table.Path()))).ReadAll()
	if err != nil || len(rows) != 41 {
		t.Errorf("%d lines, %v, want 41", len(rows), err)
	}
}

// Whatever the text, a CSV reader gets it back. (encoding/csv reads \r\n as \n.)
func FuzzCsv(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("", "", "")
	f.Add("x,y", "\"", "\"\"\r\n")
	f.Add("\ufeff", "\x00", "\xff")
	f.Add("\r", " lead", "trail ")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		table := create(t, options(columns(a, b, c)))
		if err := table.Row([]any{c, a, b}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(content(t, table.Path()))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		asRead := strings.NewReplacer("\r\n", "\n")
		want := [][]string{{a, b, c}, {c, a, b}}
		for _, row := range want {
			for i := range row {
				row[i] = asRead.Replace(row[i])
			}
		}
		if len(rows) != 2 || !slices.Equal(rows[0], want[0]) || !slices.Equal(rows[1], want[1]) {
			t.Errorf("read back %q, want %q", rows, want)
		}
	})
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for _, row := range []struct {
		text      string
		exclusive bool
		want      string // in the error; "": none
		after     string
	}{
		{"one", true, "", "one"},
		{"two", true, "the file exists and is not overwritten", "one"},
		{"three", false, "", "three"},
	} {
		err := output.WriteFile(path, row.text, row.exclusive, 0o640)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: error %v, want %q", row.text, err, row.want)
		}
		if got := content(t, path); got != row.after {
			t.Errorf("after %q: %q, want %q", row.text, got, row.after)
		}
	}
}
