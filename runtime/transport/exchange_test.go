package transport_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

var quiet = log.New(io.Discard, "", 0)

// A whole answer of any form is read, and its connection kept where it may be.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		answer string
		closes bool // the service closes after it
		status int
		body   string
		kept   bool
	}{
		{"length", "POST", withLength("hello"), false, 200, "hello", true},
		{"no length but zero", "POST", withLength(""), false, 200, "", true},
		{"chunks", "POST", streamHead + chunk("hel") + chunk("lo") + "0\r\n\r\n", false, 200, "hello", true},
		{"chunks with extensions and a trailer", "GET", streamHead + "5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", false, 200, "hello", true},
		{"no chunk but the last", "POST", streamHead + "0\r\n\r\n", false, 200, "", true},
		{"ended by the connection", "POST", "HTTP/1.1 200 OK\r\n\r\nhello", true, 200, "hello", false},
		{"ended by the connection, and empty", "POST", "HTTP/1.1 200 OK\r\n\r\n", true, 200, "", false},
		{"an old service", "POST", "HTTP/1.0 200 OK\r\n\r\nhello", true, 200, "hello", false},
		{"an old service that keeps", "POST", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", true},
		{"Connection: close", "POST", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", false},
		{"100 Continue first", "POST", "HTTP/1.1 100 Continue\r\n\r\n" + withLength("hello"), false, 200, "hello", true},
		{"early hints first", "POST", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + withLength("hello"), false, 200, "hello", true},
		{"204", "POST", "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
		{"304 with the length of what it does not send", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, "", true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, "", true},
		{"HEAD of a stream", "HEAD", streamHead, false, 200, "", true},
		{"an error", "POST", "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhello", false, 503, "hello", true},
		{"more than it said", "POST", withLength("hello") + "more", false, 200, "hello", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				for p.request() != nil {
					p.say(c.answer)
					if c.closes {
						return
					}
				}
			})
			u := newUser(t)
			for i := range 3 {
				x, rec, failed := u.send(context.Background(), s.url, transport.Request{Method: c.method})
				if failed != nil {
					t.Fatal(failed)
				}
				body, err := x.ReadAll(1 << 20)
				if err != nil || string(body) != c.body || x.Status() != c.status || rec.Status != c.status {
					t.Errorf("status %d, body %q, %v; want %d, %q", x.Status(), body, err, c.status, c.body)
				}
				if n, err := x.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("after the end: %d, %v", n, err)
				}
				x.Close()
				x.Close() // does nothing
				if rec.Reused != (i > 0 && c.kept) || rec.Resent {
					t.Errorf("request %d: reused %v, resent %v", i, rec.Reused, rec.Resent)
				}
				if !c.closes && c.name != "more than it said" && rec.BytesIn != int64(len(c.answer)) {
					t.Errorf("%d bytes in, want %d", rec.BytesIn, len(c.answer))
				}
			}
		})
	}
}

func TestHead(t *testing.T) {
	s := serve(t, always("HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two: 2\r\nX-One: 3\r\nContent-Length: 0\r\n\r\n"))
	typed := serve(t, always("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nContent-Length: 0\r\n\r\n"))
	u := newUser(t)
	x, _, failed := u.send(context.Background(), s.url, transport.Request{})
	if failed != nil {
		t.Fatal(failed)
	}
	defer x.Close()
	if x.ContentType() != "" || x.Header("x-one") != "1" || x.Header("X-Two") != "2" || x.Header("X-Three") != "" {
		t.Errorf("type %q, fields %q, %q, %q", x.ContentType(), x.Header("x-one"), x.Header("X-Two"), x.Header("X-Three"))
	}
	var fields []string
	x.VisitHeader(func(name, value string) { fields = append(fields, name+"="+value) })
	slices.Sort(fields)
	if want := []string{"Content-Length=0", "X-One=1", "X-One=3", "X-Two=2"}; !slices.Equal(fields, want) {
		t.Errorf("fields %q, want %q", fields, want)
	}
	y, _, failed := u.send(context.Background(), typed.url, transport.Request{})
	if failed != nil {
		t.Fatal(failed)
	}
	defer y.Close()
	if y.ContentType() != "text/event-stream; charset=utf-8" {
		t.Errorf("type %q", y.ContentType())
	}
}

