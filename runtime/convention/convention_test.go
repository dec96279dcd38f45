package convention_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"weir/runtime/convention"
	"weir/runtime/result"
)

const testdata = "../../testdata/conventions"

// folder makes a run's folder of a result and records, a line each.
func folder(t testing.TB, file string, report, records []byte) *result.Run {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, result.FileName), report, 0o644); err != nil {
		t.Fatal(err)
	}
	if records != nil {
		zip, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), zip.EncodeAll(records, nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recorded is the run of testdata/conventions; change may change its result.
func recorded(t testing.TB, change func(*result.Result)) *result.Run {
	t.Helper()
	report := read(t, "result.json")
	if change != nil {
		var r result.Result
		if err := json.Unmarshal(report, &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		var err error
		if report, err = json.Marshal(&r); err != nil {
			t.Fatal(err)
		}
	}
	return folder(t, result.RecordsName, report, read(t, "records.jsonl"))
}

func tables(t testing.TB, run *result.Run, names ...string) []convention.Table {
	t.Helper()
	conventions, err := convention.Parse(names)
	if err != nil {
		t.Fatal(err)
	}
	all, err := convention.Tables(run, conventions)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// find is the row of a table with that name.
func find(t testing.TB, table convention.Table, name string) convention.Row {
	t.Helper()
	for _, g := range table.Groups {
		for _, r := range g.Rows {
			if r.Name == name {
				return r
			}
		}
	}
	t.Fatalf("%s of case %q has no row %q", table.Convention, table.Case, name)
	return convention.Row{}
}

// TestTables holds every number against what a script that knows nothing of weir has
// worked out of the same records by the tools' own formulas (expected.py).
func TestTables(t *testing.T) {
	var expected map[string]map[string]map[string]*float64
	if err := json.Unmarshal(read(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, table := range tables(t, recorded(t, nil), "all") {
		want := expected[table.Case][table.Convention]
		if len(want) == 0 {
			t.Errorf("nothing is expected of %s in case %q", table.Convention, table.Case)
		}
		for _, g := range table.Groups {
			if g.Why == "" {
				t.Errorf("%s does not say why its %s differs", table.Convention, g.Metric)
			}
			for _, r := range g.Rows {
				w, ok := want[r.Name]
				switch {
				case !ok:
					t.Errorf("%s, case %q: %q is not among the expected rows", table.Convention, table.Case, r.Name)
				case (w == nil) != (r.Value == nil):
					t.Errorf("%s, case %q: %s is %v, want %v", table.Convention, table.Case, r.Name, r.Value, w)
				case w != nil && math.Abs(*w-*r.Value) > 1e-9*math.Max(1, math.Abs(*w)):
					t.Errorf("%s, case %q: %s is %.17g, want %.17g", table.Convention, table.Case, r.Name, *r.Value, *w)
				}
				compared++
				delete(want, r.Name)
			}
		}
		for name := range want {
			t.Errorf("%s, case %q: there is no %q", table.Convention, table.Case, name)
		}
	}
	if compared < 900 {
		t.Errorf("only %d numbers were compared", compared)
	}
}

var _, _, _, _ = bytes.NewReader, csv.NewReader, slices.Sort[[]int], strings.Cut
