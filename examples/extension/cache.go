package prefix

import (
	"container/list"
	"encoding/binary"
	"hash/maphash"
)

// cache is a prefix cache as inference services have one: prompts are cut into blocks of
// so many tokens, a block is known by its tokens and all those before it, and the blocks
// that were not used for longest are forgotten. It is not safe for concurrent use.
type cache struct {
	blockTokens int
	capacity    int // blocks; 0: no limit

	seed   maphash.Seed
	held   map[uint64]*list.Element // of recent, by hash
	recent *list.List               // of uint64, the last used one first
	ids    map[uint64]int           // the number of every block that there ever was, from 0
}

func newCache(blockTokens, capacity int) *cache {
	return &cache{
		blockTokens: blockTokens, capacity: capacity, seed: maphash.MakeSeed(),
		held: map[uint64]*list.Element{}, recent: list.New(), ids: map[uint64]int{},
	}
}

// add looks up a prompt and keeps it. cached is how many of its tokens a service with
// this cache would not have had to compute; ids are the numbers of its whole blocks.
func (c *cache) add(tokens []uint32) (cached int, ids []int) {
	var bytes []byte
	var before uint64
	reused := true // so far
	for len(tokens) >= c.blockTokens {
		bytes = binary.LittleEndian.AppendUint64(bytes[:0], before)
		for _, t := range tokens[:c.blockTokens] {
			bytes = binary.LittleEndian.AppendUint32(bytes, t)
		}
		before = maphash.Bytes(c.seed, bytes)
		tokens = tokens[c.blockTokens:]
		reused = c.use(before) && reused
		if reused {
			cached += c.blockTokens
		}
		id, known := c.ids[before]
		if !known {
			id = len(c.ids)
			c.ids[before] = id
		}
		ids = append(ids, id)
	}
	return cached, ids
}

// use tells whether a block is held, and holds it.
func (c *cache) use(block uint64) bool {
	if e := c.held[block]; e != nil {
		c.recent.MoveToFront(e)
		return true
	}
	c.held[block] = c.recent.PushFront(block)
	if c.capacity > 0 && c.recent.Len() > c.capacity {
		oldest := c.recent.Back()
		delete(c.held, c.recent.Remove(oldest).(uint64))
	}
	return false
}
