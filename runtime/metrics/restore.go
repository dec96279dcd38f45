package metrics

import (
	"iter"
	"time"

	"weir/runtime/result"
)

// Restore makes the record that a line of the file of records is about, so that what is
// computed later is computed by the same definitions. Its times are those of the wall
// clock to the microsecond, and it has no recorder.
func Restore(q *result.Request) *Record {
	rec := &Record{
		Iteration: &Iteration{Scenario: q.Scenario, Index: q.Iteration, VU: q.VU, Tags: q.Tags},
		Kind:      kindOf[q.Kind], Reused: q.Reused, Retried: q.Retried, Resent: q.Resent,
		DNS: micros(q.DNS), Connect: micros(q.Connect), TLS: micros(q.TLS), PrefillWait: micros(q.PrefillWait),
		Retransmits: q.Retransmits, BytesOut: q.BytesOut, BytesIn: q.BytesIn,
		Model: q.Model, Host: q.Host, Status: q.Status, FinishReason: q.FinishReason,
		Input: restoreCount(q.InputTokens), Output: restoreCount(q.OutputTokens),
		Reasoning: restoreCount(q.Reasoning), Cached: restoreCount(q.Cached),
		Whole: q.Kind == "llm" && q.TokenGaps == nil && q.Error == nil,
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
		rec.Events = []Event{{At: rec.End.Sub(rec.Started), tokens: eventTokensOf(rec.Output.N)}}
		if q.Output != nil {
			rec.FirstOutput = 1
		}
		return
	}
	rec.Events = make([]Event, len(q.TokenGaps))
	var at time.Duration
	for i, gap := range q.TokenGaps {
		at += micros(gap)
		e := Event{At: at, tokens: 1}
		if i < len(q.Tokens) {
			e.tokens = eventTokensOf(q.Tokens[i])
		}
		if i < len(q.ReadLags) {
			e.lag = uint32(q.ReadLags[i])
		}
		if q.Stamp == StampKernel.String() {
			e.tokens |= eventKernel
		}
		if q.Output != nil && rec.FirstOutput == 0 && at >= micros(*q.Output) {
			rec.FirstOutput = i + 1
		}
		rec.Events[i] = e
	}
	for _, i := range q.Shared {
		if i >= 0 && i < len(rec.Events) {
			rec.Events[i].tokens |= eventShared | eventNarrow
			rec.Coalesced++
		}
	}
	for _, i := range q.ReadLate {
		if i >= 0 && i < len(rec.Events) {
			rec.Events[i].tokens = rec.Events[i].tokens&^eventNarrow | eventWide
		}
	}
}

func eventTokensOf(n int) uint32 { return uint32(max(0, min(n, eventTokens))) }

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func restoreCount(c *result.TokenCount) Count {
	if c == nil {
		return Count{}
	}
	for s := CountNone; s < sources; s++ {
		if s.String() == c.Source {
			return Count{N: c.N, Source: s}
		}
	}
	return Count{}
}

// TPOT is the time per output token: from the first to the last token event, divided by
// the tokens but one; false when there is none that was measured.
func (r *Record) TPOT() (time.Duration, bool) {
	if _, timed := r.TTFT(); !timed || r.Output.N < 2 || len(r.Events) < 2 {
		return 0, false
	}
	return (r.Events[len(r.Events)-1].At - r.Events[0].At) / time.Duration(r.Output.N-1), true
}

// E2EL is the end-to-end latency: to the last token event of a generation, to the end of
// any other request; false when it failed or had no event.
func (r *Record) E2EL() (time.Duration, bool) {
	switch {
	case r.Error != nil || r.Started.IsZero():
		return 0, false
	case r.Kind != KindLLM:
		return r.End.Sub(r.Started), true
	case len(r.Events) == 0:
		return 0, false
	}
	return r.Events[len(r.Events)-1].At, true
}

// Gaps yields the gaps between measured arrivals of token events, which are the samples
// of itl: from when to when, after Started. Events that came together are one arrival.
func (r *Record) Gaps() iter.Seq2[time.Duration, time.Duration] {
	return func(yield func(from, to time.Duration) bool) {
		if r.Whole {
			return
		}
		var gaps gapper
		for i, e := range r.Events {
			if from, ok := gaps.next(e, i == len(r.Events)-1); ok && !yield(from, e.At) {
				return
			}
		}
	}
}
