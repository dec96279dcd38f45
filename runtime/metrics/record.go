package metrics

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/wire"
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

	// Started is when the first byte of the request was given to the kernel. It
	// must not change any more once there are token events.
	Started time.Time
	Sent    time.Time // the last byte of the request was given to the kernel
	HeadAt  time.Time // the response head was complete
	End     time.Time // the response was complete, or was given up

	Reused      bool          // the connection had carried a request before, or had been opened in advance
	Retried     bool          // it failed, and was followed by another attempt of the same request
	Resent      bool          // a kept connection turned out dead before any byte of an answer; sent again on a new one
	DNS         time.Duration // what opening a new connection took; 0: nothing, or a kept one
	Connect     time.Duration
	TLS         time.Duration
	PrefillWait time.Duration // it waited so long, before it started, because others were in prefill; 0: it did not
	Retransmits int           // TCP segments of the connection that this machine sent again meanwhile
	BytesOut    int64
	BytesIn     int64
	Stamp       StampSource // which clock gave HeadAt; each token event has its own

	// Events holds the token events in order of arrival, as Token appends them.
	// Events without tokens (role, usage, finish) are not among them.
	Events []Event
	// Coalesced counts the events that are shared.
	Coalesced int
	// Whole says that the answer was not streamed: its only event is its end, and
	// it has neither a first token nor gaps.
	Whole bool
	// FirstOutput is the number of the first event with text that is not
	// reasoning, from 1; 0: there is none.
	FirstOutput int

	Model        string // that was asked for; "": none was named
	Host         string // that was asked, where there are several; "": there is one
	Status       int    // HTTP status; 0 when no head arrived
	Error        *Error // nil when the request completed
	FinishReason string

	Input     Count // tokens of the prompt
	Output    Count // tokens generated, reasoning included
	Reasoning Count
	Cached    Count // prompt tokens that the service took from its cache
	AskedIn   int   // prompt length that the script meant to send, tokens; 0: not said
	AskedOut  int   // output length that the script asked for and the service was told not to stop before; 0: not said

	number     int64         // in the order in which the recorder's requests were announced, from 0
	begun      bool          // the recorder waits for it
	first      bool          // its iteration's first
	logged     bool          // the recorder's prefill log knows of it …
	entered    int64         // … since then
	prefilling bool          // its prefill is under way …
	prefill    int64         // … since then
	early      time.Duration // of one that is read: by how much its prefill began before Started
	live       liveState
	read       uint64 // number of the read that brought the newest token event; 0: not known
	shard      uint32 // number of the recorder's shard that takes it, modulo how many there are
}

// A pool hands a record out again on the processor that it was put back on, so
// that numbers given out once spread the processors over the shards.
var (
	records = sync.Pool{New: func() any { return &Record{shard: made.Add(1)} }}
	made    atomic.Uint32
)

// maxPooledEvents bounds the memory of a pooled record: 16 bytes an event.
const maxPooledEvents = 1 << 14

// NewRecord takes an empty record from the pool, with room for events from
// earlier use. [Recorder.Close] puts it back.
func NewRecord() *Record { return records.Get().(*Record) }

func release(rec *Record) {
	events := rec.Events[:0]
	if cap(events) > maxPooledEvents {
		events = nil
	}
	*rec = Record{Events: events, shard: rec.shard}
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
	if r.Iteration == nil || r.Later() {
		return time.Time{}
	}
	return r.Iteration.Scheduled
}

// Later tells whether the request's iteration had sent another one before: then it is
// not held against the schedule.
func (r *Record) Later() bool {
	return r.Iteration != nil && r.Iteration.Begun != nil && !r.first
}

// past is the Begun of iterations whose requests are known to be the first, or not.
var past = new(atomic.Bool)

// Token appends a token event: tokens that arrived together. tokens may be 0,
// which means not known and counts as one. The token event before it is
// [Record.Followed] by it.
func (r *Record) Token(a wire.Arrival, tokens int) {
	r.Followed(a)
	r.read = a.Read
	e := Event{At: a.At.Sub(r.Started), tokens: uint32(max(0, min(tokens, eventTokens)))}
	if a.Kernel {
		e.tokens |= eventKernel
		e.lag = uint32(max(0, min(a.Lag/time.Microsecond, math.MaxUint32)))
	}
	switch {
	case a.Spread > together:
		e.tokens |= eventWide
	case a.Spread > 0:
		e.tokens |= eventNarrow
	}
	r.Events = append(r.Events, e)
	if e.At >= r.live.due && len(r.Events) > 1 {
		r.live.due = e.At + liveInterval
		r.Recorder().progress(r)
	}
}

