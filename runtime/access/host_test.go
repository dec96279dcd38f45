package access_test

import (
	"strings"
	"testing"

	"weir/runtime/access"
)

func TestHost(t *testing.T) {
	// named are values of parameters, with commas between them; those behind a + are of
	// --allow-host.
	f := func(named, address string, want bool) {
		t.Helper()
		r := access.Rules{Limited: true}
		var values []string
		for v := range strings.FieldsSeq(named) {
			if host, ok := strings.CutPrefix(v, "+"); ok {
				r.Hosts = append(r.Hosts, host)
			} else {
				values = append(values, v)
			}
		}
		a := access.New(r)
		a.Name("p", values...)
		err := a.Host(address)
		if (err == nil) != want {
			t.Errorf("%s with %q: %v, want allowed: %v", address, named, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "--allow-host "+address) {
			t.Errorf("%s: %v: no hint", address, err)
		}
	}
	f("", "example.com:80", false)
	f("http://example.com:8000/v1", "example.com:8000", true)
	f("http://example.com:8000/v1", "example.com:80", false)
	f("http://example.com", "example.com:80", true)
	f("http://example.com", "example.com:443", false)
	f("https://example.com/", "example.com:443", true)
	f("example.com:8000", "example.com:8000", true)
	f("example.com:8000", "example.com:8001", false)
	f("example.com", "example.com:8001", true) // as with --host 127.0.0.1 --port 8000
	f("127.0.0.1", "127.0.0.1:8000", true)
	f("10.0.0.1:80,10.0.0.2:80", "10.0.0.2:80", true)
	f("8000", "127.0.0.1:8000", false)
	f("8000", "0.0.31.64:80", false)
	f("true", "evil.example:80", false)
	// spellings of one host
	f("http://EXAMPLE.com.:80", "example.COM:80", true)
	f("http://[::1]:8000", "[::1]:8000", true)
	f("[::1]:8000", "[0:0:0:0:0:0:0:1]:8000", true)
	f("::1", "[::1]:8000", true)
	f("http://[::ffff:10.0.0.1]:80", "10.0.0.1:80", true)
	// names that only look like it
	f("http://example.com", "example.com.evil.test:80", false)
	f("http://example.com", "evil-example.com:80", false)
	f("http://example.com", "sub.example.com:80", false)
	f("http://example.com@evil.test/", "example.com:80", false)
	f("http://good.test/?u=http://evil.test", "evil.test:80", false)
	f("http://kelvin.test", "\u212aelvin.test:80", false) // the Kelvin sign
	f("http://paypal.test", "p\u0430ypal.test:80", false) // a Cyrillic letter
	f("http://example.com", "example.com..:80", false)
	f("http://localhost:80", "127.0.0.1:80", false)
	// the flag
	f("+example.com", "example.com:1234", true)
	f("+example.com:80", "example.com:81", false)
	f("+https://example.com", "example.com:443", true)
	f("+*", "anything.test:1", true)
	f("*", "anything.test:1", false) // a value is no flag
}

// What the run itself serves may be asked, and without a limit everything.
func TestHostServed(t *testing.T) {
	a := access.New(access.Rules{Limited: true})
	a.Serve("127.0.0.1:4711")
	if a.Host("127.0.0.1:4711") != nil || a.Host("127.0.0.1:4712") == nil {
		t.Error("Serve allows one address")
	}
	if err := access.New(access.Rules{}).Host("anything.test:1"); err != nil {
		t.Errorf("a local script: %v", err)
	}
	if a.Host("nonsense") == nil {
		t.Error("an address without a port is allowed")
	}
}

func TestCheckHost(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		err := access.CheckHost(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, host := range []string{"*", "a", "a.b:1", "[::1]:1", "::1", "10.0.0.1", "http://a/", "xn--bcher-kva.example"} {
		f(host, "")
	}
	f("", "no letter")
	f("a:b", "is no port")
	f("a:0", "is no port")
	f("a:65536", "is no port")
	f("a b", "it has a ' '")
	f("ftp://a", "no URL of a service")
	f("http://", "no URL of a service")
	f("a:1:2", "is no host")
}

func FuzzHost(f *testing.F) {
	f.Add("http://example.com:80", "example.com:80")
	f.Add("[::1]", "[::1]:1")
	f.Fuzz(func(t *testing.T, named, address string) {
		a := access.New(access.Rules{Limited: true, Hosts: []string{named}})
		a.Name("p", named)
		if a.Host(address) == nil && access.CheckHost(named) != nil && !strings.Contains(named, ",") {
			t.Errorf("%q allows %q, and is no host", named, address)
		}
	})
}

// Programs that a script says are started for scripts of this machine only.
func TestProgram(t *testing.T) {
	limited := access.New(access.Rules{Limited: true, Programs: []string{"nsys"}})
	if limited.Program("nsys") != nil || limited.Tool("npu-smi") != nil || access.New(access.Rules{}).Program("sh") != nil {
		t.Error("a program is refused that is allowed")
	}
	if err := limited.Program("sh"); err == nil || !strings.Contains(err.Error(), "--allow-program sh") {
		t.Errorf("sh: %v", err)
	}
	if access.New(access.Rules{Dry: true}).Tool("npu-smi") == nil {
		t.Error("a dry run starts a program")
	}
}
