package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"weir/runtime/metrics"
)

// join makes of a new connection to the proxy one on which the service can be
// spoken to: with TLS to the proxy, if it speaks that, and with a tunnel to a
// service, if one is named ("host:port"). All must be done when ctx ends, limit
// after the connecting began; parent is the request's context. When join fails,
// the connection is closed.
func (p *proxy) join(parent, ctx context.Context, c *connection, service string, limit time.Duration) *metrics.Error {
	if p.tls != nil {
		layer := tls.Client(c.line, p.tls)
		if err := layer.HandshakeContext(ctx); err != nil {
			c.line.Close()
			return tlsFault(parent, p.String(), limit, err,
				"; give its issuer's with the option ca, or add it to this machine's trusted ones")
		}
		c.Conn = layer
	}
	if service == "" {
		return nil
	}
	undo := context.AfterFunc(parent, func() { c.line.Close() })
	deadline, _ := ctx.Deadline()
	c.line.SetDeadline(deadline)
	err := p.connect(c.Conn, service)
	if !undo() {
		return interrupted()
	}
	if err != nil {
		c.line.Close()
		return p.tunnelFault(parent, service, limit, err)
	}
	c.line.SetDeadline(time.Time{})
	return nil
}

// connect asks the proxy for a tunnel (RFC 9110, section 9.3.6).
func (p *proxy) connect(c io.ReadWriter, service string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", service)
	if p.login != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: %s\r\n", p.login)
	}
	b.WriteString("\r\n")
	if _, err := c.Write(b.Bytes()); err != nil {
		return err
	}
	return p.tunnelAnswer(c, service)
}

// tunnelAnswer reads the answer to CONNECT, and nothing behind it; nil tells that
// the tunnel is open. What the proxy itself says against it is a *metrics.Error.
func (p *proxy) tunnelAnswer(c io.Reader, service string) error {
	head := &io.LimitedReader{R: c, N: largeHead}
	r := bufio.NewReaderSize(head, readBuffer)
	begin, err := r.Peek(2)
	switch {
	case err != nil:
		return err
	case bytes.Equal(begin, []byte{21, 3}): // a TLS alert
		return p.refusal(0, "%s answers in TLS; try https:// instead of http:// in its URL", p)
	}
	for range 1 + maxInterim {
		answer, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
		switch {
		case err != nil && head.N <= 0:
			return p.refusal(0, "the head of the answer of %s is larger than %d bytes", p, largeHead)
		case err != nil:
			return err
		case answer.StatusCode < 200: // others follow (RFC 9110, section 15.2)
			continue
		case answer.StatusCode >= 300:
			return p.refused(answer, r.Buffered(), service)
		case r.Buffered() > 0: // the service cannot have spoken yet: in TLS the client begins
			return p.refusal(0, "%s sends something before the tunnel to %s is used", p, service)
		}
		return nil
	}
	return p.refusal(0, "%s sends more than %d interim answers", p, maxInterim)
}

// refused is what an answer means that opens no tunnel, of which so many bytes
// have come behind its head.
func (p *proxy) refused(answer *http.Response, come int, service string) *metrics.Error {
	reason := answer.Status
	// A page for a browser says no more than the status.
	if n := min(answer.ContentLength, int64(come)); n > 0 && !strings.Contains(answer.Header.Get("Content-Type"), "html") {
		if said, _ := io.ReadAll(io.LimitReader(answer.Body, n)); len(said) > 0 {
			reason += ": " + string(said)
		}
	}
	hint := ""
	switch answer.StatusCode {
	case http.StatusProxyAuthRequired:
		hint = p.loginHint()
	case http.StatusForbidden, http.StatusMethodNotAllowed:
		hint = "; it may allow tunnels to some hosts and ports only"
	}
	return p.refusal(answer.StatusCode, "%s opens no tunnel to %s: %s%s", p, service, p.hide(reason), hint)
}

func (p *proxy) refusal(status int, format string, args ...any) *metrics.Error {
	return &metrics.Error{Kind: "proxy", Status: status, Message: fmt.Sprintf(format, args...)}
}

// tunnelFault names what kept a tunnel from being opened.
func (p *proxy) tunnelFault(parent context.Context, service string, limit time.Duration, err error) *metrics.Error {
	var named *metrics.Error
	switch {
	case ended(parent):
		return interrupted()
	case errors.As(err, &named):
		return named
	case isTimeout(err):
		return &metrics.Error{Kind: "connect_timeout", Message: fmt.Sprintf("%s opened no tunnel to %s within %s", p, service, limit)}
	case isTLS(err):
		return &metrics.Error{Kind: "tls", Message: fmt.Sprintf("TLS with %s failed: %s", p, plain(err))}
	case isClosed(err):
		return p.refusal(0, "%s closed the connection instead of opening a tunnel to %s: %s", p, service, plain(err))
	}
	return p.refusal(0, "what %s answers is not valid HTTP: %s", p, p.hide(err.Error()))
}
