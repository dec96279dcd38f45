package npusmi_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/device/devicetest"
	"weir/runtime/device/npusmi"
)

const samples = "../../../testdata/npu-smi"

// Every output of npu-smi in testdata/npu-smi is read by its parser, which the
// beginning of the file's name tells: info, m, l, t or watch. What comes out is in
// NAME.golden.json. A new sample is a new file, and go test -update.
func TestSamples(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(samples, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, path := range all {
		name := filepath.Base(path)
		var parse func(string) any
		switch kind, _, _ := strings.Cut(name, "_"); kind {
		case "info":
			parse = func(s string) any { return npusmi.ParseTable(s) }
		case "m":
			parse = func(s string) any { return npusmi.ParseMapping(s) }
		case "l", "t":
			parse = func(s string) any { return npusmi.ParseFields(s) }
		case "watch":
			parse = rows
		default: // another tool's
			continue
		}
		read++
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(parse(string(text))); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(path, ".txt") + ".golden.json"
			if *devicetest.Update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got:\n%swant:\n%s", got.Bytes(), want)
			}
		})
	}
	if read < 45 {
		t.Errorf("only %d samples", read)
	}
}

// watched is what the rows of a watch told.
type watched struct {
	Rows   []npusmi.Row `json:"rows,omitempty"`
	Unread []string     `json:"unread,omitempty"`
}

func rows(text string) any {
	var r npusmi.Rows
	var w watched
	for line := range strings.Lines(text) {
		if row, ok := r.Line(line); ok {
			w.Rows = append(w.Rows, row)
		}
	}
	w.Unread = r.Unread()
	return w
}
