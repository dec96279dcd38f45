package load

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OptionNames are the options of a case that Parse reads.
func OptionNames() []string {
	names := []string{"executor", "seed", "gracefulStop", "startTime", "instance", "instances"}
	for _, k := range kinds {
		for _, o := range k.options {
			if !slices.Contains(names, o) {
				names = append(names, o)
			}
		}
	}
	return names
}

// Parse reads a profile from the options of a case as a script gives them: plain
// data, by name. Names that are not in OptionNames are left to the caller; null
// counts as not given. The profile is validated, and everything that is wrong
// with it is reported in one error.
//
// Without an executor the options choose it, as k6's short forms do: waves →
// "waves"; stages → "ramping-vus", which vus then is the startVUs of; timestamps
// → "replay"; rate → "arrival-rate"; iterations → "shared-iterations", where
// duration then is maxDuration; duration → "constant-vus"; otherwise
// "shared-iterations" with one iteration a VU. Where vus is left out it is 1,
// except for waves, which are made of them.
func Parse(options map[string]any) (Profile, error) {
	r := reader{options: options}
	p := Profile{
		Executor:         r.text("executor"),
		VUs:              r.count("vus"),
		Iterations:       r.count("iterations"),
		Waves:            r.count("waves"),
		Duration:         r.duration("duration"),
		MaxDuration:      r.duration("maxDuration"),
		GracefulStop:     r.wait("gracefulStop"),
		GracefulRampDown: r.wait("gracefulRampDown"),
		Rate:             r.rate("rate"),
		StartRate:        r.number("startRate", 0),
		TimeUnit:         r.duration("timeUnit"),
		Process:          r.text("process"),
		Burstiness:       r.positive("burstiness"),
		Burst:            r.count("burst"),
		Seed:             r.seed("seed"),
		StartVUs:         r.whole("startVUs"),
		Stages:           r.stages("stages"),
		Timestamps:       r.timestamps("timestamps"),
		Speed:            r.positive("speed"),
		MaxInFlight:      r.count("maxInFlight"),
		Overflow:         r.text("overflow"),
		MaxVUs:           r.count("maxVUs"),
		Instances:        r.count("instances"),
	}
	if d := r.wait("startTime"); d != nil {
		p.StartTime = *d
	}
	if n := r.whole("preAllocatedVUs"); n != nil {
		p.PreAllocatedVUs = *n
	}
	if n := r.whole("instance"); n != nil {
		p.Instance = *n
	}
	if p.Instances > 1 && !r.has("instance") {
		r.faults = append(r.faults, "instances needs instance: the number of this one, from 0")
	}
	if len(r.faults) > 0 {
		return Profile{}, fmt.Errorf("options of a case: %s", strings.Join(r.faults, "; "))
	}
	if p.Executor == "" {
		p = p.inferred()
	}
	if p.VUs == 0 && slices.Contains([]string{sharedIterations.name, perVUIterations.name, constantVUs.name}, p.Executor) {
		p.VUs = 1
	}
	if p.Iterations == 0 && slices.Contains([]string{sharedIterations.name, perVUIterations.name}, p.Executor) {
		p.Iterations = 1
	}
	return p, p.Validate()
}

// inferred fills in the executor that the short form stands for.
func (p Profile) inferred() Profile {
	switch {
	case p.Waves != 0:
		p.Executor = waves.name
	case p.Stages != nil:
		p.Executor = rampingVUs.name
		if p.StartVUs == nil && p.VUs != 0 {
			vus := p.VUs
			p.StartVUs, p.VUs = &vus, 0
		}
	case p.Timestamps != nil:
		p.Executor = replay.name
	case p.Rate != 0:
		p.Executor = arrivalRate.name
	case p.Iterations != 0:
		p.Executor = sharedIterations.name
		if p.MaxDuration == 0 {
			p.MaxDuration, p.Duration = p.Duration, 0
		}
	case p.Duration != 0:
		p.Executor = constantVUs.name
	default:
		p.Executor = sharedIterations.name
		p.Iterations = max(p.VUs, 1)
	}
	return p
}

// ParseDuration reads a duration as scripts write it: "1h30m", "2.5s", "1d12h",
// or a number of milliseconds.
func ParseDuration(v any) (time.Duration, error) {
	ms, isNumber := Number(v)
	s, isText := v.(string)
	if isText {
		s = strings.TrimSpace(s)
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			ms, isNumber = f, true
		}
	}
	switch {
	case isNumber && math.Abs(ms) < float64(math.MaxInt64)/1e6:
		return time.Duration(math.Round(ms * float64(time.Millisecond))), nil
	case isText && !isNumber:
		if d, err := parseText(s); err == nil {
			return d, nil
		}
	}
	return 0, fmt.Errorf(`%s is not a duration: write "500ms", "90s", "1h30m" or a number of milliseconds`, show(v))
}

// parseText is time.ParseDuration with days in front.
func parseText(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, err
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err == nil && (more < 0 || more > math.MaxInt64-d) {
		err = strconv.ErrRange
	}
	return d + more, err
}

// reader takes typed options out of plain data and collects what is wrong with them.
type reader struct {
	options map[string]any
	faults  []string
}

