package health_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/health"
	"weir/runtime/result"
)

// goroutines is how many monitors run.
func goroutines() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "(*Monitor).loop(")
}

func TestSpinningShows(t *testing.T) {
	const cpu = 300 * time.Millisecond
	m := health.Watch(nil)
	burn(cpu)
	c := m.Stop()
	if c.CPU == nil {
		t.Skip("this system does not tell the CPU time of a process")
	}
	if used := c.CPU.Avg * c.Wall; used < cpu.Seconds() {
		t.Errorf("%v s of CPU time in %v s, after using %v", used, c.Wall, cpu)
	}
	if c.CPU.Max < c.CPU.Avg {
		t.Errorf("the highest rate is below the average: %+v", c.CPU)
	}
	if c.SchedLatency == nil || c.SchedLatency.N == 0 {
		t.Error("no goroutine was ever scheduled")
	}
	if c.LoopLag != nil {
		t.Errorf("lag of no event loop: %+v", c.LoopLag)
	}
}

// The bounds are wide: other processes may be at work.
func TestIdleIsCheap(t *testing.T) {
	m := health.Watch(nil)
	time.Sleep(1500 * time.Millisecond)
	c := m.Stop()
	if c.Wall < 1.5 || c.Cores <= 0 || c.GOMAXPROCS < 1 {
		t.Errorf("%+v", c)
	}
	if c.CPU != nil && c.CPU.Avg > 0.5 {
		t.Errorf("%v CPUs used by doing nothing", c.CPU.Avg)
	}
	if c.Throttled != nil && *c.Throttled < 0 || c.WaitTotal != nil && *c.WaitTotal < 0 {
		t.Errorf("times that run backwards: %+v", c)
	}
	if c.LoopLag != nil {
		t.Errorf("lag of no event loop: %+v", c.LoopLag)
	}
}

func TestGarbageCollectionShows(t *testing.T) {
	m := health.Watch(nil)
	for range 3 {
		runtime.GC()
	}
	p := m.Stop().GCPause
	if p == nil || p.Count < 3 || p.Max <= 0 || p.Total <= 0 || p.Max > p.Total*2 {
		t.Errorf("after 3 collections: %+v", p)
	}
}

func TestSizesShow(t *testing.T) {
	c := health.Watch(nil).Stop()
	if runtime.GOOS != "linux" {
		t.Skip("sizes are known on Linux")
	}
	if c.RSS == nil || *c.RSS < 1 || *c.RSS > 1e6 {
		t.Errorf("resident memory %v", c.RSS)
	}
	if c.OpenFiles == nil || *c.OpenFiles < 3 {
		t.Errorf("open files %v", c.OpenFiles)
	}
	if c.OpenFiles != nil && c.OpenFilesLimit != nil && *c.OpenFiles > *c.OpenFilesLimit {
		t.Errorf("%d open files of %d", *c.OpenFiles, *c.OpenFilesLimit)
	}
}

func TestStopAtOnceAndAgain(t *testing.T) {
	before := goroutines()
	var monitors [4]*health.Monitor
	for i := range monitors {
		monitors[i] = health.Watch(func() []time.Duration { return []time.Duration{time.Millisecond} })
	}
	var all sync.WaitGroup
	var got [len(monitors)][8]*result.Client
	for i, m := range monitors {
		for j := range got[i] {
			all.Go(func() { got[i][j] = m.Stop() })
		}
	}
	all.Wait()
	for i, m := range monitors {
		for _, c := range append(got[i][:], m.Stop()) {
			if c == nil || c != got[i][0] {
				t.Fatalf("monitor %d: stopped more than once, with different results", i)
			}
		}
		if lag := got[i][0].LoopLag; lag == nil || lag.N < 1 || lag.Max != 1 {
			t.Errorf("monitor %d: loop lag %+v", i, lag)
		}
	}
	if after := goroutines(); after != before {
		t.Errorf("%d goroutines are left", after-before)
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(health.Watch(nil).Stop())
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"wall_s":`, `"cpu_cores":`, `"gomaxprocs":`} {
		if !strings.Contains(string(text), field) {
			t.Errorf("no %s in %s", field, text)
		}
	}
	if strings.Contains(string(text), "null") {
		t.Errorf("what is not known is absent: %s", text)
	}
}

// burn uses CPU time until the process has used that much more.
func burn(cpu time.Duration) {
	for from := cpuTime(); cpuTime()-from < cpu; {
		for range 100_000 {
			sink++
		}
	}
}

var sink int
