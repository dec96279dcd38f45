package metrics

import (
	"math"
	"time"

	"weir/runtime/result"
)

// Restore makes the record that a line of the file of records is about, so that what is
// computed later is computed by the same definitions. Its times are those of the wall
// clock to the microsecond, and it has no recorder. Of a line that weir has not written,
// what cannot be is left out; nil gives a record of nothing.
func Restore(q *result.Request) *Record {
	if q == nil {
		q = new(result.Request)
	}
	rec := &Record{
		Iteration: &Iteration{Scenario: q.Scenario, Index: q.Iteration, VU: q.VU, Tags: q.Tags, Begun: past},
		first:     !q.Later,
		Kind:      kindOf[q.Kind], Reused: q.Reused, Retried: q.Retried, Resent: q.Resent,
		DNS: micros(q.DNS), Connect: micros(q.Connect), TLS: micros(q.TLS), PrefillWait: micros(q.PrefillWait),
		Retransmits: q.Retransmits, BytesOut: q.BytesOut, BytesIn: q.BytesIn,
		Model: q.Model, Host: q.Host, Status: q.Status, FinishReason: q.FinishReason,
		Input: restoreCount(q.InputTokens), Output: restoreCount(q.OutputTokens),
		Reasoning: restoreCount(q.Reasoning), Cached: restoreCount(q.Cached),
		Whole: q.Kind == "llm" && len(q.TokenGaps) == 0 && q.Error == nil,
	}
	if q.Stamp == StampKernel.String() {
		rec.Stamp = StampKernel
	}
	if q.Error != nil {
		rec.Error = &Error{Kind: q.Error.Kind, Status: q.Status, Message: q.Error.Message}
	}
	if q.ScheduledAt != 0 {
		rec.Iteration.Scheduled = time.Unix(0, q.ScheduledAt)
	}
	if q.EndedAt != 0 {
		rec.End = time.Unix(0, q.EndedAt)
	}
	if q.Started == 0 {
		return rec
	}
	rec.Started = time.Unix(0, q.Started)
	at := func(us *int64) time.Time {
		if us == nil {
			return time.Time{}
		}
		return rec.Started.Add(micros(*us))
	}
	rec.Sent, rec.HeadAt = at(q.Sent), at(q.Head)
	if q.End != nil {
		rec.End = at(q.End)
	}
	if q.Scheduled != nil {
		rec.Iteration.Scheduled = at(q.Scheduled)
	}
	restoreEvents(rec, q)
	return rec
}

var kindOf = map[string]Kind{"llm": KindLLM, "http": KindHTTP, "pooling": KindPooling}

func restoreEvents(rec *Record, q *result.Request) {
	if rec.Whole { // its end is its only event
		if rec.End.IsZero() {
			return
		}
		rec.Events = []Event{{At: rec.End.Sub(rec.Started), tokens: eventTokensOf(rec.Output.N)}}
		if q.Output != nil {
			rec.FirstOutput = 1
		}
		return
	}
	rec.Events = make([]Event, len(q.TokenGaps))
	var at time.Duration
	for i, gap := range q.TokenGaps {
		if i > 0 { // arrivals of a connection never go back
			gap = max(gap, 0)
		}
		at = min(at+micros(gap), longest)
		e := Event{At: at, tokens: 1}
		if i < len(q.Tokens) {
			e.tokens = eventTokensOf(q.Tokens[i])
		}
		if i < len(q.ReadLags) {
			e.lag = uint32(max(0, min(q.ReadLags[i], math.MaxUint32)))
		}
		if q.Stamp == StampKernel.String() || e.lag > 0 { // of mixed ones, those of which a lag is known
			e.tokens |= eventKernel
		}
		if q.Output != nil && rec.FirstOutput == 0 && at >= micros(*q.Output) {
			rec.FirstOutput = i + 1
		}
		rec.Events[i] = e
	}
	marked := func(list []int, shared bool, mark func(*Event)) {
		for _, i := range list {
			if i >= 0 && i < len(rec.Events) && rec.Events[i].Shared() == shared {
				mark(&rec.Events[i])
			}
		}
	}
	marked(q.Shared, false, func(e *Event) {
		e.tokens |= eventShared | eventNarrow
		rec.Coalesced++
	})
	marked(q.ReadLate, true, func(e *Event) { e.tokens = e.tokens&^eventNarrow | eventWide })
	marked(q.Unseen, true, func(e *Event) { e.tokens &^= eventNarrow })
}

func eventTokensOf(n int) uint32 { return uint32(max(0, min(n, eventTokens))) }

// longest bounds times that are read: years.
const longest = time.Duration(math.MaxInt64 / 16)

func micros(us int64) time.Duration {
	const most = int64(longest / time.Microsecond)
	return time.Duration(max(-most, min(us, most))) * time.Microsecond
}

func restoreCount(c *result.TokenCount) Count {
	if c == nil {
		return Count{}
	}
	for s := CountNone; s < sources; s++ {
		if s.String() == c.Source && c.N >= 0 {
			return Count{N: c.N, Source: s}
		}
	}
	return Count{}
}
