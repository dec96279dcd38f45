package health

import (
	"math"
	"testing"
	"time"

	"weir/runtime/result"
)

// Two CPUs, of which this process uses one and others a half; the hypervisor
// takes a quarter of a CPU.
var (
	start = time.Now()
	zero  = sample{at: start}
	later = sample{
		at:        start.Add(10 * time.Second),
		cpu:       10,
		machine:   cpuTimes{all: 20, busy: 15, steal: 2.5},
		threads:   runTimes{ran: 10, waited: 2.5, turns: 1000},
		pressure:  4,
		throttled: 0.5,
	}
)

func TestDifference(t *testing.T) {
	f := func(name string, from, to sample, want delta) {
		t.Helper()
		got := difference(from, to, 2)
		for i, v := range [][2]float64{
			{got.seconds, want.seconds}, {got.cpu, want.cpu}, {got.busy, want.busy}, {got.others, want.others},
			{got.steal, want.steal}, {got.wait, want.wait}, {got.pressure, want.pressure},
			{got.turn, want.turn}, {got.waited, want.waited}, {got.throttled, want.throttled},
		} {
			if v[0] != v[1] && !(math.IsNaN(v[0]) && math.IsNaN(v[1])) {
				t.Errorf("%s: value %d is %v\n got %+v\nwant %+v", name, i, v[0], got, want)
				return
			}
		}
	}
	change := func(change func(*sample)) sample {
		s := later
		change(&s)
		return s
	}
	all := delta{seconds: 10, cpu: 1, busy: 0.75, others: 0.25, steal: 0.125, wait: 0.2, turn: 2.5, pressure: 0.4, waited: 2.5, throttled: 0.5}
	f("everything is known", zero, later, all)

	idle := sample{at: later.at, machine: cpuTimes{all: 20}}
	f("nothing happened", zero, idle, delta{seconds: 10, turn: unknown})

	want := all
	want.busy, want.others = 0.45, 0
	f("the machine's ticks miss some of our own time", zero, change(func(s *sample) { s.machine.busy = 9 }), want)

	want = all
	want.pressure = 1
	f("a counter that runs ahead of the clock", zero, change(func(s *sample) { s.pressure = 10.001 }), want)

	want = all
	want.busy, want.others, want.steal = unknown, unknown, unknown
	f("/proc/stat stands still, as in some sandboxes", zero, change(func(s *sample) { s.machine = cpuTimes{} }), want)
	f("no /proc/stat", zero, change(func(s *sample) { s.machine = unknownTimes }), want)

	want = all
	want.cpu, want.others = unknown, unknown
	f("no getrusage", zero, change(func(s *sample) { s.cpu = unknown }), want)

	want = all
	want.wait, want.turn, want.waited = unknown, unknown, unknown
	f("no schedstat", zero, change(func(s *sample) { s.threads = unknownRunTimes }), want)

	f("no time has passed", later, later, delta{cpu: unknown, turn: unknown, busy: unknown, others: unknown, steal: unknown, pressure: unknown})
}

func TestRates(t *testing.T) {
	at := func(seconds int, cpu float64) sample {
		return sample{at: start.Add(time.Duration(seconds) * time.Second), cpu: cpu, machine: unknownTimes}
	}
	var r rates
	if r.cpu.result() != nil {
		t.Error("no window, and yet a result")
	}
	r.window(at(0, 0), at(1, 0.5), 2)
	r.window(at(1, 0.5), at(2, 2.5), 2)
	r.window(at(2, 2.5), at(4, 3), 2)
	r.whole(at(0, 0), at(4, 3), 2)
	if got := r.cpu.result(); got == nil || *got != (result.Usage{Avg: 0.75, Max: 2}) {
		t.Errorf("CPU %+v", got)
	}
	if got := r.busy.result(); got != nil {
		t.Errorf("busy %+v, which nobody knows", got)
	}
	if r.seconds != 4 {
		t.Errorf("%v s", r.seconds)
	}
}
