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
	return []string{"executor", "vus", "iterations", "waves", "duration", "maxDuration", "gracefulStop", "rate", "process", "seed"}
}

// Parse reads a profile from the options of a case as a script gives them: plain
// data, by name. Names that are not in OptionNames are left to the caller; null
// counts as not given. The profile is validated, and everything that is wrong
// with it is reported in one error.
//
// Without an executor the options choose it, as k6's short forms do: waves →
// "waves"; iterations → "shared-iterations", where duration then is maxDuration;
// duration → "constant-vus"; otherwise "shared-iterations" with one iteration a
// VU. vus is 1 where it is left out, except for waves, which are made of them.
func Parse(options map[string]any) (Profile, error) {
	r := reader{options: options}
	p := Profile{
		Executor:    r.text("executor"),
		VUs:         r.count("vus"),
		Iterations:  r.count("iterations"),
		Waves:       r.count("waves"),
		Duration:    r.duration("duration"),
		MaxDuration: r.duration("maxDuration"),
		Rate:        r.rate("rate"),
		Process:     r.text("process"),
		Seed:        r.seed("seed"),
	}
	if grace, ok := r.wait("gracefulStop"); ok {
		p.GracefulStop = &grace
	}
	if len(r.faults) > 0 {
		return Profile{}, fmt.Errorf("options of a case: %s", strings.Join(r.faults, "; "))
	}
	if p.Executor == "" {
		p = p.inferred()
	}
	if p.VUs == 0 && p.Executor != waves.name {
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
	ms, isNumber := number(v)
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
	f, ok := number(r.options[name])
	if !ok || f != math.Trunc(f) || f < 1 || f > 1<<53 {
		r.fault(name, "a whole number above 0")
		return 0
	}
	return int(f)
}

// wait reads a duration that may be 0; false when there is none.
func (r *reader) wait(name string) (time.Duration, bool) {
	if !r.has(name) {
		return 0, false
	}
	d, err := ParseDuration(r.options[name])
	switch {
	case err != nil:
		r.faults = append(r.faults, fmt.Sprintf("%s: %v", name, err))
		return 0, false
	case d < 0:
		r.fault(name, "0 or more")
		return 0, false
	}
	return d, true
}

// duration reads a duration above 0.
func (r *reader) duration(name string) time.Duration {
	d, ok := r.wait(name)
	if ok && d == 0 {
		r.fault(name, "more than 0")
	}
	return d
}

func (r *reader) rate(name string) float64 {
	v := r.options[name]
	if s, ok := v.(string); ok && (strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")) {
		return math.Inf(1)
	}
	f, ok := number(v)
	if r.has(name) && (!ok || !(f > 0)) {
		r.fault(name, "a number of starts per second above 0, or Infinity")
	}
	return f
}

func (r *reader) seed(name string) uint64 {
	f, ok := number(r.options[name])
	if r.has(name) && (!ok || f != math.Trunc(f) || f < 0 || f > 1<<53) {
		r.fault(name, "a whole number from 0 to 2^53")
		return 0
	}
	return uint64(f)
}

// number reads any of the types that a number has in plain data.
func number(v any) (float64, bool) {
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