// The request's bytes are what was asked for and nothing else.
func TestRequestOnTheWire(t *testing.T) {
	field := func(name, value string) []transport.Header { return []transport.Header{{Name: name, Value: value}} }
	for _, c := range []struct {
		name string
		path string
		req  transport.Request
		want string
	}{
		{"POST", "/v1/x?a=b%20c", transport.Request{Method: "POST", Header: field("Content-Type", "application/json"), Body: []byte("{}")},
			"POST /v1/x?a=b%20c HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
		{"POST without a body", "/", transport.Request{Method: "POST"}, "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"},
		{"GET", "/", transport.Request{Method: "GET", Header: field("X-A", "ü")}, "GET / HTTP/1.1\r\nHost: HOST\r\nX-A: ü\r\n\r\n"},
		{"GET with a body", "/", transport.Request{Method: "GET", Body: []byte("x")}, "GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\n\r\nx"},
		{"DELETE", "/a", transport.Request{Method: "DELETE"}, "DELETE /a HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"Close", "/", transport.Request{Method: "GET", Close: true}, "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"},
		{"the length is ours", "/", transport.Request{Method: "GET", Header: field("content-length", "7")}, "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"another user agent and host", "/", transport.Request{Method: "GET", Header: []transport.Header{{Name: "User-Agent", Value: "weir"}, {Name: "Host", Value: "HOST"}}},
			"GET / HTTP/1.1\r\nUser-Agent: weir\r\nHost: HOST\r\n\r\n"},
		{"a field cannot smuggle another", "/", transport.Request{Method: "GET", Header: field("X-A", "1\r\nX-B: 2")}, "GET / HTTP/1.1\r\nHost: HOST\r\nX-A: 1  X-B: 2\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make(chan string, 1)
			s := serve(t, func(p *peer) {
				b := make([]byte, 4096)
				n, _ := io.ReadAtLeast(p, b, len(c.want)-len("HOST"))
				got <- string(b[:n])
				p.say(withLength(""))
				p.gone()
			})
			_, rec := newUser(t).get(s.url+c.path, c.req)
			host := strings.TrimPrefix(s.url, "http://")
			sent := <-got
			if want := strings.Replace(c.want, "HOST", host, 1); strings.Replace(sent, ": HOST", ": "+host, 1) != want {
				t.Errorf("sent\n%q, want\n%q", sent, want)
			}
			if rec.BytesOut != int64(len(sent)) {
				t.Errorf("%d bytes out, want %d", rec.BytesOut, len(sent))
			}
		})
	}
}

func TestRecord(t *testing.T) {
	s := serve(t, always(streamHead+chunk("hello")+"0\r\n\r\n"))
	u := newUser(t)
	before := time.Now()
	for i := range 2 {
		x, rec, failed := u.send(context.Background(), strings.Replace(s.url, "127.0.0.1", "localhost", 1), transport.Request{Body: []byte("x")})
		if failed != nil {
			t.Fatal(failed)
		}
		if rec.Started.Before(before) || rec.Sent.Before(rec.Started) || rec.HeadAt.Before(rec.Started) || !rec.End.IsZero() {
			t.Errorf("times: %+v", rec)
		}
		if (rec.Connect > 0) != (i == 0) || rec.TLS != 0 || rec.Reused != (i == 1) {
			t.Errorf("request %d: connection: %+v", i, rec)
		}
		reads := x.Arrival().Read
		if _, err := x.ReadAll(100); err != nil {
			t.Error(err)
		}
		if x.Arrival().At.Before(rec.HeadAt) || x.Arrival().Read < reads {
			t.Errorf("head at %v, body at %v", rec.HeadAt, x.Arrival().At)
		}
		x.Close()
		if rec.End.Before(rec.HeadAt) {
			t.Errorf("times: %+v", rec)
		}
		end := time.Unix(1, 0)
		rec.End = end
		x.Close()
		if rec.End != end {
			t.Error("Close moved the end")
		}
	}
}

// Connections are kept, and only those that are good for another request used.
func TestKeepAlive(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		u := newUser(t)
		for i := range 5 {
			if _, rec := u.get(s.url, transport.Request{}); rec.Reused != (i > 0) {
				t.Errorf("request %d: reused %v", i, rec.Reused)
			}
		}
		if connections, requests := s.counts(); connections != 1 || requests != 5 {
			t.Errorf("%d connections, %d requests", connections, requests)
		}
	})
	t.Run("a limit of the one before is not left", func(t *testing.T) {
		const short = 100 * time.Millisecond
		s := serve(t, func(p *peer) {
			p.request()
			p.say(withLength("x"))
			p.request()
			time.Sleep(3 * short)
			p.say(withLength("y"))
			p.gone()
		})
		u := newUser(t)
		x, _, failed := u.send(context.Background(), s.url, transport.Request{Limits: transport.Limits{Head: time.Minute, Idle: short, Total: time.Minute}})
		if failed != nil {
			t.Fatal(failed)
		}
		x.ReadAll(10)
		x.Close()
		time.Sleep(2 * short)
		if body, rec := u.get(s.url, transport.Request{}); body != "y" || !rec.Reused {
			t.Errorf("%q, reused %v", body, rec.Reused)
		}
	})
	t.Run("the service closed it while it was idle", func(t *testing.T) {
		closed := make(chan struct{})
		s := serve(t, func(p *peer) {
			p.request()
			p.say(withLength("x"))
			if p.n == 1 {
				p.Close()
				close(closed)
			}
			p.gone()
		})
		u := newUser(t)
		u.get(s.url, transport.Request{})
		<-closed
		time.Sleep(20 * time.Millisecond) // for the kernel; if it were too short, Resent would be true
		if _, rec := u.get(s.url, transport.Request{}); rec.Reused || rec.Resent {
			t.Errorf("reused %v, resent %v", rec.Reused, rec.Resent)
		}
		if connections, requests := s.counts(); connections != 2 || requests != 2 {
			t.Errorf("%d connections, %d requests", connections, requests)
		}
	})
	for name, end := range map[string]func(p *peer){"closes": func(p *peer) { p.Close() }, "resets": (*peer).reset} {
		t.Run("the service "+name+" it when the request arrives", func(t *testing.T) {
			s := serve(t, func(p *peer) {
				p.request()
				p.say(withLength(fmt.Sprint(p.n)))
				p.request()
				end(p)
			})
			u := newUser(t)
			u.get(s.url, transport.Request{})
			body, rec := u.get(s.url, transport.Request{})
			if body != "2" || rec.Reused || !rec.Resent || rec.Connect == 0 || rec.End.Before(rec.HeadAt) || rec.BytesIn != int64(len(withLength("2"))) {
				t.Errorf("%q, %+v", body, rec)
			}
			if connections, requests := s.counts(); connections != 2 || requests != 3 {
				t.Errorf("%d connections, %d requests", connections, requests)
			}
		})
	}
	t.Run("it is sent again once only", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			if p.n == 1 {
				p.request()
				p.say(withLength("1"))
			}
			p.request()
		})
		u := newUser(t)
		u.get(s.url, transport.Request{})
		_, rec, failed := u.send(context.Background(), s.url, transport.Request{})
		expect(t, failed, "connection_closed", "")
		if connections, requests := s.counts(); !rec.Resent || connections != 2 || requests != 3 {
			t.Errorf("resent %v, %d connections, %d requests", rec.Resent, connections, requests)
		}
	})
	t.Run("not again when an answer had begun", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			p.request()
			p.say(withLength("1"))
			p.request()
			p.say("HTTP/1.1 ")
		})
		u := newUser(t)
		u.get(s.url, transport.Request{})
		_, rec, failed := u.send(context.Background(), s.url, transport.Request{})
		expect(t, failed, "connection_closed", "")
		if rec.Resent || !rec.Reused || rec.BytesIn == 0 {
			t.Errorf("%+v", rec)
		}
	})
	t.Run("the service said something unasked", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			p.request()
			p.say(withLength("x"))
			if p.n == 1 {
				p.request() // of nobody: the client must not use this connection
				return
			}
			p.gone()
		})
		u := newUser(t)
		u.get(s.url, transport.Request{})
		s.mu.Lock()
		for c := range s.conns {
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n")
		}
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		if body, rec := u.get(s.url, transport.Request{}); body != "x" || rec.Reused {
			t.Errorf("%q, reused %v", body, rec.Reused)
		}
	})
	t.Run("Close opens one each, and leaves the kept ones", func(t *testing.T) {
		s := serve(t, always(withLength("x"))) // does not close on its side
		u := newUser(t)
		u.get(s.url, transport.Request{Close: true})
		if _, rec := u.get(s.url, transport.Request{}); rec.Reused {
			t.Error("a connection for one request was used for another")
		}
		for range 3 {
			if _, rec := u.get(s.url, transport.Request{Close: true}); rec.Reused || rec.Connect == 0 {
				t.Errorf("reused %v", rec.Reused)
			}
		}
		if _, rec := u.get(s.url, transport.Request{}); !rec.Reused {
			t.Error("the kept connection is gone")
		}
		if connections, _ := s.counts(); connections != 5 {
			t.Errorf("%d connections", connections)
		}
	})
	t.Run("an answer that was not read to its end", func(t *testing.T) {
		s := serve(t, always(withLength(long)))
		u := newUser(t)
		x, _, failed := u.send(context.Background(), s.url, transport.Request{})
		if failed != nil {
			t.Fatal(failed)
		}
		if b, err := x.ReadAll(10); string(b) != long[:10] || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		x.Close()
		if body, rec := u.get(s.url, transport.Request{}); body != long || rec.Reused {
			t.Errorf("%d bytes, reused %v", len(body), rec.Reused)
		}
	})
	t.Run("ReadAll to just the end", func(t *testing.T) {
		s := serve(t, always(streamHead+chunk("hello")+"0\r\n\r\n"))
		u := newUser(t)
		for i := range 2 {
			x, rec, failed := u.send(context.Background(), s.url, transport.Request{})
			if failed != nil {
				t.Fatal(failed)
			}
			if b, err := x.ReadAll(5); string(b) != "hello" || err != nil {
				t.Errorf("%q, %v", b, err)
			}
			x.Close()
			if rec.Reused != (i > 0) {
				t.Errorf("request %d: reused %v", i, rec.Reused)
			}
		}
	})
	t.Run("closed clients keep nothing", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		u := newUser(t)
		u.get(s.url, transport.Request{})
		u.clients.Close()
		for range 2 {
			if _, rec := u.get(s.url, transport.Request{}); rec.Reused {
				t.Error("a closed set kept a connection")
			}
		}
	})
}

