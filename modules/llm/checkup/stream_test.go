package checkup

import (
	"testing"
	"time"

	"weir/modules/llm"
)

// What the times of 64 events tell.
func TestStreaming(t *testing.T) {
	// f judges a stream whose first event came after first, and the others each gap
	// after the one before; of bunch events all have the time of the first.
	f := func(want string, first, gap time.Duration, bunch int) {
		t.Helper()
		a := &llm.Answer{Started: time.Now()}
		for i := range 64 {
			a.At = append(a.At, a.Started.Add(first+gap*time.Duration(i/bunch*bunch)))
		}
		if got := streaming(streamed{answer: a}, nil); got.Status != want {
			t.Errorf("%v, %v, %d: %+v, want %s", first, gap, bunch, got, want)
		}
	}
	const ms = time.Millisecond
	f("ok", 30*ms, 15*ms, 1)
	f("ok", 20*time.Second, 10*ms, 1)                // it had to wait for its turn
	f("ok", 20*time.Second, 300*time.Microsecond, 1) // so had a fast one
	f("ok", 10*ms, 0, 64)                            // too fast to tell
	f("warn", 30*ms, 15*ms, 8)
	f("fail", time.Second, 0, 64)
	f("fail", time.Second, 10*time.Microsecond, 16)
	// kept back, and handed on one at a time
	f("fail", time.Second, 20*time.Microsecond, 1)
}
