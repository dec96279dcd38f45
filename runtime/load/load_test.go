//go:build !race

// The race detector of Go 1.26 now and then crashes the program when a synctest
// bubble ends thousands of goroutines; the executors are race-tested with real
// time through cmd.

package load_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/load"
	"weir/runtime/pacer"
)

const s = time.Second

// start is one call of Iterate: who, and when after the begin of the run.
type start struct {
	index, vu, n int
	at           time.Duration
	scheduled    time.Duration
}

// takes makes an iteration that lasts d, or until it is cut off.
func takes(d time.Duration) load.Iterate {
	return func(ctx context.Context, _ load.Iteration) error { return sleep(ctx, d) }
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stubborn lasts d whatever its context says, and ends well.
func stubborn(d time.Duration) load.Iterate {
	return func(context.Context, load.Iteration) error { time.Sleep(d); return nil }
}

// runCase is a profile, played in simulated time, and what must come of it.
type runCase struct {
	name         string
	profile      load.Profile
	iterate      load.Iterate
	stop, cancel time.Duration // after the begin; never when negative or 0
	took         time.Duration // of the run; negative: not known
	want         load.Outcome
	starts       func(vu, n int) time.Duration // of iteration n of a VU
	due          func(index int) time.Duration // when iteration index starts, and is scheduled to
	late         bool                          // starts may be later than scheduled
}

func (c runCase) play(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stop := make(chan struct{})
		after(c.stop, func() { close(stop) })
		after(c.cancel, cancel)

		starts, took, got := play(ctx, simulated(t, c.profile), stop, c.iterate)
		if got != c.want {
			t.Errorf("outcome\n got %+v\nwant %+v", got, c.want)
		}
		if c.took >= 0 && took != c.took {
			t.Errorf("took %v, want %v", took, c.took)
		}
		slices.SortFunc(starts, func(a, b start) int { return a.index - b.index })
		for i, st := range starts {
			if c.profile.Instances < 2 && c.want.Dropped == 0 && st.index != i {
				t.Fatalf("index %d is missing", i)
			}
			if !c.late && st.scheduled != st.at {
				t.Fatalf("iteration %d: scheduled at %v, started at %v", st.index, st.scheduled, st.at)
			}
			if c.starts != nil && c.starts(st.vu, st.n) != st.at {
				t.Fatalf("iteration %d of VU %d started at %v, want %v", st.n, st.vu, st.at, c.starts(st.vu, st.n))
			}
			if c.due != nil && (c.due(st.index)-st.scheduled).Abs() > 1 { // both are rounded
				t.Fatalf("iteration %d was scheduled at %v, want %v", st.index, st.scheduled, c.due(st.index))
			}
		}
	})
}

