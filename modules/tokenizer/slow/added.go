package slow

import (
	"fmt"
	"slices"
)

// addedSet collects added tokens; those of the settings replace those of the model.
type addedSet struct {
	vocab map[string]int // of the model
	list  []Added
}

// put adds a token or replaces the one of the same text. A token that is in the
// model has its id there; another id gives an error, as it would give wrong ids.
func (a *addedSet) put(t Added) error {
	if t.Content == "" {
		return nil
	}
	if id, ok := a.vocab[t.Content]; ok && id != t.ID {
		return fmt.Errorf("the token %q has the id %d in the model and %d in the added tokens: are the files of one model?", t.Content, id, t.ID)
	}
	for i, other := range a.list {
		if other.Content == t.Content {
			a.list[i] = t
			return nil
		}
		if other.ID == t.ID {
			return fmt.Errorf("the added tokens %q and %q have the same id %d", other.Content, t.Content, t.ID)
		}
	}
	a.list = append(a.list, t)
	return nil
}

func (a *addedSet) find(text string) (Added, bool) {
	for _, t := range a.list {
		if t.Content == text {
			return t, true
		}
	}
	if id, ok := a.vocab[text]; ok {
		return Added{ID: id, Content: text, Special: true}, true
	}
	return Added{}, false
}

// mark makes special tokens of those that the settings name so.
func (a *addedSet) mark(s *Settings) error {
	for _, t := range s.Added {
		if err := a.put(t); err != nil {
			return err
		}
	}
	for _, text := range append([]string{s.Unk, s.BOS, s.EOS}, s.Special...) {
		if text == "" {
			continue
		}
		t, ok := a.find(text)
		if !ok { // as transformers: it gets the next id
			t = Added{ID: a.next(), Content: text}
		}
		t.Special = true
		if err := a.put(t); err != nil {
			return err
		}
	}
	slices.SortFunc(a.list, func(x, y Added) int { return x.ID - y.ID })
	return nil
}

// next is the first id behind all tokens.
func (a *addedSet) next() int {
	next := 0
	for _, id := range a.vocab {
		next = max(next, id+1)
	}
	for _, t := range a.list {
		next = max(next, t.ID+1)
	}
	return next
}
