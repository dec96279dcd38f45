//go:build linux

package main

import "time"

// startUp measures from the start of the program to the moment at which the
// service has its first request: loading, the script, a connection.
func (b *bench) startUp() error {
	var all []numbers
	for range 2 * b.rounds {
		n, err := b.measure(clientWeir, load{streams: 1, requests: 1, tokens: 2, ttft: time.Millisecond, itl: time.Millisecond})
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	n := medians(all)
	s := section{
		Name:    "startup",
		Title:   "Start of the program to its first request, no tokenizer",
		columns: []column{{"first_ms", "ms", 0}, {"peak_mb", "peak MB", 0}},
	}
	s.add(clientWeir, n)
	s.atMost("start-up, ms", n["first_ms"], 100)
	b.report.Sections = append(b.report.Sections, s)
	return nil
}
