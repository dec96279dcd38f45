// Package runtime plays a scenario: it is where the script engine, the load
// engine, the records and the results meet, and nothing else.
//
// [Run] evaluates the script's init code on one JavaScript runtime a core,
// calls setup, takes one case after another from plan, plays each (play.go) and
// gives its result back to plan, and at the end calls teardown and
// handleSummary. Every finished case is on disk before the next one starts.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/telemetry"
)

// Config is what a run is made of.
type Config struct {
	Script   *script.Script
	Runtimes int // JavaScript runtimes; at least 1

	// Result is filled case by case; what it says about the program and the
	// environment is given.
	Result *result.Result
	// Save is called when the result has grown: at the start, after each case
	// and at the end.
	Save func(*result.Result) error
	// Records is given every request but those of warm-ups; nil: nobody wants them.
	Records *result.Records
	// Requests is given the requests that a case has kept, when it has ended; nil: nobody
	// wants them.
	Requests *result.Records
	// Telemetry samples devices and services from before setup to after teardown, and
	// tells what each case took of them. nil: nothing does.
	Telemetry *telemetry.Hub
	// Describe adds to the result what the script has named since it was called last:
	// services, files. It is called before each case and at the end, and returns early
	// when ctx ends. nil: nobody looks.
	Describe func(ctx context.Context, r *result.Result)
	// Doctor looks at the machine and the services, for scripts with options.doctor; nil:
	// nobody does.
	Doctor *Doctor
	// Preconnect opens n connections to every service that the script addresses,
	// before a case begins, and returns early when ctx ends. nil: none are opened.
	Preconnect func(ctx context.Context, n int) error
	// Profiling makes profilers of the requests that a case describes.
	Profiling profiling.Maker
	// Sleep is what the starts of a schedule are waited for with; nil: a precise
	// timer. See load.Executor.
	Sleep func(ctx context.Context, until time.Time) error
	// Repeat is how often each case is played, whatever it says itself; 0: as it says.
	Repeat int
	// Instance of Instances, from 0: the share of the load that this run plays
	// in every case that does not say so itself. Up to 1 instance: all of it.
	Instance, Instances int
	// Watch is told of each case that begins; the function that it returns is
	// called when the case has ended. nil: nobody watches.
	Watch func(CaseView) (done func())
	// Unwatched: nobody looks at what this process used and suffered during a case, as
	// when the run has a clock that is not the machine's.
	Unwatched bool
	// Stop ends the run in good order when it is closed: nothing more starts,
	// what runs may end within its graceful stop. Cancelling Run's context cuts
	// off what runs; only plan's finally blocks get a moment more (leaveLimit).
	Stop <-chan struct{}
	// SLOs replace those of the script, metric by metric; nil: none do.
	SLOs metrics.SLOs
	// Thresholds are judged besides those of the script: expressions by metric, as
	// metrics.CheckThresholds takes them.
	Thresholds map[string][]string
	// Window is which of a case's windows its numbers are of, whatever the script says:
	// result.WindowAll or result.WindowSteady. "": as the script says.
	Window string
	// Custom lists the metrics that the script has declared, for checking thresholds.
	Custom func() map[string]metrics.CustomKind
	// Output and Errors are where handleSummary's "stdout" and "stderr" go, and
	// Write is given its files.
	Output, Errors io.Writer
	Write          func(path string, content []byte) error
}

// CaseView is what a progress display may look at while a case runs. Its
// functions may be called by any goroutine.
type CaseView struct {
	Name     string
	Scenario string         // the only one's name; "": there are several
	Tags     map[string]any // read only
	Number   int            // from 1
	Of       int            // cases in all; 0: not known
	Repeat   int            // number of the repetition, from 1; 0: the case is played once
	Warmup   bool
	Progress func() load.Progress
	Live     func() metrics.Live
	// Warnings are what so far speaks against the case, at a moment of Live and Progress.
	Warnings func(metrics.Live, load.Progress) []result.Reason
}

// Outcome is how a run ended, besides its result.
type Outcome struct {
	Interrupted bool          // by Stop or by the context
	Aborted     string        // by this threshold, which has abortOnFail: a message; "": by none
	TrendStats  []result.Stat // that the script wants of latencies at the end; nil: it does not say
	Summarised  bool          // handleSummary has said what goes to the terminal
	Refused     bool          // the script's options were wrong: nothing was called, sent or saved
	Err         error         // what ended the run early: a *script.Error, a fault in a case, a failed write
}

// run is the state of Run. Only Run's goroutine uses it.
type run struct {
	Config
	ctx      context.Context
	runtimes []*script.Runtime
	exported map[string]bool // which functions of the lifecycle the script has
	options  options
	setup    any             // what setup returned, detached
	tags     tagSet          // of the cases that were played
	applied  map[string]bool // thresholds that a case has judged, by what they are on
	sought   map[string]bool // those on tags that requests or values may have had
	pause    time.Duration   // before the next case
	aborted  *crossing       // what has ended the run; nil: nothing
	outcome  Outcome
	dry      bool // nothing is played, and setup was not called
}

