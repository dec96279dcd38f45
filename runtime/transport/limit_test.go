package transport_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/access"
	"weir/runtime/transport"
)

// TestLimit has clients for what an access allows: the service, its proxy, and the files
// that options name.
func TestLimit(t *testing.T) {
	s := serve(t, always(withLength("hello")))
	other := filepath.Join(t.TempDir(), "ca.pem")
	f := func(r access.Rules, named, rawURL string, o transport.Options, want string) {
		t.Helper()
		a := access.New(r)
		a.Script("", t.TempDir())
		a.Name("p", named)
		clients := transport.NewClients(nil, nil)
		defer clients.Close()
		clients.Limit(a)
		_, _, err := clients.Client(rawURL, o)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s, %+v, named %q: %v, want %q", rawURL, o, named, err, want)
		}
	}
	limited := access.Rules{Limited: true}
	f(access.Rules{}, "", s.url, transport.Options{}, "")
	f(limited, s.url, s.url, transport.Options{}, "")
	f(limited, "", s.url, transport.Options{}, "may not send requests to 127.0.0.1:")
	f(limited, s.url, "http://user@203.0.113.1/", transport.Options{}, "has a user or a password in it")
	f(limited, s.url, "http://203.0.113.1/?u="+s.url, transport.Options{}, "may not send requests to 203.0.113.1:80")
	f(limited, s.url, s.url, transport.Options{Proxy: "http://203.0.113.1:3128"}, "option proxy: the script may not send requests to 203.0.113.1:3128")
	f(limited, s.url, s.url, transport.Options{CA: other}, "option ca: the script may not read")
	f(access.Rules{}, "", s.url, transport.Options{ClientCert: other}, "option clientCert: the script may not read")
	f(access.Rules{}, "", s.url, transport.Options{ClientKey: other}, "option clientKey: the script may not read")
	f(access.Rules{}, other, strings.Replace(s.url, "http:", "https:", 1), transport.Options{CA: other}, "option ca: cannot read")
}

// Where requests are redirected, to the simulator, they may go; in a dry run nowhere.
func TestLimitRedirected(t *testing.T) {
	s := serve(t, always(withLength("hello")))
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	u := newUserTo(t, to)
	u.clients.Limit(access.New(access.Rules{Limited: true}))
	if body, err := u.fetch("http://203.0.113.1/", transport.Options{}); err != nil || body != "hello" {
		t.Errorf("redirected: %q, %v", body, err)
	}
	dry := newUser(t)
	dry.clients.Limit(access.New(access.Rules{Dry: true}))
	_, _, failed := dry.sendWith(context.Background(), s.url, transport.Options{}, transport.Request{Body: []byte("x")})
	if failed == nil || failed.Kind != "connect" || !strings.Contains(failed.Message, "in a dry run") {
		t.Errorf("a dry run: %v", failed)
	}
}
