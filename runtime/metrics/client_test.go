package metrics_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// lagging are streams of three events, 10 ms apart, the first after 100 ms. Of
// 100 reads, late are late by lag and the others by usual, all in ms.
func lagging(usual, lag float64, late int) []request {
	list := make([]request, 1000)
	for i := range list {
		list[i] = request{events: []float64{100, 110, 120}, lags: []float64{usual, usual, usual}, end: 120, edit: usage(10, 3)}
		if i%100 < late {
			list[i].lags = []float64{lag, lag, lag}
		}
	}
	return list
}

// scheduled are requests of which in 1000 late begin lag ms after their time;
// the first token comes after ttft ms.
func scheduled(n int, ttft, lag float64, late int, edit func(*metrics.Record)) []request {
	list := make([]request, n)
	for i := range list {
		list[i] = request{events: []float64{ttft}, end: ttft, edit: func(rec *metrics.Record) {
			usage(10, 1)(rec)
			rec.Iteration = &metrics.Iteration{Scheduled: rec.Started}
			if i*1000/n < late {
				rec.Iteration.Scheduled = rec.Started.Add(-duration(lag))
			}
			if edit != nil {
				edit(rec)
			}
		}}
	}
	return list
}

// unstamped takes the kernel's stamps away.
func unstamped(list []request) []request {
	list = slices.Clone(list)
	for i := range list {
		list[i].user = true
	}
	return list
}

// mixed replaces the first of a list.
func mixed(n int, some request, list []request) []request {
	return append(times(n, some), list[n:]...)
}

