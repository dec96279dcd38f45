package dataset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/modules/dataset/reader"
)

// finish draws and orders the items.
func (b *building) finish(ctx context.Context) (*Dataset, error) {
	timed, untimed := false, false
	for i := range b.entries {
		timed, untimed = timed || b.entries[i].timed, untimed || !b.entries[i].timed
	}
	if timed && untimed && (b.Sample > 0 || b.Shuffle) {
		return nil, fmt.Errorf("%s: some of its rows only say how long after another one they come (delay), so that single ones cannot be drawn or put into another order: leave sample and shuffle out; limit, from and to keep conversations together", b.Path)
	}
	if b.windowed() && !timed && len(b.entries) > 0 {
		return nil, fmt.Errorf("%s: its rows have no times, so there is no part of it: leave from and to out", b.Path)
	}
	follow(b.entries)
	rng := seeded(b.Seed, choiceStream, 0)
	switch {
	case b.Sample > 0:
		if err := b.draw(ctx, b.inWindow(permutation(rng, len(b.entries), len(b.entries))), b.Sample); err != nil {
			return nil, err
		}
	case b.windowed():
		order := b.inWindow(identity(len(b.entries)))
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(b.entries[x].at, b.entries[y].at) })
		if err := b.draw(ctx, order, cmp.Or(b.Limit, len(order))); err != nil {
			return nil, err
		}
	}
	if timed {
		b.dropFollowers()
	}
	if b.Shuffle {
		b.entries = (&Dataset{entries: b.entries}).pick(permutation(rng, len(b.entries), len(b.entries))).entries
	} else {
		slices.SortStableFunc(b.entries, func(x, y entry) int { return cmp.Compare(x.at, y.at) })
	}
	d := (&Dataset{source: b.out}).of(b.entries)
	if d.Len() == 0 {
		return nil, b.empty()
	}
	if needed := cmp.Or(b.AtLeast, b.Sample); needed > d.Len() {
		return nil, fmt.Errorf("%s: only %d of the %d items that are asked for are left: %s", b.Path, d.Len(), needed, describeRejected(d.Source().Rejected))
	}
	if !b.windowed() {
		if first, ok := earliest(d.entries); ok {
			shift(d.entries, first)
		}
	}
	return d, nil
}

// follow gives entries without a time that of the one that they follow: of their session, or else
// in the file. Items without a time so stay behind it.
func follow(entries []entry) {
	var last time.Duration
	of := map[string]time.Duration{}
	for i := range entries {
		e := &entries[i]
		session := e.session()
		switch at, known := of[session]; {
		case e.timed:
			last, of[session] = e.at, e.at
		case known && session != "":
			e.at = at
		default:
			e.at = last
		}
	}
}

func (e *entry) session() string {
	if e.details == nil {
		return ""
	}
	return e.details.session
}

// earliest is the time of the first entry that has one.
func earliest(entries []entry) (first time.Duration, ok bool) {
	for i := range entries {
		if e := &entries[i]; e.timed && (!ok || e.at < first) {
			first, ok = e.at, true
		}
	}
	return first, ok
}

func shift(entries []entry, by time.Duration) {
	for i := range entries {
		entries[i].at -= by
	}
}

// inWindow is those of the entries with these numbers that are in the part of the trace that is
// asked for. Times then begin with 0 at its begin.
func (b *building) inWindow(numbers []int) []int {
	if !b.windowed() {
		return numbers
	}
	shift(b.entries, b.span.earliest+b.From)
	return slices.DeleteFunc(numbers, func(n int) bool {
		at := b.entries[n].at
		return at < 0 || b.To != 0 && at >= b.To-b.From
	})
}

func identity(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// dropFollowers drops rows that follow one of their session that was dropped.
func (b *building) dropFollowers() {
	begun := map[string]bool{}
	for i := range b.entries {
		if e := &b.entries[i]; e.timed {
			begun[e.session()] = true
		}
	}
	b.entries = slices.DeleteFunc(b.entries, func(e entry) bool {
		orphan := !e.timed && e.session() != "" && !begun[e.session()]
		if orphan {
			b.out.reject("the begin of its conversation was not taken", "", 0, "")
		}
		return orphan
	})
}

// draw counts rows in an order until n pass the filter: where that is random, the same
// sample as to draw from all that pass.
func (b *building) draw(ctx context.Context, order []int, n int) error {
	var drawn []entry
	looked := 0
	for begin := 0; begin < len(order) && len(drawn) < n; {
		size := min(len(order)-begin, max(batchRows, n-len(drawn)))
		batch := make([]candidate, size)
		for i := range batch {
			k := order[begin+i]
			batch[i] = candidate{entry: b.entries[k], row: reader.Row{Path: b.places[k].path, Line: b.places[k].line}}
		}
		if err := b.count(ctx, batch, func(i int) uint64 { return uint64(order[begin+i]) }); err != nil {
			return err
		}
		for i := range batch {
			if len(drawn) == n {
				break
			}
			looked++
			switch c := &batch[i]; {
			case c.reason != "":
				b.out.reject(c.reason, c.row.Path, c.row.Line, c.entry.describe())
			default:
				drawn = append(drawn, c.entry)
			}
		}
		begin += size
	}
	if looked < len(order) {
		b.out.looked = looked
	}
	b.entries = drawn
	return nil
}

// describe shows an entry among those that were dropped.
func (e *entry) describe() string {
	if _, made := e.prompt.(*unmade); !made && e.prompt != nil {
		if prompt, err := e.prompt.read(); err == nil {
			return prompt
		}
	}
	return fmt.Sprintf("%d prompt tokens, %d output tokens", e.promptTokens, e.outputTokens)
}

// empty explains why a file gives no items.
func (b *building) empty() error {
	if b.out.rows == 0 && len(b.out.rejected) == 0 {
		return fmt.Errorf("%s (%s) has no rows", b.Path, b.out.format)
	}
	if b.windowed() && b.span.lasted() < b.From {
		return fmt.Errorf("%s (%s): it has no rows from %v on: the trace lasts %v", b.Path, b.out.format, b.From, b.span.lasted().Round(time.Second))
	}
	d := Dataset{source: b.out}
	return fmt.Errorf("%s (%s): none of its rows is left: %s", b.Path, b.out.format, describeRejected(d.Source().Rejected))
}

// describeRejected says in one line what was dropped and why.
func describeRejected(rejected []reader.Rejection) string {
	var parts []string
	for _, r := range rejected {
		part := fmt.Sprintf("%d × %s", r.Count, r.Reason)
		if len(r.First) > 0 && r.First[0].Line > 0 {
			part += fmt.Sprintf(" (first: line %d)", r.First[0].Line)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "nothing was dropped; the file has no more"
	}
	return strings.Join(parts, ", ")
}
