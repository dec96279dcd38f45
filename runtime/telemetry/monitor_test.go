//go:build !race

// The race detector of Go 1.26 now and then crashes with synctest.

package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/device"
	"weir/runtime/telemetry"
)

// fake is a source whose n-th reading, from 0, is what read says.
type fake struct {
	name    string
	listing device.Listing
	listErr error
	read    func(ctx context.Context, n int) (device.Reading, error)
	reads   int
}

func (f *fake) Name() string { return f.name }

func (f *fake) List(context.Context) (device.Listing, error) { return f.listing, f.listErr }

func (f *fake) Read(ctx context.Context) (device.Reading, error) {
	f.reads++
	return f.read(ctx, f.reads-1)
}

// watcher is one that also watches; watch is called for the n-th time, from 0.
type watcher struct {
	fake
	watch   func(ctx context.Context, n int, interval time.Duration, emit func(device.Reading)) error
	watches int
}

func (w *watcher) Watch(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	w.watches++
	return w.watch(ctx, w.watches-1, interval, emit)
}

// wait returns false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// every emits a reading every interval, n times or until ctx ends.
func every(ctx context.Context, interval time.Duration, n int, emit func(device.Reading)) {
	for range n {
		if !wait(ctx, interval) {
			return
		}
		emit(device.Reading{At: time.Now()})
	}
}

var errTool = errors.New("the tool ended with code 1; try it by hand")

func TestMonitor(t *testing.T) {
	// After 10.5 s at one reading a second, from 0 s on.
	f := func(s device.Source, want string, said ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var messages []string
			emitted := 0
			m := telemetry.Start(t.Context(), s, telemetry.Options{Interval: time.Second, Say: func(text string) { messages = append(messages, text) }},
				func(device.Reading) { emitted++ })
			time.Sleep(10*time.Second + 500*time.Millisecond)
			r := m.Stop()
			got := fmt.Sprintf("%d read, %d missed, %d failed", r.Readings, r.Missed, r.Failed)
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if int64(emitted) != r.Readings {
				t.Errorf("%d emitted, %d counted", emitted, r.Readings)
			}
			if r.Source != s.Name() || r.Interval != 1 {
				t.Errorf("of %q every %v s", r.Source, r.Interval)
			}
			if len(messages) != len(said) {
				t.Errorf("said %q, want %q", messages, said)
			}
			for i := range min(len(messages), len(said)) {
				if !strings.Contains(messages[i], said[i]) {
					t.Errorf("said %q, want %q", messages[i], said[i])
				}
			}
			failed := r.Failed > 0 || r.Readings == 0
			if (r.Error != "") != failed || (r.Note != "") != (len(said) > 0 && len(r.Unread) == 0 && !failed) {
				t.Errorf("the error is %q, the note %q", r.Error, r.Note)
			}
			if again := m.Stop(); again.Readings != r.Readings {
				t.Errorf("stopped again, it tells %d readings", again.Readings)
			}
		})
	}
	takes := func(d time.Duration) func(context.Context, int) (device.Reading, error) {
		return func(ctx context.Context, _ int) (device.Reading, error) {
			wait(ctx, d)
			return device.Reading{Took: d}, ctx.Err()
		}
	}
	f(&fake{name: "prompt", read: takes(10 * time.Millisecond)}, "11 read, 0 missed, 0 failed")
	// One that ends when the next is due is in time.
	f(&fake{name: "just in time", read: takes(time.Second)}, "10 read, 0 missed, 0 failed")
	// From 0 s to 2.5 s, from 3 s to 5.5 s, … : two are due meanwhile each time, and one
	// during the last, which is cut off.
	f(&fake{name: "slow", read: takes(2500 * time.Millisecond)}, "3 read, 7 missed, 0 failed")
	// A reading has 5 s; those that are due meanwhile are missed as well as itself.
	f(&fake{name: "hangs", read: takes(time.Hour)}, "0 read, 10 missed, 0 failed", "monitor hangs: a reading took longer than 5s")
	f(&fake{name: "fails", read: func(context.Context, int) (device.Reading, error) { return device.Reading{}, errTool }},
		"0 read, 0 missed, 11 failed", "monitor fails: the tool ended with code 1; try it by hand")
	f(&fake{name: "comes back", read: func(_ context.Context, n int) (device.Reading, error) {
		if n == 3 || n == 4 {
			return device.Reading{}, errTool
		}
		return device.Reading{}, nil
	}}, "9 read, 0 missed, 2 failed", "code 1")
	f(&fake{name: "unread", read: func(_ context.Context, n int) (device.Reading, error) {
		return device.Reading{Unread: []string{"odd", "even"}[n%2 : n%2+1]}, nil
	}}, "11 read, 0 missed, 0 failed", `left out, as it could not be read: "odd"`, `"even"`)

	f(&watcher{fake: fake{name: "watches"}, watch: func(ctx context.Context, _ int, interval time.Duration, emit func(device.Reading)) error {
		every(ctx, interval, 100, emit)
		return nil
	}}, "10 read, 0 missed, 0 failed")
	// It dies at 3 s, is started again at 4 s, dies at 7 s, is started again at 9 s:
	// after both deaths some readings are missed.
	f(&watcher{fake: fake{name: "dies"}, watch: func(ctx context.Context, _ int, interval time.Duration, emit func(device.Reading)) error {
		every(ctx, interval, 3, emit)
		return errTool
	}}, "7 read, 3 missed, 2 failed", "code 1")
	// It falls silent at 2 s and is given up at 7 s; the next one, from 8 s on, watches.
	f(&watcher{fake: fake{name: "falls silent"}, watch: func(ctx context.Context, n int, interval time.Duration, emit func(device.Reading)) error {
		every(ctx, interval, 2, emit)
		if n > 0 {
			every(ctx, interval, 100, emit)
		}
		<-ctx.Done()
		return nil
	}}, "4 read, 6 missed, 1 failed", "nothing came for 5s")
	// One that cannot watch is read call by call: from the start, or after 5 s of silence.
	f(&watcher{fake: fake{name: "cannot", read: takes(0)}, watch: func(context.Context, int, time.Duration, func(device.Reading)) error {
		return errTool
	}}, "11 read, 0 missed, 0 failed", "it could not keep watching, so that each reading is a call of its own: the tool ended with code 1")
	f(&watcher{fake: fake{name: "silent", read: takes(0)}, watch: func(ctx context.Context, _ int, _ time.Duration, _ func(device.Reading)) error {
		<-ctx.Done()
		return nil
	}}, "6 read, 4 missed, 0 failed", "each reading is a call of its own: nothing came for 5s")
	f(&watcher{fake: fake{name: "leaves", read: takes(0)}, watch: func(context.Context, int, time.Duration, func(device.Reading)) error {
		return nil
	}}, "11 read, 0 missed, 0 failed", "it ended by itself")
}

