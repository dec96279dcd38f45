package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"weir/runtime/metrics"
	"weir/runtime/wire"
)

// Request is what is sent. Its slices must not change before Send returns.
type Request struct {
	Method string
	URI    string // path and query, as they go into the request line
	Host   string
	Header []Header // Content-Length, Host and Connection are added
	Body   []byte
	Limits Limits
	Close  bool   // open a connection for this request alone
	Signer Signer // adds to Header what proves who sends it; nil: nothing

	// Follow, unless nil, is called when the response head has come, and again
	// whenever more of the body may have come, until it returns true; only then Send
	// returns. In it Read does not wait, but returns [wire.ErrNothing]; Follow must
	// not block in any other way either: see [wire.Conn.Follow], whose goroutine
	// calls it. So a stream costs no switch of goroutines for each of its events, and
	// reading it does not wait for the turn of one.
	Follow func(*Exchange) (over bool)
}

// Header is one header field.
type Header struct{ Name, Value string }

// Exchange is a request whose response head has arrived and whose body is
// coming. It belongs to one goroutine, and to Request.Follow while that one waits
// in Send. Close must be called; after that only Close may be.
type Exchange struct {
	ctx    context.Context
	client *Client
	conn   *connection
	undo   func() bool              // stops the closing of conn at the end of ctx; false: too late
	reader *bufio.Reader            // of the head; nil once what came with that is used up
	head   *fasthttp.ResponseHeader // nil: none has come
	body   body
	rec    *metrics.Record
	fields []Header // of the request, as they are sent
	limits Limits
	total  time.Time // when the whole exchange must be over; zero: no limit

	interim int            // answers that came before the one that counts
	inBase  int64          // bytes that the connection had brought before
	closing bool           // the connection is for this request alone
	failed  *metrics.Error // what ended the reading of the body
}

// A request is sent again only if its kept connection broke within this time of
// the sending. A connection that was dead before shows within a round trip or
// two; one that breaks later was the service's failure.
const resendWithin = 3 * time.Second

// Send writes the request and waits for the response head; with Request.Follow,
// for the end of that. It stamps rec.Started, connection times, HeadAt and the
// status, and registers the start with the record's recorder. When ctx ends the
// connection is closed.
// What it returns as failed is the service's, the network's or this machine's
// failure to bring a response head, nil when one came, whatever its status;
// then rec.End is stamped, too.
//
// A connection that has carried a request and that the service had closed
// meanwhile is not this request's failure: as long as no byte of an answer has
// come, the request is sent once more on a new connection, from which its times
// then count (rec.Resent).
func (c *Client) Send(ctx context.Context, req *Request, rec *metrics.Record) (*Exchange, *metrics.Error) {
	x, failed, again := c.try(ctx, req, rec, req.Close)
	if again {
		rec.Resent = true
		rec.End = time.Time{}
		x, failed, _ = c.try(ctx, req, rec, true)
	}
	if failed != nil && rec.End.IsZero() {
		rec.End = time.Now()
	}
	return x, failed
}

// try sends the request once; again tells whether a dead connection was all
// that went wrong.
func (c *Client) try(ctx context.Context, req *Request, rec *metrics.Record, fresh bool) (x *Exchange, failed *metrics.Error, again bool) {
	if ctx.Err() != nil {
		return nil, interrupted(), false
	}
	fields := req.fields() // for a large body that takes time, which is none of the service's
	conn, kept, failed := c.acquire(ctx, req.Limits.Connect, fresh)
	rec.Reused = kept
	if failed != nil {
		return nil, failed, false
	}
	x = &Exchange{ctx: ctx, client: c, conn: conn, rec: rec, fields: fields, limits: req.Limits, inBase: conn.line.in, closing: req.Close}
	if !conn.used { // it may have been opened beforehand
		rec.DNS, rec.Connect, rec.TLS = conn.dns, conn.connect, conn.tls
	}
	before := conn.used
	conn.used = true
	outBase, receivedBase := conn.line.out, conn.received
	x.undo = context.AfterFunc(ctx, func() { conn.line.Close() })

	x.begin()
	err := x.write(req)
	x.sent()
	switch {
	case err == nil:
		if err := x.await(req); err != nil {
			failed = x.headFault(err)
		}
	case isClosed(err):
		// A service may refuse a request before it has read all of it: its answer, or
		// why TLS ended, was there although the rest could not be written.
		unread := x.await(req)
		switch {
		case unread == nil:
			x.closing = true
		case isTLS(x.conn.readErr), errors.As(unread, new(*metrics.Error)):
			failed = x.headFault(unread)
		default:
			failed = fault(ctx, phaseWrite, x.limits, x.total, err)
		}
	default:
		failed = fault(ctx, phaseWrite, x.limits, x.total, err)
	}
	rec.BytesOut = conn.line.out - outBase
	if failed == nil {
		return x, nil, false
	}
	again = before && conn.received == receivedBase && time.Since(rec.Started) < resendWithin &&
		(failed.Kind == "write" || failed.Kind == "connection_closed")
	x.Close()
	return nil, failed, again
}

