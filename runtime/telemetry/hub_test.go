//go:build !race

package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
	"weir/runtime/telemetry"
)

// chips is a source that tells, at every reading, what values says of the devices at so
// many seconds from the beginning.
func chips(name string, listing []result.Device, values func(t float64) []device.Values) *fake {
	began := time.Time{}
	return &fake{name: name, listing: device.Listing{Devices: listing}, read: func(context.Context, int) (device.Reading, error) {
		if began.IsZero() {
			began = time.Now()
		}
		r := device.Reading{Source: name, At: time.Now(), Devices: values(time.Since(began).Seconds())}
		if len(listing) > 0 {
			r.Host = listing[0].Host
		}
		return r, nil
	}}
}

func of(kind string, index int, values map[device.Quantity]float64) device.Values {
	return device.Values{Kind: kind, Index: index, Of: values}
}

func watts(kind string, index int, w float64) device.Values {
	return of(kind, index, map[device.Quantity]float64{device.Power: w})
}

func steadily(all ...device.Values) func(float64) []device.Values {
	return func(float64) []device.Values { return all }
}

func npus(host string, n int) (all []result.Device) {
	for i := range n {
		all = append(all, result.Device{Host: host, Kind: "npu", Index: i, Name: "910B3"})
	}
	return all
}

// play plays a case from 10.5 s to 20.5 s on a hub.
func play(t *testing.T, h *telemetry.Hub, c *result.Case) *result.Result {
	h.Begin(t.Context())
	time.Sleep(10*time.Second + 500*time.Millisecond)
	w := h.OpenCase(t.Context(), 1)
	time.Sleep(10 * time.Second)
	w.Close(t.Context())
	w.Describe(c)
	r := &result.Result{}
	h.End(r)
	return r
}

// A case has the readings inside it and no others, and the worst health.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		health := func(t float64) string {
			switch {
			case t < 10, t > 21: // not in the case
				return "Critical"
			case t == 14:
				return "Warning"
			case t == 15:
				return "UNKNOWN"
			}
			return "OK"
		}
		h.AddSource(chips("npu-smi", npus("", 1), func(t float64) []device.Values {
			v := of("npu", 0, map[device.Quantity]float64{device.Temperature: t, device.AICore: 50})
			v.Health = health(t)
			if t >= 13 { // it tells less, all at once
				delete(v.Of, device.AICore)
			}
			return []device.Values{v}
		}), time.Second)
		var c result.Case
		play(t, h, &c)
		if len(c.Devices) != 1 {
			t.Fatalf("devices: %+v", c.Devices)
		}
		d := c.Devices[0]
		if d.Readings != 10 || d.Health != "Warning" || d.Name != "910B3" || !d.Serves || d.Joules != nil || c.Energy != nil {
			t.Errorf("%+v, energy %+v", d, c.Energy)
		}
		want := map[string]result.ValueStat{
			device.Temperature: {N: 10, Avg: 15.5, Min: 11, Max: 20},
			device.AICore:      {N: 2, Avg: 50, Min: 50, Max: 50},
		}
		if !maps.Equal(d.Values, want) {
			t.Errorf("values %+v, want %+v", d.Values, want)
		}
	})
}

