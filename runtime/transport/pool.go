package transport

import (
	"sync"
	"time"
)

// keepIdle is how long a connection is kept that nobody uses: longer, and a
// firewall on the way may have forgotten it without telling anybody.
const keepIdle = 2 * time.Minute

// pool keeps a client's connections between two requests. It may be used by
// several goroutines. (fasthttp's own pool can neither give up a connection
// attempt when the request is cancelled, nor open a connection while it has
// others, nor end its cleaning goroutine at once.)
type pool struct {
	mu     sync.Mutex    // protects the following fields
	kept   []*connection // the one that was given back last is at the end
	closed bool          // what is given back is closed
}

// take returns the connection that was used last and is still alive, or nil.
func (p *pool) take() *connection {
	for {
		c := p.pop()
		if c == nil {
			return nil
		}
		if time.Since(c.keptSince) < keepIdle && c.alive() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.kept) - 1
	if last < 0 {
		return nil
	}
	c := p.kept[last]
	p.kept[last] = nil
	p.kept = p.kept[:last]
	return c
}

// put keeps a connection, and closes one that has been kept too long.
func (p *pool) put(c *connection) {
	c.keptSince = time.Now()
	var old *connection
	p.mu.Lock()
	switch {
	case p.closed:
		old = c
	case len(p.kept) > 0 && c.keptSince.Sub(p.kept[0].keptSince) >= keepIdle:
		old = p.kept[0]
		copy(p.kept, p.kept[1:])
		p.kept[len(p.kept)-1] = c
	default:
		p.kept = append(p.kept, c)
	}
	p.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// close closes the kept connections, and from now on those that are given back.
func (p *pool) close() {
	p.mu.Lock()
	kept := p.kept
	p.kept, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range kept {
		c.close()
	}
}
