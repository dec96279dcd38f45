package cmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/runtime/result"
)

// What these tests have in common: whatever happens to the service, to this
// machine or to the run, the run ends, its counts add up, and its result is
// there. Services that live in the test are those of service_test.go; what a run
// leaves behind is looked for where it is played in this process.

// oneRequest is a script whose iterations send one request each. options are those
// of the case.
func oneRequest(t *testing.T, endpoint, options string) string {
	t.Helper()
	return scriptFile(t, fmt.Sprintf(`
import { Endpoint } from "weir/llm";
const service = new Endpoint({ %s });
export const options = %s;
export default () => service.complete("Hello?");
`, endpoint, options))
}

func scriptFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.ts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// played is what a run left.
type played struct {
	code   int
	stderr string
	result result.Result
}

// play runs a script in this process, and sees to it that nothing is left of it.
func play(t *testing.T, path string) played {
	t.Helper()
	return playTo(t, new(transcript), path)
}

// playTo is play for those who look at what the run says meanwhile.
func playTo(t *testing.T, stderr *transcript, path string) played {
	t.Helper()
	sockets := openSockets()
	folder := filepath.Join(t.TempDir(), "out")
	code := Main([]string{"run", path, "--out", folder, "--progress", "none", "--no-summary"}, io.Discard, stderr)
	nothingLeft(t, sockets)
	return played{code, stderr.String(), readResult(t, folder)}
}

func readResult(t *testing.T, folder string) (r result.Result) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// nothingLeft waits until no goroutine of weir's packages runs any more, and no
// more sockets are open than before.
func nothingLeft(t *testing.T, sockets int) {
	t.Helper()
	var stacks string
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(10 * time.Millisecond) {
		b := make([]byte, 4<<20)
		stacks = ""
		for stack := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
			// The pollers of all connections stay.
			if !strings.Contains(stack, "weir/runtime/wire.(*poller).run(") {
				stacks += stack + "\n\n"
			}
		}
		if !strings.Contains(stacks, "weir/runtime") && !strings.Contains(stacks, "weir/modules") && openSockets() <= sockets {
			return
		}
	}
	t.Errorf("%d sockets are open, %d were before; goroutines:\n%s", openSockets(), sockets, stacks)
}

// openSockets is how many sockets this process has, 0 where the system does not tell.
func openSockets() (n int) {
	const folder = "/proc/self/fd/"
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if to, _ := os.Readlink(folder + e.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// addsUp holds the counts of a case against each other: every request is there
// once.
func addsUp(t *testing.T, c *result.Case) {
	t.Helper()
	var failures int64
	for _, e := range c.Errors {
		if e.Scope == "request" {
			failures += e.Count
		}
		if e.Kind == "" || e.Message == "" {
			t.Errorf("%s: a failure without kind or message: %+v", c.Name, e)
		}
	}
	n := c.Counts
	if failures != n.RequestsFailed {
		t.Errorf("%s: %d failures are listed, %d counted", c.Name, failures, n.RequestsFailed)
	}
	if n.Started != n.Completed+n.IterationFailed+n.Interrupted || n.IterationFailed != 0 {
		t.Errorf("%s: iterations: %+v", c.Name, n)
	}
	completed := n.Requests - n.RequestsFailed - n.RequestsCut
	if completed < 0 || n.Requests != n.Started { // the script sends one each
		t.Errorf("%s: requests: %+v", c.Name, n)
	}
	if m := c.Metrics["e2el"]; m != nil && m.N != completed {
		t.Errorf("%s: %d latencies of %d completed requests", c.Name, m.N, completed)
	}
}

// startService starts a service that lives as long as the test.
func startService(t *testing.T, behave behaviour) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{listener: l, behave: behave, hold: -1}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { s.accept(&running, done) })
	t.Cleanup(func() {
		close(done)
		s.close()
		running.Wait()
	})
	return s
}

func (s *service) url() string { return "http://" + s.listener.Addr().String() }

// repeat says a text over and over after a beginning, with a pause in between,
// until the client has had enough or a number of bytes has come; 0: no limit.
func repeat(beginning, text string, pause time.Duration, most int) behaviour {
	return func(w io.Writer, done <-chan struct{}) bool {
		if _, err := io.WriteString(w, beginning); err != nil {
			return false
		}
		for sent := 0; most == 0 || sent < most; sent += len(text) {
			if _, err := io.WriteString(w, text); err != nil {
				return false
			}
			select {
			case <-time.After(pause):
			case <-done:
				return false
			}
		}
		return false
	}
}

