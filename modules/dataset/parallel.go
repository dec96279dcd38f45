package dataset

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// each does work for the numbers 0 to n-1, on as many goroutines as there are
// cores, at most workers. Every goroutine gets a function of its own from begin,
// which may keep buffers. The first error ends it, and so does ctx, with its
// error. done counts what is finished.
func each(ctx context.Context, n, workers int, done *atomic.Int64, begin func() func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(1, min(runtime.GOMAXPROCS(0), workers, n)) {
		group.Go(func() {
			work := begin()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := work(i); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
