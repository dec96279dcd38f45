package compare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/suggest"
)

// named tells of metrics and tags that were asked for, and that no case of any run has.
func (o *Options) named(runs []*Run) error {
	metrics, tags := map[string]bool{"throughput": true}, map[string]bool{}
	for _, r := range runs {
		for _, c := range r.Result.Cases {
			for name := range c.Metrics {
				metrics[name] = true
			}
			for name := range c.Tags {
				tags[name] = true
			}
			if c.Energy != nil {
				metrics["energy"] = true
			}
		}
	}
	var wrong error
	for _, name := range o.Metrics {
		name, _, _ = strings.Cut(name, ".")
		wrong = errors.Join(wrong, lacks("metric", name, metrics))
	}
	for _, name := range o.Match {
		wrong = errors.Join(wrong, lacks("tag", name, tags))
	}
	return wrong
}

// lacks says that no case has something of a kind; nil where one has.
func lacks(kind, name string, there map[string]bool) error {
	if there[name] {
		return nil
	}
	all := slices.Sorted(maps.Keys(there))
	hint := ""
	if near := suggest.Nearest(name, all); near != "" {
		hint = "did you mean " + near + "? "
	}
	return fmt.Errorf("compare by the %s %q: no case has it\n  hint: %sthere are %s", kind, name, hint, orNone(all))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
