package chart

import (
	"math"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	f := func(a Axis, low, high, room float64, want string) {
		t.Helper()
		var got []string
		for _, tick := range a.ticks(low, high, room, func(label string) float64 { return 10*float64(len(label)) + 12 }) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if text := strings.Join(got, " | "); text != want {
			t.Errorf("%v … %v: %s, want %s", low, high, text, want)
		}
	}
	f(Axis{}, 0, 1, 300, "0 | 0.2 | 0.4 | 0.6 | 0.8 | 1")
	f(Axis{}, 0, 1, 100, "0 | 0.5 | 1")
	f(Axis{}, 0, 31.5, 300, "0 | 5 | 10 | 15 | 20 | 25 | 30")
	f(Axis{}, 0, 2600, 300, "0 | 500 | 1k | 1.5k | 2k | 2.5k")
	f(Axis{}, -10, 10, 200, "-10 | -5 | 0 | 5 | 10")
	f(Axis{Unit: "ms"}, 0, 1300, 600, "0 | 200 ms | 400 ms | 600 ms | 800 ms | 1 s | 1.2 s")
	f(Axis{Scale: Seconds}, 0, 0.4, 300, "0 | 0.1 s | 0.2 s | 0.3 s | 0.4 s")
	f(Axis{Scale: Seconds}, 0, 154, 300, "0 | 30 s | 1:00 | 1:30 | 2:00 | 2:30")
	f(Axis{Scale: Seconds}, 0, 8000, 500, "0 | 30:00 | 1:00:00 | 1:30:00 | 2:00:00")
	f(Axis{Scale: Log}, 1, 10, 400, "1 | 2 | 3 | 5 | 7 | 10")
	f(Axis{Scale: Log}, 1, 10, 700, "1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10")
	f(Axis{Scale: Log}, 1, 1000, 700, "1 | 2 | 5 | 10 | 20 | 50 | 100 | 200 | 500 | 1k")
	f(Axis{Scale: Log}, 1, 1000, 200, "1 | 10 | 100 | 1k")
	f(Axis{Scale: Log, Unit: "ms"}, 0.5, 20000, 400, "1 ms | 10 ms | 100 ms | 1 s | 10 s")
	f(Axis{Scale: Log}, 1e-6, 1e6, 200, "1e-06 | 0.01 | 100 | 1M")
	f(Axis{Scale: Log}, 90, 110, 300, "90 | 95 | 100 | 105 | 110") // no decade is of help
	f(Axis{Rows: true}, 0, 100, 300, "")
}

func TestFormats(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(Number(0), "0")
	f(Number(0.25), "0.25")
	f(Number(999.4), "999")
	f(Number(999.6), "1k")
	f(Number(1500), "1.5k")
	f(Number(12_345_678), "12.3M")
	f(Number(-2e9), "-2G")
	f(Number(3e20), "3e+08T")
	f(Number(0.00001234), "0.0000123")
	f(Number(0.000001234), "1.23e-06")
	f(Milliseconds(0), "0")
	f(Milliseconds(0.35), "350 µs")
	f(Milliseconds(0.9999), "1 ms")
	f(Milliseconds(20), "20 ms")
	f(Milliseconds(999.7), "1 s")
	f(Milliseconds(1500), "1.5 s")
	f(Milliseconds(180_000), "3 min")
	f(Milliseconds(7_200_000), "2 h")
	f(Clock(0), "0")
	f(Clock(0.5), "0.5 s")
	f(Clock(59.9), "59.9 s")
	f(Clock(59.99), "1:00")
	f(Clock(90), "1:30")
	f(Clock(90.5), "1:30.5")
	f(Clock(7500), "2:05:00")
	f(Clock(-90), "−1:30")
	f(Axis{}.Format(math.NaN()), "–")
	f(Axis{Unit: "ms"}.Format(15), "15 ms")
	f(Axis{Scale: Seconds}.Format(75), "1:15")
}