func TestEnergyOfDevices(t *testing.T) {
	tokens := func(in, out float64) *result.Case {
		return &result.Case{Metrics: map[string]*result.Metric{
			"prompt_tokens": {Sum: &in}, "generated_tokens": {Sum: &out},
		}}
	}
	f := func(serving string, c *result.Case, want string, sources ...device.Source) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var selected telemetry.Selection
			if serving != "" {
				var err error
				if selected, err = telemetry.ParseSelection(serving); err != nil {
					t.Fatal(err)
				}
			}
			h := telemetry.NewHub(telemetry.Config{Serving: selected})
			for _, s := range sources {
				h.AddSource(s, 0)
			}
			play(t, h, c)
			got := "none"
			if e := c.Energy; e != nil {
				got = fmt.Sprintf("%.0f J of %s", e.Joules, strings.Join(e.Devices, ", "))
				if len(e.Missing) > 0 {
					got += " without " + strings.Join(e.Missing, ", ")
				}
				got += " by " + e.Method
				for _, per := range []*float64{e.PerOutputToken, e.PerToken, e.TokensPerWatt} {
					if per != nil {
						got += fmt.Sprintf(" %.3g", *per)
					}
				}
				if e.Note != "" {
					got += ": " + e.Note
				}
			}
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	two := chips("npu-smi", npus("", 3), steadily(watts("npu", 0, 100), watts("npu", 1, 200), watts("npu", 2, 300)))
	host := chips("host", []result.Device{{Kind: "host"}}, steadily(watts("host", 0, 500)))
	there := chips("npu-smi@far", npus("far", 1), steadily(watts("npu", 0, 50)))

	// 6000 J: 500 output tokens, 1500 in all.
	f("", tokens(1000, 500), "6000 J of npu 0, npu 1, npu 2 by power 12 4 0.0833", two, host)
	f("", tokens(1000, 0), "6000 J of npu 0, npu 1, npu 2 by power 6", two)
	f("", &result.Case{}, "6000 J of npu 0, npu 1, npu 2 by power", two)
	// Which of them counts can be said; a host never counts otherwise.
	f("1-2", &result.Case{}, "5000 J of npu 1, npu 2 by power", two, host)
	f("host", &result.Case{}, "5000 J of host by power", two, host)
	f("npu:0,host", &result.Case{}, "6000 J of npu 0, host by power", two, host)
	f("", &result.Case{}, "6500 J of npu 0, npu 1, npu 2, npu 0 of far by power", two, there)
	f("0@far", &result.Case{}, "500 J of npu 0 of far by power", two, there)
	// Those that serve and do not tell are named.
	silent := chips("npu-smi", npus("", 2), steadily(watts("npu", 0, 100), of("npu", 1, map[device.Quantity]float64{device.AICore: 1})))
	f("", &result.Case{}, "1000 J of npu 0 without npu 1 by power", silent)
	f("1", &result.Case{}, "none", silent)
	gone := chips("npu-smi", npus("", 2), steadily(watts("npu", 0, 100)))
	f("", &result.Case{}, "1000 J of npu 0 without npu 1 by power", gone)
	// The first chip of an Atlas A3's card tells the power of both.
	first, second := 0, 1
	a3 := func() *fake {
		return chips("npu-smi", []result.Device{
			{Kind: "npu", Index: 0, ID: "0", Chip: &first}, {Kind: "npu", Index: 1, ID: "0", Chip: &second},
			{Kind: "npu", Index: 2, ID: "1", Chip: &first}, {Kind: "npu", Index: 3, ID: "1", Chip: &second},
		}, steadily(watts("npu", 0, 100), of("npu", 1, nil), watts("npu", 2, 200), of("npu", 3, nil)))
	}
	f("", &result.Case{}, "3000 J of npu 0, npu 2 by power: npu 0 tells the power of its whole card, with npu 1; npu 2 tells the power of its whole card, with npu 3", a3())
	f("0", &result.Case{}, "1000 J of npu 0 by power: npu 0 tells the power of its whole card, with npu 1, which does not serve", a3())
	f("0-1", &result.Case{}, "1000 J of npu 0 by power: npu 0 tells the power of its whole card, with npu 1", a3())
	f("1,2", &result.Case{}, "2000 J of npu 2 without npu 1 by power: npu 2 tells the power of its whole card, with npu 3, which does not serve", a3())
	// Two sources that know the same device: the first one counts, a counter before power.
	f("", &result.Case{}, "1000 J of npu 0 by power",
		chips("a", npus("", 1), steadily(watts("npu", 0, 100))), chips("b", npus("", 1), steadily(watts("npu", 0, 900))))
	meter := chips("meter", nil, func(t float64) []device.Values {
		return []device.Values{of("npu", 0, map[device.Quantity]float64{device.EnergyCounter: 7 * t})}
	})
	f("", &result.Case{}, "5070 J of npu 0, npu 1, npu 2 by mixed", two, meter)
}