// After the end of an event stream Drain reads the end of the body, if it comes.
func TestDrain(t *testing.T) {
	const done = "data: [DONE]\n\n"
	release := make(chan struct{})
	for _, c := range []struct {
		name  string
		after func(p *peer)
		limit time.Duration
		later bool // the service goes on when it is told to
		kept  bool
	}{
		{"the end is there", func(p *peer) { p.say(streamHead + chunk(done) + "0\r\n\r\n") }, time.Minute, false, true},
		{"the end comes later", func(p *peer) { p.say(streamHead + chunk(done)); <-release; p.say("0\r\n\r\n") }, time.Minute, true, true},
		{"more comes before it", func(p *peer) {
			p.say(streamHead + chunk(done))
			<-release
			p.say(chunk(": bye\n\n") + "0\r\n\r\n")
		}, time.Minute, true, true},
		{"it never comes", func(p *peer) { p.say(streamHead + chunk(done)) }, 20 * time.Millisecond, false, false},
		{"the connection ends instead", func(p *peer) { p.say(streamHead + chunk(done)); p.Close() }, time.Minute, false, false},
		{"very much comes", func(p *peer) {
			p.say(streamHead + chunk(done))
			for range 1000 {
				p.say(chunk(long[:1000]))
			}
		}, time.Minute, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				for p.request() != nil {
					c.after(p)
				}
			})
			u := newUser(t)
			for i := range 2 {
				x, rec, failed := u.send(context.Background(), s.url, transport.Request{})
				if failed != nil {
					t.Fatal(failed)
				}
				var events transport.Scanner
				events.Reset(x, transport.SSE)
				if e, err := events.Next(); string(e.Data) != "[DONE]" || err != nil {
					t.Errorf("%q, %v", e.Data, err)
				}
				if c.later {
					release <- struct{}{}
				}
				x.Drain(c.limit)
				x.Close()
				if rec.Reused != (i > 0 && c.kept) {
					t.Errorf("request %d: reused %v", i, rec.Reused)
				}
			}
		})
	}
}

