package load_test

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/load"
)

// These runs take real time, so that the race detector sees them, and the timer
// that weir waits with plays too. No time decides them.

func TestRunInRealTime(t *testing.T) {
	const ms = time.Millisecond
	ramp := []load.Stage{{Duration: 100 * ms, Target: 20}, {Duration: 100 * ms, Target: 0}}
	for _, c := range []struct {
		name      string
		profile   load.Profile
		scheduled bool // the executor has a schedule
		started   int64
		dropped   int64 // −1: they depend on the machine, but add up
	}{
		{"a constant rate", load.Profile{Executor: "constant-arrival-rate", Rate: 5000, Duration: 200 * ms}, true, 1000, 0},
		{"a count", load.Profile{Executor: "arrival-rate", Rate: 5000, Process: load.Poisson, Iterations: 1000}, true, 1000, 0},
		{"a ramp", load.Profile{Executor: "ramping-arrival-rate", Stages: ramp, TimeUnit: 10 * ms}, true, 200, 0},
		{"a trace", load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 0, 20 * ms, 20 * ms, 100 * ms}}, true, 5, 0},
		{"a queue", load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 500, MaxInFlight: 7}, true, 500, 0},
		{"a queue at the end", load.Profile{Executor: "arrival-rate", Rate: 1e6, Duration: 100 * ms, MaxInFlight: 7}, true, 100_000, -1},
		{"drops", load.Profile{Executor: "constant-arrival-rate", Rate: 10_000, Duration: 100 * ms, MaxVUs: 7}, true, 1000, -1},
		{"a paced wave", load.Profile{Executor: "waves", VUs: 100, Waves: 2, Rate: 1000}, true, 200, 0},
		{"shared iterations", load.Profile{Executor: "shared-iterations", VUs: 10, Iterations: 300, StartTime: 20 * ms}, false, 300, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			executor, err := load.New(c.profile)
			if err != nil {
				t.Fatal(err)
			}
			if executor.Scheduled() != c.scheduled {
				t.Errorf("Scheduled() is %v", executor.Scheduled())
			}
			limit := int64(math.MaxInt64)
			if n := max(c.profile.MaxInFlight, c.profile.MaxVUs); n > 0 {
				limit = int64(n)
			}
			begin := time.Now()
			var running atomic.Int64
			var vus sync.Map
			out := executor.Run(t.Context(), nil, func(_ context.Context, it load.Iteration) error {
				if n := running.Add(1); n > limit || int64(it.VU) >= limit {
					t.Errorf("%d run at once, in VU %d", n, it.VU)
				}
				defer running.Add(-1)
				if _, busy := vus.LoadOrStore(it.VU, true); busy {
					t.Errorf("VU %d runs two iterations at once", it.VU)
				}
				defer vus.Delete(it.VU)
				if now := time.Now(); now.Before(it.Scheduled) || now.Sub(begin) < c.profile.StartTime {
					t.Errorf("iteration %d started %v before its time", it.Index, it.Scheduled.Sub(now))
				}
				time.Sleep(ms)
				return nil
			})
			dropped := out.Scheduled - out.Started
			if c.dropped >= 0 && dropped != c.dropped || out.Dropped != dropped || out.Scheduled != c.started || out.Completed != out.Started || out.Ended != load.EndDone {
				t.Errorf("got %+v, want %d scheduled, of which %d dropped", out, c.started, c.dropped)
			}
			if p := executor.Progress(); p.Running != 0 || p.Counts != out.Counts {
				t.Errorf("progress at the end: %+v, outcome %+v", p, out)
			}
		})
	}
}

// VUs of a ramp come, go, come back and are cut off, all at the same time.
func TestRampingVUsInRealTime(t *testing.T) {
	const ms = time.Millisecond
	var stages []load.Stage
	for range 5 {
		stages = append(stages, load.Stage{Duration: 20 * ms, Target: 20}, load.Stage{Duration: 20 * ms, Target: 1})
	}
	for _, iterations := range []int{0, 100} {
		rampInRealTime(t, load.Profile{Executor: "ramping-vus", Stages: stages, GracefulRampDown: new(2 * ms), GracefulStop: new(5 * ms), Iterations: iterations})
	}
}

