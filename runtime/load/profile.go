package load

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"weir/runtime/suggest"
)

// Defaults of the options that a profile leaves out; those of k6 where k6 has them.
const (
	DefaultMaxDuration      = 10 * time.Minute // of shared-iterations and per-vu-iterations; waves have no limit
	DefaultGracefulStop     = 30 * time.Second
	DefaultGracefulRampDown = 30 * time.Second
)

// MaxVUs is the largest number of virtual users of a case: every one is a goroutine.
const MaxVUs = 1_000_000

// mostIterations is how far iterations are counted: to where float64, and so a
// script, still knows every whole number.
const mostIterations = 1 << 53

// Profile is what a case asks of the load engine. It is plain data: the zero
// value of a field means that the option was not given. A field that the
// executor has no use for must be left zero.
type Profile struct {
	Executor string // one of Executors

	VUs        int // waves, shared-iterations, per-vu-iterations, constant-vus: iterations that run at the same time, 1…MaxVUs
	Iterations int // shared-iterations, ramping-vus: in all; per-vu-iterations: of every VU; arrival-rate: at most
	Waves      int // waves: how many; 0: one

	Duration         time.Duration  // constant-vus and the open loop: how long iterations are started
	MaxDuration      time.Duration  // waves, shared- and per-vu-iterations: start nothing after this long; 0: DefaultMaxDuration, and no limit for waves
	GracefulStop     *time.Duration // how long running iterations may take to end when nothing more starts; 0: cut at once; nil: DefaultGracefulStop, but no limit after the last iteration where there is no time limit either
	GracefulRampDown *time.Duration // ramping-vus: the same for a VU that is not needed any more; nil: DefaultGracefulRampDown
	StartTime        time.Duration  // how long after the begin of the case everything starts

	Rate       float64       // starts per TimeUnit. waves: per second inside a wave; 0 or +Inf: all at once
	StartRate  float64       // ramping-arrival-rate: the rate before the first stage
	TimeUnit   time.Duration // of Rate, StartRate and the targets; 0: a second
	Process    string        // with a Rate: Constant, Poisson or Gamma; "": Constant
	Burstiness float64       // shape of Gamma, above 0; 0: 1
	Burst      int           // arrival-rate: how many start at the same instant; 0: 1
	Seed       uint64        // of the random gaps
	Stream     uint64        // tells the random gaps of several scenarios of one seed apart

	StartVUs *int    // ramping-vus: before the first stage; nil: 1
	Stages   []Stage // ramping-vus, ramping-arrival-rate

	Timestamps []time.Duration // replay: when iterations start, from the begin; sorted
	Speed      float64         // replay: what Timestamps are divided by; 0: 1

	MaxInFlight     int    // open loop: iterations at once, at most; 0: no limit
	Overflow        string // Queue or Drop arrivals past MaxInFlight; "": Queue
	PreAllocatedVUs int    // k6's open loop: what MaxVUs is if it is 0
	MaxVUs          int    // k6's open loop: as MaxInFlight, with Drop

	Instance  int // this is one of several machines that play the profile together, 0…Instances−1
	Instances int // how many they are; 0: 1
}

// kind is what the engine must know of one executor. Every executor has a file
// of its own that begins with one of these.
type kind struct {
	name      string
	options   []string                                    // that it takes, besides those that all take
	check     func(Profile) []string                      // faults in options that it takes
	planned   func(Profile) int64                         // iterations that it wants; negative: as many as fit in the time
	limit     func(Profile) time.Duration                 // nothing starts after this long; 0: no limit
	scheduled bool                                        // iterations have a time at which they are to start
	schedule  func(Profile) iter.Seq2[int, time.Duration] // open loop: all of it
	lasts     func(Profile) time.Duration                 // open loop: when the last arrival is due
	closed    func(Profile) int                           // closed loop: the largest number of iterations at once
	unstriped string                                      // why it cannot be played by several instances; "": it can
	ramps     bool                                        // its concurrency is not the same all the time
	unsteady  string                                      // why its load has no steady state; "": it has
	run       func(*play)                                 // returns when everything that it started has ended
}

// unplanned is the plan of an executor that only time ends.
func unplanned(Profile) int64 { return -1 }

