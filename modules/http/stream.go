package http

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// stream is an answer whose events a script takes one by one. A goroutine reads
// and stamps them as they arrive; what the script has not yet taken waits, so
// that a slow script does not falsify the times.
type stream struct {
	cancel context.CancelFunc

	mu      sync.Mutex // protects what follows
	events  []event
	ended   bool
	failed  *metrics.Error
	status  int
	headers map[string]any
	waiting []func(func() (any, error)) // promises of next() that wait for an event
}

type event struct {
	name, id, data string
	at             float64 // ms after the request was started
}

// startStream is http.stream(url, options).
func (m *Module) startStream(rt *script.Runtime, c goja.FunctionCall) (any, error) {
	r, err := m.newRequest(rt, "GET", c.Argument(0), goja.Undefined(), c.Argument(1), streamOptions)
	if err != nil {
		return nil, err
	}
	if o, ok := c.Argument(1).(*goja.Object); ok && o.Get("body") != nil && o.Get("method") == nil {
		r.method = "POST"
	}
	if !r.hasHeader("Accept") && r.format == transport.SSE {
		r.setHeader("Accept", "text/event-stream")
	}
	ctx, cancel := context.WithCancel(rt.Context())
	s := &stream{cancel: cancel}
	// The stream is pending work until it ends, whether or not it is read.
	_, over := rt.Promise()
	go func() {
		defer cancel()
		m.follow(ctx, r, s)
		over(func() (any, error) { return nil, nil })
	}()
	return rt.Instance("EventStream", s), nil
}

// follow reads the stream to its end.
func (m *Module) follow(ctx context.Context, r *request, s *stream) {
	rec := metrics.NewRecord()
	rec.Kind, rec.Iteration = metrics.KindHTTP, r.iterates
	rec.Recorder().Announce(rec)
	ex, failed := m.send(ctx, r, rec)
	if failed == nil {
		s.head(ex)
		if ex.Status() >= 400 {
			body, _ := ex.ReadAll(64 << 10)
			failed = &metrics.Error{Kind: "http_status", Status: ex.Status(), Message: message(body)}
		} else {
			failed = s.read(ex, r.format, rec)
		}
		rec.End = time.Now()
		ex.Close()
	}
	if s.end(failed) {
		failed = nil // the script had enough
	}
	closeRecord(rec, failed)
}

func (s *stream) head(ex *transport.Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.headers = ex.Status(), headersOf(ex)
}

func (s *stream) read(ex *transport.Exchange, format transport.Format, rec *metrics.Record) *metrics.Error {
	var scanner transport.Scanner
	scanner.Reset(ex, format)
	for {
		e, err := scanner.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return transport.AsError(err)
		}
		at := float64(ex.Arrival().At.Sub(rec.Started)) / float64(time.Millisecond)
		s.put(event{string(e.Name), string(e.ID), string(e.Data), at})
	}
}

// put gives an event to the next() that waits longest, or keeps it.
func (s *stream) put(e event) {
	s.mu.Lock()
	if len(s.waiting) == 0 {
		s.events = append(s.events, e)
		s.mu.Unlock()
		return
	}
	settle := s.waiting[0]
	s.waiting = s.waiting[1:]
	s.mu.Unlock()
	settle(func() (any, error) { return step(e), nil })
}

// end ends the iteration; it tells whether the script had stopped it.
func (s *stream) end(failed *metrics.Error) (stopped bool) {
	s.mu.Lock()
	stopped = s.ended
	s.ended = true
	if stopped {
		failed = nil // of the connection that stop closed
	}
	s.failed = failed
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for _, settle := range waiting {
		settle(last(failed))
	}
	return stopped
}

// last is what next() gives after the last event: done, or the failure.
func last(failed *metrics.Error) func() (any, error) {
	return func() (any, error) {
		if failed != nil {
			return nil, failed
		}
		return map[string]any{"done": true, "value": goja.Undefined()}, nil
	}
}

func step(e event) any {
	name := e.name
	if name == "" {
		name = "message"
	}
	return map[string]any{"done": false, "value": map[string]any{"event": name, "id": e.id, "data": e.data, "at": e.at}}
}

// next is the iterator's next().
func (s *stream) next(rt *script.Runtime) any {
	promise, settle := rt.Promise()
	s.mu.Lock()
	switch {
	case len(s.events) > 0:
		e := s.events[0]
		s.events = s.events[1:]
		s.mu.Unlock()
		settle(func() (any, error) { return step(e), nil })
	case s.ended:
		failed := s.failed
		s.mu.Unlock()
		settle(last(failed))
	default:
		s.waiting = append(s.waiting, settle)
		s.mu.Unlock()
	}
	return promise
}

// stop is the iterator's return(): the script leaves the loop, the connection
// is closed, and the request counts as complete unless it has failed before. From
// here on the iterator is done, whatever became of the request.
func (s *stream) stop(rt *script.Runtime) any {
	s.mu.Lock()
	s.ended, s.events, s.failed = true, nil, nil
	s.mu.Unlock()
	s.cancel()
	promise, settle := rt.Promise()
	settle(last(nil))
	return promise
}

// streamClass is an async iterable.
func streamClass(rt *script.Runtime) script.Class {
	return script.Class{
		Name: "EventStream",
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"@@asyncIterator": func(_ any, c goja.FunctionCall) (any, error) { return c.This, nil },
			"next":            func(self any, _ goja.FunctionCall) (any, error) { return self.(*stream).next(rt), nil },
			"return":          func(self any, _ goja.FunctionCall) (any, error) { return self.(*stream).stop(rt), nil },
			"close":           func(self any, _ goja.FunctionCall) (any, error) { return self.(*stream).stop(rt), nil },
		},
		Getters: map[string]func(any) any{
			"status":  func(self any) any { s := self.(*stream); s.mu.Lock(); defer s.mu.Unlock(); return s.status },
			"headers": func(self any) any { s := self.(*stream); s.mu.Lock(); defer s.mu.Unlock(); return s.headers },
		},
	}
}
