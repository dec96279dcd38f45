//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/montanaflynn/stats"
)

// compare holds what weir has reported against the server's log. All times are
// milliseconds.
func compare(run *weirRun, log []truth) (numbers, error) {
	var ttft, itl, ttftError, late, measured, readLag []float64
	shared, kernel, early := 0, 0, 0
	for i := range log {
		t := &log[i]
		r := run.records[t.ID]
		switch {
		case r == nil:
			return nil, fmt.Errorf("the service has received request %q, and weir has no record of it", t.ID)
		case len(r.TokenGaps) != len(t.Sent):
			return nil, fmt.Errorf("request %s: weir has %d token events, the service has sent %d", t.ID, len(r.TokenGaps), len(t.Sent))
		case len(t.Sent) == 0:
			return nil, errors.New("an answer had no token event")
		}
		at := int64(0)
		for n, gap := range r.TokenGaps {
			at += gap
			late = append(late, ms(r.Started+at*1000-t.Received-t.Sent[n]))
			if late[len(late)-1] < 0 {
				early++
			}
			if !slices.Contains(r.Shared, n) {
				measured = append(measured, late[len(late)-1])
			}
			if n > 0 {
				itl = append(itl, ms(t.Sent[n]-t.Sent[n-1]))
			}
		}
		for _, lag := range r.ReadLags {
			readLag = append(readLag, float64(lag)/1000)
		}
		if !slices.Contains(r.Shared, 0) { // it has a TTFT
			ttft = append(ttft, ms(t.Sent[0]))
			ttftError = append(ttftError, float64(r.TokenGaps[0])/1000-ms(t.Sent[0]))
		}
		shared += len(r.Shared)
		if r.Stamp == "kernel" {
			kernel++
		}
	}

	n := numbers{
		"ttft_mean":       run.metric("ttft", avg),
		"ttft_p99":        run.metric("ttft", p99),
		"itl_mean":        run.metric("itl", avg),
		"itl_p50":         run.metric("itl", p50),
		"itl_p99":         run.metric("itl", p99),
		"unknown_percent": percent(len(log)-run.samples("ttft"), len(log)),
		"shared_percent":  percent(shared, len(late)),
		"early_percent":   percent(early, len(late)),
		"kernel_percent":  percent(kernel, len(log)),
	}
	n.figures("true_ttft", ttft)
	n.figures("true_itl", itl)
	n.figures("ttft_error", ttftError)
	n.figures("late", late)
	n.figures("measured_late", measured)
	n.figures("read_lag", readLag)
	return n, nil
}

// figures sum a distribution up under names that begin with name. Nothing is
// known of an empty one.
func (n numbers) figures(name string, v []float64) {
	if len(v) == 0 {
		return
	}
	slices.Sort(v)
	at := func(share float64) float64 { return v[int(math.Round(share*float64(len(v)-1)))] }
	n[name+"_mean"], _ = stats.Mean(v)
	n[name+"_p50"], n[name+"_p99"], n[name+"_max"] = at(0.5), at(0.99), v[len(v)-1]
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }
