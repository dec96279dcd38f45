//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"
)

// progress measures what it costs to show a case while it runs: the same load with a panel
// on a terminal and without, in turn. It is a light one, whose CPU time does not vary by
// more than what is looked for.
func (b *bench) progress() error {
	l := load{streams: 20, requests: 2, tokens: 500, ttft: 50 * time.Millisecond, itl: 20 * time.Millisecond}
	clients := []string{clientRecords, clientPanel}
	measured := map[string][]numbers{}
	var differences []numbers
	for round := range b.rounds {
		found := map[string]numbers{}
		for i := range clients {
			client := clients[(i+round)%len(clients)]
			b.say("round %d of %d: %s", round+1, b.rounds, client)
			n, err := b.measure(client, l)
			if err != nil {
				return err
			}
			measured[client] = append(measured[client], n)
			found[client] = n
		}
		differences = append(differences, numbers{"core_percent": found[clientPanel]["core_percent"] - found[clientRecords]["core_percent"]})
	}
	s := section{
		Name:  "progress",
		Title: fmt.Sprintf("A case that is shown while it runs: %d streams, %v apart, %d × %d tokens each; medians of %d", l.streams, l.itl, l.requests, l.tokens, b.rounds),
		Note:  "core: client CPU under load, of one core; more: what the panel adds to it, the median of the rounds' differences; late: of each token event, its arrival − its sending, ms",
		columns: []column{
			{"core_percent", "core %", 2}, {"more_percent", "more %", 2}, {"cpu_us", "cpu µs", 1},
			{"itl_p50", "ITL p50", 2}, {"true_itl_p50", "true", 2}, {"itl_p99", "p99", 2}, {"true_itl_p99", "true", 2},
			{"late_p50", "late p50", 3}, {"late_p99", "p99", 3}, {"peak_mb", "peak MB", 0},
		},
	}
	more := medians(differences)["core_percent"]
	for _, client := range clients {
		n := medians(measured[client])
		if client == clientPanel {
			n["more_percent"] = more
		}
		s.add(client, n)
	}
	s.atMost("CPU of the panel, % of a core", more, 0.5)
	b.report.Sections = append(b.report.Sections, s)
	return nil
}

// terminal is one that nobody looks at.
type terminal struct{ master, tty *os.File }

func openTerminal() (*terminal, error) {
	master, tty, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 120, Rows: 40}); err != nil {
		return nil, fmt.Errorf("set a terminal's size: %w", err)
	}
	go io.Copy(io.Discard, master)
	return &terminal{master, tty}, nil
}

func (t *terminal) close() {
	t.tty.Close()
	t.master.Close()
}
