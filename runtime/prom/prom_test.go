package prom

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	f := func(page string, names, unread string) {
		t.Helper()
		families, left, err := Parse([]byte(page))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for name := range families {
			found = append(found, name)
		}
		slices.Sort(found)
		if got := strings.Join(found, " "); got != names {
			t.Errorf("families %q, want %q", got, names)
		}
		if got := strings.Join(left, "|"); got != unread {
			t.Errorf("unread %q, want %q", got, unread)
		}
	}
	f("", "", "")
	f("a 1\nb{x=\"y\"} 2 1700000000000\n", "a b", "")
	// Documents leave lines out, and say so.
	f("a 1\n...\nb 2\n", "a b", "...")
	// A page that was cut off: its last line has no end.
	f("a 1\nvllm:b{x=\"y", "a", `vllm:b{x="y`)
	// Lines that are wrong only beside others.
	f("# TYPE a gauge\n# TYPE a gauge\na 1\n...\nb 2\n", "a b", "...|# TYPE a gauge")
	f("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n", "h", "")
}

func TestParseNoPage(t *testing.T) {
	page := strings.Repeat("<p>not here</p>\n", 200)
	if families, _, err := Parse([]byte(page)); err == nil {
		t.Errorf("a web page was read as %d families", len(families))
	}
}

// A big page with many bad lines is read in a few passes, not in one a line.
func TestParseBig(t *testing.T) {
	var page strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&page, "a{x=\"%d\"} 1\n", i)
		if i%250 == 0 {
			page.WriteString("...\n")
		}
	}
	allocated := testing.AllocsPerRun(1, func() {
		families, unread, err := Parse([]byte(page.String()))
		if err != nil || len(unread) != 80 || len(families["a"].Metric) != 20_000 {
			t.Errorf("%d unread, %v", len(unread), err)
		}
	})
	whole := testing.AllocsPerRun(1, func() {
		if _, _, err := Parse([]byte(strings.ReplaceAll(page.String(), "...\n", ""))); err != nil {
			t.Error(err)
		}
	})
	if allocated > 5*whole {
		t.Errorf("%.0f allocations, %.0f without the bad lines", allocated, whole)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a 1\nb{x=\"y\"} 2\n...\n"))
	f.Add([]byte("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_sum NaN\nh_count 3"))
	f.Fuzz(func(t *testing.T, page []byte) {
		families, unread, err := Parse(page)
		if err != nil {
			return
		}
		if len(unread) > mostBad {
			t.Errorf("%d lines are unread", len(unread))
		}
		for _, family := range families {
			for _, m := range family.Metric {
				Value(m)
				Label(m, "x")
			}
		}
	})
}
