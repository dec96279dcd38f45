package transport

import (
	"context"

	"weir/runtime/metrics"
)

// Answer is a whole response to a request that is no part of the load.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte // as much as was asked for
}

// Fetch sends a request that is no part of the load and reads the whole answer, at
// most limit bytes of it. It is in no recorder's numbers. The error is nil when an
// answer came, whatever its status. Any goroutine may call it.
func (c *Client) Fetch(ctx context.Context, req *Request, limit int64) (Answer, *metrics.Error) {
	rec := metrics.NewRecord()
	defer func() { rec.Recorder().Close(rec) }()
	x, failed := c.Send(ctx, req, rec)
	if failed != nil {
		return Answer{}, failed
	}
	defer x.Close()
	a := Answer{Status: x.Status(), ContentType: x.ContentType()}
	body, err := x.ReadAll(limit)
	a.Body = body
	return a, AsError(err)
}
