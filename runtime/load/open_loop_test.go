//go:build !race

// See load_test.go.

package load_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/load"
	"weir/runtime/pacer"
)

const ms = time.Millisecond

// TestOpenLoop does for open loops what TestRun does for closed ones.
func TestOpenLoop(t *testing.T) {
	every := func(gap time.Duration) func(int) time.Duration {
		return func(i int) time.Duration { return time.Duration(i) * gap }
	}
	trace := []time.Duration{0, 0, 0, 5 * s, 599 * s}
	for _, c := range []runCase{{
		// Ten minutes: starts at 0, 0.2, … 599.8 s, whatever the iterations take. 35 run
		// at once, and VUs are as many: each starts its next one after 7 s.
		name:    "a constant rate",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 5, Duration: 600 * s},
		iterate: takes(6900 * ms),
		took:    606_700 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3000, Started: 3000, Completed: 3000}),
		due:     every(200 * ms),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu)*200*ms + time.Duration(n)*7*s },
	}, {
		name:    "a count",
		profile: load.Profile{Executor: "arrival-rate", Rate: 5, Iterations: 3000},
		iterate: takes(100 * s), // no duration, so no graceful stop
		took:    699_800 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3000, Started: 3000, Completed: 3000}),
		due:     every(200 * ms),
	}, {
		// The integral of a rate of t/10 is t²/20: iteration i starts at √(20(i+1)), the
		// last one at the very end, and it is not lost.
		name:    "a ramp",
		profile: load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{Duration: 600 * s, Target: 60}}},
		iterate: takes(s),
		took:    601 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 18_000, Started: 18_000, Completed: 18_000}),
		due: func(i int) time.Duration {
			return time.Duration(math.Round(math.Sqrt(20*float64(i+1)) * 1e9))
		},
	}, {
		name:    "a trace",
		profile: load.Profile{Executor: "replay", Timestamps: trace},
		iterate: takes(s),
		took:    600 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 5, Started: 5, Completed: 5}),
		due:     func(i int) time.Duration { return trace[i] },
	}, {
		// Five at once, each a second: iteration i starts a second after i−5. All but the
		// first five are late: ⌊i/5⌋ half seconds.
		name:    "a queue",
		profile: load.Profile{Executor: "arrival-rate", Rate: 10, Iterations: 100, MaxInFlight: 5},
		iterate: takes(s),
		took:    20_400 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 100, Started: 100, Completed: 100, Late: 95}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu)*100*ms + time.Duration(n)*s },
		due:     every(100 * ms),
		late:    true,
	}, {
		// The same until 10 s, when a VU is free again: too late.
		name:    "a queue at the end",
		profile: load.Profile{Executor: "arrival-rate", Rate: 10, Duration: 10 * s, MaxInFlight: 5, Overflow: load.Queue},
		iterate: takes(s),
		took:    10_400 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 100, Started: 50, Completed: 50, Dropped: 50, Late: 45}),
		late:    true,
	}, {
		// vLLM's --request-rate inf with --max-concurrency.
		name:    "a queue of all at once",
		profile: load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 12, MaxInFlight: 4},
		iterate: takes(10 * s),
		took:    30 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 12, Started: 12, Completed: 12, Late: 8}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 10 * s },
		due:     every(0),
		late:    true,
	}, {
		// The most that a profile may ask for at once is not counted one by one.
		name:    "a queue without end, at its end",
		profile: load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 1 << 53, Duration: 10 * s, MaxInFlight: 4},
		iterate: takes(6 * s),
		took:    12 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 1 << 53, Started: 8, Completed: 8, Dropped: 1<<53 - 8, Late: 4}),
		late:    true,
	}, {
		// Of ten in a second the first five find a VU, which then is busy for 0.95 s.
		name:    "drops",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 10, Duration: 600 * s, MaxVUs: 5},
		iterate: takes(950 * ms),
		took:    600_350 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6000, Started: 3000, Completed: 3000, Dropped: 3000}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu)*100*ms + time.Duration(n)*s },
		due:     every(100 * ms),
	}, {
		name:    "k6's default of maxVUs",
		profile: load.Profile{Executor: "ramping-arrival-rate", StartRate: 10, Stages: []load.Stage{{Duration: 600 * s, Target: 10}}, PreAllocatedVUs: 5},
		iterate: takes(950 * ms),
		took:    600_450 * ms, // the last five are due at 599.6 … 600 s; those until 599.5 s find all VUs free
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6000, Started: 3000, Completed: 3000, Dropped: 3000}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu+1)*100*ms + time.Duration(n)*s },
	}, {
		name:    "drops of maxInFlight",
		profile: load.Profile{Executor: "arrival-rate", Rate: 10, Burst: 10, Iterations: 100, MaxInFlight: 4, Overflow: load.Drop},
		iterate: takes(500 * ms),
		took:    9500 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 100, Started: 40, Completed: 40, Dropped: 60}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * s },
	}, {
		// Stopped at 1.05 s: eleven had started.
		name:    "stop",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 10, Duration: 600 * s},
		iterate: takes(10 * s),
		stop:    1050 * ms,
		took:    11 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 6000, Started: 11, Completed: 11}),
	}, {
		name:    "stop while arrivals wait",
		profile: load.Profile{Executor: "arrival-rate", Rate: 10, Iterations: 100, MaxInFlight: 2},
		iterate: takes(10 * s),
		stop:    1050 * ms,
		took:    10_100 * ms,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 100, Started: 2, Completed: 2}),
	}, {
		name:    "stop between two arrivals that lie far apart",
		profile: load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 3600 * s}},
		iterate: takes(s),
		stop:    10 * s,
		took:    10 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 2, Started: 1, Completed: 1}),
	}, {
		name:    "cancel",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 10, Duration: 600 * s},
		iterate: takes(10 * s),
		cancel:  1050 * ms,
		took:    1050 * ms,
		want:    outcome(load.EndCancelled, load.Counts{Scheduled: 6000, Started: 11, Interrupted: 11}),
	}, {
		// Of 0, 1, … 9 s those from 5 s on are cut off at 13 s.
		name:    "the graceful stop runs out",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: 10 * s, GracefulStop: new(3 * s)},
		iterate: takes(8500 * ms),
		took:    13 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 10, Started: 10, Completed: 5, Interrupted: 5}),
	}, {
		name:    "failures",
		profile: load.Profile{Executor: "arrival-rate", Rate: 2, Duration: 10 * s},
		iterate: func(_ context.Context, it load.Iteration) error {
			if it.Index%4 == 0 {
				return errors.New("script error")
			}
			return nil
		},
		took: 9500 * ms,
		want: outcome(load.EndDone, load.Counts{Scheduled: 20, Started: 20, Completed: 15, Failed: 5}),
	}, {
		name:    "a start time",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: 10 * s, StartTime: 60 * s},
		iterate: takes(500 * ms),
		took:    69_500 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 10, Started: 10, Completed: 10}),
		due:     func(i int) time.Duration { return 60*s + time.Duration(i)*s },
	}, {
		name:    "the start time of a closed loop",
		profile: load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 100, MaxDuration: 20 * s, StartTime: 60 * s},
		iterate: takes(10 * s),
		took:    80 * s,
		want:    outcome(load.EndMaxDuration, load.Counts{Scheduled: 100, Started: 2, Completed: 2, Dropped: 98}),
		starts:  func(_, n int) time.Duration { return 60*s + time.Duration(n)*10*s },
	}, {
		name:    "stop before the start time",
		profile: load.Profile{Executor: "waves", VUs: 3, StartTime: 60 * s},
		iterate: takes(10 * s),
		stop:    10 * s,
		took:    10 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 3}),
	}, {
		// Instance 1 of 3 takes 1, 4, 7, … of 600; its VUs are numbered from 0.
		name:    "an instance of an open loop",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: 600 * s, Instance: 1, Instances: 3},
		iterate: takes(s),
		took:    599 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 200, Started: 200, Completed: 200}),
		due:     every(s),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu)*600*s + time.Duration(1+3*n)*s },
	}, {
		// Nothing starts after 2 s: those that started at 1 and 2 s are cut off at 5 s.
		name:    "the graceful stop after a count",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 3, GracefulStop: new(3 * s)},
		iterate: takes(4500 * ms),
		took:    5 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3, Started: 3, Completed: 1, Interrupted: 2}),
	}, {
		name:    "the graceful stop after a trace, which began later",
		profile: load.Profile{Executor: "replay", Timestamps: trace[:4], GracefulStop: new(3 * s), StartTime: 60 * s},
		iterate: takes(100 * s),
		took:    68 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 4, Started: 4, Interrupted: 4}),
	}, {
		// The last one starts when the first one has ended, at 10 s.
		name:    "the graceful stop after a queue",
		profile: load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 2, MaxInFlight: 1, GracefulStop: new(3 * s)},
		iterate: takes(10 * s),
		took:    13 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Completed: 1, Interrupted: 1, Late: 1}),
		late:    true,
	}, {
		// The duration is the limit, though the last of the iterations starts at 2 s.
		name:    "the graceful stop after a duration, with a count",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 3, Duration: 10 * s, GracefulStop: new(3 * s)},
		iterate: takes(12_500 * ms),
		took:    13 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3, Started: 3, Completed: 1, Interrupted: 2}),
	}, {
		name:    "stop after the last arrival",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, GracefulStop: new(30 * s)},
		iterate: takes(100 * s),
		stop:    20 * s,
		took:    30 * s, // of the graceful stop, which has begun already
		want:    outcome(load.EndDone, load.Counts{Scheduled: 1, Started: 1, Interrupted: 1}),
	}, {
		name:    "an instance with nothing to do",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 2, Instance: 2, Instances: 3},
		iterate: takes(s),
		want:    outcome(load.EndDone, load.Counts{}),
	}} {
		t.Run(c.name, c.play)
	}
}