func TestClientsShare(t *testing.T) {
	s := serve(t, always(withLength("x")))
	u := newUser(t)
	a, _ := u.client(s.url+"/v1/chat", transport.Options{})
	b, parsed := u.client(strings.Replace(s.url, "http:", "HTTP:", 1)+"/v1/models?x=1", transport.Options{})
	if a != b || parsed.RequestURI() != "/v1/models?x=1" {
		t.Errorf("%p and %p, %s", a, b, parsed)
	}
	c, _ := u.client(s.url, transport.Options{Insecure: true})
	d, _ := u.client("https"+strings.TrimPrefix(s.url, "http"), transport.Options{})
	if a == c || a == d || c == d {
		t.Error("different ways of reaching a service share a client")
	}
	u.get(s.url+"/a", transport.Request{})
	if _, rec := u.get(s.url+"/b", transport.Request{}); !rec.Reused {
		t.Error("equal endpoints do not share connections")
	}
	e, _ := u.client("http://EXAMPLE.invalid", transport.Options{})
	f, _ := u.client("http://example.invalid:80/x", transport.Options{})
	if e != f {
		t.Error("the same host and port have two clients")
	}
}

func TestRedirect(t *testing.T) {
	hosts := make(chan string, 2)
	s := serve(t, func(p *peer) {
		for r := p.request(); r != nil; r = p.request() {
			hosts <- r.Host + r.URL.Path
			p.say(withLength("simulated"))
		}
	})
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	u := newUserTo(t, to)
	for _, asked := range []string{"https://service.invalid/v1/a", "http://other.invalid:8000/v1/b"} {
		if body, _ := u.get(asked, transport.Request{}); body != "simulated" {
			t.Errorf("%q", body)
		}
		if got, want := <-hosts, to.Host+asked[strings.Index(asked, "/v1"):]; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	}
	if connections, _ := s.counts(); connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

func TestLargeUpload(t *testing.T) {
	body := strings.Repeat(long, 5)
	s := serve(t, func(p *peer) {
		for r := p.request(); r != nil; r = p.request() {
			b, _ := io.ReadAll(r.Body)
			p.say(withLength(fmt.Sprint(string(b) == body)))
		}
	})
	u := newUser(t)
	for range 2 {
		got, rec := u.get(s.url, transport.Request{Body: []byte(body)})
		if got != "true" || rec.BytesOut < int64(len(body)) {
			t.Errorf("%s, %d bytes out", got, rec.BytesOut)
		}
	}
	if connections, _ := s.counts(); connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

// A service that refuses a request without reading all of it is heard.
func TestEarlyAnswer(t *testing.T) {
	const answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge"
	for name, handle := range map[string]func(p *peer){
		"and reads on": func(p *peer) {
			p.r.ReadByte()
			p.say(answer)
			p.gone()
		},
		"and closes": func(p *peer) {
			p.r.ReadByte()
			p.say(answer)
			p.Close() // with data unread: a reset follows
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, handle)
			u := newUser(t)
			for range 2 {
				x, rec, failed := u.send(context.Background(), s.url, transport.Request{Body: make([]byte, 32<<20), Limits: transport.Limits{Head: time.Minute}})
				if failed != nil {
					t.Fatal(failed)
				}
				body, err := x.ReadAll(100)
				if string(body) != "large" || err != nil || rec.Status != 413 {
					t.Errorf("%d %q, %v", rec.Status, body, err)
				}
				x.Close()
				if name == "and closes" && rec.Reused {
					t.Error("a broken connection was kept")
				}
				if name == "and reads on" {
					break
				}
			}
		})
	}
	t.Run("or not", func(t *testing.T) {
		s := serve(t, func(p *peer) { p.r.ReadByte(); p.reset() })
		_, _, failed := newUser(t).send(context.Background(), s.url, transport.Request{Body: make([]byte, 32<<20), Limits: transport.Limits{Head: time.Minute}})
		expect(t, failed, "write", "the service closed the connection while the request was sent: ")
	})
	t.Run("a service that does not read", func(t *testing.T) {
		s := serve(t, func(p *peer) {
			p.r.ReadByte()
			time.Sleep(time.Second)
		})
		_, _, failed := newUser(t).send(context.Background(), s.url, transport.Request{Body: make([]byte, 64<<20), Limits: transport.Limits{Head: 50 * time.Millisecond}})
		expect(t, failed, "head_timeout", "within 50ms")
	})
}

