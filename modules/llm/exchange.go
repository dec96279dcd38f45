package llm

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
	"weir/runtime/wire"
)

// exchange is one request, from its body to its reply. It runs on one
// goroutine, but for take, which the transport calls while that one waits; nothing
// else touches its record until that is closed.
type exchange struct {
	client    *transport.Client
	uri, host string
	counter   tokenCounter
	call      *call
	rec       *metrics.Record
	out       output
	reading   *reading // nil: the answer is no stream, or has not begun
	counted   int      // tokens that the service has counted up to the newest token event
	more      bool     // something came in one read with the newest token event
}

// After a protocol's end mark only the end of the body is still to come; a
// service that keeps it open longer loses the connection, not the request.
const afterEnd = 2 * time.Second

// Of an answer that is no stream this much is read.
const (
	maxErrorBody = 64 << 10
	maxWholeBody = 256 << 20
)

var (
	bodies   = sync.Pool{New: func() any { return new([]byte) }}
	readings = sync.Pool{New: func() any { return new(reading) }}
)

// reading is what following one stream takes besides its exchange.
type reading struct {
	events transport.Scanner
	repeat repeat
	failed *metrics.Error // why the stream ended, nil after a proper end
}

func (r *reading) begin(ex *transport.Exchange) {
	r.events.Reset(ex, transport.SSE)
	r.repeat.reset()
	r.failed = nil
}

// run sends the request and follows the answer to its end.
func (x *exchange) run(ctx context.Context) *reply {
	x.rec.Error = x.follow(ctx)
	if x.rec.End.IsZero() {
		x.rec.End = time.Now()
	}
	x.count()
	if x.rec.Error == nil && x.rec.Output.N == 0 && len(x.rec.Events) == 0 {
		x.rec.Error = &metrics.Error{Kind: "no_output", Status: x.rec.Status, Message: "the answer ended without a token"}
	}
	r := newReply(x)
	x.rec.Recorder().Close(x.rec)
	return r
}

func (x *exchange) follow(ctx context.Context) *metrics.Error {
	body := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	*body = x.call.backend.appendBody((*body)[:0], x.call)

	ex, failed := x.client.Send(ctx, &transport.Request{
		Method: "POST", URI: x.uri, Host: x.host, Header: x.call.headers, Body: *body,
		Limits: x.call.limits, Close: !x.call.keepAlive, Follow: x.take,
	}, x.rec)
	if failed != nil {
		return failed
	}
	defer ex.Close()

	switch {
	case x.reading != nil:
		return x.stream(ex)
	case ex.Status() != 200:
		return x.refused(ex)
	case !x.call.stream:
		return x.whole(ex)
	}
	return x.notAStream(ex)
}

// mediaType is the type of an answer's content, without parameters.
func mediaType(ex *transport.Exchange) string {
	kind, _, _ := strings.Cut(ex.ContentType(), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// refused reads why the service answered with another status than 200.
func (x *exchange) refused(ex *transport.Exchange) *metrics.Error {
	body, _ := ex.ReadAll(maxErrorBody)
	message := errorText(body)
	if message == "" {
		message = "no message"
	}
	return &metrics.Error{Kind: "http_status", Status: ex.Status(), Message: message}
}

// notAStream reads an answer that claims success but is not the stream asked
// for: an error in JSON, a page of a proxy.
func (x *exchange) notAStream(ex *transport.Exchange) *metrics.Error {
	kind := mediaType(ex)
	body, _ := ex.ReadAll(maxErrorBody)
	message := errorText(body)
	if kind == "application/json" {
		var o output
		if x.call.backend.decodeWhole(body, &o) == nil && o.fail != nil {
			return &metrics.Error{Kind: "stream_error", Status: 200, Message: o.fail.Message}
		}
	}
	return &metrics.Error{Kind: "not_a_stream", Status: 200,
		Message: fmt.Sprintf("the service answered with %s instead of an event stream: %s", kind, message)}
}

// whole reads an answer that was not asked for as a stream.
func (x *exchange) whole(ex *transport.Exchange) *metrics.Error {
	body, err := ex.ReadAll(maxWholeBody)
	if err != nil {
		return transport.AsError(err)
	}
	at := ex.Arrival()
	x.rec.End = at.At
	x.rec.Whole = true
	x.out.begin()
	if err := x.call.backend.decodeWhole(body, &x.out); err != nil {
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("the answer cannot be decoded: %v: %s", err, errorText(body))}
	}
	if x.out.fail != nil {
		x.out.fail.Status = 200
		return x.out.fail
	}
	if x.out.text || x.out.more {
		x.rec.Token(at, 0)
		x.rec.Recorder().First(x.rec)
	}
	return nil
}

// stream ends a stream that has been followed to the protocol's end mark, to an
// error, or to the body's end.
func (x *exchange) stream(ex *transport.Exchange) *metrics.Error {
	failed := x.reading.failed
	x.reading.events.Reset(nil, transport.SSE) // leaves its buffer to others
	readings.Put(x.reading)
	x.reading = nil
	if x.out.done {
		ex.Drain(afterEnd)
	}
	return failed
}

// take takes what has come of the answer, and tells whether the stream is over,
// or none.
func (x *exchange) take(ex *transport.Exchange) (over bool) {
	if x.reading == nil {
		if !x.call.stream || ex.Status() != 200 {
			return true
		}
		if kind := mediaType(ex); kind != "text/event-stream" && kind != "" {
			return true
		}
		x.reading = readings.Get().(*reading)
		x.reading.begin(ex)
	}
	r := x.reading
	for !over {
		ev, err := r.events.Next()
		switch {
		case err == wire.ErrNothing:
			return false
		case err == io.EOF:
			x.rec.End = ex.Arrival().At
			over, r.failed = true, x.ended(false)
		case err != nil:
			over, r.failed = true, transport.AsError(err)
		default:
			over, r.failed = x.event(ex, ev)
		}
	}
	return true
}

// event takes one event.
func (x *exchange) event(ex *transport.Exchange, ev transport.Event) (over bool, failed *metrics.Error) {
	if failed := x.decode(ev.Data); failed != nil {
		return true, failed
	}
	switch {
	case x.out.done:
		x.rec.End = ex.Arrival().At
		return true, x.ended(true)
	case string(ev.Name) == "error":
		return true, &metrics.Error{Kind: "stream_error", Status: 200, Message: errorText(ev.Data)}
	case x.out.text || x.out.more:
		x.token(ex.Arrival())
		x.more = x.reading.events.Buffered()+ex.Buffered() > 0
	case !x.out.effects: // tokens without a text, such as a part of a character
		x.goesOn()
		x.rec.Followed(ex.Arrival())
	}
	return false, nil
}

// goesOn notes that the stream goes on after the newest token event: when the
// beginning of what goes on came in the same read, the event's time is that of
// later data. Whether all of it did, the record sees by itself.
func (x *exchange) goesOn() {
	if x.more {
		x.rec.Share()
		x.more = false
	}
}

// decode reads one event. The error is one that the service has sent in it, or
// that it cannot be decoded.
func (x *exchange) decode(data []byte) *metrics.Error {
	known := &x.reading.repeat
	x.out.begin()
	if known.decode(data, &x.out) {
		return nil
	}
	if err := x.call.backend.decode(data, &x.out); err != nil {
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("%v: %s", err, transport.Excerpt(data))}
	}
	known.learn(data, &x.out)
	if x.out.fail != nil {
		x.out.fail.Status = 200
	}
	return x.out.fail
}

