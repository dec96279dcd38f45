package metrics

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/result"
)

// DefaultExactLimit is how many samples a metric keeps exactly.
const DefaultExactLimit = 1_000_000

// Options configure a Recorder.
type Options struct {
	// ExactLimit is the number of samples of one metric up to which percentiles
	// are exact; past it they come from a histogram. 0: DefaultExactLimit.
	ExactLimit int
	// SLOs are what requests are held against, for the case's goodput; nil: none.
	SLOs SLOs
	// Keep is called by Close with every finished record, before it goes back to
	// the pool: it may read the record until it returns, and keep nothing of it.
	// Many goroutines call it at once. It returns for how long it held its caller
	// back because whatever it writes to did not keep up. nil: nobody wants them.
	Keep func(*Record) (waited time.Duration)
	// KeptBytes is about how much memory requests that have ended are kept in, for
	// [Recorder.Requests]. When they would take more, every second one is given up, and so
	// on. 0: none are kept.
	KeptBytes int64
	// Window is which of the case's windows its numbers are of, where there is one:
	// result.WindowAll or result.WindowSteady. "": WindowAll. Windows are found where
	// requests are kept.
	Window string
	// Load is what the windows depend on besides the requests.
	Load Load
}

// Recorder collects the records of one case.
//
// All methods may be called from any goroutine. A nil *Recorder takes everything
// and discards it; its Finish returns a case without requests.
type Recorder struct {
	limit    int
	keep     func(*Record) time.Duration
	whole    *Recorder // that this one is a part of; nil: it is the whole case
	slos     limits
	judges   bool      // it has SLOs, or a part of it has
	origin   time.Time // what prefill and gap times are relative to
	prefills prefillLog
	kept     kept
	timeline *timeline // nil: no requests are kept
	load     Load
	window   string
	steady   steady
	shards   []shard
	dist     [distributions]collector

	selections []selection // of the whole case; made before there are requests
	long       atomic.Bool // some metric has passed the exact limit

	begun  atomic.Int64 // requests begun
	closed atomic.Int64 // of those, requests closed
	sealed atomic.Bool  // Finish was called: what is closed from then on is discarded
	waits  atomic.Int64 // calls of keep that waited …
	waited atomic.Int64 // … and for how long, ns

	mu sync.Mutex // protects the following fields

	errors []*result.ErrorGroup
	checks []*result.Check
	custom map[string]*custom
	client *result.Client

	wake chan struct{} // closed when the last open request ends; nil: nobody waits
}

// NewRecorder makes a recorder for one case.
func NewRecorder(o Options) *Recorder {
	if o.ExactLimit <= 0 {
		o.ExactLimit = DefaultExactLimit
	}
	r := &Recorder{
		limit:  o.ExactLimit,
		slos:   o.SLOs.limits(),
		judges: len(o.SLOs) > 0,
		keep:   o.Keep,
		kept:   kept{most: o.KeptBytes},
		load:   o.Load,
		window: o.Window,
		origin: time.Now(),
		shards: make([]shard, runtime.GOMAXPROCS(0)),
		custom: map[string]*custom{},
	}
	if o.KeptBytes > 0 {
		r.timeline = newTimeline()
	}
	for i := range r.shards {
		r.shards[i].recorder = r
	}
	for id := range r.dist {
		r.dist[id].limit = r.limit
		r.dist[id].scale = countScale
		if distributionNames[id].unit == "ms" {
			r.dist[id].scale = millisecondScale
		}
	}
	return r
}

// Announce registers a request that will be begun, or closed without that: from
// now on WaitClosed waits for it.
func (r *Recorder) Announce(rec *Record) {
	if r = r.root(); r != nil && !rec.begun {
		rec.begun = true
		rec.number = r.begun.Add(1) - 1
	}
}