// TestRun plays profiles in simulated time and holds the counts, the starts and
// the duration of the run against what they must be in closed form.
func TestRun(t *testing.T) {
	none := new(time.Duration(0))
	for _, c := range []runCase{{
		// Ten minutes: 60 waves of 8, each as long as its slowest iteration (VU 7: 10 s).
		name:    "waves wait for the slowest",
		profile: load.Profile{Executor: "waves", VUs: 8, Waves: 60},
		iterate: func(ctx context.Context, it load.Iteration) error {
			return sleep(ctx, time.Duration(3+it.VU)*s)
		},
		took:   600 * s,
		want:   outcome(load.EndDone, load.Counts{Scheduled: 480, Started: 480, Completed: 480}),
		starts: func(_, n int) time.Duration { return time.Duration(n) * 10 * s },
	}, {
		name:    "one wave when their number is left out",
		profile: load.Profile{Executor: "waves", VUs: 3, Rate: math.Inf(1)},
		iterate: takes(2 * s),
		took:    2 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3, Started: 3, Completed: 3}),
		starts:  func(_, _ int) time.Duration { return 0 },
	}, {
		// VU v of a wave starts v/2 s after its begin; the last of 5 at 2 s and
		// ends at 12 s: 50 waves are ten minutes.
		name:    "waves with spaced starts",
		profile: load.Profile{Executor: "waves", VUs: 5, Waves: 50, Rate: 2},
		iterate: takes(10 * s),
		took:    600 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 250, Started: 250, Completed: 250}),
		starts: func(vu, n int) time.Duration {
			return time.Duration(n)*12*s + time.Duration(vu)*s/2
		},
	}, {
		name:    "waves have no time limit of their own",
		profile: load.Profile{Executor: "waves", VUs: 1, Waves: 2},
		iterate: takes(3600 * s),
		took:    7200 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Completed: 2}),
	}, {
		// The second wave begins at 11 s; its last start is at 12 s.
		name:    "waves with a graceful stop of their own",
		profile: load.Profile{Executor: "waves", VUs: 3, Waves: 2, Rate: 2, GracefulStop: new(6 * s)},
		iterate: func(ctx context.Context, it load.Iteration) error {
			return sleep(ctx, []time.Duration{10 * s, 100 * s}[it.IterationInVU])
		},
		took: 18 * s,
		want: outcome(load.EndDone, load.Counts{Scheduled: 6, Started: 6, Completed: 3, Interrupted: 3}),
	}, {
		// The third wave would begin at 20 s, when the time is over.
		name:    "waves with maxDuration",
		profile: load.Profile{Executor: "waves", VUs: 2, Waves: 4, MaxDuration: 20 * s},
		iterate: takes(10 * s),
		took:    20 * s,
		want:    outcome(load.EndMaxDuration, load.Counts{Scheduled: 8, Started: 4, Completed: 4, Dropped: 4}),
	}, {
		// Stopped at 1.2 s: VUs 0, 1, 2 had started (0, 0.5, 1 s), 3 and 4 do not.
		name:    "stop in the middle of a spaced wave",
		profile: load.Profile{Executor: "waves", VUs: 5, Waves: 3, Rate: 2},
		iterate: takes(10 * s),
		stop:    1200 * time.Millisecond,
		took:    11 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 15, Started: 3, Completed: 3}),
	}, {
		// Ten minutes: 4 VUs × 60 rounds of 10 s. k6: "the test ends once k6
		// executes all iterations".
		name:    "shared iterations",
		profile: load.Profile{Executor: "shared-iterations", VUs: 4, Iterations: 240, MaxDuration: 3600 * s},
		iterate: takes(10 * s),
		took:    600 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 240, Started: 240, Completed: 240}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 10 * s },
	}, {
		// k6: "iterations are not guaranteed to be evenly distributed … VU that
		// executes faster will complete more": the stock of 12 is 9 for VU 0 with
		// 1 s each (0…8 s) and one for each of the three others with 9 s.
		name:    "shared iterations go to the fast",
		profile: load.Profile{Executor: "shared-iterations", VUs: 4, Iterations: 12},
		iterate: func(ctx context.Context, it load.Iteration) error {
			if it.VU == 0 {
				return sleep(ctx, s)
			}
			return sleep(ctx, 9*s)
		},
		took:   9 * s,
		want:   outcome(load.EndDone, load.Counts{Scheduled: 12, Started: 12, Completed: 12}),
		starts: func(_, n int) time.Duration { return time.Duration(n) * s },
	}, {
		name:    "shared iterations, fewer than VUs",
		profile: load.Profile{Executor: "shared-iterations", VUs: 5, Iterations: 2},
		iterate: takes(s),
		took:    s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Completed: 2}),
	}, {
		name:    "shared iterations without think time",
		profile: load.Profile{Executor: "shared-iterations", VUs: 3, Iterations: 10_000},
		iterate: takes(0),
		want:    outcome(load.EndDone, load.Counts{Scheduled: 10_000, Started: 10_000, Completed: 10_000}),
	}, {
		// k6: maxDuration is "10m" by default, gracefulStop comes on top of it, and
		// "iterations drop if the scenario reaches its maxDuration before all
		// iterations finish". 2 VUs start at 0, 7, … 595 s: 86 each; the last ones
		// end at 602 s.
		name:    "shared iterations past the default maxDuration",
		profile: load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 1000},
		iterate: takes(7 * s),
		took:    602 * s,
		want:    outcome(load.EndMaxDuration, load.Counts{Scheduled: 1000, Started: 172, Completed: 172, Dropped: 828}),
	}, {
		// Instance 2 of 3 takes 2, 5, 8, 11 of 12.
		name:    "an instance of shared iterations",
		profile: load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 12, Instance: 2, Instances: 3},
		iterate: takes(s),
		took:    4 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 4, Started: 4, Completed: 4}),
		due:     func(index int) time.Duration { return time.Duration(index/3) * s },
	}, {
		// Of the starts at 0, 0.5, 1, … 3 s instance 1 of 2 takes 0.5, 1.5, 2.5 s.
		name:    "an instance of a wave",
		profile: load.Profile{Executor: "waves", VUs: 7, Rate: 2, Instance: 1, Instances: 2},
		iterate: takes(s),
		took:    3500 * ms,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3, Started: 3, Completed: 3}),
		due:     func(index int) time.Duration { return time.Duration(index) * 500 * ms },
		starts:  func(vu, _ int) time.Duration { return time.Duration(vu)*s + 500*ms },
	}, {
		// An iteration that ends when the time is over is never followed by another.
		name:    "maxDuration is over with the last iteration",
		profile: load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 6, MaxDuration: 60 * s},
		iterate: takes(10 * s),
		took:    60 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6, Started: 6, Completed: 6}),
	}, {
		// Ten minutes: VU v takes v+1 s for each of 150; the slowest of 4 ends at 600 s.
		name:    "per VU iterations",
		profile: load.Profile{Executor: "per-vu-iterations", VUs: 4, Iterations: 150, MaxDuration: 3600 * s},
		iterate: func(ctx context.Context, it load.Iteration) error {
			return sleep(ctx, time.Duration(it.VU+1)*s)
		},
		took:   600 * s,
		want:   outcome(load.EndDone, load.Counts{Scheduled: 600, Started: 600, Completed: 600}),
		starts: func(vu, n int) time.Duration { return time.Duration(n*(vu+1)) * s },
	}, {
		// VU 0 has run its 30 by 30 s; VU 1 started at 0, 10, … 50 s: 6 of 30.
		name:    "per VU iterations with maxDuration",
		profile: load.Profile{Executor: "per-vu-iterations", VUs: 2, Iterations: 30, MaxDuration: 55 * s},
		iterate: func(ctx context.Context, it load.Iteration) error {
			return sleep(ctx, time.Duration(1+9*it.VU)*s)
		},
		took: 60 * s,
		want: outcome(load.EndMaxDuration, load.Counts{Scheduled: 60, Started: 36, Completed: 36, Dropped: 24}),
	}, {
		// Ten minutes: starts at 0, 7, … 595 s; the last ones end at 602 s, within
		// the graceful stop.
		name:    "constant VUs",
		profile: load.Profile{Executor: "constant-vus", VUs: 10, Duration: 600 * s},
		iterate: takes(7 * s),
		took:    602 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 860, Started: 860, Completed: 860}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 7 * s },
	}, {
		// k6's example: a duration of 10 s and a gracefulStop of 3 s end after 13 s,
		// and what still runs then is interrupted.
		name:    "graceful stop runs out",
		profile: load.Profile{Executor: "constant-vus", VUs: 4, Duration: 10 * s, GracefulStop: new(3 * s)},
		iterate: func(ctx context.Context, it load.Iteration) error {
			return sleep(ctx, time.Duration(5+it.VU)*s) // VU 0: 0, 5; VUs 1, 2, 3: two each, until 12, 14, 16 s
		},
		took: 13 * s,
		want: outcome(load.EndDone, load.Counts{Scheduled: 8, Started: 8, Completed: 6, Interrupted: 2}),
	}, {
		name:    "no graceful stop",
		profile: load.Profile{Executor: "constant-vus", VUs: 3, Duration: 10 * s, GracefulStop: none},
		iterate: takes(4 * s),
		took:    10 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 9, Started: 9, Completed: 6, Interrupted: 3}),
	}, {
		name:    "graceful stop after maxDuration cuts running iterations",
		profile: load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 2, MaxDuration: 5 * s, GracefulStop: new(s)},
		iterate: takes(60 * s),
		took:    6 * s,
		want:    outcome(load.EndMaxDuration, load.Counts{Scheduled: 2, Started: 2, Interrupted: 2}),
	}, {
		// An iteration that fails because it was cut off did not fail by itself.
		name:    "errors after the cut are interruptions",
		profile: load.Profile{Executor: "constant-vus", VUs: 2, Duration: s, GracefulStop: none},
		iterate: func(ctx context.Context, _ load.Iteration) error {
			<-ctx.Done()
			return errors.New("read: connection closed")
		},
		took: s,
		want: outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Interrupted: 2}),
	}, {
		// Run waits for iterations that do not listen.
		name:    "an iteration ignores the cut",
		profile: load.Profile{Executor: "constant-vus", VUs: 1, Duration: s, GracefulStop: new(s)},
		iterate: stubborn(100 * s),
		took:    100 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 1, Started: 1, Completed: 1}),
	}, {
		// Every third one fails, every fifth one says that it was interrupted: of
		// 0…29 ten fail and six are interrupted, less those that are both (0, 15).
		name:    "failures and interruptions are told apart",
		profile: load.Profile{Executor: "per-vu-iterations", VUs: 3, Iterations: 10},
		iterate: func(ctx context.Context, it load.Iteration) error {
			switch {
			case it.Index%5 == 0:
				return fmt.Errorf("iteration: %w", load.ErrInterrupted)
			case it.Index%3 == 0:
				return errors.New("script error")
			}
			return sleep(ctx, s)
		},
		took: -1, // depends on which VU took which number
		want: outcome(load.EndDone, load.Counts{Scheduled: 30, Started: 30, Completed: 16, Failed: 8, Interrupted: 6}),
	}, {
		// Stopped at 25 s: started at 0, 10, 20 s; the last ones end at 30 s.
		name:    "stop lets iterations end",
		profile: load.Profile{Executor: "constant-vus", VUs: 2, Duration: 600 * s},
		iterate: takes(10 * s),
		stop:    25 * s,
		took:    30 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 6, Started: 6, Completed: 6}),
	}, {
		// Stopped at 15 s, when the last of a number run: they end, and all is done.
		name:    "stop when nothing is left to start",
		profile: load.Profile{Executor: "per-vu-iterations", VUs: 2, Iterations: 2},
		iterate: takes(10 * s),
		stop:    15 * s,
		took:    20 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 4, Started: 4, Completed: 4}),
	}, {
		name:    "stop cuts after the default of 30 s",
		profile: load.Profile{Executor: "per-vu-iterations", VUs: 2, Iterations: 5},
		iterate: takes(100 * s),
		stop:    10 * s,
		took:    40 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 10, Started: 2, Interrupted: 2}),
	}, {
		name:    "stop and then cancel",
		profile: load.Profile{Executor: "waves", VUs: 2, Waves: 5},
		iterate: takes(100 * s),
		stop:    10 * s, cancel: 15 * s,
		took: 15 * s,
		want: outcome(load.EndCancelled, load.Counts{Scheduled: 10, Started: 2, Interrupted: 2}),
	}, {
		name:    "cancel",
		profile: load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 50},
		iterate: takes(10 * s),
		cancel:  25 * s,
		took:    25 * s,
		want:    outcome(load.EndCancelled, load.Counts{Scheduled: 50, Started: 6, Completed: 4, Interrupted: 2}),
	}} {
		t.Run(c.name, c.play)
	}
}

