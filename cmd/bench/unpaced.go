//go:build linux

package main

import (
	"fmt"
)

// unpaced measures how many events a second go through a client when the
// service sends as fast as it can. Where the service is the slower one, all
// clients get what it can send; then the client's CPU tells them apart.
func (b *bench) unpaced() error {
	l := load{streams: 64, requests: 4, tokens: 4000}
	if b.quick {
		l.requests = 1
	}
	clients := []string{clientEpoll, clientGoroutine, clientWeir, clientRecords, clientCustom}
	measured := map[string][]numbers{}
	for round := range b.rounds {
		for i := range clients {
			client := clients[(i+round)%len(clients)]
			b.say("round %d of %d: %s, unpaced", round+1, b.rounds, client)
			n, err := b.measure(client, l)
			if err != nil {
				return err
			}
			measured[client] = append(measured[client], n)
		}
	}
	s := section{
		Name:    "unpaced",
		Title:   fmt.Sprintf("A service that does not wait: %d streams of %d tokens; medians of %d", l.streams, l.tokens, b.rounds),
		Note:    "cpu: client CPU per token event, as long as the service sends; whole: of the process's whole life, in which a slow client reads what waits in the system; shared: events that came in one read with a later one",
		columns: []column{{"events_per_s", "events/s", 0}, {"cpu_us", "cpu µs", 2}, {"cpu_whole_us", "whole µs", 2}, {"server_cpu_us", "server µs", 2}, {"shared_percent", "shared %", 0}},
	}
	for _, client := range clients {
		s.add(client, medians(measured[client]))
	}
	b.report.Sections = append(b.report.Sections, s)
	return nil
}