// Init evaluates the init code on all runtimes. Parameters are known when it
// has returned. The error is a *script.Error or a *script.ParamError. When ctx
// ends, nothing runs on them any more, so it should not end before Run's does.
func Init(ctx context.Context, s *script.Script, runtimes int) ([]*script.Runtime, error) {
	// The first one alone: what is wrong with the script or its parameters is
	// reported once, and what modules make once a run is made in order.
	first, err := s.NewRuntime(ctx, 0)
	var wrong *script.ParamError
	if errors.As(err, &wrong) { // also one that the script threw, whose place in the script is of no use to the user
		return nil, wrong
	}
	if err != nil {
		return nil, err
	}
	all := make([]*script.Runtime, max(runtimes, 1))
	all[0] = first
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := 1; i < len(all); i++ {
		wg.Go(func() { all[i], errs[i] = s.NewRuntime(ctx, i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		Close(all)
		return nil, err
	}
	return all, nil
}

// Close ends the runtimes.
func Close(runtimes []*script.Runtime) {
	for _, rt := range runtimes {
		if rt != nil {
			rt.Close()
		}
	}
}

// Run plays the scenario on runtimes that Init has made. Whatever happens, the
// result holds what was finished.
func Run(ctx context.Context, runtimes []*script.Runtime, c Config) Outcome {
	r := &run{Config: c, ctx: ctx, runtimes: runtimes, tags: tagSet{}, applied: map[string]bool{}, sought: map[string]bool{}}
	r.Result.Started = time.Now()
	r.outcome.Err = r.unlessCut(r.play())
	r.outcome.Interrupted = r.interrupted()
	if r.aborted != nil {
		r.outcome.Aborted = r.aborted.String()
	}
	r.conclude()
	return r.outcome
}

// stopped tells whether the run shall end early.
func (r *run) stopped() bool { return r.aborted != nil || r.interrupted() }

// interrupted tells whether somebody has asked for the end.
func (r *run) interrupted() bool {
	select {
	case <-r.Stop:
		return true
	case <-r.ctx.Done():
		return true
	default:
		return false
	}
}

// play runs everything that produces numbers.
func (r *run) play() error {
	if err := r.readOptions(); err != nil {
		r.outcome.Refused = true
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	r.examine()
	r.Telemetry.Begin(r.ctx)
	if err := r.callSetup(); err != nil {
		return err
	}
	err := r.unlessCut(r.eachCase(r.playRepeats))
	r.describe()
	if r.ctx.Err() == nil {
		err = errors.Join(err, r.unlessCut(r.callTeardown()))
	}
	return err
}

// describe adds to the result what was named since the last time.
func (r *run) describe() {
	if r.Describe == nil || r.stopped() {
		return
	}
	ctx, cancel := until(r.ctx, r.Stop, 0)
	defer cancel()
	r.Describe(ctx, r.Result)
}

// unlessCut is err, or nil when it says no more than that Stop or the context
// has cut off a piece of the script.
func (r *run) unlessCut(err error) error {
	if errors.Is(err, script.ErrInterrupted) && r.interrupted() {
		r.outcome.Interrupted = true
		return nil
	}
	return err
}

// conclude completes the result, lets the script summarise it and saves it.
func (r *run) conclude() {
	if r.outcome.Refused {
		return
	}
	r.Telemetry.End(r.Result)
	ended := time.Now()
	r.Result.Ended = &ended
	r.Result.Interrupted = r.outcome.Interrupted
	if len(r.Result.Cases) == 0 {
		r.Result.Verdict = result.Invalid
		if r.outcome.Err == nil && !r.outcome.Interrupted && !r.exported["default"] {
			r.Result.Verdict = result.Valid // a script that only prepares something has done so
		}
	}
	r.Result.Thresholds = r.unjudged()
	played, inSummary := r.outcome.Err, error(nil)
	if r.ctx.Err() == nil {
		inSummary = r.unlessCut(r.callSummary())
		r.outcome.Err = errors.Join(r.outcome.Err, inSummary)
	}
	r.Result.Interrupted = r.outcome.Interrupted
	switch {
	case r.outcome.Err != nil:
		r.Result.Error = errors.Join(reason(played), reason(inSummary)).Error()
	case r.aborted != nil:
		r.Result.Error = r.outcome.Aborted
	}
	// What kept it from being written after the last case is told once.
	if err := r.save(); err != nil && (r.outcome.Err == nil || !strings.Contains(r.outcome.Err.Error(), err.Error())) {
		r.outcome.Err = errors.Join(r.outcome.Err, err)
	}
}

// reason is an error as the result tells it. What the script has concluded itself
// (notMet, undecided, invalidParams) is its message alone: where it said so matters to nobody.
func reason(err error) error {
	var unmet *script.UnmetError
	var undecided *script.UndecidedError
	var params *script.ParamError
	switch {
	case errors.As(err, &undecided):
		return undecided
	case errors.As(err, &unmet):
		return unmet
	case errors.As(err, &params):
		return params
	}
	return err
}

func (r *run) save() error {
	if r.Save == nil {
		return nil
	}
	return r.Save(r.Result)
}

// until returns a context that ends with parent, or a while after stop was closed.
func until(parent context.Context, stop <-chan struct{}, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-stop:
		case <-ctx.Done():
			return
		}
		wait := time.NewTimer(while)
		defer wait.Stop()
		select {
		case <-wait.C:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// Moments that plan gets, so that what its finally blocks write is complete: code
// that is cut off does not get to them.
const (
	stepGrace  = 2 * time.Second // after Stop, to come to its next yield
	leaveLimit = 5 * time.Second // after the end of Run's context, for its finally blocks
)

// limit is what ends a piece of the script that runs outside of any case.
type limit struct {
	ctx    context.Context
	stop   <-chan struct{} // nil: only ctx ends it
	while  time.Duration   // how long it may go on after stop
	time   time.Duration   // in all; 0: no limit
	option string          // that says how long
}

func (r *run) inOptions() limit { return limit{ctx: r.ctx, stop: r.Stop} }

func (r *run) inSetup() limit { return limit{r.ctx, r.Stop, 0, r.options.setupTimeout, "setupTimeout"} }

func (r *run) inPlan() limit {
	return limit{r.ctx, r.Stop, stepGrace, r.options.setupTimeout, "setupTimeout"}
}

func (r *run) leavingPlan() limit {
	return limit{context.WithoutCancel(r.ctx), r.ctx.Done(), leaveLimit, r.options.teardownTimeout, "teardownTimeout"}
}

func (r *run) atEnd() limit {
	return limit{ctx: r.ctx, time: r.options.teardownTimeout, option: "teardownTimeout"}
}

// call runs a piece of the script outside of any case, on the first runtime,
// and waits for it. What a module says about settings is returned alone, as by
// Init: the place in the script is of no use to who has to change them.
func (r *run) call(op string, l limit, f func(*goja.Runtime) (goja.Value, error), read func(goja.Value) error) error {
	ctx, cancel := until(l.ctx, l.stop, l.while)
	defer cancel()
	if l.time > 0 {
		ctx, cancel = context.WithTimeout(ctx, l.time)
		defer cancel()
	}
	err := r.runtimes[0].Wait(script.Task{Op: op, Context: ctx, Run: f}, read)
	if errors.Is(err, script.ErrInterrupted) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &script.Error{Op: op, File: r.Script.Path, Message: fmt.Sprintf("it took longer than %v and was cut off", l.time),
			Hint: fmt.Sprintf("if it needs that long: export const options = { %s: \"…\" }", l.option)}
	}
	if wrong, ok := errors.AsType[*script.ParamError](err); ok {
		return wrong
	}
	return err
}

// function returns an exported function; nil when the script has none. To be
// called on rt's loop.
func (r *run) function(rt *script.Runtime, name string) (goja.Callable, error) {
	v := rt.Export(name)
	if v == nil || goja.IsUndefined(v) {
		return nil, nil
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, &script.Error{Op: "init", File: r.Script.Path, Message: fmt.Sprintf("the script exports %s, but it is not a function", name)}
	}
	return f, nil
}

// callExport calls an exported function on the first runtime, when the script
// has it.
func (r *run) callExport(name string, l limit, args func(*script.Runtime) ([]goja.Value, error), read func(goja.Value) error) error {
	if !r.exported[name] {
		return nil
	}
	rt := r.runtimes[0]
	return r.call(name, l, func(*goja.Runtime) (goja.Value, error) {
		f, err := r.function(rt, name)
		if err != nil {
			return nil, err
		}
		given, err := args(rt)
		if err != nil {
			return nil, err
		}
		return f(goja.Undefined(), given...)
	}, read)
}

// callSetup calls setup() and keeps what it returns for plan, the iterations
// and teardown.
func (r *run) callSetup() error {
	none := func(*script.Runtime) ([]goja.Value, error) { return nil, nil }
	return r.callExport("setup", r.inSetup(), none, func(v goja.Value) (err error) {
		r.setup, err = r.runtimes[0].Detach(v)
		return err
	})
}

func (r *run) callTeardown() error {
	return r.callExport("teardown", r.atEnd(), r.setupData, nil)
}

// setupData is what setup returned, as an argument.
func (r *run) setupData(rt *script.Runtime) ([]goja.Value, error) {
	if r.dry && r.exported["setup"] {
		return []goja.Value{rt.VM().NewObject()}, nil // so that plan({ model }) gets to its cases
	}
	return []goja.Value{rt.Attach(r.setup)}, nil
}