// simulated makes an executor for simulated time.
func simulated(t *testing.T, p load.Profile) *load.Executor {
	t.Helper()
	executor, err := load.New(p)
	if err != nil {
		t.Fatal(err)
	}
	executor.Sleep = pacer.Sleep
	return executor
}

func outcome(why load.Ending, c load.Counts) load.Outcome { return load.Outcome{Counts: c, Ended: why} }

func after(d time.Duration, do func()) {
	if d > 0 {
		time.AfterFunc(d, do)
	}
}

// play runs an executor and notes every start. It checks what holds for every
// executor: a VU runs one iteration at a time, in order.
func play(ctx context.Context, e *load.Executor, stop chan struct{}, iterate load.Iterate) ([]start, time.Duration, load.Outcome) {
	var mu sync.Mutex
	var starts []start
	running, next := map[int]bool{}, map[int]int{}
	begin := time.Now()
	out := e.Run(ctx, stop, func(ctx context.Context, it load.Iteration) error {
		mu.Lock()
		starts = append(starts, start{it.Index, it.VU, it.IterationInVU, time.Since(begin), it.Scheduled.Sub(begin)})
		if running[it.VU] || next[it.VU] != it.IterationInVU {
			panic(fmt.Sprintf("VU %d runs iteration %d out of turn", it.VU, it.IterationInVU))
		}
		running[it.VU] = true
		next[it.VU]++
		mu.Unlock()
		defer func() {
			mu.Lock()
			running[it.VU] = false
			mu.Unlock()
		}()
		return iterate(ctx, it)
	})
	return starts, time.Since(begin), out
}

