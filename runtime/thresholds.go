package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weir/runtime/load"
	"weir/runtime/metrics"
)

// threshold is one threshold as a script gives it, as text or in k6's long form.
type threshold struct {
	on    metrics.Selector
	expr  string
	abort bool          // the run ends when it is crossed
	delay time.Duration // not before the case has lasted this long
}

// thresholds are those of a case, or of a part of it, by what they are on, as its
// selector writes it: "ttft{scenario:chat}".
type thresholds map[string][]threshold

// parseThresholds reads { ttft: ["p(99)<2000", { threshold: "…", abortOnFail: true }] };
// nil has none. option is what the script calls it.
func parseThresholds(option string, v any) (thresholds, error) {
	out := thresholds{}
	byMetric, ok := fields(v)
	if !ok && v != nil {
		return nil, fmt.Errorf(`%s must be an object such as { ttft: ["p(99)<2000"] }`, option)
	}
	for metric, list := range byMetric {
		on, err := metrics.ParseSelector(metric)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", option, err)
		}
		entries, ok := list.([]any)
		if !ok {
			entries = []any{list}
		}
		for _, e := range entries {
			t, err := parseThreshold(e)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", option, metric, err)
			}
			t.on = on
			out[on.String()] = append(out[on.String()], t)
		}
	}
	return out, nil
}

func parseThreshold(v any) (t threshold, err error) {
	if text, ok := v.(string); ok {
		return threshold{expr: text}, nil
	}
	o, ok := fields(v)
	if !ok {
		return t, fmt.Errorf(`%v is neither an expression such as "p(99)<2000" nor { threshold: "p(99)<2000", abortOnFail: true }`, v)
	}
	if err := checkNames(o, []string{"threshold", "abortOnFail", "delayAbortEval"}); err != nil {
		return t, err
	}
	if t.expr, ok = o["threshold"].(string); !ok {
		return t, errors.New(`threshold must be an expression such as "p(99)<2000"`)
	}
	if t.abort, ok = o["abortOnFail"].(bool); !ok && o["abortOnFail"] != nil {
		return t, errors.New("abortOnFail must be true or false")
	}
	if o["delayAbortEval"] != nil {
		if t.delay, err = load.ParseDuration(o["delayAbortEval"]); err != nil {
			return t, fmt.Errorf("delayAbortEval: %w", err)
		}
		if !t.abort {
			return t, errors.New("delayAbortEval says when abortOnFail may end the run: give abortOnFail: true too")
		}
	}
	return t, nil
}

// parseLimits reads those that the run is given from outside: expressions by metric.
func parseLimits(v map[string][]string) (thresholds, error) {
	out := thresholds{}
	for metric, exprs := range v {
		on, err := metrics.ParseSelector(metric)
		if err != nil {
			return nil, err
		}
		for _, expr := range exprs {
			out[on.String()] = append(out[on.String()], threshold{on: on, expr: expr})
		}
	}
	return out, nil
}

// check tells what is wrong with the expressions and the metrics' names.
func (ts thresholds) check(option string, custom func() map[string]metrics.CustomKind) error {
	var known map[string]metrics.CustomKind
	if custom != nil {
		known = custom()
	}
	return metrics.CheckThresholds(option, ts.exprs(), known)
}

// add adds others to those that are there already.
func (ts thresholds) add(others thresholds) {
	for metric, list := range others {
		ts[metric] = slices.Concat(ts[metric], list)
	}
}

// exprs are the expressions alone.
func (ts thresholds) exprs() map[string][]string {
	out := make(map[string][]string, len(ts))
	for metric, list := range ts {
		for _, t := range list {
			out[metric] = append(out[metric], t.expr)
		}
	}
	return out
}

// aborting are those that may end the run after a case has lasted so long.
func (ts thresholds) aborting(after time.Duration) map[string][]string {
	out := map[string][]string{}
	for metric, list := range ts {
		for _, t := range list {
			if t.abort && after >= t.delay {
				out[metric] = append(out[metric], t.expr)
			}
		}
	}
	return out
}

// abort tells whether there are any that may end the run.
func (ts thresholds) abort() bool {
	for _, list := range ts {
		if slices.ContainsFunc(list, func(t threshold) bool { return t.abort }) {
			return true
		}
	}
	return false
}

// parseCaseThresholds adds a case's own thresholds, which replace those of
// options metric by metric, and those of its scenarios. What was given from outside
// comes on top.
func (r *run) parseCaseThresholds(c *caseSpec, v any) error {
	own, err := parseThresholds("thresholds", v)
	if err != nil {
		return err
	}
	all := thresholds{}
	maps.Copy(all, r.options.thresholds)
	maps.Copy(all, own)
	all.add(c.thresholds)
	all.add(r.options.limits)
	c.thresholds = all
	if err := all.check("thresholds", r.Custom); err != nil {
		return err
	}
	c.judged, c.inRun = map[string]thresholds{}, thresholds{}
	for metric, list := range all {
		on := list[0].on
		parts := c.selected(on.Tags)
		if len(parts) == 0 && r.mayHave(c, on) {
			if on.Metric == "goodput" && !c.judges("") {
				return fmt.Errorf("thresholds of %s: %w", metric, errNoSLO)
			}
			c.inRun[metric] = list
			continue
		}
		if _, ofCase := own[metric]; len(parts) == 0 && (ofCase || !r.exported["plan"]) { // it could be of another case
			tags := tagSet{}
			tags.addCase(c)
			return fmt.Errorf("thresholds of %s: %s", metric, tags.lack(on.Tags, "the case"))
		}
		for _, part := range parts {
			if on.Metric == "goodput" && !c.judges(part) {
				return fmt.Errorf("thresholds of %s: %w", metric, errNoSLO)
			}
			if on.Metric == "validity" && part != "" {
				return fmt.Errorf("thresholds of %s: a case has one verdict, whatever its scenarios do; write validity", metric)
			}
			if c.judged[part] == nil {
				c.judged[part] = thresholds{}
			}
			c.judged[part][label(on, part)] = list
		}
	}
	return nil
}
