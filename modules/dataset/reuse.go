package dataset

import (
	"cmp"
	"slices"
)

// Reuse is what a prefix cache finds that keeps everything, when prompts are sent one
// after another: in tokens.
type Reuse struct {
	PromptTokens int64 // of all prompts
	CachedTokens int64 // of them, in blocks that had been sent before behind the same blocks
}

// Reuse reckons it from the hash ids of a trace, in the order of its times. A prompt without ids
// has nothing in common with others, and the last token of a prompt is never cached: the first
// one of the answer comes out of it. false: no prompt has ids.
func (d *Dataset) Reuse() (Reuse, bool) {
	order := make([]*entry, len(d.entries))
	for i := range d.entries {
		order[i] = &d.entries[i]
	}
	slices.SortStableFunc(order, func(a, b *entry) int { return cmp.Compare(a.at, b.at) })
	type block struct {
		before int // number of the block before it, 0: none
		id     int64
	}
	known := map[block]int{}
	lengths := []int{0} // of the blocks, by their numbers: the last one of a prompt may be short
	var sum Reuse
	any := false
	for _, e := range order {
		sum.PromptTokens += int64(e.promptTokens)
		if e.details == nil || e.details.hashes == nil {
			continue
		}
		any = true
		at, seen, found, left := 0, true, 0, int(e.promptTokens)
		for _, id := range e.details.hashes {
			b, length := block{at, id}, min(left, e.details.blockSize)
			left -= length
			if at = known[b]; at == 0 {
				at = len(lengths)
				known[b], lengths = at, append(lengths, 0)
			}
			if seen {
				found += min(length, lengths[at])
				seen = lengths[at] >= length
			}
			lengths[at] = max(length, lengths[at])
		}
		sum.CachedTokens += int64(max(0, min(found, int(e.promptTokens)-1)))
	}
	return sum, any
}
