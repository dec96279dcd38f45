package publish

import (
	"context"
	"sync/atomic"
	"time"

	"weir/runtime/result"
)

const (
	queued     = 60               // snapshots that may wait: five minutes of them at the default interval
	closeLimit = 10 * time.Second // for what waits when the run has ended …
	deadLimit  = 3 * time.Second  // … and the last push had failed
	lastTries  = 3                // of the last push, which nothing follows that could make up for it
	lastPause  = time.Second      // between them
)

// outlet sends snapshots to one receiver, in order, on a goroutine of its own.
type outlet struct {
	to     receiver
	queue  chan *snapshot
	ended  chan struct{}
	cancel context.CancelFunc

	dropped atomic.Int64
	failing atomic.Bool      // the last push has failed
	status  result.Published // belongs to the goroutine until it has ended
}

// receiver sends one snapshot, with repetitions of its own where they may help.
type receiver interface {
	send(ctx context.Context, s *snapshot) error
}

func newOutlet(to receiver, status result.Published) *outlet {
	return &outlet{to: to, status: status, queue: make(chan *snapshot, queued), ended: make(chan struct{})}
}

func (o *outlet) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	go o.run(ctx)
}

// offer queues a snapshot. When too many wait, the oldest is dropped: what is in it, the
// next one has as well, but for the last values of a case that has ended.
func (o *outlet) offer(s *snapshot) {
	for {
		select {
		case o.queue <- s:
			return
		default:
		}
		select {
		case <-o.queue:
			o.dropped.Add(1)
		default:
		}
	}
}

func (o *outlet) run(ctx context.Context) {
	defer close(o.ended)
	for s := range o.queue {
		if ctx.Err() != nil {
			o.dropped.Add(1)
			continue
		}
		err := o.to.send(ctx, s)
		for try := 1; err != nil && s.last && try < lastTries && wait(ctx, lastPause); try++ {
			err = o.to.send(ctx, s)
		}
		o.count(err)
	}
}

// count notes what became of a push.
func (o *outlet) count(err error) {
	o.failing.Store(err != nil)
	if err == nil {
		o.status.Pushes++
		return
	}
	o.status.Failed++
	if o.status.Error == "" {
		o.status.Error = err.Error()
	}
}

// close sends what waits, and ends.
func (o *outlet) close(ctx context.Context) {
	close(o.queue)
	limit := closeLimit
	if o.failing.Load() {
		limit = deadLimit
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-o.ended:
	case <-timer.C:
	case <-ctx.Done():
	}
	o.cancel()
	<-o.ended
	o.status.Dropped = o.dropped.Load()
}

// wait is false when ctx has ended before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