// unchunked is a response head whose body ends with the connection.
const unchunked = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

// Every request of a run meets the same fault, and the run says which.
func TestRunAgainstBrokenService(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	for _, c := range []struct {
		name    string
		behave  behaviour
		limits  string // of the endpoint
		kind    string // empty: no failure
		message string
	}{
		{"a head without end", repeat(head, strings.Repeat("X-A: 1\r\n", 1000), 0, 0), "", "protocol", "the response head is larger than"},
		{"a negative chunk", send(chunks(firstEvent) + "-5\r\nhello\r\n"), "", "protocol", "the chunks of the response body are not valid HTTP"},
		{"a huge chunk", cut(chunks(firstEvent) + "fffffffffffffff\r\ndata: "), "", "truncated", "in the middle of its response"},
		{"a byte from time to time, total", repeat(chunks(firstEvent)+"fffff\r\n", ":", 10*time.Millisecond, 0), `timeout: 400, idleTimeout: "1m"`, "total_timeout", "within 400ms"},
		{"a head of a byte from time to time", repeat(head+"X-A: ", "x", 10*time.Millisecond, 0), `timeout: "1m", headTimeout: 200`, "head_timeout", "within 200ms"},
		{"very much, and no event", repeat(unchunked, ": "+strings.Repeat("nothing ", 8000)+"\n\n", 0, 100<<20/6), "", "stream_incomplete", "without its end mark"},
		{"events after the end", send(chunks(firstEvent, nextEvent, lastEvent, usageEvent, endMark, firstEvent, errorEvent) + lastChunk), "", "", ""},
		{"rubbish after the end", send(chunks(firstEvent, nextEvent, lastEvent, usageEvent, endMark) + lastChunk + "rubbish"), "", "", ""},
		{"a flood after the end", repeat(chunks(firstEvent, nextEvent, lastEvent, usageEvent, endMark), chunk(firstEvent), 0, 0), "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startService(t, c.behave)
			p := play(t, oneRequest(t, fmt.Sprintf("url: %q, %s", s.url(), c.limits), `{ vus: 3, iterations: 6 }`))
			found := p.result.Cases[0]
			addsUp(t, found)
			switch {
			case found.Counts.Requests != 6:
				t.Errorf("counts %+v", found.Counts)
			case c.kind == "":
				if p.code != 0 || found.Counts.RequestsFailed != 0 {
					t.Errorf("exit code %d, errors %+v", p.code, found.Errors)
				}
			case len(found.Errors) != 1 || found.Errors[0].Kind != c.kind || !strings.Contains(found.Errors[0].Message, c.message) || found.Errors[0].Count != 6:
				t.Errorf("errors %+v, want 6 × %s: …%s…", found.Errors, c.kind, c.message)
			case p.code != exitFault || p.result.Verdict != result.Invalid:
				t.Errorf("exit code %d, verdict %s", p.code, p.result.Verdict)
			}
		})
	}
	for _, c := range []struct{ name, url, kind, message string }{
		{"an unknown name", "http://service.invalid:8000", "dns", "cannot find service.invalid: "},
		{"a service that nobody can connect to", deaf(t), "connect_timeout", "within 200ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := play(t, oneRequest(t, fmt.Sprintf("url: %q, connectTimeout: 200", c.url), `{ vus: 3, iterations: 6, preconnect: false }`))
			found := p.result.Cases[0]
			addsUp(t, found)
			if p.code != exitFault || len(found.Errors) != 1 || found.Errors[0].Kind != c.kind || found.Errors[0].Count != 6 || !strings.Contains(found.Errors[0].Message, c.message) {
				t.Errorf("exit code %d, errors %+v, want 6 × %s: …%s…", p.code, found.Errors, c.kind, c.message)
			}
			if p.result.Verdict != result.Invalid {
				t.Errorf("verdict %s", p.result.Verdict)
			}
		})
	}
}

