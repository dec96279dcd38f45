package sim

import (
	"context"
	"net"
	"net/http"
	"time"

	"weir/runtime/wire"
)

// listener makes connections that know when their data arrived.
type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	stamped, err := wire.New(tcp)
	if err != nil { // of a shortage that may pass, as those of accept(2); net/http then tries again
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: err}
	}
	return stamped, nil
}

// connectionKey is what a request's context has its *wire.Conn under.
type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// connectionOf returns the connection of a request.
func connectionOf(r *http.Request) *wire.Conn {
	c, _ := r.Context().Value(connectionKey{}).(*wire.Conn)
	return c
}

// arrived is when the last byte of a request came that has been read to its end,
// with a reading of the wall clock as it is now: a wall clock that was set right
// meanwhile shall not tear the log apart from those of others.
func arrived(c *wire.Conn) time.Time {
	now := time.Now()
	return now.Add(c.Arrival().At.Sub(now))
}

// chunker writes to a connection in the midst of a chunked answer, around the
// buffers of net/http, which has to have flushed what it had: a chunk is one
// system call and no more.
type chunker struct {
	conn   *wire.Conn
	framed bool // chunks have a size; not so for HTTP/1.0

	// The arguments and results of attempt, which is made once and not for each write.
	attempt func(fd uintptr)
	data    []byte
	taken   int
	failure error
}

func newChunker(c *wire.Conn, framed bool) *chunker {
	w := &chunker{conn: c, framed: framed}
	w.attempt = func(fd uintptr) { w.taken, w.failure = writeNow(fd, w.data) }
	return w
}

// frame is the space in front of a chunk's data for its size: eight hexadecimal
// digits and a line end.
const frame = 10

// chunk makes a chunk of b, of which the first bytes, as many as frame, are free
// for its size. The chunk shares its memory with b.
func (w *chunker) chunk(b []byte) []byte {
	if !w.framed {
		return b[frame:]
	}
	const digits = "0123456789abcdef"
	at := frame - 2
	b[at], b[at+1] = '\r', '\n'
	for n := len(b) - frame; n > 0; n >>= 4 {
		at--
		b[at] = digits[n&15]
	}
	return append(b, '\r', '\n')[at:]
}

// write gives b to the kernel, and waits while the client does not read.
func (w *chunker) write(b []byte) error {
	_, err := w.conn.Write(b)
	return err
}

// try gives as much of b to the kernel as it takes without waiting, and returns
// how much that was.
func (w *chunker) try(b []byte) (int, error) {
	w.data = b
	if err := w.conn.Control(w.attempt); err != nil {
		return 0, err
	}
	w.data = nil
	return w.taken, w.failure
}
