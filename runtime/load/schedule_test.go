package load_test

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"weir/runtime/load"
)

type arrival struct {
	index int
	at    time.Duration
}

// schedule is the whole schedule of a profile.
func schedule(t *testing.T, p load.Profile) []arrival {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	var all []arrival
	for i, at := range p.Schedule() {
		all = append(all, arrival{i, at})
	}
	return all
}

// k6 gives the start times of ramping-arrival-rate in the tests of its own
// implementation (TestRampingArrivalRateCal), in whole milliseconds cut off.
func TestRampAsK6(t *testing.T) {
	const s = time.Second
	upHoldDown := []load.Stage{{Duration: 5 * s, Target: 1}, {Duration: s, Target: 1}, {Duration: 5 * s, Target: 0}}
	for _, c := range []struct {
		timeUnit time.Duration
		instance int // of instances
		of       int
		want     []int64 // ms
	}{
		{s, 0, 1, []int64{3162, 4472, 5500, 6527, 7837, 11000}},
		{s, 0, 3, []int64{3162, 6527}},
		{s, 1, 3, []int64{4472, 7837}},
		{s, 2, 3, []int64{5500, 11000}},
		{s / 3, 0, 1, []int64{1825, 2581, 3162, 3651, 4082, 4472, 4830, 5166, 5499, 5833, 6169, 6527, 6917, 7348, 7837, 8418, 9174, 10999}},
	} {
		got := schedule(t, load.Profile{Executor: "ramping-arrival-rate", Stages: upHoldDown, TimeUnit: c.timeUnit, Instance: c.instance, Instances: c.of})
		if len(got) != len(c.want) {
			t.Errorf("%+v: got %v", c, got)
			continue
		}
		for i, a := range got {
			if ms := a.at.Milliseconds(); ms-c.want[i] < 0 || ms-c.want[i] > 1 || a.index != c.instance+i*c.of {
				t.Errorf("timeUnit %v, instance %d of %d: arrival %d is number %d at %v, want %d ms", c.timeUnit, c.instance, c.of, i, a.index, a.at, c.want[i])
			}
		}
	}
}

