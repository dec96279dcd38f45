package transport_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
	"weir/runtime/wire"
)

// testProxy is an HTTP proxy: it opens tunnels, and sends requests in absolute
// form on. What it was asked for is kept.
type testProxy struct {
	*service

	mu    sync.Mutex        // protects the following fields
	to    map[string]string // where the names of services lead; others are addresses
	asked []*http.Request
}

// startProxy starts a proxy; a is whose certificate it has, nil for plain HTTP.
func startProxy(t *testing.T, a *authority) *testProxy {
	t.Helper()
	p := &testProxy{to: make(map[string]string)}
	if a != nil {
		p.service = a.serveTLS("127.0.0.1", nil, p.handle)
	} else {
		p.service = serve(t, p.handle)
	}
	return p
}

// with is its URL with a user and a password.
func (t *testProxy) with(user string) string { return strings.Replace(t.url, "://", "://"+user+"@", 1) }

// leads makes a name lead to a service.
func (t *testProxy) leads(name string, s *service) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, t.to[name], _ = strings.Cut(s.url, "://")
}

func (t *testProxy) handle(p *peer) {
	for {
		r := p.request()
		if r == nil {
			return
		}
		addr := r.Host
		if r.Method != "CONNECT" {
			addr = r.URL.Host
		}
		t.mu.Lock()
		t.asked = append(t.asked, r.Clone(context.Background()))
		if to := t.to[addr]; to != "" {
			addr = to
		}
		t.mu.Unlock()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			p.say("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nno such host\r\n")
			continue
		}
		if r.Method == "CONNECT" {
			p.say("HTTP/1.0 200 Connection established\r\nVia: test\r\n\r\n")
			splice(p, c)
			return
		}
		r.RequestURI = ""
		r.Header.Del("Proxy-Authorization")
		r.Write(c)
		answer, err := http.ReadResponse(bufio.NewReader(c), r)
		if err == nil {
			answer.Write(p)
		}
		c.Close()
	}
}

// splice carries bytes both ways until one end closes.
func splice(p *peer, c net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { io.Copy(c, p.r); c.Close(); p.Close() })
	both.Go(func() { io.Copy(p, c); c.Close(); p.Close() })
	both.Wait()
}

// requests are what the proxy was asked for: "CONNECT host:port".
func (t *testProxy) requests() (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.asked {
		lines = append(lines, r.Method+" "+r.RequestURI)
	}
	return lines
}

// Through a proxy of either kind, a service of either kind is reached as without
// one: connections are kept, and the times and stamps are there.
func TestProxy(t *testing.T) {
	a := newAuthority(t, "a")
	for _, proxyScheme := range []string{"http", "https"} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+" through "+proxyScheme, func(t *testing.T) {
				var seen sync.Map
				answer := func(p *peer) {
					for r := p.request(); r != nil; r = p.request() {
						seen.Store(r.Method+" "+r.RequestURI+" "+r.Host, r.Header.Get("Proxy-Authorization"))
						p.say(streamHead + chunk("hel") + chunk("lo") + "0\r\n\r\n")
					}
				}
				issuer := *a
				issuer.T = t
				s := serve(t, answer)
				if scheme == "https" {
					s = issuer.serveTLS("127.0.0.1", nil, answer)
				}
				proxy := startProxy(t, nil)
				if proxyScheme == "https" {
					proxy = startProxy(t, &issuer)
				}
				o := transport.Options{Proxy: proxy.with("us%40er:p%3Aw"), CA: a.file}
				u := newUser(t)
				for i := range 3 {
					x, rec, failed := u.sendWith(context.Background(), s.url+"/v1/x?y=1", o, transport.Request{Body: []byte("x")})
					if failed != nil {
						t.Fatal(failed)
					}
					body, err := x.ReadAll(1 << 20)
					if err != nil || string(body) != "hello" || x.Status() != 200 {
						t.Errorf("status %d, %q, %v", x.Status(), body, err)
					}
					x.Close()
					if rec.Reused != (i > 0) || (rec.Connect > 0) != (i == 0) || (rec.TLS > 0) != (i == 0 && scheme == "https") || rec.Resent {
						t.Errorf("request %d: %+v", i, rec)
					}
				}
				addr := strings.TrimPrefix(s.url, scheme+"://")
				if login, ok := seen.Load("POST /v1/x?y=1 " + addr); !ok || login != "" {
					t.Errorf("the service was asked for %v, login %q", &seen, login)
				}
				want := []string{"CONNECT " + addr}
				if scheme == "http" {
					want = []string{"POST http://" + addr + "/v1/x?y=1", "POST http://" + addr + "/v1/x?y=1", "POST http://" + addr + "/v1/x?y=1"}
				}
				if got := proxy.requests(); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("the proxy was asked for %q, want %q", got, want)
				}
				for _, r := range proxy.asked {
					if got, want := r.Header.Get("Proxy-Authorization"), "Basic "+base64.StdEncoding.EncodeToString([]byte("us@er:p:w")); r.Host != addr || got != want {
						t.Errorf("host %q, login %q", r.Host, got)
					}
				}
				if connections, _ := proxy.counts(); connections != 1 {
					t.Errorf("%d connections to the proxy", connections)
				}
			})
		}
	}
}

