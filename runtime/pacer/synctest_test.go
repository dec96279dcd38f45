//go:build !race

package pacer

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

func TestEveryoneWakesInTime(t *testing.T) {
	for _, test := range []struct {
		name  string
		sleep func(*Pacer) func(context.Context, time.Time) error
	}{
		{"pacer", func(p *Pacer) func(context.Context, time.Time) error { return p.Sleep }},
		{"timers", func(*Pacer) func(context.Context, time.Time) error { return Sleep }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(newTimerAlarm())
				sleep := test.sleep(p)
				start := time.Now()
				slept := make(chan time.Duration)
				// Later, earlier, equal and past times, in the order of setting.
				waits := []time.Duration{30 * ms, 10 * ms, 20 * ms, 10 * ms, -5 * ms, 0, 40 * ms}
				for _, d := range waits {
					go func() {
						if err := sleep(context.Background(), start.Add(d)); err != nil {
							t.Error(err)
						}
						slept <- time.Since(start)
					}()
					synctest.Wait()
				}
				// One gives up before, and one at the very moment.
				for _, d := range []time.Duration{5 * ms, 30 * ms} {
					go func() {
						ctx, cancel := context.WithTimeout(context.Background(), d)
						defer cancel()
						if err := sleep(ctx, start.Add(30*ms)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("a sleeper that gave up got %v", err)
						}
						slept <- time.Since(start)
					}()
				}
				var got []time.Duration
				for range len(waits) + 2 {
					got = append(got, <-slept)
				}
				if want := []time.Duration{0, 0, 5 * ms, 10 * ms, 10 * ms, 20 * ms, 30 * ms, 30 * ms, 40 * ms}; !slices.Equal(got, want) {
					t.Errorf("woke at %v, want %v", got, want)
				}
				if len(p.waiting) != 0 {
					t.Errorf("%d sleepers were left behind", len(p.waiting))
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Repetitions keep their own times, whatever the others do.
func TestRepeat(t *testing.T) {
	ended := errors.New("ended")
	for _, test := range []struct {
		name   string
		first  time.Duration
		gap    time.Duration
		calls  int           // after which it has enough
		giveUp time.Duration // since the start; 0: never
		want   []time.Duration
		err    error
	}{
		{name: "some calls", first: 10 * ms, gap: 7 * ms, calls: 3, want: []time.Duration{10 * ms, 17 * ms, 24 * ms}},
		{name: "one call", first: 5 * ms, calls: 1, want: []time.Duration{5 * ms}},
		{name: "a time that has passed", first: -5 * ms, gap: 10 * ms, calls: 2, want: []time.Duration{0, 5 * ms}},
		{name: "given up between two calls", first: 1 * ms, gap: 10 * ms, calls: 9, giveUp: 15 * ms, want: []time.Duration{1 * ms, 11 * ms}, err: context.DeadlineExceeded},
		{name: "given up before the first", first: 20 * ms, calls: 1, giveUp: 15 * ms, err: context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, repeat := range map[string]func(*Pacer, context.Context, time.Time, func() (time.Time, bool)) error{
				"pacer": (*Pacer).Repeat,
				"own goroutine": func(p *Pacer, ctx context.Context, at time.Time, f func() (time.Time, bool)) error {
					return Repeat(ctx, at, f, p.Sleep)
				},
			} {
				synctest.Test(t, func(t *testing.T) {
					p := newPacer(newTimerAlarm())
					start := time.Now()
					ctx := context.Background()
					if test.giveUp > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, test.giveUp)
						defer cancel()
					}
					other := make(chan error)
					go func() { // in step with everything else
						n := 0
						err := p.Repeat(context.Background(), start, func() (time.Time, bool) {
							n++
							return start.Add(time.Duration(n) * ms), n < 60
						})
						if n != 60 {
							err = ended
						}
						other <- err
					}()
					var got []time.Duration
					at := start.Add(test.first)
					err := repeat(p, ctx, at, func() (time.Time, bool) {
						got = append(got, time.Since(start).Truncate(ms))
						at = at.Add(test.gap)
						return at, len(got) < test.calls
					})
					if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
						t.Errorf("%s: called at %v, ended with %v; want %v, %v", name, got, err, test.want, test.err)
					}
					if err := <-other; err != nil {
						t.Errorf("%s: the other one ended with %v", name, err)
					}
					if err := p.Close(); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

func TestGivenUpDuringTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(newTimerAlarm())
		for _, again := range []bool{true, false} {
			ctx, cancel := context.WithCancel(context.Background())
			running := false
			err := p.Repeat(ctx, time.Now().Add(ms), func() (time.Time, bool) {
				running = true
				cancel()
				time.Sleep(10 * ms)
				running = false
				return time.Now(), again
			})
			if running {
				t.Error("Repeat has returned while its function runs")
			}
			var want error
			if again {
				want = context.Canceled
			}
			if !errors.Is(err, want) {
				t.Errorf("again %v: ended with %v, want %v", again, err, want)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}
