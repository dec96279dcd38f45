package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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
	Close  bool // open a connection for this request alone
}

// Header is one header field.
type Header struct{ Name, Value string }

// Exchange is a request whose response head has arrived and whose body is
// coming. It belongs to one goroutine. Close must be called; after that only
// Close may be.
type Exchange struct {
	ctx    context.Context
	client *Client
	conn   *connection
	undo   func() bool // stops the closing of conn at the end of ctx; false: too late
	reader *bufio.Reader
	resp   *fasthttp.Response
	body   io.Reader
	rec    *metrics.Record
	limits Limits
	total  time.Time // when the whole exchange must be over; zero: no limit

	inBase  int64          // bytes that the connection had brought before
	closing bool           // the connection is for this request alone
	whole   bool           // the body has been read to its end
	failed  *metrics.Error // what ended the reading of the body
}

// A request is sent again only if its kept connection broke within this time of
// the sending. A connection that was dead before shows within a round trip or
// two; one that breaks later was the service's failure.
const resendWithin = 3 * time.Second

// Send writes the request and waits for the response head. It stamps
// rec.Started, connection times, HeadAt and the status, and registers the start
// with the record's recorder. When ctx ends the connection is closed.
// What it returns as failed is the service's, the network's or this machine's
// failure to bring a response head, nil when one came, whatever its status;
// then rec.End is stamped, too.
//
// A connection that has carried a request and that the service had closed
// meanwhile is not this request's failure: as long as no byte of an answer has come, the request is sent once
// more on a new connection, from which its times then count (rec.Resent).
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
	conn, kept, failed := c.acquire(ctx, req.Limits.Connect, fresh)
	rec.Reused = kept
	if failed != nil {
		return nil, failed, false
	}
	x = &Exchange{ctx: ctx, client: c, conn: conn, rec: rec, limits: req.Limits, inBase: conn.line.in, closing: req.Close}
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
		if err := x.readHead(req); err != nil {
			failed = x.headFault(err)
		}
	case isClosed(err) && x.readHead(req) == nil:
		// A service may refuse a request before it has read all of it: its
		// answer was there although the rest could not be written.
		x.closing = true
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
// service's acknowledgements (RFC 6928: 10 segments). Nor may a stamp come while
// the socket takes no more data: Go's poller would take it for a failure.
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
	h.SetRequestURI(req.URI)
	h.SetHost(req.Host)
	h.SetNoDefaultContentType(true)
	for _, f := range req.Header {
		if !strings.EqualFold(f.Name, "Content-Length") {
			h.Add(f.Name, f.Value)
		}
	}
	if len(req.Body) > 0 || req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH" {
		h.SetContentLength(len(req.Body))
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

// There is a read buffer for every stream, so it is small. A response head must
// fit into it: for one that does not, a larger one is made.
const (
	readBuffer = 2 << 10
	largeHead  = 64 << 10
)

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

func (x *Exchange) readHead(req *Request) error {
	x.reader = readers.Get().(*bufio.Reader)
	x.reader.Reset(x.conn)
	x.resp = fasthttp.AcquireResponse()
	x.resp.StreamBody = true
	x.resp.SkipBody = req.Method == "HEAD"
	x.resp.Header.SetNoDefaultContentType(true)
	err := x.resp.ReadLimitBody(x.reader, 0)
	var small *fasthttp.ErrSmallBuffer
	if errors.As(err, &small) {
		x.enlarge()
		err = x.resp.ReadLimitBody(x.reader, 0)
	}
	if err != nil {
		return err
	}
	head := x.conn.line.Arrival()
	x.rec.HeadAt = head.At
	if head.Kernel {
		x.rec.Stamp = metrics.StampKernel
	}
	x.rec.Status = x.resp.StatusCode()
	x.body = x.resp.BodyStream()
	switch {
	case x.body == nil: // no body by rule: HEAD, 204, 304
		x.body = bytes.NewReader(nil)
		x.whole = x.rec.Status >= 200
	case x.resp.Header.ContentLength() == 0:
		x.whole = true
	}
	x.conn.line.limit(time.Now(), x.limits.Idle, x.total)
	return nil
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
	b, _ := x.reader.Peek(min(2, x.reader.Buffered()))
	if bytes.Equal(b, []byte{21, 3}) { // a TLS alert
		return &metrics.Error{Kind: "protocol", Message: x.client.addr + " answers in TLS; try https:// instead of http://"}
	}
	if err == io.EOF && x.conn.readErr == nil { // of fasthttp, for what it takes for no answer
		return &metrics.Error{Kind: "protocol", Message: "the response is not valid HTTP: it begins with an empty line"}
	}
	return x.fault(phaseHead, err)
}

// Status is the HTTP status code.
func (x *Exchange) Status() int { return x.resp.StatusCode() }

// ContentType is the response's Content-Type, "" when there is none.
func (x *Exchange) ContentType() string { return string(x.resp.Header.ContentType()) }

// Header returns the first field of that name, "" when there is none.
func (x *Exchange) Header(name string) string { return string(x.resp.Header.Peek(name)) }

// VisitHeader calls f for every header field of the response.
func (x *Exchange) VisitHeader(f func(name, value string)) {
	for k, v := range x.resp.Header.All() {
		f(string(k), string(v))
	}
}

// Read reads the body without its chunk framing; io.EOF ends a whole one.
// Other errors are *metrics.Error, and last.
func (x *Exchange) Read(p []byte) (int, error) {
	if x.failed != nil {
		return 0, x.failed
	}
	n, err := x.body.Read(p)
	switch {
	case err == io.EOF:
		x.whole = true
	case err != nil:
		x.failed = x.fault(phaseBody, err)
		err = x.failed
	}
	return n, err
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
func (x *Exchange) Buffered() int { return x.reader.Buffered() }

// Drain reads what follows the end of an event stream, so that the connection
// can be kept; it gives up after the given time, or when much follows. What
// comes is not looked at.
func (x *Exchange) Drain(limit time.Duration) {
	if x.whole || x.failed != nil {
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
	keep := ours && x.whole && !x.closing && !conn.broken && conn.readErr == nil &&
		x.reader.Buffered() == 0 && !x.resp.ConnectionClose()
	if x.resp != nil {
		fasthttp.ReleaseResponse(x.resp) // first: its body reads from the reader
		if x.reader.Size() == readBuffer {
			x.reader.Reset(nil)
			readers.Put(x.reader)
		}
	}
	if keep {
		conn.line.limit(time.Time{}, 0, time.Time{})
		conn.line.SetWriteDeadline(time.Time{})
		x.client.pool.put(conn)
	} else {
		conn.close()
	}
	x.conn, x.reader, x.resp, x.body = nil, nil, nil, nil
}
