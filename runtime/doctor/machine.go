package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/runtime/result"
)

// Machine judges a machine. m is nil when nothing was measured.
func Machine(f Facts, m *Measured, need Need) []result.Finding {
	found := append(Limits(f, need), backlog(f, need), tcp(f, need))
	if !need.Local {
		found = append(found, network(f, need))
	}
	found = append(found, cpus(f), governor(f), clockSource(f), timeSync(f))
	if m == nil {
		return append(found, stamps(TryStamps()), swap(f, nil))
	}
	return append(found,
		stamps(m.Stamps),
		swap(f, m.Swaps),
		steal(m.Client),
		others(m.Client),
		throttled(f, m.Client),
		clock(m),
		timer(m.Sleeps),
	)
}

// Limits judges the limits that a run may meet: of descriptors, ports and memory.
func Limits(f Facts, need Need) []result.Finding {
	return []result.Finding{fileLimit(f, need), portRange(f, need), memory(f, need)}
}

// Certain judges what is certain to matter, whatever the run.
func Certain(f Facts, s *Stamps) []result.Finding {
	return []result.Finding{cpus(f), clockSource(f), stamps(s)}
}

// ownFiles is what weir opens besides a socket a stream: the result, records, pollers.
const ownFiles = 128

func fileLimit(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "open-files"}
	needed := int64(need.Streams + ownFiles)
	const why = "each stream is a socket, and a socket takes a descriptor: requests beyond the limit fail here, not at the service (client_limit)"
	want := int64(65536)
	for want < 2*needed {
		want *= 2
	}
	do := fmt.Sprintf("ulimit -n %d, in the shell that starts weir; where that is refused: as root prlimit --pid $$ --nofile=%[1]d:%[1]d, docker run --ulimit nofile=%[1]d:%[1]d, or LimitNOFILE=%[1]d of the systemd unit", want)
	if f.Limits == nil {
		return c.Skip("the system does not tell how many descriptors may be open")
	}
	limit := f.Limits.OpenFiles
	if limit == nil {
		return c.OK("any number of descriptors may be open")
	}
	what := fmt.Sprintf("%d descriptors may be open; for %s about %d are needed", *limit, plural(need.Streams, "stream"), needed)
	switch {
	case *limit < needed:
		return c.Fail(why, do, "%s", what)
	case *limit < 2*needed:
		return c.Warn(why+"; a service that falls behind leaves more of them open than were planned", do, "%s", what)
	}
	return c.OK("%s", what)
}

// timeWaitSeconds is how long Linux keeps a port in TIME_WAIT.
const timeWaitSeconds = 60

func portRange(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "ports"}
	tcp := of(f.TCP)
	if tcp.FirstPort == nil || tcp.LastPort == nil || *tcp.LastPort < *tcp.FirstPort {
		return c.Skip("the system does not tell its local ports")
	}
	first, last := *tcp.FirstPort, *tcp.LastPort
	all := last - first + 1
	waiting := int64(0)
	if tcp.TimeWait != nil {
		waiting = max(0, min(*tcp.TimeWait, all))
	}
	free := all - waiting
	what := fmt.Sprintf("%d local ports (%d–%d), %d of them in TIME_WAIT", all, first, last, waiting)
	why := fmt.Sprintf("each connection to a service has a local port, which stays occupied for %d s after its end: without free ones requests fail here, not at the service", timeWaitSeconds)
	do := `sysctl -w net.ipv4.ip_local_port_range="1024 65535", or give weir run several local addresses (--source-ip)`
	if 2*waiting > all {
		do = "wait a minute, and end what opens a connection for each request; then " + do
	}
	switch {
	case free < int64(need.Streams):
		return c.Fail(why, do, "%s: %d are free, and %s are planned", what, free, plural(need.Streams, "stream"))
	case 2*waiting > all, free < 2*int64(need.Streams):
		return c.Warn(why, do, "%s", what)
	}
	return c.OK("%s: without keep-alive enough for %d requests/s", what, free/timeWaitSeconds)
}

