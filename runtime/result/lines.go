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

// lineFile writes a compressed file of lines of JSON while a run goes on. add may be
// called from any goroutine; Flush and Close are for one.
//
// Whoever adds a line encodes it; one goroutine compresses and writes
// (archive). What waits for it is bounded: when the disk does not keep up, add
// waits, and says for how long. A write that fails, or that takes longer than
// stuckAfter, ends the writing, not the run: later lines are discarded, and
// Flush and Close tell of it.
type lineFile struct {
	path  string
	what  string // the lines are, such as "records"
	queue chan task
	ended chan struct{} // closed when the writer has ended

	added  atomic.Int64  // lines
	kept   atomic.Int64  // lines that are in the file and can be read
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
	queuedLines = 1024             // that may wait for the writer: some megabytes
	keptLine    = 1 << 16          // the largest encoded line whose memory is used again, bytes
	stuckAfter  = 10 * time.Second // a disk that takes longer for one step is given up
)

var lines = sync.Pool{New: func() any { return new([]byte) }}

var errClosed = errors.New("the file is closed")

// createLines begins a file of lines in a run's folder. One that exists is never
// overwritten.
func (f *Folder) createLines(name, what string) (*lineFile, error) {
	path := filepath.Join(f.Dir, name)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create the file of %s %s: %w; choose another folder with --out", what, path, err)
	}
	l, err := newLineFile(path, what, file)
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return l, nil
}

func newLineFile(path, what string, to disk) (*lineFile, error) {
	a, err := newArchive(to)
	if err != nil {
		return nil, err
	}
	l := &lineFile{path: path, what: what, queue: make(chan task, queuedLines), ended: make(chan struct{}), failed: make(chan struct{})}
	go l.write(a)
	return l, nil
}

// Path is the path of the file.
func (l *lineFile) Path() string { return l.path }

// Empty tells whether nothing was added.
func (l *lineFile) Empty() bool { return l.added.Load() == 0 }

// add writes a value as one line. It does not keep it. It returns for how long the
// disk held it up. After Close, lines are discarded.
func (l *lineFile) add(v any) (waited time.Duration) {
	l.added.Add(1)
	if l.failure() != nil {
		return 0
	}
	text, err := json.Marshal(v)
	if err != nil {
		l.fail(fmt.Errorf("encode one of the %s: %w", l.what, err))
		return 0
	}
	line := lines.Get().(*[]byte)
	*line = append(append((*line)[:0], text...), '\n')
	select {
	case l.queue <- task{line: line}:
		return 0
	default:
	}
	began := time.Now()
	limit := time.NewTimer(stuckAfter)
	defer limit.Stop()
	select {
	case l.queue <- task{line: line}:
	case <-l.failed:
	case <-limit.C:
		l.fail(l.stuck())
	}
	return time.Since(began)
}

func (l *lineFile) stuck() error {
	return fmt.Errorf("write %s: the disk took longer than %v; nothing more is written to it", l.path, stuckAfter)
}

// write is the goroutine that writes.
func (l *lineFile) write(a *archive) {
	defer close(l.ended)
	for t := range l.queue {
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
			l.fail(writeError(l.path, err))
		}
		l.kept.Store(a.kept)
		if t.done != nil {
			t.done <- l.failure()
		}
		if t.last {
			return
		}
	}
}

// Flush returns when everything that was added is on disk, or with an error when
// the disk does not get there.
func (l *lineFile) Flush() error {
	if err := l.failure(); err != nil {
		return err
	}
	return l.await(false)
}

// Close completes the file. It reports whatever went wrong since its creation.
func (l *lineFile) Close() error {
	if l.failure() == errClosed {
		return nil
	}
	err := l.await(true)
	l.fail(errClosed)
	if missing := l.added.Load() - l.kept.Load(); err != nil && missing > 0 {
		return fmt.Errorf("%w; %d of %d %s are missing, the others can be read", err, missing, l.added.Load(), l.what)
	}
	return err
}

// await has the writer put everything on disk.
func (l *lineFile) await(last bool) error {
	limit := time.NewTimer(stuckAfter)
	defer limit.Stop()
	done := make(chan error, 1)
	select {
	case l.queue <- task{done: done, last: last}:
	case <-l.ended:
		return l.failure()
	case <-limit.C:
		l.fail(l.stuck())
		return l.failure()
	}
	select {
	case err := <-done:
		return err
	case <-limit.C:
		l.fail(l.stuck())
		return l.failure()
	}
}

// fail keeps the first failure.
func (l *lineFile) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		close(l.failed)
	}
}

func (l *lineFile) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// readLines reads a file of lines, one after another.
func readLines[T any](path, what string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %w", what, err))
			return
		}
		defer file.Close()
		unzip, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %s: %w", what, path, err))
			return
		}
		defer unzip.Close()
		in := bufio.NewReader(unzip)
		var line []byte
		for number := 1; ; number++ {
			line, err = readLine(in, line[:0])
			if err == io.EOF && len(line) == 0 {
				return
			}
			v := new(T)
			if err == nil {
				err = json.Unmarshal(line, v)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read %s: %s: line %d: %w", what, path, number, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// maxLine bounds a line of what somebody else may have written: some ten million token
// events.
const maxLine = 64 << 20

// readLine reads a line into room of earlier use.
func readLine(from *bufio.Reader, to []byte) ([]byte, error) {
	for {
		part, err := from.ReadSlice('\n')
		to = append(to, part...)
		if err != bufio.ErrBufferFull {
			return to, err
		}
		if len(to) > maxLine {
			return to, fmt.Errorf("it is longer than %d MiB", maxLine>>20)
		}
	}
}