// TestSchedule holds schedules against closed forms: their number, and the time
// of each arrival.
func TestSchedule(t *testing.T) {
	const ms, s, min = time.Millisecond, time.Second, time.Minute
	sqrt := func(x float64) time.Duration { return time.Duration(math.Round(math.Sqrt(x) * 1e9)) }
	ramp := func(start float64, stages ...load.Stage) load.Profile {
		return load.Profile{Executor: "ramping-arrival-rate", StartRate: start, Stages: stages}
	}
	for _, c := range []struct {
		name    string
		profile load.Profile
		n       int
		at      func(i int) time.Duration
	}{
		// k6: "30 iterations per second for 30 s": 900 of them, the first at 0.
		{"k6's example of a constant rate", load.Profile{Executor: "constant-arrival-rate", Rate: 30, Duration: 30 * s},
			900, func(i int) time.Duration { return time.Duration(math.Round(float64(i) * 1e9 / 30)) }},
		{"a time unit", load.Profile{Executor: "constant-arrival-rate", Rate: 100, TimeUnit: min, Duration: 10 * min},
			1000, func(i int) time.Duration { return time.Duration(i) * 600 * ms }},
		{"one that would be due at the end is not before it", load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: 10 * s},
			10, func(i int) time.Duration { return time.Duration(i) * s }},
		{"one that is due just before the end", load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: 10*s + 1},
			11, func(i int) time.Duration { return time.Duration(i) * s }},
		{"slower than the duration", load.Profile{Executor: "constant-arrival-rate", Rate: 0.001, Duration: s},
			1, func(int) time.Duration { return 0 }},
		{"thirds", load.Profile{Executor: "constant-arrival-rate", Rate: 3, Duration: 7 * s},
			21, func(i int) time.Duration { return time.Duration(math.Round(float64(i) * 1e9 / 3)) }},
		{"more than one a nanosecond", load.Profile{Executor: "constant-arrival-rate", Rate: 1e10, Duration: 2},
			15, func(i int) time.Duration { return time.Duration(math.Round(float64(i) / 10)) }},

		{"a count", load.Profile{Executor: "arrival-rate", Rate: 5, Iterations: 11},
			11, func(i int) time.Duration { return time.Duration(i) * 200 * ms }},
		{"a count that ends before the duration", load.Profile{Executor: "arrival-rate", Rate: 5, Iterations: 11, Duration: min},
			11, func(i int) time.Duration { return time.Duration(i) * 200 * ms }},
		{"a duration that ends before the count", load.Profile{Executor: "arrival-rate", Rate: 5, Iterations: 11, Duration: s},
			5, func(i int) time.Duration { return time.Duration(i) * 200 * ms }},
		{"everything at once", load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 100, Duration: s},
			100, func(int) time.Duration { return 0 }},
		{"bursts", load.Profile{Executor: "arrival-rate", Rate: 8, Burst: 4, Duration: 10 * s},
			80, func(i int) time.Duration { return time.Duration(i/4) * 500 * ms }},
		{"a count within a burst", load.Profile{Executor: "arrival-rate", Rate: 8, Burst: 4, Iterations: 10},
			10, func(i int) time.Duration { return time.Duration(i/4) * 500 * ms }},

		// The integral of the rate r·t is r·t²/2: iteration i is due at √(2(i+1)/r).
		{"a ramp from nothing", ramp(0, load.Stage{Duration: 600 * s, Target: 600}),
			180_000, func(i int) time.Duration { return sqrt(2 * float64(i+1)) }},
		// From 600 to 0 in 600 s: 600·t − t²/2 = n at t = 600 − √(600² − 2n).
		{"a ramp to nothing", ramp(600, load.Stage{Duration: 600 * s}),
			180_000, func(i int) time.Duration { return 600*s - sqrt(360_000-2*float64(i+1)) }},
		{"a constant ramp starts when the first whole iteration is due", ramp(10, load.Stage{Duration: s, Target: 10}),
			10, func(i int) time.Duration { return time.Duration(i+1) * 100 * ms }},
		{"a jump", ramp(1, load.Stage{Duration: 2 * s, Target: 1}, load.Stage{Target: 10}, load.Stage{Duration: s, Target: 10}),
			12, func(i int) time.Duration {
				if i < 2 {
					return time.Duration(i+1) * s
				}
				return 2*s + time.Duration(i-1)*100*ms
			}},
		{"a pause", ramp(1, load.Stage{Duration: 2 * s, Target: 1}, load.Stage{}, load.Stage{Duration: min}, load.Stage{Target: 1}, load.Stage{Duration: s, Target: 1}),
			3, func(i int) time.Duration { return []time.Duration{s, 2 * s, 63 * s}[i] }},
		// 0.9 + 0.1·10: what a stage leaves over is carried into the next.
		{"fractions are carried over", ramp(0.5, load.Stage{Duration: 1800 * ms, Target: 0.5}, load.Stage{Target: 0.1}, load.Stage{Duration: 11 * s, Target: 0.1}),
			2, func(i int) time.Duration { return []time.Duration{2800 * ms, 12_800 * ms}[i] }},
		// A tenth is no binary number, but the last one is not lost to that.
		{"thirty tenths", ramp(0.1, load.Stage{Duration: 100 * s, Target: 0.1}, load.Stage{Duration: 100 * s, Target: 0.1}, load.Stage{Duration: 100 * s, Target: 0.1}),
			30, func(i int) time.Duration { return time.Duration(i+1) * 10 * s }},

		{"a trace", load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 0, 30 * ms, s}},
			4, func(i int) time.Duration { return []time.Duration{0, 0, 30 * ms, s}[i] }},
		{"a trace at twice the speed", load.Profile{Executor: "replay", Timestamps: []time.Duration{10 * ms, 30 * ms, s}, Speed: 2},
			3, func(i int) time.Duration { return []time.Duration{5 * ms, 15 * ms, 500 * ms}[i] }},
		{"the begin of a slow trace", load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 250 * ms, 500 * ms, s}, Speed: 0.5, Duration: s},
			2, func(i int) time.Duration { return []time.Duration{0, 500 * ms}[i] }},
	} {
		got := schedule(t, c.profile)
		if len(got) != c.n {
			t.Errorf("%s: %d arrivals, want %d", c.name, len(got), c.n)
			continue
		}
		for i, a := range got {
			// The closed form in the test is rounded, too.
			if want := c.at(i); a.index != i || (a.at-want).Abs() > 1 {
				t.Errorf("%s: arrival %d has the number %d and is due at %v, want %v", c.name, i, a.index, a.at, want)
				break
			}
		}
	}
	if got := schedule(t, load.Profile{Executor: "constant-vus", VUs: 1, Duration: s}); got != nil {
		t.Errorf("a closed loop has the schedule %v", got)
	}
}

