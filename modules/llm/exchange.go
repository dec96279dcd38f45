package llm

import (
	"bytes"
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
	targets *targets
	target  *target // of this attempt; nil: it is still to be chosen
	failed  *target // of the attempt before
	prefill gate    // nil: no limit of requests in prefill
	inside  bool    // it is one of those that prefill counts
	counter tokenCounter
	call    *call
	rec     *metrics.Record
	out     output
	reading *reading  // nil: the answer is no stream, or has not begun
	counted []int     // tokens that the service has counted up to the newest token event, of each choice where it counts them apart
	more    bool      // something came in one read with the newest token event
	body    *[]byte   // of the request, until it is not needed any more
	after   string    // what the service said of the time to wait before another attempt
	script  *scripted // decodes instead of the backend; nil: it does
}

// After a protocol's end mark only the end of the body is still to come; a
// service that keeps it open longer loses the connection, not the request.
const afterEnd = 2 * time.Second

// Of an answer that is no stream this much is read.
const (
	maxErrorBody = 64 << 10
	maxWholeBody = 256 << 20
)

// A larger body, with images in it, is not kept for the next request.
const maxPooledBody = 1 << 20

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

func (r *reading) begin(ex *transport.Exchange, f format) {
	r.events.Reset(ex, f.cut())
	r.repeat.reset()
	r.failed = nil
}

// run sends the request and follows the answer to its end, and again as often as
// the script wants it where it fails.
func (x *exchange) run(ctx context.Context) *reply {
	for attempt := 1; ; attempt++ {
		x.once(ctx)
		wait, again := x.call.retry.again(attempt, x.rec.Error, x.after)
		if !again || !pause(ctx, wait) {
			r := newReply(x)
			r.attempts = attempt
			x.rec.Recorder().Close(x.rec)
			return r
		}
		// The next one is announced before this one is closed, so that the case waits for it.
		next := x.call.record(x.rec.Iteration)
		x.rec.Retried = true
		x.rec.Recorder().Close(x.rec)
		*x = exchange{targets: x.targets, failed: x.failed, prefill: x.prefill, counter: x.counter, call: x.call, rec: next, script: x.script}
	}
}

// once makes one attempt.
func (x *exchange) once(ctx context.Context) {
	if x.target == nil { // another attempt, at another host where there is one
		x.target = x.targets.pick(x.failed)
	}
	if len(x.targets.list) > 1 {
		x.rec.Host = x.target.host
	}
	if x.enter(ctx) {
		x.rec.Error = x.follow(ctx)
		x.leave()
	} else {
		x.rec.Error = interrupted()
	}
	x.target.done()
	x.failed, x.target = x.target, nil
	if x.rec.Error != nil {
		x.rec.Error.Message = transport.Redact(x.rec.Error.Message, x.call.headers, x.call.secrets...)
	}
	if x.rec.End.IsZero() {
		x.rec.End = time.Now()
	}
	x.count()
	if x.rec.Error == nil && !x.hasOutput() {
		x.rec.Error = &metrics.Error{Kind: "no_output", Status: x.rec.Status, Message: x.call.backend.task.nothing()}
	}
}

// enter waits until the request may begin with its prefill; false: it never may.
func (x *exchange) enter(ctx context.Context) (ok bool) {
	if x.prefill == nil {
		return true
	}
	x.rec.PrefillWait, x.inside = x.prefill.enter(ctx)
	return x.inside
}

// leave says that its prefill is over.
func (x *exchange) leave() {
	if x.inside {
		x.inside = false
		x.prefill.leave()
	}
}

// hasOutput tells whether the answer had what was asked for.
func (x *exchange) hasOutput() bool {
	if x.call.backend.task != taskGenerate {
		return x.out.results > 0
	}
	return x.rec.Output.N > 0 || len(x.rec.Events) > 0
}

