package registry

import (
	"fmt"
	"net/url"
	"strings"
)

// Link is a file on a web server, with the checksum that it must have.
type Link struct {
	url    *url.URL
	digest string // "sha256:…"; "": none was given
}

// IsLink tells whether a text is meant as a link.
func IsLink(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// ParseLink reads https://host/path#sha256=HEX.
func ParseLink(text string) (Link, error) {
	fail := func(problem, hint string) (Link, error) {
		return Link{}, &Error{Doing: "reading the address of a scenario", Problem: problem, Hint: hint}
	}
	const form = "write it like https://host.example/scenario.weir#sha256=…"
	u, err := url.Parse(text)
	if err != nil || !IsLink(text) || u.Hostname() == "" {
		return fail("it is no URL of a web server", form) // its error may show a password
	}
	l := Link{url: u}
	if u.Fragment != "" {
		name, sum, ok := strings.Cut(u.Fragment, "=")
		sum = strings.ToLower(strings.TrimPrefix(sum, "sha256:"))
		if !ok || name != "sha256" || !isSHA256("sha256:"+sum) {
			return fail(fmt.Sprintf("%q is no checksum of %s", u.Fragment, l), "after # comes sha256= and 64 hexadecimal digits, as sha256sum prints them")
		}
		l.digest = "sha256:" + sum
	}
	if u.Path == "" || u.Path == "/" {
		return fail(fmt.Sprintf("%s has no path, and so is no scenario", l), "if it is the service that is to be measured: weir run SCRIPT --url "+l.String())
	}
	u.Fragment, u.RawFragment = "", ""
	return l, nil
}

// Digest is the checksum that was given, "sha256:…"; "": none.
func (l Link) Digest() string { return l.digest }

// String is the address without what may be secret in it: user and password, and the
// query, in which signed addresses have their signature.
func (l Link) String() string {
	shown := url.URL{Scheme: l.url.Scheme, Host: l.url.Host, Path: l.url.Path, RawPath: l.url.RawPath}
	return shown.String()
}

// pinned is the address with a checksum.
func (l Link) pinned(digest string) string {
	return l.String() + "#sha256=" + strings.TrimPrefix(digest, "sha256:")
}
