package metrics

import "slices"

// selection is what thresholds look at by tags that single requests and values get while
// the case runs: a group, or those of a script's own values.
type selection struct {
	tags []Tag
	to   *Recorder
}

// Select returns a recorder of those requests and values that have all of the tags:
// the iteration's, its scenario, or a value's own. They are the case's all the same.
// Its Finish gives the metrics of these alone: custom ones, and those of requests but
// itl_decode; what belongs to iterations is not in it. It is called before there are
// requests, on the recorder of the whole case.
func (r *Recorder) Select(tags []Tag) *Recorder {
	if r == nil {
		return nil
	}
	to := NewRecorder(Options{ExactLimit: r.limit})
	to.whole, to.slos, to.judges = r, r.slos, r.judges
	r.selections = append(r.selections, selection{tags, to})
	return to
}

// holds tells whether something of an iteration has all tags. own are those of a value
// alone, which come first; they may be nil.
func (s *selection) holds(it *Iteration, own map[string]string) bool {
	return !slices.ContainsFunc(s.tags, func(t Tag) bool {
		v, there := own[t.Name]
		if !there && it != nil {
			if v, there = it.Tags[t.Name]; !there && t.Name == "scenario" {
				v, there = it.Scenario, true
			}
		}
		return !there || v != t.Value
	})
}

// Observe adds a value of a script's own to the case, as its recorder's Observe does.
// tags are asked for the value's own tags if anything depends on them; nil: it has none.
func (it *Iteration) Observe(name string, kind CustomKind, unit string, v float64, tags func() map[string]string) error {
	if err := it.Recorder.Observe(name, kind, unit, v); err != nil {
		return err
	}
	root := it.Recorder.root()
	if root == nil || len(root.selections) == 0 {
		return nil
	}
	var own map[string]string
	if tags != nil {
		own = tags()
	}
	for _, s := range root.selections {
		if s.holds(it, own) {
			if err := s.to.observe(name, kind, unit, v); err != nil {
				return err
			}
		}
	}
	return nil
}
