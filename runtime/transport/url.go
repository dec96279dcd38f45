package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// serviceURL reads the URL of a service, in which no user and no password may
// stand: it is written into results.
func serviceURL(raw string) (*url.URL, error) {
	u, err := ParseURL(raw)
	if err == nil && u.User != nil {
		return nil, fmt.Errorf("%q has a user or a password in it, which are not sent: give them as a header, such as Authorization", hideUser(raw))
	}
	return u, err
}

// ParseURL reads the address of a service: http or https, with a host. Its
// errors do not show a user or a password.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil && strings.Contains(err.Error(), "first path segment in URL cannot contain colon"),
		err == nil && u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is not a URL that can be requested: it must begin with http:// or https://", hideUser(raw))
	case err != nil:
		return nil, fmt.Errorf("%q is not a URL: %w", hideUser(raw), syntaxError(raw, err))
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", hideUser(raw))
	}
	return u, nil
}

// secretQuery are parts of the names of query parameters whose values are secrets.
var secretQuery = []string{"key", "token", "secret", "signature", "password", "auth", "appcode", "credential"}

// HideQuery takes the values of what may be secrets out of a URL's query; any other
// text it leaves as it is.
func HideQuery(text string) string {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.RawQuery == "" {
		return text
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if slices.ContainsFunc(secretQuery, func(word string) bool { return strings.Contains(strings.ToLower(name), word) }) {
			parts[i] = name + "=…"
		}
	}
	before, _, _ := strings.Cut(text, "?")
	return before + "?" + strings.Join(parts, "&")
}

// hideUser takes the user, the password and the query out of what may be a URL. It
// may not be a valid one: so all up to the last @ is taken for them, wherever that
// stands.
func hideUser(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if before, query, found := strings.Cut(raw[at+1:], "?"); found && query != "" {
		raw = raw[:at+1] + before + "?…"
	}
	if at < 0 {
		return raw
	}
	start := strings.Index(raw[:at], "://")
	if start < 0 {
		return "…" + raw[at:]
	}
	return raw[:start+len("://")] + "…" + raw[at:]
}

// syntaxError is why a text is no URL. Package url quotes the part at fault,
// which may be a piece of a password.
func syntaxError(raw string, err error) error {
	if strings.Contains(raw, "@") {
		return errors.New("in a user, a password or a host, only letters, digits and - . _ ~ stand for themselves; write others as % and their code, such as %40 for @")
	}
	var syntax *url.Error
	if errors.As(err, &syntax) {
		return syntax.Err
	}
	return err
}

// Address is where a URL's host is to be connected to, as host:port.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
