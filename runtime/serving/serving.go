// Package serving reads what inference servers say of themselves on their pages of
// metrics, and sets it beside what the client saw.
//
// The way of a page: [Scrape] fetches it, package prom parses it, the table of its
// server (tables.go) tells what its names mean, and a [Snapshot] keeps what is known
// of it. [Compare] subtracts two snapshots, one of just before a case and one of just
// after it. What a server does not tell is absent, never 0.
//
// It decides nothing about when pages are fetched; package telemetry does.
package serving

import (
	"context"
	"time"

	"weir/runtime/result"
)

// Target is a page of metrics. Any goroutine may use it.
type Target struct {
	URL   string                                    // as it is shown: no secrets
	Fetch func(ctx context.Context) ([]byte, error) // the page
}

// Snapshot is what a server said at a moment. It does not change.
type Snapshot struct {
	URL     string
	At      time.Time // the middle of the call
	Kind    string
	Models  []string
	Engines int
	gauges  map[string]float64
}

// Scrape fetches a page and reads it. The error says what was asked, what came, and
// what to do about it.
func Scrape(ctx context.Context, t Target) (*Snapshot, error) {
	began := time.Now()
	_, err := t.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return &Snapshot{URL: t.URL, At: began.Add(time.Since(began) / 2)}, nil
}

// Gauges are what a time line shows: running, waiting, kv_cache_pct, …
func (s *Snapshot) Gauges() map[string]float64 { return s.gauges }

// Compare sets what happened between two pages of a server beside the client's view
// of the case: before is of just before the load, after of just after it, polls are
// those in between, in order. before and after may be nil: they could not be had.
func Compare(before, after *Snapshot, polls []*Snapshot, c *result.Case) result.Server {
	s := result.Server{Polls: int64(len(polls))}
	return s
}

// Failed is the result of a target that could not be read.
func Failed(t Target, err error) result.Server {
	return result.Server{URL: t.URL, Error: err.Error()}
}
