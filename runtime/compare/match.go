package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/result"
)

// caseRun is a case of one of the runs.
type caseRun struct {
	run    *Run
	number int // of the case, from 1
	*result.Case
}

// point is a case as the plan has it: with its repetitions, in one run or in several.
type point struct {
	name    string
	tags    map[string]string // that tell cases apart
	ordinal int               // of those with the same tags and name in a run, from 0
	runs    []caseRun
}

func (p *point) key() string { return tagText(p.tags) }

// tagText writes tags in the order of their names.
func tagText(tags map[string]string) string {
	parts := make([]string, 0, len(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		parts = append(parts, name+"="+tags[name])
	}
	return strings.Join(parts, ", ")
}

// drawn are tags that tell what a case happened to draw, not what its load was.
var drawn = []string{"seed", "attempt"}

// points puts the cases of runs together: repetitions of a case in a run, and the same
// case in several runs. only names the tags that count; none: all do, but those that
// are drawn or that a script has chosen by itself.
func points(runs []*Run, only []string, chosen map[string]bool) []*point {
	var all []*point
	at := map[string]*point{}
	for _, r := range runs {
		seen := map[string]int{}
		for i, c := range r.Result.Cases {
			p := &point{name: c.Name, tags: map[string]string{}}
			for name, value := range c.Tags {
				if len(only) > 0 && !slices.Contains(only, name) || len(only) == 0 && (slices.Contains(drawn, name) || chosen[name]) {
					continue
				}
				p.tags[name] = plain(value)
			}
			same := p.key() + "\n" + p.name
			repetition := fmt.Sprintf("%s\n%d", same, c.Repeat)
			p.ordinal = seen[repetition]
			seen[repetition]++
			id := fmt.Sprintf("%s\n%d", same, p.ordinal)
			if at[id] == nil {
				at[id] = p
				all = append(all, p)
			}
			at[id].runs = append(at[id].runs, caseRun{r, i + 1, c})
		}
	}
	return all
}

// plain is a tag's value as text: the same for 8 and "8".
func plain(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// How two cases were found to be the same.
const (
	byTags  = "tags"
	byName  = "name"
	byOrder = "order"
)

type matched struct {
	base, new *point
	by        string
}

// match pairs points: by their tags, where these tell them apart on both sides, then by
// tags and name, by the name alone, and by their order where both have the same name.
// What is left is in one of the sides only; if each side has just one case, they are a
// pair.
func match(base, new []*point) (pairs []matched, onlyBase, onlyNew []*point) {
	of := map[*point]matched{}
	left := map[*point]bool{}
	for _, p := range new {
		left[p] = true
	}
	pass := func(by string, key func(*point) string) {
		count := map[string]int{}
		for _, p := range base {
			if _, done := of[p]; !done {
				count[key(p)]++
			}
		}
		there := map[string][]*point{}
		for _, p := range new {
			if left[p] {
				there[key(p)] = append(there[key(p)], p)
			}
		}
		for _, p := range base {
			k := key(p)
			if _, done := of[p]; done || k == "" || count[k] != 1 || len(there[k]) != 1 {
				continue
			}
			of[p] = matched{p, there[k][0], by}
			delete(left, there[k][0])
		}
	}
	pass(byTags, (*point).key)
	pass(byName, func(p *point) string { return fmt.Sprintf("%s\n%s", p.key(), p.name) })
	pass(byName, func(p *point) string { return p.name })
	pass(byOrder, func(p *point) string { return fmt.Sprintf("%s\n%s\n%d", p.key(), p.name, p.ordinal) })
	pass(byOrder, func(p *point) string { return fmt.Sprintf("%s\n%d", p.name, p.ordinal) })
	if len(base) == 1 && len(new) == 1 {
		pass(byOrder, func(*point) string { return "the only one" })
	}
	for _, p := range base {
		if m, ok := of[p]; ok {
			pairs = append(pairs, m)
		} else {
			onlyBase = append(onlyBase, p)
		}
	}
	for _, p := range new {
		if left[p] {
			onlyNew = append(onlyNew, p)
		}
	}
	return pairs, onlyBase, onlyNew
}
