package dataset

import (
	"cmp"
	"errors"
	"slices"
)

// Sessions are the conversations of a dataset, each a dataset of its own in the order of its
// turns, in the order of their first items. Items without a session are one of their own.
type Sessions struct {
	list []*Dataset
}

// Sessions groups the items by their session.
func (d *Dataset) Sessions() (*Sessions, error) {
	if d.repeats {
		return nil, errors.New("sessions: items of a mix, or of a dataset that is repeated (cycle), come more than once: take the sessions before")
	}
	s := &Sessions{}
	at := map[string]int{}
	for i := range d.entries {
		e := d.entries[i]
		name := ""
		if e.details != nil {
			name = e.details.session
		}
		k, known := at[name]
		if name == "" || !known {
			k = len(s.list)
			one := *d
			one.entries, one.inexact = nil, 0
			s.list = append(s.list, &one)
			if name != "" {
				at[name] = k
			}
		}
		s.list[k].entries = append(s.list[k].entries, e)
	}
	for _, one := range s.list {
		slices.SortStableFunc(one.entries, func(a, b entry) int { return cmp.Compare(turn(&a), turn(&b)) })
	}
	return s, nil
}

func turn(e *entry) int {
	if e.details == nil {
		return 0
	}
	return e.details.turn
}

// Len is the number of sessions.
func (s *Sessions) Len() int { return len(s.list) }

// At returns session i, 0 ≤ i < Len().
func (s *Sessions) At(i int) *Dataset { return s.list[i] }