// Random schedules of ten minutes are played as they are, by all instances
// together. VUs are as few as can be.
func TestRandomSchedules(t *testing.T) {
	for _, p := range []load.Profile{
		{Executor: "arrival-rate", Rate: 20, Process: load.Poisson, Seed: 3, Duration: 600 * s},
		{Executor: "arrival-rate", Rate: 20, Process: load.Gamma, Burstiness: 0.25, Seed: 3, Duration: 600 * s},
		{Executor: "arrival-rate", Rate: 20, Process: load.Gamma, Burstiness: 9, Burst: 8, Seed: 3, Duration: 600 * s},
		{Executor: "arrival-rate", Rate: 20, Process: load.Poisson, Seed: 3, Duration: 600 * s, Instance: 2, Instances: 5},
	} {
		want := map[int]time.Duration{}
		for i, at := range p.Schedule() {
			want[i] = at
		}
		if n := 600.0 * 20 / float64(max(p.Instances, 1)); math.Abs(float64(len(want))/n-1) > 0.1 {
			t.Errorf("%+v: %d arrivals, expected about %v", p, len(want), n)
		}
		synctest.Test(t, func(t *testing.T) {
			starts, _, got := play(t.Context(), simulated(t, p), nil, takes(3*s))
			n := int64(len(want))
			if expected := outcome(load.EndDone, load.Counts{Scheduled: n, Started: n, Completed: n}); got != expected {
				t.Errorf("outcome\n got %+v\nwant %+v", got, expected)
			}
			for _, st := range starts {
				if at, ok := want[st.index]; !ok || at != st.at || at != st.scheduled {
					t.Fatalf("iteration %d was scheduled at %v and started at %v, want %v", st.index, st.scheduled, st.at, at)
				}
			}
			if vus, most := 1+slices.MaxFunc(starts, func(a, b start) int { return a.vu - b.vu }).vu, atOnce(starts, 3*s); vus > most {
				t.Errorf("there were %d VUs for %d iterations at once", vus, most)
			}
		})
	}
}

