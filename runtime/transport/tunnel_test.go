package transport

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"weir/runtime/metrics"
)

// Whatever a proxy answers to CONNECT, a tunnel is open only after a status of
// 2xx with nothing behind its head; the pieces in which it comes change nothing
// but what is said of it, and a password is never repeated.
func FuzzTunnelAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\n\r\n")
	f.Add("HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n")
	f.Add("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 407 Who is secret-word\r\nContent-Length: 5\r\n\r\nhello")
	f.Add("HTTP/1.1 502 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	f.Add("\x15\x03\x01\x00\x02\x02\x46")
	f.Add("secret-word")
	p, err := newProxy("http://user:secret-word@proxy.test", &url.URL{Scheme: "https", Host: "service.test:443"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		whole := p.tunnelAnswer(strings.NewReader(answer), "service.test:443")
		pieces := p.tunnelAnswer(iotest.OneByteReader(strings.NewReader(answer)), "service.test:443")
		if whole == nil && (pieces != nil || !strings.HasPrefix(answer, "HTTP/") || !strings.HasSuffix(answer, "\n")) {
			t.Errorf("open: %q, in pieces %v", answer, pieces)
		}
		for _, err := range []error{whole, pieces} {
			if err == nil {
				continue
			}
			failed := p.tunnelFault(t.Context(), "service.test:443", DefaultConnectLimit, err)
			if failed.Kind != "proxy" || strings.Contains(failed.Message, "secret-word") {
				t.Errorf("%q: %v", answer, failed)
			}
			if named := (*metrics.Error)(nil); errors.As(err, &named) && named != failed {
				t.Errorf("%q: %v, then %v", answer, named, failed)
			}
		}
	})
}
