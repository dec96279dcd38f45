package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"os"
	"time"

	"weir/runtime/metrics"
)

// connection is a connection to a service. It is used by one request at a time.
type connection struct {
	net.Conn // the TLS layer, or wire itself
	wire     *wire

	dns, connect, tls time.Duration // what opening it took

	used      bool      // it has carried a request
	keptSince time.Time // when it was last given back
	received  int64     // bytes that it has brought, without those of TLS itself
	readErr   error     // what ended its reading, before anybody dressed it up
	broken    bool      // a write failed
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received += int64(n)
	if err != nil {
		c.readErr = err
	}
	return n, err
}

func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken = true
	}
	return n, err
}

// close ends the connection. TLS says goodbye only where that cannot block.
func (c *connection) close() {
	if c.broken || c.readErr != nil {
		c.wire.Close()
		return
	}
	c.Conn.Close()
}

// arrival is what has come on a connection on which nothing was expected.
type arrival uint8

const (
	nothing arrival = iota
	data
	closed
)

// alive tells whether a kept connection can carry another request: the service
// has neither closed it nor sent anything unasked.
func (c *connection) alive() bool {
	switch c.wire.look() {
	case nothing:
		return true
	case data:
		return c.Conn != net.Conn(c.wire) && c.takeTickets()
	}
	return false
}

// takeTickets lets TLS read what has come between two requests. Session tickets
// are welcome; a goodbye, an end or data are not. What has come is there
// already, so the wait is short.
func (c *connection) takeTickets() bool {
	now := time.Now()
	c.wire.limit(now, 0, now.Add(time.Millisecond))
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	c.wire.limit(now, 0, time.Time{})
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// wire is the TCP connection under a connection: it stamps and counts what
// arrives, and keeps the time limits of reading.
type wire struct {
	*net.TCPConn
	lastRead time.Time // arrival of the newest data
	reads    uint64    // reads that brought data
	in, out  int64     // bytes

	since time.Time     // when the limits were set
	idle  time.Duration // limit between two reads; 0: none
	total time.Time     // limit of all reads; zero: none
	armed time.Time     // the read deadline in force
}

// Read reads what has arrived and stamps it.
func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.TCPConn.Read(p)
		if n > 0 {
			w.lastRead = time.Now()
			w.reads++
			w.in += int64(n)
		} else if errors.Is(err, os.ErrDeadlineExceeded) && w.extend() {
			continue
		}
		return n, err
	}
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.TCPConn.Write(p)
	w.out += int64(n)
	return n, err
}

// limit sets the limits of the next reads: idle from now on, renewed by data,
// and never past total.
func (w *wire) limit(now time.Time, idle time.Duration, total time.Time) {
	w.since, w.idle, w.total = now, idle, total
	w.arm(now)
}

// extend moves a deadline that has passed when data came after it was set, and
// tells whether it did. Setting a deadline costs as much as a small read: so it
// is not moved at each of them, but here.
func (w *wire) extend() bool {
	if w.idle <= 0 || !w.lastRead.After(w.since) {
		return false
	}
	w.arm(w.lastRead)
	return time.Now().Before(w.armed)
}

// arm makes the idle limit count from a time.
func (w *wire) arm(from time.Time) {
	deadline := w.total
	if w.idle > 0 {
		if d := from.Add(w.idle); deadline.IsZero() || d.Before(deadline) {
			deadline = d
		}
	}
	if deadline.Equal(w.armed) {
		return
	}
	w.armed = deadline
	w.SetReadDeadline(deadline)
}

// dial opens a connection, and times what that takes. A name lookup, TCP and
// TLS together have the time limit.
func dial(parent context.Context, addr string, limit time.Duration, tlsConfig *tls.Config) (*connection, *metrics.Error) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()

	var dnsStart, dnsDone time.Time
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { dnsStart = time.Now() },
		DNSDone:  func(httptrace.DNSDoneInfo) { dnsDone = time.Now() },
	})
	start := time.Now()
	raw, err := new(net.Dialer).DialContext(traced, "tcp", addr)
	connected := time.Now()
	if err != nil {
		return nil, dialFault(parent, addr, limit, err)
	}
	w := &wire{TCPConn: raw.(*net.TCPConn)}
	c := &connection{Conn: w, wire: w, connect: connected.Sub(start)}
	if !dnsStart.IsZero() && !dnsDone.IsZero() {
		c.dns = dnsDone.Sub(dnsStart)
		c.connect -= c.dns
	}
	if tlsConfig == nil {
		return c, nil
	}
	layer := tls.Client(w, tlsConfig)
	if err := layer.HandshakeContext(ctx); err != nil {
		w.Close()
		return nil, tlsFault(parent, addr, limit, err)
	}
	c.Conn = layer
	c.tls = time.Since(connected)
	return c, nil
}
