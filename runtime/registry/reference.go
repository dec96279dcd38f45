package registry

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"
)

// Scheme begins a reference to a registry.
const Scheme = "oci://"

// defaultTag is meant where a reference has neither tag nor digest, as with docker.
const defaultTag = "latest"

// Reference says where in a registry a scenario is.
type Reference struct {
	Host       string // host or host:port
	Repository string // such as "team/scenario"
	Tag        string // "" with a digest alone
	Digest     string // "sha256:…" of the manifest; "": what the tag stands for
}

// IsReference tells whether a text is meant as a reference to a registry.
func IsReference(text string) bool {
	return len(text) >= len(Scheme) && strings.EqualFold(text[:len(Scheme)], Scheme)
}

// ParseReference reads oci://host[:port]/path[:tag][@sha256:…]. Without tag and digest
// the tag is "latest".
func ParseReference(text string) (Reference, error) {
	fail := func(problem, hint string) (Reference, error) {
		return Reference{}, &Error{Doing: fmt.Sprintf("reading the reference %q", withoutLogin(text)), Problem: problem, Hint: hint}
	}
	const form = "write it like oci://registry.example/team/scenario:v1, or …/scenario@sha256:…"
	if !IsReference(text) {
		if _, err := registry.ParseReference(text); err == nil && strings.Contains(text, "/") {
			return fail("it does not begin with "+Scheme, "did you mean "+Scheme+text+"?")
		}
		return fail("it does not begin with "+Scheme, form)
	}
	rest := text[len(Scheme):]
	host, path, ok := strings.Cut(rest, "/")
	switch {
	case strings.Contains(host, "@"):
		return fail("it has a user or a password in it", "leave them out, and log in with: weir login HOST")
	case !ok || path == "" || host == "":
		return fail("it has no repository: what follows the host", form)
	case strings.ContainsAny(path, "?#") || strings.HasSuffix(path, "/"):
		return fail("a repository's path ends in a name, and has no ? or #", form)
	}
	r := Reference{Host: host}
	name, sum, pinned := strings.Cut(path, "@")
	name, tag, tagged := strings.Cut(name, ":")
	r.Repository, r.Tag, r.Digest = name, tag, sum
	parsed := registry.Reference{Registry: host, Repository: name, Reference: tag}
	if parsed.ValidateRegistry() != nil {
		return fail(fmt.Sprintf("%q is no host", host), form)
	}
	if parsed.ValidateRepository() != nil {
		hint := form
		if low := strings.ToLower(name); low != name {
			hint = "names in a registry are lower case: " + low
		}
		return fail(fmt.Sprintf("%q is no name of a repository", name), hint)
	}
	if tagged && parsed.ValidateReferenceAsTag() != nil {
		return fail(fmt.Sprintf("%q is no tag", tag), "a tag has letters, digits, and _ . - after the first one, at most 128")
	}
	if pinned && !isSHA256(sum) {
		return fail(fmt.Sprintf("%q is no digest", sum), "a digest is sha256: and 64 hexadecimal digits; weir push and weir pull print it")
	}
	if !tagged && !pinned {
		r.Tag = defaultTag
	}
	return r, nil
}

// ParseHost reads host or host:port; the scheme of a URL before it, and a slash behind it,
// are no matter.
func ParseHost(text string) (string, error) {
	host := text
	if _, rest, ok := strings.Cut(text, "://"); ok {
		host = rest
	}
	host = strings.TrimSuffix(host, "/")
	if (registry.Reference{Registry: host}).ValidateRegistry() != nil {
		return "", &Error{Problem: fmt.Sprintf("%q is no host", withoutLogin(Scheme + host)[len(Scheme):]), Hint: "give a host or host:port, such as registry.example:5000"}
	}
	return host, nil
}

// isSHA256 tells whether a text is such a digest, the only one that weir uses.
func isSHA256(text string) bool {
	d, err := digest.Parse(text)
	return err == nil && d.Algorithm() == digest.SHA256
}

// withoutLogin hides what stands before the @ of a host.
func withoutLogin(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	host, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = "…" + host[i:]
	}
	if slash {
		host += "/"
	}
	return scheme + "://" + host + path
}

// repository is the reference without tag and digest.
func (r Reference) repository() string { return Scheme + r.Host + "/" + r.Repository }

// String is the reference as it is written.
func (r Reference) String() string {
	text := r.repository()
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// Pinned is the reference with this digest in place of the tag: what everybody who is
// given it gets the same bytes with.
func (r Reference) Pinned(digest string) Reference {
	return Reference{Host: r.Host, Repository: r.Repository, Digest: digest}
}

// tagged is the reference with a tag alone.
func (r Reference) tagged() Reference {
	return Reference{Host: r.Host, Repository: r.Repository, Tag: r.Tag}
}

// IsLoopback tells whether host, or host:port, is this machine by its name or address:
// there a registry is spoken with without TLS.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
