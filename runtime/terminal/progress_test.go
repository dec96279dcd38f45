package terminal_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/vt"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

// emulated is a terminal, and what has been written to it.
type emulated struct {
	*vt.Emulator
	mu      sync.Mutex // protects it, and the following field
	written int        // bytes
}

func (e *emulated) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.written += len(b)
	return e.Emulator.Write(b)
}

func (e *emulated) bytes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written
}

func (e *emulated) WriteString(s string) (int, error) { return e.Write([]byte(s)) }

// lines are what it shows, from the top of what has scrolled away, without empty ones at
// the end.
func (e *emulated) lines() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for y := range e.ScrollbackLen() {
		all = append(all, e.Scrollback().Line(y).String())
	}
	all = append(all, strings.Split(e.String(), "\n")...)
	for i := range all {
		all[i] = strings.TrimRight(all[i], " ")
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

// full is progress on an emulated terminal.
func full(width, height int) (*emulated, *terminal.Progress) {
	e := &emulated{Emulator: vt.NewEmulator(width, height)}
	return e, terminal.NewProgress(terminal.ProgressConfig{
		To: e, Mode: terminal.Full, Reflows: true, Size: func() (int, int) { return width, height },
	})
}

// from is a case that begins now.
func from(snapshot func(time.Duration) terminal.Snapshot) func() terminal.Snapshot {
	begin := time.Now()
	return func() terminal.Snapshot { return snapshot(time.Since(begin)) }
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := full(80, 16)
		fmt.Fprint(p, "before the run\r\n")
		stop := p.Start(from(streaming))
		panel := func(after time.Duration) string {
			return strings.Join(seen(streaming, after).Lines(80, 16, false), "\n")
		}
		show := func(what, want string) {
			t.Helper()
			if got := e.lines(); got != want {
				t.Errorf("%s: the terminal shows\n%s\nwant\n%s", what, got, want)
			}
		}
		synctest.Wait()
		show("at the begin", "before the run\n"+panel(0))
		time.Sleep(4100 * time.Millisecond)
		show("after 4 s", "before the run\n"+panel(4*time.Second))
		fmt.Fprintln(p, "a line of the script's")
		fmt.Fprint(p, "another, in ")
		show("with a line above it", "before the run\na line of the script's\n"+panel(4*time.Second))
		fmt.Fprintln(p, "two pieces")
		time.Sleep(60 * time.Millisecond)
		show("with two lines above it", "before the run\na line of the script's\nanother, in two pieces\n"+panel(4*time.Second))
		time.Sleep(40 * time.Second)
		show("after 44 s", "before the run\na line of the script's\nanother, in two pieces\n"+panel(44*time.Second))
		stop()
		stop() // once is enough
		c := resulttest.LLMCase("parallel 8", 640, 8)
		p.Finished(c, 2, 12)
		fmt.Fprint(p, "no end of line")
		p.Close()
		p.Close()
		fmt.Fprint(p, "after it\r\n")
		show("in the end", "before the run\na line of the script's\nanother, in two pieces\n"+
			"[2/12] parallel 8  640 ok  13107 tok/s  TTFT p50 7.60 p99 ~16.0 ms  VALID\nno end of line\nafter it")
		if pos := e.CursorPosition(); pos.X != 0 {
			t.Errorf("the cursor is at %v", pos)
		}
		// synctest fails the test when a goroutine is left.
	})
}

// Whatever ends the program between two frames, the terminal is as it was: each frame is
// one write that leaves no mode behind.
func TestEachFrameIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var frames []string
		p := terminal.NewProgress(terminal.ProgressConfig{
			To: writerFunc(func(b []byte) (int, error) {
				frames = append(frames, string(b))
				return len(b), nil
			}),
			Mode: terminal.Full, Colours: true, Size: func() (int, int) { return 80, 24 },
		})
		stop := p.Start(from(troubled))
		for i := range 20 {
			time.Sleep(700 * time.Millisecond)
			fmt.Fprintf(p, "line %d\n", i)
		}
		stop()
		p.Close()
		if len(frames) < 40 {
			t.Errorf("%d frames", len(frames))
		}
		for _, f := range frames {
			if !strings.HasPrefix(f, "\x1b[?2026h\x1b[?25l\r") || !strings.HasSuffix(f, "\x1b[?25h\x1b[?2026l") || strings.Count(f, "\x1b[?") != 4 {
				t.Fatalf("a frame that is not whole: %q", f)
			}
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Where nothing changes, nothing is written, and else no more than what has changed.
func TestFramesAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := full(80, 24)
		var open atomic.Int64
		open.Store(8)
		stop := p.Start(func() terminal.Snapshot {
			s := streaming(46 * time.Second)
			s.Live.Open = int(open.Load())
			return s
		})
		time.Sleep(time.Second)
		first := e.bytes()
		time.Sleep(time.Minute)
		if n := e.bytes(); n != first {
			t.Errorf("%d bytes were written though nothing has changed", n-first)
		}
		open.Store(9)
		time.Sleep(time.Second)
		if n := e.bytes() - first; n == 0 || n > 300 {
			t.Errorf("%d bytes were written for one number", n)
		}
		stop()
		p.Close()
	})
}

