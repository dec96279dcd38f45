package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Request is the truth about one request to the service.
type Request struct {
	// ID is in the answer's header X-Sim-Request-Id, and at the end of the
	// completion's id.
	ID string
	// ClientID is the request's header X-Request-Id.
	ClientID     string
	Path         string
	Model        string
	Stream       bool
	PromptTokens int
	// Received is the moment at which the body was complete. It is the origin of
	// all durations below.
	Received time.Time
	// Queued is how long the request waited for its slots; prefill starts then.
	// Negative: it never got them.
	Queued time.Duration
	// Events are the events that were sent, in order.
	Events []Event
	// End is when the request was over; 0 while it is not.
	End time.Duration
	// Status is the HTTP status; 0 when no head was sent.
	Status       int
	FinishReason string // of the first choice; empty unless it was sent
	Fault        string // what went wrong on purpose
	Outcome      Outcome
}

// Event is one write of an answer.
type Event struct {
	Kind   EventKind
	Choice int           // 0 for events that belong to none
	Tokens int           // tokens that the event carries
	Due    time.Duration // when the model wanted it, since Request.Received
	Sent   time.Duration // just before it was given to the kernel, since Request.Received
}

// EventKind says what an event carries.
type EventKind string

// The kinds of events.
const (
	EventRole   EventKind = "role"   // the role chunk of a chat
	EventTokens EventKind = "tokens" // text
	EventFinish EventKind = "finish" // a finish reason without text
	EventUsage  EventKind = "usage"  // the final usage chunk
	EventDone   EventKind = "done"   // [DONE]
	EventFault  EventKind = "fault"  // something that does not belong there
	EventBody   EventKind = "body"   // an answer that is not streamed
)

// Outcome says how a request ended.
type Outcome string

// The outcomes.
const (
	OutcomeRunning   Outcome = ""          // it has not ended
	OutcomeCompleted Outcome = "completed" // answered as asked
	OutcomeAborted   Outcome = "aborted"   // the client went away, or the server was closed
	OutcomeFault     Outcome = "fault"     // spoilt on purpose
	OutcomeRefused   Outcome = "refused"   // status 4xx because of the request itself
)

// OutputTokens is the number of tokens that were sent.
func (r *Request) OutputTokens() int {
	sum := 0
	for _, e := range r.Events {
		sum += e.Tokens
	}
	return sum
}

// FirstToken is the time from receipt to the sending of the first token event;
// false when none was sent.
func (r *Request) FirstToken() (time.Duration, bool) {
	for _, e := range r.Events {
		if e.Tokens > 0 {
			return e.Sent, true
		}
	}
	return 0, false
}

// Log is what a server did, for the requests that it still remembers. It may be
// used from several goroutines, also while requests run: an event is in the log
// before a client can have it.
type Log struct {
	mu      sync.Mutex
	limit   int
	entries []*entry // oldest first
	dropped int

	fileMu  sync.Mutex
	file    io.Writer // nil: none
	fileErr error
}

// entry is a request in the log.
type entry struct {
	mu sync.Mutex
	Request
	ended chan struct{} // closed by finish
}

// Requests returns a copy of all requests, in the order of their receipt.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	requests := make([]Request, len(entries))
	for i, e := range entries {
		requests[i] = e.copy()
	}
	return requests
}

// Find returns the request with the given ID.
func (l *Log) Find(id string) (Request, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.ID == id { // written once, before the entry was added
			return e.copy(), true
		}
	}
	return Request{}, false
}

