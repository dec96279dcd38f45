package terminal_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/terminal"
)

// snapshots tells of 10 requests and 2560 tokens a second, after a warm-up of 2 s.
func snapshots(begin time.Time) func() terminal.Snapshot {
	return func() terminal.Snapshot {
		elapsed := time.Since(begin)
		s := terminal.Snapshot{Case: 2, Cases: 12, Name: "parallel 8", Elapsed: elapsed, InFlight: 8}
		if elapsed < 2*time.Second {
			s.Phase, s.Done = "warm-up", 4
			return s
		}
		measured := elapsed - 2*time.Second
		s.Done = int64(10 * measured.Seconds())
		s.OutputTokens = 256 * s.Done
		s.Left, s.LeftKnown = 60*time.Second-measured, true
		if measured >= 10*time.Second {
			s.Failed = 3
		}
		return s
	}
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Terminal: true, Width: func() int { return 120 }})
		stop := p.Start(snapshots(time.Now()))
		time.Sleep(3500 * time.Millisecond)
		fmt.Fprint(p, "a line of the script's\n")
		time.Sleep(time.Second)
		stop()
		stop() // once is enough
		// synctest fails the test when a goroutine is left.
		const clear = "\x1b[K"
		want := "\r[2/12] parallel 8 (warm-up)  0:01  4 done  8 in flight  0.00 req/s" + clear +
			"\r[2/12] parallel 8  0:02, 1:00 left  0 done  8 in flight  0.00 req/s" + clear +
			"\r[2/12] parallel 8  0:03, 0:59 left  10 done  8 in flight  10.0 req/s  2560 tok/s" + clear +
			"\r" + clear + "a line of the script's\n" + "[2/12] parallel 8  0:03, 0:59 left  10 done  8 in flight  10.0 req/s  2560 tok/s" +
			"\r[2/12] parallel 8  0:04, 0:58 left  20 done  8 in flight  10.0 req/s  2560 tok/s" + clear +
			"\r[2/12] parallel 8  0:05  25 done  8 in flight  10.0 req/s  2560 tok/s" + clear + "\n"
		if out.String() != want {
			t.Errorf("wrote\n%q, want\n%q", out.String(), want)
		}
	})
}

func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out})
		stop := p.Start(snapshots(time.Now()))
		time.Sleep(25 * time.Second)
		stop()
		want := strings.Join([]string{
			"[2/12] parallel 8  0:10, 0:52 left  80 done  8 in flight  0.00 req/s  0.00 tok/s",
			"[2/12] parallel 8  0:20, 0:42 left  180 done, 3 FAILED  8 in flight  10.0 req/s  2560 tok/s",
			"[2/12] parallel 8  0:25  230 done, 3 FAILED  8 in flight  10.0 req/s  2560 tok/s", "",
		}, "\n")
		if out.String() != want {
			t.Errorf("wrote\n%s, want\n%s", out.String(), want)
		}
	})
}

func TestProgressLines(t *testing.T) {
	for _, row := range []struct {
		s    terminal.Snapshot
		want string
	}{
		{terminal.Snapshot{Case: 1, Name: "x"}, "[1] x  0:00  0 done  0 in flight  0.00 req/s\n"},
		{terminal.Snapshot{Case: 3, Name: "x", Phase: "stopping", Elapsed: 3723 * time.Second, Left: -time.Second, LeftKnown: true, Failed: 1, Done: 2},
			"[3] x (stopping)  1:02:03  2 done, 1 FAILED  0 in flight  0.00 req/s\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			p := terminal.NewProgress(terminal.ProgressConfig{To: &out})
			p.Start(func() terminal.Snapshot { return row.s })()
			if out.String() != row.want {
				t.Errorf("%+v: %q, want %q", row.s, out.String(), row.want)
			}
		})
	}
}

func TestQuietProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Terminal: true, Quiet: true})
		stop := p.Start(snapshots(time.Now()))
		time.Sleep(time.Minute)
		fmt.Fprint(p, "text")
		stop()
		if out.String() != "text" {
			t.Errorf("wrote %q, want the text alone", out.String())
		}
	})
}

// A line is cut to the terminal's width, whatever the name.
func TestProgressWidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Terminal: true, Width: func() int { return 20 }})
		stop := p.Start(func() terminal.Snapshot {
			return terminal.Snapshot{Case: 1, Name: "并发数三十二，输入长度很长"}
		})
		time.Sleep(1500 * time.Millisecond)
		stop()
		if want := "\r[1] 并发数三十二，\x1b[K\r[1] 并发数三十二，\x1b[K\n"; out.String() != want {
			t.Errorf("wrote %q, want %q", out.String(), want)
		}
	})
}

func TestProgressFromManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Terminal: true})
	stop := p.Start(func() terminal.Snapshot { return terminal.Snapshot{Case: 1} })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { fmt.Fprintln(p, "hello") })
	}
	wg.Wait()
	stop()
	if n := strings.Count(out.String(), "hello\n"); n != 8 {
		t.Errorf("%d lines, want 8", n)
	}
}
