package load_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/runtime/load"
)

type options = map[string]any

// object is an object of a script, which is no map but knows how it is written.
type object string

func (o object) MarshalJSON() ([]byte, error) { return []byte(o), nil }

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		in   options
		want load.Profile
	}{
		{"waves",
			options{"executor": "waves", "vus": int64(8), "waves": 5, "rate": 2.5, "process": "poisson", "seed": int64(7), "gracefulStop": "1m"},
			load.Profile{Executor: "waves", VUs: 8, Waves: 5, Rate: 2.5, Process: "poisson", Seed: 7, GracefulStop: new(time.Minute)}},
		{"all at once, in JavaScript",
			options{"executor": "waves", "vus": 1.0, "rate": math.Inf(1)},
			load.Profile{Executor: "waves", VUs: 1, Rate: math.Inf(1)}},
		{"all at once, as the Python scripts write it",
			options{"executor": "waves", "vus": 1, "rate": "inf"},
			load.Profile{Executor: "waves", VUs: 1, Rate: math.Inf(1)}},
		{"null is not given",
			options{"executor": "waves", "vus": 1, "maxDuration": nil, "gracefulStop": nil},
			load.Profile{Executor: "waves", VUs: 1}},
		{"no graceful stop is not the default one",
			options{"executor": "waves", "vus": 1, "gracefulStop": 0},
			load.Profile{Executor: "waves", VUs: 1, GracefulStop: new(time.Duration(0))}},
		{"options of others are left alone",
			options{"executor": "waves", "vus": 1, "name": "a", "data": []any{1}},
			load.Profile{Executor: "waves", VUs: 1}},
		{"k6's defaults",
			options{"executor": "per-vu-iterations"},
			load.Profile{Executor: "per-vu-iterations", VUs: 1, Iterations: 1}},
		{"the whole of an open loop",
			options{"executor": "arrival-rate", "rate": 2.5, "timeUnit": "1m", "process": "gamma", "burstiness": 0.5, "burst": 4, "duration": "1h",
				"iterations": 100, "maxInFlight": 64, "overflow": "drop", "seed": 9, "instance": 1, "instances": 4, "startTime": "10s"},
			load.Profile{Executor: "arrival-rate", Rate: 2.5, TimeUnit: time.Minute, Process: "gamma", Burstiness: 0.5, Burst: 4, Duration: time.Hour,
				Iterations: 100, MaxInFlight: 64, Overflow: "drop", Seed: 9, Instance: 1, Instances: 4, StartTime: 10 * time.Second}},
		{"k6's constant rate",
			options{"executor": "constant-arrival-rate", "rate": 30, "timeUnit": "1s", "duration": "30s", "preAllocatedVUs": 2, "maxVUs": 50},
			load.Profile{Executor: "constant-arrival-rate", Rate: 30, TimeUnit: time.Second, Duration: 30 * time.Second, PreAllocatedVUs: 2, MaxVUs: 50}},
		{"k6's ramping rate; nothing needs to be allocated before",
			options{"executor": "ramping-arrival-rate", "startRate": 0, "preAllocatedVUs": 0, "stages": []any{object(`{"target":300,"duration":"2m"}`)}},
			load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{Duration: 2 * time.Minute, Target: 300}}}},
		{"k6's ramping VUs",
			options{"executor": "ramping-vus", "startVUs": 0, "gracefulRampDown": "0s", "stages": []any{options{"duration": "20s", "target": 10}, options{"duration": 0, "target": 0}}},
			load.Profile{Executor: "ramping-vus", StartVUs: new(0), GracefulRampDown: new(time.Duration(0)), Stages: []load.Stage{{Duration: 20 * time.Second, Target: 10}, {}}}},
		{"a number of iterations of a ramp",
			options{"iterations": 9, "stages": []any{options{"duration": 0, "target": 3}}},
			load.Profile{Executor: "ramping-vus", Iterations: 9, Stages: []load.Stage{{Target: 3}}}},
		{"a trace",
			options{"executor": "replay", "timestamps": []any{int64(0), 1.5, "2s"}, "speed": 2},
			load.Profile{Executor: "replay", Timestamps: []time.Duration{0, 1500 * time.Microsecond, 2 * time.Second}, Speed: 2}},
		{"a single instance needs no number",
			options{"executor": "shared-iterations", "iterations": 4, "instances": 1},
			load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 4, Instances: 1}},

		// The short forms.
		{"nothing at all", options{}, load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 1}},
		{"vus", options{"vus": 5}, load.Profile{Executor: "shared-iterations", VUs: 5, Iterations: 5}},
		{"iterations", options{"iterations": 9}, load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 9}},
		{"vus, iterations and duration", options{"vus": 2, "iterations": 9, "duration": "20m"},
			load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 9, MaxDuration: 20 * time.Minute}},
		{"duration", options{"vus": 2, "duration": 1500},
			load.Profile{Executor: "constant-vus", VUs: 2, Duration: 1500 * time.Millisecond}},
		{"waves", options{"vus": 2, "waves": 3}, load.Profile{Executor: "waves", VUs: 2, Waves: 3}},
		{"stages", options{"stages": []any{options{"duration": "10s", "target": 5.0}}},
			load.Profile{Executor: "ramping-vus", Stages: []load.Stage{{Duration: 10 * time.Second, Target: 5}}}},
		{"vus and stages", options{"vus": 3, "stages": []any{options{"duration": "10s", "target": 5.0}}},
			load.Profile{Executor: "ramping-vus", StartVUs: new(3), Stages: []load.Stage{{Duration: 10 * time.Second, Target: 5}}}},
		{"rate", options{"rate": 3, "duration": "1m"}, load.Profile{Executor: "arrival-rate", Rate: 3, Duration: time.Minute}},
		{"rate and iterations", options{"rate": 3, "iterations": 7}, load.Profile{Executor: "arrival-rate", Rate: 3, Iterations: 7}},
		{"timestamps", options{"timestamps": []any{0}}, load.Profile{Executor: "replay", Timestamps: []time.Duration{0}}},
	} {
		got, err := load.Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct {
		in   options
		want []string // parts of the message
	}{
		{options{"executor": "wave", "vus": 1}, []string{`unknown executor "wave"`, `did you mean "waves"?`, "constant-vus"}},
		{options{"executor": "Constant_VUs", "duration": 1}, []string{`did you mean "constant-vus"?`}},
		{options{"executor": "per-vu"}, []string{`unknown executor "per-vu"`}},
		{options{"executor": "zzz"}, []string{`unknown executor "zzz": there are waves, shared-iterations`}},
		{options{"executor": 3}, []string{"executor must be a string, got 3"}},

		{options{"executor": "waves"}, []string{`executor "waves": vus is missing`}},
		{options{"vus": 0}, []string{"vus must be a whole number above 0, got 0"}},
		{options{"vus": -2}, []string{"vus must be a whole number above 0, got -2"}},
		{options{"vus": 1.5}, []string{"vus must be a whole number above 0, got 1.5"}},
		{options{"vus": "4"}, []string{`vus must be a whole number above 0, got "4"`}},
		{options{"vus": 2_000_000}, []string{"vus must be 1 to 1000000, got 2000000"}},
		{options{"iterations": math.NaN()}, []string{"iterations must be a whole number above 0, got NaN"}},
		{options{"vus": 1000, "executor": "per-vu-iterations", "iterations": float64(1 << 53), "maxDuration": true},
			[]string{"maxDuration: true is not a duration"}},
		{options{"vus": 1_000_000, "executor": "per-vu-iterations", "iterations": float64(1 << 53)},
			[]string{"more than can be counted"}},
		{options{"vus": 1_000_000, "waves": float64(1 << 53)}, []string{"more than can be counted"}},
		{options{"vus": 0, "rate": -1, "seed": 0.5},
			[]string{"vus must be", "rate must be a number of starts per second above 0, or Infinity, got -1", "seed must be"}},

		{options{"executor": "constant-vus"}, []string{"duration is missing"}},
		{options{"executor": "constant-vus", "duration": "0s"}, []string{`duration must be more than 0, got "0s"`}},
		{options{"executor": "constant-vus", "duration": "-5s"}, []string{`duration must be 0 or more, got "-5s"`}},
		{options{"executor": "constant-vus", "duration": "5 parsecs"}, []string{`duration: "5 parsecs" is not a duration`, "1h30m"}},
		{options{"executor": "constant-vus", "duration": "5s", "iterations": 3},
			[]string{"ends after its duration", `use executor "shared-iterations"`}},
		{options{"executor": "constant-vus", "duration": "5s", "maxDuration": "3s"}, []string{"maxDuration does not apply"}},
		{options{"executor": "shared-iterations", "iterations": 3, "duration": "5s"},
			[]string{"duration does not apply: use maxDuration"}},
		{options{"executor": "waves", "vus": 2, "iterations": 3}, []string{"a wave is one iteration of every VU"}},
		{options{"executor": "shared-iterations", "waves": 3, "rate": 2, "process": "poisson"},
			[]string{"waves does not apply", "rate does not apply", "process does not apply"}},
		{options{"executor": "waves", "vus": 1, "process": "normal"}, []string{`process must be "constant", "poisson" or "gamma", got "normal"`}},

		{options{"executor": "arrival-rate"}, []string{"rate is missing", "duration and iterations are missing"}},
		{options{"executor": "arrival-rate", "rate": math.Inf(1), "duration": "1s"}, []string{"give iterations"}},
		{options{"executor": "arrival-rate", "rate": math.Inf(1), "iterations": 2_000_000}, []string{"at most 1000000 VUs: give maxInFlight"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "vus": 4}, []string{"vus does not apply", "use maxInFlight"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "maxDuration": "4s"}, []string{"maxDuration does not apply: duration says when"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "burstiness": 2}, []string{`give process "gamma" too`}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "process": "gamma", "burstiness": 0}, []string{"burstiness must be a number above 0, got 0"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "overflow": "drop"}, []string{"give maxInFlight too"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "maxInFlight": 4, "overflow": "wait"}, []string{`overflow must be "queue" or "drop", got "wait"`}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "maxInFlight": 2_000_000}, []string{"maxInFlight must be 1 to 1000000"}},
		{options{"executor": "arrival-rate", "rate": 1, "duration": "1s", "maxVUs": 4}, []string{"maxVUs does not apply: it is an option of constant-arrival-rate, ramping-arrival-rate"}},
		{options{"executor": "arrival-rate", "rate": 1e300, "duration": "1s"}, []string{"more iterations than can be counted"}},
		{options{"executor": "arrival-rate", "rate": 5e-324, "timeUnit": "1h", "duration": "1s"}, []string{"too small to be counted with"}},
		{options{"executor": "constant-arrival-rate", "rate": 1}, []string{"duration is missing"}},
		{options{"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "timeUnit": 0}, []string{"timeUnit must be more than 0"}},
		{options{"executor": "constant-arrival-rate", "rate": 1, "iterations": 1, "duration": "1s"}, []string{`use executor "arrival-rate" to start a number`}},
		{options{"executor": "constant-arrival-rate", "rate": math.Inf(1), "duration": "1s"}, []string{`use executor "arrival-rate" with iterations`}},
		{options{"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 5, "maxVUs": 4}, []string{"maxVUs (4) must not be less than preAllocatedVUs (5)"}},
		{options{"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "maxVUs": 4, "maxInFlight": 4}, []string{"give one of them"}},

		{options{"executor": "ramping-arrival-rate"}, []string{"stages is missing or empty", `[{ duration: "30s", target: 10 }]`}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{}}, []string{"stages is missing or empty"}},
		{options{"executor": "ramping-arrival-rate", "stages": "10s:5"}, []string{"stages must be a list such as", `got "10s:5"`}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{1}}, []string{"stages must be a list such as"}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{options{"duration": "1s", "target": math.NaN()}}}, []string{"stages must be a list such as"}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{options{"duration": "1s", "target": 1}, options{"durations": "1s", "target": -1}}},
			[]string{"stages[1]: duration is missing", "stages[1]: target must be a number, 0 or more, got -1", `stages[1]: unknown field "durations"`}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{options{"duration": "soon"}}}, []string{`stages[0]: duration: "soon" is not a duration`, "stages[0]: target is missing"}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{options{"duration": 0, "target": 1}}}, []string{"all stages have the duration 0"}},
		{options{"executor": "ramping-arrival-rate", "stages": []any{options{"duration": "1s", "target": 1}}}, []string{"add up to 0.5 iterations, so none would start"}},
		{options{"executor": "ramping-arrival-rate", "rate": 3, "duration": "1m", "stages": []any{options{"duration": "10s", "target": 1}}},
			[]string{"rate does not apply: use startRate", "its stages say how long it takes"}},
		{options{"executor": "ramping-arrival-rate", "startRate": -1}, []string{"startRate must be a number, 0 or more, got -1"}},

		{options{"executor": "ramping-vus", "stages": []any{options{"duration": "1s", "target": 1.5}}}, []string{"stages[0]: target must be a whole number of VUs, got 1.5"}},
		{options{"executor": "ramping-vus", "startVUs": 0, "stages": []any{options{"duration": "1s", "target": 0}}}, []string{"nothing would run"}},
		{options{"executor": "ramping-vus", "stages": []any{options{"duration": "1s", "target": 1e7}}}, []string{"is 10000000, but there are at most 1000000 VUs"}},
		{options{"executor": "ramping-vus", "iterations": 5, "stages": []any{options{"duration": "1s", "target": 0}}}, []string{"the last target is 0, so the iterations would never come to their end"}},
		{options{"executor": "ramping-vus", "stages": []any{options{"duration": 0, "target": 3}}}, []string{"all stages have the duration 0"}},
		{options{"executor": "ramping-vus", "startVUs": -1}, []string{"startVUs must be a whole number, 0 or more, got -1"}},
		{options{"executor": "ramping-vus", "vus": 3, "stages": []any{options{"duration": "1s", "target": 1}}}, []string{"vus does not apply: use startVUs"}},
		{options{"executor": "constant-vus", "duration": "1s", "gracefulRampDown": "1s"}, []string{"gracefulRampDown does not apply: it is an option of ramping-vus"}},

		{options{"executor": "replay"}, []string{"timestamps is missing or empty"}},
		{options{"executor": "replay", "timestamps": 7}, []string{"timestamps must be a list of times"}},
		{options{"executor": "replay", "timestamps": []any{1, "x", "y"}}, []string{`timestamps[1]: "x" is not a duration`}},
		{options{"executor": "replay", "timestamps": []any{-1, 2}}, []string{"timestamps[0] is -1ms, before the begin"}},
		{options{"executor": "replay", "timestamps": []any{0, 5, 3}}, []string{"timestamps[2] (3ms) is before timestamps[1] (5ms): sort the trace together with its data"}},
		{options{"executor": "replay", "timestamps": []any{0}, "speed": 0}, []string{"speed must be a number above 0, got 0"}},
		{options{"executor": "replay", "timestamps": []any{0}, "iterations": 2}, []string{"there is one for each of timestamps"}},

		{options{"executor": "arrival-rate", "rate": 1, "iterations": 9, "instances": 3}, []string{"instances needs instance"}},
		{options{"executor": "arrival-rate", "rate": 1, "iterations": 9, "instances": 3, "instance": 3}, []string{"instance must be 0 to 2, as instances is 3, got 3"}},
		{options{"executor": "arrival-rate", "rate": 1, "iterations": 9, "instance": 1}, []string{"instance must be 0 to 0, as instances is 1, got 1"}},
		{options{"executor": "constant-vus", "vus": 4, "duration": "1s", "instances": 2, "instance": 0}, []string{"instances does not apply", "give each instance its part of the vus"}},
		{options{"executor": "per-vu-iterations", "instances": 2, "instance": 0}, []string{"give each instance its part of the vus"}},
		{options{"executor": "ramping-vus", "stages": []any{options{"duration": "1s", "target": 1}}, "instances": 2, "instance": 1}, []string{"its part of the targets"}},
		{options{"executor": "waves", "vus": 4, "waves": 2, "instances": 2, "instance": 1}, []string{"a single wave only"}},
		{options{"startTime": "-1s"}, []string{"startTime must be 0 or more"}},
		{options{"gracefulStop": "-1s"}, []string{"gracefulStop must be 0 or more"}},
	} {
		_, err := load.Parse(c.in)
		if err == nil {
			t.Errorf("%v: no error", c.in)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v:\n got %v\nwant %s", c.in, err, part)
			}
		}
	}
}

