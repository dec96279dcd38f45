package sim

import (
	"testing"
	"time"
)

func TestRecordKeepsTheEvent(t *testing.T) {
	for i, kind := range kinds {
		want := Event{
			Kind: kind, Choice: maxChoices - 1 - i, Tokens: 1 << (4 * i),
			Due: time.Hour + time.Duration(i), Sent: 30*time.Hour + 1, Took: time.Duration(i) * time.Microsecond,
		}
		r := newRecord(want)
		if got := r.event(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestMicrosecondsUp(t *testing.T) {
	for d, want := range map[time.Duration]uint16{
		-time.Second: 0, 0: 0, 1: 1, time.Microsecond: 1, time.Microsecond + 1: 2,
		65534*time.Microsecond + 1: 65535, time.Second: 65535, 1<<63 - 1: 65535,
	} {
		if got := microsecondsUp(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

func TestAppendMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000000", 1: "0.000001", time.Millisecond - 1: "0.999999", time.Millisecond: "1.000000",
		90*time.Second + 5*time.Microsecond: "90000.005000", -1500 * time.Microsecond: "-1.500000",
	} {
		if got := string(appendMilliseconds([]byte("x"), d)); got != "x"+want {
			t.Errorf("%v: got %s, want x%s", d, got, want)
		}
	}
}
