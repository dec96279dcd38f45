package cmd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// service is a scripted inference service on a raw socket, for what no proper
// HTTP server would send.
type service struct {
	listener net.Listener
	behave   behaviour
	hold     int // requests that are answered at once; later ones are held back; -1: none is
	released chan struct{}
	release  func()

	mu       sync.Mutex
	requests int
	paths    []string // of the requests, with their queries
	conns    []net.Conn
}

// behaviour answers one request on its connection; the connection stays open
// when it returns true. What it waits for has to end with done.
type behaviour func(w io.Writer, done <-chan struct{}) (keep bool)

const (
	streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	firstEvent = `data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}` + "\n\n"
	nextEvent  = `data: {"choices":[{"index":0,"delta":{"content":" world"},"finish_reason":null}]}` + "\n\n"
	lastEvent  = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\n"
	usageEvent = `data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}` + "\n\n"
	errorEvent = `data: {"error":{"message":"the NPU is out of memory","type":"server_error","code":500}}` + "\n\n"
	endMark    = "data: [DONE]\n\n"
	lastChunk  = "0\r\n\r\n"
)

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// chunks is a response head with these events, a chunk each.
func chunks(events ...string) string {
	for i, e := range events {
		events[i] = chunk(e)
	}
	return streamHead + strings.Join(events, "")
}

func answer(status, contentType, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, contentType, len(body), body)
}

// send writes a whole answer.
func send(text string) behaviour {
	return func(w io.Writer, _ <-chan struct{}) bool {
		_, err := io.WriteString(w, text)
		return err == nil
	}
}

// cut writes the beginning of an answer and closes the connection.
func cut(text string) behaviour {
	return func(w io.Writer, _ <-chan struct{}) bool {
		io.WriteString(w, text)
		return false
	}
}

// hang writes the beginning of an answer, and then nothing more for ever.
func hang(text string) behaviour {
	return func(w io.Writer, done <-chan struct{}) bool {
		io.WriteString(w, text)
		<-done
		return false
	}
}

var behaviours = map[string]behaviour{
	"good":         send(chunks(firstEvent, nextEvent, lastEvent, usageEvent, endMark) + lastChunk),
	"uncounted":    send(chunks(firstEvent, nextEvent, lastEvent, endMark) + lastChunk),
	"500":          send(answer("500 Internal Server Error", "application/json", `{"error":{"message":"the NPU is out of memory","type":"server_error","code":500}}`)),
	"html":         send(answer("200 OK", "text/html; charset=utf-8", "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>")),
	"error-event":  send(chunks(firstEvent, errorEvent, endMark) + lastChunk),
	"no-end":       send(chunks(firstEvent, nextEvent) + lastChunk),
	"no-http":      cut("220 mail.example.com ESMTP\r\n"),
	"close":        cut(chunks(firstEvent, nextEvent)),
	"close-before": cut(""),
	"silent":       hang(""),
	"stall":        hang(chunks(firstEvent)),
}

// serve starts a service. Without a second argument it answers all requests;
// "serve good 3" holds back what comes after the third one, until it is released.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "serve BEHAVIOUR [N]")
	behave := behaviours[args[0]]
	if behave == nil {
		ts.Fatalf("no behaviour is called %s", args[0])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	s := &service{listener: listener, behave: behave, hold: -1, released: make(chan struct{})}
	s.release = sync.OnceFunc(func() { close(s.released) })
	if len(args) > 1 {
		s.hold = number(ts, args[1])
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { s.accept(&running, done) })
	ts.Defer(func() {
		close(done)
		s.close()
		running.Wait()
	})
	stateOf(ts).service = s
	host, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Setenv("HOST", host)
	ts.Setenv("PORT", port)
	ts.Setenv("URL", "http://"+listener.Addr().String())
}

func (s *service) accept(running *sync.WaitGroup, done <-chan struct{}) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		running.Go(func() { s.converse(conn, done) })
	}
}

// converse answers the requests of one connection.
func (s *service) converse(conn net.Conn, done <-chan struct{}) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		held := false
		if request.Method != "GET" || request.URL.Path == "/" || strings.Contains(request.URL.Path, "/manifests/") { // other GETs ask before a run what it is, which is no load
			s.mu.Lock()
			s.requests++
			s.paths = append(s.paths, request.URL.RequestURI())
			held = s.hold >= 0 && s.requests > s.hold
			s.mu.Unlock()
		}
		if held {
			select {
			case <-s.released:
			case <-done:
				return
			}
		}
		if !s.behave(conn, done) {
			return
		}
	}
}

func (s *service) close() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
}

func (s *service) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func theService(ts *testscript.TestScript) *service {
	s := stateOf(ts).service
	if s == nil {
		ts.Fatalf("no service has been started")
	}
	return s
}

func requests(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "requests N")
	if got, want := theService(ts).seen(), number(ts, args[0]); got != want {
		ts.Fatalf("the service has seen %d requests, want %d", got, want)
	}
}

func paths(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "paths PATH…")
	s := theService(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.paths, args) {
		ts.Fatalf("the requests went to %v, want %v", s.paths, args)
	}
}

func peers(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "peers ADDRESS…")
	s := theService(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for _, conn := range s.conns {
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		ts.Check(err)
		got = append(got, host)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, args) {
		ts.Fatalf("the requests came from %v, want %v", got, args)
	}
}

func awaitRequests(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "await-requests N")
	s, want := theService(ts), number(ts, args[0])
	poll(ts, func() bool { return s.seen() >= want }, func() string {
		return fmt.Sprintf("the service has seen %d requests, want %d", s.seen(), want)
	})
}

func release(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, "release")
	theService(ts).release()
}
