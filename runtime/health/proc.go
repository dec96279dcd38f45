package health

import (
	"bytes"
	"strconv"
)

// ticksPerSecond is the unit of /proc/stat: USER_HZ, which is part of the kernel's
// binary interface and 100 on every architecture that Go runs on.
const ticksPerSecond = 100

// cpuTimes is where the time of some CPUs went, in seconds summed over them.
type cpuTimes struct {
	all   float64 // passed
	busy  float64 // something ran
	steal float64 // the hypervisor ran something else
}

var unknownTimes = cpuTimes{all: unknown, busy: unknown, steal: unknown}

// parseStat sums the CPUs of a set up, from /proc/stat
// (https://man7.org/linux/man-pages/man5/proc_stat.5.html). A line is
// "cpu7 user nice system idle iowait irq softirq steal guest guest_nice", where
// user has guest in it; old kernels end earlier.
func parseStat(text []byte, cpus cpuSet) cpuTimes {
	var sum cpuTimes
	found := false
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("cpu"))
		if !ok {
			break // they come first
		}
		fields := bytes.Fields(rest)
		if len(fields) < 5 || rest[0] == ' ' {
			continue // all CPUs together, or no CPU
		}
		id, err := strconv.Atoi(string(fields[0]))
		if err != nil || !cpus.has(id) {
			continue
		}
		times, ok := parseTimes(fields[1:])
		if !ok {
			return unknownTimes
		}
		found = true
		sum.all += times.all
		sum.busy += times.busy
		sum.steal += times.steal
	}
	if !found {
		return unknownTimes
	}
	return sum
}

// parseTimes reads what follows the name in a line of /proc/stat.
func parseTimes(fields [][]byte) (sum cpuTimes, ok bool) {
	const idle, ioWait, steal = 3, 4, 7
	var times [8]float64
	for i := range min(len(times), len(fields)) {
		ticks, err := strconv.ParseUint(string(fields[i]), 10, 64)
		if err != nil {
			return cpuTimes{}, false
		}
		times[i] = float64(ticks) / ticksPerSecond
	}
	for i, t := range times {
		sum.all += t
		if i != idle && i != ioWait && i != steal {
			sum.busy += t
		}
	}
	sum.steal = times[steal]
	return sum, true
}

// MachineTimes sums all CPUs of a machine up, from its /proc/stat: the CPU seconds that
// passed since it started, and those of them in which something ran.
func MachineTimes(stat []byte) (all, busy float64, ok bool) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("cpu "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 4 {
		return 0, 0, false
	}
	times, ok := parseTimes(fields)
	return times.all, times.busy, ok
}

// runTimes is how long threads ran, how long they were ready to run and had no
// CPU, both in seconds, and how often they got one.
type runTimes struct {
	ran, waited, turns float64
}

var unknownRunTimes = runTimes{ran: unknown, waited: unknown, turns: unknown}

// parseSchedstat reads /proc/PID/task/TID/schedstat: nanoseconds on a CPU,
// nanoseconds ready and waiting for one, times that it got one
// (https://docs.kernel.org/scheduler/sched-stats.html). Kernels that keep no
// such numbers have no file, or write zeros.
func parseSchedstat(text []byte) (runTimes, bool) {
	fields := bytes.Fields(text)
	if len(fields) < 3 {
		return runTimes{}, false
	}
	var numbers [3]float64
	for i := range numbers {
		n, err := strconv.ParseUint(string(fields[i]), 10, 64)
		if err != nil {
			return runTimes{}, false
		}
		numbers[i] = float64(n)
	}
	return runTimes{ran: numbers[0] / 1e9, waited: numbers[1] / 1e9, turns: numbers[2]}, true
}

// parsePressure reads the seconds in which some task waited for a CPU, from
// /proc/pressure/cpu (https://docs.kernel.org/accounting/psi.html).
func parsePressure(text []byte) float64 {
	for line := range bytes.Lines(text) {
		some, ok := bytes.CutPrefix(line, []byte("some "))
		if !ok {
			continue
		}
		for _, field := range bytes.Fields(some) {
			if total, ok := bytes.CutPrefix(field, []byte("total=")); ok {
				micros, err := strconv.ParseUint(string(total), 10, 64)
				if err != nil {
					return unknown
				}
				return float64(micros) / 1e6
			}
		}
	}
	return unknown
}

// parseStatm reads how many pages are resident from /proc/PID/statm.
func parseStatm(text []byte) (pages int64, ok bool) {
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, false
	}
	// 2⁴⁰ pages are more than any machine has, and their bytes can be counted.
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages, err == nil && pages >= 0 && pages < 1<<40
}

// cpuSet are the numbers of CPUs, those that are true. Nil: not known which.
type cpuSet []bool

func (s cpuSet) has(cpu int) bool { return cpu >= 0 && cpu < len(s) && s[cpu] }

func (s cpuSet) count() int {
	n := 0
	for _, in := range s {
		if in {
			n++
		}
	}
	return n
}
