//go:build !race

// The race detector of Go 1.26 now and then crashes with synctest.

package health

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// In simulated time nothing is late, so every count is known.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		m := watch(fstest.MapFS{}, func() []time.Duration {
			calls++
			if calls == 1 {
				return []time.Duration{time.Hour} // before the case
			}
			return []time.Duration{0, time.Duration(calls) * time.Millisecond, -time.Second}
		})
		time.Sleep(2550 * time.Millisecond)
		synctest.Wait()
		c := m.Stop()
		if c.Wall != 2.55 {
			t.Errorf("watched for %v s", c.Wall)
		}
		// Once in Watch, of which nothing is kept, 25 times, and once more in Stop;
		// each time the longest wait counts.
		if got := c.LoopLag; calls != 27 || got == nil || got.N != 26 || got.Max != 27 || got.P99 < 26 || got.P99 > 27 {
			t.Errorf("loop lag %+v after %d calls", got, calls)
		}
		if got := c.WakeLag; got == nil || got.N != 25 || got.Max != 0 || got.P99 != 0 {
			t.Errorf("wake lag %+v", got)
		}
		if m.windows != 3 {
			t.Errorf("%d windows in 2.55 s, want 2 and one that is long enough", m.windows)
		}
	})
}

// What the system does not tell is absent.
func TestNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := watch(fstest.MapFS{}, nil)
		time.Sleep(time.Second)
		text, err := json.Marshal(m.Stop())
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{
			"cpu_busy_share", "cpu_others_share", "cpu_steal_share", "cpu_wait_share", "cpu_wait_s", "cpu_pressure_share",
			"throttled_s", "loop_lag_ms", "rss_mb", `"open_files"`,
		} {
			if strings.Contains(string(text), field) {
				t.Errorf("%s came from nowhere: %s", field, text)
			}
		}
	})
}

func TestShortCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := watch(fstest.MapFS{}, nil)
		time.Sleep(20 * time.Millisecond)
		c := m.Stop()
		if c.Wall != 0.02 || m.windows != 1 {
			t.Errorf("%v s, %d windows", c.Wall, m.windows)
		}
		if c.WakeLag != nil {
			t.Errorf("wake lag %+v, before the first wake", c.WakeLag)
		}
	})
}

func TestTail(t *testing.T) {
	tail := NewTail()
	for i := range 1000 {
		tail.Add(time.Duration(i+1) * time.Millisecond)
	}
	got := tail.Result()
	if got.N != 1000 || got.Max != 1000 || got.P99 < 985 || got.P99 > 1000 {
		t.Errorf("1 to 1000 ms: %+v", got)
	}
	tail.Add(3 * time.Hour)
	if got := tail.Result(); got.N != 1001 || got.Max != 3*3600*1000 {
		t.Errorf("and three hours: %+v", got)
	}
}

// What was found so far can be looked at while the watching goes on, by those who ask.
func TestSofar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := watch(fstest.MapFS{}, nil)
		time.Sleep(1500 * time.Millisecond)
		if m.Sofar() != nil {
			t.Error("there is something that nobody has asked for")
		}
		time.Sleep(time.Second)
		first := m.Sofar()
		if first == nil || first.Wall != 2 || first.GOMAXPROCS == 0 {
			t.Errorf("after 2.5 s: %+v", first)
		}
		time.Sleep(time.Second)
		if next := m.Sofar(); next == nil || next.Wall != 3 || first.Wall != 2 {
			t.Errorf("after 3.5 s: %+v", next)
		}
		m.Stop()
	})
}
