package transport

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"weir/runtime/metrics"
	"weir/runtime/wire"
)

// Format is how a body is cut into events.
type Format uint8

const (
	// SSE is the event stream of the HTML standard (section 9.2.6), lines
	// ending in CR LF, LF or CR.
	SSE Format = iota
	// Lines takes each line that is not empty as an event: NDJSON.
	Lines
	// Values takes values that are each ended by a line's end or by NUL, with or
	// without "data:" in front: the streams of services that are neither SSE nor
	// NDJSON, but nearly. Lines that begin with a colon are comments, and of SSE's
	// other fields nothing is taken.
	Values
)

// Event is one event of a stream. Its slices are valid until the next call of
// Next.
type Event struct {
	Name []byte // of the event: field; empty: "message"
	ID   []byte // of the id: field
	Data []byte // the data: lines, joined by LF
}

// MaxEvent bounds an event's size, bytes, where Scanner.Limit does not: a stream
// without any end of line must not take all memory.
const MaxEvent = 64 << 20

// Scanner cuts a stream into events without copying them. The zero value is
// not usable; Reset makes it so, and lets it be used again for another stream.
// It belongs to one goroutine.
type Scanner struct {
	// Limit bounds the lines of a stream and the data of an event, bytes; 0:
	// MaxEvent. It is kept over Reset.
	Limit int

	r      io.Reader
	format Format
	buf    []byte // nil: there is nothing in it
	line   int    // where the line begins that is looked at
	seen   int    // up to where that line has been searched for its end
	lineTo int    // where the line ends that was found last
	end    int    // end of what has been read
	err    error  // what ended the stream

	paused   bool // in the midst of an event there was nothing to read
	lineFeed bool // a line ended in CR: a LF that follows belongs to it
	begun    bool // past the byte order mark

	hasData          bool
	dataFrom, dataTo int    // the event's data, where it was read: in buf,
	isJoined         bool   // or, when it is not in one piece there,
	joined           []byte // here
	name, id         []byte
}

const (
	scanBuffer = 4 << 10 // to begin with
	keepBuffer = 1 << 20 // larger ones are not kept over Reset
)

// A stream that waits between two events needs no buffer: whoever reads next
// takes this one, while it is in the processor's cache.
var scanBuffers = sync.Pool{New: func() any { return new([scanBuffer]byte) }}

// Reset makes the scanner read from r.
func (s *Scanner) Reset(r io.Reader, format Format) {
	s.giveBack()
	joined := s.joined[:0]
	if cap(joined) > keepBuffer {
		joined = nil
	}
	*s = Scanner{Limit: s.Limit, r: r, format: format, joined: joined, name: s.name[:0], id: s.id[:0]}
}

// giveBack leaves the buffer to others. A larger one is not kept.
func (s *Scanner) giveBack() {
	if len(s.buf) == scanBuffer {
		scanBuffers.Put((*[scanBuffer]byte)(s.buf))
	}
	s.buf = nil
	s.line, s.seen, s.end = 0, 0, 0
}

// Next returns the next event, or io.EOF at the end of the stream. An event
// that the end of the stream leaves without its blank line counts as complete.
// An event that is too large is a *metrics.Error; any other error is the
// reader's, and leaves nothing of the event that it cut off. Errors are last,
// but for wire.ErrNothing: after that, Next goes on where it was.
func (s *Scanner) Next() (Event, error) {
	if !s.paused {
		s.startEvent()
	}
	s.paused = false
	for {
		line, ok := s.nextLine()
		switch {
		case !ok && s.err != nil:
			return s.last()
		case !ok:
			if !s.fill() {
				s.paused = true
				return Event{}, wire.ErrNothing
			}
		case s.format == Lines:
			if len(line) > 0 {
				return Event{Data: line}, nil
			}
		case s.format == Values:
			if value := valueOf(line); len(value) > 0 {
				return Event{Data: value}, nil
			}
		case len(line) > 0:
			s.field(line)
		case s.hasData:
			return s.take(), nil
		default:
			s.startEvent()
		}
	}
}

// Buffered is how many bytes have been read that belong to later events, without
// the end of the line that ended the last one.
func (s *Scanner) Buffered() int {
	rest := s.buf[s.line:s.end]
	if s.format == Values { // the ends of lines between values belong to none
		return len(bytes.TrimLeft(rest, "\r\n\x00"))
	}
	if s.lineFeed && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return len(rest)
}

// startEvent forgets the fields of the event before. The id stays: it names the
// last event that had one.
func (s *Scanner) startEvent() {
	s.hasData, s.isJoined = false, false
	s.joined, s.name = s.joined[:0], s.name[:0]
}