// atOnce is the largest number of starts within d, both ends included: one may
// start before another that ends in that moment has given its VU back.
func atOnce(starts []start, d time.Duration) int {
	starts = slices.Clone(starts)
	slices.SortFunc(starts, func(a, b start) int { return int(a.at - b.at) })
	most, first := 0, 0
	for i := range starts {
		for starts[i].at-starts[first].at > d {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// What is random and waits is counted all the same when the time is over.
func TestRandomQueueAtTheEnd(t *testing.T) {
	p := load.Profile{Executor: "arrival-rate", Rate: 20, Process: load.Poisson, Seed: 3, Duration: 60 * s, MaxInFlight: 10}
	var scheduled int64
	for range p.Schedule() {
		scheduled++
	}
	synctest.Test(t, func(t *testing.T) {
		_, _, got := play(t.Context(), simulated(t, p), nil, takes(s))
		if got.Scheduled != scheduled || got.Started+got.Dropped != scheduled || got.Started > 600 || got.Started < 590 {
			t.Errorf("got %+v, want %d scheduled, 10 a second started and the others dropped", got, scheduled)
		}
	})
}

// Two scenarios are two runs at the same time; neither knows of the other.
func TestTwoRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs sync.WaitGroup
		for _, rate := range []float64{3, 7} {
			runs.Go(func() {
				p := load.Profile{Executor: "constant-arrival-rate", Rate: rate, Duration: 600 * s}
				starts, took, got := play(t.Context(), simulated(t, p), nil, takes(0))
				n := int64(600 * rate)
				if want := outcome(load.EndDone, load.Counts{Scheduled: n, Started: n, Completed: n}); got != want {
					t.Errorf("rate %v: got %+v, want %+v", rate, got, want)
				}
				if last := starts[len(starts)-1].at; took != last {
					t.Errorf("rate %v: the run took %v, its last iteration ended at %v", rate, took, last)
				}
			})
		}
		runs.Wait()
	})
}