// token records the token event that has just been decoded.
func (x *exchange) token(at wire.Arrival) {
	// With continuous usage the service says how many tokens came.
	came := 0
	if counted := x.out.usage.output; counted > x.counted {
		came, x.counted = counted-x.counted, counted
	}
	x.goesOn()
	x.rec.Token(at, came)
	n := len(x.rec.Events)
	if x.out.text && x.rec.FirstOutput == 0 {
		x.rec.FirstOutput = n
	}
	if n == 1 {
		x.rec.Recorder().First(x.rec)
	}
}

// ended tells whether a stream that stopped without an error had really come to
// its end: it said so by its end mark or by a finish reason. An end mark alone
// is not believed when fewer tokens came than the service was told to make.
func (x *exchange) ended(mark bool) *metrics.Error {
	asked := x.rec.AskedOut
	switch {
	case x.out.finish != "":
		return nil
	case !mark:
		return &metrics.Error{Kind: "stream_incomplete", Status: 200, Message: "the stream ended without its end mark and without a finish reason"}
	case asked > 0 && x.out.usage.hasOutput && x.out.usage.output < asked:
		return &metrics.Error{Kind: "stream_incomplete", Status: 200,
			Message: fmt.Sprintf("the stream ended without a finish reason after %d of %d tokens", x.out.usage.output, asked)}
	}
	return nil
}

// count says how many tokens the request had, and who counted them: the
// service, else the endpoint's tokenizer, else the events.
func (x *exchange) count() {
	x.rec.FinishReason = x.out.finish
	x.countInput()
	x.countOutput()
}

func (x *exchange) countInput() {
	rec, u := x.rec, &x.out.usage
	switch {
	case u.hasInput:
		rec.Input = metrics.Count{N: u.input, Source: metrics.CountUsage}
		rec.Cached = metrics.Count{N: u.cached, Source: metrics.CountUsage}
	case x.call.askedInput > 0: // whoever said so has counted
		rec.Input = metrics.Count{N: x.call.askedInput, Source: metrics.CountTokenizer}
	case x.counter != nil && x.call.prompt != "" && rec.Error == nil:
		if n, err := x.counter.Count(x.call.prompt); err == nil {
			rec.Input = metrics.Count{N: n, Source: metrics.CountTokenizer}
		}
	}
}

func (x *exchange) countOutput() {
	rec, u := x.rec, &x.out.usage
	if u.hasOutput {
		rec.Output = metrics.Count{N: u.output, Source: metrics.CountUsage}
		rec.Reasoning = metrics.Count{N: u.reasoning, Source: metrics.CountUsage}
		return
	}
	if len(rec.Events) == 0 {
		return
	}
	rec.Output = metrics.Count{N: len(rec.Events), Source: metrics.CountEvents}
	if x.counter != nil {
		if n, err := x.counter.Count(x.out.generated()); err == nil {
			rec.Output = metrics.Count{N: n, Source: metrics.CountTokenizer}
		}
	}
}

// errorText finds the message in an error's body, whatever its form.
func errorText(body []byte) string {
	c := cursor{b: body}
	if c.peek() == '{' {
		var found *metrics.Error
		err := c.object(func(key []byte) (err error) {
			if string(key) == "error" {
				found, err = decodeError(&c)
				return err
			}
			return c.skip()
		})
		if err == nil && found == nil {
			c = cursor{b: body}
			found, _ = decodeError(&c)
		}
		if found != nil {
			return transport.Excerpt(found.Message)
		}
	}
	return transport.Excerpt(body)
}
