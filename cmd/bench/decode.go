//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"weir/modules/llm"
	"weir/runtime/sim"
	"weir/runtime/transport"
)

// decode measures what it costs to read an event of each protocol, as the simulated
// service sends it, beside encoding/json on the same bytes.
func (b *bench) decode() error {
	s := section{
		Name:    "decode",
		Title:   fmt.Sprintf("Decoding a token event of each protocol, on one core; medians of %d", b.rounds),
		Note:    "weir: by what is known of the events before, where they differ in their text alone; alone: each by itself; json: encoding/json into any",
		columns: []column{{"bytes", "bytes", 0}, {"weir_ns", "weir ns", 0}, {"alone_ns", "alone ns", 0}, {"json_ns", "json ns", 0}},
	}
	for _, backend := range llm.BackendNames() {
		if _, err := llm.NewDecoder(backend); err != nil {
			continue
		}
		b.say("decode: %s", backend)
		events, err := eventsOf(backend)
		if err != nil {
			return fmt.Errorf("%s: %w", backend, err)
		}
		var all []numbers
		for range b.rounds {
			n, err := decodeCost(backend, events)
			if err != nil {
				return fmt.Errorf("%s: %w", backend, err)
			}
			all = append(all, n)
		}
		s.add(backend, medians(all))
	}
	b.report.Sections = append(b.report.Sections, s)
	return nil
}

// decodePrompt is asked for the events; a cumulative protocol repeats it in each.
const decodePrompt = "Why is the sky blue?"

// eventsOf returns the token events of one answer.
func eventsOf(backend string) ([][]byte, error) {
	config := sim.Default()
	config.TTFT, config.ITL, config.PrefillRate, config.ITLSlope, config.Jitter = 0, 0, 0, 0, 0
	config.Speaks = []string{backend}
	server, err := sim.Start(context.Background(), config)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	path, body, err := llm.Request(backend, decodePrompt, 200)
	if err != nil {
		return nil, err
	}
	answer, err := http.Post(server.URL()+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	d, err := llm.NewDecoder(backend)
	if err != nil {
		return nil, err
	}
	d.Begin(decodePrompt)
	var events [][]byte
	var scanner transport.Scanner
	for scanner.Reset(answer.Body, d.Format()); ; {
		e, err := scanner.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		token, err := d.Event(e.Data)
		if err != nil {
			return nil, err
		}
		if token && json.Valid(e.Data) {
			events = append(events, bytes.Clone(e.Data))
		}
	}
	if len(events) < 100 {
		return nil, fmt.Errorf("the simulated service has sent %d token events", len(events))
	}
	return events[:len(events)-1], nil // the last one may say more
}

// decodeCost reads the events of an answer over and over.
func decodeCost(backend string, events [][]byte) (numbers, error) {
	d, err := llm.NewDecoder(backend)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, e := range events {
		size += len(e)
	}
	per := func(pass func() error) (float64, error) {
		passes := 0
		began := time.Now()
		for time.Since(began) < 50*time.Millisecond {
			if err := pass(); err != nil {
				return 0, err
			}
			passes++
		}
		return float64(time.Since(began).Nanoseconds()) / float64(passes*len(events)), nil
	}
	n := numbers{"bytes": float64(size) / float64(len(events))}
	for key, pass := range map[string]func() error{
		"weir_ns": func() error {
			d.Begin(decodePrompt)
			for _, e := range events {
				if _, err := d.Event(e); err != nil {
					return err
				}
			}
			return nil
		},
		"alone_ns": func() error {
			d.Begin(decodePrompt)
			for _, e := range events {
				d.Forget()
				if _, err := d.Event(e); err != nil {
					return err
				}
			}
			return nil
		},
		"json_ns": func() error {
			for _, e := range events {
				var v any
				if err := json.Unmarshal(e, &v); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		if n[key], err = per(pass); err != nil {
			return nil, err
		}
	}
	return n, nil
}
