package metrics_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// send plays a request for an iteration whose only token came after ttft.
func send(it *metrics.Iteration, ttft time.Duration, fault *metrics.Error) {
	rec := metrics.NewRecord()
	rec.Iteration = it
	r := it.Recorder
	r.Announce(rec)
	r.Begin(rec)
	if fault == nil {
		rec.Token(wire.Arrival{At: rec.Started.Add(ttft), Kernel: true}, 1)
		r.First(rec)
	}
	rec.Error = fault
	r.Close(rec)
}

// What parts are given, from many goroutines, the whole has too; and each part
// has its own only.
func TestParts(t *testing.T) {
	var kept atomic.Int64
	whole := metrics.NewRecorder(metrics.Options{Keep: func(*metrics.Record) time.Duration { kept.Add(1); return 0 }})
	parts := []*metrics.Recorder{whole.Part(nil), whole.Part(nil)}
	var all sync.WaitGroup
	for i, part := range parts {
		for range 4 {
			all.Go(func() {
				it := &metrics.Iteration{Recorder: part}
				for range 50 {
					send(it, time.Duration(i+1)*10*time.Millisecond, nil)
				}
				send(it, 0, &metrics.Error{Kind: "connect", Message: "refused"})
				part.Check("ok", i == 0)
				part.IterationFailed("exception", "thrown")
				if err := part.Observe("own", metrics.Trend, "ms", float64(i)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if kept.Load() != 408 {
		t.Errorf("%d records were kept", kept.Load())
	}
	if whole.Open() != 0 || whole.Live().Ended != 408 || whole.Live().Failed != 8 {
		t.Errorf("%d open, %+v", whole.Open(), whole.Live())
	}
	check := func(name string, r *metrics.Recorder, requests int64, least, most float64, passes, fails int64) {
		t.Helper()
		c := r.Finish(result.Counts{Started: 10}, nil, metrics.Rules{})
		ttft := c.Metrics["ttft"]
		if c.Counts.Started != 10 || c.Counts.Requests != requests || ttft.N != requests-c.Counts.RequestsFailed || *ttft.Min != least || *ttft.Max != most {
			t.Errorf("%s: %+v, ttft %+v", name, c.Counts, ttft)
		}
		if c.Checks[0].Passes != passes || c.Checks[0].Fails != fails || c.Metrics["own"].N != passes+fails {
			t.Errorf("%s: checks %+v, own metric %+v", name, c.Checks, c.Metrics["own"])
		}
		if len(c.Errors) != 2 || c.Errors[0].Count+c.Errors[1].Count != 2*(passes+fails) {
			t.Errorf("%s: errors %+v", name, c.Errors)
		}
	}
	check("whole", whole, 408, 10, 20, 4, 4)
	check("first", parts[0], 204, 10, 10, 4, 0)
	check("second", parts[1], 204, 20, 20, 0, 4)
	var nobody *metrics.Recorder
	if nobody.Part(nil) != nil {
		t.Error("a part of nobody's recorder")
	}
}

// Evaluate sees what there is so far, and takes nothing away from Finish.
func TestEvaluate(t *testing.T) {
	for name, limit := range map[string]int{"exact": 1000, "histogram": 10} {
		t.Run(name, func(t *testing.T) {
			r := metrics.NewRecorder(metrics.Options{ExactLimit: limit})
			it := &metrics.Iteration{Recorder: r}
			value := func(metric, expr string, counts result.Counts) (v float64, ok bool) {
				t.Helper()
				list := r.Evaluate(counts, map[string][]string{metric: {expr}})
				if len(list) != 1 || list[0].Metric != metric || list[0].Expr != expr {
					t.Fatalf("%+v", list)
				}
				if list[0].Value == nil {
					return math.NaN(), list[0].OK
				}
				return *list[0].Value, list[0].OK
			}
			for _, metric := range []string{"ttft", "own"} {
				if v, ok := value(metric, "max<10", result.Counts{}); !math.IsNaN(v) || ok {
					t.Errorf("%s without samples: %v, %v", metric, v, ok)
				}
			}
			for _, metric := range []string{"requests", "request_failed", "iteration_failed", "checks"} {
				if v, ok := value(metric, "rate<10", result.Counts{}); !math.IsNaN(v) || ok {
					t.Errorf("%s without samples: %v, %v", metric, v, ok)
				}
			}
			for i := range 100 {
				send(it, time.Duration(i+1)*time.Millisecond, nil)
				if err := r.Observe("own", metrics.Trend, "", float64(i)); err != nil {
					t.Fatal(err)
				}
				r.Check("even", i%2 == 0)
				if i == 49 {
					if v, ok := value("ttft", "max<10", result.Counts{}); v != 50 || ok {
						t.Errorf("half way: %v, %v", v, ok)
					}
				}
			}
			send(it, 0, &metrics.Error{Kind: "connect"})
			near := func(got, want float64) bool { return math.Abs(got-want) <= want/1000 }
			for _, c := range []struct {
				metric, expr string
				value        float64
				ok           bool
			}{
				{"ttft", "p(50)<100", 50.5, true},
				{"ttft", "p(50)<50", 50.5, false},
				{"own", "max<99", 99, false},
				{"own", "med<50", 49.5, true},
				{"own", "avg<=49.5", 49.5, true},
				{"own", "min>0", 0, false},
				{"ttft", "p(0)<=1", 1, true},
				{"ttft", "p(100)<=100", 100, true},
				{"checks", "rate==0.5", 0.5, true},
				{"request_failed", "rate<0.01", 1. / 101, true},
				{"iteration_failed", "rate<0.2", 0.25, false},
			} {
				if v, ok := value(c.metric, c.expr, result.Counts{Started: 5, Interrupted: 1, IterationFailed: 1}); !near(v, c.value) || ok != c.ok {
					t.Errorf("%s %s: %v, %v; want %v, %v", c.metric, c.expr, v, ok, c.value, c.ok)
				}
			}
			found := r.Finish(result.Counts{}, nil, metrics.Rules{})
			if ttft := found.Metrics["ttft"]; ttft.N != 100 || !near(*ttft.P50, 50.5) || *ttft.Max != 100 || found.Metrics["own"].N != 100 {
				t.Errorf("at the end: %+v, %+v", ttft, found.Metrics["own"])
			}
		})
	}
	var nobody *metrics.Recorder
	if list := nobody.Evaluate(result.Counts{}, map[string][]string{"ttft": {"max<1"}}); list != nil {
		t.Errorf("nobody's recorder: %+v", list)
	}
}

// Evaluate does not sort, and finds the very values of Finish.
func TestEvaluateExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, value := range map[string]func(i int) float64{
		"random":     func(int) float64 { return rng.NormFloat64() },
		"ties":       func(int) float64 { return float64(rng.IntN(5)) },
		"equal":      func(int) float64 { return 7 },
		"ascending":  func(i int) float64 { return float64(i) },
		"descending": func(i int) float64 { return float64(-i) },
		"two humps":  func(i int) float64 { return math.Abs(float64(i - 5000)) },
	} {
		r := metrics.NewRecorder(metrics.Options{})
		for i := range 10_000 {
			if err := r.Observe("own", metrics.Trend, "", value(i)); err != nil {
				t.Fatal(err)
			}
		}
		thresholds := map[string][]string{"own": {"p(0)<1", "p(12.34)<1", "med<1", "p(90)<1", "p(99)<1", "p(99.99)<1", "p(100)<1", "min<1", "max<1", "count<1"}}
		early := r.Evaluate(result.Counts{}, thresholds)
		final := r.Finish(result.Counts{}, thresholds, metrics.Rules{}).Thresholds
		for i, th := range final {
			if early[i].Value == nil || *early[i].Value != *th.Value || early[i].OK != th.OK {
				t.Errorf("%s: %s is %v, in the end %v", name, th.Expr, early[i].Value, *th.Value)
			}
		}
	}
}

// Evaluate of a million samples.
func BenchmarkEvaluate(b *testing.B) {
	r := metrics.NewRecorder(metrics.Options{})
	for range metrics.DefaultExactLimit {
		if err := r.Observe("own", metrics.Trend, "", rand.ExpFloat64()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r.Evaluate(result.Counts{}, map[string][]string{"own": {"p(99)<1"}})
	}
}

// It may be called while records come in.
func TestEvaluateMeanwhile(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{ExactLimit: 500})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			it := &metrics.Iteration{Recorder: r}
			for range 500 {
				send(it, 10*time.Millisecond, nil)
				r.Check("ok", true)
				_ = r.Observe("own", metrics.Counter, "", 1)
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		for _, th := range r.Evaluate(result.Counts{}, map[string][]string{"ttft": {"max<=10"}, "own": {"count>0"}, "checks": {"rate==1"}}) {
			if th.Value != nil && !th.OK {
				t.Errorf("%+v, value %v", th, *th.Value)
			}
		}
	}
	if c := r.Finish(result.Counts{}, nil, metrics.Rules{}); c.Metrics["ttft"].N != 2000 || *c.Metrics["own"].Sum != 2000 {
		t.Errorf("%+v, %+v", c.Metrics["ttft"], c.Metrics["own"])
	}
}
