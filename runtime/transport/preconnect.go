package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/metrics"
)

// dialsAtOnce bounds how many connections to one service are being opened at a
// time, so that a service is not hit by all of them in one instant.
const dialsAtOnce = 32

// KeepsConnections tells that requests will be sent on kept connections, which
// [Clients.Preconnect] may open beforehand.
func (c *Client) KeepsConnections() { c.keeps.Store(true) }

// Preconnect opens connections to every service that will be sent requests on
// kept ones, until n to each of them lie ready. So the requests that come next
// need not wait for connecting, and the first answers do not compete with the
// handshakes of the last requests.
//
// A service to which a connection fails is given up: its requests will try
// again, and report it. The errors say which and why; a limit of this machine
// is among them. It returns early when ctx ends.
func (cs *Clients) Preconnect(ctx context.Context, n int) error {
	cs.mu.Lock()
	var clients []*Client
	for _, c := range cs.byKey {
		if c.keeps.Load() {
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
	missing := int64(n - c.pool.sweep())
	var first atomic.Pointer[metrics.Error]
	var left atomic.Int64
	left.Store(missing)
	var dialling sync.WaitGroup
	for range min(missing, dialsAtOnce) {
		dialling.Go(func() {
			for left.Add(-1) >= 0 && first.Load() == nil {
				conn, err := dial(ctx, &c.set.sources, c.addr, DefaultConnectLimit, c.tls)
				if err != nil {
					first.CompareAndSwap(nil, err)
					return
				}
				c.pool.put(conn)
			}
		})
	}
	dialling.Wait()
	if err := first.Load(); err != nil && ctx.Err() == nil {
		return err
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
