package sim

import (
	"context"
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
	CachedTokens int // of them, that were in the prefix cache
	// Received is the moment at which the last byte of the body came: the kernel's
	// receive stamp where it gives one. It is the origin of all durations below.
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
	// Took is how long the kernel needed to take it, rounded up to microseconds; 0
	// while it has not. 65.535 ms stands for all that is longer. The kernel hands
	// what goes to the same machine to the receiver in that time.
	Took time.Duration
}

// EventKind says what an event carries.
type EventKind string

// The kinds of events.
const (
	EventOpen   EventKind = "open"   // what comes before the engine has begun
	EventRole   EventKind = "role"   // the role chunk of a chat, and what else comes right before the first token
	EventTokens EventKind = "tokens" // text
	EventFinish EventKind = "finish" // a finish reason without text, the end of a part
	EventUsage  EventKind = "usage"  // the final usage chunk, the end of a message
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

	file *logFile // nil: none
}

// entry is a request in the log.
type entry struct {
	mu      sync.Mutex // protects the following fields
	Request            // without its events
	events  []record

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

// finish ends a request and has its line written.
func (l *Log) finish(e *entry, outcome Outcome) {
	defer close(e.ended)
	e.mu.Lock()
	e.Outcome, e.End = outcome, time.Since(e.Received)
	e.mu.Unlock()
	if l.file != nil {
		l.file.add(e)
	}
}

func (e *entry) copy() Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.Request
	r.Events = make([]Event, len(e.events))
	for i := range e.events {
		r.Events[i] = e.events[i].event()
	}
	return r
}

// expect makes room for the events of a reply, so that sending them need not.
func (e *entry) expect(tokens int) {
	const others = 4    // role, usage, end and one for luck
	const atMost = 4096 // longer replies may end early
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = make([]record, 0, min(tokens+others, atMost))
}

// sent stamps an event that is about to be written.
func (e *entry) sent(ev Event) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, newRecord(ev))
	last := &e.events[len(e.events)-1]
	last.sent = time.Since(e.Received) // as late as can be
	return last.sent
}

// sentAgain stamps the newest event anew unless some of it was sent already.
func (e *entry) sentAgain(begun bool) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := &e.events[len(e.events)-1]
	if !begun {
		last.sent = time.Since(e.Received)
	}
	return last.sent
}

// written notes that the kernel has the whole of the newest event.
func (e *entry) written() {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := &e.events[len(e.events)-1]
	last.took = microsecondsUp(time.Since(e.Received) - last.sent)
}

// set changes other fields.
func (e *entry) set(change func(*Request)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.Request)
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}