// A flood of text is not a flood of frames, and nothing of it is lost.
func TestProgressInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		frames := 0
		var all bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{Mode: terminal.Full, To: writerFunc(func(b []byte) (int, error) {
			frames++
			return all.Write(b)
		})})
		stop := p.Start(from(plain))
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 1000 {
					fmt.Fprintf(p, "line %d of %d\n", i, w)
					if i%100 == 0 {
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		stop()
		p.Close()
		if n := strings.Count(all.String(), "line "); n != 8000 {
			t.Errorf("%d lines, want 8000", n)
		}
		if frames > 12 {
			t.Errorf("%d frames in 0.1 s", frames)
		}
	})
}

// On a terminal that has become narrower what is shown takes more lines than before; all
// of them are drawn anew.
func TestProgressOnANarrowedTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var width atomic.Int64
		width.Store(100)
		var all bytes.Buffer // read when there is no ticker any more
		p := terminal.NewProgress(terminal.ProgressConfig{Mode: terminal.Full, To: &all, Reflows: true, Size: func() (int, int) { return int(width.Load()), 24 }})
		snapshot := streaming(46 * time.Second)
		stop := p.Start(func() terminal.Snapshot { return snapshot })
		rows, before := 0, new(terminal.Panel)
		before.Look(snapshot)
		width.Store(50)
		for _, l := range before.Lines(100, 24, false) {
			rows += 1 + (len([]rune(l))-1)/50
		}
		time.Sleep(600 * time.Millisecond)
		stop()
		p.Close()
		if want := fmt.Sprintf("\r\x1b[%dA", rows); !strings.Contains(all.String(), want) || rows <= len(before.Lines(100, 24, false)) {
			t.Errorf("it does not go up %q:\n%q", want, all.String())
		}
	})
}

func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Mode: terminal.Plain})
		stop := p.Start(from(func(after time.Duration) terminal.Snapshot {
			s := streaming(after)
			if after > 15*time.Second {
				s.Live.Failed = 2
				s.Warnings = []result.Reason{{Rule: "failed_requests", Verdict: result.Invalid, Message: "2 of 28 requests failed"}, {Rule: "expected", Verdict: result.Valid, Message: "x"}}
			}
			return s
		}))
		fmt.Fprint(p, "no end of line")
		time.Sleep(35 * time.Second)
		stop()
		c := resulttest.LLMCase("parallel 8", 640, 8)
		c.Repeat = 2
		c.Counts.RequestsFailed = 2
		c.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{{Rule: "failed_requests", Verdict: result.Invalid}, {Rule: "few_samples", Verdict: result.Valid}}}
		p.Finished(c, 2, 12)
		p.Close()
		resulttest.Golden(t, "progress-log.txt", out.String())
	})
}

func TestNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Mode: terminal.None})
		stop := p.Start(from(streaming))
		time.Sleep(time.Minute)
		fmt.Fprint(p, "text")
		stop()
		p.Finished(resulttest.LLMCase("parallel 8", 640, 8), 1, 1)
		p.Close()
		if out.String() != "text" {
			t.Errorf("wrote %q, want the text alone", out.String())
		}
	})
}

// A line that tells of a case takes no more than the terminal's width.
func TestFinishedFitsTheWidth(t *testing.T) {
	c := resulttest.LLMCase("并发数三十二，输入长度很长", 640, 8)
	c.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "failed_requests", Verdict: result.Suspect}}}
	var all strings.Builder
	for _, width := range []int{40, 60, 80, 120, 200} {
		var out bytes.Buffer
		p := terminal.NewProgress(terminal.ProgressConfig{To: &out, Mode: terminal.Full, Size: func() (int, int) { return width, 24 }})
		p.Finished(c, 12, 12)
		io.Copy(&all, &out)
	}
	resulttest.Golden(t, "progress-finished.txt", all.String())
}

// What a shorter line takes the place of is erased before it is written: tmux wraps what
// has been written beyond a line's end when the terminal gets narrower, erased or not.
func TestShorterLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last string
		p := terminal.NewProgress(terminal.ProgressConfig{
			To: writerFunc(func(b []byte) (int, error) {
				last = string(b)
				return len(b), nil
			}),
			Mode: terminal.Full,
		})
		name := "a case with a long name"
		stop := p.Start(func() terminal.Snapshot { return terminal.Snapshot{At: time.Now(), Case: 1, Name: name} })
		synctest.Wait()
		name = "short"
		stop()
		if want := "\x1b[K[1] short\x1b[K\r\n"; !strings.Contains(last, want) {
			t.Errorf("the frame is\n%q\nwant in it\n%q", last, want)
		}
		p.Close()
	})
}
