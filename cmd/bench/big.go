//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"time"
)

//go:embed big.ts
var bigScript []byte

// big plays the largest input that AISBench documents for itself, with 64 GB of memory and
// 150 s for what comes after the last answer: 250,000 requests of 4,096 + 4,096 tokens. Time
// is scaled: the service replays an answer with 64 tokens in an event, and the next one a
// millisecond later, some 1,000 times as fast as a real one.
func (b *bench) big() error {
	const streams, tokens, perEvent = 256, 4096, 64
	requests := 250_000
	if b.quick {
		requests = 2_500
	}
	b.say("%d requests of %d + %d tokens", requests, tokens, tokens)
	n, err := b.playBig(requests, streams, tokens, perEvent)
	if err != nil {
		return err
	}
	b.report.Sections = append(b.report.Sections, bigSection(n, requests, streams, tokens, perEvent, b.quick))
	return nil
}

// bigSection reports it. The targets are those of all requests, and not of a quick run's few.
func bigSection(n numbers, requests, streams, tokens, perEvent int, quick bool) section {
	s := section{
		Name:  "big",
		Title: fmt.Sprintf("%d requests of %d + %d tokens, each with its own prompt of that exact length; %d at once", requests, tokens, tokens, streams),
		Note: fmt.Sprintf("%d tokens an event, so %g million events; before: start of the program to its first request, in which the prompts are made, and counted with weir's builtin tokenizer; load: first request to last answer, the service on the same machine; after: last answer to the end of the program",
			perEvent, float64(requests*tokens/perEvent)/1e6),
		columns: []column{
			{"before_s", "before s", 1}, {"load_s", "load s", 1}, {"after_s", "after s", 2}, {"peak_mb", "peak MB", 0},
			{"tokens_per_s", "output tokens/s", 0}, {"cpu_us", "cpu µs/request", 0}, {"server_cpu_us", "server µs", 0},
		},
	}
	s.add(clientWeir, n)
	if !quick {
		s.atMost("memory, MB", n["peak_mb"], 1500)
		s.atMost("after the last answer, s", n["after_s"], 5)
	}
	return s
}

func (b *bench) playBig(requests, streams, tokens, perEvent int) (numbers, error) {
	service, err := startService("replay", "-prompt", strconv.Itoa(tokens), "-tokens", strconv.Itoa(tokens), "-per-event", strconv.Itoa(perEvent), "-pause", "1ms")
	if err != nil {
		return nil, err
	}
	defer service.abandon()
	run, err := b.runWeir(bigScript, false, "--url", service.url, "--requests", strconv.Itoa(requests), "--streams", strconv.Itoa(streams), "--tokens", strconv.Itoa(tokens))
	if err != nil {
		return nil, err
	}
	if err := service.stop(); err != nil {
		return nil, err
	}
	c := run.report
	if got, want := c.Metrics["output_tokens"], float64(tokens); got == nil || int(got.N) != requests || *got.Min != want || *got.Max != want {
		return nil, fmt.Errorf("not every answer has %d tokens: %+v", tokens, got)
	}
	load := time.Duration(c.Duration * float64(time.Second))
	perRequest := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(requests) }
	return numbers{
		"before_s":      c.Started.Sub(time.Unix(0, run.began)).Seconds(),
		"load_s":        load.Seconds(),
		"after_s":       time.Unix(0, run.ended).Sub(c.Started.Add(load)).Seconds(),
		"peak_mb":       float64(run.watch.peak) / 1e6,
		"tokens_per_s":  c.Throughput.OutputTokens,
		"cpu_us":        perRequest(run.watch.between(c.Started.UnixNano(), c.Started.Add(load).UnixNano())),
		"server_cpu_us": perRequest(time.Duration(service.watch.last())),
	}, nil
}
