package metrics

import (
	"math/bits"
	"slices"
	"time"
)

// What is looked at while a case runs comes from counters of its own: numbers that only
// grow, and histograms of a few hundred buckets, which anybody may read at any time for
// the price of copying them. A shard has its own, and a stream adds to them what has
// come every quarter of a second rather than with each event, so that they cost the
// measurement nothing that could be measured. They are for progress and for services
// that watch; what is reported at the end is computed from the samples.
//
// A latency is counted when it is known: ttft, itl and the read lag while the answer
// streams, the others when the request has ended. So those three hold requests, too,
// that fail later on.

// liveInterval is how often a stream adds what has come.
const liveInterval = 250 * time.Millisecond

// Live is how far a case is.
type Live struct {
	Ended, Failed int64     // requests that ended, in whatever way; of those, failed ones
	Open          int       // requests that have begun and not ended
	Failures      []Failure // by kind and status; they do not add up to Failed while requests end

	InputTokens  int64 // of requests that ended, failed and interrupted ones included
	OutputTokens int64 // of the same ones, as they are reported: usage, where the service tells it
	OpenTokens   int64 // that have come of answers that still stream; may fall as they end

	Events   int64 // token events
	Shared   int64 // of those: read together with a later part of the stream …
	ReadLate int64 // … and known to have been read late

	TTFT, ITL, TPOT, E2EL Histogram
	HTTP                  Histogram // http_req_duration
	StartLag              Histogram // of what has a schedule: only the part that is the client's doing
	ReadLag               Histogram // of arrivals that the kernel has stamped
}

// Failure is how many requests failed in one way.
type Failure struct {
	Kind   string // one of ErrorKinds
	Status int    // HTTP status; 0: none
	Count  int64
}

// Live reads the counters; it is cheap.
func (r *Recorder) Live() Live {
	r = r.root()
	if r == nil {
		return Live{}
	}
	l := Live{Open: r.Open()}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.live.addTo(&l)
		s.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.errors {
		if g.Scope == "request" {
			l.Failures = append(l.Failures, Failure{g.Kind, g.Status, g.Count})
		}
	}
	return l
}

// liveCounters are those of a shard.
type liveCounters struct {
	ended, failed                         int64
	inputTokens, outputTokens, openTokens int64
	events, shared, readLate              int64
	latencies                             [liveLatencies]buckets
}

const (
	liveTTFT = iota
	liveITL
	liveTPOT
	liveE2EL
	liveHTTP
	liveStartLag
	liveReadLag
	liveLatencies // how many there are
)

func (c *liveCounters) addTo(l *Live) {
	l.Ended += c.ended
	l.Failed += c.failed
	l.InputTokens += c.inputTokens
	l.OutputTokens += c.outputTokens
	l.OpenTokens += c.openTokens
	l.Events += c.events
	l.Shared += c.shared
	l.ReadLate += c.readLate
	for id, to := range [...]*Histogram{
		liveTTFT: &l.TTFT, liveITL: &l.ITL, liveTPOT: &l.TPOT, liveE2EL: &l.E2EL, liveHTTP: &l.HTTP,
		liveStartLag: &l.StartLag, liveReadLag: &l.ReadLag,
	} {
		c.latencies[id].addTo(to)
	}
}

// liveState is what of a record the live counters have.
type liveState struct {
	due     time.Duration // when the next events are added, after the record's Started
	events  int           // that have been added
	tokens  int           // of those
	gaps    gapper
	started bool // its start lag has been added
}