func backlog(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "backlog"}
	size := of(f.TCP).Somaxconn
	switch {
	case size == nil:
		return c.Skip("the system does not tell net.core.somaxconn")
	case !need.Local:
		return c.OK("net.core.somaxconn is %d here; what counts is that of the service's machine", *size)
	case *size < int64(need.Streams):
		return c.Warn("of a service on this machine no more connections wait to be accepted: when a case opens all of its connections at once, the others are dropped and tried again after 1 s, which shows as a TTFT of 1 s",
			fmt.Sprintf("sysctl -w net.core.somaxconn=%d, and start the service again", max(4096, need.Streams)),
			"net.core.somaxconn is %d, and %s are planned", *size, plural(need.Streams, "stream"))
	}
	return c.OK("net.core.somaxconn is %d", *size)
}

const (
	farRTT      = 2 * time.Millisecond // from where a round trip more shows in a TTFT
	smallBuffer = 256 << 10            // bytes
)

func tcp(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "tcp"}
	var what, why, do []string
	s := of(f.TCP)
	if most := s.ReadBuffer; len(most) == 3 && most[2] < smallBuffer {
		what = append(what, fmt.Sprintf("a receive buffer has %d bytes at most", most[2]))
		why = append(why, "a service that sends more at once waits for this machine")
		do = append(do, `sysctl -w net.ipv4.tcp_rmem="4096 131072 6291456"`)
	}
	if most := s.WriteBuffer; len(most) == 3 && most[2] < smallBuffer {
		what = append(what, fmt.Sprintf("a send buffer has %d bytes at most", most[2]))
		why = append(why, "long prompts and images are sent in pieces, and the time to the first token grows")
		do = append(do, `sysctl -w net.ipv4.tcp_wmem="4096 16384 4194304"`)
	}
	if of(s.SlowStartIdle) && need.RTT > farRTT {
		what = append(what, fmt.Sprintf("connections start slowly again after a pause (tcp_slow_start_after_idle), with a round trip of %s", Show(need.RTT)))
		why = append(why, "a long prompt on a kept connection takes some round trips more, which is in its TTFT")
		do = append(do, "sysctl -w net.ipv4.tcp_slow_start_after_idle=0")
	}
	if s.TWReuse != nil && *s.TWReuse == 0 && 4*of(s.TimeWait) > max(1, of(s.LastPort)-of(s.FirstPort)) {
		what = append(what, fmt.Sprintf("ports in TIME_WAIT (%d) are not used again (tcp_tw_reuse is 0)", of(s.TimeWait)))
		why = append(why, "requests without keep-alive run out of ports")
		do = append(do, "sysctl -w net.ipv4.tcp_tw_reuse=1")
	}
	switch {
	case len(what) > 0:
		return c.Warn(strings.Join(why, "; "), strings.Join(do, "; "), "%s", strings.Join(what, "; "))
	case f.TCP == nil:
		return c.Skip("the system does not tell its settings of TCP")
	}
	return c.OK("buffers, slow start and reuse of ports do no harm")
}

func cpus(f Facts) result.Finding {
	c := Check{OfMachine, "cpus"}
	const why = "what reads the streams, the garbage collector and the script take turns on the same CPU: events are seen late, and requests start late"
	what := plural(f.CPUs, "CPU") + " may be used"
	cores := float64(f.CPUs)
	if quota := of(f.Limits).CPUQuota; quota != nil && *quota < cores {
		cores = *quota
		what = fmt.Sprintf("%s, and a cgroup allows the time of %.3g", what, cores)
	}
	if of(of(f.CPU).SMT) {
		what += "; every two of them share a core (SMT)"
	}
	do := "give the container more (docker run --cpus 4, resources.limits.cpu), or run weir elsewhere"
	switch {
	case f.CPUs < 1:
		return c.Skip("the system does not tell its CPUs")
	case cores < 1:
		return c.Fail(why+"; what is beyond the quota stands still for the rest of each 100 ms", do, "%s", what)
	case cores < 2:
		return c.Warn(why, do, "%s", what)
	}
	return c.OK("%s", what)
}