func rampInRealTime(t *testing.T, profile load.Profile) {
	executor, err := load.New(profile)
	if err != nil {
		t.Fatal(err)
	}
	var vus sync.Map
	out := executor.Run(t.Context(), nil, func(ctx context.Context, it load.Iteration) error {
		if _, busy := vus.LoadOrStore(it.VU, true); busy || it.VU >= 20 {
			t.Errorf("VU %d runs out of turn", it.VU)
		}
		defer vus.Delete(it.VU)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(it.VU) * time.Millisecond):
			return nil
		}
	})
	if out.Started == 0 || profile.Iterations > 0 && out.Started != int64(profile.Iterations) || out.Started != out.Completed+out.Interrupted || out.Scheduled != out.Started || out.Ended != load.EndDone {
		t.Errorf("got %+v", out)
	}
}

// Stopped or cancelled, an open loop ends though its next arrival is an hour
// away, also where it waits with the kernel's timer.
func TestStopInRealTime(t *testing.T) {
	for _, how := range []load.Ending{load.EndStopped, load.EndCancelled} {
		executor, err := load.New(load.Profile{Executor: "replay", Timestamps: []time.Duration{0, time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop := make(chan struct{})
		out := executor.Run(ctx, stop, func(context.Context, load.Iteration) error {
			if how == load.EndStopped {
				close(stop)
			} else {
				cancel()
			}
			return nil
		})
		cancel()
		if out.Started != 1 || out.Scheduled != 2 || out.Ended != how {
			t.Errorf("%s: got %+v", how, out)
		}
	}
}

// Neither what has been played nor what waits is kept.
func TestRunMemory(t *testing.T) {
	const n = 200_000
	executor, err := load.New(load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: n, MaxInFlight: 64})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, late uint64
	out := executor.Run(t.Context(), nil, func(_ context.Context, it load.Iteration) error {
		switch it.Index {
		case n / 10:
			early = heap()
		case n - 100:
			late = heap()
		}
		return nil
	})
	if out.Completed != n {
		t.Errorf("got %+v", out)
	}
	if late > early+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", early, late)
	}
}

func TestAtOnce(t *testing.T) {
	stages := []load.Stage{{Duration: time.Second, Target: 9}, {Duration: time.Second, Target: 2}}
	for _, c := range []struct {
		profile load.Profile
		want    int
		closed  bool
	}{
		{load.Profile{Executor: "waves", VUs: 8}, 8, true},
		{load.Profile{Executor: "waves", VUs: 8, Instance: 1, Instances: 3}, 3, true},
		{load.Profile{Executor: "shared-iterations", VUs: 8, Iterations: 100}, 8, true},
		{load.Profile{Executor: "shared-iterations", VUs: 8, Iterations: 5}, 5, true},
		{load.Profile{Executor: "per-vu-iterations", VUs: 8, Iterations: 1}, 8, true},
		{load.Profile{Executor: "constant-vus", VUs: 8, Duration: 1}, 8, true},
		{load.Profile{Executor: "ramping-vus", StartVUs: new(3), Stages: stages}, 9, true},
		{load.Profile{Executor: "ramping-vus", StartVUs: new(30), Stages: stages}, 30, true},
		{load.Profile{Executor: "ramping-vus", StartVUs: new(30), Stages: stages, Iterations: 7}, 7, true},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 5, MaxInFlight: 3}, 3, false},
		{load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: time.Second, PreAllocatedVUs: 2, MaxVUs: 4}, 4, false},
		{load.Profile{Executor: "waves", VUs: 2, Instance: 2, Instances: 3}, 0, true},
		{load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: time.Second}, 0, false},
		{load.Profile{Executor: "ramping-arrival-rate", Stages: stages}, 0, false},
		{load.Profile{Executor: "replay", Timestamps: []time.Duration{0}}, 0, false},
		{load.Profile{Executor: "nonsense", VUs: 3}, 0, false},
	} {
		if got, closed := c.profile.AtOnce(); got != c.want || closed != c.closed {
			t.Errorf("%+v: %d at once, closed %v, want %d, %v", c.profile, got, closed, c.want, c.closed)
		}
	}
}