// Profiles made in Go go through the same checks.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		profile load.Profile
		want    string // "" for valid
	}{
		{load.Profile{Executor: "waves", VUs: 1}, ""},
		{load.Profile{Executor: "constant-vus", VUs: 1, Duration: time.Second}, ""},
		{load.Profile{}, "executor is missing: choose one of waves, "},
		{load.Profile{Executor: "waves", VUs: -1}, "vus must be 1 to 1000000, got -1"},
		{load.Profile{Executor: "waves", VUs: 1, Waves: -1}, "waves must be positive"},
		{load.Profile{Executor: "waves", VUs: 1, Rate: math.NaN()}, "rate must be positive"},
		{load.Profile{Executor: "waves", VUs: 1, MaxDuration: -1}, "maxDuration must be positive"},
		{load.Profile{Executor: "waves", VUs: 1, GracefulStop: new(-time.Second)}, "gracefulStop must not be negative"},
		{load.Profile{Executor: "shared-iterations", VUs: 1}, "iterations is missing or 0"},
		{load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: -1}, "iterations must be positive"},
		{load.Profile{Executor: "constant-vus", VUs: 1, Duration: -1}, "duration must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: math.NaN(), Duration: 1}, "rate must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: -1, Duration: 1}, "rate must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Duration: -1}, "duration must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: -1}, "iterations must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, Burst: -1}, "burst must be 1 to 1000000, got -1"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, TimeUnit: -1}, "timeUnit must be positive"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, MaxInFlight: -1}, "maxInFlight must be 1 to"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, Process: "gamma", Burstiness: math.Inf(1)}, "burstiness must be a number above 0"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, StartTime: -1}, "startTime must not be negative"},
		{load.Profile{Executor: "arrival-rate", Rate: 1, Iterations: 1, Instances: -1}, "instances must be 1 to 1000000, got -1"},
		{load.Profile{Executor: "constant-arrival-rate", Rate: 1, Duration: -1}, "duration must be positive"},
		{load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{-1, 1}}}, "stages[0]: duration must not be negative"},
		{load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{time.Second, math.NaN()}}}, "stages[0]: target must be starts per timeUnit, 0 or more"},
		{load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{math.MaxInt64, 1}, {1, 1}}}, "292 years"},
		{load.Profile{Executor: "ramping-arrival-rate", Stages: []load.Stage{{time.Hour, 1e18}}}, "more iterations than can be counted"},
		{load.Profile{Executor: "ramping-arrival-rate", StartRate: math.Inf(1), Stages: []load.Stage{{time.Hour, 1}}}, "startRate must be"},
		{load.Profile{Executor: "ramping-vus", StartVUs: new(-1), Stages: []load.Stage{{time.Hour, 1}}}, "startVUs must be 0 or more"},
		{load.Profile{Executor: "ramping-vus", GracefulRampDown: new(-time.Second), Stages: []load.Stage{{time.Hour, 1}}}, "gracefulRampDown must not be negative"},
		{load.Profile{Executor: "replay", Timestamps: []time.Duration{0}, Speed: -1}, "speed must be"},
		{load.Profile{Executor: "replay", Timestamps: []time.Duration{0}, Duration: -1}, "duration must be positive"},
		{load.Profile{Executor: "constant-vus", VUs: 0, Duration: 0}, "vus is missing or 0: say how many virtual users run at the same time; duration is missing"},
	} {
		err := c.profile.Validate()
		_, fromNew := load.New(c.profile)
		switch {
		case (err == nil) != (fromNew == nil):
			t.Errorf("%+v: Validate says %v, New says %v", c.profile, err, fromNew)
		case err == nil && c.want != "":
			t.Errorf("%+v: no error, want %q", c.profile, c.want)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v:\n got %v\nwant %q", c.profile, err, c.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	f := func(in any, want time.Duration) {
		t.Helper()
		if got, err := load.ParseDuration(in); err != nil || got != want {
			t.Errorf("%v: got %v, %v, want %v", in, got, err, want)
		}
	}
	f("1h30m", 90*time.Minute)
	f(" 2.5s ", 2500*time.Millisecond)
	f("500ms", 500*time.Millisecond)
	f("1d", 24*time.Hour)
	f("2d12h", 60*time.Hour)
	f("0", 0)
	f("1500", 1500*time.Millisecond)
	f(int64(1500), 1500*time.Millisecond)
	f(0.25, 250*time.Microsecond)
	f("-3s", -3*time.Second)

	bad := func(in any) {
		t.Helper()
		if got, err := load.ParseDuration(in); err == nil {
			t.Errorf("%v: got %v, want an error", in, got)
		}
	}
	bad("")
	bad("soon")
	bad("1d-5h")
	bad("d")
	bad("99999d")
	bad("65535d9999999h")
	bad("1e30")
	bad("NaN")
	bad(math.NaN())
	bad(math.Inf(1))
	bad(true)
	bad(nil)
	bad([]any{1})
}

