package result

import (
	"iter"
	"time"
)

// RecordsName is the name of the file of records in a run's folder: every request,
// on request.
const RecordsName = "records.jsonl.zst"

// RequestsName is the name of the file of the requests that every run keeps, for its
// report and for comparisons: in the format of the file of records, as many of a case
// as [Kept] says. There is none beside a file of records.
const RequestsName = "requests.jsonl.zst"

// Request is one request as the file of records has it: one line of JSON. Times
// ending in _us are whole microseconds, counted from Started unless their
// comment says otherwise; those that did not happen are absent.
//
// Token events are in order of arrival. TokenGaps[0] is the time of the first
// one; each later gap is counted from the event before, so that the sum of the
// first n gaps is the time of the n-th event.
type Request struct {
	Case      int    `json:"case"` // number in the run, from 1
	CaseName  string `json:"case_name"`
	Scenario  string `json:"scenario"`
	Iteration int    `json:"iteration"` // number in the case, from 0
	VU        int    `json:"vu"`
	Kind      string `json:"kind"` // "llm", "http" or "pooling" (embeddings and rankings)

	Tags map[string]string `json:"tags,omitempty"` // of the case and its scenario

	ScheduledAt int64 `json:"scheduled_unix_ns,omitempty"` // wall clock: when the iteration was to start; absent: it had no schedule
	EndedAt     int64 `json:"ended_unix_ns,omitempty"`     // wall clock of End

	Started   int64  `json:"started_unix_ns"`           // wall clock; 0: no byte was sent
	Scheduled *int64 `json:"scheduled_us,omitempty"`    // the iteration was to start; absent: it had no schedule
	Later     bool   `json:"later,omitempty"`           // the iteration had sent another request before: this one is not held against its schedule
	Sent      *int64 `json:"sent_us,omitempty"`         // the last byte of the request was given to the kernel
	Head      *int64 `json:"head_us,omitempty"`         // the response head was complete
	Output    *int64 `json:"first_output_us,omitempty"` // first text that is not reasoning
	End       *int64 `json:"end_us,omitempty"`          // the response was complete, or was given up
	DNS       int64  `json:"dns_us,omitempty"`          // how long it took; so the next two
	Connect   int64  `json:"connect_us,omitempty"`
	TLS       int64  `json:"tls_us,omitempty"`

	PrefillWait int64 `json:"prefill_wait_us,omitempty"` // how long it waited, before it started, because others were in prefill

	Reused      bool  `json:"reused"`                // the connection had carried a request before, or had been opened in advance
	Retried     bool  `json:"retried,omitempty"`     // failed, and followed by another attempt
	Resent      bool  `json:"resent,omitempty"`      // sent again, as a kept connection was dead
	Retransmits int   `json:"retransmits,omitempty"` // TCP segments that this machine sent again meanwhile
	BytesOut    int64 `json:"bytes_out"`
	BytesIn     int64 `json:"bytes_in"`

	Model        string        `json:"model,omitempty"`
	Host         string        `json:"host,omitempty"` // where there are several
	Status       int           `json:"status"`         // 0: no head arrived
	Error        *RequestError `json:"error,omitempty"`
	FinishReason string        `json:"finish_reason,omitempty"`
	InputTokens  *TokenCount   `json:"input_tokens,omitempty"` // these four: absent when not known
	OutputTokens *TokenCount   `json:"output_tokens,omitempty"`
	Reasoning    *TokenCount   `json:"reasoning_tokens,omitempty"`
	Cached       *TokenCount   `json:"cached_tokens,omitempty"`

	Stamp     string  `json:"stamp"` // which clock gave the events' times: "kernel", "user" or "mixed"
	TokenGaps []int64 `json:"token_gaps_us,omitempty"`
	Tokens    []int   `json:"tokens,omitempty"`       // of each event; absent: one each
	ReadLags  []int64 `json:"read_lags_us,omitempty"` // of each event; absent: all 0
	Shared    []int   `json:"shared,omitempty"`       // events, counted from 0, whose time is an upper bound: they came in one read with a later part of the stream
	ReadLate  []int   `json:"read_late,omitempty"`    // of these: the client was not in time to see when they came
	Unseen    []int   `json:"unseen,omitempty"`       // of these: nobody saw whether they came together with the rest of their read
}

// RequestError says why a request failed.
type RequestError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// TokenCount is a number of tokens, and who counted them.
type TokenCount struct {
	N      int    `json:"n"`
	Source string `json:"source"` // "usage", "tokenizer" or "events"
}

// Records writes the file of records while a run goes on, or that of requests. Add may
// be called from any goroutine; Flush and Close are for one.
type Records struct{ *lineFile }

// CreateRecords begins the file of records in a run's folder. One that exists
// is never overwritten.
func (f *Folder) CreateRecords() (*Records, error) {
	l, err := f.createLines(RecordsName, "records")
	if err != nil {
		return nil, err
	}
	return &Records{l}, nil
}

// CreateRequests begins the file of requests in a run's folder, which holds some of
// them: [RequestsName]. One that exists is never overwritten.
func (f *Folder) CreateRequests() (*Records, error) {
	l, err := f.createLines(RequestsName, "requests")
	if err != nil {
		return nil, err
	}
	return &Records{l}, nil
}

func newRecords(path string, to disk) (*Records, error) {
	l, err := newLineFile(path, "records", to)
	return &Records{l}, err
}

// Add writes one record. It does not keep it. It returns for how long the disk
// held it up. After Close, records are discarded.
func (r *Records) Add(request *Request) (waited time.Duration) { return r.add(request) }

// ReadRecords reads a file of records, one after another. A file that was cut
// off, as by a full disk, yields what it has, and then an error.
func ReadRecords(path string) iter.Seq2[*Request, error] { return readLines[Request](path, "records") }