// What the client did to its own numbers: each rule where it finds nothing and
// where it does.
func TestClientValidity(t *testing.T) {
	calm := lagging(0.1, 0.1, 0)
	merged := request{events: []float64{110, 110, 120}, reads: []uint64{1, 1, 2}, end: 120, edit: usage(10, 3)}
	shared := request{events: []float64{100, 120, 120}, reads: []uint64{1, 2, 2}, end: 120, edit: usage(10, 3)}
	lateMerged, lateShared := merged, shared
	lateMerged.lags, lateShared.lags = []float64{9, 9, 9}, []float64{9, 9, 9}
	apart := shared
	apart.spreads = []float64{9, 9, 9}

	// A machine of two cores, which the service shares.
	busy := func(edit func(*result.Client)) *result.Client {
		c := &result.Client{
			Wall: 60, Cores: 2, GOMAXPROCS: 2,
			CPU: &result.Usage{Avg: 1.1, Max: 1.5}, Busy: &result.Usage{Avg: 0.97, Max: 1}, Others: &result.Usage{Avg: 0.42, Max: 0.6},
			Steal: &result.Usage{Avg: 0.002, Max: 0.05}, Wait: &result.Usage{Avg: 0.3, Max: 0.5}, Turn: &result.Usage{Avg: 0.03, Max: 0.1}, Pressure: &result.Usage{Avg: 0.5, Max: 0.8},
			Throttled: new(0.0), GCPause: &result.Pauses{Count: 100, Total: 20, Max: 2},
			SchedLatency: &result.Tail{N: 1e6, P99: 3, Max: 20}, LoopLag: &result.Tail{N: 1200, P99: 6, Max: 30}, WakeLag: &result.Tail{N: 600, P99: 2, Max: 5},
		}
		if edit != nil {
			edit(c)
		}
		return c
	}
	full := func(c *result.Client) { c.CPU.Avg = 1.85 }
	squeezed := func(c *result.Client) { c.CPU.Avg, c.Wait.Avg, c.Turn.Avg = 0.2, 0.86, 0.3 }

	for _, row := range []struct {
		name     string
		client   *result.Client
		requests []request
		verdict  result.Verdict
		rules    string // of the reasons
		message  string // part of the first one
	}{
		{"nobody watched", nil, calm, result.Valid, "", ""},
		{"a busy machine, but in time", busy(nil), calm, result.Valid, "", ""},

		// The schedule: 10 % and 50 % of the median TTFT, at least 2 and 20 ms.
		{"2 ms late, TTFT 10", nil, scheduled(1000, 10, 2, 1000, nil), result.Valid, "", ""},
		{"2.1 ms late, TTFT 10", nil, scheduled(1000, 10, 2.1, 1000, nil), result.Suspect, "start_lag", "up to 2.10 ms after their time (p99, without connecting), where the service took 10.0 ms (median)"},
		{"1 in 100 late", nil, scheduled(1000, 10, 30, 10, nil), result.Valid, "", ""},
		{"2 in 100 late", nil, scheduled(1000, 10, 30, 20, nil), result.Invalid, "start_lag", "up to 30.0 ms"},
		{"20 ms late, TTFT 10", nil, scheduled(1000, 10, 20, 1000, nil), result.Suspect, "start_lag", ""},
		{"100 ms late, TTFT 1000", nil, scheduled(1000, 1000, 100, 1000, nil), result.Valid, "", ""},
		{"101 ms late, TTFT 1000", nil, scheduled(1000, 1000, 101, 1000, nil), result.Suspect, "start_lag", ""},
		{"501 ms late, TTFT 1000", nil, scheduled(1000, 1000, 501, 1000, nil), result.Invalid, "start_lag", ""},
		{"late because of connecting", nil, scheduled(1000, 10, 50, 1000, func(rec *metrics.Record) { rec.DNS, rec.Connect, rec.TLS = duration(9), duration(20), duration(20) }),
			result.Valid, "", ""},
		{"connected in advance, and late", nil, scheduled(1000, 10, 50, 1000, func(rec *metrics.Record) { rec.Reused, rec.Connect = true, duration(49) }),
			result.Invalid, "start_lag", ""},
		{"one of few late", nil, scheduled(20, 10, 500, 50, nil), result.Valid, "few_samples", ""},
		{"most of few late", nil, scheduled(20, 10, 500, 600, nil), result.Invalid, "start_lag few_samples", "up to 500 ms after their time (p50"},

		// Reading: p99 by half, the median by a quarter of the 10 ms between events.
		{"few reads late", busy(nil), lagging(0.1, 8, 1), result.Valid, "", ""},
		{"some reads late", nil, lagging(0.1, 5.1, 2), result.Suspect, "read_lag", "waited up to 5.10 ms until the client read it (p99; median 0.10 ms), with 10.0 ms between token events"},
		{"some reads a little late", nil, lagging(0.1, 5, 2), result.Valid, "", ""},
		{"most reads late", nil, lagging(0.1, 2.6, 51), result.Invalid, "read_lag", "median 2.60 ms"},
		{"single events read late", nil, times(1000, request{events: []float64{10}, lags: []float64{5.1}, end: 10, edit: usage(10, 1)}), result.Invalid, "read_lag", ""},
		{"single events read in time", nil, times(1000, request{events: []float64{10}, lags: []float64{2}, end: 10, edit: usage(10, 1)}), result.Valid, "", ""},

		// CPU time: a finding only together with what came late.
		{"at its limit, but in time", busy(full), calm, result.Valid, "client_cpu", "the client used 1.85 of the 2 cores that it may use and had no core for 30.0% of the time in which it wanted one (0.03 ms each time): it is near its limit"},
		{"at its limit of one thread", busy(func(c *result.Client) { c.CPU.Avg, c.GOMAXPROCS = 0.95, 1 }), calm, result.Valid, "client_cpu", "0.95 of the 1 cores"},
		{"at its limit, and late", busy(full), lagging(0.1, 6, 2), result.Suspect, "read_lag client_cpu", ""},
		{"at its limit, and very late", busy(full), lagging(6, 6, 0), result.Invalid, "read_lag client_cpu", ""},
		{"beside a spinner, but in time", busy(squeezed), calm, result.Valid, "", ""},
		{"beside a spinner, and late", busy(squeezed), lagging(0.1, 6, 2), result.Suspect, "read_lag client_cpu", ""},
		{"beside a spinner, and behind the schedule", busy(squeezed), scheduled(1000, 10, 50, 1000, nil), result.Invalid, "start_lag client_cpu", ""},
		{"many short turns, and late", busy(func(c *result.Client) { c.Wait.Avg = 0.7 }), lagging(0.1, 6, 2), result.Suspect, "read_lag", ""},
		{"late, but not for lack of CPU", busy(nil), lagging(0.1, 6, 2), result.Suspect, "read_lag", ""},
		{"hardly throttled", busy(func(c *result.Client) { *c.Throttled = 1.2 }), calm, result.Valid, "", ""},
		{"throttled now and then", busy(func(c *result.Client) { *c.Throttled = 1.4 }), calm, result.Suspect, "client_cpu", "held the client back for 0.7 of 60.0 s (1.2%)"},
		{"throttled with one thread", busy(func(c *result.Client) { *c.Throttled, c.GOMAXPROCS = 0.7, 1 }), calm, result.Suspect, "client_cpu", "held the client back for 0.7 of 60.0 s (1.2%)"},
		{"throttled with a limit below one core", busy(func(c *result.Client) { *c.Throttled, c.Cores = 0.6, 0.5; c.CPU.Avg = 0.1 }), calm, result.Valid, "", ""},
		{"throttled", busy(func(c *result.Client) { *c.Throttled = 60 }), calm, result.Invalid, "client_cpu", "(50.0%)"},

		// The event loops: p99 by 5 % and 10 % of the 120 ms that a request takes, at
		// least 10 and 50 ms.
		{"scripts in time", busy(func(c *result.Client) { c.LoopLag.P99 = 10 }), calm, result.Valid, "", ""},
		{"scripts slow", busy(func(c *result.Client) { c.LoopLag.P99 = 11 }), calm, result.Suspect, "event_loop_lag", "waited up to 11.0 ms for the script (p99; longest 30.0 ms), where a request took 120 ms (median)"},
		{"scripts very slow", busy(func(c *result.Client) { c.LoopLag.P99 = 51 }), calm, result.Invalid, "event_loop_lag", ""},
		{"scripts slow, but requests long", busy(func(c *result.Client) { c.LoopLag.P99 = 50 }), scheduled(1000, 1000, 0, 0, nil), result.Valid, "", ""},
		{"too short to tell", busy(func(c *result.Client) { c.LoopLag = &result.Tail{N: 19, P99: 900} }), calm, result.Valid, "", ""},

		// The garbage collector and the hypervisor.
		{"collections of 1 % in all", busy(func(c *result.Client) { c.GCPause = &result.Pauses{Count: 60, Total: 600, Max: 100} }), calm, result.Valid, "", ""},
		{"a long collection", busy(func(c *result.Client) { c.GCPause.Max = 101 }), calm, result.Suspect, "gc_pauses", "for 20.0 ms in all (<0.1% of the time), for 101 ms at a time at most"},
		{"many collections", busy(func(c *result.Client) { c.GCPause.Total = 700 }), calm, result.Suspect, "gc_pauses", "1.2% of the time"},
		{"nothing but collections", busy(func(c *result.Client) { c.GCPause.Total = 6100 }), calm, result.Invalid, "gc_pauses", ""},
		{"stolen 1 %", busy(func(c *result.Client) { c.Steal.Avg = 0.01 }), calm, result.Valid, "", ""},
		{"stolen more", busy(func(c *result.Client) { c.Steal.Avg = 0.02 }), calm, result.Suspect, "cpu_steal", "2.0% of this machine's CPU time to others (5.0% in the worst second)"},
		{"stolen, but too short to tell", busy(func(c *result.Client) { c.Wall, c.Steal.Avg = 4.9, 0.3 }), calm, result.Valid, "", ""},
		{"stolen much", busy(func(c *result.Client) { c.Steal.Avg = 0.11 }), calm, result.Invalid, "cpu_steal", ""},

		// Without the kernel's stamps: p99 of known delays by 10 % and 50 % of the 10 ms
		// between events, at least 1 and 5 ms. Timers are 1 ms late by nature.
		{"no stamps, nobody watched", nil, unstamped(calm), result.Valid, "user_stamps", "3000 of 3000 arrivals have no receive stamp of the kernel (100.0%)"},
		{"no stamps, in time", busy(func(c *result.Client) { c.SchedLatency.P99, c.WakeLag.P99 = 1, 2 }), unstamped(calm), result.Valid, "user_stamps", ""},
		{"no stamps, timers late", busy(func(c *result.Client) { c.SchedLatency.P99, c.WakeLag.P99 = 0.05, 2.1 }), unstamped(calm), result.Suspect, "user_stamps", "and it ran up to 1.10 ms late (p99)"},
		{"a few without stamps", busy(nil), mixed(10, unstamped(calm)[0], calm), result.Valid, "", ""},
		{"no stamps, goroutines late", busy(func(c *result.Client) { c.WakeLag.P99 = 0.5 }), unstamped(calm), result.Suspect, "user_stamps", "and it ran up to 3.00 ms late (p99)"},
		{"no stamps, timers very late", busy(func(c *result.Client) { c.WakeLag.P99 = 6.1 }), unstamped(calm), result.Invalid, "user_stamps", "up to 5.10 ms late"},
		{"no stamps, at its limit", busy(func(c *result.Client) { full(c); c.SchedLatency.P99, c.WakeLag = 0.9, nil }), unstamped(calm), result.Suspect, "user_stamps client_cpu", "short of CPU time"},

		// Read together: by the service's doing, or by the client's.
		{"1 % first tokens merged", nil, mixed(10, merged, calm), result.Valid, "merged_first_tokens", "the first token event of 10 of 1000 generations was read together with a later event (1.0%): they are not in ttft but in ttft_upper_bound; the service, or something on the way, sends them together"},
		{"more first tokens merged", nil, mixed(11, merged, calm), result.Suspect, "merged_first_tokens", ""},
		{"the service merges first tokens", nil, times(1000, merged), result.Suspect, "merged_first_tokens shared_reads", ""},
		{"few events shared", nil, mixed(30, shared, calm), result.Valid, "", ""},
		{"more events shared", nil, mixed(31, shared, calm), result.Suspect, "shared_reads", "31 of 3000 token events were read together with a later event (1.0%)"},
		{"the service shares", nil, times(1000, shared), result.Suspect, "shared_reads", "sends them together"},
		{"the client reads late, some shared", nil, mixed(149, lateShared, calm), result.Suspect, "read_lag shared_reads", ""},
		{"the client reads late, many shared", nil, mixed(151, lateShared, calm), result.Invalid, "read_lag shared_reads", ""},
		{"the client reads late, first tokens merged", nil, mixed(51, lateMerged, calm), result.Invalid, "read_lag merged_first_tokens shared_reads", ""},
		{"the client has no core, many shared", busy(squeezed), mixed(151, shared, calm), result.Invalid, "shared_reads", "the client was not in time"},
		{"seen to come one by one, some shared", nil, mixed(299, apart, calm), result.Suspect, "shared_reads", "299 of 3000 token events were read together with a later event (10.0%), and itl lacks the gaps at 299 of them; the client was not in time"},
		{"seen to come one by one, many shared", nil, mixed(301, apart, calm), result.Invalid, "shared_reads", ""},
		{"seen to come one by one now and then", nil, append(mixed(20, apart, calm), times(300, shared)...), result.Suspect, "shared_reads", "lacks the gaps at 20 of them; the service"},
		{"no stamps, late, and many shared", busy(nil), unstamped(times(1000, shared)), result.Invalid, "user_stamps shared_reads", ""},

		// The network.
		{"TLS failed in a request", nil, append(times(1, request{end: 5, err: "tls"}), calm...), result.Suspect, "failed_requests", ""},
		{"a handshake failed", nil, append(times(1, request{end: 5, err: "tls", edit: func(rec *metrics.Record) { rec.Started = time.Time{} }}), calm...), result.Suspect, "failed_requests failed_dials", ""},
		{"a dial failed", nil, append(times(1, request{end: 5, err: "connect_timeout"}), calm...), result.Suspect, "failed_requests failed_dials", ""},
		{"dials failed", nil, append(times(12, request{end: 5, err: "connect"}), calm...), result.Invalid, "failed_requests failed_dials", ""},
		{"another failure", nil, append(times(1, request{end: 5, err: "truncated"}), calm...), result.Suspect, "failed_requests", ""},
		{"few retransmissions", nil, mixed(10, resentSegments, calm), result.Valid, "", ""},
		{"more retransmissions", nil, mixed(11, resentSegments, calm), result.Suspect, "retransmissions", "during 11 of 1000 requests (1.1%)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{})
			for _, q := range row.requests {
				r.Close(record(q))
			}
			r.SetClient(row.client)
			c := r.Finish(result.Counts{Started: 1000}, nil, metrics.Rules{})
			if c.Client != row.client {
				t.Error("the case does not say what the client used")
			}
			var rules []string
			for _, reason := range c.Validity.Reasons {
				rules = append(rules, reason.Rule)
				if !slices.Contains(metrics.RuleNames, reason.Rule) {
					t.Errorf("rule %s is not in RuleNames", reason.Rule)
				}
			}
			if c.Validity.Verdict != row.verdict || strings.Join(rules, " ") != row.rules {
				t.Fatalf("%s for %v, want %s for %s\n%+v", c.Validity.Verdict, rules, row.verdict, row.rules, c.Validity.Reasons)
			}
			if len(rules) > 0 && !strings.Contains(c.Validity.Reasons[0].Message, row.message) {
				t.Errorf("message %q, want one with %q", c.Validity.Reasons[0].Message, row.message)
			}
		})
	}
}

