package metrics_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// The interval of a mean holds the true one about as often as it says, also where
// neighbours are alike, and where many gaps are of one request.
func TestConfidenceCoverage(t *testing.T) {
	if race.Enabled {
		t.Skip("it says nothing about races, and takes long")
	}
	const cases = 200
	rng := rand.New(rand.NewPCG(7, 7))
	// correlated gives numbers of mean 0, each like the one before: AR(1), from its steady state.
	correlated := func(phi float64) func() float64 {
		v := rng.NormFloat64()
		return func() float64 {
			now := v
			v = phi*v + rng.NormFloat64()*math.Sqrt(1-phi*phi)
			return now
		}
	}
	for _, row := range []struct {
		name        string
		requests    int
		phi         float64 // of the requests
		least, most float64 // share of the intervals that hold the mean
	}{
		{"independent, few", 30, 0, 0.91, 0.99},
		{"independent", 300, 0, 0.92, 0.98},
		{"independent, many", 1500, 0, 0.92, 0.98},
		{"alike, few", 100, 0.6, 0.85, 0.98},
		{"alike", 1000, 0.8, 0.91, 0.98},
		{"very much alike", 1500, 0.9, 0.91, 0.98},
	} {
		held := map[string]int{}
		for range cases {
			next := correlated(row.phi)
			r := metrics.NewRecorder(metrics.Options{})
			base := time.Now()
			for i := range row.requests {
				rec := &metrics.Record{Started: base, End: base.Add(time.Second)}
				r.Announce(rec)
				at := base.Add(duration(1000 + 100*next()))
				rec.Token(wire.Arrival{At: at, Read: 1}, 1)
				slow := 20 + 4*next() // of all gaps of a request, whose number has nothing to do with it
				for g := range 3 + (i*7)%5 {
					at = at.Add(duration(slow + rng.NormFloat64()))
					rec.Token(wire.Arrival{At: at, Read: uint64(g + 2)}, 1)
				}
				r.Close(rec)
			}
			c := r.Finish(result.Counts{}, nil, metrics.Rules{})
			for name, mean := range map[string]float64{"ttft": 1000, "itl": 20} {
				m := c.Metrics[name]
				if m.AvgLow == nil || m.AvgHigh == nil {
					t.Fatalf("%s: %s has no interval", row.name, name)
				}
				if *m.AvgLow <= mean && mean <= *m.AvgHigh {
					held[name]++
				}
				if *m.AvgLow > *m.Avg || *m.AvgHigh < *m.Avg {
					t.Fatalf("%s: %v is not in [%v, %v]", name, *m.Avg, *m.AvgLow, *m.AvgHigh)
				}
			}
		}
		for name, n := range held {
			share := float64(n) / cases
			t.Logf("%s: %s %.3f", row.name, name, share)
			if share < row.least || share > row.most {
				t.Errorf("%s: %.3f of the intervals of %s hold the mean, want %v to %v", row.name, share, name, row.least, row.most)
			}
		}
	}
}

// Where there are too few requests, there is no interval; nor of itl_decode; and where all
// samples are the same, it is a point.
func TestConfidenceAbsent(t *testing.T) {
	all := closedLoop(1, 40, func() float64 { return 1 })
	f := func(n int, name string, want bool) {
		t.Helper()
		c := lived(metrics.Options{}, all[:n], func(i int, rec *metrics.Record) {
			if i < 19 {
				rec.Connect = time.Duration(1+i%3) * time.Millisecond
			}
		})
		m := c.Metrics[name]
		if got := m != nil && m.AvgLow != nil; got != want || want && (m.AvgHigh == nil || !near(*m.AvgLow, *m.Avg) || !near(*m.AvgHigh, *m.Avg)) {
			t.Errorf("%d requests: %s %+v", n, name, m)
		}
	}
	f(19, "ttft", false)
	f(20, "ttft", true)
	f(40, "output_tokens", true)
	f(40, "connect_time", false)
	f(40, "itl_decode", false)
}
