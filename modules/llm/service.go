package llm

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// Service is a place that endpoints of the script send to, for those who ask it
// about itself. Its fields do not change; any goroutine may use it.
type Service struct {
	// URL is the base that paths are added to, without a user, a password or a query:
	// it may be shown.
	URL string

	Backend string // name of the first endpoint's backend
	Model   string // that the first endpoint asks for; "": none, or several in turn

	base    *url.URL
	client  *transport.Client
	headers []transport.Header // of the first endpoint's requests
	signer  transport.Signer
	secrets []string
}

// noteService keeps where an endpoint sends to.
func (m *Module) noteService(e *endpoint, t *target, verbatim bool) {
	base := *t.base
	if verbatim {
		base.RawPath = ""
		base.Path = strings.TrimSuffix(base.Path, e.backend.path) // a gateway's own path may come before it
		if base.Path == t.base.Path {
			base.Path = ""
		}
	}
	s := &Service{Backend: e.backend.name, Model: e.model, base: &base, client: t.client, headers: e.headers, signer: e.signer, secrets: e.secrets}
	shown := base
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	s.URL = shown.String()

	m.mu.Lock()
	defer m.mu.Unlock()
	same := func(other *Service) bool { return other.base.String() == base.String() && other.client == t.client }
	if !slices.ContainsFunc(m.services, same) {
		m.services = append(m.services, s)
	}
}

// Services are the places that the script's endpoints send to, in the order in which
// they were named first. Any goroutine may call it, at any time.
func (m *Module) Services() []*Service {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.services)
}

// Fetch asks the service for a path, such as "/version", with the headers of the first
// endpoint's requests, and reads at most limit bytes of the answer. The error is nil
// when an answer came, whatever its status.
func (s *Service) Fetch(ctx context.Context, method, path string, body []byte, limit int64) (transport.Answer, *metrics.Error) {
	wait := 10 * time.Second
	if until, bounded := ctx.Deadline(); bounded {
		wait = time.Until(until)
	}
	return s.client.Fetch(ctx, &transport.Request{
		Method: method, URI: join(s.base, path).RequestURI(), Host: s.base.Host, Header: s.headers, Body: body,
		Limits: transport.Limits{Connect: wait, Total: wait}, Signer: s.signer,
	}, limit)
}
