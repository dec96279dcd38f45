package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"weir/runtime/metrics"
	"weir/runtime/transport"
	"weir/runtime/wire"
)

// event is a transport.Event that outlives the next one.
type event struct{ Name, ID, Data string }

func data(lines ...string) (events []event) {
	for _, l := range lines {
		events = append(events, event{Data: l})
	}
	return events
}

// scan returns all events of a stream, and the error that ended it.
func scan(s *transport.Scanner, r io.Reader, format transport.Format) ([]event, error) {
	s.Reset(r, format)
	var events []event
	for {
		e, err := s.Next()
		if err == wire.ErrNothing {
			continue
		}
		if err != nil {
			if _, again := s.Next(); !errors.Is(again, err) {
				return events, fmt.Errorf("the error %v was followed by %v", err, again)
			}
			return events, err
		}
		events = append(events, event{string(e.Name), string(e.ID), string(e.Data)})
	}
}

var errReader = errors.New("the reader broke")

var long = strings.Repeat("0123456789abcdef", 1<<16) // 1 MB

var streams = []struct {
	name   string
	stream string
	want   []event
}{
	{"a blank after the colon is no part of the data", "data: x\n\n", data("x")},
	{"and need not be there", "data:x\n\n", data("x")},
	{"only the first blank is dropped", "data:  x \n\n", data(" x ")},
	{"a tab is no blank", "data:\tx\n\n", data("\tx")},
	{"colons in the data", "data:a:b: c\n\n", data("a:b: c")},
	{"several events", "data: 1\n\ndata: 2\n\ndata: 3\n\n", data("1", "2", "3")},
	{"several data lines are joined by LF", "data: 1\ndata:2\ndata:  3\n\n", data("1\n2\n 3")},
	{"empty data", "data:\n\n", data("")},
	{"data without a colon is empty data", "data\n\n", data("")},
	{"two empty data lines", "data\ndata\n\n", data("\n")},
	{"data, then an empty line of data", "data: a\ndata:\n\n", data("a\n")},
	{"CR LF ends", "data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n", data("1\n2", "3")},
	{"CR ends", "data: 1\rdata: 2\r\rdata: 3\r\r", data("1\n2", "3")},
	{"mixed ends", "data: 1\r\ndata: 2\n\rdata: 3\r\n\n\rdata: 4\r\r\n", data("1\n2", "3", "4")},
	{"CR LF, then LF is two ends", "data: 1\r\n\ndata: 2\r\n\n", data("1", "2")},
	{"LF CR is two ends", "data: 1\n\rdata: 2\n\r", data("1", "2")},
	{"many blank lines", "\n\r\n\rdata: 1\n\n\n\n\r\n\r\ndata: 2\n\n\n\n", data("1", "2")},
	{"comments are skipped", ": hello\ndata: 1\n:\ndata: 2\n: bye\n\n", data("1\n2")},
	{"pings between events", "data: 1\n\n:\n\n: ping\n\ndata: 2\n\n", data("1", "2")},
	{"only comments", ":\n\n: ping\n\n:\n", nil},
	{"nothing", "", nil},
	{"only line ends", "\r\n\n\r\r\n", nil},
	{"event and id fields", "event: a\nid: 7\ndata: 1\n\n", []event{{"a", "7", "1"}}},
	{"fields in another order, without blanks", "data:1\nid:7\nevent:a\n\n", []event{{"a", "7", "1"}}},
	{"the id stays, the name does not", "event:a\nid:7\ndata:1\n\ndata:2\n\n", []event{{"a", "7", "1"}, {"", "7", "2"}}},
	{"an event without data is none, its id stays", "event:a\nid:7\n\ndata:2\n\n", []event{{"", "7", "2"}}},
	{"an id without colon is empty", "id:7\ndata:1\n\nid\ndata:2\n\n", []event{{"", "7", "1"}, {"", "", "2"}}},
	{"an id with NUL is ignored", "id:7\ndata:1\n\nid:a\x00b\ndata:2\n\n", []event{{"", "7", "1"}, {"", "7", "2"}}},
	{"the last name and id count", "event:a\nevent:b\nid:1\nid:2\ndata:x\n\n", []event{{"b", "2", "x"}}},
	{"an empty name replaces one", "event:a\nevent\ndata:x\n\n", data("x")},
	{"unknown fields and retry are ignored", "retry: 10\nfoo: 1\nDATA: 2\n data: 3\ndata : 4\ndata: x\n\n", data("x")},
	{"byte order mark", "\xef\xbb\xbfdata: x\n\n", data("x")},
	{"only the first one is a mark", "\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", data("y")},
	{"one further on is data", "data: x\n\n\xef\xbb\xbfdata: y\n\ndata: \xef\xbb\xbf\n\n", data("x", "\xef\xbb\xbf")},
	{"byte order mark before an empty line", "\xef\xbb\xbf\ndata: x\n\n", data("x")},
	{"text of several bytes", "data: äöü 水 🌊\n\ndata: é\n\n", data("äöü 水 🌊", "é")},
	{"text that is not UTF-8", "data: \xff\xfe\x80\n\n", data("\xff\xfe\x80")},
	{"end without the blank line", "data: 1\n\ndata: 2\n", data("1", "2")},
	{"end in the middle of a line", "data: 1\n\ndata: 2", data("1", "2")},
	{"end after a CR", "data: 1\r", data("1")},
	{"end in the middle of the second data line", "data: 1\ndata: 2", data("1\n2")},
	{"end after a line that is no data", "data: 1\nevent: a\nid: 3", []event{{"a", "3", "1"}}},
	{"end in a field name", "data: 1\n\ndat", data("1")},
	{"end in a mark", "\xef\xbb", nil},
	{"only a mark", "\xef\xbb\xbf", nil},
	{"larger than the buffer to begin with", "data: " + long[:5000] + "\n\ndata: 2\n\n", data(long[:5000], "2")},
	{"many lines, larger than the buffer together", strings.Repeat("data: "+long[:100]+"\n", 100) + "\n", data(strings.TrimSuffix(strings.Repeat(long[:100]+"\n", 100), "\n"))},
	{"comments in an event, larger than the buffer", "data: 1\n" + strings.Repeat(": "+long[:100]+"\n", 100) + "\ndata: 2\n\n", data("1", "2")},
}

