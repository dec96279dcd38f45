package llm

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/script"
	"weir/runtime/serving"
	"weir/runtime/transport"
)

// pages are the pages of server metrics that an endpoint names.
type pages struct {
	none bool // not even when those of all endpoints are asked for
	own  bool // of the hosts that it sends to
	urls []string
}

// set is the option metricsUrl.
func (p *pages) set(v goja.Value) error {
	if yes, ok := script.Export(v).(bool); ok {
		p.own, p.none = yes, !yes
		return nil
	}
	if err := texts(&p.urls)(v); err != nil {
		return errors.New(`it is neither true (the base URL + /metrics), false, a URL nor a list of URLs`)
	}
	return nil
}

// metricsPage is a page that an endpoint has.
type metricsPage struct {
	url   string // as it was given; it may have secrets
	asked bool   // by the script; otherwise it is read when all endpoints' pages are asked for
	serving.Target
}

// notePages keeps the pages of an endpoint that sends to raw, which are its requests'
// URLs as they are (verbatim), or their bases.
func (m *Module) notePages(e *endpoint, named pages, raw []string, verbatim bool, options transport.Options) error {
	if named.none {
		return nil
	}
	from := m.sender(e, raw, options)
	urls, asked := named.urls, true
	if len(urls) == 0 {
		asked = named.own
		for _, r := range raw {
			u, err := url.Parse(r)
			if err != nil { // aim has used it
				return err
			}
			urls = append(urls, metricsURL(baseOf(u, e.backend.path, verbatim), e.backend.name))
		}
	}
	for _, u := range urls {
		r := from.request(u)
		r.Model = e.model
		t, err := serving.At(m.clients, u, r)
		if err != nil {
			return fmt.Errorf("option metricsUrl: %w", err)
		}
		m.notePage(metricsPage{u, asked, t})
	}
	return nil
}

func (m *Module) notePage(p metricsPage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.pages, func(other metricsPage) bool { return other.url == p.url }); i >= 0 {
		m.pages[i].asked = m.pages[i].asked || p.asked
		if m.pages[i].Model != p.Model {
			m.pages[i].Model = "" // both
		}
		return
	}
	m.pages = append(m.pages, p)
}

// sender is what an endpoint's requests carry, and where they go.
type sender struct {
	to []string
	serving.Request
}

// sender is an endpoint's, of those that send to the same places the first one's.
func (m *Module) sender(e *endpoint, to []string, o transport.Options) sender {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.senders, func(other sender) bool { return slices.Equal(other.to, to) }); i >= 0 {
		return m.senders[i]
	}
	s := sender{to, serving.Request{Options: o, Signer: e.signer}}
	for _, h := range e.headers {
		if !strings.EqualFold(h.Name, "Content-Type") {
			s.Headers = append(s.Headers, h)
		}
	}
	m.senders = append(m.senders, s)
	return s
}

// request is what a page is asked for with: all that the endpoint's requests carry,
// unless it is on another host, or not encrypted as they are: that gets nothing that
// proves who asks.
func (s *sender) request(page string) serving.Request {
	if s.reaches(page) {
		return s.Request
	}
	o := s.Options
	return serving.Request{Options: transport.Options{Insecure: o.Insecure, CA: o.CA, Proxy: o.Proxy}}
}

// reaches tells whether the sender's requests go to the host of a URL, no better encrypted.
func (s *sender) reaches(page string) bool {
	host, encrypted := hostOf(page)
	return slices.ContainsFunc(s.to, func(to string) bool {
		same, wanted := hostOf(to)
		return same == host && (encrypted || !wanted)
	})
}

func hostOf(raw string) (host string, encrypted bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", false
	}
	return strings.ToLower(u.Hostname()), strings.EqualFold(u.Scheme, "https")
}

// baseOf is what a service's other paths are added to, of one of its URLs.
func baseOf(u *url.URL, path string, verbatim bool) *url.URL {
	base := *u
	if verbatim {
		base.RawPath = ""
		base.Path = strings.TrimSuffix(base.Path, path) // a gateway's own path may come before it
		if base.Path == u.Path {
			base.Path = ""
		}
	}
	return &base
}

// metricsPorts are the ports of servers that serve their metrics on another one than
// their requests, by backend and the requests' usual port.
var metricsPorts = map[string]map[string]string{
	"triton": {"8000": "8002"},
	"trt":    {"8000": "8002"},
	"mindie": {"1025": "1027"},
}

// metricsURL is where a server has its metrics.
func metricsURL(base *url.URL, backend string) string {
	u := *base
	if port, other := metricsPorts[backend][u.Port()]; other {
		u.Host = strings.TrimSuffix(u.Host, u.Port()) + port
		u.Path, u.RawPath = "", ""
	}
	trimmed := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/v1") // it is none of the API's paths
	u.Path, u.RawPath = "", ""
	return u.JoinPath(trimmed, "metrics").String()
}

// MetricsTargets are the pages of server metrics to be read: those that the script's
// endpoints name (metricsUrl), and those of urls, where "auto" stands for the pages of
// all endpoints. A URL on the host of an endpoint is asked for with what its requests
// carry. Each page is there once. Any goroutine may call it, once the script is loaded.
func (m *Module) MetricsTargets(urls ...string) ([]serving.Target, error) {
	m.mu.Lock()
	known, senders := slices.Clone(m.pages), slices.Clone(m.senders)
	m.mu.Unlock()
	auto := slices.Contains(urls, "auto")
	var targets []serving.Target
	add := func(t serving.Target) {
		if !slices.ContainsFunc(targets, func(other serving.Target) bool { return other.URL == t.URL }) {
			targets = append(targets, t)
		}
	}
	for _, p := range known {
		if p.asked || auto {
			add(p.Target)
		}
	}
	for _, u := range urls {
		if u == "auto" {
			continue
		}
		var r serving.Request
		if i := slices.IndexFunc(senders, func(s sender) bool { return s.reaches(u) }); i >= 0 {
			r = senders[i].request(u)
		}
		t, err := serving.At(m.clients, u, r)
		if err != nil {
			return nil, err
		}
		add(t)
	}
	return targets, nil
}