func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	certificates := web.TLS.Certificates
	web.Close()
	listen := func(t *testing.T, version uint16) net.Listener {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, MinVersion: version, MaxVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	insecure := transport.Options{Insecure: true}
	get := func(u *user, s *service) (string, *metrics.Record) {
		u.Helper()
		x, rec, failed := u.sendWith(context.Background(), s.url, insecure, transport.Request{})
		if failed != nil {
			u.Fatal(failed)
		}
		defer x.Close()
		b, err := x.ReadAll(1 << 20)
		if err != nil {
			u.Error(err)
		}
		return string(b), rec
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Run("kept", func(t *testing.T) {
				s := serveOn(t, listen(t, version), "https", always(withLength("hello")))
				u := newUser(t)
				for i := range 3 {
					body, rec := get(u, s)
					if body != "hello" || rec.Reused != (i > 0) || (rec.TLS > 0) != (i == 0) || (rec.Connect > 0) != (i == 0) || rec.Resent {
						t.Errorf("request %d: %q, %+v", i, body, rec)
					}
				}
			})
			t.Run("closed while idle", func(t *testing.T) {
				closed := make(chan struct{}, 9)
				s := serveOn(t, listen(t, version), "https", func(p *peer) {
					p.request()
					p.say(withLength("hello"))
					p.Close() // says goodbye
					closed <- struct{}{}
				})
				u := newUser(t)
				for range 3 {
					if body, rec := get(u, s); body != "hello" || rec.Reused || rec.Resent {
						t.Errorf("%q, reused %v, resent %v", body, rec.Reused, rec.Resent)
					}
					<-closed
					time.Sleep(20 * time.Millisecond)
				}
			})
			t.Run("closed when the request arrives", func(t *testing.T) {
				s := serveOn(t, listen(t, version), "https", func(p *peer) {
					p.request()
					p.say(withLength("hello"))
					p.request()
				})
				u := newUser(t)
				get(u, s)
				if body, rec := get(u, s); body != "hello" || rec.Reused || !rec.Resent {
					t.Errorf("%q, reused %v, resent %v", body, rec.Reused, rec.Resent)
				}
			})
			t.Run("body ended by goodbye", func(t *testing.T) {
				s := serveOn(t, listen(t, version), "https", func(p *peer) {
					p.request()
					p.say("HTTP/1.1 200 OK\r\n\r\nhello")
				})
				if body, _ := get(newUser(t), s); body != "hello" {
					t.Errorf("%q", body)
				}
			})
			t.Run("truncated", func(t *testing.T) {
				s := serveOn(t, listen(t, version), "https", func(p *peer) {
					p.request()
					p.say(streamHead + chunk("hello"))
				})
				u := newUser(t)
				x, _, failed := u.sendWith(context.Background(), s.url, insecure, transport.Request{})
				if failed != nil {
					t.Fatal(failed)
				}
				defer x.Close()
				_, err := x.ReadAll(100)
				expect(t, err, "truncated", "in the middle of its response: end of file")
			})
		})
	}
	t.Run("a client certificate is asked for", func(t *testing.T) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13})
		if err != nil {
			t.Fatal(err)
		}
		s := serveOn(t, l, "https", func(p *peer) { p.request() })
		_, _, failed := newUser(t).sendWith(context.Background(), s.url, insecure, transport.Request{})
		expect(t, failed, "tls", "certificate required")
	})
}

