package transport

import (
	"strings"
	"time"
)

// Signer adds to a request what proves who sends it, such as a signature. It may
// be called by several goroutines.
type Signer interface {
	// Sign returns the fields of a request with those added that sign it. It may
	// change header, which is its own; body it only reads. uri is the path and query
	// as they go into the request line, without a proxy's part of it; host is the
	// value of the Host field. It is called once for each time that a request is
	// sent, before its clock starts, with the time at which it is called.
	Sign(header []Header, method, uri, host string, body []byte, at time.Time) []Header
}

// fields are the request's fields as they are to be sent now.
func (r *Request) fields() []Header {
	if r.Signer == nil {
		return r.Header
	}
	host := r.Host
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, "Host") { // it is what is sent, see write
			host = f.Value
		}
	}
	own := make([]Header, len(r.Header), len(r.Header)+4)
	copy(own, r.Header)
	return r.Signer.Sign(own, r.Method, r.URI, host, r.Body, time.Now())
}