// kinds are the executors, in the order in which messages list them.
var kinds = []kind{
	waves, sharedIterations, perVUIterations, constantVUs, rampingVUs,
	arrivalRate, constantArrivalRate, rampingArrivalRate, replay,
}

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
	if slices.Contains(k.options, "vus") {
		switch {
		case p.VUs == 0:
			fault("vus is missing or 0: say how many virtual users run at the same time")
		case p.VUs < 0 || p.VUs > MaxVUs:
			fault("vus must be 1 to %d, got %d", MaxVUs, p.VUs)
		}
	}
	if p.MaxDuration < 0 {
		fault("maxDuration must be positive, got %v", p.MaxDuration)
	}
	if p.GracefulStop != nil && *p.GracefulStop < 0 {
		fault("gracefulStop must not be negative, got %v", *p.GracefulStop)
	}
	if p.StartTime < 0 {
		fault("startTime must not be negative, got %v", p.StartTime)
	}
	faults = append(faults, p.checkStripe(k)...)
	faults = append(faults, k.check(p)...)
	if len(faults) > 0 {
		return kind{}, fmt.Errorf("executor %q: %s", p.Executor, strings.Join(faults, "; "))
	}
	return k, nil
}

// given names the executor-specific options that the profile sets, in order.
func (p Profile) given() []string {
	var names []string
	for _, o := range []struct {
		name string
		set  bool
	}{
		{"burst", p.Burst != 0},
		{"burstiness", p.Burstiness != 0},
		{"duration", p.Duration != 0},
		{"gracefulRampDown", p.GracefulRampDown != nil},
		{"iterations", p.Iterations != 0},
		{"maxDuration", p.MaxDuration != 0},
		{"maxInFlight", p.MaxInFlight != 0},
		{"maxVUs", p.MaxVUs != 0},
		{"overflow", p.Overflow != ""},
		{"preAllocatedVUs", p.PreAllocatedVUs != 0},
		{"process", p.Process != ""},
		{"rate", p.Rate != 0},
		{"speed", p.Speed != 0},
		{"stages", p.Stages != nil},
		{"startRate", p.StartRate != 0},
		{"startVUs", p.StartVUs != nil},
		{"timeUnit", p.TimeUnit != 0},
		{"timestamps", p.Timestamps != nil},
		{"vus", p.VUs != 0},
		{"waves", p.Waves != 0},
	} {
		if o.set {
			names = append(names, o.name)
		}
	}
	return names
}

// misplaced explains an option that the executor does not take, and says what
// to do instead.
func (p Profile) misplaced(k kind, option string) string {
	open := k.schedule != nil
	staged := slices.Contains(k.options, "stages")
	timed := slices.Contains(k.options, "duration")
	switch {
	case option == "duration" && staged:
		return "its stages say how long it takes, so duration does not apply"
	case option == "duration":
		return "it ends with its last iteration, so duration does not apply: use maxDuration to limit it, or executor \"constant-vus\""
	case option == "maxDuration" && (timed || staged):
		return "maxDuration does not apply: duration says when it ends"
	case option == "iterations" && k.name == waves.name:
		return "iterations does not apply: a wave is one iteration of every VU, and waves says how many there are"
	case option == "iterations" && k.name == replay.name:
		return "iterations does not apply: there is one for each of timestamps"
	case option == "iterations" && open:
		return "it ends after its duration, so iterations does not apply: use executor \"arrival-rate\" to start a number of them"
	case option == "iterations":
		return "it ends after its duration, so iterations does not apply: use executor \"shared-iterations\" to run a number of them"
	case option == "vus" && open:
		return "vus does not apply: iterations start by a schedule, however many run; use maxInFlight to limit them"
	case option == "vus" && staged:
		return "vus does not apply: use startVUs and the targets of stages"
	case option == "rate" && staged:
		return "rate does not apply: use startRate and the targets of stages with executor \"ramping-arrival-rate\""
	case (option == "rate" || option == "process" || option == "burstiness") && !open:
		return option + " does not apply: VUs start their next iteration when the last one has ended; use executor \"arrival-rate\", or \"waves\" to space the starts of a wave"
	}
	var takers []string
	for _, other := range kinds {
		if slices.Contains(other.options, option) {
			takers = append(takers, other.name)
		}
	}
	return fmt.Sprintf("%s does not apply: it is an option of %s", option, strings.Join(takers, ", "))
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

func unknownExecutor(name string) error {
	names := strings.Join(Executors(), ", ")
	if name == "" {
		return errors.New("executor is missing: choose one of " + names)
	}
	if near := suggest.Nearest(name, Executors()); near != "" {
		return fmt.Errorf("unknown executor %q: did you mean %q? There are %s", name, near, names)
	}
	return fmt.Errorf("unknown executor %q: there are %s", name, names)
}
