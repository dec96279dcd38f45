package npusmi_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/runtime/device"
	"weir/runtime/device/npusmi"
)

// seed adds the samples whose names begin with one of kinds.
func seed(f *testing.F, kinds ...string) {
	all, err := filepath.Glob(filepath.Join(samples, "*.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range all {
		kind, _, _ := strings.Cut(filepath.Base(path), "_")
		if !slices.Contains(kinds, kind) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
}

// sound holds what any output may become: finite values, few unread lines, each once.
func sound(t *testing.T, unread []string, values ...map[device.Quantity]float64) {
	t.Helper()
	if len(unread) > 10 || len(slices.Compact(slices.Sorted(slices.Values(unread)))) != len(unread) {
		t.Errorf("unread: %q", unread)
	}
	for _, of := range values {
		for q, x := range of {
			if math.IsNaN(x) || math.IsInf(x, 0) || strings.HasSuffix(q, "_pct") && (x < 0 || x > 100) {
				t.Errorf("%s is %v", q, x)
			}
		}
	}
}

func FuzzTable(f *testing.F) {
	seed(f, "info")
	f.Fuzz(func(t *testing.T, text string) {
		table := npusmi.ParseTable(text)
		for _, c := range table.Chips {
			sound(t, table.Unread, c.Values)
		}
		// A line that is none of it takes nothing from the rest.
		if more := npusmi.ParseTable("[WARNING] of the driver\n" + text); len(more.Chips) != len(table.Chips) || len(more.Processes) != len(table.Processes) {
			t.Errorf("%d chips and %d processes, with a warning before it %d and %d",
				len(table.Chips), len(table.Processes), len(more.Chips), len(more.Processes))
		}
	})
}

func FuzzMapping(f *testing.F) {
	seed(f, "m")
	f.Fuzz(func(t *testing.T, text string) {
		m := npusmi.ParseMapping(text)
		sound(t, m.Unread)
		for _, c := range m.Chips {
			if c.NPU < 0 || c.Chip != nil && *c.Chip < 0 || c.Logic != nil && *c.Logic < 0 || c.Phy != nil && *c.Phy < 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzFields(f *testing.F) {
	seed(f, "l", "t")
	f.Fuzz(func(t *testing.T, text string) {
		fields := npusmi.ParseFields(text)
		for _, s := range fields.Sections {
			sound(t, fields.Unread, s.Values)
		}
	})
}

func FuzzRows(f *testing.F) {
	seed(f, "watch")
	f.Fuzz(func(t *testing.T, text string) {
		w := rows(text).(watched)
		for _, r := range w.Rows {
			sound(t, w.Unread, r.Values)
		}
	})
}
