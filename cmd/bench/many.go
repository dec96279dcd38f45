//go:build linux

package main

import (
	"fmt"
	"time"
)

// many plays as many streams at once as fit below usual limits of descriptors:
// slow ones, so that the machine can serve them.
func (b *bench) many() error {
	l := load{streams: 10000, requests: 1, tokens: 30, ttft: 3 * time.Second, itl: 400 * time.Millisecond}
	rounds := (b.rounds + 1) / 2
	if b.quick {
		rounds = 1
	}
	var all []numbers
	for round := range rounds {
		b.say("round %d of %d: %d streams", round+1, rounds, l.streams)
		idle, err := b.measure(clientWeir, load{streams: 1, requests: 1, tokens: 10, ttft: time.Millisecond, itl: time.Millisecond})
		if err != nil {
			return err
		}
		n, err := b.measure(clientRecords, l)
		if err != nil {
			return err
		}
		n["kb_per_stream"] = (n["peak_mb"] - idle["peak_mb"]) * 1000 / float64(l.streams)
		all = append(all, n)
	}
	s := section{
		Name:  "many",
		Title: fmt.Sprintf("%d streams at once, %d tokens %v apart, TTFT %v; medians of %d", l.streams, l.tokens, l.itl, l.ttft, rounds),
		Note:  "error: of each request's TTFT, reported − true, ms; late: of each token event, its arrival − its sending, ms",
		columns: []column{
			{"ttft_mean", "TTFT mean", 2}, {"true_ttft_mean", "true", 2},
			{"ttft_error_p50", "error p50", 3}, {"ttft_error_p99", "p99", 3}, {"ttft_error_max", "max", 2},
			{"unknown_percent", "no TTFT %", 1}, {"late_p50", "late p50", 3}, {"late_p99", "p99", 3},
			{"cpu_us", "cpu µs", 1}, {"peak_mb", "peak MB", 0}, {"kb_per_stream", "kB/stream", 1}, {"rate_percent", "rate %", 1},
		},
	}
	s.add(clientRecords, medians(all))
	b.report.Sections = append(b.report.Sections, s)
	return nil
}
