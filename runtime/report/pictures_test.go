package report

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"weir/runtime/chart"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

func TestPictures(t *testing.T) {
	if race.Enabled {
		t.Skip("it is drawing that takes the time, and the drawing is tested where it is")
	}
	loads := []resulttest.Load{
		{Case: 1, Requests: 150, Tokens: 8, Every: 10 * time.Millisecond, TTFT: 40 * time.Millisecond, ITL: 10 * time.Millisecond},
		{Case: 2, Requests: 150, Tokens: 8, Every: 5 * time.Millisecond, TTFT: 60 * time.Millisecond, ITL: 12 * time.Millisecond, Fail: 40},
	}
	r := sized(loads...)
	r.Cases[1].Name = "速率 2"
	run := resulttest.Folder(t, r, all(loads...), nil)
	dir := filepath.Join(t.TempDir(), "a", "pictures")
	f := func(run *result.Run, l, want Lang) {
		t.Helper()
		spoken, err := Pictures(run, dir, l)
		if err != nil || spoken != want {
			t.Fatalf("%s: %s, %v", l, spoken, err)
		}
	}
	f(run, English, English)
	var names []string
	for _, e := range entries(t, dir) {
		names = append(names, e.Name())
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 1600 {
			t.Errorf("%s: %d pixels wide, %v", e.Name(), c.Width, err)
		}
	}
	for _, want := range []string{"latency-ttft.png", "latency-tpot.png", "latency-e2el.png", "pareto.png", "case-1-cdf.png", "case-1-requests.png", "case-2-errors.png", "case-2-tail.png"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
	// Again, over those that are there, in the language that can be written.
	want := Chinese
	if _, found := chart.HanFont(); !found {
		want = English
	}
	run.Result.Cases = run.Result.Cases[:1]
	f(run, Chinese, want)
	if n := len(entries(t, dir)); n != len(names) {
		t.Errorf("%d files, and then %d", len(names), n)
	}
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