var lineStreams = []struct {
	name   string
	stream string
	want   []event
}{
	{"one object a line", "{\"a\":1}\n{\"a\":2}\n", data(`{"a":1}`, `{"a":2}`)},
	{"no end after the last", "1\n2", data("1", "2")},
	{"empty lines are none", "\n1\n\n\n2\n\n", data("1", "2")},
	{"CR LF", "1\r\n2\r\n\r\n3", data("1", "2", "3")},
	{"CR", "1\r2\r", data("1", "2")},
	{"nothing of SSE means anything", "data: 1\n: x\nid: 3\n", data("data: 1", ": x", "id: 3")},
	{"byte order mark", "\xef\xbb\xbf1\n\xef\xbb\xbf2\n", data("1", "\xef\xbb\xbf2")},
	{"nothing", "", nil},
	{"larger than the buffer", long[:9000] + "\n2\n", data(long[:9000], "2")},
}

var valueStreams = []struct {
	name   string
	stream string
	want   []event
}{
	{"ended by NUL", "{\"a\":1}\x00{\"a\":2}\x00", data(`{"a":1}`, `{"a":2}`)},
	{"ended by LF", "1\n2\n", data("1", "2")},
	{"ended by CR LF and by both", "1\r\n2\n\x003\r\n\x00", data("1", "2", "3")},
	{"no end after the last", "1\x002", data("1", "2")},
	{"data in front, and one newline", "data:1\ndata: 2\n", data("1", "2")},
	{"data in front, and two", "data: 1\n\ndata:2\r\n\r\n", data("1", "2")},
	{"comments and fields without data", ": ping\nevent: message\nid: 3\nretry: 5\ndata: 1\n\n:\n", data("1")},
	{"blanks around", " 1 \n\t\n  data: 2 \n", data("1", "2")},
	{"nothing in it", "data:\ndata: \n\x00\x00", nil},
	{"byte order mark", "\xef\xbb\xbf1\n", data("1")},
	{"nothing", "", nil},
	{"larger than the buffer", long[:9000] + "\x002\n", data(long[:9000], "2")},
}

