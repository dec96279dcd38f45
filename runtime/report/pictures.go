package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/chart"
	"weir/runtime/result"
)

// Pictures writes each figure of a run as a PNG into a folder, which it makes: those of
// all cases as latency-ttft.png, pareto.png, …, those of a case as case-1-cdf.png, …
// Files of these names are replaced.
//
// They are in English where the language is Chinese and this machine has no font for
// it; spoken is the language that they are in.
func Pictures(run *result.Run, dir string, l Lang) (spoken Lang, err error) {
	han, found := chart.HanFont()
	if l == Chinese && !found {
		l = English
	}
	d := Load(run, l)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return l, fmt.Errorf("make the folder of pictures: %w", err)
	}
	write := func(name string, f Figure, about string) error {
		o := chart.PNGOptions{Title: f.Title, Subtitle: about}
		if found && (l == Chinese || beyondLatin(about) || beyondLatin(f.legend())) {
			o.Font = han
		}
		var picture bytes.Buffer
		if err := f.Chart.PNG(&picture, o); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
		return result.ReplaceFile(filepath.Join(dir, name), picture.Bytes(), 0o644)
	}
	about := []string{run.Result.Script.Name, run.Result.Started.Format("2006-01-02 15:04")}
	overview := about
	if marks := strings.TrimSpace(d.marks()); marks != "" {
		overview = append(slices.Clone(about), strings.ReplaceAll(marks, "✕", "×")) // which the font has
	}
	for _, f := range d.Overview() {
		if err := write(f.ID+".png", f, strings.Join(overview, " · ")); err != nil {
			return l, err
		}
	}
	digits := len(strconv.Itoa(len(d.cases)))
	for i, c := range d.cases {
		about := append([]string{d.caseName(c)}, about...)
		for _, f := range d.Case(i) {
			// case-007-cdf.png sorts behind case-006-cdf.png.
			name := fmt.Sprintf("case-%0*d-%s.png", digits, i+1, strings.TrimPrefix(f.ID, c.id("")))
			if err := write(name, f, strings.Join(about, " · ")); err != nil {
				return l, err
			}
		}
	}
	return l, nil
}

// legend is all names in it.
func (f Figure) legend() string {
	var names strings.Builder
	for _, e := range f.Legend {
		names.WriteString(e.Name)
	}
	return names.String()
}

// beyondLatin tells whether a text has characters of East Asia.
func beyondLatin(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x2E80 })
}
