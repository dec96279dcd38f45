package convention

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// WriteAISBench writes a CSV and a JSON a case into a folder, shaped and named as those
// of AISBench: performances/<model>/<case>.csv and .json (default_perf.py,
// _dump_calculated_perf_data; base_perf_metric_calculator.py, _export_to_csv and
// _add_units_to_metrics). Values have their units with them. A case of which every
// request failed has none, as there; it is an error when that leaves no file at all.
func WriteAISBench(run *result.Run, dir string) error {
	written := 0
	err := eachLoad(run, func(l *load) error {
		r := aisbenchOf(l)
		if r.success == 0 {
			return nil
		}
		written++
		path := filepath.Join(dir, "performances", fileName(l.model(run.Result), "model"), l.caseFile())
		if err := writeFile(path+".csv", aisbenchCSV(r)); err != nil {
			return err
		}
		data, err := json.Marshal(aisbenchJSON(l, r))
		if err != nil {
			return err
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, data, "", "    "); err != nil {
			return err
		}
		return writeFile(path+".json", indented.Bytes())
	})
	if err == nil && written == 0 {
		err = fmt.Errorf("write the files of AISBench into %s: no case has a request that succeeded", dir)
	}
	return err
}

// aisbenchCSV is the table of single requests.
func aisbenchCSV(r aisbenchResult) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true // as Python's csv
	head := []string{"Performance Parameters", "Stage"}
	for _, s := range aisbenchStats {
		head = append(head, s.name)
	}
	w.Write(append(head, "N"))
	for _, m := range r.metrics {
		if len(m.samples) == 0 { // the records lack what it takes
			continue
		}
		line := []string{m.name, "total"}
		for _, s := range aisbenchStats {
			text := python(m.value(s.stat))
			if m.unit != "" {
				text += " " + m.unit
			}
			line = append(line, text)
		}
		w.Write(append(line, strconv.Itoa(m.n)))
	}
	w.Flush()
	return b.Bytes()
}

// aisbenchJSON are the numbers of the whole case, by stage. What cannot be computed of
// a case that is not complete is left out.
func aisbenchJSON(l *load, r aisbenchResult) object {
	var o object
	for _, c := range r.common() {
		switch {
		case l.partial || math.IsNaN(c.value):
		case c.whole:
			o = append(o, member{c.name, object{{"total", int64(c.value)}}})
		case c.unit == "":
			o = append(o, member{c.name, object{{"total", json.RawMessage(python(c.value))}}})
		default:
			o = append(o, member{c.name, object{{"total", python(c.value) + " " + c.unit}}})
		}
		if c.name == "Concurrency" {
			if n := l.concurrency(); n != nil {
				o = append(o, member{"Max Concurrency", object{{"total", n}}})
			}
		}
	}
	return o
}

// python writes a number as Python's str does.
func python(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