// The kernel's stamps are there behind a proxy where they are there without one.
func TestStampsThroughProxy(t *testing.T) {
	a := newAuthority(t, "a")
	s := a.serveTLS("127.0.0.1", nil, always(withLength("hello")))
	u := newUser(t)
	stamped := func(proxy string) bool {
		for range 50 { // the kernel begins a moment after it was first asked to
			x, rec, failed := u.sendWith(context.Background(), s.url, transport.Options{CA: a.file, Proxy: proxy}, transport.Request{})
			if failed != nil {
				t.Fatal(failed)
			}
			if _, err := x.ReadAll(100); err != nil {
				t.Error(err)
			}
			x.Close()
			if rec.Stamp == metrics.StampKernel {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	}
	if !stamped("") {
		t.Skip("the kernel gives no receive stamps here")
	}
	for _, proxy := range []*testProxy{startProxy(t, nil), startProxy(t, a)} {
		if !stamped(proxy.url) {
			t.Errorf("no kernel stamps through %s", proxy.url)
		}
	}
}

// A long stream through two layers of TLS is followed where its readiness is seen.
func TestFollowThroughTwoLayersOfTLS(t *testing.T) {
	a := newAuthority(t, "a")
	const pieces = 2000
	s := a.serveTLS("127.0.0.1", nil, func(p *peer) {
		for p.request() != nil {
			p.say(streamHead)
			for i := range pieces {
				p.say(chunk(hello))
				if i%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			p.say("0\r\n\r\n")
		}
	})
	o := transport.Options{Proxy: startProxy(t, a).url, CA: a.file}
	u := newUser(t)
	for i := range 2 {
		var got int
		var failed error
		b := make([]byte, 4096)
		x, rec, refused := u.sendWith(context.Background(), s.url, o, transport.Request{Follow: func(x *transport.Exchange) bool {
			for {
				n, err := x.Read(b)
				got += n
				if err == wire.ErrNothing {
					return false
				}
				if err != nil {
					failed = err
					return true
				}
			}
		}})
		if refused != nil {
			t.Fatal(refused)
		}
		x.Close()
		if failed != io.EOF || got != pieces*len(hello) || rec.Reused != (i > 0) {
			t.Errorf("%d bytes, %v, reused %v", got, failed, rec.Reused)
		}
	}
}

// What a proxy answers to CONNECT instead of opening a tunnel is its failure, with
// its status and what it says.
func TestProxyRefuses(t *testing.T) {
	a := newAuthority(t, "a")
	const service = "https://service.test:8443"
	for _, c := range []struct {
		name    string
		answer  func(p *peer)
		status  int
		message string
	}{
		{"407", says("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"), 407,
			"opens no tunnel to service.test:8443: 407 Proxy Authentication Required: give a user and a password in the option proxy"},
		{"502", says("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nno such\r\nway"), 502,
			"opens no tunnel to service.test:8443: 502 Bad Gateway: no such way"},
		{"403 with a page", says("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), 403,
			"403 Forbidden; it may allow tunnels to some hosts and ports only"},
		{"503 that promises a text and never sends it", says("HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n"), 503, "503 Busy"},
		{"redirects", says("HTTP/1.1 302 Found\r\nLocation: https://login.test/\r\n\r\n"), 302, "302 Found"},
		{"an old one", says("HTTP/1.0 400 Bad Request\r\n\r\n"), 400, "400 Bad Request"},
		{"an interim answer first", says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n"), 502, "502 Bad Gateway"},
		{"interim answers only", says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 20)), 0, "sends more than 8 interim answers"},
		{"speaks something else", says("SSH-2.0-OpenSSH_9.6\r\n"), 0, `is not valid HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.6"`},
		{"speaks TLS", says("\x15\x03\x01\x00\x02\x02\x46"), 0, "answers in TLS; try https:// instead of http:// in its URL"},
		{"has a large head", says("HTTP/1.1 200 OK\r\nX: " + long[:70_000] + "\r\n\r\n"), 0, "the head of the answer of the proxy "},
		{"speaks first", says("HTTP/1.1 200 OK\r\n\r\nhello"), 0, "sends something before the tunnel to service.test:8443 is used"},
		{"closes", func(p *peer) { p.request() }, 0, "closed the connection instead of opening a tunnel to service.test:8443: end of file"},
		{"resets", func(p *peer) { p.request(); sever(p) }, 0, "closed the connection instead of opening a tunnel to service.test:8443: connection reset by peer"},
		{"closes in its head", func(p *peer) { p.request(); p.say("HTTP/1.1 200") }, 0, "closed the connection instead of opening a tunnel"},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(c.name+", "+scheme, func(t *testing.T) {
				noSockets(t)
				issuer := *a
				issuer.T = t
				s := serve(t, c.answer)
				if scheme == "https" {
					s = issuer.serveTLS("127.0.0.1", nil, c.answer)
				}
				_, rec, failed := newUser(t).sendWith(context.Background(), service, transport.Options{Proxy: s.url, CA: a.file}, transport.Request{Limits: transport.Limits{Connect: patient}})
				expect(t, failed, "proxy", c.message)
				if failed.Status != c.status || !strings.Contains(failed.Message, "the proxy "+strings.TrimPrefix(s.url, scheme+"://")) {
					t.Errorf("%+v", failed)
				}
				if !rec.Started.IsZero() || rec.Resent || rec.Status != 0 {
					t.Errorf("the request was begun: %+v", rec)
				}
			})
		}
	}
}

// says answers a request with some bytes, and waits for the client to go.
func says(text string) func(p *peer) {
	return func(p *peer) {
		p.request()
		p.say(text)
		p.gone()
	}
}

// A proxy that cannot be reached, hangs or is not trusted.
func TestProxyFails(t *testing.T) {
	a := newAuthority(t, "a")
	hangs := serve(t, (*peer).gone)
	hangsLater := a.serveTLS("127.0.0.1", nil, (*peer).gone)
	trickles := serve(t, func(p *peer) { p.request(); p.say("HTTP/1.1 200 OK\r\nX: "); trickle(p, "x") })
	plain := serve(t, func(p *peer) {
		p.r.ReadByte()
		p.say("HTTP/1.1 400 Bad Request\r\n\r\n")
		p.gone()
	})
	misnamed := a.serveTLS("other.test", nil, (*peer).gone)
	opens := serve(t, func(p *peer) { p.request(); p.say("HTTP/1.1 200 OK\r\n\r\n"); p.gone() })
	l := listenAside(t)
	nobody := "http://" + l.Addr().String()
	l.Close()
	asTLS := func(url string) string { return strings.Replace(url, "http:", "https:", 1) }
	at := func(s *service) string { _, addr, _ := strings.Cut(s.url, "://"); return addr }
	for _, c := range []struct {
		name, proxy, to, kind, message string
		o                              transport.Options
		connect                        time.Duration
	}{
		{"a name that does not exist", "http://weir-test.invalid:80", "https://service.test", "dns", "cannot find the proxy weir-test.invalid: ", transport.Options{}, patient},
		{"nobody listens", nobody, "https://service.test", "connect", "cannot connect to the proxy " + strings.TrimPrefix(nobody, "http://") + ": connection refused", transport.Options{}, patient},
		{"nobody listens, absolute form", nobody, "http://service.test", "connect", "cannot connect to the proxy ", transport.Options{}, patient},
		{"hangs", hangs.url, "https://service.test", "connect_timeout", "the proxy " + at(hangs) + " opened no tunnel to service.test:443 within 100ms", transport.Options{}, soon},
		{"trickles", trickles.url, "https://service.test", "connect_timeout", "opened no tunnel to service.test:443 within 100ms", transport.Options{}, soon},
		{"hangs in TLS", asTLS(hangs.url), "https://service.test", "connect_timeout", "no TLS handshake with the proxy " + at(hangs) + " within 100ms", transport.Options{}, soon},
		{"hangs after TLS", hangsLater.url, "https://service.test", "connect_timeout", "the proxy " + at(hangsLater) + " opened no tunnel", transport.Options{CA: a.file}, soon},
		{"the service hangs behind it", opens.url, "https://service.test", "connect_timeout", "no TLS handshake with service.test:443 within 100ms", transport.Options{}, soon},
		{"speaks no TLS", asTLS(plain.url), "http://service.test", "tls", "the proxy " + at(plain) + " does not speak TLS; try http:// instead of https://", transport.Options{}, patient},
		{"nobody vouches for it", hangsLater.url, "http://service.test", "tls", "the certificate of the proxy " + at(hangsLater) + " is not trusted: ", transport.Options{}, patient},
		{"it is verified all the same", hangsLater.url, "https://service.test", "tls", "the certificate of the proxy " + at(hangsLater) + " is not trusted: ", transport.Options{Insecure: true}, patient},
		{"has another's certificate", misnamed.url, "https://service.test", "tls", "the certificate of the proxy " + at(misnamed) + " is not trusted: ", transport.Options{CA: a.file}, patient},
	} {
		t.Run(c.name, func(t *testing.T) {
			noSockets(t)
			c.o.Proxy = c.proxy
			_, rec, failed := newUser(t).sendWith(context.Background(), c.to, c.o, transport.Request{Limits: transport.Limits{Connect: c.connect}})
			expect(t, failed, c.kind, c.message)
			if !rec.Started.IsZero() || rec.Resent {
				t.Errorf("the request was begun: %+v", rec)
			}
		})
	}
}

// The end of a run ends the wait for a proxy at once, and closes the connection.
func TestCancelWhileProxyHangs(t *testing.T) {
	for _, scheme := range []string{"http", "https"} { // in the tunnel; in TLS with the proxy
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			closed := make(chan struct{})
			s := serve(t, func(p *peer) {
				p.r.ReadByte()
				cancel()
				p.gone()
				close(closed)
			})
			proxy := strings.Replace(s.url, "http:", scheme+":", 1)
			_, _, failed := newUser(t).sendWith(ctx, "https://service.test", transport.Options{Proxy: proxy}, transport.Request{Limits: transport.Limits{Connect: patient}})
			expect(t, failed, "interrupted", "")
			<-closed
		})
	}
}