// What is known of the devices comes from the lists, and otherwise from the readings.
func TestInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		h := telemetry.NewHub(telemetry.Config{Say: func(text string) { said = append(said, text) }})
		h.AddSource(chips("host", []result.Device{{Kind: "host", Source: "host"}}, steadily()), 0)
		h.AddSource(chips("npu-smi", npus("", 2), steadily(watts("npu", 7, 1))), 0)
		h.AddSource(chips("npu-smi", npus("", 20), steadily()), 0) // of the same name
		h.AddSource(&fake{name: "lost", listErr: errTool, read: func(context.Context, int) (device.Reading, error) {
			return device.Reading{Devices: []device.Values{watts("gpu", 0, 1)}}, nil
		}}, 0)
		var r *result.Result
		var c result.Case
		r = play(t, h, &c)
		var got []string
		for _, d := range r.Devices {
			got = append(got, fmt.Sprint(d.Kind, d.Index, d.Name))
		}
		if want := []string{"gpu0", "npu0910B3", "npu1910B3", "npu7", "host0"}; !slices.Equal(got, want) {
			t.Errorf("devices %q, want %q", got, want)
		}
		if len(r.Monitors) != 3 || r.Monitors[1].Source != "npu-smi" || r.Monitors[1].Readings != 22 || r.Monitors[2].Error == "" {
			t.Errorf("monitors %+v", r.Monitors)
		}
		if len(said) != 1 || !strings.Contains(said[0], "monitor lost: which devices there are is not known: the tool ended with code 1") {
			t.Errorf("said %q", said)
		}
	})
}

// Before any load, it is known whether the sources are there, and the devices that serve.
func TestList(t *testing.T) {
	f := func(serving, want string, sources ...device.Source) {
		t.Helper()
		selected, err := telemetry.ParseSelection(serving)
		if err != nil {
			t.Fatal(err)
		}
		h := telemetry.NewHub(telemetry.Config{Serving: selected})
		for _, s := range sources {
			h.AddSource(s, 0)
		}
		err = h.List(t.Context(), sources...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	there := chips("npu-smi", npus("", 2), nil)
	f("npu", "", there)
	f("0-1", "", there)
	f("0-7", `--devices: of "0-7" there is no 2-7 among the devices that are monitored: npu 0, npu 1`, there)
	f("1-2", `of "1-2" there is no 2 among`, there)
	f("npu:0-4", `no 1-2, 4 among`, &fake{name: "three", listing: device.Listing{Devices: []result.Device{{Kind: "npu", Index: 3}, {Kind: "npu"}, {Host: "far", Kind: "npu"}}}})
	f("gpu", `--devices: there is no device "gpu" among those that are monitored: npu 0, npu 1`, there)
	f("npu:0,2", `no device "2" among`, there)
	f("0@far", `no device "0@far" among`, there)
	f("npu", "none", &fake{name: "empty"})
	f("npu", "monitor npu-smi: the tool ended with code 1; try it by hand", &fake{name: "npu-smi", listErr: errTool})
}

// A source that hangs is no source without readings that nobody has missed.
func TestListCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		h.AddSource(&hanging{}, 0)
		h.Begin(t.Context())
		time.Sleep(8500 * time.Millisecond)
		var r result.Result
		h.End(&r)
		if m := r.Monitors[0]; m.Readings != 0 || m.Missed != 8 || !strings.Contains(m.Error, "which devices there are when the run ended, 8.5s later") {
			t.Errorf("%+v", m)
		}
	})
}

// One that nobody insists on may fail: sampling tells of it.
func TestListOptional(t *testing.T) {
	h := telemetry.NewHub(telemetry.Config{})
	there := chips("npu-smi", npus("", 2), nil)
	h.AddSource(there, 0)
	h.AddSource(&fake{name: "of the script", listErr: errTool}, 0)
	if err := h.List(t.Context(), there); err != nil {
		t.Error(err)
	}
}

// A list that hangs does not keep the run waiting for ever.
func TestListHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		s := &hanging{}
		h.AddSource(s, 0)
		began := time.Now()
		if err := h.List(t.Context(), s); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

type hanging struct{ fake }

func (*hanging) List(ctx context.Context) (device.Listing, error) {
	<-ctx.Done()
	return device.Listing{}, ctx.Err()
}