// Each stream gives the same events however it is cut into reads.
func TestScanner(t *testing.T) {
	check := func(t *testing.T, stream string, format transport.Format, want []event) {
		t.Helper()
		var s transport.Scanner
		f := func(how string, r io.Reader) {
			t.Helper()
			if got, err := scan(&s, r, format); err != io.EOF || !slices.Equal(got, want) {
				t.Fatalf("%s: got %.300q, %v; want %.300q", how, got, err, want)
			}
		}
		f("whole", strings.NewReader(stream))
		f("whole, with the end in the same read", iotest.DataErrReader(strings.NewReader(stream)))
		f("byte by byte", iotest.OneByteReader(strings.NewReader(stream)))
		f("byte by byte, with nothing in between", &pauses{r: iotest.OneByteReader(strings.NewReader(stream))})
		f("byte by byte, with the end", iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(stream))))
		step := 1 + len(stream)/500
		for i := 1; i < len(stream); i += step {
			f(fmt.Sprintf("cut at %d", i), io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:])))
		}

		// A stream that breaks off loses what it had begun, and nothing else.
		for i := 0; i <= len(stream); i += step {
			got, err := scan(&s, io.MultiReader(strings.NewReader(stream[:i]), iotest.ErrReader(errReader)), format)
			if err != errReader {
				t.Fatalf("broken at %d: error %v", i, err)
			}
			if len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
				t.Fatalf("broken at %d: got %.300q, want the first of %.300q", i, got, want)
			}
		}
	}
	for _, c := range streams {
		t.Run(c.name, func(t *testing.T) { check(t, c.stream, transport.SSE, c.want) })
	}
	for _, c := range lineStreams {
		t.Run("lines: "+c.name, func(t *testing.T) { check(t, c.stream, transport.Lines, c.want) })
	}
	for _, c := range valueStreams {
		t.Run("values: "+c.name, func(t *testing.T) { check(t, c.stream, transport.Values, c.want) })
	}
}

func TestScannerLargeEvents(t *testing.T) {
	var s transport.Scanner
	stream := "data: " + long + "\n\ndata: x\n\ndata: " + long[:1<<19] + "\ndata: " + long[:1<<19] + "\n\n"
	want := data(long, "x", long[:1<<19]+"\n"+long[:1<<19])
	for _, r := range []io.Reader{strings.NewReader(stream), iotest.HalfReader(strings.NewReader(stream)), iotest.OneByteReader(strings.NewReader(stream))} {
		if got, err := scan(&s, r, transport.SSE); err != io.EOF || !slices.Equal(got, want) {
			t.Fatalf("got %d events and %v", len(got), err)
		}
	}
}

func TestScannerBrokenMidEvent(t *testing.T) {
	var s transport.Scanner
	for _, stream := range []string{"data: 1\n\ndata: 2\n", "data: 1\n\ndata: 2", "data: 1\n\n"} {
		got, err := scan(&s, io.MultiReader(strings.NewReader(stream), iotest.ErrReader(errReader)), transport.SSE)
		if err != errReader || !slices.Equal(got, data("1")) {
			t.Errorf("%q: got %q, %v", stream, got, err)
		}
	}
}

