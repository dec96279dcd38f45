//go:build unix

package load_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/runtime/load"
)

// BenchmarkDispatch plays open loops of two seconds and reports how late their
// iterations start (p50, p99, the latest) and how much of a processor that costs.
// busy iterations compute for 20 µs: together with their number that says how
// full the machine is.
func BenchmarkDispatch(b *testing.B) {
	for _, process := range []string{load.Constant, load.Poisson} {
		for _, rate := range []float64{1, 100, 1000, 5000, 20_000} {
			b.Run(fmt.Sprintf("%s/%v", process, rate), func(b *testing.B) {
				dispatch(b, load.Profile{Executor: "arrival-rate", Rate: rate, Process: process, Duration: 2 * time.Second}, 0)
			})
		}
	}
	for _, rate := range []float64{1000, 20_000} {
		b.Run(fmt.Sprintf("busy/%v", rate), func(b *testing.B) {
			dispatch(b, load.Profile{Executor: "arrival-rate", Rate: rate, Process: load.Poisson, Duration: 2 * time.Second}, 20*time.Microsecond)
		})
	}
}

func dispatch(b *testing.B, p load.Profile, busy time.Duration) {
	var lags []time.Duration
	var cpu, wall time.Duration
	for b.Loop() {
		executor, err := load.New(p)
		if err != nil {
			b.Fatal(err)
		}
		these := make([]time.Duration, 2*int(p.Rate*p.Duration.Seconds())+10)
		var n atomic.Int64
		begin, used := time.Now(), processorTime(b)
		executor.Run(b.Context(), nil, func(_ context.Context, it load.Iteration) error {
			now := time.Now()
			these[n.Add(1)-1] = now.Sub(it.Scheduled)
			for time.Since(now) < busy {
			}
			return nil
		})
		wall += time.Since(begin)
		cpu += processorTime(b) - used
		lags = append(lags, these[:n.Load()]...)
	}
	slices.Sort(lags)
	at := func(q float64) float64 { return float64(lags[int(q*float64(len(lags)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	b.ReportMetric(100*cpu.Seconds()/wall.Seconds(), "cpu-%")
	b.ReportMetric(0, "ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
