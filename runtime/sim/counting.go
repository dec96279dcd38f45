package sim

import (
	"hash/maphash"
	"sync"
)

// tokenCounter counts the tokens of texts, and remembers the counts: load tests
// send the same prompts again and again, and a real tokenizer takes longer than
// all the rest of a request. It may be used from several goroutines.
type tokenCounter struct {
	count func(string) int
	seed  maphash.Seed

	mu    sync.RWMutex // protects known
	known map[textKey]int
}

// textKey stands for a text. Two different texts of a run share one with a
// probability of less than one in a thousand million.
type textKey struct {
	hash   uint64
	length int
}

// maxCounts limits the memory for counts to a few megabytes.
const maxCounts = 1 << 16

func newTokenCounter(count func(string) int) *tokenCounter {
	return &tokenCounter{count: count, seed: maphash.MakeSeed(), known: map[textKey]int{}}
}

func (c *tokenCounter) tokens(text string) int {
	key := textKey{maphash.String(c.seed, text), len(text)}
	c.mu.RLock()
	n, ok := c.known[key]
	c.mu.RUnlock()
	if ok {
		return n
	}
	n = c.count(text)
	c.mu.Lock()
	if len(c.known) >= maxCounts {
		clear(c.known)
	}
	c.known[key] = n
	c.mu.Unlock()
	return n
}
