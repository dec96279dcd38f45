//go:build !race

// See load_test.go.

package load_test

import (
	"testing"
	"time"

	"weir/runtime/load"
)

func TestRampingVUs(t *testing.T) {
	ramp := func(start int, stages ...load.Stage) load.Profile {
		return load.Profile{Executor: "ramping-vus", StartVUs: &start, Stages: stages}
	}
	graceful := func(p load.Profile, d time.Duration) load.Profile {
		p.GracefulRampDown = &d
		return p
	}
	total := func(iterations int, p load.Profile) load.Profile {
		p.Iterations = iterations
		return p
	}
	// From 2 VUs to 1 at 10 s, back to 2 at 12 s, until 20 s.
	dip := ramp(2, load.Stage{Duration: 10 * s, Target: 2}, load.Stage{Target: 1}, load.Stage{Duration: 2 * s, Target: 1},
		load.Stage{Target: 2}, load.Stage{Duration: 8 * s, Target: 2})

	for _, c := range []runCase{{
		// Ten minutes: from 1 VU, the default, to 11 within 10 s: VU v starts at v s, and
		// runs an iteration each second until 600 s: 600 − v of them.
		name: "up",
		profile: load.Profile{Executor: "ramping-vus", Stages: []load.Stage{
			{Duration: 10 * s, Target: 11}, {Duration: 590 * s, Target: 11}}},
		iterate: takes(s),
		took:    600 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6545, Started: 6545, Completed: 6545}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu+n) * s },
	}, {
		// Without a start there is nothing until the line reaches 1.
		name:    "up from nothing",
		profile: ramp(0, load.Stage{Duration: 10 * s, Target: 5}, load.Stage{Duration: 10 * s, Target: 5}),
		iterate: takes(20 * s),
		took:    30 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 5, Started: 5, Completed: 5}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu+1) * 2 * s },
	}, {
		// The line from 4 reaches 3, 2, 1, 0 at 10, 20, 30, 40 s: the VUs end what they
		// run then at 14, 21, 35, 42 s, after 2, 3, 5, 6 iterations.
		name:    "down",
		profile: ramp(4, load.Stage{Duration: 40 * s}),
		iterate: takes(7 * s),
		took:    42 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 16, Started: 16, Completed: 16}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 7 * s },
	}, {
		// VU 1 has to leave at 10 s and is cut off at 15 s; VU 0 at 20 and 25 s, before
		// the graceful stop runs out.
		name:    "the graceful ramp-down runs out",
		profile: graceful(ramp(2, load.Stage{Duration: 20 * s}), 5*s),
		iterate: takes(100 * s),
		took:    25 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Interrupted: 2}),
	}, {
		// k6: "gracefulStop can be less than gracefulRampDown and can cut the graceful
		// ramp-down periods of the last VUs short".
		name: "the graceful stop is shorter",
		profile: load.Profile{Executor: "ramping-vus", StartVUs: new(2), GracefulStop: new(4 * s),
			Stages: []load.Stage{{Duration: 20 * s}}},
		iterate: takes(100 * s),
		took:    24 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 2, Started: 2, Interrupted: 2}),
	}, {
		name:    "no graceful ramp-down",
		profile: graceful(ramp(3, load.Stage{Duration: 10 * s, Target: 3}, load.Stage{}, load.Stage{Duration: 100 * s}), 0),
		iterate: takes(6 * s),
		took:    10 * s, // nothing is left to do
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6, Started: 6, Completed: 3, Interrupted: 3}),
	}, {
		// VU 1 is wanted again before its second iteration ends, at 14 s, and goes on.
		name:    "a VU goes on",
		profile: dip,
		iterate: takes(7 * s),
		took:    21 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 6, Started: 6, Completed: 6}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 7 * s },
	}, {
		// It is cut off at 11 s, and begins anew at 12 s: 12, 19 s.
		name:    "a VU comes back",
		profile: graceful(dip, s),
		iterate: takes(7 * s),
		took:    26 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 7, Started: 7, Completed: 6, Interrupted: 1}),
		starts: func(vu, n int) time.Duration {
			if vu == 1 {
				return []time.Duration{0, 7 * s, 12 * s, 19 * s}[n]
			}
			return time.Duration(n) * 7 * s
		},
	}, {
		name:    "stop",
		profile: ramp(0, load.Stage{Duration: 600 * s, Target: 60}),
		iterate: takes(15 * s),
		stop:    34 * s,
		took:    45 * s,
		// VUs 0, 1, 2 started at 10, 20, 30 s, VU 0 again at 25 s.
		want:   outcome(load.EndStopped, load.Counts{Scheduled: 4, Started: 4, Completed: 4}),
		starts: func(vu, n int) time.Duration { return time.Duration(vu+1)*10*s + time.Duration(n)*15*s },
	}, {
		// 2 VUs more each second until there are 5, which then take what is left of 12
		// iterations: 5 at 0…2 s, 5 at 10…12 s, 2 at 20 s.
		name: "steps, and a number of iterations",
		profile: total(12, ramp(2, load.Stage{Duration: s, Target: 2}, load.Stage{Target: 4}, load.Stage{Duration: s, Target: 4},
			load.Stage{Target: 5})),
		iterate: takes(10 * s),
		took:    30 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 12, Started: 12, Completed: 12}),
		starts:  func(vu, n int) time.Duration { return time.Duration(vu/2)*s + time.Duration(n)*10*s },
	}, {
		// VU v starts at v s; the fifth iteration is the last, though the line goes on for an hour.
		name:    "the iterations run out on the way",
		profile: total(5, ramp(0, load.Stage{Target: 1}, load.Stage{Duration: 3600 * s, Target: 3601})),
		iterate: takes(100 * s),
		took:    104 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 5, Started: 5, Completed: 5}),
		starts:  func(vu, _ int) time.Duration { return time.Duration(vu) * s },
	}, {
		// VU 1 leaves at 5 s, after its first.
		name:    "the last target holds",
		profile: total(4, ramp(2, load.Stage{Duration: 5 * s, Target: 2}, load.Stage{Target: 1})),
		iterate: takes(10 * s),
		took:    30 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 4, Started: 4, Completed: 4}),
		starts:  func(_, n int) time.Duration { return time.Duration(n) * 10 * s },
	}, {
		// All have started at 0 s, and there is no time limit that the graceful stop would follow.
		name: "a number of iterations, and a graceful stop",
		profile: load.Profile{Executor: "ramping-vus", StartVUs: new(3), Iterations: 3, GracefulStop: new(5 * s),
			Stages: []load.Stage{{Target: 3}}},
		iterate: takes(100 * s),
		took:    5 * s,
		want:    outcome(load.EndDone, load.Counts{Scheduled: 3, Started: 3, Interrupted: 3}),
	}, {
		name:    "a number of iterations, stopped",
		profile: total(100, ramp(2, load.Stage{Target: 2})),
		iterate: takes(10 * s),
		stop:    15 * s,
		took:    20 * s,
		want:    outcome(load.EndStopped, load.Counts{Scheduled: 100, Started: 4, Completed: 4}),
	}} {
		t.Run(c.name, c.play)
	}
}
