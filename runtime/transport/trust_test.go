package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/transport"
)

// fetch is get with options.
func (u *user) fetch(rawURL string, o transport.Options) (string, error) {
	u.Helper()
	x, _, failed := u.sendWith(context.Background(), rawURL, o, transport.Request{Body: []byte("x")})
	if failed != nil {
		return "", failed
	}
	defer x.Close()
	b, err := x.ReadAll(1 << 20)
	return string(b), err
}

// Whom a client trusts, and by which name, is for the options to say.
func TestTrust(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	both := writeFile(t, pemFile(t, others.file), []byte("what stands between is a comment\n"), pemFile(t, ours.file))
	byAddress := ours.serveTLS("127.0.0.1", nil, always(withLength("hello")))
	byName := ours.serveTLS("service.test", nil, always(withLength("hello")))
	f := func(s *service, o transport.Options, message string) {
		t.Helper()
		body, err := newUser(t).fetch(s.url, o)
		if message != "" {
			expect(t, err, "tls", message)
		} else if err != nil || body != "hello" {
			t.Errorf("%q, %v", body, err)
		}
	}
	f(byAddress, transport.Options{CA: ours.file}, "")
	f(byAddress, transport.Options{CA: both}, "")
	f(byAddress, transport.Options{Insecure: true}, "")
	f(byAddress, transport.Options{CA: others.file, Insecure: true}, "")
	f(byName, transport.Options{CA: ours.file, ServerName: "service.test"}, "")

	f(byAddress, transport.Options{}, "is not trusted: x509: certificate signed by unknown authority; give its issuer's with the option ca")
	f(byAddress, transport.Options{CA: others.file}, "is not trusted: x509: certificate signed by unknown authority")
	f(byName, transport.Options{CA: ours.file}, "give the name that its certificate has with the option serverName")
	f(byAddress, transport.Options{CA: ours.file, ServerName: "service.test"}, "option serverName")
}

func pemFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The name that TLS asks for is the option's; the Host field stays that of the URL.
func TestServerName(t *testing.T) {
	a := newAuthority(t, "a")
	asked, host := make(chan string, 1), make(chan string, 1)
	s := a.serveTLS("service.test", nil, func(p *peer) {
		r := p.request()
		asked <- p.Conn.(*tls.Conn).ConnectionState().ServerName
		host <- r.Host
		p.say(withLength(""))
	})
	if _, err := newUser(t).fetch(s.url, transport.Options{CA: a.file, ServerName: "service.test"}); err != nil {
		t.Fatal(err)
	}
	if name := <-asked; name != "service.test" {
		t.Errorf("asked for %q", name)
	}
	if h := <-host; "https://"+h != s.url {
		t.Errorf("host %q", h)
	}
}

// A service that wants a certificate gets the one of the options, from one file
// or two, and says so when it is not the right one.
func TestClientCertificate(t *testing.T) {
	service, clients, strangers := newAuthority(t, "service"), newAuthority(t, "clients"), newAuthority(t, "strangers")
	cert, key := certAndKey(t, clients.issue("client"))
	strangeCert, strangeKey := certAndKey(t, strangers.issue("stranger"))

	s := service.serveTLS("127.0.0.1", clients, func(p *peer) {
		for p.request() != nil {
			p.say(withLength("hello " + p.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName))
		}
		io.Copy(io.Discard, p.Conn.(*tls.Conn).NetConn()) // what came is read, so that its alert gets there
	})
	f := func(certFile, keyFile, message string) {
		t.Helper()
		o := transport.Options{CA: service.file, ClientCert: certFile, ClientKey: keyFile}
		body, err := newUser(t).fetch(s.url, o)
		if message != "" {
			expect(t, err, "tls", message)
		} else if err != nil || body != "hello client" {
			t.Errorf("%q, %v", body, err)
		}
	}
	f(writeFile(t, cert), writeFile(t, key), "")
	f(writeFile(t, cert, key), "", "")
	f(writeFile(t, key, cert), "", "")
	f(writeFile(t, cert, pemFile(t, clients.file)), writeFile(t, key), "")
	f("", "", "the service wants a client certificate that it trusts: see the options clientCert and clientKey")
	f(writeFile(t, strangeCert), writeFile(t, strangeKey), "the service wants a client certificate that it trusts")

	// A large request breaks while it is written; why can be read nevertheless.
	hasty := service.serveTLS("127.0.0.1", clients, func(p *peer) { p.request() })
	x, _, failed := newUser(t).sendWith(context.Background(), hasty.url, transport.Options{CA: service.file}, transport.Request{Body: make([]byte, 16<<20)})
	if x != nil {
		x.Close()
		t.Fatal("an answer")
	}
	expect(t, failed, "tls", "the service wants a client certificate")
}

