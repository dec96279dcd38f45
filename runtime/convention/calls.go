package convention

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// call is one generation as a client in Python would have timed it. Moments are counted
// from begin, and begin from the start of the case's first request.
type call struct {
	begin  time.Duration   // before its connection was opened, where that was in its way
	opened time.Duration   // how long that took; 0: the connection was open, or nobody knows
	reused bool            // the connection had carried a request before, or had been opened in advance
	head   time.Duration   // the response head was complete; 0: there was none
	events []time.Duration // token events; of an answer that was not streamed its end
	tokens []int           // of each event; nil: one each
	end    time.Duration   // the response was complete, or was given up
	output int             // number of the first event with text that is no reasoning, from 1; 0: there is none

	started   bool   // a byte was sent: without, only end is known, as a moment of the case
	scheduled bool   // there was a time at which it was to start
	whole     bool   // not streamed
	measured  bool   // the time of the first event is; otherwise it is an upper bound
	usage     bool   // the service counted the output
	kind      string // of its failure; "": it completed
	message   string
	status    int
	retried   bool // failed, and was followed by another attempt
	model     string

	in, out int // tokens; out of a failure is what came of it
	inKnown bool
}

// load is the calls of one case, in the order in which they began.
type load struct {
	of      *result.Case
	number  int // in the run, from 1
	calls   []call
	partial bool   // requests are missing: totals cannot be computed
	lacking string // why there are no calls, although there were requests
	cut     int    // requests that were cut off with the case: left out
	notes   []string
}

// limits of what a record may say: whole numbers that no sum of them overflows.
const (
	maxMicros = 1e15     // 31 years
	maxTokens = 1 << 40  //
	maxUnix   = 4e18     // nanoseconds: the year 2096
	maxEvents = 10 << 20 // of one request
	maxAnswer = 4 << 20  // tokens of all its events
)

// check refuses a record whose numbers cannot be those of a request.
func check(q *result.Request, cases int) error {
	bad := func(what string, v any) error {
		return fmt.Errorf("read records: request of iteration %d in case %d: %s is %v, which cannot be\n  hint: the file was not written by weir, or has been changed", q.Iteration, q.Case, what, v)
	}
	if q.Case < 1 || q.Case > cases {
		return fmt.Errorf("read records: a request is of case %d, and the result has %d\n  hint: the file of records is not that of this result", q.Case, cases)
	}
	for _, at := range []struct {
		name string
		us   *int64
	}{{"scheduled_us", q.Scheduled}, {"sent_us", q.Sent}, {"head_us", q.Head}, {"first_output_us", q.Output}, {"end_us", q.End}, {"dns_us", &q.DNS}, {"connect_us", &q.Connect}, {"tls_us", &q.TLS}} {
		if at.us != nil && (*at.us > maxMicros || *at.us < -maxMicros || *at.us < 0 && at.name != "scheduled_us") {
			return bad(at.name, *at.us)
		}
	}
	for _, at := range []struct {
		name string
		ns   int64
	}{{"started_unix_ns", q.Started}, {"ended_unix_ns", q.EndedAt}, {"scheduled_unix_ns", q.ScheduledAt}} {
		if at.ns < 0 || at.ns > maxUnix {
			return bad(at.name, at.ns)
		}
	}
	if len(q.TokenGaps) > maxEvents {
		return bad("the number of token events", len(q.TokenGaps))
	}
	var last int64
	for _, gap := range q.TokenGaps {
		if gap < 0 || gap > maxMicros-last {
			return bad("token_gaps_us", gap)
		}
		last += gap
	}
	left := maxAnswer
	for _, n := range q.Tokens {
		if n < 0 || n > left {
			return bad("tokens", n)
		}
		left -= n
	}
	for _, c := range []*result.TokenCount{q.InputTokens, q.OutputTokens} {
		if c != nil && (c.N < 0 || c.N > maxTokens) {
			return bad("a number of tokens", c.N)
		}
	}
	return nil
}

// eachLoad reads the requests of a run and hands over its cases in order, those without
// requests too. A case's requests lie together in the files that weir writes.
func eachLoad(run *result.Run, f func(*load) error) error {
	var calls []call
	current, seen, any := 0, int64(0), false
	flush := func(upTo int) error { // hands over the current case, and those before upTo
		for ; current < upTo; current++ {
			if current > 0 {
				if err := f(newLoad(run.Result, current, calls, seen)); err != nil {
					return err
				}
			}
			calls, seen = nil, 0
		}
		return nil
	}
	for q, err := range run.Requests() {
		if err != nil {
			return fmt.Errorf("%w\n  hint: the file must be whole and readable, as conventions are computed from it: copy it again", err)
		}
		if err := check(q, len(run.Result.Cases)); err != nil {
			return err
		}
		any = true
		if q.Case < current {
			return fmt.Errorf("read records: a request of case %d comes behind those of case %d\n  hint: the requests of a case must lie together, as weir writes them", q.Case, current)
		}
		if err := flush(q.Case); err != nil {
			return err
		}
		seen++
		if q.Kind == "llm" {
			calls = append(calls, newCall(metrics.Restore(q)))
		}
	}
	if !any {
		return noRequests(run)
	}
	return flush(len(run.Result.Cases) + 1)
}

