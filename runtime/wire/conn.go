package wire

import (
	"net"
	"sync/atomic"
	"time"
)

// Conn is a TCP connection whose reads are stamped. A read, a write and calls
// of Arrival may run at the same time; two reads or two writes may not. Arrival
// is for who reads: during a read of another goroutine, its fields may be of two
// reads.
type Conn struct {
	socket
	receiver // how data and stamps are taken from the kernel

	at     atomic.Int64 // arrival of the newest data, since base
	lag    atomic.Int64 // ns
	spread atomic.Int64 // ns
	reads  atomic.Uint64
	kernel atomic.Bool // at is the kernel's

	// Of the one who reads.
	clock   mapping
	filled  bool          // the newest read has filled its buffer: there may be more
	after   time.Duration // nothing that came with the newest read was there at that time, since base
	emptied time.Duration // when the newest read returned, since base
}

var _ net.Conn = (*Conn)(nil)

// ErrNothing is what Read returns in a function given to [Conn.Follow] when
// nothing has come. It is temporary, and so leaves TLS as it is.
var ErrNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing has come yet" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// New takes over an open connection, also its closing, and asks for receive
// stamps. When it fails, the connection is closed.
func New(c *net.TCPConn) (*Conn, error) {
	w := new(Conn)
	if err := w.socket.open(c); err != nil {
		return nil, err
	}
	w.receiver.open(&w.socket)
	now := time.Now()
	w.clock.look(now.UnixNano(), now.Sub(base))
	return w, nil
}

// Read reads what has arrived, and notes when that was.
func (c *Conn) Read(p []byte) (int, error) {
	n, stamp, after, err := c.receive(p)
	if n > 0 {
		c.note(stamp, time.Now(), after)
		c.filled = n == len(p)
	}
	return n, err
}

// unknown is a time after which data came, where nobody can tell.
const unknown time.Duration = -1

// note stores the arrival of the newest data: by the kernel's stamp, if there
// is one and the clocks agree on it, else now. Data comes in order, so it never
// lies before what came earlier. Nothing of it had come at the time after.
func (c *Conn) note(stamp int64, now time.Time, after time.Duration) {
	since := now.Sub(base)
	lag, kernel := c.clock.lag(stamp, now.UnixNano(), since)
	at := max(int64(since-lag), c.at.Load())
	c.at.Store(at)
	c.lag.Store(int64(lag))
	c.kernel.Store(kernel)
	// What did not fit into the buffer was there already: the kernel has merged it
	// with what did, and gives both the stamp of the newest.
	if !c.filled {
		c.reads.Add(1)
		c.after = after
		if after != unknown {
			c.after = max(after, c.emptied)
		}
	}
	c.emptied = since
	spread := time.Duration(0)
	if c.after != unknown {
		spread = max(time.Duration(at)-c.after, 0)
	}
	c.spread.Store(int64(spread))
}

// Arrival says when the data of the newest read came; the zero value before
// the first.
func (c *Conn) Arrival() Arrival {
	n := c.reads.Load()
	if n == 0 {
		return Arrival{}
	}
	return Arrival{
		At:     base.Add(time.Duration(c.at.Load())),
		Lag:    time.Duration(c.lag.Load()),
		Spread: time.Duration(c.spread.Load()),
		Kernel: c.kernel.Load(),
		Read:   n,
	}
}
