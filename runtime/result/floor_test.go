package result_test

import (
	"testing"

	"weir/runtime/result"
)

// MLPerf's table of minimum queries for early stopping, one over-latency query tolerated.
func TestFloor(t *testing.T) {
	f := func(p float64, want int64) {
		t.Helper()
		if got := result.Floor(p); got != want {
			t.Errorf("p%v takes %d samples, want %d", p, got, want)
		}
	}
	f(50, 11)
	f(75, 24)
	f(90, 64)
	f(95, 130)
	f(97, 219)
	f(99, 662)
	f(99.9, 6636)
	f(99.99, 66381)
}
