package llm

import (
	"context"
	"time"
)

// gate limits how many of an endpoint's requests are in prefill at the same time:
// started, and without a first token, a failure or an end. Requests that wait come in
// the order in which they came to it. The same endpoint of all runtimes shares one.
type gate chan struct{} // has an element for each of them

// enter waits until there is room, and tells how long that took; false: ctx has ended
// before.
func (g gate) enter(ctx context.Context) (waited time.Duration, ok bool) {
	select {
	case g <- struct{}{}:
		return 0, true
	default:
	}
	begin := time.Now()
	select {
	case g <- struct{}{}:
		return time.Since(begin), true
	case <-ctx.Done():
		return time.Since(begin), false
	}
}

// leave makes room for another one.
func (g gate) leave() { <-g }