// nextLine returns the next complete line without its end; false asks for more
// data, or says that s.err is set.
func (s *Scanner) nextLine() (line []byte, ok bool) {
	if s.lineFeed && s.line < s.end {
		s.lineFeed = false
		if s.buf[s.line] == '\n' {
			s.line++
		}
	}
	s.seen = max(s.seen, s.line)
	n := lineEnd(s.buf[s.seen:s.end])
	if s.format == Values {
		if nul := bytes.IndexByte(s.buf[s.seen:s.end], 0); nul >= 0 && (n < 0 || nul < n) {
			n = nul
		}
	}
	at := s.end
	if n >= 0 {
		at = s.seen + n
	}
	switch {
	case at-s.line > s.limit():
		s.tooLarge()
		return nil, false
	case n < 0:
		s.seen = s.end
		return nil, false
	}
	line = s.buf[s.line:at]
	s.lineTo = at
	s.lineFeed = s.buf[at] == '\r'
	s.line, s.seen = at+1, at+1
	return s.withoutMark(line), true
}

// lineEnd returns where the first CR or LF is, -1 when there is none.
func lineEnd(b []byte) int {
	n := bytes.IndexByte(b, '\n')
	if n >= 0 {
		b = b[:n]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return n
}

// valueOf is what a line of Values has to say.
func valueOf(line []byte) []byte {
	line = bytes.TrimSpace(line)
	for _, field := range ignoredFields {
		if bytes.HasPrefix(line, field) {
			return nil
		}
	}
	if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		return bytes.TrimSpace(value)
	}
	return line
}

// ignoredFields begin the lines of an event stream that have no data: comments, names
// and the like. No JSON begins so.
var ignoredFields = [][]byte{[]byte(":"), []byte("event:"), []byte("id:"), []byte("retry:")}

// withoutMark drops the byte order mark from the first line.
func (s *Scanner) withoutMark(line []byte) []byte {
	if !s.begun {
		s.begun = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// field takes one line of an SSE event.
func (s *Scanner) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) {
	case "data":
		s.data(value)
	case "event":
		s.name = append(s.name[:0], value...)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			s.id = append(s.id[:0], value...)
		}
	}
}

// data adds a data line: the first stays where it was read, more are joined.
func (s *Scanner) data(value []byte) {
	if !s.hasData {
		s.hasData = true
		s.dataFrom, s.dataTo = s.lineTo-len(value), s.lineTo
		return
	}
	s.join()
	if len(s.joined)+1+len(value) > s.limit() {
		s.tooLarge()
		return
	}
	s.joined = append(s.joined, '\n')
	s.joined = append(s.joined, value...)
}

// join copies the event's data out of buf.
func (s *Scanner) join() {
	if s.hasData && !s.isJoined {
		s.isJoined = true
		s.joined = append(s.joined[:0], s.buf[s.dataFrom:s.dataTo]...)
	}
}

func (s *Scanner) take() Event {
	e := Event{Name: s.name, ID: s.id, Data: s.joined}
	if !s.isJoined {
		e.Data = s.buf[s.dataFrom:s.dataTo]
	}
	return e
}

// last returns what the stream's end leaves: the line and the event that it
// cut off after a clean end, nothing after a broken one.
func (s *Scanner) last() (Event, error) {
	if s.err == io.EOF && s.line < s.end {
		line := s.withoutMark(s.buf[s.line:s.end])
		s.line, s.seen, s.lineTo = s.end, s.end, s.end
		switch {
		case s.format == SSE:
			s.field(line)
		case s.format == Values:
			if value := valueOf(line); len(value) > 0 {
				return Event{Data: value}, nil
			}
		case len(line) > 0:
			return Event{Data: line}, nil
		}
	}
	if s.err == io.EOF && s.hasData {
		return s.take(), nil
	}
	return Event{}, s.err
}

// fill reads more, after making room: in the buffer's whole length when all of
// it has been used, else behind what is there, and only then by moving that. It
// returns false when there is nothing to read now.
func (s *Scanner) fill() bool {
	switch {
	case s.buf == nil:
		s.buf = scanBuffers.Get().(*[scanBuffer]byte)[:]
	case s.line == s.end && (!s.hasData || s.isJoined):
		s.line, s.seen, s.end = 0, 0, 0
	case s.end < len(s.buf):
	case s.line > 0:
		s.join()
		copy(s.buf, s.buf[s.line:s.end])
		s.line, s.seen, s.end = 0, s.seen-s.line, s.end-s.line
	default:
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err == wire.ErrNothing {
			if s.end == 0 {
				s.giveBack()
			}
			return n > 0
		}
		if s.err = err; n > 0 || err != nil {
			return true
		}
	}
	s.err = io.ErrNoProgress
	return true
}

func (s *Scanner) limit() int {
	if s.Limit > 0 {
		return s.Limit
	}
	return MaxEvent
}

// tooLarge ends the stream, and forgets what has been read of it.
func (s *Scanner) tooLarge() {
	s.err = &metrics.Error{Kind: "malformed_event", Message: fmt.Sprintf("an event of more than %d bytes", s.limit())}
	s.hasData = false
	s.line, s.seen = s.end, s.end
}
