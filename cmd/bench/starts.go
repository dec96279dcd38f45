//go:build linux

package main

import (
	"fmt"
	"strconv"
	"time"
)

// starts measures how long after its scheduled time an iteration sends its
// request, when the schedule says so many a second. The requests are the
// shortest there are, as the service shares the machine.
func (b *bench) starts() error {
	rates, seconds := []int{100, 1000, 5000, 20000}, 5
	if b.quick {
		seconds = 2
	}
	measured := map[int][]numbers{}
	for round := range b.rounds {
		for _, rate := range rates {
			b.say("round %d of %d: %d starts a second", round+1, b.rounds, rate)
			n, err := b.start(rate, seconds)
			if err != nil {
				return err
			}
			measured[rate] = append(measured[rate], n)
		}
	}
	s := section{
		Name:  "starts",
		Title: fmt.Sprintf("Starts from a constant arrival rate, %d s, GET of an empty answer; medians of %d", seconds, b.rounds),
		Note:  "start_lag: request handed to the kernel − scheduled, ms; rate: starts, of the schedule's; cpu: client CPU per start. The service shares the machine: where the two need more than it has, the lag is that",
		columns: []column{
			{"start_lag_p50", "start_lag p50", 3}, {"start_lag_p99", "p99", 3}, {"start_lag_max", "max", 2},
			{"rate_percent", "rate %", 1}, {"late_percent", "late %", 2}, {"cpu_us", "cpu µs", 1}, {"server_cpu_us", "server µs", 1}, {"busy_percent", "machine busy %", 0},
		},
	}
	for _, rate := range rates {
		n := medians(measured[rate])
		s.add(fmt.Sprintf("%d/s", rate), n)
		if rate == 1000 {
			s.atMost("start_lag p99, ms, 1,000 starts a second", n["start_lag_p99"], 0.2)
		}
	}
	b.report.Sections = append(b.report.Sections, s)
	return nil
}

// start plays one rate.
func (b *bench) start(rate, seconds int) (numbers, error) {
	service, err := startServer(serverConfig{streams: 1})
	if err != nil {
		return nil, err
	}
	defer service.abandon()
	run, err := b.runWeir(startsScript, false, "--url", service.url, "--rate", strconv.Itoa(rate), "--seconds", strconv.Itoa(seconds))
	if err != nil {
		return nil, err
	}
	if err := service.stop(); err != nil {
		return nil, err
	}
	from := run.report.Started.UnixNano()
	took := time.Duration(run.report.Duration * float64(time.Second))
	c, to := run.report.Counts, from+int64(took)
	client, server := run.watch.between(from, to), service.watch.between(from, to)
	perStart := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(c.Started) }
	return numbers{
		"start_lag_p50": run.metric("start_lag", p50),
		"start_lag_p99": run.metric("start_lag", p99),
		"start_lag_max": run.metric("start_lag", top),
		"rate_percent":  100 * float64(c.Started) / took.Seconds() / float64(rate),
		"late_percent":  percent(int(c.Late), int(c.Started)),
		"cpu_us":        perStart(client),
		"server_cpu_us": perStart(server),
		"busy_percent":  b.busy(client+server, took),
	}, nil
}
