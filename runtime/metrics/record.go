package metrics

import (
	"sync"
	"sync/atomic"
	"time"
)

// Record is the life of one request to a service: everything that weir reports
// about requests is computed from records.
//
// A Record belongs to the goroutine that sends the request until it is given to
// [Recorder.Close]; after that nobody may touch it. Times are read from the
// monotonic clock; the zero time means "did not happen".
type Record struct {
	Kind      Kind       // which family of metrics the record feeds
	Iteration *Iteration // what the request was sent for; nil in setup and teardown

	Started   time.Time // just before the first byte of the request was given to the kernel
	HeadAt    time.Time // the response head was complete
	End       time.Time // the response was complete, or was given up
	Reused    bool      // the connection had carried a request before
	Resent    bool      // a kept connection turned out dead before any byte of an answer; sent again on a new one
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	BytesOut  int64
	BytesIn   int64
	Stamp     StampSource
	Coalesced int // token events that arrived in the same read as a later one: their times are upper bounds

	// Events holds the token events in order of arrival. Events without tokens
	// (role, usage, finish) are not among them.
	Events []Event
	// Whole says that the answer was not streamed: its only event is its end, and
	// it has neither a first token nor gaps.
	Whole bool
	// FirstOutput is the first event with text that is not reasoning.
	FirstOutput time.Time

	Status       int    // HTTP status; 0 when no head arrived
	Error        *Error // nil when the request completed
	FinishReason string

	Input     Count // tokens of the prompt
	Output    Count // tokens generated, reasoning included
	Reasoning Count
	Cached    Count // prompt tokens that the service took from its cache
	AskedIn   int   // prompt length that the script meant to send, tokens; 0: not said
	AskedOut  int   // output length that the script asked for and the service was told not to stop before; 0: not said

	begun   bool // the recorder waits for it
	first   bool // its iteration's first
	prefill int  // number in the recorder's prefill log while the prefill is under way; 0: none
}

var records = sync.Pool{New: func() any { return new(Record) }}

// maxPooledEvents bounds the memory of a pooled record: 32 bytes an event.
const maxPooledEvents = 1 << 14

// NewRecord takes an empty record from the pool, with room for events from
// earlier use. [Recorder.Close] puts it back.
func NewRecord() *Record { return records.Get().(*Record) }

func release(rec *Record) {
	events := rec.Events[:0]
	if cap(events) > maxPooledEvents {
		events = nil
	}
	*rec = Record{Events: events}
	records.Put(rec)
}

// Recorder is where the record belongs; nil, which takes and discards it, when
// it was sent outside of an iteration.
func (r *Record) Recorder() *Recorder {
	if r.Iteration == nil {
		return nil
	}
	return r.Iteration.Recorder
}

// scheduled is when the request was to start: only the first request of an
// iteration has the iteration's schedule. Zero: it had none.
func (r *Record) scheduled() time.Time {
	if r.Iteration == nil || r.Iteration.Begun != nil && !r.first {
		return time.Time{}
	}
	return r.Iteration.Scheduled
}

// Event is one token event: tokens that arrived together.
type Event struct {
	At     time.Time
	Tokens int // 0: not known yet, counted as one
}

// Kind says which metrics a record feeds.
type Kind uint8

const (
	KindLLM  Kind = iota // a generation: ttft, itl, tpot, e2el, tokens
	KindHTTP             // a plain HTTP request: http_req_duration, http_req_waiting
)

// StampSource says which clock read gave the times of the events.
type StampSource uint8

const (
	StampUser   StampSource = iota // time.Now after the read returned
	StampKernel                    // the kernel's software receive stamp

	stampSources = iota // how many there are
)

func (s StampSource) String() string { return [...]string{"user", "kernel"}[s] }

// Count is a number of tokens and where it was taken from.
type Count struct {
	N      int
	Source CountSource
}

// CountSource says how tokens were counted.
type CountSource uint8

const (
	CountNone      CountSource = iota // not known
	CountUsage                        // the service said so
	CountTokenizer                    // our tokenizer counted the text
	CountEvents                       // one token for each event: a lower bound

	sources = iota // how many there are
)

func (s CountSource) String() string {
	return [...]string{"none", "usage", "tokenizer", "events"}[s]
}

// Error says why a request failed.
type Error struct {
	Kind    string // one of the kinds of docs/metrics.md, such as "connect" or "http_status"
	Status  int    // HTTP status; 0 when there was none
	Message string
}

func (e *Error) Error() string { return e.Kind + ": " + e.Message }

// Iteration says for which part of a run a request is sent. It is the value
// that follows an iteration through its awaits (script.Runtime.Current).
type Iteration struct {
	Recorder  *Recorder // of the case, or of its warm-up
	Scenario  string
	Index     int               // number of the iteration in the case, from 0
	VU        int               // number of the virtual user, from 0
	Scheduled time.Time         // when it was to start; zero: it had no schedule
	Begun     *atomic.Bool      // set by its first request, which alone is held against the schedule; nil: all are
	Tags      map[string]string // read only
}
