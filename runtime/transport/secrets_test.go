package transport_test

import (
	"context"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"weir/runtime/transport"
)

// What is secret is in no error, wherever it stands in what was given and however
// that is wrong.
func TestErrorsShowNoSecrets(t *testing.T) {
	const secret = "s3cr3t"
	check := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		for _, s := range []string{secret, "s3c", "r3t", base64.StdEncoding.EncodeToString([]byte("user:" + secret))} {
			if strings.Contains(err.Error(), s) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for _, raw := range []string{
		"user:s3cr3t@service.test:80", // no scheme
		"ftp://user:s3cr3t@service.test",
		"http://user:s3cr3t@",
		"http://user:s3cr3t@:80",
		"http://user:s3cr3t@service.test:x",
		"http://user:s3c/r3t@service.test", // characters that should have been encoded
		"http://user:s3c#r3t@service.test:x",
		"http://user:s3c?r3t@service.test:x",
		"http://user:s3c%r3t@service.test",
		"http://user:s3c%zzr3t@service.test",
		"http://user:s3c r3t@service.test",
		"http://user:s3c@r3t@service.test:x",
		"http://user:s3cr3t@service.test/%zz",
		"http://user:s3cr3t@service.test/\x7f",
		"https://user:s3cr3t@[::1",
		" http://user:s3cr3t@service.test",
		"user:s3cr3t@service.test",
		"s3cr3t@service.test",
	} {
		_, err := transport.ParseURL(raw)
		check(raw, err)
		clients := transport.NewClients(nil, nil)
		_, _, err = clients.Client("https://service.test", transport.Options{Proxy: raw})
		check("proxy "+raw, err)
		clients.Close()
	}
	check("name of a header", transport.CheckHeader("Authorization: Bearer "+secret, ""))
	check("value of a header", transport.CheckHeader("Authorization", "Bearer "+secret+"\n"))
	check("value of a header", transport.CheckHeader("X-Apig-AppCode", secret+"\x00"))

	// Failures of requests that carry secrets, on a way that has one.
	header := []transport.Header{
		{Name: "Authorization", Value: "Bearer " + secret}, {Name: "X-Apig-AppCode", Value: secret},
		{Name: "X-Auth-Token", Value: secret}, {Name: "X-Api-Key", Value: secret}, {Name: "apikey", Value: secret},
	}
	echo := func(p *peer) {
		r := p.request()
		if r == nil {
			return
		}
		login := r.Header.Get("Proxy-Authorization")
		p.say("HTTP/1.1 407 Not " + login + "\r\nContent-Length: 100\r\n\r\n" + login + " user:" + secret + strings.Repeat(" ", 100))
		p.gone()
	}
	for what, answer := range map[string]func(p *peer){
		"repeats the login":      echo,
		"repeats it differently": func(p *peer) { r := p.request(); p.say(r.Header.Get("Proxy-Authorization") + "\r\n\r\n"); p.gone() },
		"closes":                 func(p *peer) { p.request() },
		"is no proxy":            always("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
		"hangs":                  (*peer).gone,
	} {
		s := serve(t, answer)
		proxy := strings.Replace(s.url, "://", "://user:"+secret+"@", 1)
		for _, to := range []string{"http://service.test/", "https://service.test/"} {
			u := newUser(t)
			x, _, failed := u.sendWith(context.Background(), to, transport.Options{Proxy: proxy},
				transport.Request{Header: header, Limits: transport.Limits{Connect: soon, Head: soon}})
			if x != nil {
				x.Close()
				t.Fatalf("%s: an answer", what)
			}
			check(what+", to "+to[:5], failed)
		}
	}
	// A service that is none: it sends back what it is sent.
	for _, f := range header {
		echoes := serve(t, func(p *peer) { io.Copy(p, p.r) })
		_, _, failed := newUser(t).send(context.Background(), echoes.url, transport.Request{Header: []transport.Header{f}})
		check(f.Name+" comes back", failed)
		expect(t, failed, "protocol", "the response is not valid HTTP: it repeats what was sent, a secret included")
	}

	u := newUser(t)
	l := listenAside(t)
	l.Close()
	_, _, failed := u.sendWith(context.Background(), "http://service.test", transport.Options{Proxy: "http://user:" + secret + "@" + l.Addr().String()}, transport.Request{Header: header})
	check("nobody listens", failed)
	c, _ := u.client("http://service.test", transport.Options{Proxy: "http://user:" + secret + "@" + l.Addr().String()})
	c.KeepsConnections(0)
	check("preconnect", u.clients.Preconnect(context.Background(), 1))
}