// Where requests are sent in absolute form, 407 is the proxy's; any other answer
// may be the service's.
func TestProxyWantsLogin(t *testing.T) {
	s := serve(t, always("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nhello"))
	u := newUser(t)
	_, rec, failed := u.sendWith(context.Background(), "http://service.test", transport.Options{Proxy: s.url}, transport.Request{})
	expect(t, failed, "proxy", "wants a login: give a user and a password in the option proxy")
	if failed.Status != 407 || rec.Status != 407 {
		t.Errorf("status %d, %d", failed.Status, rec.Status)
	}
	_, _, failed = u.sendWith(context.Background(), "http://service.test", transport.Options{Proxy: strings.Replace(s.url, "//", "//u:p@", 1)}, transport.Request{})
	expect(t, failed, "proxy", "wants a login: it does not take the user and password")
	// A service's own 407 is an answer.
	x, _, failed := u.send(context.Background(), s.url, transport.Request{})
	if failed != nil || x.Status() != 407 {
		t.Fatal(failed)
	}
	x.Close()

	bad := serve(t, always("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nhello"))
	x, _, failed = u.sendWith(context.Background(), "http://service.test", transport.Options{Proxy: bad.url}, transport.Request{})
	if failed != nil || x.Status() != 502 {
		t.Fatal(failed)
	}
	x.Close()
}

