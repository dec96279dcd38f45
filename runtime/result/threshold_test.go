package result_test

import (
	"testing"

	"weir/runtime/result"
)

func TestThresholdFound(t *testing.T) {
	f := func(want string, of result.Threshold) {
		t.Helper()
		if got := of.Found(); got != want {
			t.Errorf("%+v: got %q, want %q", of, got, want)
		}
	}
	f("96.4 ms", result.Threshold{Value: new(96.4), Unit: "ms"})
	f("~96.4 ms", result.Threshold{Value: new(96.4), Unit: "ms", Thin: true})
	f("0.25", result.Threshold{Value: new(0.25)})
	f("SUSPECT", result.Threshold{Verdict: result.Suspect})
	f("no samples", result.Threshold{Note: "no samples"})
}
