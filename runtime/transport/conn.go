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
	"weir/runtime/wire"
)

// connection is a connection to a service. It is used by one request at a time.
type connection struct {
	net.Conn // the TLS layer (above that of an https proxy, perhaps), or line itself
	line     *line

	dns, connect, tls time.Duration // what opening it took

	used        bool      // it has carried a request
	retransmits int       // by TCP, until its last request ended
	keptSince   time.Time // when it was last given back
	received    int64     // bytes that it has brought, without those of TLS itself
	readErr     error     // what ended its reading, before anybody dressed it up
	paused      bool      // the last read found nothing, in the midst of a Follow
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received += int64(n)
	c.paused = n == 0 && err == wire.ErrNothing
	if err != nil && err != wire.ErrNothing {
		c.readErr = err
	}
	return n, err
}

// close ends the connection. TLS says goodbye only where that cannot block.
func (c *connection) close() {
	if c.line.broken || c.readErr != nil {
		c.line.Close()
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
	switch c.line.look() {
	case nothing:
		return true
	case data:
		return c.Conn != net.Conn(c.line) && c.takeTickets()
	}
	return false
}

// takeTickets lets TLS read what has come between two requests. Session tickets
// are welcome; a goodbye, an end or data are not.
func (c *connection) takeTickets() bool {
	c.line.noWait = true
	defer func() { c.line.noWait = false }()
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// line is the TCP connection under a connection: it counts what goes over it,
// and keeps the time limits of reading.
type line struct {
	*wire.Conn
	in, out int64 // bytes
	stamp   bool  // the next write is one whose moment is wanted
	noWait  bool  // a read for which nothing has come is over its limit
	broken  bool  // a write failed

	since time.Time     // when the limits were set
	idle  time.Duration // limit between two reads; 0: none
	total time.Time     // limit of all reads; zero: none
	armed time.Time     // the read deadline in force
}

func (l *line) Read(p []byte) (int, error) {
	for {
		if l.noWait && l.look() == nothing {
			return 0, os.ErrDeadlineExceeded
		}
		n, err := l.Conn.Read(p)
		if n > 0 {
			l.in += int64(n)
		} else if errors.Is(err, os.ErrDeadlineExceeded) && l.extend() {
			continue
		}
		return n, err
	}
}

func (l *line) Write(p []byte) (n int, err error) {
	if l.stamp {
		l.stamp = false
		n, err = l.WriteStamped(p)
	} else {
		n, err = l.Conn.Write(p)
	}
	l.out += int64(n)
	l.broken = l.broken || err != nil
	return n, err
}

// limit sets the limits of the next reads: idle from now on, renewed by data,
// and never past total.
func (l *line) limit(now time.Time, idle time.Duration, total time.Time) {
	l.since, l.idle, l.total = now, idle, total
	l.arm(now)
}

// extend moves a deadline that has passed when data came after it was set, and
// tells whether it did. Setting a deadline costs as much as a small read: so it
// is not moved at each of them, but here.
func (l *line) extend() bool {
	if l.idle <= 0 {
		return false
	}
	now := time.Now()
	if last := l.Arrival().At; last.After(l.since) {
		l.arm(last)
	}
	// It may be this process that has stood still: what waits to be read was in time.
	if !now.Before(l.armed) && l.look() == data {
		l.arm(now)
	}
	return now.Before(l.armed)
}

// arm makes the idle limit count from a time.
func (l *line) arm(from time.Time) {
	deadline := l.total
	if l.idle > 0 {
		if d := from.Add(l.idle); deadline.IsZero() || d.Before(deadline) {
			deadline = d
		}
	}
	if deadline.Equal(l.armed) {
		return
	}
	l.armed = deadline
	l.SetReadDeadline(deadline)
}

// dial opens a connection, and times what that takes. A name lookup, TCP, what a
// proxy does and TLS together have the time limit. With a proxy, the lookup is
// that of its name, and what it does counts as connecting.
func (c *Client) dial(parent context.Context, limit time.Duration) (*connection, *metrics.Error) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	to, addr := "", c.addr
	if c.proxy != nil {
		to, addr = "the proxy ", c.proxy.addr
	}

	var dnsStart, dnsDone time.Time
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { dnsStart = time.Now() },
		DNSDone:  func(httptrace.DNSDoneInfo) { dnsDone = time.Now() },
	})
	if err := c.set.access.Connect(addr); err != nil {
		return nil, &metrics.Error{Kind: "connect", Message: err.Error()}
	}
	start := time.Now()
	raw, err := c.set.sources.dial(traced, addr)
	connected := time.Now()
	var stamped *wire.Conn
	if err == nil {
		stamped, err = wire.New(raw)
	}
	if err == nil {
		if err = leavesSpare(stamped); err != nil {
			stamped.Close()
		}
	}
	if err != nil {
		return nil, dialFault(parent, to, addr, limit, err)
	}
	l := &line{Conn: stamped}
	conn := &connection{Conn: l, line: l}
	if c.proxy != nil {
		service := c.addr
		if c.forwards() {
			service = ""
		}
		if failed := c.proxy.join(parent, ctx, conn, service, limit); failed != nil {
			return nil, failed
		}
		connected = time.Now()
	}
	conn.connect = connected.Sub(start)
	if !dnsStart.IsZero() && !dnsDone.IsZero() {
		conn.dns = dnsDone.Sub(dnsStart)
		conn.connect -= conn.dns
	}
	if c.tls == nil {
		return conn, nil
	}
	layer := tls.Client(conn.Conn, c.tls)
	if err := layer.HandshakeContext(ctx); err != nil {
		l.Close()
		return nil, tlsFault(parent, c.addr, limit, err, untrusted(err))
	}
	conn.Conn = layer
	conn.tls = time.Since(connected)
	return conn, nil
}
