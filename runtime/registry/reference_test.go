package registry_test

import (
	"strings"
	"testing"

	"weir/runtime/registry"
)

const sum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseReference(t *testing.T) {
	f := func(text string, want registry.Reference) {
		t.Helper()
		got, err := registry.ParseReference(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	f("oci://host/team/scenario:v1", registry.Reference{Host: "host", Repository: "team/scenario", Tag: "v1"})
	f("OCI://host:5000/a", registry.Reference{Host: "host:5000", Repository: "a", Tag: "latest"})
	f("oci://[::1]:5000/a/b/c@"+sum, registry.Reference{Host: "[::1]:5000", Repository: "a/b/c", Digest: sum})
	f("oci://host/a:v1@"+sum, registry.Reference{Host: "host", Repository: "a", Tag: "v1", Digest: sum})
	f("oci://host/a_b/c-d.e:V1.2-rc_3", registry.Reference{Host: "host", Repository: "a_b/c-d.e", Tag: "V1.2-rc_3"})
}

func TestParseReferenceErrors(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := registry.ParseReference(text)
		if err == nil {
			t.Errorf("%s was taken", text)
			return
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", text, err, part)
			}
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %q shows the password", text, err)
		}
	}
	f("", "hint:")
	f("host.example/team/scenario:v1", "did you mean oci://host.example/team/scenario:v1?")
	f("oci://", "no repository")
	f("oci://host", "no repository")
	f("oci:///a", "no repository")
	f("oci://host/", "no repository")
	f("oci://host/Team/x", "lower case: team/x")
	f("oci://host/a:", "is no tag")
	f("oci://host/a:v 1", "is no tag")
	f("oci://host/a:-v", "is no tag")
	f("oci://host/a@sha256:12", "is no digest")
	f("oci://host/a@sha512:"+strings.Repeat("0", 128), "is no digest")
	f("oci://host/a@", "is no digest")
	f("oci://ho st/a", "is no host")
	f("oci://host:x/a", "is no host")
	f("oci://host/a?b", "no ? or #")
	f("oci://host/../a", "is no name of a repository")
	f("oci://me:geheim@host/a", "weir login")
}

func TestParseHost(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, err := registry.ParseHost(text); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	f("registry.example", "registry.example")
	f("https://registry.example:5000/", "registry.example:5000")
	f("[::1]:5000", "[::1]:5000")
	for _, text := range []string{"", "https://", "a/b", "oci://a/b", "a b", "me:geheim@host"} {
		if got, err := registry.ParseHost(text); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "host:port") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestParseLink(t *testing.T) {
	digits := strings.TrimPrefix(sum, "sha256:")
	f := func(text, digest, shown string) {
		t.Helper()
		l, err := registry.ParseLink(text)
		if err != nil || l.Digest() != digest || l.String() != shown {
			t.Errorf("%s: %q, %q, %v; want %q, %q", text, l.Digest(), l.String(), err, digest, shown)
		}
	}
	f("https://h/x.weir#sha256="+digits, sum, "https://h/x.weir")
	f("https://h/x.weir#sha256="+strings.ToUpper(digits), sum, "https://h/x.weir")
	f("https://h/x.weir#sha256="+sum, sum, "https://h/x.weir")
	f("https://h/x.weir", "", "https://h/x.weir")
	f("HTTPS://u:geheim@h:1/a%2Fb?Signature=s#sha256="+digits, sum, "https://h:1/a%2Fb")

	refused := func(text, want string) {
		t.Helper()
		if _, err := registry.ParseLink(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	refused("https://u:geheim@h/x#md5=12", "is no checksum of https://h/x")
	refused("https://h/x#sha256=12", "64 hexadecimal digits")
	refused("https://h/x#"+digits, "after # comes sha256=")
	refused("https:///x", "no URL of a web server")
	refused("http://127.0.0.1:8000", "weir run SCRIPT --url http://127.0.0.1:8000")
	refused("https://u:geheim@h:x/", "no URL of a web server")
	refused("ftp://h/x", "no URL of a web server")
}

// What ParseReference takes, it writes again.
func FuzzParseReference(f *testing.F) {
	for _, text := range []string{"oci://host/a", "oci://h:1/a/b:v1@" + sum, "oci://me:x@h/a", "oci://[::1]/a:b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := registry.ParseReference(text)
		if err != nil {
			return
		}
		again, err := registry.ParseReference(r.String())
		if err != nil || again != r {
			t.Fatalf("%q is %+v, and that again %+v, %v", text, r, again, err)
		}
	})
}

// A link is never shown with what is secret in it.
func FuzzParseLink(f *testing.F) {
	for _, text := range []string{"https://h/x#sha256=12", "http://u:p@h/x?q#sha256=" + sum, "https://[::1]/%2e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := registry.ParseLink(text)
		if err == nil && strings.ContainsAny(l.String(), "?#") {
			t.Fatalf("%q is shown as %q", text, l)
		}
	})
}
