// Package exporter reads devices from a page of Prometheus metrics: of Huawei's
// npu-exporter, NVIDIA's DCGM exporter, or AMD's device metrics exporter.
//
// Which of them a page is of, its content tells (kinds.go). A page has the devices of
// one host. Where its samples have times of their own, a reading has the newest of
// them: npu-exporter shows what it read up to some seconds ago. The others read when
// they are asked, or shortly before, and do not say.
package exporter

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"weir/runtime/device"
	"weir/runtime/prom"
	"weir/runtime/transport"
)

const (
	pageLimit  = 16 << 20         // bytes; a page of 16 NPUs with all groups has 1 MB
	fetchLimit = 10 * time.Second // of a page when the context has no end
	// oldest is how far back a sample's own time is believed. Further back, the other
	// host's clock is a different one, and the time of the call is the better one.
	oldest = 30 * time.Second
	// frozen is for how long the samples' own times may stand still.
	frozen = time.Minute
)

// Source is a page. It is a [device.Source].
type Source struct {
	name, host string
	fetch      func(ctx context.Context) (transport.Answer, error)

	newest int64     // time of the newest sample so far, ms; 0: none has one
	moved  time.Time // when that came
}

// New makes a source of a page. clients must not be redirected: no simulator stands in
// for an exporter.
func New(page string, clients *transport.Clients) (*Source, error) {
	client, u, err := clients.Client(page, transport.Options{})
	if err != nil {
		return nil, err
	}
	if u.Path == "" {
		u.Path = "/metrics"
	}
	request := transport.Request{
		Method: http.MethodGet, URI: u.RequestURI(), Host: u.Host,
		Header: []transport.Header{{Name: "Accept", Value: "text/plain;version=0.0.4"}},
	}
	fetch := func(ctx context.Context) (transport.Answer, error) {
		wait := fetchLimit
		if until, bounded := ctx.Deadline(); bounded {
			wait = time.Until(until)
		}
		r := request
		r.Limits = transport.Limits{Connect: wait, Total: wait}
		answer, failed := client.Fetch(ctx, &r, pageLimit+1)
		if failed != nil {
			return answer, failed
		}
		return answer, nil
	}
	u.Fragment = ""
	return &Source{name: transport.HideQuery(u.String()), host: hostOf(u.Hostname()), fetch: fetch}, nil
}

// hostOf is "" for this machine itself.
func hostOf(name string) string {
	if ip, err := netip.ParseAddr(name); err == nil && ip.IsLoopback() || strings.EqualFold(name, "localhost") {
		return ""
	}
	if ip := net.ParseIP(name); ip != nil {
		return ip.String()
	}
	return name
}

// Name is the page's URL, without what may be secret in it.
func (s *Source) Name() string { return s.name }

// List tells which devices there are.
func (s *Source) List(ctx context.Context) (device.Listing, error) {
	p, _, err := s.read(ctx)
	if err != nil {
		return device.Listing{}, err
	}
	l := device.Listing{Unread: p.unread}
	for _, c := range p.chips {
		c.device.Host, c.device.Source = s.host, s.name
		l.Devices = append(l.Devices, c.device)
	}
	return l, nil
}

// Read takes one reading of all devices.
func (s *Source) Read(ctx context.Context) (device.Reading, error) {
	started := time.Now()
	p, ended, err := s.read(ctx)
	if err != nil {
		return device.Reading{}, err
	}
	r := device.Reading{Source: s.name, Host: s.host, Took: ended.Sub(started), Unread: p.unread}
	r.At = started.Add(r.Took / 2)
	if p.newest > 0 {
		if p.newest != s.newest {
			s.newest, s.moved = p.newest, ended
		} else if still := ended.Sub(s.moved); still > frozen {
			return device.Reading{}, fmt.Errorf("read devices from %s: its values have not changed their time (%s) for %s: the exporter answers, but reads its devices no more; restart it, or look into its log",
				s.name, time.UnixMilli(p.newest).UTC().Format(time.RFC3339), still.Round(time.Second))
		}
		if at := time.UnixMilli(p.newest); at.After(ended.Add(-oldest)) && !at.After(ended) {
			// Of the two clocks of started, the samples' times know the wall one.
			r.At = ended.Add(-ended.Round(0).Sub(at))
		}
	}
	for _, c := range p.chips {
		r.Devices = append(r.Devices, c.values)
	}
	return r, nil
}

// read fetches the page and reads it; ended is when it had come.
func (s *Source) read(ctx context.Context) (p page, ended time.Time, err error) {
	fail := func(format string, args ...any) (page, time.Time, error) {
		return page{}, ended, fmt.Errorf("read devices from %s: "+format, append([]any{s.name}, args...)...)
	}
	answer, err := s.fetch(ctx)
	ended = time.Now()
	switch {
	case err != nil:
		return fail("%w; is the exporter running, and reachable from here?", err)
	case answer.Status != http.StatusOK:
		return fail("the answer is HTTP %d; exporters serve their page under /metrics: npu-exporter on port 8082, the DCGM exporter on 9400, AMD's on 5000", answer.Status)
	case len(answer.Body) > pageLimit:
		return fail("the page has more than %d MiB, which no exporter's has; give the exporter's own URL", pageLimit>>20)
	}
	families, unread, err := prom.Parse(answer.Body)
	if err != nil {
		return fail("%w; exporters serve their page under /metrics", err)
	}
	if p, err = parse(families); err != nil {
		return fail("%w", err)
	}
	p.unread = unread
	return p, ended, nil
}