// begin stamps the start; the limits count from it.
func (x *Exchange) begin() {
	x.rec.Recorder().Begin(x.rec)
	start := x.rec.Started
	if x.limits.Total > 0 {
		x.total = start.Add(x.limits.Total)
	}
	head := x.total
	if x.limits.Head > 0 {
		if d := start.Add(x.limits.Head); head.IsZero() || d.Before(head) {
			head = d
		}
	}
	x.conn.line.SetWriteDeadline(head)
	x.conn.line.limit(start, 0, head)
}

// sent stamps the end of sending, and corrects the start by what the kernel
// says: between the two this goroutine may have had to wait for a processor.
func (x *Exchange) sent() {
	x.rec.Sent = time.Now()
	if at, ok := x.conn.line.Sent(x.rec.Started); ok && at.Before(x.rec.Sent) {
		x.rec.Started = at
	}
}

// Heads and bodies up to this size go into the kernel in one write.
const oneWrite = 64 << 10

// The kernel stamps the last byte of a write. That is a request's start only if
// all of it can go out at once: more than TCP's first window waits for the
// service's acknowledgements (RFC 6928: 10 segments).
const oneWindow = 14 << 10

// draft is what a request is put together in.
type draft struct {
	head  fasthttp.RequestHeader
	bytes []byte
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

func (x *Exchange) write(req *Request) error {
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	h := &d.head
	h.Reset()
	h.SetMethod(req.Method)
	h.SetRequestURI(x.client.base + req.URI)
	h.SetHost(req.Host)
	h.SetNoDefaultContentType(true)
	for _, f := range x.fields {
		if !strings.EqualFold(f.Name, "Content-Length") {
			h.Add(f.Name, f.Value)
		}
	}
	if len(req.Body) > 0 || req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH" {
		h.SetContentLength(len(req.Body))
	}
	if x.client.forwards() && x.client.proxy.login != "" {
		h.Set("Proxy-Authorization", x.client.proxy.login)
	}
	if req.Close {
		h.SetConnectionClose()
	}
	x.closing = h.ConnectionClose() // by the request's own field, perhaps

	d.bytes = h.AppendBytes(d.bytes[:0])
	size := len(d.bytes) + len(req.Body)
	if x.conn.line.stamp = size <= oneWindow; !x.conn.line.stamp {
		x.conn.line.Sent(x.rec.Started) // takes away the stamp of an earlier request that came late
	}
	if size <= oneWrite {
		d.bytes = append(d.bytes, req.Body...)
		_, err := x.conn.Write(d.bytes)
		return err
	}
	if _, err := x.conn.Write(d.bytes); err != nil {
		return err
	}
	_, err := x.conn.Write(req.Body)
	return err
}

// There is a read buffer for every head that is waited for, so it is small. A
// head must fit into it: for one that does not, a larger one is made.
const (
	readBuffer = 2 << 10
	largeHead  = 64 << 10
)

// maxInterim is how many answers such as 100 (Continue) may come before the one
// that counts.
const maxInterim = 8

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}
	heads   = sync.Pool{New: func() any { return new(fasthttp.ResponseHeader) }}
)