func governor(f Facts) result.Finding {
	c := Check{OfMachine, "cpu-governor"}
	if len(of(f.CPU).Governors) == 0 {
		return c.Skip("the system tells no governor of its CPUs' frequencies, as is usual in virtual machines")
	}
	slow := 0
	var each []string
	for _, g := range slices.Sorted(maps.Keys(f.CPU.Governors)) {
		each = append(each, fmt.Sprintf("%s (%s)", g, plural(f.CPU.Governors[g], "CPU")))
		// With intel_pstate and amd_pstate powersave is what the processor chooses itself.
		if g == "conservative" || g == "userspace" || g == "powersave" && !strings.Contains(f.CPU.Driver, "pstate") {
			slow += f.CPU.Governors[g]
		}
	}
	what := strings.Join(each, ", ")
	if f.CPU.Driver != "" {
		what += " by " + f.CPU.Driver
	}
	if slow > 0 {
		return c.Warn("a CPU that stays slow wakes up late and reads late; where the service runs here too, it makes its tokens later than it could",
			"cpupower frequency-set -g performance (as root; or echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor)", "%s", what)
	}
	return c.OK("%s", what)
}

// Shares of the CPUs' time. Those of stealing are the rules' of docs/validity.md.
const (
	stealWarn, stealFail = 0.01, 0.10
	othersWarn           = 0.25
	othersFail           = 0.75
)

func steal(seen *result.Client) result.Finding {
	c := Check{OfMachine, "steal"}
	if seen == nil || seen.Steal == nil {
		return c.Skip("the system does not tell what the hypervisor takes away")
	}
	const why = "while the hypervisor runs somebody else, nothing is sent and nothing read here: latencies have the machine's own pauses in them"
	const do = "use a machine with CPUs of its own (dedicated, not burstable), or pin the virtual machine's CPUs"
	share := seen.Steal.Avg
	switch {
	case share > stealFail:
		return c.Fail(why, do, "the hypervisor takes away %.1f%% of the CPUs' time", 100*share)
	case share > stealWarn:
		return c.Warn(why, do, "the hypervisor takes away %.1f%% of the CPUs' time", 100*share)
	}
	return c.OK("the hypervisor takes away %.1f%% of the CPUs' time", 100*share)
}

func others(seen *result.Client) result.Finding {
	c := Check{OfMachine, "other-load"}
	if seen == nil || seen.Others == nil {
		return c.Skip("the system does not tell how busy its CPUs are")
	}
	const why = "what weir has to send and to read waits for a CPU, and the time that it waits is in no number of the service"
	const do = "look who it is (top) and end it, or give weir CPUs of its own (taskset -c 0-3 weir run …)"
	share := seen.Others.Avg
	switch {
	case share > othersFail:
		return c.Fail(why, do, "other processes use %.0f%% of the CPUs", 100*share)
	case share > othersWarn:
		return c.Warn(why, do, "other processes use %.0f%% of the CPUs", 100*share)
	}
	return c.OK("other processes use %.0f%% of the CPUs", 100*share)
}

func throttled(f Facts, seen *result.Client) result.Finding {
	c := Check{OfMachine, "throttling"}
	quota := of(f.Limits).CPUQuota
	switch {
	case quota == nil:
		return c.OK("no cgroup limits the CPUs' time")
	case seen == nil || seen.Throttled == nil:
		return c.OK("a cgroup allows the time of %.3g CPUs", *quota)
	case *seen.Throttled > 0:
		return c.Warn("beyond its quota everything in the cgroup stands still until the next 100 ms begin",
			"give the container more CPUs, or none of this quota (docker run --cpus, resources.limits.cpu)",
			"a cgroup allows the time of %.3g CPUs, and held its processes back for %.0f ms in %.1f s, while weir did next to nothing", *quota, 1000**seen.Throttled, seen.Wall)
	}
	return c.OK("a cgroup allows the time of %.3g CPUs, and did not hold back", *quota)
}

// Show is a duration of three digits, as findings have it.
func Show(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms >= 1000:
		return fmt.Sprintf("%.3g s", ms/1000)
	case ms >= 1:
		return fmt.Sprintf("%.3g ms", ms)
	case d >= time.Microsecond:
		return fmt.Sprintf("%.3g µs", ms*1000)
	default:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	}
}
