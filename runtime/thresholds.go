package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/runtime/load"
	"weir/runtime/metrics"
)

// threshold is one threshold as a script gives it, as text or in k6's long form.
type threshold struct {
	expr  string
	abort bool          // the run ends when it is crossed
	delay time.Duration // not before the case has lasted this long
}

// thresholds are those of a case by metric; "ttft{scenario:chat}" is the metric
// of one scenario.
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
		entries, ok := list.([]any)
		if !ok {
			entries = []any{list}
		}
		for _, e := range entries {
			t, err := parseThreshold(e)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", option, metric, err)
			}
			out[metric] = append(out[metric], t)
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

// splitSelector takes "ttft{scenario:chat}" apart; scenario is "" for a metric
// of the whole case.
func splitSelector(metric string) (name, scenario string) {
	name, selector, ok := strings.Cut(metric, "{")
	if !ok {
		return metric, ""
	}
	scenario, ok = strings.CutPrefix(strings.TrimSpace(selector), "scenario:")
	if scenario, closed := strings.CutSuffix(scenario, "}"); ok && closed && strings.TrimSpace(scenario) != "" {
		return strings.TrimSpace(name), strings.TrimSpace(scenario)
	}
	return metric, ""
}

// check tells what is wrong with the expressions and the metrics' names.
func (ts thresholds) check(option string, custom func() map[string]metrics.CustomKind) error {
	var known map[string]metrics.CustomKind
	if custom != nil {
		known = custom()
	}
	plain := map[string][]string{}
	for metric, list := range ts {
		name, _ := splitSelector(metric)
		for _, t := range list {
			plain[name] = append(plain[name], t.expr)
		}
	}
	return metrics.CheckThresholds(option, plain, known)
}

// thresholdsOf are the thresholds on one scenario, or with "" on the whole case,
// by the name of the metric alone. The only scenario of a case is the case.
func (c *caseSpec) thresholdsOf(scenario string) thresholds {
	out := thresholds{}
	for metric, list := range c.thresholds {
		name, part := splitSelector(metric)
		if len(c.scenarios) == 1 {
			part = ""
		}
		if part == scenario {
			out[name] = append(out[name], list...)
		}
	}
	return out
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
// options metric by metric, and those of its scenarios.
func (r *run) parseCaseThresholds(c *caseSpec, v any) error {
	own, err := parseThresholds("thresholds", v)
	if err != nil {
		return err
	}
	all := maps.Clone(r.options.thresholds)
	if all == nil {
		all = thresholds{}
	}
	maps.Copy(all, own)
	maps.Copy(all, c.thresholds)
	c.thresholds = all
	if err := all.check("thresholds", r.Custom); err != nil {
		return err
	}
	for metric := range all {
		name, part := splitSelector(metric)
		if part != "" && c.scenario(part) == nil {
			var names []string
			for _, s := range c.scenarios {
				names = append(names, s.name)
			}
			return fmt.Errorf("thresholds of %s: the case has no scenario %s, only %s", metric, part, strings.Join(names, ", "))
		}
		if name == "goodput" && !c.judges(part) {
			return fmt.Errorf("thresholds of %s: %w", metric, errNoSLO)
		}
	}
	return nil
}