// Begin registers that rec's request is about to be handed to the kernel: it
// sets rec.Started, and for a generation its prefill begins. A request that is
// sent again on another connection may begin again; then the last start counts.
func (r *Recorder) Begin(rec *Record) {
	if r == nil {
		rec.Started = time.Now()
		return
	}
	r = r.root()
	r.Announce(rec)
	if it := rec.Iteration; it != nil && it.Begun != nil && it.Begun.CompareAndSwap(false, true) {
		rec.first = true
	}
	r.endPrefill(rec, time.Now())
	if rec.Kind != KindLLM {
		rec.Started = time.Now()
		return
	}
	var at int64
	rec.Started, at = r.prefills.begin(r.origin, rec.logged)
	if !rec.logged {
		rec.logged, rec.entered = true, at
	}
	rec.prefilling, rec.prefill = true, at
}

// First registers that rec.Events has its first token event: the prefill ended then.
func (r *Recorder) First(rec *Record) {
	if r = r.root(); r != nil && len(rec.Events) > 0 {
		r.endPrefill(rec, rec.EventTime(0))
	}
}

// endPrefill ends the prefill of rec if it has one that is under way.
func (r *Recorder) endPrefill(rec *Record, at time.Time) {
	if rec.prefilling {
		r.prefills.finish(rec.prefill, int64(at.Sub(r.origin)))
		rec.prefilling = false
	}
}

// Close takes the finished record, which goes back to the pool: the caller may
// not touch it afterwards. A record that was never begun (no connection) counts
// as a request all the same.
func (r *Recorder) Close(rec *Record) {
	if r == nil {
		release(rec)
		return
	}
	part := r
	r = r.root()
	r.Announce(rec)
	r.First(rec)
	if rec.End.IsZero() {
		rec.End = time.Now()
	}
	r.endPrefill(rec, rec.End)
	rec.Output = output(rec)
	if r.sealed.Load() { // Finish has reported it as open
		release(rec)
		r.end()
		return
	}

	j := part.slos.judge(rec)
	if part != r {
		part.takePart(rec, j)
	}
	for _, s := range r.selections {
		if s.holds(rec.Iteration, nil) {
			s.to.takePart(rec, j)
		}
	}
	r.shards[int(rec.shard)%len(r.shards)].take(rec, j)
	r.mark(rec)
	if rec.Error != nil && !interrupted(rec.Error) {
		r.mu.Lock()
		r.group("request", rec.Error.Kind, rec.Error.Status, rec.Error.Message)
		r.mu.Unlock()
	}
	if r.keep != nil {
		if waited := r.keep(rec); waited > 0 {
			r.waits.Add(1)
			r.waited.Add(int64(waited))
		}
	}
	release(rec)
	r.end()
}

// end counts a begun request as closed and wakes those who wait for the last one.
func (r *Recorder) end() {
	r.closed.Add(1)
	if r.Open() > 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// group counts an error. There are only a few groups, so they are searched. The
// caller holds r.mu.
func (r *Recorder) group(scope, kind string, status int, message string) {
	for _, g := range r.errors {
		if g.Scope == scope && g.Kind == kind && g.Status == status {
			g.Count++
			return
		}
	}
	r.errors = append(r.errors, &result.ErrorGroup{Scope: scope, Kind: kind, Status: status, Count: 1, Message: message})
}

// Check counts one evaluation of a named check.
func (r *Recorder) Check(name string, ok bool) {
	if r == nil {
		return
	}
	r.whole.Check(name, ok)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.check(name)
	if ok {
		c.Passes++
	} else {
		c.Fails++
	}
}

func (r *Recorder) check(name string) *result.Check {
	for _, c := range r.checks {
		if c.Name == name {
			return c
		}
	}
	c := &result.Check{Name: name}
	r.checks = append(r.checks, c)
	return c
}

// IterationFailed keeps the message of an iteration that failed. How many
// iterations there were is told to Finish.
func (r *Recorder) IterationFailed(kind, message string) {
	if r == nil {
		return
	}
	r.whole.IterationFailed(kind, message)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group("iteration", kind, 0, message)
}

// SetClient tells what this process used while the case was measured: the case's
// Client, on which some of the validity rules depend. It comes before Finish.
func (r *Recorder) SetClient(c *result.Client) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client = c
}

// Open is the number of requests that have begun and are not closed.
func (r *Recorder) Open() int {
	if r == nil {
		return 0
	}
	closed := r.closed.Load() // first: what is begun in between must not make it negative
	return int(r.begun.Load() - closed)
}

