package report

import (
	"cmp"
	"math"
	"slices"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// slow holds the requests of a case that a reader wants to look at: the slowest by
// e2el, by ttft and by their longest gap, plain ones by their duration, and failed ones,
// of which an even share is kept.
type slow struct {
	e2el, ttft, gap, plain top
	failed                 even
}

func newSlow(n int) slow {
	return slow{top{most: n}, top{most: n}, top{most: n}, top{most: n}, even{most: n}}
}

// top keeps the largest.
type top struct {
	most int
	all  []ranked // the largest first
}

type ranked struct {
	rank float64
	row  *Row
}

func (t *top) wants(rank float64) bool {
	return t.most > 0 && !math.IsNaN(rank) && (len(t.all) < t.most || rank > t.all[len(t.all)-1].rank)
}

func (t *top) add(rank float64, row *Row) {
	at, _ := slices.BinarySearchFunc(t.all, rank, func(r ranked, rank float64) int {
		if r.rank >= rank {
			return -1
		}
		return 1
	})
	t.all = slices.Insert(t.all, at, ranked{rank, row})
	if len(t.all) > t.most {
		t.all = t.all[:t.most]
	}
}

// even keeps one of every few, evenly over all that there were: when it is full, it
// lets go of every second one.
type even struct {
	most, every, seen int
	all               []*Row
}

// next tells whether the next one is to be kept.
func (e *even) next() bool {
	e.every = max(e.every, 1)
	keep := e.seen%e.every == 0
	e.seen++
	if keep && len(e.all) == e.most {
		half := e.all[:0]
		for i := 0; i < len(e.all); i += 2 {
			half = append(half, e.all[i])
		}
		e.all, e.every = half, e.every*2
		keep = (e.seen-1)%e.every == 0
	}
	return keep && e.most > 0
}

func (s *slow) add(c *caseData, q *result.Request, rec *metrics.Record, r request) {
	var longest gap
	if rec.Error == nil {
		for from, to := range rec.Gaps() {
			longest.widen(from, to)
		}
	}
	var row *Row
	get := func() *Row {
		if row == nil {
			row = newRow(c, q, rec, r, longest)
		}
		return row
	}
	if c.failed(r) {
		if s.failed.next() {
			s.failed.all = append(s.failed.all, get())
		}
		return
	}
	offer := func(t *top, rank float64) {
		if t.wants(rank) {
			t.add(rank, get())
		}
	}
	if r.plain {
		offer(&s.plain, float64(r.e2el))
		return
	}
	offer(&s.e2el, float64(r.e2el))
	offer(&s.ttft, float64(r.ttft))
	if longest.to > longest.from {
		offer(&s.gap, milliseconds(longest.to-longest.from))
	}
}

func newRow(c *caseData, q *result.Request, rec *metrics.Record, r request, longest gap) *Row {
	row := &Row{
		Case: c.number, Scenario: q.Scenario, Iteration: q.Iteration, At: r.begin().Seconds(),
		Wall: c.Started.Add(r.begin()), Status: q.Status, Finish: q.FinishReason, Host: q.Host, Model: q.Model,
	}
	known := func(v float32) *float64 {
		if math.IsNaN(float64(v)) {
			return nil
		}
		return new(float64(v))
	}
	if !r.plain {
		row.TTFT, row.TPOT, row.E2EL = known(r.ttft), known(r.tpot), known(r.e2el)
	}
	const both = hasScheduled | hasStarted
	if r.has&both == both {
		row.Lag = new(milliseconds(r.started - r.scheduled))
	}
	if longest.to > longest.from {
		row.Gap = new(milliseconds(longest.to - longest.from))
		row.GapAt = new((r.started + longest.from).Seconds())
	}
	if r.has&hasEnd != 0 {
		row.Took = new(milliseconds(r.took()))
	}
	for _, t := range []struct {
		to **int
		of metrics.Count
	}{{&row.Input, rec.Input}, {&row.Output, rec.Output}, {&row.Cached, rec.Cached}} {
		if t.of.Source != metrics.CountNone {
			*t.to = new(t.of.N)
		}
	}
	if q.Error != nil {
		row.Error, row.Message = q.Error.Kind, short(q.Error.Message, 300)
	}
	return row
}

// short cuts a text that somebody else has written.
func short(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most]) + "…"
}

// Slowest are the requests of a case, counted from 0, that a reader wants to look at:
// the slowest first, then those that failed, as they started.
func (d *Data) Slowest(i int) []Row {
	if i < 0 || i >= len(d.cases) {
		return nil
	}
	s := &d.cases[i].slow
	var order []*Row
	why := map[*Row][]Why{}
	mark := func(row *Row, w Why) {
		if why[row] == nil {
			order = append(order, row)
		}
		why[row] = append(why[row], w)
	}
	for _, of := range []struct {
		top *top
		why Why
	}{{&s.e2el, SlowE2EL}, {&s.ttft, SlowTTFT}, {&s.gap, SlowGap}, {&s.plain, SlowPlain}} {
		for _, r := range of.top.all {
			mark(r.row, of.why)
		}
	}
	slices.SortStableFunc(order, func(a, b *Row) int { return cmp.Compare(took(b), took(a)) })
	failed := slices.Clone(s.failed.all)
	slices.SortStableFunc(failed, func(a, b *Row) int { return cmp.Compare(a.At, b.At) })
	for _, row := range failed {
		mark(row, Failed)
	}
	rows := make([]Row, len(order))
	for i, row := range order {
		rows[i] = *row
		rows[i].Why = why[row]
	}
	return rows
}

func took(r *Row) float64 { // ms
	if v := cmp.Or(r.E2EL, r.Took); v != nil {
		return *v
	}
	return 0
}