// Ten lines that could not be read are kept, each once.
func TestMonitorUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fake{name: "s", read: func(_ context.Context, n int) (device.Reading, error) {
			return device.Reading{Unread: []string{"again", fmt.Sprint("line ", n)}}, nil
		}}
		said := 0
		m := telemetry.Start(t.Context(), s, telemetry.Options{Say: func(string) { said++ }}, func(device.Reading) {})
		time.Sleep(time.Minute)
		r := m.Stop()
		if len(r.Unread) != 10 || said != 10 || !slices.Contains(r.Unread, "again") {
			t.Errorf("%d kept, %d said: %q", len(r.Unread), said, r.Unread)
		}
	})
}

// What a reading took is known within 1 %.
func TestMonitorTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fake{name: "s", read: func(ctx context.Context, n int) (device.Reading, error) {
			wait(ctx, time.Duration(n%100)*time.Millisecond)
			return device.Reading{}, nil
		}}
		m := telemetry.Start(t.Context(), s, telemetry.Options{}, func(device.Reading) {})
		time.Sleep(1000 * time.Second)
		r := m.Stop()
		if r.Took == nil || r.Took.Max != 99 || r.Took.P99 < 97 || r.Took.P99 > 99 {
			t.Errorf("took %+v", r.Took)
		}
	})
}

// A monitor ends with its context, and may be stopped by many at once.
func TestMonitorEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &fake{name: "s", read: func(ctx context.Context, _ int) (device.Reading, error) {
			<-ctx.Done()
			return device.Reading{}, ctx.Err()
		}}
		m := telemetry.Start(ctx, s, telemetry.Options{}, func(device.Reading) {})
		time.Sleep(time.Second)
		cancel()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if r := m.Stop(); r.Failed+r.Missed != 0 || r.Error != "" {
					t.Errorf("what the end cut off is no failure: %+v", r)
				}
			})
		}
		all.Wait()
	})
}