// WaitClosed returns when no request is open, or with the context's cause.
func (r *Recorder) WaitClosed(ctx context.Context) error {
	for r.Open() > 0 {
		r.mu.Lock()
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		wake := r.wake
		r.mu.Unlock()
		if r.Open() == 0 { // it may have ended before there was somebody to wake
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Finish computes the case: all but its name, tags and warm-up. Of counts only
// the iterations are read. thresholds are those of CheckThresholds, of which a selector
// is about this recorder, whatever it says. The
// recorder is used up: Finish may be called once, when all requests are closed;
// what is open nevertheless is an error, and is discarded when it is closed.
func (r *Recorder) Finish(counts result.Counts, thresholds map[string][]string, rules Rules) *result.Case {
	if r == nil {
		r = NewRecorder(Options{})
	}
	open := r.Open()
	r.sealed.Store(true)
	sums := r.gather()
	r.mu.Lock()
	defer r.mu.Unlock()
	if open > 0 {
		r.errors = append(r.errors, &result.ErrorGroup{Scope: "request", Kind: "unfinished", Count: int64(open),
			Message: "still open when the case had ended, though it was given up; in no number"})
	}

	c := &result.Case{Counts: counts, Started: sums.first, Client: r.client}
	if c.Started.IsZero() {
		c.Started = r.origin
	} else {
		c.Duration = sums.last.Sub(sums.first).Seconds()
	}
	c.Counts.Requests = sums.requests
	c.Counts.RequestsFailed = sums.failed
	c.Counts.RequestsCut = sums.cut
	c.Counts.Resent = sums.resent
	c.Counts.Retried = sums.retried
	c.Tokens = result.TokenSources{Input: bySource(sums.sourceIn), Output: bySource(sums.sourceOut)}
	c.Stamps = map[string]int64{}
	for source, n := range sums.stamps {
		if n > 0 {
			c.Stamps[StampSource(source).String()] = n
		}
	}
	c.TokenEvents = sums.findings.events
	c.Connections = sums.connections
	if n := r.waits.Load(); n > 0 {
		c.RecordsWait = &result.RecordsWait{Count: n, Total: time.Duration(r.waited.Load()).Seconds()}
	}
	c.Errors = errorGroups(r.errors)
	c.Checks = make([]result.Check, 0, len(r.checks))
	for _, check := range r.checks {
		c.Checks = append(c.Checks, *check)
	}
	own := r.distribution(clientLag)
	r.describe(c, &sums)
	r.intervals(c)
	rules.unsteady = r.findWindows(c, &sums)
	rules.shown = r.shown(c)
	c.Validity = rules.judge(c, &sums.findings, own)
	r.showWindow(c)
	r.showPart(c)
	c.Thresholds = evaluate(thresholds, c.Metrics, c.Validity.Verdict)
	return c
}

// gather brings together what the shards have.
func (r *Recorder) gather() sums {
	var all sums
	for i := range r.shards {
		all.merge(r.shards[i].flush())
	}
	for _, length := range r.prefills.rest(nil) {
		r.dist[itlDecode].take([]float64{ms(time.Duration(length))}, &r.long)
	}
	// Which metrics are exact must not depend on what came first.
	for id := range r.dist {
		r.dist[id].take(nil, &r.long)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.custom {
		c.trend.take(nil, &r.long)
	}
	return all
}

// Warmup sums the warm-up's requests up, of which no metrics are reported. It
// stands in for Finish.
func (r *Recorder) Warmup(iterations int64) *result.Warmup {
	w := &result.Warmup{Iterations: iterations, Errors: []result.ErrorGroup{}}
	if r == nil {
		return w
	}
	sums := r.gather()
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Requests, w.Failed = sums.requests, sums.failed
	w.Errors = errorGroups(r.errors)
	return w
}

func errorGroups(groups []*result.ErrorGroup) []result.ErrorGroup {
	list := make([]result.ErrorGroup, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	return list
}

func bySource(n [sources]int64) map[string]int64 {
	m := map[string]int64{}
	for source, n := range n {
		if n > 0 {
			m[CountSource(source).String()] = n
		}
	}
	return m
}

// interrupted tells a request that was cut off with its iteration from a failed one.
func interrupted(e *Error) bool { return e.Kind == "interrupted" }
