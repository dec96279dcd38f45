package pacer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHeapKeepsTheOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		var h waits
		var all []*wait
		for range 1 + rng.IntN(50) {
			w := &wait{until: time.Duration(rng.IntN(20))}
			all = append(all, w)
			h.push(w)
		}
		for range rng.IntN(len(all)) { // some leave from within
			w := all[rng.IntN(len(all))]
			if w.place >= 0 {
				h.remove(w.place)
				if w.place != -1 {
					t.Fatalf("round %d: one that left is still at %d", round, w.place)
				}
			}
		}
		var want, got []time.Duration
		for _, w := range all {
			if w.place >= 0 {
				want = append(want, w.until)
				if h[w.place] != w {
					t.Fatalf("round %d: place %d has another one", round, w.place)
				}
			}
		}
		slices.Sort(want)
		for len(h) > 0 {
			got = append(got, h.pop().until)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: they left in the order %v, want %v", round, got, want)
		}
	}
}

// The system's own alarm: nobody wakes early, everybody wakes.
func TestSystemAlarm(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	early := make(chan time.Duration)
	for i := range 50 {
		go func() {
			until := start.Add(time.Duration(i%7) * 3 * time.Millisecond)
			err := p.Sleep(t.Context(), until)
			if err != nil {
				t.Error(err)
			}
			early <- time.Until(until)
		}()
	}
	for range 50 {
		if d := <-early; d > 0 {
			t.Errorf("a sleeper woke %v early", d)
		}
	}
	calls := 0
	err = p.Repeat(t.Context(), start, func() (time.Time, bool) {
		calls++
		return time.Now().Add(time.Millisecond), calls < 5
	})
	if err != nil || calls != 5 {
		t.Errorf("%d calls, %v; want 5", calls, err)
	}

	asleep := make(chan error)
	for range 2 {
		go func() { asleep <- p.Sleep(context.Background(), start.Add(time.Hour)) }()
	}
	time.Sleep(time.Millisecond) // whether they sleep by then or not, they have to end
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	for range 2 {
		if err := <-asleep; !errors.Is(err, ErrClosed) {
			t.Errorf("a sleeper of a closed pacer got %v", err)
		}
	}
	if err := p.Sleep(context.Background(), start.Add(time.Hour)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

func BenchmarkRepeat(b *testing.B) {
	p, err := New()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	n := 0
	now := time.Now()
	if err := p.Repeat(context.Background(), now, func() (time.Time, bool) { n++; return now, n < b.N }); err != nil {
		b.Fatal(err)
	}
}
