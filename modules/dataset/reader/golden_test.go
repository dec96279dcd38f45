package reader_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/dataset/reader"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

const samples = "../../../testdata/datasets"

// golden is what reading a sample gave.
type golden struct {
	Format   string `json:",omitempty"`
	Why      string `json:",omitempty"`
	Rows     []map[string]any
	Rejected []reader.Rejection `json:",omitempty"`
	Error    string             `json:",omitempty"`
}

// Every file of testdata/datasets/*/ is read, and every folder in there whose name
// ends in .d, with the options in NAME.options if that exists; what comes out is in
// NAME.golden. A new sample is a new file, and go test -update.
func TestSamples(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(samples, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, path := range all {
		if strings.HasSuffix(path, ".golden") || strings.HasSuffix(path, ".options") {
			continue
		}
		read++
		t.Run(strings.TrimPrefix(path, samples+"/"), func(t *testing.T) {
			var o reader.Options
			if text, err := os.ReadFile(path + ".options"); err == nil {
				if err := json.Unmarshal(text, &o); err != nil {
					t.Fatal(err)
				}
			}
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(readAll(t, path, o)); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(path+".golden", got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got:\n%swant:\n%s", got.Bytes(), want)
			}
		})
	}
	if read < 40 {
		t.Errorf("only %d samples", read)
	}
}

// readAll reads a sample to its end. Paths are relative to the samples.
func readAll(t *testing.T, path string, o reader.Options) golden {
	t.Helper()
	short := func(text string) string { return strings.ReplaceAll(text, samples+"/", "") }
	f, err := reader.Open(t.Context(), path, o)
	if err != nil {
		return golden{Error: short(err.Error())}
	}
	defer f.Close()
	g := golden{Format: f.Format(), Why: short(f.Why()), Rows: []map[string]any{}}
	var row reader.Row
	for {
		if err = f.Next(&row); err != nil {
			break
		}
		row.Path = short(row.Path)
		g.Rows = append(g.Rows, filled(t, row))
	}
	if err != io.EOF {
		g.Error = short(err.Error())
	}
	if again := f.Next(&row); again != err {
		t.Errorf("after the end: %v, then %v", err, again)
	}
	if f.Rows() != len(g.Rows) {
		t.Errorf("Rows() is %d after %d rows", f.Rows(), len(g.Rows))
	}
	g.Rejected = f.Rejected()
	for i := range g.Rejected {
		for j := range g.Rejected[i].First {
			g.Rejected[i].First[j].Path = short(g.Rejected[i].First[j].Path)
		}
	}
	return g
}

// filled are the fields of a row that are not zero.
func filled(t *testing.T, row reader.Row) map[string]any {
	t.Helper()
	type plain reader.Row
	text, err := json.Marshal(struct {
		plain
		At, Delay string
		Messages  string
	}{plain(row), row.At.String(), row.Delay.String(), string(row.Messages)})
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range all {
		switch {
		case value == nil, value == "", value == 0.0, value == false,
			name == "At" && !row.Timed, name == "Delay" && !row.HasDelay:
			delete(all, name)
		}
	}
	return all
}
