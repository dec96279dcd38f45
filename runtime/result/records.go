package result

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

// RecordsName is the name of the file of records in a run's folder.
const RecordsName = "records.jsonl.zst"

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

// Records writes the file of records while a run goes on. Add may be called
// from any goroutine; Flush and Close are for one.
//
// Whoever adds a record encodes it; one goroutine compresses and writes
// (archive). What waits for it is bounded: when the disk does not keep up, Add
// waits, and says for how long. A write that fails, or that takes longer than
// stuckAfter, ends the writing, not the run: later records are discarded, and
// Flush and Close tell of it.
type Records struct {
	path  string
	queue chan task
	ended chan struct{} // closed when the writer has ended

	added  atomic.Int64  // records
	kept   atomic.Int64  // records that are in the file and can be read
	failed chan struct{} // closed with err

	mu  sync.Mutex // protects the following field
	err error      // the first failure, or that it is closed
}

// task is what the writer is to do: write a line, or put everything on disk.
type task struct {
	line *[]byte
	done chan<- error // it is on disk; nil for a line
	last bool         // and complete the file
}

const (
	queuedRecords = 1024             // that may wait for the writer: some megabytes
	keptLine      = 1 << 16          // the largest encoded record whose memory is used again, bytes
	stuckAfter    = 10 * time.Second // a disk that takes longer for one step is given up
)

var lines = sync.Pool{New: func() any { return new([]byte) }}

var errClosed = errors.New("the file of records is closed")

// CreateRecords begins the file of records in a run's folder. One that exists
// is never overwritten.
func (f *Folder) CreateRecords() (*Records, error) {
	path := filepath.Join(f.Dir, RecordsName)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create the file of records %s: %w; choose another folder with --out", path, err)
	}
	r, err := newRecords(path, file)
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return r, nil
}

func newRecords(path string, to disk) (*Records, error) {
	a, err := newArchive(to)
	if err != nil {
		return nil, err
	}
	r := &Records{path: path, queue: make(chan task, queuedRecords), ended: make(chan struct{}), failed: make(chan struct{})}
	go r.write(a)
	return r, nil
}

// Path is the path of the file.
func (r *Records) Path() string { return r.path }

// Add writes one record. It does not keep it. It returns for how long the disk
// held it up. After Close, records are discarded.
func (r *Records) Add(request *Request) (waited time.Duration) {
	r.added.Add(1)
	if r.failure() != nil {
		return 0
	}
	text, err := json.Marshal(request)
	if err != nil {
		r.fail(fmt.Errorf("encode a record: %w", err))
		return 0
	}
	line := lines.Get().(*[]byte)
	*line = append(append((*line)[:0], text...), '\n')
	select {
	case r.queue <- task{line: line}:
		return 0
	default:
	}
	began := time.Now()
	limit := time.NewTimer(stuckAfter)
	defer limit.Stop()
	select {
	case r.queue <- task{line: line}:
	case <-r.failed:
	case <-limit.C:
		r.fail(r.stuck())
	}
	return time.Since(began)
}

func (r *Records) stuck() error {
	return fmt.Errorf("write %s: the disk took longer than %v; nothing more is written to it", r.path, stuckAfter)
}

// write is the goroutine that writes.
func (r *Records) write(a *archive) {
	defer close(r.ended)
	for t := range r.queue {
		var err error
		switch {
		case t.line != nil:
			err = a.add(*t.line)
			if cap(*t.line) <= keptLine {
				lines.Put(t.line)
			}
		default:
			err = a.flush(t.last)
		}
		if err != nil {
			r.fail(writeError(r.path, err))
		}
		r.kept.Store(a.kept)
		if t.done != nil {
			t.done <- r.failure()
		}
		if t.last {
			return
		}
	}
}

// Flush returns when everything that was added is on disk, or with an error when
// the disk does not get there.
func (r *Records) Flush() error {
	if err := r.failure(); err != nil {
		return err
	}
	return r.await(false)
}

// Close completes the file. It reports whatever went wrong since its creation.
func (r *Records) Close() error {
	if r.failure() == errClosed {
		return nil
	}
	err := r.await(true)
	r.fail(errClosed)
	if missing := r.added.Load() - r.kept.Load(); err != nil && missing > 0 {
		return fmt.Errorf("%w; %d of %d records are missing, the others can be read", err, missing, r.added.Load())
	}
	return err
}

// await has the writer put everything on disk.
func (r *Records) await(last bool) error {
	limit := time.NewTimer(stuckAfter)
	defer limit.Stop()
	done := make(chan error, 1)
	select {
	case r.queue <- task{done: done, last: last}:
	case <-r.ended:
		return r.failure()
	case <-limit.C:
		r.fail(r.stuck())
		return r.failure()
	}
	select {
	case err := <-done:
		return err
	case <-limit.C:
		r.fail(r.stuck())
		return r.failure()
	}
}

// fail keeps the first failure.
func (r *Records) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		close(r.failed)
	}
}

func (r *Records) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// ReadRecords reads a file of records, one after another. A file that was cut
// off, as by a full disk, yields what it has, and then an error.
func ReadRecords(path string) iter.Seq2[*Request, error] {
	return func(yield func(*Request, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("read records: %w", err))
			return
		}
		defer file.Close()
		unzip, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
		if err != nil {
			yield(nil, fmt.Errorf("read records: %s: %w", path, err))
			return
		}
		defer unzip.Close()
		in := bufio.NewReader(unzip)
		for number := 1; ; number++ {
			line, err := in.ReadBytes('\n')
			if err == io.EOF && len(line) == 0 {
				return
			}
			request := new(Request)
			if err == nil {
				err = json.Unmarshal(line, request)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read records: %s: line %d: %w", path, number, err))
				return
			}
			if !yield(request, nil) {
				return
			}
		}
	}
}
