package terminal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/device"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

// began is when the cases of these tests begin.
var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// spread is a histogram of n latencies from a time on, the last one twice as long as the
// first.
func spread(n int64, from float64) metrics.Histogram {
	h := metrics.Histogram{Counts: make([]int64, len(metrics.Histogram{}.Bounds())+1), N: n}
	at := 0
	for i := range n {
		v := from * (1 + float64(i)/float64(n))
		h.Sum += v
		for at < len(h.Bounds()) && h.Bounds()[at] <= v {
			at++
		}
		h.Counts[at]++
	}
	return h
}

// streaming is a case of 8 streams of 256 tokens, 20 ms apart: after 2 s of warm-up it is
// at a time.
func streaming(after time.Duration) terminal.Snapshot {
	s := terminal.Snapshot{
		At: began.Add(after), Case: 2, Cases: 12, Name: "parallel 8", Tags: map[string]any{"parallel": 8, "input": 512},
		Elapsed: after, Iterations: terminal.Iterations{Planned: 96},
		Live: metrics.Live{Open: 8},
	}
	if after < 2*time.Second {
		s.Warmup, s.Iterations.Planned = true, 8
		return s
	}
	s.Elapsed -= 2 * time.Second
	measured := s.Elapsed.Seconds()
	s.Left, s.LeftKnown = max(64*time.Second-s.Elapsed, 0), measured > 5
	ended := int64(1.5 * measured)
	s.Iterations.Ended = ended
	s.Live.Ended, s.Live.OutputTokens = ended, 256*ended
	s.Live.OpenTokens = int64(400*measured) - s.Live.OutputTokens
	s.Live.TTFT, s.Live.ITL = spread(ended+8, 50), spread(int64(400*measured), 20)
	if ended > 0 {
		s.Live.TPOT, s.Live.E2EL = spread(ended, 20.5), spread(ended, 5200)
	}
	return s
}

// troubled is the same with everything that may go wrong.
func troubled(after time.Duration) terminal.Snapshot {
	s := streaming(after)
	s.Name, s.Tags = "并发数 32，输入长度 2048\x1b[2J", map[string]any{"rate": 2.5}
	s.Stopping = after > 40*time.Second
	s.Cases = 0
	s.Iterations.Queued, s.Iterations.Dropped, s.Iterations.Late, s.Iterations.Failed = 12, 3, 7, 1
	s.Live.Failed = 9
	s.Live.Failures = []metrics.Failure{{Kind: "idle_timeout", Count: 1}, {Kind: "http_status", Status: 500, Count: 5}, {Kind: "connect", Count: 1}, {Kind: "http_status", Status: 503, Count: 2}}
	for _, rule := range []string{"client_cpu", "failed_requests", "read_lag"} {
		s.Warnings = append(s.Warnings, result.Reason{Rule: rule, Verdict: result.Suspect, Message: rule + " is about something that takes quite a number of words to be told in a way that is understood"})
	}
	s.Warnings[1].Verdict = result.Invalid
	s.Warnings = append(s.Warnings, result.Reason{Rule: "expected", Verdict: result.Valid, Message: "it belongs to the experiment"})
	npus := device.Reading{Source: "npu-smi", At: s.At.Add(-time.Second)}
	for i := range 8 {
		npus.Devices = append(npus.Devices, device.Values{Kind: "npu", Index: i, Of: map[string]float64{
			device.AICore: 80 + float64(i), device.Memory: 61, device.Power: 300, device.Temperature: 55 + float64(i%2),
		}})
	}
	hosts := []device.Reading{{Source: "host", At: s.At.Add(-time.Minute), Devices: []device.Values{{Kind: "host", Of: map[string]float64{device.CPU: 34}}}}}
	for _, name := range []string{"node1", "node2", "node3"} {
		hosts = append(hosts, device.Reading{Host: name, At: s.At, Devices: []device.Values{{Kind: "host", Of: map[string]float64{device.CPU: 4}}}})
	}
	s.Devices = append(hosts, npus)
	return s
}

// plain is a case of HTTP requests without a schedule or an end that anybody knows.
func plain(after time.Duration) terminal.Snapshot {
	n := int64(250 * after.Seconds())
	return terminal.Snapshot{
		At: began.Add(after), Case: 1, Name: "constant-vus", Elapsed: after, Iterations: terminal.Iterations{Ended: n},
		Live: metrics.Live{Ended: n, Open: 3, HTTP: spread(n, 1.5)},
	}
}

// pooling is a case of embeddings.
func pooling(after time.Duration) terminal.Snapshot {
	n := int64(100 * after.Seconds())
	s := plain(after)
	s.Live = metrics.Live{Ended: n, Open: 4, InputTokens: 512 * n, E2EL: spread(n, 30)}
	return s
}

// seen is a panel that has been looked at twice a second until a time.
func seen(snapshot func(time.Duration) terminal.Snapshot, until time.Duration) *terminal.Panel {
	p := &terminal.Panel{}
	for at := time.Duration(0); at <= until; at += 500 * time.Millisecond {
		p.Look(snapshot(at))
	}
	return p
}

