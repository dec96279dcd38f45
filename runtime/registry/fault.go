package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"weir/runtime/terminal"
	"weir/runtime/transport"
)

// Error is why a scenario could not be sent or fetched.
type Error struct {
	Doing   string // and with what: "pushing x.weir to oci://…"
	Problem string
	Hint    string // what to do about it; "": nothing is known
	// Unreachable: nobody answered, so that it may well work at another time, or without
	// the network.
	Unreachable bool

	cause error
}

func (e *Error) Error() string {
	text := e.Problem
	if e.Doing != "" {
		text = e.Doing + ": " + text
	}
	if e.Hint != "" {
		text += "\n  hint: " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// explain makes an *Error of what a library says that spoke with host.
func explain(err error, doing, host string) error {
	var own *Error
	if errors.As(err, &own) {
		if own.Doing == "" {
			own.Doing = doing
		}
		return own
	}
	e := &Error{Doing: doing, cause: err}
	e.Problem, e.Hint, e.Unreachable = problem(err, host)
	return e
}

func problem(err error, host string) (problem, hint string, unreachable bool) {
	var response *errcode.ErrorResponse
	var address *url.Error
	if errors.As(err, &address) && !errors.As(err, &response) {
		err = address.Err // the URL may have a token in it
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted", "", false
	case errors.As(err, &response):
		problem, hint = answered(response, host)
		return problem, hint, response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return host + " wants a login, and there is none for it", loginHint(host), false
	case isMismatch(err):
		return "what came does not have the digest that it should have: it was changed on the way, or where it is kept", "try again; if it happens again, ask who keeps the registry, and do not use it", false
	case errors.Is(err, errdef.ErrNotFound):
		return "there is no such thing in the registry: " + oneLine(err), "", false
	case isFull(err):
		return "the disk is full", "make room (weir cache prune removes what is not used), or name another folder in WEIR_CACHE", false
	}
	if problem, hint := connecting(err, host); problem != "" {
		return problem, hint, true
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ended early: the connection was cut, or less is there than the registry says", "try again", true
	case strings.Contains(err.Error(), "mismatch Content-Length"):
		return "less or more is there than the manifest says: it was changed where it is kept", "push it again", false
	case address != nil:
		return oneLine(err), "", true
	}
	return oneLine(err), "", false
}

// connecting tells why there was no answer; "": that is not what happened.
func connecting(err error, host string) (problem, hint string) {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var certificate *tls.CertificateVerificationError
	var operation *net.OpError
	text := oneLine(err)
	switch {
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		return "the proxy cannot be used: " + oneLine(operation.Err), "HTTPS_PROXY in the environment names it; NO_PROXY=" + hostname(host) + " goes around it"
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the host %s is not known", dns.Name), "is its name right, and is there a network?"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s cannot be looked up: %s", dns.Name, dns.Err), "is there a network, and a name server?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + host, "is the port right, and does the server run?"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return host + " cannot be reached from this machine", "is there a network, or a proxy to name in HTTPS_PROXY?"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, "first record does not look like a TLS handshake"):
		return host + " does not speak TLS", "if that is on purpose: --plain-http"
	case strings.Contains(text, "malformed HTTP response"):
		return host + " does not speak HTTP, or only with TLS", "leave --plain-http out, or say --plain-http=false"
	case errors.As(err, &authority):
		return "the certificate of " + host + " is of an authority that this machine does not trust", "name the file with the authority's certificate in SSL_CERT_FILE, or add it to the system's"
	case errors.As(err, &name), errors.As(err, &certificate):
		return "the certificate of " + host + " is not in order: " + text, ""
	case errors.Is(err, errStalled):
		return errStalled.Error(), "try again; is there a proxy or a firewall on the way?"
	case isTimeout(err):
		return host + " did not answer in time", "try again; is there a proxy to name in HTTPS_PROXY?"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
		return host + " has closed the connection", "try again"
	}
	return "", ""
}

// answered tells what a registry's answer that is an error means.
func answered(r *errcode.ErrorResponse, host string) (problem, hint string) {
	said := ""
	if len(r.Errors) > 0 {
		said = ": " + oneLine(r.Errors)
	}
	status := fmt.Sprintf("%s answers with %d", host, r.StatusCode)
	switch r.StatusCode {
	case http.StatusUnauthorized:
		return status + ", it does not accept the login" + said, loginHint(host)
	case http.StatusForbidden:
		return status + ", this login may not do that" + said, "ask for the right to pull from, or push to, this repository; " + loginHint(host) + " uses another one"
	case http.StatusNotFound:
		return status + ", it does not know this repository" + said, "is the path right? Some registries want a project or an organisation first, which has to be made there"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return status + said, "is there a registry at this host, and may it be written to?"
	case http.StatusBadRequest:
		if said == "" && r.URL != nil && r.URL.Scheme == "http" { // what servers that speak TLS say without it
			return status, "it may want TLS: --plain-http=false"
		}
		fallthrough
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusUnsupportedMediaType:
		return status + said, "the registry may protect this tag from being moved, or not take artifacts other than images"
	case http.StatusRequestEntityTooLarge:
		return status + said, "the registry, or a proxy before it, has a lower limit for sizes; weir bundle --no-data makes a smaller one"
	case http.StatusTooManyRequests:
		return status + ", there were too many requests" + said, "wait, or log in: " + loginHint(host)
	case http.StatusProxyAuthRequired:
		return "the proxy wants a login", "HTTPS_PROXY=http://user:password@proxy:port"
	}
	return status + said, ""
}

func loginHint(host string) string { return "weir login " + host }

// hostname is host:port without the port.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// isMismatch tells of bytes that do not have their digest.
func isMismatch(err error) bool {
	return errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData)
}

// oneLine is what an error says, without what a foreign server could do to a terminal.
func oneLine(err error) string { return terminal.Harmless(transport.Excerpt(err.Error())) }
