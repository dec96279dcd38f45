package metrics

import (
	"fmt"
	"slices"

	"weir/runtime/result"
)

// The rules of what the client did to its own numbers. docs/validity.md gives
// the reason for each limit. A limit of two numbers is the larger one: ms, and a
// share of what the lag could spoil.
const (
	startLagSuspect, startLagSuspectOf = 2.0, 0.10 // of the median latency
	startLagInvalid, startLagInvalidOf = 20.0, 0.50
	readLagSuspect, readLagSuspectOf   = 1.0, 0.50  // of the time between token events
	readLagInvalid, readLagInvalidOf   = 0.5, 0.25  // … for the median
	loopLagSuspect, loopLagSuspectOf   = 10.0, 0.05 // of the median time of a request
	loopLagInvalid, loopLagInvalidOf   = 50.0, 0.10
	unseenSuspect, unseenSuspectOf     = 1.0, 0.10 // of the time between token events
	unseenInvalid, unseenInvalidOf     = 5.0, 0.50

	cpuNear           = 0.90 // share of the CPU time that the process may use
	cpuSqueezed       = 0.50 // share of the time in which it wanted to run, and could not …
	cpuTurn           = 0.1  // … and for how long each time, ms
	throttledSuspect  = 0.01 // share of the time
	throttledInvalid  = 0.10
	stealSuspect      = 0.01 // share of the time
	stealInvalid      = 0.10
	pausesSuspect     = 0.01 // share of the time
	pausesInvalid     = 0.10
	pauseSuspect      = 100.0 // ms
	userStampsSuspect = 0.01  // share of the arrivals
	lagSamples        = 20    // that the lag of event loops and timers is judged by
	timerSlack        = 1.0   // by which Go's timers are late in an idle process: epoll waits whole milliseconds
	stealSeconds      = 5.0   // that the share of stolen time is judged by
)

// client applies the rules of what the client did to its own numbers. It tells
// whether the client reads late, by what was found or as it hardly gets a core.
func (j *judgement) client(c *result.Case, f *findings, lag *result.Metric) (late bool) {
	between := f.interval()
	if between == 0 {
		between = median(c, "e2el", "http_req_duration")
	}
	j.startLag(c, lag)
	late = j.readLag(c.Metrics["read_lag"], between)
	if c.Client == nil {
		j.userStamps(c, between)
		return late
	}
	j.loopLag(c)
	late = j.userStamps(c, between) || late
	j.cpu(c.Client)
	j.pauses(c.Client)
	return late || squeezed(c.Client)
}

// startLag looks at how well the schedule was kept.
func (j *judgement) startLag(c *result.Case, lag *result.Metric) {
	if lag.N == 0 {
		return
	}
	of := median(c, "ttft", "ttft_upper_bound", "http_req_duration", "e2el")
	p, _ := highest(lag.N)
	v := lag.Quantile(p)
	if v > max(startLagSuspect, startLagSuspectOf*of) {
		j.reason("start_lag", v > max(startLagInvalid, startLagInvalidOf*of),
			"the client sent requests up to %s after their time (p%g, without connecting), where the service took %s (median): the load was not that of the schedule, and the metrics from schedule hold the client's delay",
			millis(v), p, millis(of))
	}
}

// readLag looks at how long data waited in the kernel, and tells whether that
// is long enough for events to be read together.
func (j *judgement) readLag(lag *result.Metric, between float64) (late bool) {
	if lag == nil {
		return false
	}
	p, _ := highest(lag.N)
	tail, middle := lag.Quantile(p), lag.Quantile(50)
	invalid := middle > max(readLagInvalid, readLagInvalidOf*between)
	if tail <= max(readLagSuspect, readLagSuspectOf*between) && !invalid {
		return false
	}
	j.reason("read_lag", invalid,
		"what had arrived waited up to %s until the client read it (p%g; median %s), with %s between token events: their times are the kernel's, but requests that wait for them start late, and events are read together",
		millis(tail), p, millis(middle), millis(between))
	return true
}

// loopLag looks at how long scripts kept others waiting.
func (j *judgement) loopLag(c *result.Case) {
	lag := c.Client.LoopLag
	if lag == nil || lag.N < lagSamples {
		return
	}
	of := median(c, "e2el", "http_req_duration")
	if lag.P99 > max(loopLagSuspect, loopLagSuspectOf*of) {
		j.reason("event_loop_lag", lag.P99 > max(loopLagInvalid, loopLagInvalidOf*of),
			"answers and iterations waited up to %s for the script (p99; longest %s), where a request took %s (median): what follows them starts late; do less in the script",
			millis(lag.P99), millis(lag.Max), millis(of))
	}
}

