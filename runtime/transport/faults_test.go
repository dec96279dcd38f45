package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// What these tests have in common: a request that meets a fault ends within its
// limit, with a kind of its own, it is counted once, and neither a goroutine nor
// a socket is left of it.

// soon is the limit that ends an exchange where one has to; patient is one that
// must not be what ends it.
const (
	soon    = 100 * time.Millisecond
	patient = time.Minute
)

// crowd is a set of clients with a recorder that counts what they do.
type crowd struct {
	*user
	recorder *metrics.Recorder
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	noSockets(t) // first, so that it looks last
	return &crowd{newUser(t), metrics.NewRecorder(metrics.Options{})}
}

// noSockets sees to it that the test leaves no more sockets than there were.
func noSockets(t *testing.T) {
	t.Helper()
	before := sockets()
	t.Cleanup(func() {
		for range 500 {
			if sockets() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d sockets are open, %d were before", sockets(), before)
	})
}

// sockets is how many sockets this process has, 0 where the system does not tell.
func sockets() (n int) {
	const folder = "/proc/self/fd/"
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if to, _ := os.Readlink(folder + e.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// attempt is what came of one request.
type attempt struct {
	events         int
	failed         *metrics.Error
	reused, resent bool
}

// follow sends a request and reads the events of its answer up to [DONE], as an
// endpoint does. after is told how many events have come; nil: nobody asks.
func (c *crowd) follow(ctx context.Context, rawURL string, req transport.Request, after func(events int)) (a attempt) {
	client, to, err := c.clients.Client(rawURL, transport.Options{Insecure: true})
	if err != nil {
		c.Error(err)
		return a
	}
	req.Method, req.URI, req.Host = "POST", to.RequestURI(), to.Host
	rec := metrics.NewRecord()
	rec.Iteration = &metrics.Iteration{Recorder: c.recorder}
	c.recorder.Announce(rec)
	x, failed := client.Send(ctx, &req, rec)
	if failed == nil {
		var events transport.Scanner
		events.Reset(x, transport.SSE)
		for {
			e, err := events.Next()
			if err != nil {
				if err != io.EOF {
					failed = transport.AsError(err)
				}
				break
			}
			a.events++
			if after != nil {
				after(a.events)
			}
			if string(e.Data) == "[DONE]" {
				x.Drain(patient)
				break
			}
		}
		x.Close()
	}
	a.failed, a.reused, a.resent = failed, rec.Reused, rec.Resent
	rec.Error = failed
	c.recorder.Close(rec)
	return a
}

// counted holds the recorder's counts against what was seen: nothing is lost,
// nothing counts twice. kinds are the failures.
func (c *crowd) counted(completed, interrupted int64, kinds map[string]int64) {
	c.Helper()
	if open := c.recorder.Open(); open != 0 {
		c.Errorf("%d requests are still open", open)
	}
	found := c.recorder.Finish(result.Counts{}, nil, metrics.Rules{})
	var failed int64
	for _, n := range kinds {
		failed += n
	}
	n := found.Counts
	if n.Requests != completed+interrupted+failed || n.RequestsFailed != failed || n.RequestsCut != interrupted {
		c.Errorf("%d requests, %d failed, %d interrupted; want %d completed, %d failed, %d interrupted",
			n.Requests, n.RequestsFailed, n.RequestsCut, completed, failed, interrupted)
	}
	for _, e := range found.Errors {
		if kinds[e.Kind] != e.Count {
			c.Errorf("%d × %s (%s), want %d", e.Count, e.Kind, e.Message, kinds[e.Kind])
		}
		delete(kinds, e.Kind)
	}
	for kind, n := range kinds {
		c.Errorf("no %s, want %d", kind, n)
	}
}

// counting is the counts of one request that ended so.
func (c *crowd) counting(failed *metrics.Error) {
	c.Helper()
	switch {
	case failed == nil:
		c.counted(1, 0, nil)
	case failed.Kind == "interrupted":
		c.counted(0, 1, nil)
	default:
		c.counted(0, 0, map[string]int64{failed.Kind: 1})
	}
}

// sever ends a connection with a reset, under TLS too.
func sever(p *peer) {
	c := p.Conn
	if layer, ok := c.(*tls.Conn); ok {
		c = layer.NetConn()
	}
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// listenAside listens on an address where nobody else takes a port that is free
// for a moment: on 127.0.0.1 any connection of any program might.
func listenAside(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.77:0")
	if err != nil { // a system whose loopback has one address
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// certificates are those of a service that nobody vouches for.
func certificates() []tls.Certificate {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	return web.TLS.Certificates
}

// serveScheme starts a service that speaks TLS or not.
func serveScheme(t *testing.T, scheme string, handle func(p *peer)) *service {
	t.Helper()
	if scheme == "http" {
		return serve(t, handle)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates()})
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, scheme, handle)
}

const (
	hello = "data: hello\n\n"
	done  = "data: [DONE]\n\n"
)

// A reset is a failure of the phase that it hits, and none where everything had
// come already.
func TestReset(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for _, c := range []struct {
			phase   string
			body    int
			say     string // after it has read the request
			events  int    // that the client must have before the reset
			kind    string // empty: no failure
			message string
		}{
			{"while the request is written", 32 << 20, "", 0, "write", "the service closed the connection while the request was sent: "},
			{"before the head", 10, "", 0, "connection_closed", "the service closed the connection before its response: connection reset by peer"},
			{"in the head", 10, "HTTP/1.1 200 OK\r\nContent-Ty", 0, "connection_closed", "before its response"},
			{"after an event", 10, streamHead + chunk(hello), 1, "truncated", "in the middle of its response: connection reset by peer"},
			{"in an event", 10, streamHead + chunk(hello) + chunk("data: hel"), 1, "truncated", "in the middle of its response: connection reset by peer"},
			{"in a chunk", 10, streamHead + chunk(hello) + "ff\r\ndata: hel", 1, "truncated", "in the middle of its response: connection reset by peer"},
			{"after the last event", 10, streamHead + chunk(hello) + chunk(done), 2, "", ""},
			{"after the last chunk", 10, streamHead + chunk(hello+done) + "0\r\n\r\n", 2, "", ""},
		} {
			t.Run(scheme+" "+c.phase, func(t *testing.T) {
				u := newCrowd(t)
				seen := make(chan struct{})
				s := serveScheme(t, scheme, func(p *peer) {
					if c.body > 1<<20 {
						p.r.ReadByte()
					} else if p.request() == nil {
						return
					}
					p.say(c.say)
					if c.events > 0 {
						<-seen
					}
					sever(p)
				})
				a := u.follow(context.Background(), s.url, transport.Request{Body: make([]byte, c.body), Limits: transport.Limits{Total: patient}}, func(n int) {
					if n == c.events {
						close(seen)
					}
				})
				if c.kind != "" {
					expect(t, a.failed, c.kind, c.message)
				} else if a.failed != nil {
					t.Error(a.failed)
				}
				if a.events != c.events || a.resent {
					t.Errorf("%d events, want %d; resent: %v", a.events, c.events, a.resent)
				}
				if connections, _ := s.counts(); connections != 1 {
					t.Errorf("%d connections", connections)
				}
				u.counting(a.failed)
			})
		}
	}

	t.Run("in the TLS handshake", func(t *testing.T) {
		u := newCrowd(t)
		s := serve(t, func(p *peer) { p.r.ReadByte(); sever(p) })
		a := u.follow(context.Background(), strings.Replace(s.url, "http:", "https:", 1), transport.Request{}, nil)
		expect(t, a.failed, "tls", "TLS handshake with "+strings.TrimPrefix(s.url, "http://")+" failed: connection reset by peer")
		u.counting(a.failed)
	})
	t.Run("in answer to the connecting", func(t *testing.T) {
		u := newCrowd(t)
		l := listenAside(t)
		l.Close()
		a := u.follow(context.Background(), "http://"+l.Addr().String(), transport.Request{}, nil)
		expect(t, a.failed, "connect", "connection refused")
		u.counting(a.failed)
	})
	t.Run("of a kept connection", func(t *testing.T) {
		u := newCrowd(t)
		cut := make(chan struct{})
		s := serve(t, func(p *peer) {
			p.request()
			p.say(streamHead + chunk(done) + "0\r\n\r\n")
			if p.n == 1 {
				<-cut
				sever(p)
				cut <- struct{}{}
			}
			p.gone()
		})
		first := u.follow(context.Background(), s.url, transport.Request{}, nil)
		cut <- struct{}{}
		<-cut
		second := u.follow(context.Background(), s.url, transport.Request{}, nil)
		if first.failed != nil || second.failed != nil || second.reused {
			t.Errorf("%+v, then %+v", first, second)
		}
		u.counted(2, 0, nil)
	})
}

// A service that is not there any more without having said so: nothing comes,
// nothing is read, and only the limits end what waits for it.
func TestHalfOpen(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   int
		handle func(p *peer)
		limits transport.Limits
		kind   string
	}{
		{"it accepts and does nothing, head", 10, nil, transport.Limits{Head: soon, Idle: patient, Total: patient}, "head_timeout"},
		{"it accepts and does nothing, total", 10, nil, transport.Limits{Head: patient, Idle: patient, Total: soon}, "total_timeout"},
		{"it reads nothing of a large request, head", 64 << 20, nil, transport.Limits{Head: soon, Idle: patient, Total: patient}, "head_timeout"},
		{"it reads nothing of a large request, total", 64 << 20, nil, transport.Limits{Head: patient, Idle: patient, Total: soon}, "total_timeout"},
		{"it vanishes in the head", 10, func(p *peer) { p.say("HTTP/1.1 200 O") }, transport.Limits{Head: soon, Idle: patient}, "head_timeout"},
		{"it vanishes in the stream, idle", 10, func(p *peer) { p.say(streamHead + chunk(hello)) }, transport.Limits{Head: patient, Idle: soon, Total: patient}, "idle_timeout"},
		{"it vanishes in the stream, total", 10, func(p *peer) { p.say(streamHead + chunk(hello)) }, transport.Limits{Head: patient, Idle: patient, Total: 3 * soon}, "total_timeout"},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+" "+c.name, func(t *testing.T) {
				u := newCrowd(t)
				over := make(chan struct{})
				s := serveScheme(t, scheme, func(p *peer) {
					if layer, ok := p.Conn.(*tls.Conn); ok {
						layer.Handshake()
					}
					if c.handle != nil && p.request() != nil {
						c.handle(p)
					}
					<-over
				})
				a := u.follow(context.Background(), s.url, transport.Request{Body: make([]byte, c.body), Limits: c.limits}, nil)
				close(over)
				expect(t, a.failed, c.kind, "")
				if connections, _ := s.counts(); connections != 1 || a.resent {
					t.Errorf("%d connections, resent: %v", connections, a.resent)
				}
				u.counting(a.failed)
			})
		}
	}

	t.Run("it vanishes between two requests", func(t *testing.T) {
		u := newCrowd(t)
		s := serve(t, func(p *peer) {
			p.request()
			p.say(streamHead + chunk(done) + "0\r\n\r\n")
			p.gone()
		})
		if a := u.follow(context.Background(), s.url, transport.Request{}, nil); a.failed != nil {
			t.Fatal(a.failed)
		}
		a := u.follow(context.Background(), s.url, transport.Request{Limits: transport.Limits{Head: soon}}, nil)
		expect(t, a.failed, "head_timeout", "")
		if !a.reused || a.resent {
			t.Errorf("%+v: a request that timed out is not sent again", a)
		}
		u.counted(1, 0, map[string]int64{"head_timeout": 1})
	})
	t.Run("the system accepts, the service does not", func(t *testing.T) {
		u := newCrowd(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		a := u.follow(context.Background(), "http://"+l.Addr().String(), transport.Request{Limits: transport.Limits{Head: soon}}, nil)
		expect(t, a.failed, "head_timeout", "")
		u.counting(a.failed)
	})
}

// flood writes a text over and over until the client has had enough.
func flood(text string) func(p *peer) {
	block := []byte(strings.Repeat(text, max(1, 64<<10/len(text))))
	return func(p *peer) {
		for {
			if _, err := p.Write(block); err != nil {
				return
			}
		}
	}
}

// then says something before a flood or another end.
func then(text string, next func(p *peer)) func(p *peer) {
	return func(p *peer) {
		p.say(text)
		next(p)
	}
}

// What is not HTTP, or too much of it, is refused as such.
func TestBrokenAnswers(t *testing.T) {
	chunks := func(size string) func(p *peer) { return then(streamHead+chunk(hello)+size, (*peer).gone) }
	const badChunks = "the chunks of the response body are not valid HTTP"
	const head = "HTTP/1.1 200 OK\r\n"
	whole := map[string]bool{"a head of single bytes": true, "events after the end": true}
	for _, c := range []struct {
		name    string
		answer  func(p *peer)
		limits  transport.Limits
		events  int
		kind    string // empty: no failure
		message string
	}{
		// Chunks.
		{"a negative chunk size", chunks("-5\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size in C's notation", chunks("0x5\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size with a sign", chunks("+5\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size that is no number", chunks("hello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"no chunk size", chunks("\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size of 2⁶⁴ and more", chunks("10000000000000000\r\nhello"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size of 2⁶³", chunks("8000000000000000\r\nhello"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size of 2⁶⁰−1, and then the end", then(streamHead+chunk(hello)+"fffffffffffffff\r\ndata: ", func(*peer) {}), transport.Limits{}, 1, "truncated", "in the middle of its response"},
		{"two chunk sizes", chunks("5 5\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size without CR", chunks("5\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk size without LF", chunks("5\rhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"no CR LF after a chunk", chunks("5\r\nhello5\r\nhello\r\n"), transport.Limits{}, 1, "protocol", badChunks},
		{"a chunk extension without end", then(streamHead+chunk(hello)+"5;", flood("x")), transport.Limits{}, 1, "protocol", badChunks},
		{"a trailer without end", then(streamHead+chunk(hello)+"0\r\n", flood("X-A: 1\r\n")), transport.Limits{}, 1, "protocol", ""},
		{"a trailer that is none", chunks("0\r\nhello\r\n\r\n"), transport.Limits{}, 1, "protocol", ""},

		// Heads.
		{"very many fields", then(head+strings.Repeat("X-A: 1\r\n", 10_000)+"\r\n", (*peer).gone), transport.Limits{}, 0, "protocol", "the response head is larger than"},
		{"fields without end", then(head, flood("X-A: 1\r\n")), transport.Limits{}, 0, "protocol", "the response head is larger than"},
		{"a field without end", then(head+"X-A: ", flood("x")), transport.Limits{}, 0, "protocol", "the response head is larger than"},
		{"a status line without end", then("HTTP/1.1 200 ", flood("x")), transport.Limits{}, 0, "protocol", "the response head is larger than"},
		{"a name without end", then(head, flood("x")), transport.Limits{}, 0, "protocol", ""},
		{"zeros", flood("\x00"), transport.Limits{}, 0, "protocol", ""},
		{"blank lines", flood("\r\n"), transport.Limits{}, 0, "protocol", "the response is not valid HTTP: it begins with an empty line"},
		{"heads to continue, without end", flood("HTTP/1.1 100 Continue\r\n\r\n"), transport.Limits{}, 0, "protocol", "not valid HTTP"},
		{"a negative length", then(head+"Content-Length: -1\r\n\r\n", (*peer).gone), transport.Limits{}, 0, "protocol", "not valid HTTP"},
		{"a length of 2⁶⁴ and more", then(head+"Content-Length: 99999999999999999999\r\n\r\n", (*peer).gone), transport.Limits{}, 0, "protocol", "not valid HTTP"},
		{"two lengths", then(head+"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", (*peer).gone), transport.Limits{}, 0, "protocol", "not valid HTTP"},
		{"a line that is no field", then(head+"hello\r\n\r\n", (*peer).gone), transport.Limits{}, 0, "protocol", "not valid HTTP"},

		// The time that small pieces take.
		{"a head of single bytes", pieces(streamHead+chunk(hello)+chunk(done)+"0\r\n\r\n", 0), transport.Limits{Head: patient, Idle: patient, Total: patient}, 2, "", ""},
		{"a stream of slow single bytes", pieces(streamHead+strings.Repeat(chunk(hello), 1000), soon/20), transport.Limits{Head: patient, Idle: patient, Total: 10 * soon}, -1, "total_timeout", "the response was not complete within 1s"},
		{"a head of slow single bytes", pieces(head+"X-A: "+long[:1000], soon/20), transport.Limits{Head: 3 * soon, Idle: soon, Total: patient}, 0, "head_timeout", "no response head within 300ms"},

		// After the end.
		{"events after the end", then(streamHead+chunk(hello+done+hello+hello)+"0\r\n\r\n", (*peer).gone), transport.Limits{}, 2, "", ""},
		{"rubbish after the end", then(streamHead+chunk(hello+done)+"rubbish", (*peer).gone), transport.Limits{}, 2, "", ""},
		{"a flood after the end", then(streamHead+chunk(hello+done), flood(chunk(hello))), transport.Limits{}, 2, "", ""},
		{"rubbish after the last chunk", then(streamHead+chunk(hello+done)+"0\r\n\r\nrubbish", (*peer).gone), transport.Limits{}, 2, "", ""},
		{"a second answer after the last chunk", then(streamHead+chunk(hello+done)+"0\r\n\r\n"+withLength("x"), (*peer).gone), transport.Limits{}, 2, "", ""},
		{"a flood after the last chunk", then(streamHead+chunk(hello+done)+"0\r\n\r\n", flood("x")), transport.Limits{}, 2, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newCrowd(t)
			s := serve(t, func(p *peer) {
				if p.n == 1 && p.request() != nil {
					c.answer(p)
				}
			})
			a := u.follow(context.Background(), s.url, transport.Request{Limits: c.limits}, nil)
			if c.kind != "" {
				expect(t, a.failed, c.kind, c.message)
			} else if a.failed != nil {
				t.Error(a.failed)
			}
			if a.events != c.events && c.events >= 0 {
				t.Errorf("%d events, want %d", a.events, c.events)
			}
			u.counting(a.failed)

			// No such connection is used again; where the answer was whole, it may be.
			_, rec, _ := u.send(context.Background(), s.url, transport.Request{Limits: transport.Limits{Head: soon}})
			if rec.Reused && !whole[c.name] {
				t.Error("the connection was used again")
			}
		})
	}
}

// pieces sends a text byte by byte, and then nothing.
func pieces(text string, pause time.Duration) func(p *peer) {
	return func(p *peer) {
		for i := range len(text) {
			if _, err := io.WriteString(p, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
		p.gone()
	}
}

// A hundred megabytes in which there is no event take no memory: what is
// allocated on the way, freed or not, is counted.
func TestNoEventInVeryMuch(t *testing.T) {
	const most = 100 << 20
	for _, c := range []struct {
		name      string
		line      string // what comes, over and over
		size      int    // of all that comes; lines that cost much work are fewer
		limit     int    // of the scanner
		kind      string // empty: the stream ends well, without an event
		allocated uint64 // at most
	}{
		{"comments", ": " + strings.Repeat("still alive ", 80) + "\n\n", most, 0, "", 1 << 20},
		{"empty lines", "\n", 2 << 20, 0, "", 1 << 20},
		{"fields without data", "event: x\nretry: 1\nid: 7\n\n", 4 << 20, 0, "", 1 << 20},
		{"unknown fields", "nothing: x\n", 4 << 20, 0, "", 1 << 20},
		{"a line without end", "x", most, 1 << 20, "malformed_event", 8 << 20},
		{"an event without end", "data: hello\n", most, 1 << 20, "malformed_event", 16 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			noSockets(t)
			block := []byte(strings.Repeat(c.line, 64<<10/len(c.line)))
			s := serve(t, func(p *peer) {
				if p.request() == nil {
					return
				}
				p.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
				for sent := 0; sent < c.size; sent += len(block) {
					if _, err := p.Write(block); err != nil {
						return
					}
				}
			})
			u := newUser(t)
			x, rec, failed := u.send(context.Background(), s.url, transport.Request{Limits: transport.Limits{Total: patient}})
			if failed != nil {
				t.Fatal(failed)
			}
			defer x.Close()
			before := allocated()
			events := transport.Scanner{Limit: c.limit}
			events.Reset(x, transport.SSE)
			e, err := events.Next()
			if grown := allocated() - before; grown > c.allocated {
				t.Errorf("%d bytes were allocated, want %d at most", grown, c.allocated)
			}
			x.Close()
			if c.kind != "" {
				expect(t, err, c.kind, "an event of more than")
			} else if err != io.EOF || rec.BytesIn < int64(c.size) {
				t.Errorf("event %q, error %v after %d bytes", e.Data, err, rec.BytesIn)
			}
		})
	}
}

// allocated is how many bytes have been allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// manyStreams is how many streams are under way when something happens to all of them.
const manyStreams = 500

// everyStream runs f for each of the streams, and returns when all have returned.
func everyStream(f func()) { atOnce(manyStreams, f) }

// atOnce runs f n times at the same time.
func atOnce(n int, f func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(f)
	}
	all.Wait()
}

// A service dies under 500 streams, is not there, and comes back on its port:
// each of the requests is counted for what it met.
func TestServiceDiesAndReturns(t *testing.T) {
	for name, end := range map[string]func(p *peer){
		"its connections are reset":  sever,
		"its connections are closed": func(p *peer) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			u := newCrowd(t)
			l := listenAside(t)
			addr := l.Addr().String()
			dies := make(chan struct{})
			var dying sync.WaitGroup
			dying.Add(manyStreams)
			serveOn(t, l, "http", func(p *peer) {
				p.request()
				p.say(streamHead + chunk(hello))
				<-dies
				end(p)
				dying.Done()
			})
			request := transport.Request{Limits: transport.Limits{Connect: patient, Total: patient}}
			var failures sync.Map
			send := func(after func(int)) {
				if a := u.follow(context.Background(), "http://"+addr, request, after); a.failed != nil {
					failures.Store(a.failed.Kind, a.failed.Message)
				}
			}

			var begun atomic.Int64
			everyStream(func() {
				send(func(events int) {
					if events == 1 && begun.Add(1) == manyStreams {
						l.Close()
						close(dies)
					}
				})
			})
			dying.Wait()
			everyStream(func() { send(nil) })

			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			silent := make(chan struct{})
			gone := sync.OnceFunc(func() { close(silent) })
			var kept sync.WaitGroup
			kept.Add(manyStreams)
			serveOn(t, l, "http", func(p *peer) {
				p.request()
				p.say(streamHead + chunk(hello+done) + "0\r\n\r\n")
				<-silent
				end(p)
				kept.Done()
			})
			var started sync.WaitGroup
			started.Add(manyStreams)
			everyStream(func() { // at once: each on a connection of its own, which is kept
				send(func(events int) {
					if events == 1 {
						started.Done()
						started.Wait()
					}
				})
			})

			// And dies again, with all connections idle.
			l.Close()
			gone()
			kept.Wait()
			everyStream(func() { send(nil) })

			if message, ok := failures.Load("truncated"); !ok || !strings.Contains(message.(string), "in the middle of its response") {
				t.Errorf("truncated: %v", message)
			}
			if message, ok := failures.Load("connect"); !ok || !strings.Contains(message.(string), "connection refused") {
				t.Errorf("connect: %v", message)
			}
			u.counted(manyStreams, 0, map[string]int64{"truncated": manyStreams, "connect": 2 * manyStreams})
		})
	}
}

// The end of the run closes every connection, whatever it is waiting for, and
// the service sees that.
func TestCancelEveryStream(t *testing.T) {
	for _, c := range []struct {
		name   string
		number int // of streams
		scheme string
		body   int
		answer string
	}{
		{"in the TLS handshake", 50, "tls", 0, ""},
		{"writing", 10, "http", 32 << 20, ""}, // the kernel takes some MB of each
		{"waiting for the head", manyStreams, "http", 0, ""},
		{"streaming", manyStreams, "http", 0, streamHead + chunk(hello)},
		{"streaming over TLS", 50, "https", 0, streamHead + chunk(hello)},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newCrowd(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var reached atomic.Int64
			var closed sync.WaitGroup
			closed.Add(c.number)
			scheme := strings.Replace(c.scheme, "tls", "http", 1)
			s := serveScheme(t, scheme, func(p *peer) {
				if c.body > 0 || c.scheme == "tls" {
					p.r.ReadByte()
				} else {
					p.request()
				}
				p.say(c.answer)
				if reached.Add(1) == int64(c.number) {
					cancel()
				}
				p.gone()
				closed.Done()
			})
			url := s.url
			if c.scheme == "tls" {
				url = strings.Replace(url, "http:", "https:", 1)
			}
			body := make([]byte, c.body)
			limits := transport.Limits{Connect: patient, Head: patient, Idle: patient, Total: patient}
			atOnce(c.number, func() {
				a := u.follow(ctx, url, transport.Request{Body: body, Limits: limits}, nil)
				if a.failed == nil || a.failed.Kind != "interrupted" {
					t.Errorf("%v", a.failed)
				}
			})
			closed.Wait()
			u.counted(0, int64(c.number), nil)
		})
	}
}

// A name that cannot be found is the fault of neither the service nor its
// connection, for every one of the requests.
func TestUnknownName(t *testing.T) {
	u := newCrowd(t)
	atOnce(20, func() {
		a := u.follow(context.Background(), "http://service.invalid:8000", transport.Request{Limits: transport.Limits{Connect: patient}}, nil)
		if a.failed == nil || !strings.Contains(a.failed.Message, "cannot find service.invalid: ") {
			t.Errorf("%v", a.failed)
		}
	})
	u.counted(0, 0, map[string]int64{"dns": 20})
}