// await reads the response head, and has the body followed.
func (x *Exchange) await(req *Request) error {
	var failed error
	x.conn.line.Follow(func() (over bool) {
		if x.body.state == bodyUnknown {
			if failed = x.readHead(req); failed == wire.ErrNothing {
				return false
			}
		}
		return failed != nil || req.Follow == nil || req.Follow(x)
	})
	return failed
}

// readHead reads the response head, or fails with wire.ErrNothing while a part
// of it is still to come.
func (x *Exchange) readHead(req *Request) error {
	if x.head == nil {
		x.reader = readers.Get().(*bufio.Reader)
		x.reader.Reset(x.conn)
		x.head = heads.Get().(*fasthttp.ResponseHeader)
		x.head.SetNoDefaultContentType(true)
	}
	for {
		x.conn.paused = false // the head may be decided by what has been read already
		err := x.head.Read(x.reader)
		var small *fasthttp.ErrSmallBuffer
		if errors.As(err, &small) && x.reader.Size() < largeHead {
			x.enlarge()
			x.conn.paused = false
			err = x.head.Read(x.reader)
		}
		switch {
		case err != nil && x.conn.paused:
			return wire.ErrNothing
		case err != nil:
			return err
		}
		// Interim answers come before the one that counts (RFC 9110, section 15.2).
		if status := x.head.StatusCode(); status < 100 || status >= 200 || status == fasthttp.StatusSwitchingProtocols {
			break
		}
		if x.interim++; x.interim > maxInterim {
			return fmt.Errorf("more than %d interim answers", maxInterim)
		}
	}
	arrival := x.conn.line.Arrival()
	x.rec.HeadAt = arrival.At
	if x.rec.Sent.After(x.rec.HeadAt) { // the write had returned long before anybody looked at the clock
		x.rec.Sent = x.rec.HeadAt
	}
	if arrival.Kernel {
		x.rec.Stamp = metrics.StampKernel
	}
	x.rec.Status = x.head.StatusCode()
	if x.rec.Status == fasthttp.StatusProxyAuthRequired && x.client.forwards() {
		return x.client.proxy.loginFault()
	}
	x.body = newBody(x.contentLength(req))
	x.conn.line.limit(time.Now(), x.limits.Idle, x.total)
	return nil
}

// contentLength is the length of the body: 0 where by rule there is none.
func (x *Exchange) contentLength(req *Request) int {
	switch status := x.head.StatusCode(); {
	case req.Method == "HEAD", status == fasthttp.StatusNoContent, status == fasthttp.StatusNotModified:
		return 0
	case status == fasthttp.StatusSwitchingProtocols:
		return lengthUnknown
	}
	return x.head.ContentLength()
}

// enlarge exchanges the read buffer for one that takes a large head, with what
// has been read already.
func (x *Exchange) enlarge() {
	begun, _ := x.reader.Peek(x.reader.Buffered())
	small := x.reader
	x.reader = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(begun)), x.conn), largeHead)
	small.Reset(nil)
	readers.Put(small)
}

// headFault names what kept the response head from coming.
func (x *Exchange) headFault(err error) *metrics.Error {
	if named := (*metrics.Error)(nil); errors.As(err, &named) {
		return named
	}
	b, _ := x.reader.Peek(min(2, x.reader.Buffered()))
	if bytes.Equal(b, []byte{21, 3}) { // a TLS alert
		return &metrics.Error{Kind: "protocol", Message: x.client.addr + " answers in TLS; try https:// instead of http://"}
	}
	if err == io.EOF && x.conn.readErr == nil { // of fasthttp, for what it takes for no answer
		return &metrics.Error{Kind: "protocol", Message: "the response is not valid HTTP: it begins with an empty line"}
	}
	failed := x.fault(phaseHead, err)
	if come, _ := x.reader.Peek(x.reader.Buffered()); failed.Kind == "protocol" && x.repeatsSecret(come) {
		failed.Message = "the response is not valid HTTP: it repeats what was sent, a secret included"
	}
	return failed
}

// Status is the HTTP status code.
func (x *Exchange) Status() int { return x.head.StatusCode() }

