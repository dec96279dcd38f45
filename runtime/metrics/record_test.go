package metrics_test

import (
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// Events that one read brought share it, all but the last of them.
func TestTokenEvents(t *testing.T) {
	start := time.Now()
	at := func(ms float64) time.Time { return start.Add(duration(ms)) }
	kernel := func(ms, lag float64, read uint64) wire.Arrival {
		return wire.Arrival{At: at(ms), Lag: duration(lag), Kernel: true, Read: read}
	}
	type event struct {
		at, lag        float64
		tokens         int
		shared, kernel bool
	}
	for _, row := range []struct {
		name     string
		arrivals []wire.Arrival
		tokens   []int
		want     []event
		ttft     float64 // NaN: none
	}{
		{"each in its own read", []wire.Arrival{kernel(10, 0.5, 3), kernel(20, 0.25, 4)}, []int{0, 1},
			[]event{{10, 0.5, 0, false, true}, {20, 0.25, 1, false, true}}, 10},
		{"the last three in one read", []wire.Arrival{kernel(10, 0, 1), kernel(40, 2, 2), kernel(40, 2, 2), kernel(40, 2, 2)}, []int{1, 2, 3, 4},
			[]event{{10, 0, 1, false, true}, {40, 2, 2, true, true}, {40, 2, 3, true, true}, {40, 2, 4, false, true}}, 10},
		{"the first two in one read", []wire.Arrival{kernel(40, 2, 2), kernel(40, 2, 2), kernel(60, 0, 3)}, []int{1, 1, 1},
			[]event{{40, 2, 1, true, true}, {40, 2, 1, false, true}, {60, 0, 1, false, true}}, math.NaN()},
		{"no number of the read, no stamp", []wire.Arrival{{At: at(10)}, {At: at(10), Lag: 5}}, []int{0, 0},
			[]event{{10, 0, 0, false, false}, {10, 0, 0, false, false}}, 10},
		{"out of range", []wire.Arrival{kernel(-1, -1, 1), kernel(1e9, 1e10, 2), kernel(5, 0.0019, 3)}, []int{-1, math.MaxInt, 1},
			[]event{{-1, 0, 0, false, true}, {1e9, math.MaxUint32 / 1e3, 1<<28 - 1, false, true}, {5, 0.001, 1, false, true}}, -1},
		{"nothing came", nil, nil, nil, math.NaN()},
	} {
		rec := metrics.NewRecord()
		rec.Started = start
		for i, a := range row.arrivals {
			rec.Token(a, row.tokens[i])
		}
		shared := 0
		for i, w := range row.want {
			e := rec.Events[i]
			got := event{float64(e.At) / 1e6, float64(e.Lag()) / 1e6, e.Tokens(), e.Shared(), e.Kernel()}
			if got != w {
				t.Errorf("%s: event %d is %+v, want %+v", row.name, i, got, w)
			}
			if !rec.EventTime(i).Equal(row.arrivals[i].At) {
				t.Errorf("%s: event %d arrived %v, want %v", row.name, i, rec.EventTime(i), row.arrivals[i].At)
			}
			if w.shared {
				shared++
			}
		}
		if len(rec.Events) != len(row.want) || rec.Coalesced != shared {
			t.Errorf("%s: %d events, %d of them shared; want %d and %d", row.name, len(rec.Events), rec.Coalesced, len(row.want), shared)
		}
		if d, ok := rec.TTFT(); ok == math.IsNaN(row.ttft) || ok && d != duration(row.ttft) {
			t.Errorf("%s: TTFT %v, %v; want %v", row.name, d, ok, row.ttft)
		}
	}
}

// What is no stream has no first token.
func TestWholeHasNoTTFT(t *testing.T) {
	rec := metrics.NewRecord()
	rec.Started, rec.Whole = time.Now(), true
	rec.Token(wire.Arrival{At: rec.Started.Add(time.Second), Kernel: true, Read: 1}, 5)
	if d, ok := rec.TTFT(); ok {
		t.Errorf("TTFT %v, want none", d)
	}
}

// What follows a token event without being one marks it, if one read brought
// both, and once only.
func TestFollowed(t *testing.T) {
	at := func(read uint64) wire.Arrival { return wire.Arrival{At: time.Now(), Kernel: true, Read: read} }
	rec := metrics.NewRecord()
	rec.Started = time.Now()
	rec.Followed(at(1)) // nothing came before it
	rec.Token(at(1), 1)
	rec.Followed(at(2))
	rec.Token(at(0), 1) // nobody knows the read
	rec.Followed(at(0))
	rec.Token(at(3), 1)
	rec.Followed(at(3))
	rec.Followed(at(3))
	rec.Token(at(3), 1)
	rec.Token(at(4), 1)
	var shared []bool
	for _, e := range rec.Events {
		shared = append(shared, e.Shared())
	}
	if want := []bool{false, false, true, false, false}; !slices.Equal(shared, want) || rec.Coalesced != 1 {
		t.Errorf("shared %v, %d in all; want %v", shared, rec.Coalesced, want)
	}
}

// An answer has an end even when that shares its read with what is no token: its
// last token event is an arrival all the same, but no first token.
func TestLastFollowed(t *testing.T) {
	edit := func(rec *metrics.Record) { rec.Followed(wire.Arrival{Read: uint64(len(rec.Events))}) }
	r := metrics.NewRecorder(metrics.Options{})
	r.Close(record(request{events: []float64{10, 20, 40}, lags: []float64{1, 1, 2}, end: 50, edit: func(rec *metrics.Record) { usage(1, 3)(rec); edit(rec) }}))
	r.Close(record(request{events: []float64{30}, lags: []float64{2}, end: 50, edit: func(rec *metrics.Record) { usage(1, 1)(rec); edit(rec) }}))
	c := r.Finish(result.Counts{}, nil, metrics.Rules{})
	holds(t, c, "e2el", 2, 35, 30, 40)
	holds(t, c, "itl", 2, 15, 10, 20)
	holds(t, c, "read_lag", 4, 1.5, 1, 2)
	holds(t, c, "ttft", 1, 10)
	holds(t, c, "ttft_upper_bound", 1, 30)
	holds(t, c, "tpot", 1, 15)
	holds(t, c, "ttst", 1, 10)
	if want := (result.TokenEvents{All: 4, Shared: 2, FirstShared: 1}); c.TokenEvents != want {
		t.Errorf("%+v, want %+v", c.TokenEvents, want)
	}
}

func TestEventSize(t *testing.T) {
	if n := unsafe.Sizeof(metrics.Event{}); n != 16 {
		t.Errorf("an event takes %d bytes, want 16", n)
	}
}
