package llm

import (
	"context"
	"net/url"
	"slices"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/serving"
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
	base := *baseOf(t.base, e.backend.path, verbatim)
	s := &Service{Backend: e.backend.name, Model: e.model, base: &base, client: t.client, headers: e.headers, signer: e.signer, secrets: e.secrets}
	s.URL = serving.Shown(&base)

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
	return s.client.Fetch(ctx, s.Request(ctx, method, path, body), limit)
}

// Request is a request to a path, as Fetch sends it: it may take until the end of ctx,
// and 10 s where that has none.
func (s *Service) Request(ctx context.Context, method, path string, body []byte) *transport.Request {
	wait := 10 * time.Second
	if until, bounded := ctx.Deadline(); bounded {
		wait = time.Until(until)
	}
	return &transport.Request{
		Method: method, URI: join(s.base, path).RequestURI(), Host: s.base.Host, Header: s.headers, Body: body,
		Limits: transport.Limits{Connect: wait, Total: wait}, Signer: s.signer,
	}
}

// Apart is a client for requests whose connections shall not be the load's. Whoever has
// it closes it.
func (s *Service) Apart() *transport.Client { return s.client.Apart() }

// Redact takes the secrets of the service's requests out of a text that it has sent.
func (s *Service) Redact(text string) string { return transport.Redact(text, s.headers, s.secrets...) }
