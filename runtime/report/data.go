package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Data is what the figures of a run are made of: its requests and the samples of its
// telemetry, read once and made small. It is not for several goroutines.
//
// How much memory it takes does not depend on how many tokens there were, and of
// requests there are at most mostRequests in it.
type Data struct {
	run    *result.Result
	lang   Lang
	detail detail
	cases  []*caseData

	// Notes say what is missing in the figures of the whole run, and why.
	Notes []string
}

// detail is how fine figures are: the more cases there are, the coarser, so that the
// page of any run stays small.
type detail struct {
	buckets int // of time
	fine    int // of time, in which tokens are counted: figures put several together
	bars    int // requests that are drawn as bars
	points  int // of a distribution
	rows    int // of a table of a figure
	slowest int // requests in the table of the slowest, for each reason

	figures rank // of a case: those up to this one
}

// rank says how much a figure of a case matters: where there are many cases, those that
// matter less are left out.
type rank int

const (
	always rank = iota
	often       // up to 80 cases
	seldom      // up to 40
)

func detailFor(cases int) detail {
	share := func(budget, least, most int) int { return max(least, min(budget/max(cases, 1), most)) }
	return detail{
		buckets: share(4000, 20, 300),
		fine:    share(40_000, 200, 1000),
		bars:    share(6000, 30, 400),
		points:  share(2400, 12, 200),
		rows:    share(400, 4, 24),
		slowest: share(400, 2, 60),
		figures: figuresFor(cases),
	}
}

// brief tells whether the tables of a case have what matters most only.
func (d detail) brief() bool { return d.figures == always }

func figuresFor(cases int) rank {
	switch {
	case cases > 80:
		return always
	case cases > 40:
		return often
	}
	return seldom
}

const (
	mostRequests = 2_000_000 // that are read
	exactGaps    = 1_000_000 // of a case; further ones go into a histogram
	mostSeries   = 512       // of telemetry, of a case
	mostKinds    = 64        // of errors, of a case

	// The furthest that a time may be from the begin of its case: no case lasts
	// longer.
	farthest = 366 * 24 * time.Hour
)

// caseData is what is known of a case.
type caseData struct {
	*result.Case
	number   int // in the run, from 1
	requests []request
	kinds    []string // of errors, as requests count them
	gaps     gaps
	tokens   *buckets // that arrived
	prompts  *buckets // of the requests whose first token arrived
	samples  map[sampleKey]*buckets
	slow     slow

	odd     int // requests whose times cannot be
	crowded int // readings that there was no room for
}

// request is what figures need of a request. Times are counted from the begin of its
// case, which a schedule may come before.
type request struct {
	scheduled, started, first, end time.Duration
	ttft, tpot, e2el               float32 // ms; NaN: it has none. e2el of a plain one is its http_req_duration
	kind                           uint8   // of its error, from 1; 0: it completed
	has                            flags
	plain                          bool // an HTTP request of the script's, which feeds metrics of its own
}

// flags are the times that a request has.
type flags uint8

const (
	hasScheduled flags = 1 << iota
	hasStarted
	hasFirst
	hasEnd
)

// sampleKey is a quantity of a device or of a service.
type sampleKey struct {
	host, kind string
	index      int
	source     string // of services
	quantity   string
}

// Load reads a run. What cannot be read ends the reading, not the report: the figures
// are of what could be, and Notes say so.
func Load(run *result.Run, l Lang) *Data {
	d := &Data{run: run.Result, lang: l, detail: detailFor(len(run.Result.Cases))}
	for i, c := range run.Result.Cases {
		width := roundWidth(max(c.Duration, 0), d.detail.fine)
		d.cases = append(d.cases, &caseData{Case: c, number: i + 1, samples: map[sampleKey]*buckets{}, slow: newSlow(d.detail.slowest),
			tokens: newBuckets(width, d.detail.fine), prompts: newBuckets(width, d.detail.fine)})
	}
	if d.detail.figures < seldom {
		d.note("fewer figures", len(d.cases))
	}
	if d.detail.brief() {
		d.note("fewer tables", len(d.cases))
	}
	d.readRequests(run)
	d.readSamples(run)
	for _, c := range d.cases {
		slices.SortStableFunc(c.requests, func(a, b request) int { return cmp.Compare(a.begin(), b.begin()) })
	}
	return d
}

func (d *Data) note(key string, values ...any) { d.Notes = append(d.Notes, d.lang.F(key, values...)) }

func (d *Data) readRequests(run *result.Run) {
	read, strangers := 0, 0
	for q, err := range run.Requests() {
		if err != nil {
			d.note("records cut off", whole(int64(read)), err.Error())
			break
		}
		if read == mostRequests {
			d.note("too many records", whole(mostRequests))
			break
		}
		read++
		if q.Case < 1 || q.Case > len(d.cases) {
			strangers++
			continue
		}
		d.cases[q.Case-1].add(q)
	}
	if strangers > 0 {
		d.note("records of no case", whole(int64(strangers)))
	}
}

func (d *Data) readSamples(run *result.Run) {
	read := 0
	for s, err := range run.Samples() {
		if err != nil {
			d.note("samples cut off", whole(int64(read)), err.Error())
			return
		}
		read++
		if s.Case >= 1 && s.Case <= len(d.cases) {
			d.cases[s.Case-1].sample(s, d.detail.buckets)
		}
	}
}