func TestConcurrentExchanges(t *testing.T) {
	s := serve(t, func(p *peer) {
		for n := 0; ; n++ {
			r := p.request()
			if r == nil {
				return
			}
			b, _ := io.ReadAll(r.Body)
			p.say(streamHead)
			for i := range 10 {
				p.say(chunk(fmt.Sprintf("data: %s %d\n\n", b, i)))
			}
			if n == 5 {
				return // without the end
			}
			p.say("0\r\n\r\n")
		}
	})
	u := newUser(t)
	var all sync.WaitGroup
	for worker := range 32 {
		all.Go(func() {
			var events transport.Scanner
			for i := range 20 {
				ctx, cancel := context.WithCancel(context.Background())
				x, _, failed := u.send(ctx, s.url, transport.Request{Body: fmt.Appendf(nil, "%d-%d", worker, i), Close: i%7 == 6})
				if failed != nil {
					t.Errorf("%d-%d: %v", worker, i, failed)
					cancel()
					continue
				}
				events.Reset(x, transport.SSE)
				for k := range 10 {
					e, err := events.Next()
					if want := fmt.Sprintf("%d-%d %d", worker, i, k); err != nil || string(e.Data) != want {
						t.Errorf("%q, %v; want %q", e.Data, err, want)
					}
					if i%5 == 4 && k == 5 {
						cancel()
						break
					}
				}
				if ctx.Err() == nil {
					x.Drain(time.Minute)
				}
				x.Close()
				cancel()
			}
		})
	}
	all.Wait()
}

