package sim

import (
	"math"
	"time"
)

// record is an [Event] as the log keeps it: less than half of its size, for logs
// with millions of them, and without pointers.
type record struct {
	due, sent time.Duration
	tokens    uint32
	took      uint16 // microseconds, rounded up
	what      uint16 // kind and choice
}

// kinds are the kinds of events in the order of their numbers in a record.
var kinds = [...]EventKind{EventRole, EventTokens, EventFinish, EventUsage, EventDone, EventFault, EventBody, EventOpen}

func newRecord(ev Event) record {
	r := record{due: ev.Due, sent: ev.Sent, tokens: uint32(ev.Tokens), took: microsecondsUp(ev.Took)}
	for i, kind := range kinds {
		if kind == ev.Kind {
			r.what = uint16(i*maxChoices + ev.Choice)
		}
	}
	return r
}

func (r *record) event() Event {
	return Event{
		Kind: kinds[r.what/maxChoices], Choice: int(r.what % maxChoices), Tokens: int(r.tokens),
		Due: r.due, Sent: r.sent, Took: time.Duration(r.took) * time.Microsecond,
	}
}

func microsecondsUp(d time.Duration) uint16 {
	if d <= 0 {
		return 0
	}
	return uint16(min((d-1)/time.Microsecond+1, math.MaxUint16))
}
