//go:build !race

package telemetry_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
	"weir/runtime/telemetry"
)

// told is a source that tells of NPU 0 at given moments, in seconds from the start. It
// goes on with them when it is started again, after a silence.
func told(q device.Quantity, at []float64, value func(t float64) float64) *watcher {
	var began time.Time
	return &watcher{fake: fake{name: "told " + q}, watch: func(ctx context.Context, n int, _ time.Duration, emit func(device.Reading)) error {
		if n == 0 {
			began = time.Now()
		}
		for len(at) > 0 {
			t := at[0]
			if !wait(ctx, time.Until(began.Add(time.Duration(t*float64(time.Second))))) {
				return nil
			}
			at = at[1:]
			emit(device.Reading{At: time.Now(), Devices: []device.Values{{Kind: "npu", Of: map[device.Quantity]float64{q: value(t)}}}})
		}
		<-ctx.Done()
		return nil
	}}
}

// steady is moments a step apart.
func steady(from, to, step float64) (at []float64) {
	for t := from; t <= to; t += step {
		at = append(at, t)
	}
	return at
}

// energyOf plays a case from one moment to another.
func energyOf(t *testing.T, from, to float64, sources ...device.Source) (e *result.Energy) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		for _, s := range sources {
			h.AddSource(s, time.Second)
		}
		h.Begin(t.Context())
		seconds := func(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
		time.Sleep(seconds(from))
		w := h.OpenCase(t.Context(), 1)
		time.Sleep(seconds(to - from))
		w.Close(t.Context())
		c := &result.Case{}
		w.Describe(c)
		e = c.Energy
		h.End(&result.Result{})
	})
	return e
}

