package checkup

import (
	"context"
	"net/http"
	"slices"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// place is where requests are sent that no backend makes.
type place struct {
	client  *transport.Client
	request func(ctx context.Context, method, path string, body []byte) *transport.Request
}

// got is an answer.
type got struct {
	status  int
	header  http.Header
	body    []byte
	kept    bool          // on a connection that had carried a request
	connect time.Duration // that opening the connection took, its TLS included; 0: it was open
	trip    time.Duration // from the first byte of the request to the head of the answer
	sent    time.Time
	failed  *metrics.Error // nil when the whole answer came, whatever its status
}

// maxBody is how much of an answer is read: a page of metrics may be large.
const maxBody = 16 << 20

// ask sends a request and reads the answer.
func (p place) ask(ctx context.Context, method, path string, body []byte) (g got) {
	rec := metrics.NewRecord()
	defer func() { rec.Recorder().Close(rec) }()
	req := p.request(ctx, method, path, body)
	if body != nil {
		req.Header = append(slices.Clip(req.Header), transport.Header{Name: "Content-Type", Value: "application/json"})
	}
	x, failed := p.client.Send(ctx, req, rec)
	g.kept, g.connect = rec.Reused, rec.DNS+rec.Connect+rec.TLS
	if failed != nil {
		g.failed = failed
		return g
	}
	defer x.Close()
	g.status, g.sent, g.trip = x.Status(), rec.Started, rec.HeadAt.Sub(rec.Started)
	g.header = header(x)
	read, err := x.ReadAll(maxBody)
	g.body, g.failed = read, transport.AsError(err)
	return g
}

// maxHeader bounds the fields of a header that are kept.
const maxHeader = 100

func header(x *transport.Exchange) http.Header {
	h := make(http.Header)
	x.VisitHeader(func(name, value string) {
		if len(h) < maxHeader {
			h.Add(name, value)
		}
	})
	return h
}

// way is what became of the same small request, sent again and again.
type way struct {
	path    string
	trips   []time.Duration // in order of size
	connect time.Duration   // of the first
	kept    int             // requests on a kept connection
	sent    time.Time       // of the last; so the next two
	trip    time.Duration
	header  http.Header
	failed  *metrics.Error // what ended it early
}

// trips sends n requests on connections of their own.
func (p place) trips(ctx context.Context, path string, n int) (w way) {
	w.path = path
	p.client = p.client.Apart()
	defer p.client.Close()
	for i := range n {
		g := p.ask(ctx, "GET", path, nil)
		if g.failed != nil {
			w.failed = g.failed
			break
		}
		if i == 0 {
			w.connect = g.connect
		} else if g.kept {
			w.kept++
		}
		w.sent, w.trip, w.header = g.sent, g.trip, g.header
		w.trips = append(w.trips, g.trip)
	}
	if len(w.trips) > 1 { // the first one may be slow for reasons of its own
		w.trips = w.trips[1:]
	}
	slices.Sort(w.trips)
	return w
}

// median is that of the round trips; 0: there was none.
func (w way) median() time.Duration {
	if len(w.trips) == 0 {
		return 0
	}
	return w.trips[len(w.trips)/2]
}