// What is wrong with a file is said with its name and the option's.
func TestTrustFiles(t *testing.T) {
	a := newAuthority(t, "a")
	cert, key := certAndKey(t, a.issue("client"))
	otherCert, otherKey := certAndKey(t, a.issue("other"))
	missing := filepath.Join(t.TempDir(), "missing.pem")
	folder := t.TempDir()
	certFile, keyFile := writeFile(t, cert), writeFile(t, key)
	f := func(o transport.Options, want ...string) {
		t.Helper()
		clients := transport.NewClients(nil, nil)
		defer clients.Close()
		_, _, err := clients.Client("https://service.test", o)
		if err == nil {
			t.Errorf("no error, want %q", want)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %v\nwant %q", err, w)
			}
		}
		for _, line := range strings.Split(string(key)+string(otherKey), "\n") {
			if len(line) > 20 && !strings.HasPrefix(line, "-----") && strings.Contains(err.Error(), line) {
				t.Errorf("the error shows a key: %v", err)
			}
		}
	}
	f(transport.Options{CA: missing}, "option ca: cannot read "+missing+": no such file or directory")
	f(transport.Options{CA: folder}, "option ca: cannot read "+folder+": is a directory")
	f(transport.Options{CA: writeFile(t)}, "option ca: there is no PEM text")
	f(transport.Options{CA: writeFile(t, []byte{0x30, 0x82, 0, 1})}, "no PEM text", "openssl x509 -inform der")
	f(transport.Options{CA: keyFile}, "option ca: there is no certificate in "+keyFile+", but 1 × PRIVATE KEY")
	f(transport.Options{CA: writeFile(t, cert, pemOf("CERTIFICATE", []byte("x")))}, "option ca: certificate 2 of ", "cannot be read")
	f(transport.Options{ClientKey: keyFile}, "option clientKey: a key without a certificate; give that with clientCert")
	f(transport.Options{ClientCert: missing, ClientKey: keyFile}, "option clientCert: cannot read "+missing)
	f(transport.Options{ClientCert: certFile, ClientKey: missing}, "option clientKey: cannot read "+missing)
	f(transport.Options{ClientCert: certFile}, "option clientCert: there is no private key in "+certFile+"; give the file that has it with clientKey")
	f(transport.Options{ClientCert: keyFile}, "option clientCert: there is no certificate in "+keyFile)
	f(transport.Options{ClientCert: keyFile, ClientKey: certFile}, "are clientCert and clientKey exchanged?")
	f(transport.Options{ClientCert: certFile, ClientKey: certFile}, "option clientKey: there is no private key in "+certFile+", but 1 × CERTIFICATE")
	f(transport.Options{ClientCert: certFile, ClientKey: writeFile(t, otherKey)}, "option clientKey: the private key in ", "is not that of the first certificate in "+certFile)
	f(transport.Options{ClientCert: writeFile(t, otherCert, cert, key)}, "option clientCert: the private key in ", "comes first in its file")
	f(transport.Options{ClientCert: certFile, ClientKey: writeFile(t, pemOf("ENCRYPTED PRIVATE KEY", []byte("x")))}, "option clientKey: the private key in ", "is encrypted", "openssl pkey -in ")
	f(transport.Options{ClientCert: certFile, ClientKey: writeFile(t, []byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\neA==\n-----END EC PRIVATE KEY-----\n"))}, "is encrypted")
	f(transport.Options{ClientCert: certFile, ClientKey: writeFile(t, pemOf("PRIVATE KEY", []byte("x")))}, "option clientCert: the certificate of ", "cannot be used")

	// They are not looked at where TLS is not spoken.
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	if _, _, err := clients.Client("http://service.test", transport.Options{CA: missing, ClientCert: missing}); err != nil {
		t.Error(err)
	}
}

// Options that are equal share a client, and read their files once.
func TestOptionsChooseTheClient(t *testing.T) {
	a := newAuthority(t, "a")
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	client := func(o transport.Options) *transport.Client {
		t.Helper()
		c, _, err := clients.Client("https://service.test/x", o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	seen := map[*transport.Client]bool{}
	for _, o := range []transport.Options{
		{}, {Insecure: true}, {CA: a.file}, {ServerName: "other.test"}, {Proxy: "http://proxy.test:1"}, {Proxy: "http://u:p@proxy.test:1"},
	} {
		c := client(o)
		if seen[c] {
			t.Errorf("%+v: the client of other options", o)
		}
		seen[c] = true
		if client(o) != c {
			t.Errorf("%+v: another client", o)
		}
	}
	first := client(transport.Options{CA: a.file})
	if err := os.Remove(a.file); err != nil {
		t.Fatal(err)
	}
	if client(transport.Options{CA: a.file}) != first {
		t.Error("the file was read again")
	}
}