// Several executors are as far as all of them together, and take as long as the
// one that takes longest.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var executors []*load.Executor
		var runs sync.WaitGroup
		for _, p := range []load.Profile{
			{Executor: "arrival-rate", Rate: 1, Iterations: 11},                                          // starts until 10 s
			{Executor: "constant-arrival-rate", Rate: 1, Duration: 20 * s, StartTime: 10 * s},            // until 30 s
			{Executor: "shared-iterations", VUs: 1, Iterations: 4, MaxDuration: 8 * s, StartTime: 2 * s}, // until 10 s
		} {
			e := simulated(t, p)
			executors = append(executors, e)
			runs.Go(func() { e.Run(t.Context(), nil, takes(4*s)) })
		}
		for _, c := range []struct {
			at, left  time.Duration
			stopping  bool
			scheduled int64
			over      bool
		}{
			{at: 3 * s, left: -1, scheduled: 11 + 20 + 4},    // nobody knows how long an iteration of the last one takes
			{at: 6500 * ms, left: 23500 * ms, scheduled: 35}, // the second one's arrivals
			{at: 25500 * ms, left: 4500 * ms, scheduled: 35}, // the others are over
			{at: 31 * s, left: 0, stopping: true, scheduled: 35},
			{at: 40 * s, left: 0, scheduled: 35, over: true},
		} {
			time.Sleep(time.Until(begin.Add(c.at)))
			synctest.Wait()
			var parts []load.Progress
			for _, e := range executors {
				parts = append(parts, e.Progress())
			}
			got := load.Together(parts)
			left, known := got.Left(time.Now())
			if left = left.Round(time.Millisecond); !known {
				left = -1
			}
			if left != c.left || got.Stopping != c.stopping || got.Over != c.over || got.Scheduled != c.scheduled || got.Planned != 35 {
				t.Errorf("after %v: left %v, want %v; %+v", c.at, left, c.left, got)
			}
			if !got.Begin.Equal(begin) || !got.Last.IsZero() || !got.End.IsZero() {
				t.Errorf("after %v: begin %v, last %v, end %v", c.at, got.Begin, got.Last, got.End)
			}
		}
		runs.Wait()
		open := load.Together([]load.Progress{executors[0].Progress(), executors[1].Progress()})
		if last := open.Last.Sub(begin); last < 29*s || last > 30*s {
			t.Errorf("the last arrival was due after %v", last)
		}
	})
}

