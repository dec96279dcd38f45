package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/runtime/suggest"
)

// Defaults of the options that a profile leaves out; those of k6 where k6 has them.
const (
	DefaultMaxDuration  = 10 * time.Minute // of shared-iterations and per-vu-iterations; waves have no limit
	DefaultGracefulStop = 30 * time.Second
)

// MaxVUs is the largest number of virtual users of a case: every one is a goroutine.
const MaxVUs = 1_000_000

// Arrival processes: how the starts inside a wave are spaced.
const (
	Constant = "constant" // equal gaps of 1/rate
	Poisson  = "poisson"  // exponential gaps with the mean 1/rate
)

// Profile is what a case asks of the load engine. It is plain data: the zero
// value of a field means that the option was not given. A field that the
// executor has no use for must be left zero.
type Profile struct {
	Executor string // "waves", "shared-iterations", "per-vu-iterations", "constant-vus"

	VUs        int // virtual users: iterations that run at the same time, 1…MaxVUs
	Iterations int // shared-iterations: in all; per-vu-iterations: of every VU
	Waves      int // waves: how many; 0: one

	Duration     time.Duration  // constant-vus: how long iterations are started
	MaxDuration  time.Duration  // the others: start nothing after this long; 0: DefaultMaxDuration, and no limit for waves
	GracefulStop *time.Duration // how long running iterations may take to end when nothing more starts; nil: DefaultGracefulStop, 0: cut at once

	Rate    float64 // waves: starts per second inside a wave; 0 or +Inf: all at once
	Process string  // waves with a rate: Constant or Poisson; "": Constant
	Seed    uint64  // of the random gaps
}

// kind is what the engine must know of one executor. Every executor has a file
// of its own that ends in one of these.
type kind struct {
	name    string
	options []string                    // that it takes, besides gracefulStop
	check   func(Profile) []string      // faults in options that it takes
	planned func(Profile) int64         // iterations that it wants; nil: as many as fit in the time
	limit   func(Profile) time.Duration // nothing starts after this long; 0: no limit
	run     func(*play)                 // returns when everything that it started has ended
}

// kinds are the executors, in the order in which messages list them.
var kinds = []kind{waves, sharedIterations, perVUIterations, constantVUs}

// Executors lists the names of the executors.
func Executors() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// CheckExecutor tells what is wrong with the name of an executor.
func CheckExecutor(name string) error {
	if slices.Contains(Executors(), name) {
		return nil
	}
	return unknownExecutor(name)
}

// Validate reports everything that is wrong with the profile in one error,
// in the words of the script that asked for it.
func (p Profile) Validate() error {
	_, err := p.kind()
	return err
}

// kind finds the profile's executor and checks the profile against it.
func (p Profile) kind() (kind, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == p.Executor })
	if i < 0 {
		return kind{}, unknownExecutor(p.Executor)
	}
	k := kinds[i]
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	for _, o := range p.given() {
		if !slices.Contains(k.options, o) {
			fault("%s", p.misplaced(k, o))
		}
	}
	switch {
	case p.VUs == 0:
		fault("vus is missing or 0: say how many virtual users run at the same time")
	case p.VUs < 0 || p.VUs > MaxVUs:
		fault("vus must be 1 to %d, got %d", MaxVUs, p.VUs)
	}
	if p.MaxDuration < 0 {
		fault("maxDuration must be positive, got %v", p.MaxDuration)
	}
	if p.GracefulStop != nil && *p.GracefulStop < 0 {
		fault("gracefulStop must not be negative, got %v", *p.GracefulStop)
	}
	faults = append(faults, k.check(p)...)
	if len(faults) > 0 {
		return kind{}, fmt.Errorf("executor %q: %s", p.Executor, strings.Join(faults, "; "))
	}
	return k, nil
}

// given names the executor-specific options that the profile sets.
func (p Profile) given() []string {
	var names []string
	for name, set := range map[string]bool{
		"iterations":  p.Iterations != 0,
		"waves":       p.Waves != 0,
		"duration":    p.Duration != 0,
		"maxDuration": p.MaxDuration != 0,
		"rate":        p.Rate != 0,
		"process":     p.Process != "",
	} {
		if set {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// misplaced explains an option that the executor does not take.
func (p Profile) misplaced(k kind, option string) string {
	switch {
	case option == "duration":
		return "it ends with its last iteration, so duration does not apply: use maxDuration to limit it, or executor \"constant-vus\""
	case option == "maxDuration":
		return "maxDuration does not apply: duration says when it ends"
	case option == "iterations" && k.name == constantVUs.name:
		return "it ends after its duration, so iterations does not apply: use executor \"shared-iterations\" to run a number of them"
	case option == "iterations" && k.name == waves.name:
		return "iterations does not apply: a wave is one iteration of every VU, and waves says how many there are"
	case option == "waves":
		return "waves does not apply: use executor \"waves\""
	case option == "rate" || option == "process":
		return option + " does not apply: VUs start their next iteration when the last one has ended; only executor \"waves\" spaces its starts"
	}
	return option + " does not apply"
}

func (p Profile) gracefulStop() time.Duration {
	if p.GracefulStop == nil {
		return DefaultGracefulStop
	}
	return *p.GracefulStop
}

func (p Profile) maxDuration() time.Duration {
	if p.MaxDuration == 0 {
		return DefaultMaxDuration
	}
	return p.MaxDuration
}

// checkIterations is the check of the executors that run a number of iterations.
func checkIterations(p Profile) []string {
	switch {
	case p.Iterations == 0:
		return []string{"iterations is missing or 0: say how many iterations to run"}
	case p.Iterations < 0:
		return []string{fmt.Sprintf("iterations must be positive, got %d", p.Iterations)}
	case p.VUs > 0 && p.Iterations > math.MaxInt/p.VUs:
		return []string{fmt.Sprintf("%d iterations of %d vus are more than can be counted", p.Iterations, p.VUs)}
	}
	return nil
}

// openLoop are executors that are known and not built yet.
var openLoop = []string{"arrival-rate", "constant-arrival-rate", "ramping-arrival-rate", "ramping-vus", "replay"}

func unknownExecutor(name string) error {
	names := strings.Join(Executors(), ", ")
	if name == "" {
		return errors.New("executor is missing: choose one of " + names)
	}
	if slices.Contains(openLoop, name) {
		return fmt.Errorf("executor %q is not built yet: there are %s", name, names)
	}
	if near := suggest.Nearest(name, Executors()); near != "" {
		return fmt.Errorf("unknown executor %q: did you mean %q? There are %s", name, near, names)
	}
	return fmt.Errorf("unknown executor %q: there are %s", name, names)
}
