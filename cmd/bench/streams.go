//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// load is a closed loop of streams.
type load struct {
	streams   int // at the same time
	requests  int // of each stream, one after another
	tokens    int // of each answer
	ttft, itl time.Duration
}

// ideal is the rate at which the service sends token events when nobody keeps
// it from it, per second.
func (l load) ideal() float64 {
	answer := l.ttft + time.Duration(l.tokens-1)*l.itl
	return float64(l.streams*l.tokens) / answer.Seconds()
}

// The clients that are measured.
const (
	clientEpoll     = "epoll"
	clientGoroutine = "goroutine"
	clientWeir      = "weir"
	clientRecords   = "weir --records" // what it reports is held against the truth
	clientSpread    = "weir, spread"   // the same, with starts that do not come all at once
	clientCustom    = "weir, protocol in JavaScript"
	clientPanel     = "weir --records, with a panel" // of progress, on a terminal
)

// spread is the time over which clientSpread starts its streams: much longer
// than it takes a service on the same machine to read all their requests.
const spread = 2 * time.Second

// measure plays a load with one client, against a service of its own.
func (b *bench) measure(client string, l load) (numbers, error) {
	service, err := startServer(serverConfig{ttft: l.ttft, itl: l.itl, streams: l.streams, requests: l.streams * l.requests})
	if err != nil {
		return nil, err
	}
	defer service.abandon()
	used, run, err := b.play(client, l, service.url)
	if err != nil {
		return nil, err
	}
	log, err := service.finish()
	if err != nil {
		return nil, err
	}
	if len(log) != l.streams*l.requests {
		return nil, fmt.Errorf("%s has sent %d requests, want %d", client, len(log), l.streams*l.requests)
	}

	from, to, events := span(log)
	perEvent := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(events) }
	n := numbers{
		"cpu_us":        perEvent(used.watch.between(from, to)),
		"cpu_whole_us":  perEvent(used.whole),
		"server_cpu_us": perEvent(service.watch.between(from, to)),
		"peak_mb":       float64(used.watch.peak) / 1e6,
		"events_per_s":  float64(events) / time.Duration(to-from).Seconds(),
		"first_ms":      ms(from - used.began),
		"core_percent":  100 * used.watch.between(from, to).Seconds() / time.Duration(to-from).Seconds(),
	}
	n["rate_percent"] = 100 * n["events_per_s"] / l.ideal()
	if client == clientEpoll {
		if err := json.Unmarshal(used.said, &n); err != nil {
			return nil, fmt.Errorf("%s has said %q: %w", client, used.said, err)
		}
	}
	if run == nil || run.records == nil {
		return n, nil
	}
	told, err := compare(run, log)
	maps.Copy(n, told)
	return n, err
}

