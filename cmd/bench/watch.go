//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// watch follows what a process uses, from outside: its CPU clock and its memory.
type watch struct {
	pid     int
	quit    chan struct{}
	ended   chan struct{}
	samples []sample
	peak    int64 // largest resident memory, bytes
}

// sample is a process's CPU time up to a moment.
type sample struct {
	at  int64 // wall clock, Unix ns
	cpu int64 // ns
}

const sampleInterval = 10 * time.Millisecond

// startWatch follows a process until stop is called.
func startWatch(pid int) *watch {
	w := &watch{pid: pid, quit: make(chan struct{}), ended: make(chan struct{})}
	go w.follow()
	return w
}

func (w *watch) follow() {
	defer close(w.ended)
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for {
		if cpu, err := cpuTime(w.pid); err == nil {
			w.samples = append(w.samples, sample{time.Now().UnixNano(), cpu})
		}
		w.peak = max(w.peak, residentPeak(w.pid))
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
	}
}

func (w *watch) stop() {
	close(w.quit)
	<-w.ended
}

// between is the CPU time that the process took from one moment to another,
// linear between samples.
func (w *watch) between(from, to int64) time.Duration {
	return time.Duration(w.cpuAt(to) - w.cpuAt(from))
}

// last is the newest reading of the CPU clock, ns.
func (w *watch) last() int64 {
	if len(w.samples) == 0 {
		return 0
	}
	return w.samples[len(w.samples)-1].cpu
}

func (w *watch) cpuAt(at int64) int64 {
	s := w.samples
	i := sort.Search(len(s), func(i int) bool { return s[i].at >= at })
	switch {
	case len(s) == 0:
		return 0
	case i == 0:
		return s[0].cpu
	case i == len(s):
		return s[i-1].cpu
	}
	a, b := s[i-1], s[i]
	return a.cpu + int64(float64(b.cpu-a.cpu)*float64(at-a.at)/float64(b.at-a.at))
}

// cpuTime reads another process's CPU clock, all threads together, in
// nanoseconds: clock_getcpuclockid(3) makes such an id.
func cpuTime(pid int) (int64, error) {
	const schedulerClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &ts); err != nil {
		return 0, err
	}
	return ts.Nano(), nil
}

// residentPeak is the most memory that a process has had, bytes; 0 when it is
// gone.
func residentPeak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, found := bytes.Cut(text, []byte("VmHWM:"))
	if !found {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(bytes.Fields(after)[0]), 10, 64)
	return kilobytes << 10
}