// Sources can be added while a run goes on, and be looked at.
func TestAddLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHub(telemetry.Config{})
		h.Begin(t.Context())
		if len(h.Latest()) != 0 {
			t.Error("there is a reading without a source")
		}
		time.Sleep(time.Second)
		w := h.OpenCase(t.Context(), 1)
		time.Sleep(time.Second)
		h.AddSource(chips("npu-smi", npus("", 1), func(t float64) []device.Values { return []device.Values{watts("npu", 0, 100+t)} }), 0)
		time.Sleep(10*time.Second + time.Millisecond)
		if latest := h.Latest(); len(latest) != 1 || latest[0].Devices[0].Of[device.Power] != 110 {
			t.Errorf("the latest are %+v", latest)
		}
		w.Close(t.Context())
		var c result.Case
		w.Describe(&c)
		if len(c.Devices) != 1 || c.Devices[0].Readings != 11 {
			t.Errorf("devices %+v", c.Devices)
		}
		h.End(&result.Result{})
		h.AddSource(&fake{name: "too late"}, 0) // is never asked
	})
}

// The end of a case waits for what comes after it, but not for long.
func TestCloseWaits(t *testing.T) {
	f := func(s device.Source, interval, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := telemetry.NewHub(telemetry.Config{})
			h.AddSource(s, interval)
			h.Begin(t.Context())
			time.Sleep(10500 * time.Millisecond)
			w := h.OpenCase(t.Context(), 1)
			time.Sleep(10 * time.Second)
			began := time.Now()
			w.Close(t.Context())
			if waited := time.Since(began); waited != want {
				t.Errorf("%s: %v, want %v", s.Name(), waited, want)
			}
			h.End(&result.Result{})
		})
	}
	f(chips("soon", nil, steadily(watts("npu", 0, 1))), time.Second, 500*time.Millisecond)
	f(chips("seldom", nil, steadily(watts("npu", 0, 1))), time.Minute, 2*time.Second)
	f(chips("without power", nil, steadily(of("npu", 0, nil))), time.Second, 0)
}

// The file of samples tells for each into which case it fell.
func TestSamples(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f, err := result.CreateFolder(dir, "script", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		h := telemetry.NewHub(telemetry.Config{Samples: f.CreateSamples})
		h.AddSource(chips("npu-smi@far", npus("far", 2), steadily(watts("npu", 0, 100), watts("npu", 1, 200))), 0)
		h.Begin(t.Context())
		for number := range 2 {
			time.Sleep(2500 * time.Millisecond)
			w := h.OpenCase(t.Context(), number+1)
			time.Sleep(3 * time.Second)
			w.Close(t.Context())
			if err := h.Flush(); err != nil {
				t.Error(err)
			}
		}
		h.End(&result.Result{})
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	// The cases last from 2.5 s to 5.5 s and, as closing the first one takes until 6 s,
	// from 8.5 s to 11.5 s.
	want := []int{0, 0, 0, 1, 1, 1, 0, 0, 0, 2, 2, 2, 0}
	var got []int
	for s, err := range result.ReadSamples(filepath.Join(dir, result.SamplesName)) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Index == 0 {
			got = append(got, s.Case)
		}
		if s.Source != "npu-smi@far" || s.Host != "far" || s.Kind != "npu" || s.Values[device.Power] != float64(100*(s.Index+1)) {
			t.Errorf("%+v", s)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("cases %v, want %v", got, want)
	}
}

// Without a file of samples, the rest is done, and the reason told at the end.
func TestNoSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on the device")
		tries := 0
		h := telemetry.NewHub(telemetry.Config{Samples: func() (*result.Samples, error) { tries++; return nil, full }})
		h.AddSource(chips("npu-smi", npus("", 1), steadily(watts("npu", 0, 100))), 0)
		var c result.Case
		play(t, h, &c)
		if c.Energy == nil || h.Flush() != full || h.Close() != full || tries != 1 {
			t.Errorf("energy %+v, %v, %d tries", c.Energy, h.Close(), tries)
		}
	})
}

// A run without telemetry has a hub without sources, or none.
func TestNothing(t *testing.T) {
	var none *telemetry.Hub
	for _, h := range []*telemetry.Hub{none, telemetry.NewHub(telemetry.Config{})} {
		h.Begin(t.Context())
		w := h.OpenCase(t.Context(), 1)
		w.Close(t.Context())
		var c result.Case
		w.Describe(&c)
		var r result.Result
		h.End(&r)
		if c.Devices != nil || c.Energy != nil || c.Server != nil || r.Devices != nil || r.Monitors != nil || len(h.Latest()) != 0 {
			t.Errorf("%+v %+v", c, r)
		}
	}
}