// ContentType is the response's Content-Type, "" when there is none.
func (x *Exchange) ContentType() string { return string(x.head.ContentType()) }

// Header returns the first field of that name, "" when there is none.
func (x *Exchange) Header(name string) string { return string(x.head.Peek(name)) }

// VisitHeader calls f for every header field of the response.
func (x *Exchange) VisitHeader(f func(name, value string)) {
	for k, v := range x.head.All() {
		f(string(k), string(v))
	}
}

// Read reads the body without its chunk framing; io.EOF ends a whole one.
// Other errors are *metrics.Error, and last; but see Request.Follow.
func (x *Exchange) Read(p []byte) (int, error) {
	if x.failed != nil {
		return 0, x.failed
	}
	var src io.Reader = x.conn
	if x.reader != nil {
		src = x.reader
	}
	n, err := x.body.read(src, p)
	if x.reader != nil && x.reader.Buffered() == 0 {
		x.releaseReader()
	}
	if err != nil && err != io.EOF && err != wire.ErrNothing {
		x.failed = x.fault(phaseBody, err)
		err = x.failed
	}
	return n, err
}

// releaseReader gives the head's buffer back.
func (x *Exchange) releaseReader() {
	if x.reader.Size() == readBuffer {
		x.reader.Reset(nil)
		readers.Put(x.reader)
	}
	x.reader = nil
}

// ReadAll reads the rest of the body and returns at most limit bytes of it; a
// longer one is not read to its end. The error is a *metrics.Error, and what
// came before it is returned with it.
func (x *Exchange) ReadAll(limit int64) ([]byte, error) {
	// One byte more than wanted shows whether the body ends here.
	b, err := io.ReadAll(io.LimitReader(x, limit+1))
	return b[:min(int64(len(b)), limit)], err
}

// Arrival says when the newest data came; two events between which its Read did
// not change came in one read.
func (x *Exchange) Arrival() wire.Arrival { return x.conn.line.Arrival() }

// Buffered is how many bytes have arrived, framing included, that Read has not
// given out yet.
func (x *Exchange) Buffered() int {
	if x.reader == nil {
		return 0
	}
	return x.reader.Buffered()
}

// Drain reads what follows the end of an event stream, so that the connection
// can be kept; it gives up after the given time, or when much follows. What
// comes is not looked at.
func (x *Exchange) Drain(limit time.Duration) {
	if x.body.state == bodyEnded || x.failed != nil {
		return
	}
	now := time.Now()
	x.conn.line.limit(now, 0, now.Add(limit))
	var b [512]byte
	for range 64 {
		if _, err := x.Read(b[:]); err != nil {
			return
		}
	}
}

func (x *Exchange) fault(at phase, err error) *metrics.Error {
	if x.conn.readErr != nil {
		err = x.conn.readErr
	}
	return fault(x.ctx, at, x.limits, x.total, err)
}

// Close ends the exchange: a connection whose response was read to its end is
// kept for the next request, any other is closed. It stamps rec.BytesIn, and
// rec.End when nobody has. A second call does nothing.
func (x *Exchange) Close() {
	conn := x.conn
	if conn == nil {
		return
	}
	x.rec.BytesIn = conn.line.in - x.inBase
	if n, ok := conn.line.Retransmits(); ok {
		x.rec.Retransmits += n - conn.retransmits
		conn.retransmits = n
	}
	if x.rec.End.IsZero() {
		x.rec.End = time.Now()
	}
	// When ctx has ended, conn is being closed by another goroutine.
	ours := x.undo()
	keep := ours && x.body.state == bodyEnded && !x.body.after && x.Buffered() == 0 &&
		!x.closing && !conn.line.broken && conn.readErr == nil && !x.head.ConnectionClose()
	if x.reader != nil {
		x.releaseReader()
	}
	if x.head != nil {
		x.head.Reset()
		heads.Put(x.head)
	}
	if keep {
		conn.line.limit(time.Time{}, 0, time.Time{})
		conn.line.SetWriteDeadline(time.Time{})
		x.client.pool.put(conn)
	} else {
		conn.close()
	}
	x.conn, x.head = nil, nil
}