func (x *exchange) follow(ctx context.Context) *metrics.Error {
	x.body = bodies.Get().(*[]byte)
	defer x.releaseBody()
	*x.body = x.call.backend.appendBody((*x.body)[:0], x.call)
	if err := x.call.unwritten; err != nil {
		return &metrics.Error{Kind: "unsent", Message: err.Error()}
	}

	x.out.prompt = x.call.prompt
	x.out.wanted = x.call.choices()
	req := &transport.Request{
		Method: "POST", URI: x.target.uri(x.call.model, x.call.stream), Host: x.target.host, Header: x.call.headers, Body: *x.body,
		Limits: x.call.limits, Close: !x.call.keepAlive, Follow: x.take, Signer: x.call.signer,
	}
	if x.script != nil { // it waits for JavaScript, so it must not hold up others
		req.Follow = nil
	}
	ex, failed := x.target.client.Send(ctx, req, x.rec)
	if failed != nil {
		return failed
	}
	x.releaseBody()
	defer ex.Close()
	if x.call.head != nil {
		x.call.head(ex)
	}
	if x.script != nil {
		for !x.take(ex) {
		}
	}

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

// releaseBody gives the request's body to others. Once a response head has come,
// nothing is sent again.
func (x *exchange) releaseBody() {
	if x.body != nil {
		if cap(*x.body) <= maxPooledBody {
			bodies.Put(x.body)
		}
		x.body = nil
	}
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
	if to := ex.Header("Location"); to != "" && ex.Status() >= 300 && ex.Status() < 400 {
		message = "it redirects to " + transport.Excerpt(transport.HideQuery(to)) + ", which is not followed"
	}
	if message == "" {
		message = "no message"
	}
	x.after = ex.Header("Retry-After")
	kind := "http_status"
	if ex.Status() == 429 {
		kind = "rate_limited"
		if x.after != "" {
			message += " (Retry-After: " + transport.Excerpt(x.after) + ")"
		}
	}
	return &metrics.Error{Kind: kind, Status: ex.Status(), Message: message}
}

// notAStream reads an answer that claims success but is not the stream asked
// for: an error in JSON, a page of a proxy.
func (x *exchange) notAStream(ex *transport.Exchange) *metrics.Error {
	kind := mediaType(ex)
	body, _ := ex.ReadAll(maxErrorBody)
	message := errorText(body)
	if kind == "application/json" {
		var o output
		if decode := x.call.backend.decodeWhole; decode != nil && decode(body, &o) == nil && o.fail != nil {
			return &metrics.Error{Kind: "stream_error", Status: 200, Message: o.fail.Message}
		}
	}
	return &metrics.Error{Kind: "not_a_stream", Status: 200,
		Message: fmt.Sprintf("the service answered with %s instead of %s: %s", kind, x.call.backend.format.what(), message)}
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
	if x.script != nil {
		x.out.fail = x.script.decode(body, x.until(), &x.out)
	} else if err := x.call.backend.decodeWhole(body, &x.out); err != nil {
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("the answer cannot be decoded: %v: %s", err, errorText(body))}
	}
	if x.out.fail != nil {
		x.out.fail.Status = 200
		return x.out.fail
	}
	if x.out.text || x.out.more || x.out.results > 0 {
		x.rec.Token(at, x.out.tokens)
		x.rec.Recorder().First(x.rec)
	}
	return nil
}

// stream ends a stream that has been followed to the protocol's end mark, to an
// error, or to the body's end.
func (x *exchange) stream(ex *transport.Exchange) *metrics.Error {
	failed := x.reading.failed
	x.reading.events.Reset(nil, x.call.backend.format.cut()) // leaves its buffer to others
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
		if !x.call.backend.format.is(mediaType(ex)) {
			return true
		}
		x.releaseBody()
		x.reading = readings.Get().(*reading)
		x.reading.begin(ex, x.call.backend.format)
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
	if string(ev.Name) == "error" && x.script == nil {
		return true, &metrics.Error{Kind: "stream_error", Status: 200, Message: errorText(ev.Data)}
	}
	if failed := x.decode(ev.Data); failed != nil {
		return true, failed
	}
	switch {
	case x.out.whole:
		x.rec.Whole = true
		x.token(ex.Arrival())
	case (x.out.text || x.out.more) && !x.echo():
		x.token(ex.Arrival())
		x.more = x.reading.events.Buffered()+ex.Buffered() > 0
	case !x.out.effects && !x.out.done: // tokens without a text, such as a part of a character
		x.goesOn()
		x.rec.Followed(ex.Arrival())
	}
	if x.out.done {
		x.rec.End = ex.Arrival().At
		return true, x.ended(true)
	}
	return false, nil
}

