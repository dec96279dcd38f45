package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"weir/runtime/metrics"
)

// phase is how far an exchange has come; it decides what a timeout or a closed
// connection means.
type phase uint8

const (
	phaseWrite phase = iota
	phaseHead
	phaseBody
)

// Limits bounds the phases of an exchange. Zero means no limit, but for
// Connect: there it means DefaultConnectLimit.
type Limits struct {
	Connect time.Duration // name lookup, TCP, the tunnel of a proxy and TLS together
	Head    time.Duration // from the start of sending to the complete response head
	Idle    time.Duration // between two arrivals of data in the body
	Total   time.Duration // from the start of sending to the end of the body
}

// DefaultConnectLimit bounds the opening of a connection when Limits does not.
const DefaultConnectLimit = 10 * time.Second

// fault names what went wrong in an exchange: a kind of docs/metrics.md and a
// message that a person can act on.
func fault(ctx context.Context, at phase, limits Limits, total time.Time, err error) *metrics.Error {
	var large *fasthttp.ErrSmallBuffer
	switch {
	case ctx.Err() != nil:
		return interrupted()
	case isTimeout(err):
		return timeoutFault(at, limits, total)
	case isTLS(err):
		return &metrics.Error{Kind: "tls", Message: "TLS failed: " + plain(err) + unwanted(err)}
	case at == phaseWrite:
		return &metrics.Error{Kind: "write", Message: "the service closed the connection while the request was sent: " + plain(err)}
	case at == phaseHead && isClosed(err):
		return &metrics.Error{Kind: "connection_closed", Message: "the service closed the connection before its response: " + plain(err)}
	case at == phaseBody && isClosed(err):
		return &metrics.Error{Kind: "truncated", Message: "the service closed the connection in the middle of its response: " + plain(err)}
	case errors.As(err, &large):
		return &metrics.Error{Kind: "protocol", Message: fmt.Sprintf("the response head is larger than %d bytes", largeHead)}
	case at == phaseBody:
		return &metrics.Error{Kind: "protocol", Message: "the chunks of the response body are not valid HTTP: " + Excerpt(err.Error())}
	}
	reason := strings.TrimPrefix(err.Error(), "error when reading response headers: ")
	reason, _, _ = strings.Cut(reason, ": buffer size=")
	return &metrics.Error{Kind: "protocol", Message: "the response is not valid HTTP: " + Excerpt(reason)}
}

// dialFault names what kept a connection to addr from being opened; to says who
// that is: "" for the service, or "the proxy ".
func dialFault(ctx context.Context, to, addr string, limit time.Duration, err error) *metrics.Error {
	var dns *net.DNSError
	switch {
	case ended(ctx):
		return interrupted()
	case isLocalLimit(err):
		return localLimit(err)
	case errors.As(err, &dns):
		return &metrics.Error{Kind: "dns", Message: "cannot find " + to + dns.Name + ": " + dns.Err}
	case isTimeout(err):
		return &metrics.Error{Kind: "connect_timeout", Message: "no connection to " + to + addr + " within " + limit.String()}
	}
	return &metrics.Error{Kind: "connect", Message: "cannot connect to " + to + addr + ": " + plain(err)}
}

// tlsFault names what kept TLS from beginning; remedy is what can be done about a
// certificate that is not trusted.
func tlsFault(ctx context.Context, addr string, limit time.Duration, err error, remedy string) *metrics.Error {
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	switch {
	case ended(ctx):
		return interrupted()
	case isTimeout(err):
		return &metrics.Error{Kind: "connect_timeout", Message: "no TLS handshake with " + addr + " within " + limit.String()}
	case errors.As(err, &record):
		return &metrics.Error{Kind: "tls", Message: addr + " does not speak TLS; try http:// instead of https://"}
	case errors.As(err, &certificate):
		return &metrics.Error{Kind: "tls", Message: "the certificate of " + addr + " is not trusted: " + plain(certificate.Err) + remedy}
	}
	return &metrics.Error{Kind: "tls", Message: "TLS handshake with " + addr + " failed: " + plain(err) + unwanted(err)}
}

// ended tells whether ctx is over. A dialer notices its deadline a moment before
// the context itself does.
func ended(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

func timeoutFault(at phase, limits Limits, total time.Time) *metrics.Error {
	switch {
	case !total.IsZero() && !time.Now().Before(total):
		return &metrics.Error{Kind: "total_timeout", Message: fmt.Sprintf("the response was not complete within %s", limits.Total)}
	case at == phaseBody:
		return &metrics.Error{Kind: "idle_timeout", Message: fmt.Sprintf("no data for %s in the middle of the response", limits.Idle)}
	}
	return &metrics.Error{Kind: "head_timeout", Message: fmt.Sprintf("no response head within %s", limits.Head)}
}

func interrupted() *metrics.Error {
	return &metrics.Error{Kind: "interrupted", Message: "cut off by the end of the run"}
}

func localLimit(err error) *metrics.Error {
	hint := "this machine has no free local ports for more connections; keep connections alive, give more source addresses (--source-ip), or raise net.ipv4.ip_local_port_range"
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		hint = "this machine allows no more open files; raise the limit with ulimit -n"
	}
	return &metrics.Error{Kind: "client_limit", Message: plain(err) + ": " + hint}
}

func isLocalLimit(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// isTLS tells a failure that the TLS layer found or was told of, such as an
// alert that asks for a client certificate, from one of the network below it.
func isTLS(err error) bool {
	var op *net.OpError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") || errors.As(err, &record)
}

// isClosed tells an end of the connection from a fault in what it carried.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNABORTED)
}

// plain takes the cause out of Go's nested network errors: "connection refused".
func plain(err error) string {
	var op *net.OpError
	var sys *os.SyscallError
	switch {
	case errors.As(err, &sys):
		return sys.Err.Error()
	case errors.As(err, &op) && op.Err != nil:
		return op.Err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "end of file"
	}
	return err.Error()
}

// AsError gives the *metrics.Error that an error of this package is, nil for nil.
func AsError(err error) *metrics.Error {
	var named *metrics.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named):
		return named
	}
	return &metrics.Error{Kind: "protocol", Message: err.Error()}
}

// Excerpt makes one line of a text that may be a whole page, for messages.
func Excerpt[T string | []byte](text T) string {
	const most = 300
	s := string(text[:min(len(text), 16*most)])
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