func TestEnergy(t *testing.T) {
	f := func(from, to float64, want, tolerance float64, note string, sources ...device.Source) {
		t.Helper()
		e := energyOf(t, from, to, sources...)
		if e == nil {
			if !math.IsNaN(want) {
				t.Errorf("no energy, want %v", want)
			}
			return
		}
		if math.Abs(e.Joules-want) > tolerance || math.IsNaN(want) {
			t.Errorf("%v J, want %v ± %v", e.Joules, want, tolerance)
		}
		if watts := e.Joules / (to - from); math.Abs(e.Watts-watts) > 1e-6 {
			t.Errorf("%v W, want %v", e.Watts, watts)
		}
		if (note == "") != (e.Note == "") || !strings.Contains(e.Note, note) {
			t.Errorf("the note is %q, want %q", e.Note, note)
		}
	}
	const exact = 1e-6
	none := math.NaN()
	constant := func(float64) float64 { return 300 }
	f(5, 65, 300*60, exact, "", told(device.Power, steady(0, 70, 1), constant))

	// A ramp is integrated exactly, wherever the window's edges are: ∫ 100 + 10 t.
	ramp := func(t float64) float64 { return 100 + 10*t }
	over := func(a, b float64) float64 { return 100*(b-a) + 5*(b*b-a*a) }
	f(2.3, 12.7, over(2.3, 12.7), exact, "", told(device.Power, steady(0, 20, 1), ramp))
	// So is one that is sampled irregularly, …
	f(2.3, 12.7, over(2.3, 12.7), exact, "", told(device.Power, []float64{0.1, 0.7, 2.9, 3, 5.95, 6.2, 9.1, 9.15, 12, 13.9, 15}, ramp))
	// … and a window between two readings.
	f(2.3, 2.7, over(2.3, 2.7), exact, "", told(device.Power, steady(0, 5, 1), ramp))

	// A sine of 20 s: over whole periods its mean; elsewhere the error of trapezoids is
	// at most h²/12 · max|P″| a second, here 100 (2π/20)²/12 = 0.83 W.
	sine := func(t float64) float64 { return 200 + 100*math.Sin(2*math.Pi*t/20) }
	integral := func(a, b float64) float64 {
		w := 2 * math.Pi / 20
		return 200*(b-a) - 100/w*(math.Cos(w*b)-math.Cos(w*a))
	}
	f(5, 45, 200*40, exact, "", told(device.Power, steady(0, 50, 1), sine))
	f(3.4, 17.9, integral(3.4, 17.9), 0.83*14.5, "", told(device.Power, steady(0, 50, 1), sine))
	f(3.4, 17.9, integral(3.4, 17.9), 0.0083*14.5, "", told(device.Power, steady(0, 50, 0.1), sine))

	// A step from 100 W to 300 W between 4 s and 5 s is half of it in that second.
	step := func(t float64) float64 {
		if t < 5 {
			return 100
		}
		return 300
	}
	f(1, 9, 100*3+200*1+300*4, exact, "", told(device.Power, steady(0, 12, 1), step))

	// Without a reading before or after the case, the nearest value is held.
	f(1, 9, 115*0.5+over(1.5, 8.5)+185*0.5, exact, "held for up to 1.00 of 8.00 s (npu 0)",
		told(device.Power, steady(1.5, 8.5, 1), ramp))
	// Nothing was read for 10 s: the mean of the rest, (10·100 + 10·300)/20 W, is held.
	f(0, 30, 100*10+300*10+200*10, exact, "up to 10.00 of 30.00 s lacked readings (npu 0)",
		told(device.Power, append(steady(0, 10, 1), steady(20, 32, 1)...), func(t float64) float64 {
			if t <= 10 {
				return 100
			}
			return 300
		}))
	// Three intervals are no gap yet.
	f(0, 30, over(0, 30), exact, "", told(device.Power, append(steady(0, 10, 1), steady(13, 32, 1)...), ramp))
	// It ends with half of the case to go.
	f(0, 20, 300*20, exact, "up to 10.00 of 20.00 s lacked", told(device.Power, steady(0, 10, 1), constant))
	// When more than half of it lacks readings, the rest is no account of it.
	f(0, 20, none, 0, "", told(device.Power, steady(0, 9, 1), constant))
	f(0, 30, none, 0, "", told(device.Power, append(steady(0, 6, 1), steady(24, 32, 1)...), constant))
	// A source that is always slower than asked for has no gaps.
	f(30, 90, over(30, 90), exact, "", told(device.Power, steady(0, 100, 4.5), ramp))
	// That is known from the second gap on: the mean of the rest is held in the first.
	f(0, 12, over(4.5, 12)*12/7.5, exact, "up to 4.50 of 12.00 s lacked readings", told(device.Power, steady(0, 20, 4.5), ramp))
	// One reading, long ago: nothing is known.
	f(10, 20, none, 0, "", told(device.Power, []float64{1}, constant))
	f(10, 20, none, 0, "", told(device.Temperature, steady(0, 30, 1), constant))
	// One reading just before a short case, none after it.
	f(1.5, 2, 300*0.5, exact, "held for up to 0.50 of 0.50 s", told(device.Power, []float64{1}, constant))

	// Counters: the difference, interpolated at the edges.
	counted := func(t float64) float64 { return 1e6 + 250*t }
	f(2.3, 12.7, 250*10.4, exact, "", told(device.EnergyCounter, steady(0, 20, 1), counted))
	// They know what happened while nobody looked, but not when.
	f(2, 25, 250*23, exact, "", told(device.EnergyCounter, append(steady(0, 5, 1), steady(20, 30, 1)...), counted))
	// Set back at 10 s: what the second before it used is not known, and the mean of the
	// rest is held. So it is when a counter runs over.
	f(2, 22, 250*20, exact, "up to 1.00 of 20.00 s lacked readings (npu 0), and the mean power of the rest was held there; the counter was set back: npu 0",
		told(device.EnergyCounter, steady(0, 30, 1), func(t float64) float64 { return math.Mod(1e6+250*t, 1e6+250*10) }))
	f(1, 9, 250*8, exact, "held for up to 1.00 of 8.00 s", told(device.EnergyCounter, steady(1.5, 8.5, 1), counted))
	// A counter is believed more than the power that another source tells.
	f(2, 12, 250*10, exact, "", told(device.Power, steady(0, 20, 1), constant), told(device.EnergyCounter, steady(0, 20, 1), counted))
	// Of one that told once only, nothing is known.
	f(2, 12, 300*10, exact, "", told(device.EnergyCounter, []float64{1}, counted), told(device.Power, steady(0, 20, 1), constant))
}
