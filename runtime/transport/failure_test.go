package transport_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/runtime/transport"
)

// What a service does wrong has a kind and a message, whether it shows when the
// request is sent or when the body is read.
func TestServiceFailures(t *testing.T) {
	short := 50 * time.Millisecond
	patient := 30 * time.Second
	for _, c := range []struct {
		name    string
		answer  func(p *peer) // after it has read the request
		limits  transport.Limits
		status  int // 0: no head arrives
		body    string
		kind    string
		message string
	}{
		// Before the head.
		{"closes", func(p *peer) {}, transport.Limits{}, 0, "",
			"connection_closed", "the service closed the connection before its response: end of file"},
		{"resets", (*peer).reset, transport.Limits{}, 0, "",
			"connection_closed", "the service closed the connection before its response: connection reset by peer"},
		{"closes in its head", func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Le") }, transport.Limits{}, 0, "",
			"connection_closed", "before its response"},
		{"closes after 100 Continue", func(p *peer) { p.say("HTTP/1.1 100 Continue\r\n\r\n") }, transport.Limits{}, 0, "",
			"connection_closed", "before its response"},
		{"speaks something else", func(p *peer) { p.say("SSH-2.0-OpenSSH_9.6\r\n"); p.gone() }, transport.Limits{}, 0, "",
			"protocol", `the response is not valid HTTP: cannot find whitespace in the first line of response "SSH-2.0-OpenSSH_9.6\r\n"`},
		{"has no status", func(p *peer) { p.say("HTTP/1.1 abc OK\r\n\r\n"); p.gone() }, transport.Limits{}, 0, "",
			"protocol", "the response is not valid HTTP: invalid response status code"},
		{"speaks TLS", func(p *peer) { p.say("\x15\x03\x01\x00\x02\x02\x46") }, transport.Limits{}, 0, "",
			"protocol", "answers in TLS; try https:// instead of http://"},
		{"has a bad length", func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"); p.gone() }, transport.Limits{}, 0, "",
			"protocol", "the response is not valid HTTP"},
		{"has a large head", func(p *peer) { p.say("HTTP/1.1 200 OK\r\nX: " + long[:70_000] + "\r\n\r\n"); p.gone() }, transport.Limits{}, 0, "",
			"protocol", "the response head is larger than 65536 bytes"},
		{"says nothing", (*peer).gone, transport.Limits{Head: short, Idle: patient, Total: patient}, 0, "",
			"head_timeout", "no response head within 50ms"},
		{"says nothing, total", (*peer).gone, transport.Limits{Head: patient, Idle: patient, Total: short}, 0, "",
			"total_timeout", "the response was not complete within 50ms"},
		{"trickles its head", func(p *peer) { p.say("HTTP/1.1 200 OK\r\nX: "); trickle(p, "x") }, transport.Limits{Head: short, Idle: patient}, 0, "",
			"head_timeout", "no response head within 50ms"},

		// In the body.
		{"truncates a body of known length", func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") }, transport.Limits{}, 200, "hello",
			"truncated", "the service closed the connection in the middle of its response: end of file"},
		{"truncates an error", func(p *peer) { p.say("HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhello") }, transport.Limits{}, 503, "hello",
			"truncated", "in the middle of its response"},
		{"truncates before the first chunk", func(p *peer) { p.say(streamHead) }, transport.Limits{}, 200, "",
			"truncated", "in the middle of its response: end of file"},
		{"truncates between chunks", func(p *peer) { p.say(streamHead + chunk("hello")) }, transport.Limits{}, 200, "hello",
			"truncated", "in the middle of its response: end of file"},
		{"truncates a chunk", func(p *peer) { p.say(streamHead + "a\r\nhello") }, transport.Limits{}, 200, "hello",
			"truncated", "in the middle of its response: end of file"},
		{"truncates a chunk's size", func(p *peer) { p.say(streamHead + chunk("hello") + "1") }, transport.Limits{}, 200, "hello",
			"truncated", "in the middle of its response: end of file"},
		{"truncates after a chunk's data", func(p *peer) { p.say(streamHead + "5\r\nhello") }, transport.Limits{}, 200, "hello",
			"truncated", "in the middle of its response: end of file"},
		{"truncates the last chunk", func(p *peer) { p.say(streamHead + chunk("hello") + "0\r\n") }, transport.Limits{}, 200, "hello",
			"truncated", "in the middle of its response: end of file"},
		{"resets in the body", func(p *peer) { p.say(streamHead); <-p.s.headRead; p.reset() }, transport.Limits{}, 200, "",
			"truncated", "in the middle of its response: connection reset by peer"},
		{"sends a bad chunk size", func(p *peer) { p.say(streamHead + chunk("hello") + "xyz\r\n"); p.gone() }, transport.Limits{}, 200, "hello",
			"protocol", "the chunks of the response body are not valid HTTP"},
		{"sends a chunk longer than it said", func(p *peer) { p.say(streamHead + "3\r\nhello\r\n0\r\n\r\n"); p.gone() }, transport.Limits{}, 200, "hel",
			"protocol", "the chunks of the response body are not valid HTTP"},
		{"falls silent", func(p *peer) { p.say(streamHead + chunk("hello")); p.gone() }, transport.Limits{Head: patient, Idle: short, Total: patient}, 200, "hello",
			"idle_timeout", "no data for 50ms in the middle of the response"},
		{"falls silent after its head", func(p *peer) { p.say(streamHead); p.gone() }, transport.Limits{Idle: short}, 200, "",
			"idle_timeout", "no data for 50ms"},
		{"falls silent, total", func(p *peer) { p.say(streamHead + chunk("hello")); p.gone() }, transport.Limits{Head: patient, Idle: patient, Total: time.Second}, 200, "hello",
			"total_timeout", "the response was not complete within 1s"},
		{"trickles its body", func(p *peer) { p.say(streamHead + "fffff\r\nhello"); trickle(p, "\x00") }, transport.Limits{Idle: patient, Total: time.Second}, 200, "hello",
			"total_timeout", "the response was not complete within 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				if p.request() == nil {
					return
				}
				c.answer(p)
			})
			u := newUser(t)
			x, rec, failed := u.send(context.Background(), s.url, transport.Request{Body: []byte("x"), Limits: c.limits})
			if c.status == 0 {
				expect(t, failed, c.kind, c.message)
				if _, requests := s.counts(); rec.Resent || requests != 1 {
					t.Errorf("%d requests, resent: %v", requests, rec.Resent)
				}
				return
			}
			if failed != nil {
				t.Fatal(failed)
			}
			defer x.Close()
			close(s.headRead)
			body, err := x.ReadAll(1 << 20)
			expect(t, err, c.kind, c.message)
			if x.Status() != c.status || strings.TrimRight(string(body), "\x00") != c.body {
				t.Errorf("status %d, body %q; want %d, %q", x.Status(), body, c.status, c.body)
			}
			if _, again := x.Read(make([]byte, 1)); again != err {
				t.Errorf("read again: %v, want %v", again, err)
			}
			x.Drain(time.Minute)
			x.Close()
			if connections, _ := s.counts(); connections != 1 {
				t.Errorf("%d connections", connections)
			}
		})
	}
}