func TestParseURL(t *testing.T) {
	for raw, message := range map[string]string{
		"http://127.0.0.1:8000":  "",
		"https://a.example/x?y":  "",
		"http://[::1]:80/":       "",
		"127.0.0.1:8000":         `"127.0.0.1:8000" is not a URL that can be requested: it must begin with http:// or https://`,
		"localhost:8000":         `it must begin with http:// or https://`,
		"a.example/x":            `it must begin with http:// or https://`,
		"ftp://a":                `it must begin with http:// or https://`,
		"":                       `it must begin with http:// or https://`,
		"http://":                `"http://" names no host`,
		"http://:80":             `"http://:80" names no host`,
		"http://a:port":          `"http://a:port" is not a URL: invalid port ":port" after host`,
		"http://a b":             `is not a URL: invalid character " " in host name`,
		"http://a/%zz":           `is not a URL: invalid URL escape "%zz"`,
		"http:/127.0.0.1:8000/x": `names no host`,
	} {
		_, err := transport.ParseURL(raw)
		if (err == nil) != (message == "") || err != nil && !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, want %s", raw, err, message)
		}
		if _, _, second := transport.NewClients(nil, nil).Client(raw, transport.Options{}); (second == nil) != (err == nil) {
			t.Errorf("%q: Client says %v", raw, second)
		}
	}
}

// A malformed head is found whatever parts it comes in: also when all of it has
// been read before it is looked at as a whole.
func TestMalformedHeadInParts(t *testing.T) {
	padding := strings.Repeat("X-Padding: "+strings.Repeat("a", 90)+"\r\n", 30)
	s := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\n" + padding + "Content-Length: x\r\nFoo: b")
		time.Sleep(20 * time.Millisecond)
		p.say("ar\r\n\r\nhello")
		p.request() // waits for the end
	})
	u := newUser(t)
	_, _, failed := u.send(t.Context(), s.url, transport.Request{Limits: transport.Limits{Head: 10 * time.Second}})
	if failed == nil || failed.Kind != "protocol" {
		t.Errorf("failed as %+v", failed)
	}
}
