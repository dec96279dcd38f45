package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// row fills a row: all but the verdict.
func (o *Options) row(r *Row, k *Case, m matched) {
	a := o.estimate(r.stat, m.base, seedOf(k.Name, r.Metric, r.Stat, "base"))
	b := o.estimate(r.stat, m.new, seedOf(k.Name, r.Metric, r.Stat, "new"))
	if a.ok {
		r.Base = &a.value
	}
	if b.ok {
		r.New = &b.value
	}
	if !a.ok || !b.ok {
		if r.Why == "" {
			r.Why = "the new one has none"
			if !a.ok {
				r.Why = "the base has none"
			}
		}
		return
	}
	d := differ(a, b, r.Share())
	r.Change = d.change(a.value, d.d)
	if slices.ContainsFunc(k.Reasons, func(reason Reason) bool { return reason.about(r.Metric) }) {
		r.Why = k.reasonsFor(r.Metric)
		return
	}
	if r.Why != "" {
		return
	}
	r.BaseNoise, r.NewNoise = d.spread(0, a.value), d.spread(1, b.value)
	if !d.known {
		r.Why, r.few = d.why, a.tooFew != "" || b.tooFew != ""
		r.noInterval = !r.few
		return
	}
	low, high := d.interval(o.Confidence)
	r.Low, r.High = d.change(a.value, low), d.change(a.value, high)
	r.P = new(d.p())
	r.Block = max(a.length, b.length)
}

// change is a difference as it is shown: relative, or of shares as it is.
func (d difference) change(base, diff float64) *float64 {
	switch {
	case d.logs:
		return new(math.Exp(diff) - 1)
	case d.share:
		return &diff
	case base == 0 || math.IsNaN(diff/base):
		return nil
	}
	return new(diff / math.Abs(base))
}

// spread is the standard deviation between the runs of a side, in the unit of changes.
func (d difference) spread(side int, value float64) *float64 {
	switch s := d.noise[side]; {
	case math.IsNaN(s):
		return nil
	case d.logs || d.share:
		return &s
	case value == 0:
		return nil
	default:
		return new(s / math.Abs(value))
	}
}

func (k *Case) reasonsFor(metric string) string {
	var parts []string
	for _, r := range k.Reasons {
		if r.about(metric) {
			parts = append(parts, r.Message)
		}
	}
	return strings.Join(parts, "; ")
}

// adjust makes allowance for how many rows there are, by the rule of Benjamini and
// Hochberg: of the rows that are called different, at most 1 − confidence are not, on
// average; and where nothing has changed, at most so many comparisons call any row
// different.
func adjust(rows []*Row) {
	var tested []*Row
	for _, r := range rows {
		if r.P != nil {
			tested = append(tested, r)
		}
	}
	slices.SortStableFunc(tested, func(a, b *Row) int { return cmp.Compare(*a.P, *b.P) })
	least := 1.0
	for i := len(tested) - 1; i >= 0; i-- {
		least = min(least, *tested[i].P*float64(len(tested))/float64(i+1))
		tested[i].Allowed = new(least)
	}
}

// judge gives a row its verdict.
func (o *Options) judge(r *Row) {
	switch {
	case r.Allowed == nil && r.Base != nil && r.New != nil && r.noInterval:
		r.Verdict = NoInterval
		return
	case r.Allowed == nil:
		r.Verdict = NotComparable
		return
	}
	effect := o.MinEffect
	if r.Share() {
		effect = 0
	}
	r.shown = *r.Allowed <= 1-o.Confidence
	inside := func(v *float64) bool { return v != nil && math.Abs(*v) <= effect }
	r.Equivalent = effect > 0 && inside(r.Low) && inside(r.High)
	switch {
	case !r.shown || r.Change != nil && math.Abs(*r.Change) < effect:
		r.Verdict = NoDifference
	case r.Better == "":
		r.Verdict = Differs
	case (*r.New > *r.Base) == (r.Better == "higher"):
		r.Verdict = Better
	default:
		r.Verdict = Worse
	}
}

// conclude counts the rows.
func (c *Comparison) conclude(rows []*Row) {
	count := map[Verdict]*int{
		Better: &c.Counts.Better, Worse: &c.Counts.Worse, Differs: &c.Counts.Differs,
		NoDifference: &c.Counts.NoDifference, NoInterval: &c.Counts.NoInterval, NotComparable: &c.Counts.NotComparable,
	}
	for _, r := range rows {
		*count[r.Verdict]++
	}
	c.Verdict = NotComparable
	for _, v := range []Verdict{Worse, Better, Differs, NoDifference, NoInterval} {
		if *count[v] > 0 {
			c.Verdict = v
			break
		}
	}
}
