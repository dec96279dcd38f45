package doctor

import (
	"testing"
	"testing/fstest"
)

func TestTotalCount(t *testing.T) {
	f := func(text string, want int) {
		t.Helper()
		if n := totalCount(text); want < 0 && n != nil || want >= 0 && (n == nil || *n != want) {
			t.Errorf("%q: %v, want %d", text, n, want)
		}
	}
	f("        Total Count                    : 8\n\n        NPU ID : 0\n", 8)
	f("\tCard Count                     : 1\r\n", 1)
	f("[WARNING] slow\nTotal Count : 0\n", 0)
	f("Total Count : eight\n", -1)
	f("Total Count : -1\n", -1)
	f("Total Count\n", -1)
	f("", -1)
}

func FuzzTotalCount(f *testing.F) {
	f.Add("Total Count : 8\n")
	f.Add("Card Count")
	f.Fuzz(func(t *testing.T, text string) {
		if n := totalCount(text); n != nil && *n < 0 {
			t.Errorf("%q: %d", text, *n)
		}
	})
}

func TestSwapped(t *testing.T) {
	f := func(text string, want int64) {
		t.Helper()
		n := swapped(fstest.MapFS{"proc/vmstat": &fstest.MapFile{Data: []byte(text)}})
		if want < 0 && n != nil || want >= 0 && (n == nil || *n != want) {
			t.Errorf("%q: %v, want %d", text, n, want)
		}
	}
	f("nr_free_pages 12\npswpin 3\npswpout 4\n", 7)
	f("pswpin 3\n", -1)
	f("pswpin x\npswpout 4\n", -1)
	f("pswpin -3\npswpout 4\n", -1)
	f("", -1)
}

func FuzzSwapped(f *testing.F) {
	f.Add("pswpin 3\npswpout 4\n")
	f.Fuzz(func(t *testing.T, text string) {
		swapped(fstest.MapFS{"proc/vmstat": &fstest.MapFile{Data: []byte(text)}})
	})
}