// userStamps looks at arrivals that the kernel has not stamped: there the
// client's delay is in the times, and nobody knows it. It tells whether there
// are signs of one.
func (j *judgement) userStamps(c *result.Case, between float64) (late bool) {
	user := c.Stamps[StampUser.String()]
	all := user + c.Stamps[StampKernel.String()]
	share := part(user, all)
	if share <= userStampsSuspect {
		return false
	}
	what := fmt.Sprintf("%d of %d arrivals have no receive stamp of the kernel (%s): their times are those at which the client read them", user, all, percent(share))
	delay := unseen(c.Client)
	limit := max(unseenSuspect, unseenSuspectOf*between)
	switch {
	case delay > limit:
		j.reason("user_stamps", delay > max(unseenInvalid, unseenInvalidOf*between), "%s, and it ran up to %s late (p99)", what, millis(delay))
		return true
	case c.Client != nil && (near(c.Client) || squeezed(c.Client)):
		j.reason("user_stamps", false, "%s, and it was short of CPU time", what)
		return true
	}
	j.note("user_stamps", "%s", what)
	return false
}

// unseen is the delay that this process is known to have had, ms: how long its
// goroutines were late, and its timers beyond what they always are.
func unseen(c *result.Client) float64 {
	delay := 0.0
	if c == nil {
		return delay
	}
	if lag := c.SchedLatency; lag != nil && lag.N >= lagSamples {
		delay = lag.P99
	}
	if lag := c.WakeLag; lag != nil && lag.N >= lagSamples {
		delay = max(delay, lag.P99-timerSlack)
	}
	return delay
}

// signs are the rules whose findings may come from a lack of CPU time.
var signs = []string{"dropped_iterations", "late_iterations", "start_lag", "read_lag", "event_loop_lag", "user_stamps"}

// cpu looks at whether the process could run when it wanted to. A busy machine
// by itself proves nothing, as the service may share it: only together with what
// came late is it a finding.
func (j *judgement) cpu(c *result.Client) {
	if c.Throttled != nil && c.Wall > 0 {
		// The kernel counts the time of each CPU by itself.
		cpus := max(1, cores(c))
		if share := *c.Throttled / c.Wall / cpus; share > throttledSuspect {
			j.reason("client_cpu", share > throttledInvalid, "the CPU limit of its cgroup held the client back for %.1f of %.1f s (%s): give it more, or less to do",
				*c.Throttled/cpus, c.Wall, percent(share))
			return
		}
	}
	if !near(c) && !squeezed(c) {
		return
	}
	worst := result.Valid
	for _, reason := range j.v.Reasons {
		if slices.Contains(signs, reason.Rule) {
			worst = result.Worse(worst, reason.Verdict)
		}
	}
	what := ""
	if c.CPU != nil {
		what = fmt.Sprintf("the client used %.2f of the %g cores that it may use", c.CPU.Avg, cores(c))
	}
	if c.Wait != nil {
		if what != "" {
			what += " and "
		} else {
			what = "the client "
		}
		what += fmt.Sprintf("had no core for %s of the time in which it wanted one", percent(c.Wait.Avg))
		if c.Turn != nil {
			what += fmt.Sprintf(" (%s each time)", millis(c.Turn.Avg))
		}
	}
	switch {
	case worst != result.Valid:
		j.reason("client_cpu", worst == result.Invalid, "%s, and it was late: it is measured, not the service; give it more cores, or less to do", what)
	case near(c):
		j.note("client_cpu", "%s: it is near its limit", what)
	}
}

// near tells whether the process used nearly all that it may.
func near(c *result.Client) bool {
	return c.CPU != nil && cores(c) > 0 && c.CPU.Avg >= cpuNear*cores(c)
}

// cores are how many the process can use at once.
func cores(c *result.Client) float64 {
	if c.GOMAXPROCS > 0 {
		return min(c.Cores, float64(c.GOMAXPROCS))
	}
	return c.Cores
}

// squeezed tells whether the process waited for a core longer than it had one,
// and not only in the many short turns that a busy process takes.
func squeezed(c *result.Client) bool {
	return c.Wait != nil && c.Wait.Avg > cpuSqueezed && c.Turn != nil && c.Turn.Avg > cpuTurn
}

// pauses looks at what stopped the process as a whole.
func (j *judgement) pauses(c *result.Client) {
	if p := c.GCPause; p != nil && c.Wall > 0 {
		share := p.Total / 1000 / c.Wall
		if share > pausesSuspect || p.Max > pauseSuspect {
			j.reason("gc_pauses", share > pausesInvalid, "the garbage collector stopped the client for %s in all (%s of the time), for %s at a time at most: what came meanwhile was read late",
				millis(p.Total), percent(share), millis(p.Max))
		}
	}
	if c.Steal != nil && c.Wall >= stealSeconds && c.Steal.Avg > stealSuspect {
		j.reason("cpu_steal", c.Steal.Avg > stealInvalid, "the hypervisor gave %s of this machine's CPU time to others (%s in the worst second): meanwhile not even the kernel stamps what arrives",
			percent(c.Steal.Avg), percent(c.Steal.Max))
	}
}

// median is that of the first of the metrics that has samples; 0: none has.
func median(c *result.Case, names ...string) float64 {
	for _, name := range names {
		if m := c.Metrics[name]; m != nil && m.P50 != nil {
			return *m.P50
		}
	}
	return 0
}

// millis writes milliseconds with three digits that count.
func millis(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f ms", v)
	case v < 100:
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}
