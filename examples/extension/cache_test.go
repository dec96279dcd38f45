package prefix

import (
	"slices"
	"testing"
)

func TestCache(t *testing.T) {
	c := newCache(2, 0)
	f := func(cached int, ids []int, tokens ...uint32) {
		t.Helper()
		n, blocks := c.add(tokens)
		if n != cached || !slices.Equal(blocks, ids) {
			t.Errorf("%v: %d cached, blocks %v; want %d, %v", tokens, n, blocks, cached, ids)
		}
	}
	f(0, nil, 1)                           // less than a block
	f(0, []int{0, 1}, 1, 2, 3, 4, 5)       // the rest of a block is not kept
	f(4, []int{0, 1, 2}, 1, 2, 3, 4, 5, 6) // goes on where the last one ended
	f(2, []int{0, 3}, 1, 2, 5, 6)          // the same tokens behind others are another block
	f(0, []int{4, 5, 6}, 5, 6, 1, 2, 3, 4) // as are those at another place
	f(6, []int{4, 5, 6}, 5, 6, 1, 2, 3, 4) // all of it

	// A full cache forgets what was not used for longest.
	c = newCache(1, 2)
	f(0, []int{0}, 1)
	f(0, []int{1}, 2)
	f(1, []int{0}, 1)
	f(0, []int{2}, 3) // in place of 2
	f(1, []int{0}, 1)
	f(0, []int{1}, 2)
}
