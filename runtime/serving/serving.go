// Package serving reads what inference servers say of themselves on their pages of
// metrics, and sets it beside what the client saw.
//
// The way of a page: [Scrape] fetches it, package prom parses it, the table of its
// server (tables.go) tells what its names mean (read.go), and a [Snapshot] keeps what
// is known of it. [Compare] subtracts two snapshots, one of just before a case and
// one of just after it (compare.go, percentile.go). What a server does not tell is
// absent, never 0.
//
// It decides nothing about when pages are fetched; package telemetry does.
package serving

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// Target is a page of metrics. Any goroutine may use it.
type Target struct {
	URL   string                                    // as it is shown: no secrets
	Model string                                    // that is asked for: of a page with several, its series are read; "": all of them
	Fetch func(ctx context.Context) ([]byte, error) // the page
}

// Request is how a page is asked for, besides its URL.
type Request struct {
	Options transport.Options
	Headers []transport.Header
	Signer  transport.Signer
	Model   string
}

// How long a page may take where the caller does not say, and how large it may be.
const (
	fetchLimit = 10 * time.Second
	pageLimit  = 16 << 20
)

// At makes a target of a URL; clients is what the run sends its other requests with.
// A page is fetched on a connection of its own, so that the load keeps those that it has.
func At(clients *transport.Clients, rawURL string, r Request) (Target, error) {
	client, u, err := clients.Client(rawURL, r.Options)
	if err != nil {
		return Target{}, fmt.Errorf("page of server metrics: %w", err)
	}
	headers := append([]transport.Header{{Name: "Accept", Value: "text/plain"}}, r.Headers...)
	return Target{URL: Shown(u), Model: r.Model, Fetch: func(ctx context.Context) ([]byte, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, fetchLimit)
			defer cancel()
		}
		began := time.Now()
		a, failed := client.Fetch(ctx, &transport.Request{
			Method: http.MethodGet, URI: u.RequestURI(), Host: u.Host, Header: headers, Close: true,
			Signer: r.Signer,
		}, pageLimit+1)
		switch {
		case failed != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, there{fmt.Errorf("it has not come within %s", time.Since(began).Round(10*time.Millisecond))}
		case failed != nil && ctx.Err() != nil:
			return nil, there{ctx.Err()}
		}
		return a.Body, problem(a, failed)
	}}, nil
}

// Shown is a URL without a user, a password or a query.
func Shown(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	return shown.String()
}

func problem(a transport.Answer, failed *metrics.Error) error {
	switch {
	case failed != nil:
		err := fmt.Errorf("%s: %s", failed.Kind, failed.Message)
		if strings.Contains(failed.Kind, "timeout") {
			return there{err}
		}
		return err
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return there{fmt.Errorf("the answer is status %d %s (a page is asked for as the endpoint on its host is; others get no keys)", a.Status, http.StatusText(a.Status))}
	case a.Status >= http.StatusInternalServerError:
		return there{fmt.Errorf("the answer is status %d %s", a.Status, http.StatusText(a.Status))}
	case a.Status != http.StatusOK:
		return fmt.Errorf("the answer is status %d %s", a.Status, http.StatusText(a.Status))
	case len(a.Body) > pageLimit:
		return there{fmt.Errorf("it is larger than %d MiB", pageLimit>>20)}
	}
	return nil
}

// there is the failure of a page that is there: no hint of where pages are.
type there struct{ error }

// hint is what to do about a page that is not there.
const hint = "vLLM (unless --disable-log-stats), TGI and LMDeploy serve /metrics by default; SGLang needs --enable-metrics, llama.cpp --metrics, " +
	"MindIE MIES_SERVICE_MONITOR_MODE=1 (on its metricsPort), TensorRT-LLM has /prometheus/metrics, Triton port 8002; name another page with metricsUrl or --metrics-url"

// Scrape fetches a page and reads it. The error says what was asked, what came, and
// what to do about it.
func Scrape(ctx context.Context, t Target) (*Snapshot, error) {
	began := time.Now()
	page, err := t.Fetch(ctx)
	took := time.Since(began)
	var s *Snapshot
	if err == nil {
		s, err = read(page, t.Model)
	}
	switch {
	case errors.As(err, new(there)):
		return nil, fmt.Errorf("page of server metrics %s: %w", t.URL, err)
	case err != nil:
		return nil, fmt.Errorf("page of server metrics %s: %w (%s)", t.URL, err, hint)
	}
	s.URL, s.At = t.URL, began.Add(took/2)
	return s, nil
}

// How long a server may take to count the requests that have ended, and how often
// it is looked at meanwhile.
const (
	idleWithin = time.Second
	idleEvery  = 50 * time.Millisecond
)

// ScrapeIdle is Scrape for just after a load: once the server says that it has no more
// requests, at the latest after a second. The client may have the end of an answer
// before the server has counted it.
func ScrapeIdle(ctx context.Context, t Target) (*Snapshot, error) {
	until := time.Now().Add(idleWithin)
	s, err := Scrape(ctx, t)
	for err == nil && s.gauges[Running]+s.gauges[Waiting] > 0 && !time.Now().After(until) {
		select {
		case <-ctx.Done():
			return s, nil
		case <-time.After(idleEvery):
		}
		next, failed := Scrape(ctx, t)
		if failed != nil {
			return s, nil // an old page is better than none
		}
		s = next
	}
	return s, err
}
