//go:build linux

package main

import (
	"fmt"
	"strconv"
	"time"
)

// iterations measures how many iterations a second weir can run, and what each
// costs.
func (b *bench) iterations() error {
	kinds := []string{"empty", "request", "turns"}
	seconds := 3
	if b.quick {
		seconds = 1
	}
	const vus = 32
	measured := map[string][]numbers{}
	for round := range b.rounds {
		for _, kind := range kinds {
			b.say("round %d of %d: iterations, %s", round+1, b.rounds, kind)
			n, err := b.iterate(kind, vus, time.Duration(seconds)*time.Second)
			if err != nil {
				return err
			}
			measured[kind] = append(measured[kind], n)
		}
	}
	s := section{
		Name:  "iterations",
		Title: fmt.Sprintf("Iterations of %d VUs without a pause, %d s; medians of %d", vus, seconds, b.rounds),
		Note:  "empty: sends nothing; request: one completion of one token; turns: a conversation of four completions. cpu: client CPU per iteration. The service shares the machine",
		columns: []column{
			{"iterations_per_s", "iterations/s", 0}, {"requests_per_s", "requests/s", 0}, {"cpu_us", "cpu µs", 1}, {"server_cpu_us", "server µs", 1},
		},
	}
	for _, kind := range kinds {
		s.add(kind, medians(measured[kind]))
	}
	b.report.Sections = append(b.report.Sections, s)
	return nil
}

func (b *bench) iterate(kind string, vus int, d time.Duration) (numbers, error) {
	service, err := startServer(serverConfig{streams: vus})
	if err != nil {
		return nil, err
	}
	defer service.abandon()
	run, err := b.runWeir(iterationsScript, false, "--url", service.url, "--kind", kind, "--vus", strconv.Itoa(vus), "--duration", d.String())
	if err != nil {
		return nil, err
	}
	if err := service.stop(); err != nil {
		return nil, err
	}
	// The load is nearly all that the processes do.
	c := run.report.Counts
	server := time.Duration(service.watch.last())
	return numbers{
		"iterations_per_s": float64(c.Completed) / d.Seconds(),
		"requests_per_s":   float64(c.Requests) / d.Seconds(),
		"cpu_us":           float64(run.whole.Nanoseconds()) / 1000 / float64(c.Completed),
		"server_cpu_us":    float64(server.Nanoseconds()) / 1000 / float64(c.Completed),
	}, nil
}
