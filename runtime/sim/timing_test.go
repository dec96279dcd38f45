//go:build unix

package sim_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/runtime/sim"
)

// BenchmarkStreams measures how late events are sent and what one costs, client
// included, at 50 tokens per second and stream. One iteration is one token of
// every stream; use -benchtime=200x for four seconds of load.
func BenchmarkStreams(b *testing.B) {
	for _, streams := range []int{32, 300, 1000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			cfg := sim.Default()
			cfg.TTFT, cfg.PrefillRate, cfg.ITLSlope = 200*time.Millisecond, 0, 0
			cfg.ITL, cfg.MaxBatch, cfg.Jitter = 20*time.Millisecond, streams, 0.2
			cfg.MaxModelLen = b.N + 1000
			server, err := sim.Start(context.Background(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			var before, after syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			var wg sync.WaitGroup
			for range streams {
				wg.Go(func() {
					if err := drain(server.URL(), b.N); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
			late := server.Log().Lateness()
			slices.Sort(late)
			b.ReportMetric(late[len(late)/2]*1000, "late-p50-µs")
			b.ReportMetric(late[len(late)*99/100]*1000, "late-p99-µs")
			b.ReportMetric(late[len(late)-1]*1000, "late-max-µs")
			b.ReportMetric(float64(cpu.Microseconds())/float64(len(late)), "cpu-µs/event")
		})
	}
}

// drain is the least client there is: it reads a stream and throws it away.
func drain(url string, tokens int) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	body := fmt.Sprintf(`{"prompt":"a","stream":true,"ignore_eos":true,"max_tokens":%d}`, tokens)
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	_, err = bufio.NewReaderSize(conn, 4096).WriteTo(discard{})
	return err
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