func TestPanel(t *testing.T) {
	for _, c := range []struct {
		name     string
		snapshot func(time.Duration) terminal.Snapshot
		until    time.Duration
	}{
		{"warmup", streaming, 1500 * time.Millisecond},
		{"begun", streaming, 4 * time.Second},
		{"streaming", streaming, 46 * time.Second},
		{"troubled", troubled, 46 * time.Second},
		{"http", plain, 20 * time.Second},
		{"pooling", pooling, 20 * time.Second},
	} {
		panel := seen(c.snapshot, c.until)
		var all strings.Builder
		for _, size := range [][2]int{{40, 24}, {60, 24}, {80, 24}, {120, 40}, {200, 50}, {80, 12}, {80, 6}} {
			width, height := size[0], size[1]
			fmt.Fprintf(&all, "%d × %d\n", width, height)
			lines := panel.Lines(width, height, false)
			for _, l := range lines {
				fmt.Fprintln(&all, l)
				if n := text.StringWidth(l); n >= width {
					t.Errorf("%s: a line takes %d of %d columns: %s", c.name, n, width, l)
				}
				if strings.ContainsAny(l, "\x1b\r\n") {
					t.Errorf("%s: a line does something to the terminal: %q", c.name, l)
				}
			}
			if len(lines) > height-2 {
				t.Errorf("%s: %d lines on a terminal of %d", c.name, len(lines), height)
			}
			coloured := panel.Lines(width, height, true)
			if len(coloured) != len(lines) {
				t.Fatalf("%s: %d lines, in colours %d", c.name, len(lines), len(coloured))
			}
			for i, l := range coloured {
				if without := text.StripEscape(l); without != lines[i] {
					t.Errorf("%s: in colours it says\n%q, else\n%q", c.name, without, lines[i])
				}
			}
		}
		fmt.Fprintf(&all, "in a log\n%s\n", panel.Line())
		resulttest.Golden(t, "panel-"+c.name+".txt", all.String())
	}
}

func TestPanelColours(t *testing.T) {
	lines := seen(troubled, 46*time.Second).Lines(100, 40, true)
	var all strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&all, "%q\n", l)
		if !strings.HasSuffix(l, text.EscapeReset) && strings.LastIndex(l, text.EscapeReset) < strings.LastIndex(l, text.EscapeStart) {
			t.Errorf("colours go on behind the line: %q", l)
		}
	}
	resulttest.Golden(t, "panel-colours.txt", all.String())
}

// A panel that has seen nothing draws nothing.
func TestEmptyPanel(t *testing.T) {
	if lines := new(terminal.Panel).Lines(80, 24, true); lines != nil {
		t.Errorf("%q", lines)
	}
}

// A panel leaves the cursor a line, and is not drawn where it has no room.
func TestPanelOnSmallTerminals(t *testing.T) {
	panel := seen(troubled, 46*time.Second)
	f := func(width, height, want int) {
		t.Helper()
		lines := panel.Lines(width, height, false)
		if len(lines) != want {
			t.Errorf("%d × %d: %d lines, want %d", width, height, len(lines), want)
		}
		for _, l := range lines {
			if n := text.StringWidth(l); n >= width {
				t.Errorf("%d × %d: a line takes %d columns: %s", width, height, n, l)
			}
		}
	}
	f(80, 4, 2)
	f(80, 3, 1)
	f(80, 2, 1)
	f(80, 1, 0)
	f(80, 0, 0)
	f(20, 10, 8)
	f(19, 10, 0)
	f(0, 0, 0)
}

// However long a case runs, the history has the columns that there is room for, and the
// same shape.
func TestPanelHistory(t *testing.T) {
	panel := &terminal.Panel{}
	for i := range 20_000 { // 2 h 46 min: the second half is twice as fast
		after := time.Duration(i) * 500 * time.Millisecond
		n := int64(i) + max(0, int64(i)-10_000)
		panel.Look(terminal.Snapshot{At: began.Add(after), Case: 1, Name: "long", Elapsed: after, Live: metrics.Live{Ended: n}})
	}
	lines := panel.Lines(82, 24, false)
	want := []string{
		"     4.00 ┤" + strings.Repeat(" ", 35) + strings.Repeat("█", 35),
		"    req/s ┤" + strings.Repeat("▄", 35) + strings.Repeat("█", 35),
		"        0 ┤" + strings.Repeat("█", 70),
	}
	got := lines[len(lines)-3:]
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is\n%q, want\n%q", i, got[i], want[i])
		}
	}
}

// The time that the run has left is taken from its cases so far.
func TestPanelRunLeft(t *testing.T) {
	p := &terminal.Panel{}
	f := func(at, number, left int, warmup bool, want string) {
		t.Helper()
		s := terminal.Snapshot{At: began.Add(time.Duration(at) * time.Second), Case: number, Cases: 4, Name: "x", Warmup: warmup}
		s.Left, s.LeftKnown = time.Duration(left)*time.Second, left > 0
		p.Look(s)
		if got := p.Lines(100, 24, false)[1]; !strings.HasSuffix(got, want) {
			t.Errorf("at %d s of case %d: %q, want …%q", at, number, got, want)
		}
	}
	f(0, 1, 0, true, "0:00")
	f(10, 1, 20, false, "0:20 left, the run about 1:50 more") // 20 + 3 × 30
	f(30, 1, 0, false, "0:00")
	f(40, 2, 50, false, "0:50 left, the run about 2:20 more") // 50 + 2 × (40 + 50)/2
	f(80, 4, 10, false, "0:10 left, the run about 0:10 more")
	f(90, 5, 10, false, "0:10 left") // more than were announced
}

// What a frame costs: it is drawn twice a second.
func BenchmarkPanel(b *testing.B) {
	p := seen(troubled, 46*time.Second)
	s := troubled(46 * time.Second)
	b.ReportAllocs()
	for b.Loop() {
		s.At = s.At.Add(500 * time.Millisecond)
		p.Look(s)
		p.Lines(120, 40, true)
	}
}