// Wait waits until every request in the log has ended, or ctx is done. A client
// can have the whole answer an instant before the log has the request's end.
func (l *Log) Wait(ctx context.Context) error {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	for _, e := range entries {
		select {
		case <-e.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Forgotten is the number of requests that were dropped to keep the limit.
func (l *Log) Forgotten() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

// Reset forgets all requests so far, such as those of a warm-up.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.dropped = nil, 0
}

// TTFT returns, for every streamed request with at least one token, the time
// from its receipt to the sending of the first token event, ms.
func (l *Log) TTFT() []float64 {
	var out []float64
	for _, r := range l.Requests() {
		if first, ok := r.FirstToken(); ok && r.Stream {
			out = append(out, milliseconds(first))
		}
	}
	return out
}

// ITL returns the gaps between successive token events of the same choice, ms.
func (l *Log) ITL() []float64 {
	var out []float64
	for _, r := range l.Requests() {
		last := map[int]time.Duration{}
		for _, e := range r.Events {
			if e.Kind != EventTokens {
				continue
			}
			if before, ok := last[e.Choice]; ok {
				out = append(out, milliseconds(e.Sent-before))
			}
			last[e.Choice] = e.Sent
		}
	}
	return out
}

// Lateness returns how long after its due time each token event was sent, ms: what
// the machine and not the model added.
func (l *Log) Lateness() []float64 {
	var out []float64
	for _, r := range l.Requests() {
		for _, e := range r.Events {
			if e.Kind == EventTokens {
				out = append(out, milliseconds(e.Sent-e.Due))
			}
		}
	}
	return out
}

// add puts a request into the log.
func (l *Log) add(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit == 0 {
		return
	}
	if len(l.entries) == l.limit {
		l.entries[0] = nil
		l.entries = l.entries[1:]
		l.dropped++
	}
	l.entries = append(l.entries, e)
}

// finish ends a request and writes its line.
func (l *Log) finish(e *entry, outcome Outcome) {
	defer close(e.ended)
	e.mu.Lock()
	e.Outcome, e.End = outcome, time.Since(e.Received)
	e.mu.Unlock()
	if l.file == nil {
		return
	}
	r := e.copy()
	line, err := json.Marshal(&r)
	l.fileMu.Lock()
	defer l.fileMu.Unlock()
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil && l.fileErr == nil {
		l.fileErr = fmt.Errorf("write the log of simulated requests: %w", err)
	}
}

func (e *entry) copy() Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.Request
	r.Events = slices.Clone(r.Events)
	return r
}

// sent stamps an event that is about to be written.
func (e *entry) sent(ev Event) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	ev.Sent = time.Since(e.Received)
	e.Events = append(e.Events, ev)
	return ev.Sent
}

// set changes other fields.
func (e *entry) set(change func(*Request)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.Request)
}

// MarshalJSON writes durations in milliseconds since receipt, and the time of
// receipt in nanoseconds since 1970 so that it can be held against other clocks.
func (r *Request) MarshalJSON() ([]byte, error) {
	type event struct {
		Kind   EventKind `json:"kind"`
		Choice int       `json:"choice"`
		Tokens int       `json:"tokens"`
		Due    float64   `json:"due_ms"`
		Sent   float64   `json:"sent_ms"`
	}
	events := make([]event, len(r.Events))
	for i, e := range r.Events {
		events[i] = event{e.Kind, e.Choice, e.Tokens, milliseconds(e.Due), milliseconds(e.Sent)}
	}
	var queued *float64
	if r.Queued >= 0 {
		ms := milliseconds(r.Queued)
		queued = &ms
	}
	return json.Marshal(struct {
		ID           string   `json:"id"`
		ClientID     string   `json:"client_id,omitempty"`
		Path         string   `json:"path"`
		Model        string   `json:"model"`
		Stream       bool     `json:"stream"`
		PromptTokens int      `json:"prompt_tokens"`
		OutputTokens int      `json:"output_tokens"`
		ReceivedNs   int64    `json:"received_unix_ns"`
		Queued       *float64 `json:"queued_ms"`
		End          float64  `json:"end_ms"`
		Status       int      `json:"status"`
		FinishReason string   `json:"finish_reason,omitempty"`
		Fault        string   `json:"fault,omitempty"`
		Outcome      Outcome  `json:"outcome"`
		Events       []event  `json:"events"`
	}{
		r.ID, r.ClientID, r.Path, r.Model, r.Stream, r.PromptTokens, r.OutputTokens(), r.Received.UnixNano(),
		queued, milliseconds(r.End), r.Status, r.FinishReason, r.Fault, r.Outcome, events,
	})
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}