// profileOf is a profile of each executor that ends within a second.
func profileOf(executor string) load.Profile {
	stages := []load.Stage{{Duration: s / 2, Target: 4}, {Duration: s / 2, Target: 0}}
	return map[string]load.Profile{
		"waves":                 {Executor: executor, VUs: 3},
		"shared-iterations":     {Executor: executor, VUs: 3, Iterations: 3},
		"per-vu-iterations":     {Executor: executor, VUs: 3, Iterations: 3},
		"constant-vus":          {Executor: executor, VUs: 3, Duration: s},
		"ramping-vus":           {Executor: executor, Stages: stages},
		"arrival-rate":          {Executor: executor, Rate: 10, Process: load.Poisson, Duration: s},
		"constant-arrival-rate": {Executor: executor, Rate: 10, Duration: s},
		"ramping-arrival-rate":  {Executor: executor, StartRate: 4, Stages: stages},
		"replay":                {Executor: executor, Timestamps: []time.Duration{0, s / 2}},
	}[executor]
}

// A run that is stopped or cancelled before it begins starts nothing.
func TestRunOfNothing(t *testing.T) {
	for _, name := range load.Executors() {
		p := profileOf(name)
		for _, how := range []load.Ending{load.EndStopped, load.EndCancelled} {
			t.Run(name+" "+string(how), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				if how == load.EndStopped {
					close(stop)
				} else {
					cancel()
				}
				got := simulated(t, p).Run(ctx, stop, takes(0))
				if got.Started != 0 || got.Dropped != 0 || got.Ended != how {
					t.Errorf("got %+v, want nothing started, %s", got, how)
				}
			})
		}
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile load.Profile
		at      time.Duration
		want    load.Progress // without its times
		begin   time.Duration // these are counted from the call of Run
		last    time.Duration // 0: none
		end     time.Duration // 0: none
		left    time.Duration // -1: not known
	}{{
		name:    "before an iteration has ended there is nothing to judge from",
		profile: load.Profile{Executor: "waves", VUs: 2, Waves: 10},
		at:      5 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 20, Started: 2}, Running: 2, Planned: 20},
		left:    -1,
	}, {
		// 6 of 20 in 35 s: 14 more take 35/6 × 14 s.
		name:    "from the rate so far",
		profile: load.Profile{Executor: "waves", VUs: 2, Waves: 10},
		at:      35 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 20, Started: 8, Completed: 6}, Running: 2, Planned: 20},
		left:    81_666_666_667,
	}, {
		name:    "not past maxDuration",
		profile: load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 20, MaxDuration: 50 * s},
		at:      35 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 20, Started: 8, Completed: 6}, Running: 2, Planned: 20},
		end:     50 * s,
		left:    15 * s,
	}, {
		name:    "a duration",
		profile: load.Profile{Executor: "constant-vus", VUs: 2, Duration: 60 * s},
		at:      15 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 4, Started: 4, Completed: 2}, Running: 2},
		end:     60 * s,
		left:    45 * s,
	}, {
		name:    "in the graceful stop",
		profile: load.Profile{Executor: "constant-vus", VUs: 2, Duration: 12 * s},
		at:      15 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 4, Started: 4, Completed: 2}, Running: 2, Stopping: true},
		end:     12 * s,
		left:    0,
	}, {
		name:    "a schedule",
		profile: load.Profile{Executor: "constant-arrival-rate", Rate: 2, Duration: 60 * s},
		at:      15*s + ms,
		want:    load.Progress{Counts: load.Counts{Scheduled: 120, Started: 31, Completed: 11}, Running: 20, Planned: 120},
		end:     60 * s,
		last:    60 * s,
		left:    45*s - ms,
	}, {
		name:    "a schedule of a number",
		profile: load.Profile{Executor: "arrival-rate", Rate: 2, Iterations: 61},
		at:      15*s + ms,
		want:    load.Progress{Counts: load.Counts{Scheduled: 61, Started: 31, Completed: 11}, Running: 20, Planned: 61},
		last:    30 * s,
		left:    15*s - ms,
	}, {
		// Nobody knows how many there will be.
		name:    "a random schedule, with drops",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1000, Process: load.Gamma, Burstiness: 1e12, Duration: 60 * s, MaxInFlight: 3, Overflow: load.Drop},
		at:      5*s + ms/2,
		want:    load.Progress{Counts: load.Counts{Scheduled: 5001, Started: 3, Dropped: 4998}, Running: 3},
		end:     60 * s,
		last:    60 * s,
		left:    55*s - ms/2,
	}, {
		// The last arrival was due at 4 s; 2 of 5 have ended in 25 s.
		name:    "a queue when all are due",
		profile: load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 5, MaxInFlight: 1},
		at:      25 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 5, Started: 3, Completed: 2, Late: 2}, Running: 1, Queued: 2, Planned: 5},
		last:    4 * s,
		left:    37_500 * ms,
	}, {
		name:    "a trace that is cut off",
		profile: load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 40 * s, 90 * s}, Duration: 60 * s},
		at:      15 * s,
		want:    load.Progress{Counts: load.Counts{Scheduled: 2, Started: 1, Completed: 1}, Planned: 2},
		end:     60 * s,
		last:    40 * s,
		left:    25 * s,
	}, {
		name:    "before the start time",
		profile: load.Profile{Executor: "constant-vus", VUs: 2, Duration: 60 * s, StartTime: 20 * s},
		at:      15 * s,
		begin:   20 * s,
		end:     80 * s,
		left:    65 * s,
	}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				executor := simulated(t, c.profile)
				if p := executor.Progress(); !p.Begin.IsZero() || p.Started != 0 {
					t.Errorf("progress before the run: %+v", p)
				}
				begin := time.Now()
				stop := make(chan struct{})
				done := make(chan struct{})
				go func() { executor.Run(t.Context(), stop, takes(10*s)); close(done) }()
				time.Sleep(c.at)
				synctest.Wait()

				got := executor.Progress()
				left, known := got.Left(time.Now())
				if !known {
					left = -1
				}
				if left != c.left {
					t.Errorf("left %v, want %v", left, c.left)
				}
				want := c.want
				want.Begin = begin.Add(c.begin)
				if c.last > 0 {
					want.Last = begin.Add(c.last)
				}
				if c.end > 0 {
					want.End = begin.Add(c.end)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("progress\n got %+v\nwant %+v", got, want)
				}
				close(stop)
				<-done
			})
		})
	}
}

// Waves of a Poisson process differ from each other, and are the same in every run.
func TestPoissonWaves(t *testing.T) {
	profile := load.Profile{Executor: "waves", VUs: 20, Waves: 2, Rate: 4, Process: load.Poisson, Seed: 3}
	run := func() (starts []start) {
		synctest.Test(t, func(t *testing.T) {
			executor := simulated(t, profile)
			starts, _, _ = play(t.Context(), executor, nil, takes(100*s))
		})
		slices.SortFunc(starts, func(a, b start) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.vu, b.vu)) })
		return starts
	}
	first := run()
	if !slices.Equal(first, run()) {
		t.Error("two runs of one profile differ")
	}
	same := 0
	for i := 1; i < 20; i++ {
		if first[i].at-first[0].at == first[20+i].at-first[20].at {
			same++
		}
	}
	if same == 19 {
		t.Error("two waves have the same gaps")
	}
}