func TestScannerNoProgress(t *testing.T) {
	var s transport.Scanner
	if got, err := scan(&s, silent{}, transport.SSE); err != io.ErrNoProgress || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// silent reads nothing for ever.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

func TestScannerLimit(t *testing.T) {
	const limit = 20
	fits := []string{
		"data: 1\n\ndata: " + long[:14] + "\n\n",
		"data: 1\n\n" + strings.Repeat(": ping\n", 100) + "\n",
		"data: 1\n" + strings.Repeat(": ping\n", 100) + "\n",
		"data: 1\n\ndata: 234567890\ndata: 2345678901\n\n",
	}
	tooLarge := []string{
		"data: 1\n\ndata: " + long[:15] + "\n\ndata: 2\n\n",
		"data: 1\n\ndata: " + long[:15],
		"data: 1\n\ndata: 234567890\ndata: 23456789012\n\ndata: 2\n\n",
		"data: 1\n\ndata: 234567890\ndata: 23456789012",
		"data: 1\n\n: " + long[:19] + "\n",
		"data: 1\n\n" + strings.Repeat("data\n", 30) + "\n",
	}
	s := transport.Scanner{Limit: limit}
	for _, stream := range fits {
		if _, err := scan(&s, strings.NewReader(stream), transport.SSE); err != io.EOF {
			t.Errorf("%q: %v", stream, err)
		}
	}
	for _, stream := range tooLarge {
		for i := range stream {
			got, err := scan(&s, io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:])), transport.SSE)
			var named *metrics.Error
			if !errors.As(err, &named) || named.Kind != "malformed_event" || named.Message != "an event of more than 20 bytes" || !slices.Equal(got, data("1")) {
				t.Fatalf("%q cut at %d: got %q, %v", stream, i, got, err)
			}
		}
	}
	if got, err := scan(&s, strings.NewReader("1\n"+long[:20]+"\n"+long[:21]+"\n"), transport.Lines); len(got) != 2 || err == io.EOF {
		t.Errorf("lines: got %q, %v", got, err)
	}
}

// A stream of lines without end must not take memory without end, either.
func TestScannerKeepsSmall(t *testing.T) {
	const pings = 1 << 20
	r := io.MultiReader(strings.NewReader("data: 1\n"), io.LimitReader(&repeat{b: []byte(": ping\n")}, 7*pings), strings.NewReader("\n"))
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		var s transport.Scanner
		s.Reset(r, transport.SSE)
		if e, err := s.Next(); b.N == 1 && (err != nil || string(e.Data) != "1") {
			b.Fatal(string(e.Data), err)
		}
	}).MemBytes
	if allocated > 1<<16 {
		t.Errorf("%d bytes allocated for an event of one byte", allocated)
	}
}

// repeat gives the same bytes again and again.
type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.b[r.at:])
		n += k
		r.at = (r.at + k) % len(r.b)
	}
	return n, nil
}