// In absolute form the target is the URL's host, whatever the Host field says; a
// port that is the scheme's own is left out.
func TestAbsoluteForm(t *testing.T) {
	f := func(to string, header []transport.Header, want string) {
		t.Helper()
		got := make(chan string, 1)
		s := serve(t, func(p *peer) {
			var b strings.Builder
			for line, err := p.r.ReadString('\n'); err == nil; line, err = p.r.ReadString('\n') {
				b.WriteString(line)
				if line == "\r\n" {
					break
				}
			}
			got <- b.String()
			p.say(withLength(""))
			p.gone()
		})
		x, _, failed := newUser(t).sendWith(context.Background(), to, transport.Options{Proxy: s.url}, transport.Request{Method: "GET", Header: header})
		if failed != nil {
			t.Fatal(failed)
		}
		x.Close()
		if sent := <-got; sent != want {
			t.Errorf("sent\n%q, want\n%q", sent, want)
		}
	}
	f("http://service.test/a%20b?c=d#e", nil, "GET http://service.test/a%20b?c=d HTTP/1.1\r\nHost: service.test\r\n\r\n")
	f("http://Service.test", nil, "GET http://service.test/ HTTP/1.1\r\nHost: Service.test\r\n\r\n")
	f("http://service.test:80/", nil, "GET http://service.test/ HTTP/1.1\r\nHost: service.test:80\r\n\r\n")
	f("http://[2001:db8::1]/", nil, "GET http://[2001:db8::1]/ HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n")
	f("http://service.test:8000/", []transport.Header{{Name: "Host", Value: "other.test"}}, "GET http://service.test:8000/ HTTP/1.1\r\nHost: other.test\r\n\r\n")
}

