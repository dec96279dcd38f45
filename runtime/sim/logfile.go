package sim

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// logFile writes a line for each request that has ended, on a goroutine of its
// own: requests do not wait for it.
type logFile struct {
	file *os.File
	wake chan struct{} // capacity 1: there is something in the queue
	done chan struct{} // closed when everything is written; err is final then
	err  error

	mu    sync.Mutex // protects queue
	queue []*entry
}

// openLogFile opens a log for appending.
func openLogFile(path string) (*logFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of simulated requests: %w", err)
	}
	f := &logFile{file: file, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go f.write()
	return f, nil
}

// add has a request written that has ended.
func (f *logFile) add(e *entry) {
	f.mu.Lock()
	f.queue = append(f.queue, e)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // it is awake already
	}
}

// close returns when everything is written. Nobody may add any more. The error
// says why the log is incomplete.
func (f *logFile) close() error {
	close(f.wake)
	<-f.done
	return f.err
}

// logBlock is how many bytes of lines are written at once, at least, while
// there are more.
const logBlock = 64 << 10

func (f *logFile) write() {
	defer close(f.done)
	var lines []byte
	flush := func() {
		if f.err == nil && len(lines) > 0 {
			if _, err := f.file.Write(lines); err != nil {
				f.err = fmt.Errorf("write the log of simulated requests: %w", err)
			}
		}
		lines = lines[:0]
	}
	for range f.wake {
		f.mu.Lock()
		ended := f.queue
		f.queue = nil
		f.mu.Unlock()
		for _, e := range ended {
			lines = e.appendLine(lines)
			if len(lines) >= logBlock {
				flush()
			}
		}
		flush()
	}
	f.err = errors.Join(f.err, f.file.Close())
}

// appendLine appends a request as one line of JSON: durations in milliseconds
// since receipt, and the time of receipt in nanoseconds since 1970 so that it can
// be held against other clocks.
func (e *entry) appendLine(dst []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := func(name, value string) {
		dst = append(dst, name...)
		dst = appendQuoted(dst, value)
	}
	number := func(name string, value int64) {
		dst = append(dst, name...)
		dst = strconv.AppendInt(dst, value, 10)
	}
	duration := func(name string, d time.Duration) {
		dst = append(dst, name...)
		dst = appendMilliseconds(dst, d)
	}
	outputTokens := 0
	for i := range e.events {
		outputTokens += int(e.events[i].tokens)
	}
	text(`{"id":`, e.ID)
	if e.ClientID != "" {
		text(`,"client_id":`, e.ClientID)
	}
	text(`,"path":`, e.Path)
	text(`,"model":`, e.Model)
	dst = append(dst, `,"stream":`...)
	dst = strconv.AppendBool(dst, e.Stream)
	number(`,"prompt_tokens":`, int64(e.PromptTokens))
	number(`,"cached_tokens":`, int64(e.CachedTokens))
	number(`,"output_tokens":`, int64(outputTokens))
	number(`,"received_unix_ns":`, e.Received.UnixNano())
	if e.Queued < 0 {
		dst = append(dst, `,"queued_ms":null`...)
	} else {
		duration(`,"queued_ms":`, e.Queued)
	}
	duration(`,"end_ms":`, e.End)
	number(`,"status":`, int64(e.Status))
	if e.FinishReason != "" {
		text(`,"finish_reason":`, e.FinishReason)
	}
	if e.Fault != "" {
		text(`,"fault":`, e.Fault)
	}
	text(`,"outcome":`, string(e.Outcome))
	dst = append(dst, `,"events":[`...)
	for i := range e.events {
		r := &e.events[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"kind":"`...)
		dst = append(dst, kinds[r.what/maxChoices]...)
		number(`","choice":`, int64(r.what%maxChoices))
		number(`,"tokens":`, int64(r.tokens))
		duration(`,"due_ms":`, r.due)
		duration(`,"sent_ms":`, r.sent)
		duration(`,"took_ms":`, time.Duration(r.took)*time.Microsecond)
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...)
}

// appendMilliseconds appends a duration as a decimal number, exact to the nanosecond.
func appendMilliseconds(dst []byte, d time.Duration) []byte {
	if d < 0 {
		dst = append(dst, '-')
		d = -d
	}
	dst = strconv.AppendInt(dst, int64(d/time.Millisecond), 10)
	// The fraction has six digits: a million in front keeps its zeros, and makes
	// room for the point.
	point := len(dst)
	dst = strconv.AppendInt(dst, int64(time.Millisecond+d%time.Millisecond), 10)
	dst[point] = '.'
	return dst
}
