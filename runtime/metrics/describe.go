package metrics

import (
	"time"

	"weir/runtime/result"
)

// kinds are the names of kinds in files.
var kinds = [...]string{KindLLM: "llm", KindHTTP: "http", KindPooling: "pooling"}

// Describe writes a record as the file of records has it, into room of earlier use; its
// case is not known here.
func Describe(to *result.Request, rec *Record) {
	*to = result.Request{
		Kind:         kinds[rec.Kind],
		Sent:         since(rec, rec.Sent),
		Head:         since(rec, rec.HeadAt),
		End:          since(rec, rec.End),
		DNS:          rec.DNS.Microseconds(),
		Connect:      rec.Connect.Microseconds(),
		TLS:          rec.TLS.Microseconds(),
		PrefillWait:  rec.PrefillWait.Microseconds(),
		Reused:       rec.Reused,
		Retried:      rec.Retried,
		Model:        rec.Model,
		Host:         rec.Host,
		Resent:       rec.Resent,
		Retransmits:  rec.Retransmits,
		BytesOut:     rec.BytesOut,
		BytesIn:      rec.BytesIn,
		Status:       rec.Status,
		FinishReason: rec.FinishReason,
		InputTokens:  count(rec.Input),
		OutputTokens: count(rec.Output),
		Reasoning:    count(rec.Reasoning),
		Cached:       count(rec.Cached),
		Stamp:        rec.Stamp.String(),

		TokenGaps: to.TokenGaps[:0], Tokens: to.Tokens[:0], ReadLags: to.ReadLags[:0], Shared: to.Shared[:0], ReadLate: to.ReadLate[:0], Unseen: to.Unseen[:0],
	}
	if it := rec.Iteration; it != nil {
		to.Scenario, to.Iteration, to.VU, to.Tags = it.Scenario, it.Index, it.VU, it.Tags
		if !it.Scheduled.IsZero() {
			to.ScheduledAt = it.Scheduled.UnixNano()
			to.Scheduled = since(rec, it.Scheduled)
		}
		to.Later = rec.Later()
	}
	if !rec.Started.IsZero() {
		to.Started = rec.Started.UnixNano()
	}
	if !rec.End.IsZero() {
		to.EndedAt = rec.End.UnixNano()
	}
	if rec.Error != nil {
		to.Error = &result.RequestError{Kind: rec.Error.Kind, Message: rec.Error.Message}
	}
	if rec.FirstOutput > 0 {
		to.Output = since(rec, rec.EventTime(rec.FirstOutput-1))
	}
	if !rec.Whole {
		describeEvents(to, rec.Events)
	}
}

// describeEvents writes times as gaps and leaves out what says nothing. Gaps are
// those between rounded times, so that their sums do not drift.
func describeEvents(to *result.Request, events []Event) {
	var before int64
	kernel, single, lagging := 0, true, false
	for i, e := range events {
		at := wholeMicros(e.At)
		to.TokenGaps = append(to.TokenGaps, at-before)
		before = at
		to.Tokens = append(to.Tokens, max(e.Tokens(), 1))
		to.ReadLags = append(to.ReadLags, e.Lag().Microseconds())
		single = single && e.Tokens() <= 1
		lagging = lagging || e.Lag() > 0
		if e.Shared() {
			to.Shared = append(to.Shared, i)
		}
		switch {
		case e.ReadLate():
			to.ReadLate = append(to.ReadLate, i)
		case !e.Timed():
			to.Unseen = append(to.Unseen, i)
		}
		if e.Kernel() {
			kernel++
		}
	}
	if single {
		to.Tokens = to.Tokens[:0]
	}
	if !lagging {
		to.ReadLags = to.ReadLags[:0]
	}
	switch {
	case len(events) == 0:
	case kernel == len(events):
		to.Stamp = StampKernel.String()
	case kernel == 0:
		to.Stamp = StampUser.String()
	default:
		to.Stamp = "mixed"
	}
}

// since is a time of a record as microseconds since its start; nil when it did
// not happen.
func since(rec *Record, at time.Time) *int64 {
	if at.IsZero() || rec.Started.IsZero() {
		return nil
	}
	us := wholeMicros(at.Sub(rec.Started))
	return &us
}

// wholeMicros rounds to whole microseconds.
func wholeMicros(d time.Duration) int64 { return d.Round(time.Microsecond).Microseconds() }

func count(c Count) *result.TokenCount {
	if c.Source == CountNone {
		return nil
	}
	return &result.TokenCount{N: c.N, Source: c.Source.String()}
}