// Followed says that a part of the stream other than its end arrived behind the
// newest token event. When the same read brought both, that event's time is an
// upper bound, and it is marked as shared. It may be called for every such part.
func (r *Record) Followed(a wire.Arrival) {
	if a.Read != 0 && a.Read == r.read {
		r.Share()
	}
}

// Share marks the newest token event as shared, if there is one: something
// arrived behind it in the same read. A second call does nothing.
func (r *Record) Share() {
	if last := len(r.Events) - 1; last >= 0 && !r.Events[last].Shared() {
		r.Events[last].tokens |= eventShared
		r.Coalesced++
	}
}

// EventTime is when event i arrived.
func (r *Record) EventTime(i int) time.Time { return r.Started.Add(r.Events[i].At) }

// Event is one token event. It takes 16 bytes.
type Event struct {
	// At is when it arrived, after the record's Started: the time of the read
	// that completed the event, by the kernel's clock where Kernel says so.
	At time.Duration

	lag    uint32 // µs, saturating
	tokens uint32 // and the four marks
}

const (
	eventShared = 1 << 31
	eventKernel = 1 << 30
	eventWide   = 1 << 29         // its read brought what may have come at different times
	eventNarrow = 1 << 28         // its read brought what came together
	eventTokens = eventNarrow - 1 // as many can be counted …
	tokenBits   = 28              // … in so many bits
)

// together is within what time the data of a read must have come so that it is taken
// as sent together: a stream's rhythm is tens of milliseconds, and what a service
// writes in one piece, or a network holds up, comes within microseconds.
const together = time.Millisecond

// Tokens is how many tokens came with the event; 0: not known, counted as one.
func (e Event) Tokens() int { return int(e.tokens & eventTokens) }

// EventTokens is how many tokens came with all events, those whose number is not
// known counted as one.
func (r *Record) EventTokens() int {
	n := 0
	for _, e := range r.Events {
		n += max(e.Tokens(), 1)
	}
	return n
}

// Shared tells whether a later part of the stream other than its end came in the
// same read. The kernel's stamp, as the read itself, is that of the last part:
// then At is an upper bound.
func (e Event) Shared() bool { return e.tokens&eventShared != 0 }

// Timed tells whether At is when it came, within a millisecond: it shared its read
// with nothing, or with what came together with it.
func (e Event) Timed() bool { return !e.Shared() || e.tokens&eventNarrow != 0 }

// ReadLate tells whether it is Shared because the client was not in time: when it
// came is not known within a millisecond. Other shared events came, as far as
// anybody can tell, together with what followed them.
func (e Event) ReadLate() bool { return e.tokens&(eventShared|eventWide) == eventShared|eventWide }

// Kernel tells whether At is the kernel's receive stamp; otherwise it is the
// time at which the read had returned.
func (e Event) Kernel() bool { return e.tokens&eventKernel != 0 }

// Lag is how long the event waited in the kernel until it was read, in whole
// microseconds; 0 where Kernel is false, as nobody knows.
func (e Event) Lag() time.Duration { return time.Duration(e.lag) * time.Microsecond }

// Kind says which metrics a record feeds.
type Kind uint8

const (
	KindLLM     Kind = iota // a generation: ttft, itl, tpot, e2el, tokens
	KindHTTP                // a plain HTTP request: http_req_duration, http_req_waiting
	KindPooling             // an embedding or a ranking: e2el, input tokens
)

// StampSource says which clock read gave the times of the events.
type StampSource uint8

const (
	StampUser   StampSource = iota // time.Now when the read had returned
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

// ErrorKinds are the kinds that an Error can have; docs/metrics.md explains them.
var ErrorKinds = []string{
	"dns", "connect", "proxy", "tls", "connect_timeout", "client_limit", "unsent", "write", "head_timeout", "idle_timeout", "total_timeout",
	"connection_closed", "truncated", "stream_incomplete", "http_status", "rate_limited", "stream_error", "not_a_stream", "malformed_event",
	"no_output", "protocol", "interrupted", "unfinished",
}

// Error says why a request failed.
type Error struct {
	Kind    string // one of ErrorKinds, such as "connect" or "http_status"
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
	Asleep    *Sleep            // think time before its first request; nil: not kept
	Tags      map[string]string // read only
}

// Sleep is how long an iteration has slept before its first request, which is
// not the client's doing. Add is called by the one goroutine of the iteration's
// code, Total by any.
type Sleep struct {
	until time.Time
	total atomic.Int64
}

// Add adds a sleep that has ended; what several slept at the same time counts once.
func (s *Sleep) Add(from, to time.Time) {
	if from.Before(s.until) {
		from = s.until
	}
	if d := to.Sub(from); d > 0 {
		s.total.Add(int64(d))
		s.until = to
	}
}

// Total is all of it.
func (s *Sleep) Total() time.Duration { return time.Duration(s.total.Load()) }
