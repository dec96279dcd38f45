package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/access"
	"weir/runtime/metrics"
)

// Clients holds the clients of a run: one for each service and way of reaching
// it, so that equal endpoints share their connections. It may be used by
// several goroutines.
type Clients struct {
	redirect *url.URL // every client connects here instead; nil: nowhere else
	sources  sources

	access *access.Access // nil: everything is allowed; set before there are clients

	mu     sync.Mutex // protects the following fields
	byKey  map[clientKey]*Client
	closed bool
}

// Sender is a module of scripts that sends its requests through the clients of the run,
// and so where --sim redirects them, from the addresses of --source-ip, and to hosts that
// the run allows. UseClients is called once, before anything else.
type Sender interface {
	UseClients(*Clients)
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

// Limit lets a say which hosts may be connected to, and which files options may name; to
// where requests are redirected they always may go. It is called before any client is made.
func (cs *Clients) Limit(a *access.Access) { cs.access = a }

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
// Only the scheme, host and port, and the options, choose the client. The error
// says which of these cannot be, such as a file that is not there; it has no
// password in it.
func (cs *Clients) Client(rawURL string, o Options) (*Client, *url.URL, error) {
	u, err := serviceURL(rawURL)
	if err != nil {
		return nil, nil, err
	}
	if cs.redirect != nil {
		u.Scheme, u.Host = cs.redirect.Scheme, cs.redirect.Host
		o.Proxy = ""
	}
	key := clientKey{scheme: u.Scheme, addr: Address(u), Options: o}

	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c, ok := cs.byKey[key]; ok {
		return c, u, nil
	}
	allowed, err := cs.allow(key)
	if err != nil {
		return nil, nil, err
	}
	c, err := newClient(cs, allowed)
	if err != nil {
		return nil, nil, err
	}
	cs.byKey[key] = c
	return c, u, nil
}

// allow says whether a client may be made, with the files of its options where they are.
// cs.mu is held.
func (cs *Clients) allow(key clientKey) (clientKey, error) {
	for option, file := range map[string]*string{"ca": &key.CA, "clientCert": &key.ClientCert, "clientKey": &key.ClientKey} {
		if *file == "" || cs.access == nil {
			continue
		}
		abs, err := cs.access.Read(*file)
		if err != nil {
			return key, fmt.Errorf("option %s: %w", option, err)
		}
		*file = access.As(*file, abs)
	}
	if cs.redirect != nil {
		return key, nil
	}
	return key, cs.access.Host(key.addr)
}

// Client sends requests to one service. It may be used by several goroutines.
type Client struct {
	set   *Clients
	addr  string
	tls   *tls.Config // with the service; nil: plain HTTP
	proxy *proxy      // on the way there; nil: none
	base  string      // goes before the path in request lines: of a request in absolute form, scheme and host
	pool  pool
	keeps atomic.Int64 // some of its requests use kept connections, of which each may take so long to open, ns; 0: none does
}

// newClient is called with cs.mu held.
func newClient(cs *Clients, key clientKey) (*Client, error) {
	c := &Client{set: cs, addr: key.addr}
	c.pool.closed = cs.closed
	var roots *x509.CertPool
	var err error
	if key.scheme == "https" || key.Proxy != "" {
		if roots, err = loadRoots(key.CA); err != nil {
			return nil, err
		}
	}
	if key.scheme == "https" {
		host, _, _ := net.SplitHostPort(key.addr)
		if c.tls, err = key.tlsConfig(host, roots); err != nil {
			return nil, err
		}
	}
	if c.proxy, err = newProxy(key.Proxy, &url.URL{Scheme: key.scheme, Host: key.addr}, roots); err != nil {
		return nil, err
	}
	if c.proxy != nil && key.Proxy != FromEnvironment {
		if err := cs.access.Host(c.proxy.addr); err != nil {
			return nil, fmt.Errorf("option proxy: %w", err)
		}
	}
	if c.forwards() {
		c.base = "http://" + strings.TrimSuffix(key.addr, ":80")
	}
	return c, nil
}

// Apart is a client of the same service with connections of its own, for requests
// whose connections shall not be the load's. Whoever has it closes it.
func (c *Client) Apart() *Client {
	return &Client{set: c.set, addr: c.addr, tls: c.tls, proxy: c.proxy, base: c.base}
}

// Close closes the kept connections.
func (c *Client) Close() { c.pool.close() }

// forwards tells whether requests are sent to a proxy in absolute form, for it to
// send them on; otherwise what is written goes to the service as it is.
func (c *Client) forwards() bool { return c.proxy != nil && c.tls == nil }

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
	conn, failed = c.dial(ctx, limit)
	return conn, false, failed
}