// The environment's proxies are used where they are asked for, and only there.
func TestProxyFromEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	_, err := newUser(t).fetch("http://none.test.invalid", transport.Options{Proxy: transport.FromEnvironment})
	expect(t, err, "dns", "cannot find none.test.invalid")
	a := newAuthority(t, "a")
	plain, secure := serve(t, always(withLength("plain"))), a.serveTLS("service.test", nil, always(withLength("secure")))
	forPlain, forSecure := startProxy(t, nil), startProxy(t, nil)
	forPlain.leads("service.test", plain)
	forSecure.leads("service.test:443", secure)
	t.Setenv("HTTP_PROXY", forPlain.with("a:b"))
	t.Setenv("https_proxy", strings.TrimPrefix(forSecure.url, "http://")) // in lower case, without a scheme
	t.Setenv("NO_PROXY", "direct.test.invalid")
	u := newUser(t)
	o := transport.Options{Proxy: transport.FromEnvironment, CA: a.file}
	f := func(to, body string) {
		t.Helper()
		if got, err := u.fetch(to, o); err != nil || got != body {
			t.Errorf("%s: %q, %v", to, got, err)
		}
	}
	f("http://service.test", "plain")
	f("https://service.test", "secure")
	f(plain.url, "plain") // this machine itself
	_, err = u.fetch("http://direct.test.invalid", o)
	expect(t, err, "dns", "cannot find direct.test.invalid")
	_, err = u.fetch("http://service.test.invalid", transport.Options{})
	expect(t, err, "dns", "cannot find service.test.invalid")
	if p, s := forPlain.requests(), forSecure.requests(); len(p) != 1 || len(s) != 1 {
		t.Errorf("the proxies were asked for %q and %q", p, s)
	}

	t.Setenv("HTTP_PROXY", "http://user:pass/hidden@proxy.test:1")
	if _, _, err := u.clients.Client("http://another.test", o); err == nil || !strings.Contains(err.Error(), "HTTP_PROXY in the environment: option proxy: ") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %v", err)
	}
}

