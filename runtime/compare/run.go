package compare

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Run is a finished run, as far as comparing needs it.
type Run struct {
	Name     string // that the user knows it by, such as its folder
	Result   *result.Result
	Requests iter.Seq2[*result.Request, error] // of all cases, in no order; none: only what Result says is known

	cases map[int]*caseData // by number, from 1; nil: not read yet
}

// Open reads a run that weir run has written.
func Open(path string) (*Run, error) {
	r, err := result.Open(path)
	if err != nil {
		return nil, err
	}
	return &Run{Name: path, Result: r.Result, Requests: r.Requests()}, nil
}

// What is kept of a case in memory, at most: about 20 MB. Of larger ones every second
// request is dropped until it fits.
const (
	mostRequests = 1 << 17
	mostSamples  = 1 << 22 // of all metrics
)

// caseData is what the requests of a case measured: column by column, in the order of
// the file until sorted has been called.
type caseData struct {
	every, seen int64 // one of every so many is kept; how many there were
	samples     int

	start, end []int64 // wall clock, ns; of one that never started, when it should have
	outcome    []metrics.Outcome
	good       []int8 // -1: it was not held against SLOs
	in, out    []float32
	metrics    map[string]*column
	models     map[string]bool
}

// column is a metric: the samples of request i are samples[at[i]:at[i+1]].
type column struct {
	samples []float32
	at      []uint32
}

func (c *column) of(i int) []float32 { return c.samples[c.at[i]:c.at[i+1]] }

// load reads the requests, once, and keeps the samples of some metrics.
func (r *Run) load(wanted func(metric string) bool) error {
	if r.cases != nil {
		return nil
	}
	r.cases = map[int]*caseData{}
	if r.Requests == nil {
		return nil
	}
	sampler := metrics.NewSampler()
	for q, err := range r.Requests {
		if err != nil {
			return fmt.Errorf("compare %s: %w\n  hint: the file must be whole and readable: copy it again. Where it is lost, take it away: the numbers of the result are compared then, without intervals", r.Name, err)
		}
		if q.Case < 1 || q.Case > len(r.Result.Cases) {
			return fmt.Errorf("compare %s: its file of requests has one of case %d, and the result has %d\n  hint: were they written by the same run?", r.Name, q.Case, len(r.Result.Cases))
		}
		d := r.cases[q.Case]
		if d == nil {
			d = &caseData{every: 1, metrics: map[string]*column{}, models: map[string]bool{}}
			r.cases[q.Case] = d
		}
		d.seen++
		if (d.seen-1)%d.every == 0 {
			d.add(q, sampler, slo(r.Result.Cases[q.Case-1], q.Scenario), wanted)
		}
	}
	for _, d := range r.cases {
		d.sort()
	}
	return nil
}

// slo is what a request of a case was held against; nil: nothing.
func slo(c *result.Case, scenario string) metrics.SLOs {
	if s := c.Scenarios[scenario]; s != nil && s.Goodput != nil {
		return s.Goodput.SLO
	}
	if c.Goodput != nil {
		return c.Goodput.SLO
	}
	return nil
}

func (d *caseData) add(q *result.Request, sampler *metrics.Sampler, slo metrics.SLOs, wanted func(string) bool) {
	rec := metrics.Restore(q)
	i := len(d.start)
	start := q.Started
	if start == 0 {
		start = q.ScheduledAt
	}
	end := start
	if !rec.End.IsZero() {
		end = rec.End.UnixNano()
	}
	if start == 0 {
		start = end
	}
	good := int8(-1)
	if ok, held := slo.Judge(rec); held {
		good = 0
		if ok {
			good = 1
		}
	}
	var in, out float32
	if rec.Error == nil {
		in, out = float32(rec.Input.N), float32(rec.Output.N)
	}
	d.start, d.end = append(d.start, start), append(d.end, end)
	d.outcome, d.good = append(d.outcome, rec.Outcome()), append(d.good, good)
	d.in, d.out = append(d.in, in), append(d.out, out)
	if q.Model != "" && len(d.models) < 100 {
		d.models[q.Model] = true
	}
	for name, samples := range sampler.Samples(rec) {
		if !wanted(name) {
			continue
		}
		c := d.metrics[name]
		if c == nil {
			c = &column{}
			d.metrics[name] = c
		}
		c.fill(i)
		for _, v := range samples {
			c.samples = append(c.samples, float32(v))
		}
		c.at = append(c.at, uint32(len(c.samples)))
		d.samples += len(samples)
	}
	if len(d.start) > mostRequests || d.samples > mostSamples {
		d.thin()
	}
}

// fill gives no samples to the requests before n that have none yet.
func (c *column) fill(n int) {
	for len(c.at) <= n {
		c.at = append(c.at, uint32(len(c.samples)))
	}
}

// thin drops every second request.
func (d *caseData) thin() {
	d.every *= 2
	kept := make([]int, 0, len(d.start)/2+1)
	for i := 0; i < len(d.start); i += 2 {
		kept = append(kept, i)
	}
	d.pick(kept)
}

// sort puts the requests in the order of their starts.
func (d *caseData) sort() {
	order := make([]int, len(d.start))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(d.start[a], d.start[b]), cmp.Compare(d.end[a], d.end[b]))
	})
	d.pick(order)
}

// pick keeps the requests that are named, in that order.
func (d *caseData) pick(order []int) {
	n := len(d.start)
	d.start, d.end = picked(d.start, order), picked(d.end, order)
	d.outcome, d.good = picked(d.outcome, order), picked(d.good, order)
	d.in, d.out = picked(d.in, order), picked(d.out, order)
	d.samples = 0
	for name, c := range d.metrics {
		c.fill(n)
		to := &column{at: make([]uint32, 1, len(order)+1)}
		for _, i := range order {
			to.samples = append(to.samples, c.of(i)...)
			to.at = append(to.at, uint32(len(to.samples)))
		}
		d.metrics[name] = to
		d.samples += len(to.samples)
	}
}

func picked[T any](from []T, order []int) []T {
	to := make([]T, len(order))
	for at, i := range order {
		to[at] = from[i]
	}
	return to
}

// names are the keys of a set, sorted.
func names(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