const tokenEvent = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"tok"},"finish_reason":null}]}` + "\n\n"

func TestScannerAllocatesNothing(t *testing.T) {
	for name, one := range map[string]string{
		"one line":      tokenEvent,
		"two lines":     "event: a\nid: 5\ndata: 1\ndata: 2\n\n",
		"CR LF":         "data: 1\r\n\r\n",
		"ping, comment": ":\n\n: x\ndata: 1\n\n",
	} {
		var s transport.Scanner
		s.Reset(&repeat{b: []byte(one)}, transport.SSE)
		next := func() {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
		for range 1000 {
			next()
		}
		if n := testing.AllocsPerRun(1000, next); n != 0 {
			t.Errorf("%s: %v allocations an event", name, n)
		}
	}
}

// FuzzScanner compares with a slow parser, under random cuts.
func FuzzScanner(f *testing.F) {
	for i, c := range streams {
		if len(c.stream) < 1000 {
			f.Add([]byte(c.stream), uint64(i))
		}
	}
	for i, c := range lineStreams {
		if len(c.stream) < 1000 {
			f.Add([]byte(c.stream), uint64(i))
		}
	}
	for i, c := range valueStreams {
		if len(c.stream) < 1000 {
			f.Add([]byte(c.stream), uint64(i))
		}
	}
	var s transport.Scanner
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		cut := func() io.Reader {
			return &randomCuts{bytes.NewReader(stream), rand.New(rand.NewPCG(seed, 1))}
		}
		if got, err := scan(&s, cut(), transport.SSE); err != io.EOF || !slices.Equal(got, referenceEvents(string(stream))) {
			t.Errorf("SSE: got %q, %v; want %q", got, err, referenceEvents(string(stream)))
		}
		if got, err := scan(&s, cut(), transport.Lines); err != io.EOF || !slices.Equal(got, referenceLines(string(stream))) {
			t.Errorf("lines: got %q, %v; want %q", got, err, referenceLines(string(stream)))
		}
		if got, err := scan(&s, cut(), transport.Values); err != io.EOF || !slices.Equal(got, referenceValues(string(stream))) {
			t.Errorf("values: got %q, %v; want %q", got, err, referenceValues(string(stream)))
		}
	})
}

// randomCuts reads a few bytes at a time.
type randomCuts struct {
	r *bytes.Reader
	*rand.Rand
}

func (c *randomCuts) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), c.IntN(9))])
	if c.r.Len() == 0 && c.IntN(2) == 0 {
		err = io.EOF
	}
	if c.r.Len() > 0 {
		err = nil
	}
	if n == 0 && err == nil && c.IntN(2) == 0 {
		err = wire.ErrNothing
	}
	return n, err
}

// pauses has nothing to read every other time.
type pauses struct {
	r     io.Reader
	pause bool
}

func (p *pauses) Read(b []byte) (int, error) {
	if p.pause = !p.pause; p.pause {
		return 0, wire.ErrNothing
	}
	return p.r.Read(b)
}

// referenceEvents interprets an event stream as the HTML standard describes it
// (9.2.6), step by step, but for its end: what the end leaves is dispatched.
func referenceEvents(stream string) (events []event) {
	lines := splitLines(strings.TrimPrefix(stream, "\xef\xbb\xbf"))
	var dataBuffer, eventType, lastID string
	dispatch := func() {
		if dataBuffer != "" {
			events = append(events, event{eventType, lastID, strings.TrimSuffix(dataBuffer, "\n")})
		}
		dataBuffer, eventType = "", ""
	}
	for _, line := range lines {
		field, value := line, ""
		switch colon := strings.Index(line, ":"); {
		case line == "":
			dispatch()
			continue
		case colon == 0:
			continue
		case colon > 0:
			field, value = line[:colon], strings.TrimPrefix(line[colon+1:], " ")
		}
		switch field {
		case "event":
			eventType = value
		case "data":
			dataBuffer += value + "\n"
		case "id":
			if !strings.Contains(value, "\x00") {
				lastID = value
			}
		}
	}
	dispatch()
	return events
}

func referenceLines(stream string) (events []event) {
	for _, line := range splitLines(strings.TrimPrefix(stream, "\xef\xbb\xbf")) {
		if line != "" {
			events = append(events, event{Data: line})
		}
	}
	return events
}

func referenceValues(stream string) (events []event) {
	for _, line := range splitLines(strings.ReplaceAll(strings.TrimPrefix(stream, "\xef\xbb\xbf"), "\x00", "\n")) {
		line = string(bytes.TrimSpace([]byte(line)))
		if strings.HasPrefix(line, ":") || strings.HasPrefix(line, "event:") || strings.HasPrefix(line, "id:") || strings.HasPrefix(line, "retry:") {
			continue
		}
		if line = strings.TrimSpace(strings.TrimPrefix(line, "data:")); line != "" {
			events = append(events, event{Data: line})
		}
	}
	return events
}

// splitLines cuts at CR LF, LF and CR; the end of the stream ends a line that
// has text.
func splitLines(stream string) []string {
	stream = strings.ReplaceAll(stream, "\r\n", "\n")
	stream = strings.ReplaceAll(stream, "\r", "\n")
	lines := strings.Split(stream, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	return lines
}

func BenchmarkScanner(b *testing.B) {
	var s transport.Scanner
	s.Reset(&repeat{b: []byte(tokenEvent)}, transport.SSE)
	b.ReportAllocs()
	b.SetBytes(int64(len(tokenEvent)))
	for b.Loop() {
		if _, err := s.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
