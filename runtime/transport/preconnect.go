package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/metrics"
)

// dialsAtOnce bounds how many connections to one service are being opened at a
// time, so that a service is not hit by all of them in one instant.
const dialsAtOnce = 32

// giveUpAfter is how many connections to a service may fail before no more are tried.
const giveUpAfter = 8

// KeepsConnections tells that requests will be sent on kept connections, which
// [Clients.Preconnect] may open beforehand. Each may take as long as limit; 0
// means DefaultConnectLimit.
func (c *Client) KeepsConnections(limit time.Duration) {
	if limit <= 0 {
		limit = DefaultConnectLimit
	}
	c.keeps.Store(int64(limit))
}

// Preconnect opens connections to every service that will be sent requests on
// kept ones, until n to each of them lie ready. So the requests that come next
// need not wait for connecting, and the first answers do not compete with the
// handshakes of the last requests.
//
// A service to which several connections fail is given up: its requests will try
// again, and report it. The error says for each service how many connections are
// missing, and why. It returns early when ctx ends.
func (cs *Clients) Preconnect(ctx context.Context, n int) error {
	cs.mu.Lock()
	var clients []*Client
	for _, c := range cs.byKey {
		if c.keeps.Load() > 0 {
			clients = append(clients, c)
		}
	}
	cs.mu.Unlock()
	slices.SortFunc(clients, func(a, b *Client) int { return slices.Compare([]byte(a.addr), []byte(b.addr)) })

	failed := make([]error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			if err := c.preconnect(ctx, n); err != nil {
				failed[i] = err
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// preconnect fills the pool up to n connections that are alive.
func (c *Client) preconnect(ctx context.Context, n int) error {
	missing := n - c.pool.sweep()
	var left, opened, failures atomic.Int64
	var first atomic.Pointer[metrics.Error]
	left.Store(int64(missing))
	var dialling sync.WaitGroup
	for range min(missing, dialsAtOnce) {
		dialling.Go(func() {
			for left.Add(-1) >= 0 && failures.Load() < giveUpAfter {
				conn, err := c.dial(ctx, time.Duration(c.keeps.Load()))
				if err != nil {
					failures.Add(1)
					first.CompareAndSwap(nil, err)
					continue
				}
				opened.Add(1)
				c.pool.put(conn)
			}
		})
	}
	dialling.Wait()
	if err := first.Load(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%d of %d connections to %s could not be opened beforehand, the requests will try again: %w",
			missing-int(opened.Load()), missing, c.addr, err)
	}
	return nil
}

// sweep closes the kept connections that are dead or have been kept too long,
// and returns how many are left. Those that are given out meanwhile do not count.
func (p *pool) sweep() int {
	p.mu.Lock()
	kept := p.kept
	p.kept = nil
	p.mu.Unlock()
	kept = slices.DeleteFunc(kept, func(c *connection) bool {
		dead := time.Since(c.keptSince) >= keepIdle || !c.alive()
		if dead {
			c.close()
		}
		return dead
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		for _, c := range kept {
			c.close()
		}
		return 0
	}
	p.kept = append(kept, p.kept...)
	return len(p.kept)
}