// noRequests tells why there are none, or nothing where the run had none.
func noRequests(run *result.Run) error {
	for _, c := range run.Result.Cases {
		if c.Counts.Requests > 0 {
			return fmt.Errorf("read the requests of %s: there is neither %s nor %s in the folder\n  hint: conventions are computed from single requests; give the whole folder of the run, and repeat an old run with --records", run.Dir, result.RecordsName, result.RequestsName)
		}
	}
	return fmt.Errorf("read the requests of %s: the run has sent none", run.Dir)
}

// newLoad makes the load of the case with that number from its generations; seen is how
// many requests of it, of any kind, were in the file.
func newLoad(r *result.Result, number int, calls []call, seen int64) *load {
	l := &load{of: r.Cases[number-1], number: number}
	origin := time.Duration(math.MaxInt64)
	for i := range calls {
		if calls[i].started {
			origin = min(origin, calls[i].begin)
		}
	}
	for _, c := range calls {
		switch {
		case c.kind == "interrupted" || c.kind == "unfinished":
			l.cut++
			continue
		case c.started:
			c.begin = clip(c.begin-origin) - c.opened
		default:
			c.end = clip(c.end - origin)
		}
		l.calls = append(l.calls, c)
	}
	slices.SortStableFunc(l.calls, func(a, b call) int { return cmp.Compare(a.begin, b.begin) })
	kept, requests := l.of.Kept, l.of.Counts.Requests
	l.partial = kept != nil && kept.Every > 1 || seen < requests
	if seen == 0 && requests > 0 {
		l.lacking = fmt.Sprintf("None of the %d requests of this case is in the file.", requests)
	}
	return l
}

// newCall makes the call of a record. Its moments are still those of the wall clock, since
// 1970, and its begin is when it started.
func newCall(rec *metrics.Record) call {
	c := call{
		started: !rec.Started.IsZero(), reused: rec.Reused, retried: rec.Retried, whole: rec.Whole, status: rec.Status,
		usage: rec.Output.Source == metrics.CountUsage, in: rec.Input.N, inKnown: rec.Input.Source != metrics.CountNone,
		output: rec.FirstOutput, model: rec.Model, scheduled: !rec.Iteration.Scheduled.IsZero(),
	}
	if rec.Error != nil {
		c.kind, c.message = rec.Error.Kind, rec.Error.Message
	}
	if !c.started {
		if !rec.End.IsZero() {
			c.end = time.Duration(rec.End.UnixNano())
		}
		return c
	}
	c.opened = rec.DNS + rec.Connect + rec.TLS
	c.begin = time.Duration(rec.Started.UnixNano())
	if !rec.HeadAt.IsZero() {
		c.head = c.opened + rec.HeadAt.Sub(rec.Started)
	}
	c.events = make([]time.Duration, len(rec.Events))
	for i, e := range rec.Events {
		c.events[i] = c.opened + e.At
	}
	if rec.EventTokens() > len(rec.Events) {
		c.tokens = make([]int, len(rec.Events))
		for i, e := range rec.Events {
			c.tokens[i] = max(e.Tokens(), 1)
		}
	}
	_, c.measured = rec.TTFT()
	if !rec.End.IsZero() {
		c.end = c.opened + clip(rec.End.Sub(rec.Started))
	}
	if n := len(c.events); n > 0 { // no response ends before its last token
		c.end = max(c.end, c.events[n-1])
	}
	c.out = rec.Output.N
	if rec.Output.Source == metrics.CountNone {
		c.out = rec.EventTokens()
	}
	return c
}

// clip bounds a distance between two moments of which one may be far off.
func clip(d time.Duration) time.Duration {
	const most = maxMicros * time.Microsecond
	return max(-most, min(d, most))
}

// tokensOf is how many tokens came with event i.
func (c *call) tokensOf(i int) int {
	if c.tokens == nil {
		return 1
	}
	return c.tokens[i]
}

// last is the last token event; 0: there is none.
func (c *call) last() time.Duration {
	if n := len(c.events); n > 0 {
		return c.events[n-1]
	}
	return 0
}

func (c *call) ok() bool { return c.kind == "" }

// broken tells that the failure is one that a client which only looks at the status and
// at each event takes for a success: an error event within the stream, or a stream that
// ended without its end marker.
func (c *call) broken() bool {
	return c.status == 200 && (c.kind == "stream_error" || c.kind == "stream_incomplete")
}

// empty tells that everything went well, but there was not one token.
func (c *call) empty() bool { return c.status == 200 && c.kind == "no_output" }

// note adds a note, once.
func (l *load) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(l.notes, text) {
		l.notes = append(l.notes, text)
	}
}

// where are the calls that f holds of.
func (l *load) where(f func(*call) bool) []*call {
	var some []*call
	for i := range l.calls {
		if f(&l.calls[i]) {
			some = append(some, &l.calls[i])
		}
	}
	return some
}

// span is from the first begin to the last end of calls, with their ends as end gives
// them; 0 without any that started.
func span(calls []*call, end func(*call) time.Duration) time.Duration {
	first, last := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for _, c := range calls {
		if c.started {
			first = min(first, c.begin)
			last = max(last, c.begin+end(c))
		} else {
			last = max(last, c.end)
		}
	}
	if first > last {
		return 0
	}
	return last - first
}

// ended is when a response was complete.
func ended(c *call) time.Duration { return c.end }
