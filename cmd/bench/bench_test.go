//go:build linux

package main

import (
	"bytes"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/result"
)

// The test binary is also the processes that a measurement consists of.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "replay", "floor"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// newBench is a bench of a weir that is built for it.
func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{weir: filepath.Join(dir, "weir"), dir: dir, rounds: 1, quick: true, itl: 20 * time.Millisecond, out: io.Discard}
	if out, err := exec.Command("go", "build", "-o", b.weir, "weir/cmd/weir").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var err error
	if b.report.Machine, err = thisMachine(b.weir); err != nil {
		t.Fatal(err)
	}
	return b
}

// Every client plays a small load to its end, and all that is printed of it is
// there.
func TestMeasure(t *testing.T) {
	b := newBench(t)
	for _, client := range []string{clientEpoll, clientGoroutine, clientWeir, clientRecords} {
		n, err := b.measure(client, load{streams: 3, requests: 2, tokens: 5, ttft: 5 * time.Millisecond, itl: 2 * time.Millisecond})
		if err != nil {
			t.Errorf("%s: %v", client, err)
			continue
		}
		positive := []string{"cpu_us", "cpu_whole_us", "server_cpu_us", "peak_mb", "events_per_s", "rate_percent", "first_ms"}
		if client == clientRecords {
			positive = append(positive, "itl_p99", "true_itl_p99", "late_max")
			if n["shared_percent"] == 0 { // on a busy machine, first tokens may be read together with others
				positive = append(positive, "ttft_mean", "true_ttft_mean", "ttft_error_max")
			}
		}
		for _, name := range positive {
			if !(n[name] > 0) {
				t.Errorf("%s: %s is %v", client, name, n[name])
			}
		}
		// The service cannot be early.
		if mean, known := n["true_ttft_mean"]; known && mean < 5 {
			t.Errorf("the true TTFT is %v ms, the service's is 5 ms", n["true_ttft_mean"])
		}
	}

	n, err := b.start(50, 1)
	if err != nil || !(n["start_lag_p99"] > 0 && n["cpu_us"] > 0 && n["server_cpu_us"] > 0 && n["busy_percent"] > 0) {
		t.Errorf("starts: %v, %v", n, err)
	}
	for _, kind := range []string{"empty", "request", "turns"} {
		n, err := b.iterate(kind, 2, 100*time.Millisecond)
		if err != nil || !(n["iterations_per_s"] > 0 && n["cpu_us"] > 0) {
			t.Errorf("iterations, %s: %v, %v", kind, n, err)
		}
		wantRequests := map[string]float64{"empty": 0, "request": 1, "turns": 4}[kind] * n["iterations_per_s"]
		if math.Abs(n["requests_per_s"]-wantRequests) > 1e-6*wantRequests {
			t.Errorf("iterations, %s: %v requests a second, want %v", kind, n["requests_per_s"], wantRequests)
		}
	}
}

func TestBig(t *testing.T) {
	n, err := newBench(t).playBig(40, 8, 200, 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"before_s", "load_s", "after_s", "peak_mb", "tokens_per_s", "cpu_us", "server_cpu_us"} {
		if !(n[name] > 0) {
			t.Errorf("%s is %v", name, n[name])
		}
	}
}

// A client that fails is no measurement.
func TestMeasureFaults(t *testing.T) {
	f := func(args ...string) {
		t.Helper()
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0], args...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err == nil || !strings.Contains(out.String(), "bench: ") {
			t.Errorf("%s: %v\n%s", args, err, &out)
		}
	}
	f("floor")
	f("floor", "none")
	f("floor", "epoll", "-addr", "nowhere")
	f("floor", "epoll", "-addr", "127.0.0.1:1")
	f("floor", "goroutine", "-addr", "127.0.0.1:1")
	f("serve", "-ttft", "never")
}

// record is a request of weir's that began at a wall time, with token events at
// these microseconds.
func record(started int64, at ...int64) *result.Request {
	r := &result.Request{Started: started, Stamp: "kernel"}
	before := int64(0)
	for _, us := range at {
		r.TokenGaps = append(r.TokenGaps, us-before)
		before = us
	}
	return r
}