func trickle(p *peer, text string) {
	for {
		if _, err := p.Write([]byte(text)); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// An idle limit counts from the newest data, however many came before.
func TestIdleLimitIsRenewed(t *testing.T) {
	const idle = time.Second
	s := serve(t, func(p *peer) {
		p.request()
		p.say(streamHead)
		for begun := time.Now(); time.Since(begun) < idle*3/2; time.Sleep(idle / 50) {
			p.say(chunk("x"))
		}
		p.say("0\r\n\r\n")
		p.gone()
	})
	u := newUser(t)
	x, _, failed := u.send(context.Background(), s.url, transport.Request{Limits: transport.Limits{Idle: idle}})
	if failed != nil {
		t.Fatal(failed)
	}
	defer x.Close()
	if _, err := x.ReadAll(1 << 20); err != nil {
		t.Error(err)
	}
}

func TestDialFailures(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	secure.Config.ErrorLog = quiet
	defer secure.Close()
	plain := serve(t, always("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
	answersAnything := serve(t, func(p *peer) {
		p.r.ReadByte()
		p.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		p.gone()
	})
	hangsUp := serve(t, func(p *peer) { p.r.ReadByte() })
	silent := serve(t, (*peer).gone)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()

	asTLS := func(url string) string { return strings.Replace(url, "http:", "https:", 1) }
	for _, c := range []struct {
		name, url, kind, message string
		connect                  time.Duration
	}{
		{"a name that does not exist", "http://weir-test.invalid:80/", "dns", "cannot find weir-test.invalid: ", time.Minute},
		{"nobody listens", nobody, "connect", "cannot connect to " + strings.TrimPrefix(nobody, "http://") + ": connection refused", 0},
		{"no such port", "http://127.0.0.1:99999", "connect", "cannot connect to 127.0.0.1:99999: ", 0},
		{"TLS to a plain service", asTLS(answersAnything.url), "tls", "does not speak TLS; try http:// instead of https://", 0},
		{"TLS to one that hangs up", asTLS(hangsUp.url), "tls", "TLS handshake with " + strings.TrimPrefix(hangsUp.url, "http://") + " failed: ", 0},
		{"TLS to one that says nothing", asTLS(silent.url), "connect_timeout", "no TLS handshake with " + strings.TrimPrefix(silent.url, "http://") + " within 50ms", 50 * time.Millisecond},
		{"a certificate nobody vouches for", secure.URL, "tls", "is not trusted: x509: ", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, rec, failed := newUser(t).send(context.Background(), c.url, transport.Request{Limits: transport.Limits{Connect: c.connect}})
			expect(t, failed, c.kind, c.message)
			if !rec.Started.IsZero() || rec.Reused || rec.Resent {
				t.Errorf("the request was begun: %+v", rec)
			}
		})
	}
	if _, requests := plain.counts(); requests != 0 {
		t.Error("a request came in plain text")
	}
}

// What ends a request from outside ends it at once, in each phase, and closes
// the connection.
func TestCancel(t *testing.T) {
	patient := transport.Limits{Connect: time.Minute, Head: time.Minute, Idle: time.Minute, Total: time.Minute}
	for _, c := range []struct {
		name   string
		scheme string
		body   int
		before func(p *peer) // until the client shall be interrupted
	}{
		{"TLS handshake", "https", 0, func(p *peer) { p.r.ReadByte() }},
		{"writing", "http", 64 << 20, func(p *peer) { p.r.ReadByte() }},
		{"waiting for the head", "http", 0, func(p *peer) { p.request() }},
		{"in the head", "http", 0, func(p *peer) { p.request(); p.say("HTTP/1.1 200 OK\r\nX: ") }},
		{"waiting for the body", "http", 0, func(p *peer) { p.request(); p.say(streamHead) }},
		{"in the body", "http", 0, func(p *peer) { p.request(); p.say(streamHead + chunk("hello")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			closed := make(chan struct{})
			s := serve(t, func(p *peer) {
				c.before(p)
				cancel()
				p.gone()
				close(closed)
			})
			x, rec, failed := newUser(t).send(ctx, c.scheme+strings.TrimPrefix(s.url, "http"), transport.Request{Body: make([]byte, c.body), Limits: patient})
			if failed == nil {
				defer x.Close()
				_, err := x.ReadAll(1 << 20)
				expect(t, err, "interrupted", "")
			} else {
				expect(t, failed, "interrupted", "")
			}
			<-closed // before Close of the exchange
			if connections, _ := s.counts(); connections != 1 || rec.Resent {
				t.Errorf("%d connections, resent: %v", connections, rec.Resent)
			}
		})
	}

	t.Run("before it was sent", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _, failed := newUser(t).send(ctx, s.url, transport.Request{})
		expect(t, failed, "interrupted", "")
		if connections, _ := s.counts(); connections != 0 {
			t.Error("it opened a connection")
		}
	})
	t.Run("after the whole answer", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		u := newUser(t)
		ctx, cancel := context.WithCancel(context.Background())
		x, _, failed := u.send(ctx, s.url, transport.Request{})
		if failed != nil {
			t.Fatal(failed)
		}
		if _, err := x.ReadAll(10); err != nil {
			t.Error(err)
		}
		cancel()
		x.Close()
		if _, rec := u.get(s.url, transport.Request{}); rec.Reused {
			t.Error("the connection of an interrupted exchange was used again")
		}
	})
}
