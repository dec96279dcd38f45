package dataset

import (
	"errors"
	"fmt"
)

// groups are what the items that were drawn into one begin with.
type groups struct {
	w     *writer
	words int // of each prefix
}

// Prefixes are the prefixes of the groups that items have, each once, in the order in which they
// come first: to be sent before the items, whose first ones then find them in a prefix cache.
// Each asks for the output of the first item of its group, and has its system message.
func (d *Dataset) Prefixes() (*Dataset, error) {
	if d.groups == nil {
		return nil, errors.New("prefixes: the items have no groups: make them with synthetic({ prefix: { tokens, groups } }), and do not mix them")
	}
	used := map[int32]bool{0: true} // 0 are those without a prefix
	var out []entry
	for _, e := range d.entries {
		if used[e.group] {
			continue
		}
		used[e.group] = true
		group := uint64(e.group - 1)
		_, ids, err := d.groups.w.groupPrefix(group, d.groups.words)
		if err != nil {
			return nil, fmt.Errorf("prefixes: %w", err)
		}
		e.prompt = &drawn{w: d.groups.w, prefix: d.groups.words, group: group}
		e.promptTokens = int32(len(ids) + d.groups.w.around - d.groups.w.before)
		if e.details != nil {
			e.promptTokens += int32(e.details.before)
		}
		e.inexact = false
		out = append(out, e)
	}
	return d.of(out), nil
}