func TestCompare(t *testing.T) {
	value := func(v float64) *float64 { return &v }
	report := &result.Case{Metrics: map[string]*result.Metric{
		"ttft": {N: 1, Avg: value(51), P99: value(52)},
		"itl":  {Avg: value(20), P50: value(21), P99: value(22)},
	}}
	second := record(2_000_000_000, 50_000, 71_000, 90_000)
	second.Shared, second.ReadLags, second.Stamp = []int{0}, []int64{0, 100, 2000}, "user"

	f := func(name string, records map[string]*result.Request, log []truth, want numbers, wantError string) {
		t.Helper()
		got, err := compare(&weirRun{report: report, records: records}, log)
		if wantError != "" {
			if err == nil || !strings.Contains(err.Error(), wantError) {
				t.Errorf("%s: error %v, want one with %q", name, err, wantError)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for key, w := range want {
			if g, ok := got[key]; !ok || math.Abs(g-w) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", name, key, g, w)
			}
		}
	}
	f("two requests",
		map[string]*result.Request{"a": record(1_000_000_000, 50_300, 70_200, 90_200), "b": second},
		[]truth{
			// Received 0.1 ms after it was started; sent 50, 70 and 90 ms after that.
			{ID: "a", Received: 1_000_100_000, Sent: []int64{50_000_000, 70_000_000, 90_000_000}},
			{ID: "b", Received: 2_000_000_000, Sent: []int64{50_000_000, 70_000_000, 90_100_000}},
		},
		numbers{
			"ttft_mean": 51, "ttft_p99": 52, "itl_mean": 20, "itl_p50": 21, "itl_p99": 22,
			"true_ttft_mean": 50, "true_ttft_max": 50,
			"true_itl_mean": (20 + 20 + 20 + 20.1) / 4, "true_itl_max": 20.1,
			"ttft_error_mean": 0.3, "ttft_error_max": 0.3,
			"late_mean": (0.2 + 0.1 + 0.1 + 0 + 1 - 0.1) / 6, "late_p50": 0.1, "late_max": 1, "measured_late_mean": (0.2 + 0.1 + 0.1 + 1 - 0.1) / 5,
			"shared_percent": 100.0 / 6, "early_percent": 100.0 / 6, "kernel_percent": 50, "unknown_percent": 50,
			"read_lag_max": 2, "read_lag_p50": 0.1,
		}, "")
	f("a request is missing", nil, []truth{{ID: "a", Sent: []int64{1}}}, nil, `no record`)
	f("an event is missing", map[string]*result.Request{"a": record(1, 1)}, []truth{{ID: "a", Sent: []int64{1, 2}}}, nil, "1 token events, the service has sent 2")
	f("no events", map[string]*result.Request{"a": record(1)}, []truth{{ID: "a"}}, nil, "no token event")
}

func TestSpan(t *testing.T) {
	from, to, events := span([]truth{
		{Received: 100, Sent: []int64{5, 6}},
		{Received: 50, Sent: []int64{1, 2, 300}},
		{Received: 200},
	})
	if from != 50 || to != 350 || events != 5 {
		t.Errorf("from %d to %d with %d events, want 50, 350, 5", from, to, events)
	}
}

// CPU time between samples is linear; before and after them it stands still.
func TestWatchBetween(t *testing.T) {
	w := &watch{samples: []sample{{at: 100, cpu: 10}, {at: 200, cpu: 60}, {at: 300, cpu: 60}}}
	f := func(from, to int64, want time.Duration) {
		t.Helper()
		if got := w.between(from, to); got != want {
			t.Errorf("from %d to %d: %d, want %d", from, to, got, want)
		}
	}
	f(100, 200, 50)
	f(150, 200, 25)
	f(150, 160, 5)
	f(200, 300, 0)
	f(0, 1000, 50)
	if got := new(watch).between(1, 2); got != 0 {
		t.Errorf("without samples: %d", got)
	}
}

// The CPU clock of a process is read from outside.
func TestWatch(t *testing.T) {
	w := startWatch(os.Getpid())
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; { // this process is busy
	}
	w.stop()
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	if last.cpu <= first.cpu || w.peak < 1<<20 {
		t.Errorf("from %+v to %+v, peak %d bytes", first, last, w.peak)
	}
}

func TestTail(t *testing.T) {
	f := func(want bool, reads ...string) {
		t.Helper()
		var end tail
		got := false
		for _, r := range reads {
			got = end.ends([]byte(r))
		}
		if got != want {
			t.Errorf("%q: %v, want %v", reads, got, want)
		}
	}
	f(true, "5\r\nhello\r\n0\r\n\r\n")
	f(true, "5\r\nhello\r\n", "0\r\n\r\n")
	f(true, "5\r\nhello", "\r", "\n", "0\r", "\n\r", "\n")
	f(false, "5\r\nhello\r\n0\r\n\r")
	f(false, "0\r\n\r\n")
	f(false, "5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n")
	f(false, "2\r\n\n\n\r\n")
}

func TestMedians(t *testing.T) {
	got := medians([]numbers{{"a": 3, "b": 1}, {"a": 1}, {"a": 2, "b": 2}})
	if want := (numbers{"a": 2, "b": 1.5}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestReport(t *testing.T) {
	s := section{Title: "Title", Note: "note", columns: []column{{"a", "one", 1}, {"b", "two", 0}}}
	s.add("long label", numbers{"a": 1.25, "b": 2, "c": 3})
	s.add("x", numbers{"a": 10})
	s.atMost("met", 1, 1)
	s.atMost("missed", 2, 1.5)
	r := report{Machine: machine{CPU: "cpu", Cores: 2, Kernel: "6.1", Go: "go1", Weir: "weir v1", Date: time.Unix(0, 0).UTC()}, Sections: []section{s}}
	var out strings.Builder
	r.write(&out)
	want := `weir v1
cpu, 2 cores, Linux 6.1, go1, 1970-01-01

Title
(note)
               one  two
  long label   1.2    2
           x  10.0
  met      met: 1.00, at most 1
  NOT MET  missed: 2.00, at most 1.5
`
	got := out.String()
	var lines []string
	for line := range strings.Lines(got) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	if !slices.Equal(lines, strings.Split(strings.TrimSuffix(want, "\n"), "\n")) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestFlags(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	f(`no part "strems"`, "-only", "starts,strems")
	f("usage", "-rounds", "0")
	f("usage", "more")
	f("make build", "-weir", filepath.Join(t.TempDir(), "none"))
	f("help", "-help")
}