func (r *reader) has(name string) bool { return r.options[name] != nil }

func (r *reader) fault(name, want string) {
	r.faults = append(r.faults, fmt.Sprintf("%s must be %s, got %s", name, want, show(r.options[name])))
}

func (r *reader) text(name string) string {
	s, ok := r.options[name].(string)
	if !ok && r.has(name) {
		r.fault(name, "a string")
	}
	return s
}

// count reads a whole number above 0, so that a 0 that was written is never
// mistaken for an option that was left out.
func (r *reader) count(name string) int {
	if !r.has(name) {
		return 0
	}
	f, ok := Number(r.options[name])
	if !ok || f != math.Trunc(f) || f < 1 || f > 1<<53 {
		r.fault(name, "a whole number above 0")
		return 0
	}
	return int(f)
}

// whole reads a whole number from 0 up; nil when there is none.
func (r *reader) whole(name string) *int {
	if !r.has(name) {
		return nil
	}
	f, ok := Number(r.options[name])
	if !ok || f != math.Trunc(f) || f < 0 || f > 1<<53 {
		r.fault(name, "a whole number, 0 or more")
		return nil
	}
	return new(int(f))
}

// number reads a number that is not less than least.
func (r *reader) number(name string, least float64) float64 {
	if !r.has(name) {
		return 0
	}
	f, ok := Number(r.options[name])
	if !ok || f < least {
		r.fault(name, fmt.Sprintf("a number, %v or more", least))
		return 0
	}
	return f
}

// positive reads a number above 0.
func (r *reader) positive(name string) float64 {
	f, ok := Number(r.options[name])
	if r.has(name) && (!ok || !(f > 0)) {
		r.fault(name, "a number above 0")
	}
	return f
}

// wait reads a duration that may be 0; nil when there is none.
func (r *reader) wait(name string) *time.Duration {
	if !r.has(name) {
		return nil
	}
	d, err := ParseDuration(r.options[name])
	switch {
	case err != nil:
		r.faults = append(r.faults, fmt.Sprintf("%s: %v", name, err))
		return nil
	case d < 0:
		r.fault(name, "0 or more")
		return nil
	}
	return &d
}

// duration reads a duration above 0.
func (r *reader) duration(name string) time.Duration {
	d := r.wait(name)
	switch {
	case d == nil:
		return 0
	case *d == 0:
		r.fault(name, "more than 0")
	}
	return *d
}

func (r *reader) rate(name string) float64 {
	v := r.options[name]
	if s, ok := v.(string); ok && (strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")) {
		return math.Inf(1)
	}
	f, ok := Number(v)
	if r.has(name) && (!ok || !(f > 0)) {
		r.fault(name, "a number of starts per second above 0, or Infinity")
	}
	return f
}

func (r *reader) seed(name string) uint64 {
	f, ok := Number(r.options[name])
	if r.has(name) && (!ok || f != math.Trunc(f) || f < 0 || f > 1<<53) {
		r.fault(name, "a whole number from 0 to 2^53")
		return 0
	}
	return uint64(f)
}

// stages reads a list of objects. They go through JSON, which every kind of
// object of a script can be written as.
func (r *reader) stages(name string) []Stage {
	if !r.has(name) {
		return nil
	}
	const want = `a list such as [{ duration: "30s", target: 10 }]`
	var list []map[string]any
	text, err := json.Marshal(r.options[name])
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		r.fault(name, want)
		return nil
	}
	stages := make([]Stage, len(list))
	for i, fields := range list {
		one := reader{options: fields}
		for field := range fields {
			if field != "duration" && field != "target" {
				one.faults = append(one.faults, fmt.Sprintf("unknown field %q: a stage has duration and target", field))
			}
		}
		for _, field := range []string{"duration", "target"} {
			if !one.has(field) {
				one.faults = append(one.faults, field+" is missing")
			}
		}
		if d := one.wait("duration"); d != nil {
			stages[i].Duration = *d
		}
		stages[i].Target = one.number("target", 0)
		slices.Sort(one.faults)
		for _, f := range one.faults {
			r.faults = append(r.faults, fmt.Sprintf("%s[%d]: %s", name, i, f))
		}
	}
	return stages
}

// timestamps reads a list of durations.
func (r *reader) timestamps(name string) []time.Duration {
	if !r.has(name) {
		return nil
	}
	list, ok := r.options[name].([]any)
	if !ok {
		r.faults = append(r.faults, name+` must be a list of times from the begin, in milliseconds or such as "1.5s"`)
		return nil
	}
	times := make([]time.Duration, len(list))
	for i, v := range list {
		d, err := ParseDuration(v)
		if err != nil {
			r.faults = append(r.faults, fmt.Sprintf("%s[%d]: %v", name, i, err))
			return nil // one such message is enough
		}
		times[i] = d
	}
	return times
}

// Number reads any of the types that a number has in plain data; NaN is none.
func Number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n)
	}
	return 0, false
}

// show writes a value as it would stand in a script.
func show(v any) string {
	if text, err := json.Marshal(v); err == nil {
		return string(text)
	}
	return fmt.Sprint(v)
}
