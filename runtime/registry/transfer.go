package registry

import (
	"context"
	"io"
	"time"
)

// transfer reads a bundle that is on its way, counts, and ends the exchange when nothing
// moves any longer.
type transfer struct {
	from  io.Reader
	done  int64
	of    int64
	moved func(done, of int64)
	alarm *time.Timer
}

// watch makes the context of an exchange, and what makes the reader that is put before
// its bytes: of tells how many they are, -1 that nobody knows. release is called at the
// exchange's end.
func (c *Client) watch(ctx context.Context) (_ context.Context, through func(r io.Reader, of int64) io.Reader, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	alarm := time.AfterFunc(answerLimit, func() { cancel(errStalled) })
	through = func(r io.Reader, of int64) io.Reader {
		return &transfer{from: r, of: of, moved: c.Moved, alarm: alarm}
	}
	return ctx, through, func() {
		alarm.Stop()
		cancel(nil)
	}
}

func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if n > 0 {
		t.alarm.Reset(stallLimit)
		t.done += int64(n)
		if t.moved != nil {
			t.moved(t.done, t.of)
		}
	}
	if t.done == t.of {
		t.alarm.Reset(answerLimit) // what was sent is being worked on
	}
	return n, err
}

// stalled is why an exchange has failed: the alarm's reason, if that has ended it.
func stalled(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}
