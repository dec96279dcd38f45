package runtime

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/suggest"
)

// scenarioTag is the tag that every scenario has: its name.
const scenarioTag = "scenario"

// selected are the scenarios of a case that have all of some tags, by name; "" stands
// for the whole case, when all of them have. The only scenario of a case is the case.
func (c *caseSpec) selected(tags []metrics.Tag) (parts []string) {
	for _, s := range c.scenarios {
		if s.has(tags) {
			parts = append(parts, s.name)
		}
	}
	if len(parts) == len(c.scenarios) {
		return []string{""}
	}
	return parts
}

// has tells whether a scenario has all of the tags. Values compare as their text.
func (s *scenario) has(tags []metrics.Tag) bool {
	return !slices.ContainsFunc(tags, func(t metrics.Tag) bool {
		if t.Name == scenarioTag {
			return t.Value != s.name
		}
		v, there := s.tags[t.Name]
		return !there || t.Value != tagText(v)
	})
}

// groupTag is the tag of requests and values inside of a script's group().
const groupTag = "group"

// ofCase are metrics that are the whole case's or its scenarios': they have no requests
// or values of their own that could have tags.
var ofCase = []string{"validity", "checks", "iteration_failed", "itl_decode"}

// mayHave tells whether requests or values of a case may get the tags while it runs,
// besides those that its scenarios have: a group, or what a script gives to its own
// values.
func (r *run) mayHave(c *caseSpec, on metrics.Selector) bool {
	if slices.Contains(ofCase, on.Metric) {
		return false
	}
	own := false
	if r.Custom != nil {
		_, own = r.Custom()[on.Metric]
	}
	return slices.ContainsFunc(c.scenarios, func(s *scenario) bool {
		var known []metrics.Tag
		for _, t := range on.Tags {
			if _, has := s.tags[t.Name]; has || t.Name == scenarioTag {
				known = append(known, t)
			} else if t.Name != groupTag && !own {
				return false
			}
		}
		return len(known) < len(on.Tags) && s.has(known)
	})
}

// label is what a threshold on a part of a case is called in the result.
func label(on metrics.Selector, part string) string {
	named := slices.ContainsFunc(on.Tags, func(t metrics.Tag) bool { return t.Name == scenarioTag })
	if part != "" && !named {
		on.Tags = append(slices.Clone(on.Tags), metrics.Tag{Name: scenarioTag, Value: part})
	}
	return on.String()
}

// tagText is a tag's value as selectors and records have it: as JavaScript writes it.
func tagText(v any) string {
	if f, ok := v.(float64); ok {
		if text, err := json.Marshal(f); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}

// tagSet is the values that tags have, by name, in the order in which they came up.
type tagSet map[string][]string

func (s tagSet) add(name, value string) {
	if !slices.Contains(s[name], value) {
		s[name] = append(s[name], value)
	}
}

// addCase adds the tags of all scenarios of a case.
func (s tagSet) addCase(c *caseSpec) {
	for _, part := range c.scenarios {
		s.add(scenarioTag, part.name)
		for name, v := range part.tags {
			s.add(name, tagText(v))
		}
	}
}

// shownValues is how many values of a tag a message names.
const shownValues = 8

func (s tagSet) values(name string) string {
	all := s[name]
	if more := len(all) - shownValues; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:shownValues], ", "), more)
	}
	return strings.Join(all, ", ")
}

func (s tagSet) String() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		all = append(all, name+": "+s.values(name))
	}
	return strings.Join(all, "; ")
}

// lack says why nothing has all of some tags. who is what has those of s.
func (s tagSet) lack(tags []metrics.Tag, who string) string {
	for _, t := range tags {
		switch values, known := s[t.Name]; {
		case !known:
			hint := ""
			if near := suggest.Nearest(t.Name, slices.Sorted(maps.Keys(s))); near != "" {
				hint = "did you mean " + near + "? "
			}
			return fmt.Sprintf("%s has no tag %s; %sthe tags are %s", who, t.Name, hint, s)
		case !slices.Contains(values, t.Value):
			return fmt.Sprintf("%s has no %s %s, only %s", who, t.Name, t.Value, s.values(t.Name))
		}
	}
	return fmt.Sprintf("%s has each of the tags, but nothing has them together; the tags are %s", who, s)
}

// judged notes that a case was played, and which of the run's thresholds it has judged.
func (r *run) judged(c *caseSpec, found *result.Case) {
	r.tags.addCase(c)
	for _, t := range found.Thresholds {
		r.applied[t.Metric] = true // also those that requests or values have had the tags of
	}
	for metric := range c.inRun {
		r.sought[metric] = true
	}
	for metric, list := range c.thresholds {
		if len(c.selected(list[0].on.Tags)) > 0 {
			r.applied[metric] = true
		}
	}
}

// unjudged are the thresholds of the run that no case has judged, as none has the tags
// that they name.
func (r *run) unjudged() (list []result.Threshold) {
	if len(r.Result.Cases) == 0 {
		return nil
	}
	all := maps.Clone(r.options.thresholds)
	all.add(r.options.limits)
	who := "the run"
	if r.stopped() {
		who = "the run, which ended early,"
	}
	for _, metric := range slices.Sorted(maps.Keys(all)) {
		if r.applied[metric] {
			continue
		}
		for _, t := range all[metric] {
			note := r.tags.lack(t.on.Tags, "no case has judged it: "+who)
			if r.sought[metric] {
				note = "no case has judged it: nothing of the run had these tags"
			}
			list = append(list, result.Threshold{Metric: metric, Expr: t.expr, Note: note})
		}
	}
	return list
}