// What an open loop has started never counts as dropped as well, even if the end
// comes while it starts.
func TestDropAtOnce(t *testing.T) {
	for range 1000 {
		executor, err := load.New(load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 10, MaxInFlight: 3, Duration: 1})
		if err != nil {
			t.Fatal(err)
		}
		got := executor.Run(t.Context(), nil, func(context.Context, load.Iteration) error { return nil })
		if got.Started+got.Dropped != 10 || got.Completed != got.Started {
			t.Fatalf("%+v", got)
		}
	}
}

// Scenarios of one seed have arrivals of their own, and so have their waves.
func TestStreams(t *testing.T) {
	for _, p := range []load.Profile{
		{Executor: "arrival-rate", Rate: 20, Process: load.Poisson, Seed: 3, Iterations: 20},
		{Executor: "waves", VUs: 20, Rate: 20, Process: load.Poisson, Seed: 3},
	} {
		var at [2]map[time.Duration]bool
		for i := range at {
			p.Stream = uint64(i) << 40
			at[i] = map[time.Duration]bool{}
			synctest.Test(t, func(t *testing.T) {
				starts, _, _ := play(t.Context(), simulated(t, p), nil, takes(s))
				for _, st := range starts {
					at[i][st.scheduled] = true
				}
			})
		}
		same := 0
		for t := range at[0] {
			if at[1][t] {
				same++
			}
		}
		if same != 1 || len(at[0]) != 20 { // the first, at 0
			t.Errorf("%s: %d of %d starts are those of the other stream", p.Executor, same, len(at[0]))
		}
	}
}

// What waits behind maxInFlight is told while it waits.
func TestQueued(t *testing.T) {
	f := func(p load.Profile, want ...int64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			e, err := load.New(p)
			if err != nil {
				t.Fatal(err)
			}
			e.Sleep = pacer.Sleep
			var all sync.WaitGroup
			all.Go(func() {
				e.Run(t.Context(), nil, func(context.Context, load.Iteration) error {
					time.Sleep(time.Second)
					return nil
				})
			})
			for i, n := range want {
				time.Sleep(530 * ms)
				if got := e.Progress().Queued; got != n {
					t.Errorf("after %d ms %d wait, want %d", 530*(i+1), got, n)
				}
			}
			all.Wait()
			if got := e.Progress().Queued; got != 0 {
				t.Errorf("at the end %d wait", got)
			}
		})
	}
	// 10 arrivals a second, from 0 on; 2 start a second.
	limited := load.Profile{Executor: "arrival-rate", Rate: 10, Process: "constant", Duration: 3 * s, MaxInFlight: 2}
	f(limited, 4, 8, 12, 16)
	limited.Overflow = load.Drop
	f(limited, 0, 0)
	limited.Overflow, limited.MaxInFlight = "", 0
	f(limited, 0, 0)
	f(load.Profile{Executor: "per-vu-iterations", VUs: 2, Iterations: 2}, 0)
	// All at once, and more than can be counted one by one.
	f(load.Profile{Executor: "arrival-rate", Rate: math.Inf(1), Iterations: 1 << 50, Duration: 2 * s, MaxInFlight: 2}, 1<<50-2, 1<<50-4)
}