// Redirects without end are followed ten times; a thousand are followed when the
// script says so. Each is a request.
func TestRedirectsWithoutEnd(t *testing.T) {
	s := startService(t, send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"))
	for options, want := range map[string]int64{"{}": 11, "{ redirects: 1000 }": 1001, "{ redirects: 0 }": 1} {
		p := play(t, scriptFile(t, fmt.Sprintf(`
import { fail } from "weir";
import http from "weir/http";
export default async function () {
  const answer = await http.get(%q, %s);
  if (answer.status !== 302 || answer.headers["Location"] !== "/again") fail("status " + answer.status);
}`, s.url(), options)))
		found := p.result.Cases[0]
		if p.code != 0 || found.Counts.Requests != want || found.Counts.RequestsFailed != 0 || found.Counts.IterationFailed != 0 {
			t.Errorf("%s: exit code %d, %+v, want %d requests\n%s", options, p.code, found.Counts, want, p.stderr)
		}
	}
}

// transcript is what a program says, for others to look at meanwhile.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// process is a program in a process of its own.
type process struct {
	*exec.Cmd
	t     *testing.T
	said  transcript // to both outputs
	ended chan error
}

// startProcess starts a program that is killed at the end of the test, if it still runs.
func startProcess(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(program, args...), t: t, ended: make(chan error, 1)}
	p.Stdout, p.Stderr = &p.said, &p.said
	p.Dir = t.TempDir()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// await waits until the process has said something.
func (p *process) await(text string) {
	p.t.Helper()
	for begin := time.Now(); !strings.Contains(p.said.String(), text); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > patience {
			p.t.Fatalf("it never said %q:\n%s", text, p.said.String())
		}
	}
}

// exit waits for the end, and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Process.Signal(syscall.SIGQUIT) // its stacks say where it hangs
		<-p.ended
		p.t.Fatalf("it did not end:\n%s", p.said.String())
	}
	if said := p.said.String(); strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
		p.t.Errorf("it crashed:\n%s", said)
	}
	return p.ProcessState.ExitCode()
}

// freePort is an address where nobody listens. It is none of 127.0.0.1, where
// another program's connection may take any port that is free for a moment.
func freePort(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.78:0")
	if err != nil { // a system whose loopback has one address
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return host, port
}

// A service is killed under its streams, and comes back on its port. The script
// tries again until it has an answer: so each iteration has just one that
// completed, and what failed meanwhile is counted with its kind.
func TestServiceIsKilledAndReturns(t *testing.T) {
	t.Parallel()
	const iterations = 500
	for name, c := range map[string]struct {
		load  string
		under int // streams when it is killed
	}{
		"closed loop":  {`{ vus: 500, iterations: 500, maxDuration: "2m" }`, 500},
		"arrival rate": {`{ executor: "arrival-rate", rate: 500, duration: "1s", gracefulStop: "2m" }`, 100},
	} {
		t.Run(name, func(t *testing.T) {
			host, port := freePort(t)
			url := "http://" + net.JoinHostPort(host, port)
			serve := func(itl string) *process {
				return startProcess(t, "weir", "sim", "--host", host, "--port", port, "--ttft", "10ms", "--itl", itl, "--max-batch", "1000")
			}
			first := serve("10s")
			first.await("listening on")
			var stderr transcript
			returned := make(chan struct{})
			go func() {
				defer close(returned)
				until(func() bool { return running(url) >= c.under })
				first.Process.Kill()
				until(func() bool { return strings.Contains(stderr.String(), "refused") })
				serve("1ms")
			}()
			p := playTo(t, &stderr, scriptFile(t, fmt.Sprintf(`
import { sleep } from "weir";
import { Endpoint } from "weir/llm";
const service = new Endpoint({ url: %q, maxTokens: 5, ignoreEos: true });
export const options = %s;
let told = false;
export default async function () {
  for (;;) {
    const { error } = await service.complete("Hello?");
    if (!error) return;
    if (error.kind === "connect" && !told) console.log("refused");
    told ||= error.kind === "connect";
    await sleep("50ms");
  }
}`, url, c.load)))
			<-returned
			if p.code != 0 {
				t.Fatalf("exit code %d\n%s", p.code, p.stderr)
			}
			found := p.result.Cases[0]
			failures := map[string]int64{}
			var failed int64
			for _, e := range found.Errors {
				failures[e.Kind] += e.Count
				failed += e.Count
			}
			n := found.Counts
			if n.Started != iterations || n.Completed != iterations || n.Requests != iterations+failed || n.RequestsFailed != failed || n.RequestsCut != 0 {
				t.Errorf("counts %+v, errors %+v", n, found.Errors)
			}
			if found.Metrics["e2el"].N != iterations {
				t.Errorf("%d latencies, want %d", found.Metrics["e2el"].N, iterations)
			}
			// Those that had no event yet have lost their connection, too.
			lost := failures["truncated"] + failures["connection_closed"]
			if failures["truncated"] == 0 || lost < int64(c.under) || failures["connect"] == 0 || failed != lost+failures["connect"]+failures["write"] {
				t.Errorf("errors %+v", found.Errors)
			}
			if p.result.Verdict != result.Invalid {
				t.Errorf("verdict %s", p.result.Verdict)
			}
		})
	}
}

// running is how many streams a simulated service says it has.
func running(url string) (n int) {
	answer, err := http.Get(url + "/metrics")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	http.DefaultClient.CloseIdleConnections()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "vllm:num_requests_running") {
			var value float64
			fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &value)
			n = int(value)
		}
	}
	return n
}

