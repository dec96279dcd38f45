package load_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/load"
	"weir/runtime/pacer"
)

// A forecast is held against what is played: the number of iterations, the most at the
// same time and the last start.
func TestForecast(t *testing.T) {
	f := func(options map[string]any, want load.Forecast) {
		t.Helper()
		p, err := load.Parse(options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Forecast()
		if err != nil || got != want {
			t.Errorf("%v:\n got %+v, %v\nwant %+v", options, got, err, want)
		}
		if want.About || math.IsInf(want.Rate, 1) {
			return
		}
		played(t, p, got)
	}

	// Closed loops: how many, and how many at once.
	f(map[string]any{}, load.Forecast{Iterations: 1, AtOnce: 1, Limit: 10 * time.Minute})
	f(map[string]any{"executor": "waves", "vus": 4, "waves": 3}, load.Forecast{Iterations: 12, AtOnce: 4})
	f(map[string]any{"executor": "waves", "vus": 5, "instance": 1, "instances": 2}, load.Forecast{Iterations: 2, AtOnce: 2})
	f(map[string]any{"vus": 8, "iterations": 3}, load.Forecast{Iterations: 3, AtOnce: 3, Limit: 10 * time.Minute})
	f(map[string]any{"executor": "per-vu-iterations", "vus": 8, "iterations": 3, "maxDuration": "1m"}, load.Forecast{Iterations: 24, AtOnce: 8, Limit: time.Minute})
	// Only time ends these.
	f(map[string]any{"vus": 2, "duration": "20s", "startTime": "5s"}, load.Forecast{Iterations: -1, AtOnce: 2, Lasts: 25 * time.Second, Limit: 25 * time.Second})
	f(map[string]any{"stages": []any{map[string]any{"duration": "10s", "target": 6}, map[string]any{"duration": "5s", "target": 0}}},
		load.Forecast{Iterations: -1, AtOnce: 6, Lasts: 15 * time.Second, Limit: 15 * time.Second})
	// A ramp that ends with its iterations.
	f(map[string]any{"executor": "ramping-vus", "stages": []any{map[string]any{"duration": "1s", "target": 3}}, "iterations": 9}, load.Forecast{Iterations: 9, AtOnce: 3})
	// Open loops: rates, and when the last one is due.
	f(map[string]any{"rate": 4, "duration": "10s"}, load.Forecast{Iterations: 40, Rate: 4, Lasts: 10 * time.Second, Limit: 10 * time.Second})
	f(map[string]any{"rate": 60, "timeUnit": "1m", "iterations": 11, "maxInFlight": 2}, load.Forecast{Iterations: 11, AtOnce: 2, Rate: 1, Lasts: 10 * time.Second})
	f(map[string]any{"rate": 4, "duration": "10s", "instance": 1, "instances": 4}, load.Forecast{Iterations: 10, Rate: 1, Lasts: 10 * time.Second, Limit: 10 * time.Second})
	f(map[string]any{"rate": math.Inf(1), "iterations": 5}, load.Forecast{Iterations: 5, AtOnce: 5, Rate: math.Inf(1)})
	f(map[string]any{"executor": "ramping-arrival-rate", "stages": []any{map[string]any{"duration": "10s", "target": 4}}}, load.Forecast{Iterations: 20, Rate: 2, Lasts: 10 * time.Second, Limit: 10 * time.Second})
	f(map[string]any{"timestamps": []any{0, 500, 4000}, "speed": 2}, load.Forecast{Iterations: 3, Rate: 1, Lasts: 2 * time.Second})
	// A random schedule that is too long to be counted is told by its mean.
	f(map[string]any{"rate": 1000, "duration": "3h", "process": "poisson"}, load.Forecast{Iterations: 10_800_000, About: true, Rate: 1000, Lasts: 3 * time.Hour, Limit: 3 * time.Hour})

	// Random schedules are counted as they are.
	p, err := load.Parse(map[string]any{"rate": 5, "duration": "30s", "process": "poisson", "seed": 7})
	if err != nil {
		t.Fatal(err)
	}
	forecast, err := p.Forecast()
	if err != nil || forecast.Iterations == 150 || forecast.About {
		t.Errorf("poisson: %+v, %v; want the number of the schedule, not the mean", forecast, err)
	}
	played(t, p, forecast)
}

// played plays a profile with iterations of half a second.
func played(t *testing.T, p load.Profile, want load.Forecast) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		executor, err := load.New(p)
		if err != nil {
			t.Fatal(err)
		}
		executor.Sleep = pacer.Sleep
		begin, indices := time.Now(), make(chan int64, 1000)
		outcome := executor.Run(context.Background(), nil, func(ctx context.Context, it load.Iteration) error {
			indices <- int64(it.Index)
			return pacer.Sleep(ctx, time.Now().Add(500*time.Millisecond))
		})
		if want.Iterations >= 0 && outcome.Started != want.Iterations {
			t.Errorf("%s started %d iterations, %d were forecast", p.Executor, outcome.Started, want.Iterations)
		}
		if took := time.Since(begin); took < want.Lasts-time.Second || want.Limit > 0 && took > want.Limit+time.Second {
			t.Errorf("%s took %v, forecast were at least %v, at most %v", p.Executor, took, want.Lasts, want.Limit)
		}
		all := map[int64]bool{}
		for range outcome.Started {
			all[<-indices] = true
		}
		for i := range want.Iterations {
			if !all[p.Index(i)] {
				t.Errorf("%s: iteration %d is forecast, and was not played", p.Executor, p.Index(i))
			}
		}
	})
}
