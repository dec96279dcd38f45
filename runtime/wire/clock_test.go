package wire

import (
	"testing"
	"time"
)

// The wall clock may be slewed or set while data waits to be read.
func TestMapping(t *testing.T) {
	const ms = int64(time.Millisecond)
	type look struct {
		stamp, wall int64         // ms
		since       time.Duration // ms
		lag         int64         // ms; -1: not ok
	}
	for _, row := range []struct {
		name  string
		looks []look
	}{
		{"steady", []look{{1000, 1000, 500, 0}, {1008, 1010, 510, 2}, {1010, 1020, 520, 10}}},
		{"no stamp", []look{{0, 1000, 500, -1}, {1009, 1010, 510, 1}}},
		{"stamps of the future", []look{{1001, 1000, 500, -1}}},
		{"stamps from before the process", []look{{100, 1000, 500, -1}}},
		{"set forward by a second", []look{{1000, 1000, 500, 0}, {1008, 2010, 510, -1}, {2019, 2020, 520, 1}}},
		{"set back by 5 ms: the lag would be right by chance", []look{{1000, 1000, 500, 0}, {1008, 1015, 520, -1}, {1024, 1025, 530, 1}}},
		{"set while nothing was read: only the first read after it is in doubt", []look{{1000, 1000, 500, 0}, {9000, 9001, 4500, -1}, {9010, 9011, 4510, 1}}},
		{"slewed by 500 ppm for 100 s", []look{{1000, 1000, 500, 0}, {101_049, 101_050, 100_500, 1}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var m mapping
			for i, l := range row.looks {
				lag, ok := m.lag(l.stamp*ms, l.wall*ms, l.since*time.Millisecond)
				want := max(time.Duration(l.lag), 0) * time.Millisecond
				if ok != (l.lag >= 0) || lag != want {
					t.Errorf("look %d: lag %v, %v; want %v", i+1, lag, ok, want)
				}
			}
		})
	}
}

// Whatever the clocks do, arrivals never go back.
func TestArrivalsNeverGoBack(t *testing.T) {
	var c Conn
	now := base.Add(time.Hour)
	wall := now.UnixNano()
	c.note(wall-int64(time.Millisecond), now, unknown)
	first := c.Arrival().At
	c.note(wall-int64(5*time.Millisecond), now.Add(time.Microsecond), unknown)
	if a := c.Arrival(); a.At.Before(first) {
		t.Errorf("the second arrival is %v before the first", first.Sub(a.At))
	}
}