// A file of records that does not keep up: by 1 % and 10 % of the 120 ms that a
// request takes.
func TestSlowRecords(t *testing.T) {
	for _, row := range []struct {
		waited  time.Duration // each of 10 requests in 1000
		verdict result.Verdict
		message string
	}{
		{0, result.Valid, ""},
		{119 * time.Millisecond, result.Valid, ""},
		{240 * time.Millisecond, result.Suspect, "10 of 1000 requests waited for it when they had ended, 2.4 s in all, 2.40 ms each on average, where a request took 120 ms"},
		{2 * time.Second, result.Invalid, ""},
	} {
		n := 0
		r := metrics.NewRecorder(metrics.Options{Keep: func(*metrics.Record) time.Duration {
			n++
			if n%100 == 0 {
				return row.waited
			}
			return 0
		}})
		for _, q := range lagging(0.1, 0.1, 0) {
			r.Close(record(q))
		}
		c := r.Finish(result.Counts{Started: 1000}, nil, metrics.Rules{})
		if v := c.Validity; v.Verdict != row.verdict || v.Verdict != result.Valid && (v.Reasons[0].Rule != "slow_records" || !strings.Contains(v.Reasons[0].Message, row.message)) {
			t.Errorf("%v each: %+v, want %s with %q", row.waited, v, row.verdict, row.message)
		}
		if w := c.RecordsWait; (w == nil) != (row.waited == 0) || w != nil && (w.Count != 10 || !near(w.Total, 10*row.waited.Seconds())) {
			t.Errorf("%v each: %+v", row.waited, w)
		}
	}
}

// resentSegments is a request whose upload lost something.
var resentSegments = request{events: []float64{100, 110, 120}, end: 120, edit: func(rec *metrics.Record) {
	usage(10, 3)(rec)
	rec.Retransmits = 2
}}

// A sign of lateness that belongs to the experiment makes no CPU finding.
func TestExpectedLateness(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	for _, q := range lagging(6, 6, 0) {
		r.Close(record(q))
	}
	r.SetClient(&result.Client{Wall: 10, Cores: 1, CPU: &result.Usage{Avg: 1}})
	v := r.Finish(result.Counts{}, nil, metrics.Rules{Expected: []string{"read_lag"}}).Validity
	if v.Verdict != result.Valid || len(v.Reasons) != 2 || !strings.HasSuffix(v.Reasons[0].Message, "(expected)") {
		t.Errorf("%+v, want VALID with an expected read_lag and a note about the CPU", v)
	}
}
