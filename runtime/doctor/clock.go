package doctor

import (
	"slices"
	"time"

	"weir/runtime/result"
)

// slowClocks are sources whose reading takes a system call or more: a microsecond and
// up, of which each event takes several.
var slowClocks = []string{"hpet", "acpi_pm", "xen", "jiffies", "refined-jiffies", "pit"}

func clockSource(f Facts) result.Finding {
	c := Check{OfMachine, "clock-source"}
	source := of(f.Clock).Source
	if source == "" {
		return c.Skip("the system does not tell its clock source")
	}
	if !slices.Contains(slowClocks, source) {
		return c.OK("%s", source)
	}
	const why = "reading such a clock takes a microsecond or more, each event is stamped several times, and all CPUs wait for the one clock: weir is slower, and some of these clocks are coarse"
	for _, better := range []string{"tsc", "arch_sys_counter", "kvm-clock"} {
		if slices.Contains(f.Clock.Available, better) {
			return c.Warn(why, "echo "+better+" > /sys/devices/system/clocksource/clocksource0/current_clocksource (as root)", "%s, though %s is there", source, better)
		}
	}
	return c.Warn(why, "look why the kernel does not trust tsc (dmesg | grep -i -e tsc -e clocksource); on a virtual machine choose another type, or boot with tsc=reliable", "%s", source)
}

const (
	coarseStep = 10 * time.Microsecond
	slowCall   = time.Microsecond
)

func clock(m *Measured) result.Finding {
	c := Check{OfMachine, "clock"}
	switch {
	case m.Step == 0:
		return c.Fail("times of events cannot be told apart", "use another machine, or another clock source", "the monotonic clock stood still while it was read %d times", clockRuns)
	case m.Step > coarseStep:
		return c.Warn("times of events are no more exact than that", "look at the check clock-source", "the monotonic clock goes in steps of %s", Show(m.Step))
	case m.Call > slowCall:
		return c.Warn("each event is stamped several times: weir needs more of the CPU than it should", "look at the check clock-source", "reading the clock takes %s", Show(m.Call))
	}
	return c.OK("reading the monotonic clock takes %s; its least step is %s", Show(m.Call), Show(m.Step))
}

// How late a sleep of 1 ms may be, in the middle and at the end. Go's timers are up to
// 1 ms late in an idle process: epoll waits whole milliseconds on old kernels.
const (
	lateMedian = 1500 * time.Microsecond
	lateTail   = 10 * time.Millisecond
)

func timer(late []time.Duration) result.Finding {
	c := Check{OfMachine, "timer"}
	if len(late) < 20 {
		return c.Skip("there was no time to measure how late timers are")
	}
	middle, tail := late[len(late)/2], late[len(late)*99/100]
	if middle > lateMedian || tail > lateTail {
		return c.Warn("requests start as much later than their schedule says, and what has come is read as much later",
			"look at steal, other-load and cpu-governor; deep sleep of CPUs is turned off with cpupower idle-set -D 10 (as root)",
			"a sleep of 1 ms ends %s late (median; p99 %s)", Show(middle), Show(tail))
	}
	return c.OK("a sleep of 1 ms ends %s late (median; p99 %s)", Show(middle), Show(tail))
}

func stamps(s *Stamps) result.Finding {
	c := Check{OfMachine, "kernel-timestamps"}
	switch {
	case s == nil:
		return c.Skip("not tried")
	case s.Err != nil:
		return c.Skip("it could not be tried: %v", s.Err)
	case !s.Kernel:
		return c.Warn("an event's time is then that at which weir read it, not that at which it came: a busy client makes the service look slow (rule user_stamps of docs/validity.md)",
			"run weir on a Linux kernel of its own: sandboxes such as gVisor give no receive stamps (SO_TIMESTAMPING)", "the kernel does not stamp what it receives")
	}
	return c.OK("the kernel stamps what it receives")
}

func timeSync(f Facts) result.Finding {
	c := Check{OfMachine, "time-sync"}
	synced := of(f.Clock).Synchronized
	switch {
	case synced == nil:
		return c.Skip("the system does not tell whether its clock is kept right")
	case !*synced:
		return c.Warn("latencies are measured with a clock of their own and stay right; but times in the result do not match the service's logs and the telemetry of other hosts",
			"systemctl enable --now chronyd (or systemd-timesyncd); in a container: on its host", "nothing keeps the wall clock right, as far as the kernel knows")
	}
	if ms := f.Clock.EstError; ms != nil && *ms > 0 {
		return c.OK("the wall clock is kept right, to about %s", Show(time.Duration(*ms*float64(time.Millisecond))))
	}
	return c.OK("the wall clock is kept right")
}