// progress adds what has come of a stream, but for its newest event: what follows may
// show that this is shared.
func (r *Recorder) progress(rec *Record) {
	if r = r.root(); r == nil {
		return
	}
	s := &r.shards[int(rec.shard)%len(r.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.follow(rec, len(rec.Events)-1)
}

// follow adds the events of a stream up to a number.
func (c *liveCounters) follow(rec *Record, to int) {
	l := &rec.live
	if !l.started && to > 0 {
		l.started = true
		c.start(rec)
	}
	for i := l.events; i < to; i++ {
		e := rec.Events[i]
		c.openTokens += int64(max(e.Tokens(), 1))
		l.tokens += max(e.Tokens(), 1)
		if e.Shared() {
			c.shared++
		}
		if e.ReadLate() {
			c.readLate++
		}
		last := i == len(rec.Events)-1
		if e.Kernel() && (last || !e.Shared()) {
			c.latencies[liveReadLag].add(e.Lag())
		}
		if rec.Whole {
			continue
		}
		if i == 0 && e.Timed() {
			c.latencies[liveTTFT].add(e.At)
		}
		if from, ok := l.gaps.next(e, last); ok {
			c.latencies[liveITL].add(e.At - from)
		}
	}
	c.events += int64(to - l.events)
	l.events = to
}

// start adds the start lag.
func (c *liveCounters) start(rec *Record) {
	if !rec.Started.IsZero() && !rec.scheduled().IsZero() {
		c.latencies[liveStartLag].add(clientShare(rec))
	}
}

// end adds what is known of a request when it has ended.
func (c *liveCounters) end(rec *Record) {
	c.follow(rec, len(rec.Events))
	if !rec.live.started {
		c.start(rec)
	}
	c.openTokens -= int64(rec.live.tokens)
	c.ended++
	c.inputTokens += int64(rec.Input.N)
	c.outputTokens += int64(rec.Output.N)
	if rec.Error != nil {
		if !interrupted(rec.Error) {
			c.failed++
		}
		return
	}
	if d, ok := rec.TPOT(); ok {
		c.latencies[liveTPOT].add(d)
	}
	if d, ok := rec.E2EL(); ok {
		if rec.Kind == KindHTTP {
			c.latencies[liveHTTP].add(d)
		} else {
			c.latencies[liveE2EL].add(d)
		}
	}
}

// gapper tells the gaps between arrivals of token events, one event after another.
// Events that came together are one arrival; around those that were read late, nothing
// is known.
type gapper struct {
	before time.Duration // the arrival before, after the record's Started …
	known  bool          // … which there is, and whose time is known
}

// next takes an event; last says that none follows it. When it ends a gap, from is where
// that began.
func (g *gapper) next(e Event, last bool) (from time.Duration, ok bool) {
	if e.ReadLate() {
		g.known = false
	}
	if e.Shared() && !last {
		return 0, false
	}
	from, ok = g.before, g.known
	g.before, g.known = e.At, true
	return from, ok
}

// The buckets of a histogram are those of floating-point numbers with three bits behind
// the first: each power of two of nanoseconds is split into eight, so that a bucket is
// at most an eighth wider than its lower bound.
const (
	bucketBits  = 3
	bucketFirst = 13 // log₂ of the first upper bound, ns: 8.2 µs
	bucketLast  = 43 // log₂ of the last one: 2.4 hours
	bucketCount = (bucketLast-bucketFirst)<<bucketBits + 2
)

// bounds are the upper bounds of all buckets but the last, ms.
var bounds = func() []float64 {
	list := make([]float64, bucketCount-1)
	for i := range list {
		octave, part := i>>bucketBits, i&(1<<bucketBits-1)
		list[i] = ms(time.Duration((1<<bucketBits + part) << (bucketFirst - bucketBits + octave)))
	}
	return list
}()

// bucketOf is the number of the bucket that a latency is in: the first whose bound is
// above it.
func bucketOf(d time.Duration) int {
	if d < 1<<bucketFirst {
		return 0
	}
	octave := bits.Len64(uint64(d)) - 1
	if octave >= bucketLast {
		return bucketCount - 1
	}
	part := int(d>>(octave-bucketBits)) & (1<<bucketBits - 1)
	return 1 + (octave-bucketFirst)<<bucketBits + part
}

// buckets is a histogram that is added to.
type buckets struct {
	counts [bucketCount]int64
	n      int64
	sum    time.Duration
}

func (b *buckets) add(d time.Duration) {
	b.counts[bucketOf(d)]++
	b.n++
	b.sum += d
}

func (b *buckets) addTo(h *Histogram) {
	if b.n == 0 {
		return
	}
	if h.Counts == nil {
		h.Counts = make([]int64, bucketCount)
	}
	for i, n := range b.counts {
		h.Counts[i] += n
	}
	h.N += b.n
	h.Sum += ms(b.sum)
}

// Histogram is a distribution of latencies as it is seen while a case runs. Its zero value
// has no samples. Whoever has one may keep it: it does not change.
type Histogram struct {
	Counts []int64 // samples below each of the Bounds and not below the one before; the last ones are not below any. nil: no samples
	N      int64   // samples
	Sum    float64 // of them, ms
}

// Bounds are the upper bounds of all buckets but the last, ms: the same for all
// histograms. Nobody may change them.
func (Histogram) Bounds() []float64 { return bounds }

// Sub is what has come since an earlier look at the same histogram.
func (h Histogram) Sub(before Histogram) Histogram {
	if before.N == 0 {
		return h
	}
	d := Histogram{Counts: slices.Clone(h.Counts), N: h.N - before.N, Sum: h.Sum - before.Sum}
	for i, n := range before.Counts {
		d.Counts[i] -= n
	}
	return d
}

// Quantile is the percentile p, 0 to 100, ms: within a bucket as if its samples lay evenly
// in it, so that it is off by some per cent at most. It is false without samples.
func (h Histogram) Quantile(p float64) (v float64, ok bool) {
	if h.N <= 0 {
		return 0, false
	}
	rank := min(max(p, 0), 100) / 100 * float64(h.N)
	below, low := 0.0, 0.0
	for i, n := range h.Counts {
		if n > 0 && below+float64(n) >= rank {
			if i == len(bounds) {
				return low, true
			}
			return low + (bounds[i]-low)*(rank-below)/float64(n), true
		}
		below += float64(n)
		if i < len(bounds) {
			low = bounds[i]
		}
	}
	return low, true
}

// Mean is false without samples.
func (h Histogram) Mean() (v float64, ok bool) {
	if h.N <= 0 {
		return 0, false
	}
	return h.Sum / float64(h.N), true
}