func TestProxyURL(t *testing.T) {
	f := func(proxy, want string) {
		t.Helper()
		clients := transport.NewClients(nil, nil)
		defer clients.Close()
		if _, _, err := clients.Client("https://service.test", transport.Options{Proxy: proxy}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", proxy, err, want)
		}
	}
	f("proxy.test:3128", `option proxy: "proxy.test:3128" is not a URL that can be requested: it must begin with http:// or https://; a proxy is given as http://host:port`)
	f("socks5://proxy.test:1080", "it must begin with http:// or https://")
	f("http://", "names no host")
	f("http://proxy.test:x", "is not a URL")
}

// Connections that are opened beforehand go through the proxy, too.
func TestPreconnectThroughProxy(t *testing.T) {
	a := newAuthority(t, "a")
	s := a.serveTLS("127.0.0.1", nil, always(withLength("hello")))
	proxy := startProxy(t, nil)
	u := newUser(t)
	o := transport.Options{Proxy: proxy.url, CA: a.file}
	c, _ := u.client(s.url, o)
	c.KeepsConnections(0)
	if err := u.clients.Preconnect(context.Background(), 5); err != nil {
		t.Fatal(err)
	}
	x, rec, failed := u.sendWith(context.Background(), s.url, o, transport.Request{})
	if failed != nil {
		t.Fatal(failed)
	}
	x.Close()
	if n := len(proxy.requests()); n != 5 || !rec.Reused || rec.Connect == 0 || rec.TLS == 0 {
		t.Errorf("%d tunnels, %+v", n, rec)
	}

	refuses := serve(t, always("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
	c, _ = u.client("https://service.test", transport.Options{Proxy: refuses.url})
	c.KeepsConnections(0)
	if err := u.clients.Preconnect(context.Background(), 3); err == nil || !strings.Contains(err.Error(), "3 of 3 connections to service.test:443") || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("error %v", err)
	}
}

// Whoever plays a script against the simulator goes there, not to a proxy.
func TestRedirectNeedsNoProxy(t *testing.T) {
	s := serve(t, always(withLength("hello")))
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	u := newUserTo(t, to)
	if body, err := u.fetch("https://service.test", transport.Options{Proxy: "http://proxy.test.invalid", CA: "missing.pem", ClientCert: "missing.pem"}); err != nil || body != "hello" {
		t.Errorf("%q, %v", body, err)
	}
}

// A tunnel that the proxy has closed meanwhile is no failure.
func TestTunnelClosedWhileIdle(t *testing.T) {
	a := newAuthority(t, "a")
	s := a.serveTLS("127.0.0.1", nil, func(p *peer) {
		p.request()
		p.say(withLength("hello"))
		p.request()
	})
	o := transport.Options{Proxy: startProxy(t, nil).url, CA: a.file}
	u := newUser(t)
	for i := range 2 {
		x, rec, failed := u.sendWith(context.Background(), s.url, o, transport.Request{})
		if failed != nil {
			t.Fatal(failed)
		}
		if _, err := x.ReadAll(100); err != nil {
			t.Error(err)
		}
		x.Close()
		if rec.Resent != (i == 1) {
			t.Errorf("request %d: resent %v", i, rec.Resent)
		}
	}
}