// echo tells whether all that has come so far is the prompt, which the service
// repeats where the script asked for that.
func (x *exchange) echo() bool {
	if !x.call.echo || len(x.out.choices) == 0 {
		return false
	}
	for _, text := range x.out.choices {
		if len(text) > len(x.call.prompt) || x.call.prompt[:len(text)] != string(text) {
			return false
		}
	}
	return true
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

// until is when the request must be over; the zero time: nobody says so.
func (x *exchange) until() time.Time {
	if total := x.call.limits.Total; total > 0 {
		return x.rec.Started.Add(total)
	}
	return time.Time{}
}

// decode reads one event. The error is one that the service has sent in it, or
// that it cannot be decoded.
func (x *exchange) decode(data []byte) *metrics.Error {
	if x.script != nil {
		x.out.begin()
		return x.script.decode(data, x.until(), &x.out)
	}
	if err := x.call.backend.event(data, &x.reading.repeat, &x.out); err != nil {
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("%v: %s", err, transport.Excerpt(data))}
	}
	if x.out.fail != nil {
		x.out.fail.Status = 200
	}
	return x.out.fail
}

// token records the token event that has just been decoded.
func (x *exchange) token(at wire.Arrival) {
	came := x.out.tokens
	if x.out.usage.output > 0 && len(x.counted) == 0 { // it counts those before, too, of which nobody has
		*x.countedOf(x.out.counts) = len(x.rec.Events)
	}
	if counted, before := x.out.usage.output, x.countedOf(x.out.counts); counted > *before { // with continuous usage
		came, *before = counted-*before, counted
	}
	if came == 0 && x.call.tokensPerEvent > 1 {
		came = x.supposed()
	}
	x.goesOn()
	x.rec.Token(at, came)
	n := len(x.rec.Events)
	if x.out.text && x.rec.FirstOutput == 0 {
		x.rec.FirstOutput = n
	}
	if n == 1 {
		x.rec.Recorder().First(x.rec)
		x.leave()
	}
}

// countedOf is what the service has counted of a choice, or of all of them.
func (x *exchange) countedOf(choice int) *int {
	for len(x.counted) <= choice {
		x.counted = append(x.counted, 0)
	}
	return &x.counted[choice]
}

// supposed is how many tokens an event has of which nobody says it, where the script
// knows how many the service sends at once: one first, and no more in the end than
// were asked for.
func (x *exchange) supposed() int {
	if len(x.rec.Events) == 0 {
		return 1
	}
	came := x.call.tokensPerEvent
	if most := x.call.maxTokens; most > 0 {
		came = min(came, most-1-x.call.tokensPerEvent*(len(x.rec.Events)-1))
	}
	return max(came, 1)
}

// ended tells whether a stream that stopped without an error had really come to
// its end: it said so by its end mark or by a finish reason. An end mark alone
// is not believed when fewer tokens came than the service was told to make.
func (x *exchange) ended(mark bool) *metrics.Error {
	asked := x.rec.AskedOut
	switch {
	case x.out.finish != "", x.call.backend.noEndMark:
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
		if u.hasCached {
			rec.Cached = metrics.Count{N: u.cached, Source: metrics.CountUsage}
		}
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
		if u.hasReasoning {
			rec.Reasoning = metrics.Count{N: u.reasoning, Source: metrics.CountUsage}
		}
		return
	}
	if len(rec.Events) == 0 || x.call.backend.task != taskGenerate {
		return
	}
	n := rec.EventTokens()
	rec.Output = metrics.Count{N: n, Source: metrics.CountEvents}
	if x.counter == nil {
		return
	}
	if counted, err := x.counter.Count(x.generated()); err == nil {
		// A text that is cut into tokens again may give others than were made: no event
		// had less than one, and all together not more than were asked for.
		if most := x.call.maxTokens * max(x.out.wanted, 1); most > 0 {
			counted = min(counted, most)
		}
		rec.Output = metrics.Count{N: max(counted, n), Source: metrics.CountTokenizer}
	}
}

// generated is the text that the service has made: without the prompt, where the
// script asked it to repeat that.
func (x *exchange) generated() string {
	if x.call.echo {
		for i, text := range x.out.choices {
			x.out.choices[i] = bytes.TrimPrefix(text, []byte(x.call.prompt))
		}
	}
	return x.out.generated()
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
