package transport_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// service is a scripted server on raw connections: what it does on one is a
// function that reads and writes as the test wants.
type service struct {
	url      string
	headRead chan struct{} // for a test that tells the service when to go on

	mu       sync.Mutex
	peers    []string // addresses from which connections came
	requests int
	conns    map[net.Conn]bool
}

// peer is the service's end of a connection.
type peer struct {
	net.Conn
	r *bufio.Reader
	s *service
	n int // number of the connection, from 1
}

// serve starts a service; it ends, and is waited for, when the test ends.
func serve(t *testing.T, handle func(p *peer)) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, "http", handle)
}

func serveOn(t *testing.T, l net.Listener, scheme string, handle func(p *peer)) *service {
	s := &service{url: scheme + "://" + l.Addr().String(), headRead: make(chan struct{}), conns: make(map[net.Conn]bool)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // no descriptors, where a test took them away
				time.Sleep(time.Millisecond)
				continue
			}
			s.mu.Lock()
			s.peers = append(s.peers, c.RemoteAddr().String())
			s.conns[c] = true
			p := &peer{Conn: c, r: bufio.NewReader(c), s: s, n: len(s.peers)}
			s.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				handle(p)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		running.Wait()
	})
	return s
}

// counts returns how many connections and requests have come.
func (s *service) counts() (connections, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.peers), s.requests
}

// request reads a request with its body; nil when the connection ended.
func (p *peer) request() *http.Request {
	r, err := http.ReadRequest(p.r)
	if err != nil {
		return nil
	}
	p.s.mu.Lock()
	p.s.requests++
	p.s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return r
}

func (p *peer) say(text string) { io.WriteString(p, text) }

// gone waits until the client has closed the connection.
func (p *peer) gone() { io.Copy(io.Discard, p.r) }

// reset ends the connection the hard way.
func (p *peer) reset() {
	p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
}

// always answers each request on a connection with the same bytes.
func always(answer string) func(p *peer) {
	return func(p *peer) {
		for p.request() != nil {
			p.say(answer)
		}
	}
}

func withLength(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// user is the side of the tests: a set of clients that must leave nothing behind.
type user struct {
	*testing.T
	clients *transport.Clients
}

func newUser(t *testing.T) *user { return newUserTo(t, nil) }

func newUserTo(t *testing.T, redirect *url.URL) *user {
	t.Helper()
	u := &user{t, transport.NewClients(redirect, nil)}
	t.Cleanup(func() {
		u.clients.Close()
		noGoroutines(t)
	})
	return u
}

// noGoroutines waits until no goroutine is in the package, or started by it.
func noGoroutines(t *testing.T) {
	t.Helper()
	var stacks string
	for range 500 {
		b := make([]byte, 1<<20)
		stacks = string(b[:runtime.Stack(b, true)])
		if !strings.Contains(stacks, "weir/runtime/transport.") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

func (u *user) client(rawURL string, o transport.Options) (*transport.Client, *url.URL) {
	u.Helper()
	c, parsed, err := u.clients.Client(rawURL, o)
	if err != nil {
		u.Fatal(err)
	}
	return c, parsed
}

// send sends a request to a URL; its Host and URI are filled in.
func (u *user) send(ctx context.Context, rawURL string, req transport.Request) (*transport.Exchange, *metrics.Record, *metrics.Error) {
	u.Helper()
	return u.sendWith(ctx, rawURL, transport.Options{}, req)
}

func (u *user) sendWith(ctx context.Context, rawURL string, o transport.Options, req transport.Request) (*transport.Exchange, *metrics.Record, *metrics.Error) {
	u.Helper()
	c, parsed := u.client(rawURL, o)
	req.URI, req.Host = parsed.RequestURI(), parsed.Host
	if req.Method == "" {
		req.Method = "POST"
	}
	rec := new(metrics.Record)
	x, failed := c.Send(ctx, &req, rec)
	if (x == nil) == (failed == nil) {
		u.Fatalf("an exchange %v and a failure %v", x, failed)
	}
	if failed != nil && rec.End.IsZero() {
		u.Error("the record of a failed request has no end")
	}
	return x, rec, failed
}

// get sends a request that must succeed, and reads all of its answer.
func (u *user) get(rawURL string, req transport.Request) (string, *metrics.Record) {
	u.Helper()
	x, rec, failed := u.send(context.Background(), rawURL, req)
	if failed != nil {
		u.Fatalf("sending failed: %v", failed)
	}
	defer x.Close()
	body, err := x.ReadAll(1 << 30)
	if err != nil {
		u.Fatalf("reading failed: %v", err)
	}
	return string(body), rec
}

// expect holds a failure against its kind and a part of its message.
func expect(t *testing.T, err error, kind, message string) {
	t.Helper()
	failed, ok := err.(*metrics.Error)
	if !ok || failed == nil {
		t.Fatalf("error %v, want %s: …%s…", err, kind, message)
	}
	if failed.Kind != kind || !strings.Contains(failed.Message, message) {
		t.Errorf("error %s: %s\nwant  %s: …%s…", failed.Kind, failed.Message, kind, message)
	}
}
