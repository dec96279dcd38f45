package output_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"weir/modules/output"
)

// sheets reads a workbook: each sheet's rows of raw values, by its name.
func sheets(t *testing.T, path string) (names []string, rows map[string][][]string) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows = map[string][][]string{}
	for _, name := range f.GetSheetList() {
		if rows[name], err = f.GetRows(name, excelize.Options{RawCellValue: true}); err != nil {
			t.Fatal(err)
		}
	}
	return f.GetSheetList(), rows
}

func TestScriptWritesWorkbook(t *testing.T) {
	err := setup(t, `
export function setup() {
	const book = new Workbook("out.xlsx", { mode: 0o600 });
	const table = new Csv("t.csv", { columns: ["输入长度", { name: "输出tokens总吞吐", decimals: 4, float: true }, "note"] });
	table.row([512, 1078.04745, "b"]);
	table.row([256, 100, "a,b"]);
	table.sort();
	book.sheet("benchmark_parallel", table);
	book.sheet("二", { columns: ["x", { name: "y", decimals: 1 }], rows: [[true, 0.25], [null, undefined], ["=1+1", -Infinity]] });
	book.sheet("BENCHMARK_PARALLEL", table);
	if (book.path !== "out.xlsx") throw new Error(book.path);
	new Workbook("out.xlsx", { exclusive: false });
}`)
	if err != nil {
		t.Fatal(err)
	}
	names, rows := sheets(t, "out.xlsx")
	if want := []string{"BENCHMARK_PARALLEL", "二"}; !slices.Equal(names, want) {
		t.Errorf("sheets %q, want %q", names, want)
	}
	for name, want := range map[string]string{
		"BENCHMARK_PARALLEL": `[["输入长度" "输出tokens总吞吐" "note"] ["256" "100" "a,b"] ["512" "1078.0475" "b"]]`,
		"二":                  `[["x" "y"] ["1" "0.2"] [] ["=1+1" "-inf"]]`,
	} {
		if got := fmt.Sprintf("%q", rows[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if info, err := os.Stat("out.xlsx"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// What spreadsheet programs show: types, the bold head that stays, and widths.
func TestWorkbookLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	book, err := output.NewWorkbook(path, true, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a file without a sheet")
	}
	err = book.Sheet("s", columns("a", "首tokens时延TP90（ms）", "c"), [][]any{{int64(3), 1.5, "3"}, {true, nil, strings.Repeat("x", 500)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]excelize.CellType{
		"A1": excelize.CellTypeInlineString, "A2": excelize.CellTypeUnset, "B2": excelize.CellTypeUnset, "C2": excelize.CellTypeInlineString, "A3": excelize.CellTypeBool,
	} { // a number has no type of its own
		if got, err := f.GetCellType("s", cell); err != nil || got != want {
			t.Errorf("%s has type %v, %v, want %v", cell, got, err, want)
		}
	}
	for cell, bold := range map[string]bool{"A1": true, "B1": true, "A2": false} {
		id, err := f.GetCellStyle("s", cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil || (style.Font != nil && style.Font.Bold) != bold {
			t.Errorf("%s: style %+v, %v, want bold %v", cell, style, err, bold)
		}
	}
	if panes, err := f.GetPanes("s"); err != nil || !panes.Freeze || panes.YSplit != 1 || panes.XSplit != 0 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	for column, want := range map[string]float64{"A": 6, "B": 24, "C": 80} { // "true" is 4 wide; of the head's 17 characters 5 are Chinese
		if got, err := f.GetColWidth("s", column); err != nil || got != want {
			t.Errorf("column %s is %v wide, %v, want %v", column, got, err, want)
		}
	}
}

func TestWorkbookFaults(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.xlsx")
	book, err := output.NewWorkbook(path, true, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Sheet("first", columns("a"), [][]any{{1.0}}); err != nil {
		t.Fatal(err)
	}
	before := content(t, path)
	for want, err := range map[string]error{
		"the file exists and is not overwritten":   second(output.NewWorkbook(path, true, 0o644)),
		"it is a folder":                           second(output.NewWorkbook(dir, false, 0o644)),
		"no such file or directory":                second(output.NewWorkbook(filepath.Join(dir, "none", "x.xlsx"), true, 0o644)),
		"a sheet needs a name":                     book.Sheet(" ", columns("a"), nil),
		"may have 31 characters":                   book.Sheet(strings.Repeat("长", 32), columns("a"), nil),
		"none of :":                                book.Sheet("a/b", columns("a"), nil),
		"no ' at its ends":                         book.Sheet("'a", columns("a"), nil),
		"it has no columns":                        book.Sheet("s", nil, nil),
		"it has 16385 columns":                     book.Sheet("s", make([]output.Column, 16385), nil),
		"it has 1048576 rows":                      book.Sheet("s", columns("a"), make([][]any, 1<<20)),
		"row 2 has 2 values and the sheet 1":       book.Sheet("s", columns("a"), [][]any{{1.0}, {1.0, 2.0}}),
		"a column's name: a cell may have 32767":   book.Sheet("s", columns(strings.Repeat("x", 32768)), nil),
		`row 1, column "a": a cell may have 32767`: book.Sheet("s", columns("a"), [][]any{{strings.Repeat("x", 32768)}}),
		"cannot hold the character U+0001":         book.Sheet("s", columns("a"), [][]any{{"\x01"}}),
		"decimals is 18":                           book.Sheet("s", []output.Column{{Name: "a", Decimals: 18}}, nil),
		"give a number, a string":                  book.Sheet("s", columns("a"), [][]any{{[]any{}}}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if content(t, path) != before {
		t.Error("a sheet that was refused has changed the file")
	}
	// Somebody else has made the file since the workbook was.
	late := filepath.Join(dir, "late.xlsx")
	if book, err = output.NewWorkbook(late, true, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(late, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := book.Sheet("s", columns("a"), nil); err == nil || content(t, late) != "theirs" {
		t.Errorf("error %v, the file is %q", err, content(t, late))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func second[T any](_ T, err error) error { return err }

func TestSheetsFromManyGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	book, err := output.NewWorkbook(path, true, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := book.Sheet(fmt.Sprint("s", n), columns("a"), [][]any{{float64(n)}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if names, _ := sheets(t, path); len(names) != 8 {
		t.Errorf("sheets %q", names)
	}
}

// same allows for the 15 digits that these files have.
func same(shown string, x float64) bool {
	y, err := strconv.ParseFloat(shown, 64)
	return err == nil && (x == y || math.Abs(x-y) <= 1e-14*math.Abs(x))
}

// Whatever the text and the number, a reader gets them back, or they are refused.
func FuzzWorkbook(f *testing.F) {
	f.Add("a", "b", 1.5)
	f.Add("s", "_x0041_", math.Inf(1))
	f.Add("长", " \ttext\r\n", 1e-300)
	f.Add("s", "=1+1", math.NaN())
	f.Add("'", "\x00\xff", 1e300)
	f.Fuzz(func(t *testing.T, name, text string, x float64) {
		if !utf8.ValidString(name) || !utf8.ValidString(text) {
			return // no string of a script
		}
		path := filepath.Join(t.TempDir(), "out.xlsx")
		book, err := output.NewWorkbook(path, true, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if err := book.Sheet(name, columns("text", "x"), [][]any{{text, x}}); err != nil {
			if _, err := os.Stat(path); err == nil {
				t.Fatal("it was refused, and is there")
			}
			return
		}
		_, rows := sheets(t, path)
		got := rows[name]
		if len(got) == 0 || !slices.Equal(got[0], []string{"text", "x"}) {
			t.Fatalf("sheet %q: %q", name, rows)
		}
		if len(got) == 1 && text == "" && math.IsNaN(x) {
			return // an empty row
		}
		if got[1][0] != text {
			t.Errorf("%q became %q", text, got[1][0])
		}
		if !math.IsNaN(x) && (len(got[1]) != 2 || !same(got[1][1], x)) {
			t.Errorf("%v became %q", x, got[1][1:])
		}
	})
}

// A full disk is named, with what to do about it.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	const want = "/dev/full: no space left on device: free some space; what was written before is still there"
	book, err := output.NewWorkbook("/dev/full", false, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Sheet("s", columns("a"), [][]any{{int64(1)}}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("sheet: %v, want …%s", err, want)
	}
}