// gate is a service for 500 streams: it begins each, and ends them when it is
// told to. It counts the streams that the client has closed.
type gate struct {
	listener net.Listener
	begun    atomic.Int64
	closed   atomic.Int64
	open     chan struct{}
}

func startGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, open: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { g.stream(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait() // the client has ended, and with it its connections
	})
	return g
}

func (g *gate) stream(c net.Conn) {
	asked := false // only before the load, what the service is
	defer func() {
		if !asked {
			g.closed.Add(1)
		}
	}()
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if asked = request.Method == "GET"; asked {
			io.WriteString(c, answer("404 Not Found", "text/plain", "no such path"))
			continue
		}
		io.WriteString(c, chunks(firstEvent))
		g.begun.Add(1)
		more := make(chan struct{}) // another request, or the end
		go func() {
			r.Peek(1)
			close(more)
		}()
		select {
		case <-g.open:
			io.WriteString(c, chunk(nextEvent)+chunk(lastEvent)+chunk(usageEvent)+chunk(endMark)+lastChunk)
			<-more
		case <-more:
			return
		}
	}
}

// One signal lets 500 streams end, two cut them off, whichever signals they are;
// the service sees every connection end.
func TestSignalsWhileStreaming(t *testing.T) {
	t.Parallel()
	const streams = 500
	for _, c := range []struct {
		name    string
		signals []os.Signal
	}{
		{"INT once", []os.Signal{syscall.SIGINT}},
		{"TERM once", []os.Signal{syscall.SIGTERM}},
		{"INT twice", []os.Signal{syscall.SIGINT, syscall.SIGINT}},
		{"TERM twice", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}},
		{"INT and TERM", []os.Signal{syscall.SIGINT, syscall.SIGTERM}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := startGate(t)
			path := oneRequest(t, fmt.Sprintf(`url: "http://%s"`, g.listener.Addr()),
				fmt.Sprintf(`{ executor: "constant-vus", vus: %d, duration: "1h", gracefulStop: "1h" }`, streams))
			folder := filepath.Join(t.TempDir(), "out")
			p := startProcess(t, "weir", "run", path, "--out", folder, "--progress", "plain")
			pollFor(t, func() bool { return g.begun.Load() == streams })
			p.Process.Signal(c.signals[0])
			p.await("weir: stopping; what runs may finish")
			once := len(c.signals) == 1
			if once {
				close(g.open)
			} else {
				if n := g.closed.Load(); n != 0 {
					t.Errorf("the first signal closed %d streams", n)
				}
				p.Process.Signal(c.signals[1])
			}
			signalled := time.Now()
			if code := p.exit(); code != exitInterrupted {
				t.Errorf("exit code %d:\n%s", code, p.said.String())
			}
			t.Logf("it ended after %v", time.Since(signalled))
			pollFor(t, func() bool { return g.closed.Load() >= streams })

			r := readResult(t, folder)
			found := r.Cases[0]
			addsUp(t, found)
			want := result.Counts{Started: streams, Requests: streams, Scheduled: streams}
			if once {
				// The signal is told of before it works: a few more may have begun.
				n := max(found.Counts.Started, streams)
				want = result.Counts{Started: n, Requests: n, Scheduled: n, Completed: n}
			} else {
				want.Interrupted, want.RequestsCut = streams, streams
			}
			want.Late = found.Counts.Late
			if found.Counts != want || !r.Interrupted || !found.Interrupted || r.Ended == nil {
				t.Errorf("counts %+v, want %+v; interrupted: %v, %v", found.Counts, want, r.Interrupted, found.Interrupted)
			}
		})
	}
}