// add takes a request in.
func (c *caseData) add(q *result.Request) {
	rec := metrics.Restore(q)
	r, ok := c.request(rec)
	if !ok {
		c.odd++
		return
	}
	c.requests = append(c.requests, r)
	c.slow.add(c, q, rec, r)
	if r.has&hasStarted == 0 {
		return
	}
	if rec.Error == nil {
		for from, to := range rec.Gaps() {
			c.gaps.add(to - from)
		}
	}
	// What the events do not tell, the count of all tokens does.
	share := 1.0
	if events := rec.EventTokens(); events > 0 && rec.Output.N > 0 {
		share = float64(rec.Output.N) / float64(events)
	}
	for i := range rec.Events {
		c.tokens.add(r.started+rec.Events[i].At, float64(max(rec.Events[i].Tokens(), 1))*share)
	}
	if r.has&hasFirst != 0 && rec.Input.N > 0 {
		c.prompts.add(r.first, float64(rec.Input.N))
	}
}

// request makes it small; false when its times cannot be: they are negative, or
// further from the case than any case is long.
func (c *caseData) request(rec *metrics.Record) (request, bool) {
	r := request{ttft: nan32, tpot: nan32, e2el: nan32, plain: rec.Kind == metrics.KindHTTP}
	ok := true
	at := func(t time.Time, has flags) time.Duration {
		if t.IsZero() {
			return 0
		}
		r.has |= has
		after := t.Sub(c.Started)
		ok = ok && after < farthest && after > -farthest
		return after
	}
	if rec.Iteration != nil {
		r.scheduled = at(rec.Iteration.Scheduled, hasScheduled)
	}
	r.started, r.end = at(rec.Started, hasStarted), at(rec.End, hasEnd)
	if len(rec.Events) > 0 && !rec.Whole && !rec.Started.IsZero() {
		r.first = at(rec.EventTime(0), hasFirst)
		at(rec.EventTime(len(rec.Events)-1), 0)
	}
	before := time.Duration(0)
	for _, e := range rec.Events {
		ok = ok && e.At >= before && e.At < farthest
		before = e.At
	}
	if r.has&hasStarted != 0 && r.has&hasEnd != 0 {
		ok = ok && r.end >= r.started
	}
	if r.has&(hasStarted|hasScheduled|hasEnd) == 0 {
		return r, false
	}
	if rec.Error != nil {
		r.kind = c.kind(rec.Error.Kind)
	} else {
		for _, m := range []struct {
			to *float32
			of func() (time.Duration, bool)
		}{{&r.ttft, rec.TTFT}, {&r.tpot, rec.TPOT}, {&r.e2el, rec.E2EL}} {
			if v, has := m.of(); has {
				*m.to = float32(milliseconds(v))
			}
		}
	}
	return r, ok
}

// kind is the number of a kind of error, from 1. There are few; what a hostile file has
// beyond them is the last one's.
func (c *caseData) kind(name string) uint8 {
	i := slices.Index(c.kinds, name)
	if i < 0 && len(c.kinds) < mostKinds {
		i, c.kinds = len(c.kinds), append(c.kinds, name)
	}
	if i < 0 {
		i = mostKinds - 1
	}
	return uint8(i + 1)
}

// begin is when the request started, or else was to start, or else was given up.
func (r request) begin() time.Duration {
	switch {
	case r.has&hasStarted != 0:
		return r.started
	case r.has&hasScheduled != 0:
		return r.scheduled
	}
	return r.end
}

// took is from its begin to its end.
func (r request) took() time.Duration {
	if r.has&hasEnd == 0 {
		return 0
	}
	return r.end - r.begin()
}

// interrupted tells whether it was cut off with its iteration, which is no failure.
func (c *caseData) interrupted(r request) bool {
	return r.kind > 0 && c.kinds[r.kind-1] == "interrupted"
}

func (c *caseData) failed(r request) bool { return r.kind > 0 && !c.interrupted(r) }

// weight is how many requests of the case one that was kept stands for.
func (c *caseData) weight() float64 {
	if k := c.Kept; k != nil && k.Requests > 0 && k.Of > k.Requests {
		return float64(k.Of) / float64(k.Requests)
	}
	return 1
}

// length is how long the case was, seconds: that of the result, or longer when a
// request ended later.
func (c *caseData) length() float64 {
	length := 0.0
	if c.Duration > 0 && c.Duration < farthest.Seconds() {
		length = c.Duration
	}
	for _, r := range c.requests {
		length = max(length, r.begin().Seconds(), r.first.Seconds(), r.end.Seconds())
	}
	return length
}

// begin is when the first request started, seconds after the begin of the case.
func (c *caseData) begin() float64 {
	for _, r := range c.requests { // sorted by that, once all are there
		if r.has&hasStarted != 0 {
			return max(r.started.Seconds(), 0)
		}
	}
	return 0
}

// sample takes a reading in.
func (c *caseData) sample(s *result.Sample, most int) {
	at := time.Unix(0, s.At).Sub(c.Started)
	if at < -farthest || at > farthest {
		c.odd++
		return
	}
	for quantity, v := range s.Values {
		if !shown(s.Kind, quantity) || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		key := sampleKey{host: s.Host, kind: s.Kind, index: s.Index, quantity: quantity}
		if s.Kind == "service" {
			key.source = s.Source
		}
		b := c.samples[key]
		if b == nil {
			if len(c.samples) >= mostSeries {
				c.crowded++
				continue
			}
			b = newBuckets(roundWidth(max(c.Duration, 0), most), most)
			c.samples[key] = b
		}
		b.add(at, v)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var nan32 = float32(math.NaN())

func nan() float64 { return math.NaN() }
