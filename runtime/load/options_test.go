package load_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/runtime/load"
)

type options = map[string]any

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

		// The short forms.
		{"nothing at all", options{}, load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 1}},
		{"vus", options{"vus": 5}, load.Profile{Executor: "shared-iterations", VUs: 5, Iterations: 5}},
		{"iterations", options{"iterations": 9}, load.Profile{Executor: "shared-iterations", VUs: 1, Iterations: 9}},
		{"vus, iterations and duration", options{"vus": 2, "iterations": 9, "duration": "20m"},
			load.Profile{Executor: "shared-iterations", VUs: 2, Iterations: 9, MaxDuration: 20 * time.Minute}},
		{"duration", options{"vus": 2, "duration": 1500},
			load.Profile{Executor: "constant-vus", VUs: 2, Duration: 1500 * time.Millisecond}},
		{"waves", options{"vus": 2, "waves": 3}, load.Profile{Executor: "waves", VUs: 2, Waves: 3}},
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
		{options{"executor": "waves", "vus": 1, "process": "gamma"}, []string{`process must be "constant" or "poisson", got "gamma"`}},
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
