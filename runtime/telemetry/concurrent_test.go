package telemetry_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
	"weir/runtime/serving"
	"weir/runtime/telemetry"
)

// busy is a source that is read as often as it is asked.
type busy struct{ name string }

func (b *busy) Name() string { return b.name }

func (b *busy) List(context.Context) (device.Listing, error) {
	return device.Listing{Devices: []result.Device{{Kind: "npu"}}}, nil
}

func (b *busy) Read(context.Context) (device.Reading, error) {
	return device.Reading{Source: b.name, At: time.Now(), Devices: []device.Values{{Kind: "npu", Of: map[device.Quantity]float64{device.Power: 100}}}}, nil
}

// A hub may be used by many at once: cases, readings, pages, displays and scripts that
// add sources. The race detector looks at this one; nothing depends on its time.
func TestHubConcurrently(t *testing.T) {
	f, err := result.CreateFolder(t.TempDir(), "script", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	h := telemetry.NewHub(telemetry.Config{Samples: f.CreateSamples, ServiceInterval: time.Millisecond, Say: func(string) {}})
	h.AddSource(&busy{"0"}, time.Millisecond)
	h.Begin(t.Context())
	var others sync.WaitGroup
	done := make(chan struct{})
	others.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			h.Latest()
			if n < 20 {
				h.AddSource(&busy{fmt.Sprint(n)}, time.Millisecond)
				h.AddService(serving.Target{URL: fmt.Sprint(n), Fetch: func(context.Context) ([]byte, error) {
					return []byte("# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 0\n"), nil
				}})
			}
		}
	})
	var cases []*result.Case
	for number := range 5 {
		w := h.OpenCase(t.Context(), number+1)
		for at := time.Now(); len(h.Latest()) == 0 || !h.Latest()[0].At.After(at); { // until a reading is in the case
			time.Sleep(time.Millisecond)
		}
		w.Close(t.Context())
		c := &result.Case{}
		w.Describe(c)
		cases = append(cases, c)
		if err := h.Flush(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	others.Wait()
	var r result.Result
	h.End(&r)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	readings := map[int]int{}
	for s, err := range result.ReadSamples(filepath.Join(f.Dir, result.SamplesName)) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Source == "0" {
			readings[s.Case]++
		}
	}
	for i, c := range cases {
		if len(c.Devices) != 1 || c.Devices[0].Readings == 0 || readings[i+1] == 0 {
			t.Errorf("case %d: devices %+v, %d samples", i+1, c.Devices, readings[i+1])
		}
	}
	if len(r.Monitors) == 0 || r.Monitors[0].Readings == 0 {
		t.Errorf("%+v", r.Monitors)
	}
}
