package metrics

import (
	"iter"
	"time"
)

// TTFT is the time to the first token; false when there is none that was
// measured: nothing came, it was no stream, or the first token event is not
// [Event.Timed], so that its time is an upper bound.
func (r *Record) TTFT() (time.Duration, bool) {
	if len(r.Events) == 0 || r.Whole || !r.Events[0].Timed() {
		return 0, false
	}
	return r.Events[0].At, true
}

// TPOT is the time per output token: from the first to the last token event, divided by
// the tokens but one; false when there is none that was measured.
func (r *Record) TPOT() (time.Duration, bool) {
	took, ok := r.decoding()
	if !ok {
		return 0, false
	}
	return took / time.Duration(r.Output.N-1), true
}

// decoding is the time from the first to the last token event, if that is measured and
// there are tokens but the first one to divide it by.
func (r *Record) decoding() (time.Duration, bool) {
	if _, timed := r.TTFT(); !timed || r.Output.N < 2 || len(r.Events) < 2 {
		return 0, false
	}
	return r.Events[len(r.Events)-1].At - r.Events[0].At, true
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