// pollFor waits for something that can only be looked at.
func pollFor(t *testing.T, there func() bool) {
	t.Helper()
	if !until(there) {
		t.Fatal("it never came to that")
	}
}

// until waits for something, and tells whether it came.
func until(there func() bool) bool {
	for begin := time.Now(); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > patience {
			return false
		}
	}
	return true
}

// A run that hangs in connecting is ended by signals as any other is.
func TestSignalsWhileConnecting(t *testing.T) {
	url := deaf(t)
	for _, preconnect := range []bool{false, true} {
		t.Run(fmt.Sprintf("preconnect %v", preconnect), func(t *testing.T) {
			path := oneRequest(t, fmt.Sprintf(`url: %q, connectTimeout: "1h"`, url), fmt.Sprintf(`{ vus: 50, iterations: 50, preconnect: %v }`, preconnect))
			folder := filepath.Join(t.TempDir(), "out")
			p := startProcess(t, "weir", "run", path, "--out", folder, "--progress", "plain")
			pollFor(t, func() bool { return connecting(t, url) })
			p.Process.Signal(syscall.SIGINT)
			p.await("weir: stopping; what runs may finish")
			p.Process.Signal(syscall.SIGINT)
			if code := p.exit(); code != exitInterrupted {
				t.Errorf("exit code %d:\n%s", code, p.said.String())
			}
			r := readResult(t, folder)
			if !r.Interrupted || r.Ended == nil {
				t.Errorf("%+v", r)
			}
			for _, found := range r.Cases {
				addsUp(t, found)
				if n := found.Counts; n.RequestsFailed != 0 || n.RequestsCut != n.Requests {
					t.Errorf("%+v", n)
				}
			}
		})
	}
}

// deaf is a service that listens and never accepts, with no place left in its
// queue: connecting to it takes for ever.
func deaf(t *testing.T) (url string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 16 {
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return "http://" + addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this kernel does not let a queue of connections fill up")
	return ""
}

// connecting tells whether somebody is waiting for a connection to a service.
func connecting(t *testing.T, url string) bool {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skip("this system does not show its connections:", err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	const synSent = "02"
	return strings.Contains(string(text), fmt.Sprintf(":%04X %s ", n, synSent))
}

// A run that may open no more than 64 files, although its connections want more,
// says that the client could not do it, and still writes its result.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	slow := func(w io.Writer, done <-chan struct{}) bool {
		select {
		case <-time.After(300 * time.Millisecond): // so that they are wanted at the same time
		case <-done:
		}
		return behaviours["good"](w, done)
	}
	for _, c := range []struct {
		name  string
		vus   int
		flags string
		code  int
	}{
		{"too few", 100, "--require-valid", exitInvalid},
		{"too few, with a file of records", 100, "--records --require-valid", exitInvalid},
		{"too few, and nobody minds", 100, "", 0},
		{"enough", 10, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startService(t, slow)
			path := oneRequest(t, fmt.Sprintf("url: %q", s.url()), fmt.Sprintf("{ vus: %d, iterations: %d }", c.vus, c.vus))
			folder := filepath.Join(t.TempDir(), "out")
			// The hard limit too: the Go runtime raises the soft one to it.
			p := startProcess(t, "sh", "-c", fmt.Sprintf("ulimit -n 64 && exec weir run %s --out %s --progress plain %s", path, folder, c.flags))
			if code := p.exit(); code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, p.said.String())
			}
			r := readResult(t, folder)
			found := r.Cases[0]
			addsUp(t, found)
			if r.Ended == nil || r.Error != "" || found.Counts.Requests != int64(c.vus) {
				t.Errorf("error %q, counts %+v", r.Error, found.Counts)
			}
			if c.name == "enough" {
				if len(found.Errors) != 0 {
					t.Errorf("errors %+v", found.Errors)
				}
				return
			}
			if len(found.Errors) != 1 || found.Errors[0].Kind != "client_limit" || !strings.Contains(found.Errors[0].Message, "ulimit -n") ||
				found.Counts.RequestsFailed >= int64(c.vus) {
				t.Errorf("counts %+v, errors %+v", found.Counts, found.Errors)
			}
			told := func(reason result.Reason) bool {
				return reason.Rule == "client_limit" && reason.Verdict == result.Invalid
			}
			if r.Verdict != result.Invalid || !slices.ContainsFunc(found.Validity.Reasons, told) {
				t.Errorf("verdict %s, reasons %+v", r.Verdict, found.Validity.Reasons)
			}
		})
	}
}
