package runtime

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

// scenario is one load of a case. Most cases have one; several run at the same
// time, each with its own executor, function and data.
type scenario struct {
	name    string
	exec    string         // exported function that is an iteration
	tags    map[string]any // the case's and its own
	slo     metrics.SLOs
	data    any  // detached
	common  bool // data is the case's, which other scenarios have as well
	profile load.Profile
	warmup  *load.Profile
}

// sharedOptions are the options of a scenario that hold for all scenarios when
// they stand beside scenarios.
var sharedOptions = []string{"exec", "data", "warmup"}

// scenarioOptions are those of a scenario besides those of its executor.
var scenarioOptions = append([]string{"tags", "thresholds", "slo"}, sharedOptions...)

// parseScenarios reads the scenarios of a case: those of its member scenarios,
// or the one that the case itself describes.
func (r *run) parseScenarios(c *caseSpec, o map[string]any) error {
	if o["scenarios"] == nil {
		s, err := r.parseScenario("default", o, c.tags)
		if name, _ := o["scenario"].(string); name != "" {
			s.name = name
		}
		s.slo = c.slo
		c.scenarios = []*scenario{s}
		return err
	}
	c.named = true
	for _, name := range append(load.OptionNames(), "scenario") {
		if o[name] != nil {
			return fmt.Errorf("%s beside scenarios; put it into the scenarios", name)
		}
	}
	all, ok := o["scenarios"].(*script.Object)
	if !ok || len(all.Keys) == 0 {
		return errors.New("scenarios must be an object of at least one scenario")
	}
	for i, name := range all.Keys {
		own, ok := fields(all.Values[i])
		if !ok {
			return fmt.Errorf("scenario %s must be an object", name)
		}
		if err := r.parseNamed(c, name, own, o); err != nil {
			return fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	return nil
}

// parseNamed reads one of several scenarios; beside are the options of the case.
func (r *run) parseNamed(c *caseSpec, name string, own, beside map[string]any) error {
	if strings.ContainsAny(name, "{}") {
		return errors.New("a name must not have braces, which stand for a part of a metric in thresholds")
	}
	if own["env"] != nil {
		return errors.New("env is not supported; what a scenario needs can stand in its data")
	}
	if err := checkOptions(own, append(slices.Clone(scenarioOptions), load.OptionNames()...)); err != nil {
		return err
	}
	common := own["data"] == nil
	own = maps.Clone(own)
	for _, shared := range sharedOptions {
		if own[shared] == nil && beside[shared] != nil {
			own[shared] = beside[shared]
		}
	}
	tags, err := parseTags(own["tags"])
	if err != nil {
		return err
	}
	all := maps.Clone(c.tags)
	maps.Copy(all, tags)
	s, err := r.parseScenario(name, own, all)
	if err != nil {
		return err
	}
	s.common = common
	if s.slo, err = r.sloOf(c.slo, own["slo"]); err != nil {
		return err
	}
	c.scenarios = append(c.scenarios, s)
	limits, err := parseThresholds("thresholds", own["thresholds"])
	if err != nil {
		return err
	}
	for metric, list := range limits {
		on := list[0].on
		if len(on.Tags) > 0 {
			return fmt.Errorf("thresholds of %s: a scenario's own thresholds are about it alone; write %s", metric, on.Metric)
		}
		on.Tags = []metrics.Tag{{Name: scenarioTag, Value: name}}
		for i := range list {
			list[i].on = on
		}
		c.thresholds[on.String()] = list
	}
	return nil
}

// parseScenario reads the options that every scenario has.
func (r *run) parseScenario(name string, o, tags map[string]any) (*scenario, error) {
	s := &scenario{name: name, exec: "default", tags: tags}
	var err error
	if s.profile, err = r.parseProfile(o); err != nil {
		return s, err
	}
	s.profile.Stream = stream(name)
	if given, err := text(o, "exec"); err != nil {
		return s, err
	} else if given != "" {
		s.exec = given
	}
	if s.data = o["data"]; s.data != nil {
		if err := checkData(s.data); err != nil {
			return s, err
		}
	}
	if o["warmup"] != nil {
		s.warmup, err = parseWarmup(o["warmup"], s.profile)
	}
	return s, err
}

// stream is the stream of random numbers of a scenario, so that the arrivals of
// several with one seed are not the same. It depends on nothing but the name: what
// other scenarios there are does not matter.
func stream(name string) uint64 {
	if name == "default" {
		return 0
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // never fails
	return h.Sum64()
}

// text reads an option that is a text; "" when there is none.
func text(o map[string]any, name string) (string, error) {
	s, ok := o[name].(string)
	if !ok && o[name] != nil {
		return "", fmt.Errorf("%s must be a text, not %v", name, o[name])
	}
	return s, nil
}

// parseProfile reads the load, and gives it the run's place among its instances
// unless it says that itself.
func (r *run) parseProfile(o map[string]any) (load.Profile, error) {
	p, err := load.Parse(o)
	if err != nil {
		return p, err
	}
	if r.Instances > 1 && o["instances"] == nil {
		p.Instance, p.Instances = r.Instance, r.Instances
		err = p.Validate()
	}
	return p, err
}

// warmupAtOnce bounds how many iterations of an open loop's warm-up run at once
// when it does not say so.
const warmupAtOnce = 10

// parseWarmup reads warmup: a number of iterations, or {iterations, vus, …}.
// Without vus it runs as many at once as the load does.
func parseWarmup(v any, of load.Profile) (*load.Profile, error) {
	o, ok := fields(v)
	if n, isNumber := asInt(v); isNumber {
		o, ok = map[string]any{"iterations": n}, true
	}
	if !ok {
		return nil, errors.New("warmup must be a number of iterations, or an object such as { iterations: 8 }")
	}
	if err := checkOptions(o, load.OptionNames()); err != nil {
		return nil, fmt.Errorf("warmup: %w", err)
	}
	if n, isNumber := asInt(o["iterations"]); isNumber && n == 0 {
		return nil, nil
	}
	o = maps.Clone(o)
	if o["executor"] == nil && o["iterations"] != nil {
		o["executor"] = "shared-iterations"
		atOnce, closed := of.AtOnce()
		if !closed && (atOnce == 0 || atOnce > warmupAtOnce) {
			atOnce = warmupAtOnce
		}
		if n, _ := asInt(o["iterations"]); o["vus"] == nil && n > 0 {
			o["vus"] = min(n, max(atOnce, 1)) // an instance without a share of the load warms up too
		}
	}
	p, err := load.Parse(o)
	if err != nil {
		return nil, fmt.Errorf("warmup: %w", err)
	}
	p.Stream = of.Stream
	return &p, nil
}

func parseTags(v any) (map[string]any, error) {
	tags, ok := fields(v)
	if !ok && v != nil {
		return nil, errors.New("tags must be an object of names and values")
	}
	if tags == nil {
		tags = map[string]any{}
	}
	if len(tags) > mostTags {
		return nil, fmt.Errorf("there are %d tags; %d are possible", len(tags), mostTags)
	}
	for name, v := range tags {
		if s, _ := v.(string); max(len(name), len(s)) > mostText {
			return nil, fmt.Errorf("tag %.40q has more than %d bytes", name, mostText)
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, fmt.Errorf("tag %q is %v: a number must be finite", name, f)
		}
	}
	return tags, nil
}

// checkData refuses data from which no iteration could take its item.
func checkData(v any) error {
	switch d := v.(type) {
	case []any:
		if len(d) == 0 {
			return errors.New("data is an empty list")
		}
	case script.Shared, *script.Object:
	default:
		return fmt.Errorf("data must be a list, a dataset or an object, not %v", v)
	}
	return nil
}

// checkOptions refuses an executor that there is not, rather than one of its
// options, and then options that there are not.
func checkOptions(o map[string]any, known []string) error {
	if name, ok := o["executor"].(string); ok {
		if err := load.CheckExecutor(name); err != nil {
			return err
		}
	}
	return checkNames(o, known)
}

// checkNames refuses names that there are not.
func checkNames(o map[string]any, known []string) error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if slices.Contains(known, name) {
			continue
		}
		if near := suggest.Nearest(name, known); near != "" {
			return fmt.Errorf("unknown option %q; did you mean %q?", name, near)
		}
		return fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(known, ", "))
	}
	return nil
}

// asInt reads a whole number.
func asInt(v any) (int, bool) {
	f, ok := load.Number(v)
	return int(f), ok && f == math.Trunc(f) && math.Abs(f) <= 1<<53
}

// fields are the members of a detached object, but for undefined ones.
func fields(v any) (map[string]any, bool) {
	o, ok := v.(*script.Object)
	if !ok {
		return nil, false
	}
	return o.Fields(), true
}
