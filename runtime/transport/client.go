package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/metrics"
)

// Clients holds the clients of a run: one for each service and way of reaching
// it, so that equal endpoints share their connections. It may be used by
// several goroutines.
type Clients struct {
	redirect *url.URL // every client connects here instead; nil: nowhere else
	sources  sources

	mu     sync.Mutex // protects the following fields
	byKey  map[clientKey]*Client
	closed bool
}

// Options are the ways of reaching a service that need a client of their own.
type Options struct {
	Insecure bool // do not verify the service's certificate
}

type clientKey struct {
	scheme, addr string
	Options
}

// NewClients returns an empty set. When redirect is not nil, all clients
// connect to that service, whatever URL they are asked for: so a run can be
// played against the simulator. Connections are made from the local addresses
// of from in rotation, of which each must be one of [CheckSources]; nil leaves
// that to the system.
func NewClients(redirect *url.URL, from []netip.Addr) *Clients {
	return &Clients{redirect: redirect, sources: sources{addrs: from}, byKey: make(map[clientKey]*Client)}
}

// Close closes the kept connections. A request that is still under way loses
// its connection when it has ended; its context ends it earlier.
func (cs *Clients) Close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, c := range cs.byKey {
		c.pool.close()
	}
}

// Client returns the client for a URL, and the URL as it must be requested.
// Only the scheme, host and port choose the client.
func (cs *Clients) Client(rawURL string, o Options) (*Client, *url.URL, error) {
	u, err := ParseURL(rawURL)
	if err != nil {
		return nil, nil, err
	}
	if cs.redirect != nil {
		u.Scheme, u.Host = cs.redirect.Scheme, cs.redirect.Host
	}
	key := clientKey{scheme: u.Scheme, addr: hostPort(u), Options: o}

	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c, ok := cs.byKey[key]; ok {
		return c, u, nil
	}
	c := newClient(cs, key)
	cs.byKey[key] = c
	return c, u, nil
}

// ParseURL reads the address of a service: http or https, with a host.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	var syntax *url.Error
	switch {
	case err != nil && strings.Contains(err.Error(), "first path segment in URL cannot contain colon"),
		err == nil && u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is not a URL that can be requested: it must begin with http:// or https://", raw)
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%q is not a URL: %w", raw, syntax.Err)
	case err != nil:
		return nil, fmt.Errorf("%q is not a URL: %w", raw, err)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", raw)
	}
	return u, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Client sends requests to one service. It may be used by several goroutines.
type Client struct {
	set   *Clients
	addr  string
	tls   *tls.Config // nil: plain HTTP
	pool  pool
	keeps atomic.Int64 // some of its requests use kept connections, of which each may take so long to open, ns; 0: none does
}

// newClient is called with cs.mu held.
func newClient(cs *Clients, key clientKey) *Client {
	c := &Client{set: cs, addr: key.addr}
	c.pool.closed = cs.closed
	if key.scheme == "https" {
		host, _, _ := net.SplitHostPort(key.addr)
		c.tls = &tls.Config{
			ServerName:         host,
			InsecureSkipVerify: key.Insecure,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
			NextProtos:         []string{"http/1.1"},
		}
	}
	return c
}

// acquire takes a kept connection that is still alive, or opens one; with
// fresh, it always opens one.
func (c *Client) acquire(ctx context.Context, limit time.Duration, fresh bool) (conn *connection, kept bool, failed *metrics.Error) {
	if !fresh {
		if conn := c.pool.take(); conn != nil {
			return conn, true, nil
		}
	}
	if limit <= 0 {
		limit = DefaultConnectLimit
	}
	conn, failed = dial(ctx, &c.set.sources, c.addr, limit, c.tls)
	return conn, false, failed
}