// FuzzParse: whatever the options are, a profile that is accepted can be played:
// its schedule goes forward, and has as many arrivals as it plans.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"executor":"waves","vus":3,"rate":5,"process":"poisson","seed":7}`,
		`{"executor":"arrival-rate","rate":10,"timeUnit":"1m","process":"gamma","burstiness":0.5,"burst":3,"duration":"1h","iterations":9,"instance":1,"instances":3}`,
		`{"executor":"constant-arrival-rate","rate":1e15,"duration":"1s","maxVUs":3,"preAllocatedVUs":1}`,
		`{"executor":"ramping-arrival-rate","startRate":3,"stages":[{"duration":"10s","target":7.5},{"duration":0,"target":0},{"duration":"2562047h","target":1e-9}]}`,
		`{"executor":"ramping-vus","startVUs":0,"stages":[{"duration":"10s","target":7}],"gracefulRampDown":0}`,
		`{"executor":"ramping-vus","iterations":3,"stages":[{"duration":0,"target":7}]}`,
		`{"executor":"replay","timestamps":[0,1.5,"2s"],"speed":1e-300,"duration":"1s","maxInFlight":2,"overflow":"drop"}`,
		`{"vus":2,"stages":[{"duration":"1s","target":3}]}`,
		`{"rate":"inf","iterations":5,"startTime":"1s","gracefulStop":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var in options
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		p, err := load.Parse(in)
		if err != nil {
			return
		}
		executor, err := load.New(p)
		if err != nil {
			t.Fatalf("Parse accepts %+v, New says %v", p, err)
		}
		atOnce, closed := p.AtOnce()
		if atOnce < 0 || atOnce > load.MaxVUs {
			t.Errorf("%+v runs %d at once", p, atOnce)
		}
		const most = 10_000
		n, next := 0, p.Instance
		var last time.Duration
		for i, at := range p.Schedule() {
			if at < last || i != next {
				t.Fatalf("%+v: arrival %d (expected %d) is due at %v, after %v", p, i, next, at, last)
			}
			last = at
			next += max(p.Instances, 1)
			if n++; n == most {
				return
			}
		}
		planned := executor.Progress().Planned
		random := p.Process == load.Poisson || p.Process == load.Gamma
		if !closed && planned != int64(n) && !(random && planned == 0) {
			t.Errorf("%+v plans %d arrivals and has %d", p, planned, n)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"1h30m", "1d12h", "2.5s", "-3s", "1e3", "", "d", "9223372036854775807ns", "106751d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		d, err := load.ParseDuration(in)
		if err != nil {
			return
		}
		// What was understood can be written and read again.
		if again, err := load.ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %v, which reads as %v, %v", in, d, again, err)
		}
		if strings.Contains(in, "d") && d < 0 {
			t.Errorf("%q overflowed to %v", in, d)
		}
	})
}
