package transport_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/transport"
)

// notary is a signer that takes its time, and remembers what it signed.
type notary struct {
	takes time.Duration

	mu     sync.Mutex // protects the following fields
	signed []string
	done   time.Time
}

func (n *notary) Sign(header []transport.Header, method, uri, host string, body []byte, at time.Time) []transport.Header {
	time.Sleep(n.takes)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.signed = append(n.signed, fmt.Sprintf("%s %s %s %s", method, uri, host, body))
	n.done = time.Now()
	if at.After(n.done) || n.done.Sub(at) > time.Minute {
		at = time.Time{}
	}
	header[0].Value = "changed" // it is the signer's own
	return append(header, transport.Header{Name: "X-Signature", Value: fmt.Sprint(len(n.signed), " ", !at.IsZero())})
}

// A request is signed before its clock starts, each time that it is sent; its own
// fields stay as they are.
func TestSigner(t *testing.T) {
	signatures := make(chan string, 9)
	s := serve(t, func(p *peer) {
		for n := 1; ; n++ {
			r := p.request()
			if r == nil {
				return
			}
			signatures <- r.Header.Get("X-A") + " " + r.Header.Get("X-Signature")
			if n == 2 && p.n == 1 {
				return // the connection has carried a request: so this one is sent again
			}
			p.say(withLength(""))
		}
	})
	n := &notary{takes: 50 * time.Millisecond}
	header := make([]transport.Header, 1, 8) // with room, into which nobody may write
	header[0] = transport.Header{Name: "X-A", Value: "1"}
	u := newUser(t)
	host := strings.TrimPrefix(s.url, "http://")
	for i := range 2 {
		_, rec := u.get(s.url+"/v1/%C3%BC?a=b", transport.Request{Header: header, Body: []byte("body"), Signer: n})
		if rec.Resent != (i == 1) || rec.Started.Before(n.done) {
			t.Errorf("request %d: resent %v, started %v after it was signed", i, rec.Resent, rec.Started.Sub(n.done))
		}
	}
	var got []string
	for range 3 {
		got = append(got, <-signatures)
	}
	if want := []string{"changed 1 true", "changed 2 true", "changed 3 true"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	one := "POST /v1/%C3%BC?a=b " + host + " body"
	if want := []string{one, one, one}; !slices.Equal(n.signed, want) {
		t.Errorf("signed %q, want %q", n.signed, want)
	}
	if header[0].Value != "1" || header[:2][1].Name != "" {
		t.Errorf("the request's fields were changed: %v", header[:2])
	}
}

// What is signed is what the service gets: the Host field that is sent, and the
// path without what a proxy needs before it.
func TestSignerSeesWhatIsSent(t *testing.T) {
	s := serve(t, always(withLength("")))
	n := new(notary)
	u := newUser(t)
	x, _, failed := u.sendWith(context.Background(), "http://service.test:8000/x?y", transport.Options{Proxy: s.url}, transport.Request{
		Method: "GET", Header: []transport.Header{{Name: "X-A"}, {Name: "host", Value: "other.test"}}, Signer: n})
	if failed != nil {
		t.Fatal(failed)
	}
	x.Close()
	if want := []string{"GET /x?y other.test "}; !slices.Equal(n.signed, want) {
		t.Errorf("signed %q, want %q", n.signed, want)
	}
}