// play runs the client's process to its end. The second result is weir's alone.
func (b *bench) play(client string, l load, service string) (*footprint, *weirRun, error) {
	if client == clientWeir || client == clientRecords || client == clientSpread || client == clientCustom || client == clientPanel {
		flags := []string{"--url", service, "--streams", strconv.Itoa(l.streams), "--requests", strconv.Itoa(l.requests),
			"--tokens", strconv.Itoa(l.tokens), "--prompt", prompt}
		if client == clientSpread {
			flags = append(flags, "--spread", spread.String())
		}
		if client == clientCustom {
			flags = append(flags, "--custom")
		}
		var tty *os.File
		if client == clientPanel {
			end, err := openTerminal()
			if err != nil {
				return nil, nil, err
			}
			defer end.close()
			tty = end.tty
		}
		run, err := b.runWeirOn(tty, benchScript, client == clientRecords || client == clientSpread || client == clientPanel, flags...)
		if err != nil {
			return nil, nil, err
		}
		return run.footprint, run, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	at, err := url.Parse(service)
	if err != nil {
		return nil, nil, err
	}
	used, err := runClient(exec.Command(self, "floor", client, "-addr", at.Host,
		"-streams", strconv.Itoa(l.streams), "-requests", strconv.Itoa(l.requests), "-tokens", strconv.Itoa(l.tokens)))
	return used, nil, err
}

// streams measures what events cost, and whether their times are true.
func (b *bench) streams() error {
	counts, requests := []int{100, 500, 1000, 2000}, 4
	if b.quick {
		counts, requests = []int{100, 1000}, 1
	}
	clients := []string{clientEpoll, clientGoroutine, clientWeir, clientRecords, clientSpread}
	measured := map[string][]numbers{}
	for round := range b.rounds {
		idle, err := b.measure(clientWeir, load{streams: 1, requests: 1, tokens: 10, ttft: time.Millisecond, itl: time.Millisecond})
		if err != nil {
			return err
		}
		for _, streams := range counts {
			l := load{streams: streams, requests: requests, tokens: 200, ttft: 50 * time.Millisecond, itl: b.itl}
			found := map[string]numbers{}
			for i := range clients {
				client := clients[(i+round)%len(clients)]
				b.say("round %d of %d: %s, %d streams", round+1, b.rounds, client, streams)
				n, err := b.measure(client, l)
				if err != nil {
					return err
				}
				found[client] = n
			}
			for client, n := range found {
				n["to_epoll"] = n["cpu_us"] / found[clientEpoll]["cpu_us"]
				if client != clientEpoll && client != clientGoroutine {
					n["kb_per_stream"] = (n["peak_mb"] - idle["peak_mb"]) * 1000 / float64(streams)
				}
				key := fmt.Sprint(streams, client)
				measured[key] = append(measured[key], n)
			}
		}
	}

	cost := section{
		Name:  "streams",
		Title: fmt.Sprintf("Streams of 200 tokens, %v apart, TTFT 50 ms; %d requests a stream; medians of %d", b.itl, requests, b.rounds),
		Note:  "cpu: client CPU per token event under load; whole: of the process's whole life; rate: token events, of what the service would send unhindered",
		columns: []column{
			{"cpu_us", "cpu µs", 1}, {"to_epoll", "/ epoll", 2}, {"cpu_whole_us", "whole µs", 1}, {"peak_mb", "peak MB", 0}, {"kb_per_stream", "kB/stream", 1},
			{"rate_percent", "rate %", 1}, {"server_cpu_us", "server µs", 1},
		},
	}
	truth := section{
		Name:  "truth",
		Title: "What weir reports of them, beside the service's log of the same requests, ms",
		Note: "no TTFT: requests whose first token event came in one read with a later one, so that it was not measured; " +
			"spread: the first requests of the streams are spread over " + spread.String() + " instead of starting in one instant",
		columns: []column{
			{"ttft_mean", "TTFT mean", 2}, {"true_ttft_mean", "true", 2}, {"ttft_p99", "p99", 2}, {"true_ttft_p99", "true", 2}, {"unknown_percent", "no TTFT %", 1},
			{"itl_p50", "ITL p50", 2}, {"true_itl_p50", "true", 2}, {"itl_p99", "p99", 2}, {"true_itl_p99", "true", 2},
		},
	}
	errors := section{
		Name:  "errors",
		Title: "How far off each of them is, ms",
		Note:  "TTFT: of each request that has one, reported − true; late: of each token event, its arrival − its sending; read_lag: from arrival to reading; shared: events that came in one read with a later one",
		columns: []column{
			{"ttft_error_p50", "TTFT p50", 3}, {"ttft_error_p99", "p99", 3}, {"ttft_error_max", "max", 2},
			{"late_p50", "late p50", 3}, {"late_p99", "p99", 3}, {"late_max", "max", 2}, {"measured_late_p99", "not shared p99", 3},
			{"read_lag_p50", "read_lag p50", 3}, {"read_lag_p99", "p99", 2}, {"shared_percent", "shared %", 2}, {"kernel_percent", "kernel %", 0},
		},
	}
	for _, streams := range counts {
		for _, client := range clients {
			cost.add(fmt.Sprintf("%d %s", streams, client), medians(measured[fmt.Sprint(streams, client)]))
		}
		errors.add(fmt.Sprintf("%d %s", streams, clientEpoll), medians(measured[fmt.Sprint(streams, clientEpoll)]))
		for _, client := range []string{clientRecords, clientSpread} {
			told, name := medians(measured[fmt.Sprint(streams, client)]), strconv.Itoa(streams)
			if client == clientSpread {
				name += " spread"
			}
			truth.add(name, told)
			errors.add(name, told)
			truthTargets(&truth, &errors, streams, name, told)
		}
		costTargets(&cost, streams, medians(measured[fmt.Sprint(streams, clientWeir)]))
	}
	b.report.Sections = append(b.report.Sections, cost, truth, errors)
	return nil
}

// costTargets holds what a number of streams cost against the targets.
func costTargets(cost *section, streams int, n numbers) {
	switch streams {
	case 1000:
		cost.atMost("resident memory, MB, 1,000 streams", n["peak_mb"], 50)
	case 2000:
	default:
		return
	}
	at := fmt.Sprintf(", %d streams", streams)
	cost.atMost("CPU per event to the epoll floor's"+at, n["to_epoll"], 1.35)
	cost.atMost("CPU per event, µs"+at, n["cpu_us"], 12)
	cost.atMost("memory per stream, kB"+at, n["kb_per_stream"], 30)
}

// truthTargets holds what was reported of a number of streams against the targets.
func truthTargets(truth, errors *section, streams int, name string, told numbers) {
	slack := map[int]float64{1000: 1, 2000: 2}[streams]
	if slack == 0 {
		return
	}
	at := ", " + name + " streams"
	truth.atMost("TTFT mean off the truth, ms"+at, distance(told["ttft_mean"], told["true_ttft_mean"]), 0.5*slack)
	truth.atMost("TTFT p99 off the truth, ms"+at, distance(told["ttft_p99"], told["true_ttft_p99"]), 2*slack)
	truth.atMost("ITL p99 off the truth, ms"+at, distance(told["itl_p99"], told["true_itl_p99"]), 0.5*slack)
	errors.atMost("events late, p50, ms"+at, told["late_p50"], 0.1*slack)
	errors.atMost("events late, p99, ms"+at, told["late_p99"], 1*slack)
}
