package sign_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/sign"
	"weir/runtime/transport"
)

// What arrives at the service has the signature that the service computes from
// it, straight or through a proxy.
func TestSignedOnTheWire(t *testing.T) {
	key, err := sign.NewHuaweiCloud("AK", "SK", "TOKEN")
	if err != nil {
		t.Fatal(err)
	}
	verify := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
		if err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("date %q", r.Header.Get("X-Sdk-Date"))
		}
		for _, f := range key.Sign(nil, r.Method, r.URL.RequestURI(), r.Host, body, at) {
			if got := r.Header.Values(f.Name); !slices.Equal(got, []string{f.Value}) {
				t.Errorf("%s %s: %s: %q, want %q", r.Method, r.RequestURI, f.Name, got, f.Value)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}
	s := httptest.NewServer(http.HandlerFunc(verify))
	defer s.Close()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	send := func(to string, o transport.Options, method string, body []byte) {
		t.Helper()
		c, u, err := clients.Client(to, o)
		if err != nil {
			t.Fatal(err)
		}
		x, failed := c.Send(context.Background(), &transport.Request{
			Method: method, URI: u.RequestURI(), Host: u.Host, Body: body, Signer: key,
			Header: []transport.Header{{Name: "Authorization", Value: "Bearer of another kind"}},
		}, new(metrics.Record))
		if failed != nil {
			t.Fatal(failed)
		}
		if x.Status() != http.StatusNoContent {
			t.Errorf("status %d", x.Status())
		}
		x.Close()
	}
	proxied := transport.Options{Proxy: s.URL} // it answers by itself
	for _, path := range []string{"", "/v1/infers/x/v1/chat/completions", "/模型/a b?q=ü&a=1&a=0", "/%2F?x=%20+"} {
		send(s.URL+path, transport.Options{}, "POST", []byte(`{"stream":true}`))
		send("http://service.test:8080"+path, proxied, "GET", nil)
	}
	send(s.URL, transport.Options{}, "PUT", []byte(strings.Repeat("x", 1<<20)))
}