// A ramp of many stages is where its integral says, stage after stage: no error
// adds up. The integral is computed here by its definition.
func TestRampIntegral(t *testing.T) {
	p := load.Profile{Executor: "ramping-arrival-rate", StartRate: 3}
	for i := range 200 {
		p.Stages = append(p.Stages, load.Stage{Duration: time.Duration(137+i%7) * time.Millisecond * 10, Target: float64(i * 37 % 101)})
	}
	integral := func(at time.Duration) float64 {
		n, from, left := 0.0, p.StartRate, at.Seconds()
		for _, s := range p.Stages {
			d := s.Duration.Seconds()
			x := min(left, d)
			n += from*x + (s.Target-from)*x*x/(2*d)
			if left -= x; left <= 0 {
				break
			}
			from = s.Target
		}
		return n
	}
	all := schedule(t, p)
	if len(all) < 10_000 {
		t.Fatalf("only %d arrivals", len(all))
	}
	for _, a := range all {
		if n := integral(a.at); math.Abs(n-float64(a.index+1)) > 1e-5 {
			t.Fatalf("arrival %d is due at %v, where the integral is %v", a.index, a.at, n)
		}
	}
}

// Together, 1…7 instances play the very schedule of one.
func TestStripes(t *testing.T) {
	const s = time.Second
	for _, p := range []load.Profile{
		{Executor: "arrival-rate", Rate: 20, Process: load.Poisson, Seed: 5, Duration: 60 * s},
		{Executor: "arrival-rate", Rate: 20, Process: load.Gamma, Burstiness: 0.3, Burst: 3, Seed: 5, Iterations: 500},
		{Executor: "constant-arrival-rate", Rate: 7, Duration: 60 * s},
		{Executor: "ramping-arrival-rate", StartRate: 3, Stages: []load.Stage{{Duration: 30 * s, Target: 50}, {Duration: 10 * s}}},
		{Executor: "replay", Timestamps: []time.Duration{0, 1, 1, 5, 9, 9, 9, 12 * s, 13 * s}},
		{Executor: "arrival-rate", Rate: 1, Iterations: 3}, // fewer than instances
	} {
		whole := schedule(t, p)
		for n := 1; n <= 7; n++ {
			var all []arrival
			var planned int64
			p.Instances = n
			for k := range n {
				p.Instance = k
				stripe := schedule(t, p)
				for _, a := range stripe {
					if a.index%n != k {
						t.Errorf("%s: instance %d of %d takes %d", p.Executor, k, n, a.index)
					}
				}
				executor, err := load.New(p)
				if err != nil {
					t.Fatal(err)
				}
				planned += executor.Progress().Planned
				if p.Process == load.Poisson && p.Duration > 0 {
					planned += int64(len(stripe)) // nobody can know it before
				}
				all = append(all, stripe...)
			}
			slices.SortFunc(all, func(a, b arrival) int { return a.index - b.index })
			if !reflect.DeepEqual(all, whole) {
				t.Errorf("%s: %d instances play another schedule than one", p.Executor, n)
			}
			if planned != int64(len(whole)) {
				t.Errorf("%s: %d instances plan %d iterations, there are %d", p.Executor, n, planned, len(whole))
			}
		}
	}
}

// A schedule is not kept: a million arrivals need no more memory than ten.
func TestScheduleMemory(t *testing.T) {
	const n = 1_000_000
	for _, p := range []load.Profile{
		{Executor: "arrival-rate", Rate: 1000, Process: load.Poisson, Iterations: n},
		{Executor: "arrival-rate", Rate: 1000, Process: load.Gamma, Burstiness: 3, Burst: 2, Iterations: n},
		{Executor: "constant-arrival-rate", Rate: 1000, Duration: n * time.Millisecond},
		{Executor: "ramping-arrival-rate", Stages: []load.Stage{{Duration: 1000 * time.Second, Target: 2000}}},
	} {
		t.Run(fmt.Sprint(p.Executor, p.Process), func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			count := 0
			var last time.Duration
			for i, at := range p.Schedule() {
				if i != count || at < last {
					t.Fatalf("arrival %d has the number %d, at %v after %v", count, i, at, last)
				}
				count++
				last = at
			}
			runtime.ReadMemStats(&after)
			if count != n {
				t.Errorf("%d arrivals, want %d", count, n)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}
