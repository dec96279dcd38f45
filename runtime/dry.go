package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
)

// DryConfig is what a dry run is made of. What Config has too is meant as there.
type DryConfig struct {
	Script              *script.Script // its access has the rule Dry
	SLOs                metrics.SLOs
	Window              string
	Thresholds          map[string][]string
	Repeat              int
	Instance, Instances int
	Custom              func() map[string]metrics.CustomKind
	Profiling           profiling.Maker
	Stop                <-chan struct{} // ends it in good order, as run.abort() of the script does

	MaxCases int             // that are looked at; 0: DryCases
	MaxTime  time.Duration   // that plan may take in all; 0: DryTime
	Progress func(cases int) // is called for each case that is known; nil: nobody wants to know
}

// Defaults of the bounds of a dry run.
const (
	DryCases = 10_000
	DryTime  = 10 * time.Minute
)

var (
	errDryCases = errors.New("as many cases as are looked at")
	errDryTime  = errors.New("the time that the dry run has is over")
)

// Dry finds out what a run would do without sending anything: it reads the options, and
// takes the cases from plan. setup and the iterations are not called.
//
// plan is given results as of a service that completes all that the case asks for. It is
// played twice, on two runtimes, in step: once the service is fast, and once so slow that
// it keeps no limit. Where the two lists of cases part, what is planned depends on what is
// measured, and the list ends. So a plan that only writes results to a table depends on
// none, and neither does one that only ends when requests fail.
//
// The script's access is one of a dry run: what plan writes goes to a scratch folder, and
// what it wants to send is refused. runtimes are those of Init; the second one is made
// here. The error is that of Run for options or a plan that are wrong; what was found out
// until then is returned with it.
func Dry(ctx context.Context, runtimes []*script.Runtime, c DryConfig) (*Planned, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := c.MaxTime
	if limit == 0 {
		limit = DryTime
	}
	over := time.AfterFunc(limit, func() { cancel(errDryTime) })
	defer over.Stop()

	first := newDry(ctx, c, c.Script, runtimes[0])
	if err := first.readOptions(); err != nil {
		return nil, err
	}
	p := &Planned{Cases: []PlannedCase{}, Options: plainOptions(first.options.given), SetupSkipped: first.exported["setup"]}
	err := p.take(ctx, first, c)
	p.Withheld = c.Script.Access().Withheld()
	p.sum()
	err = p.explain(ctx, err, c, limit)
	p.Ended = c.Script.Access().Plain(p.Ended)
	return p, err
}

// newDry is one play of the plan.
func newDry(ctx context.Context, c DryConfig, s *script.Script, rt *script.Runtime) *run {
	return &run{
		Config: Config{
			Script: s, Result: &result.Result{}, SLOs: c.SLOs, Window: c.Window, Thresholds: c.Thresholds, Repeat: c.Repeat,
			Instance: c.Instance, Instances: c.Instances, Custom: c.Custom, Profiling: c.Profiling, Stop: c.Stop, Output: io.Discard, Errors: io.Discard,
		},
		ctx: ctx, runtimes: []*script.Runtime{rt}, tags: tagSet{}, applied: map[string]bool{}, sought: map[string]bool{}, dry: true,
	}
}

// second prepares the same play again, beside the first.
func (r *run) second(ctx context.Context, c DryConfig) (*run, func(), error) {
	twin := r.Script.Twin()
	rt, err := twin.NewRuntime(ctx, 1)
	if err != nil {
		return nil, nil, errors.Join(err, twin.Access().Close())
	}
	done := func() {
		rt.Close()
		_ = twin.Access().Close() // of a temporary folder
	}
	again := newDry(ctx, c, twin, rt)
	if err := again.readOptions(); err != nil {
		done()
		return nil, nil, err
	}
	return again, done, nil
}

// take goes through the cases of both plays, in step.
func (p *Planned) take(ctx context.Context, first *run, c DryConfig) error {
	most := c.MaxCases
	if most == 0 {
		most = DryCases
	}
	fast := &dryPlay{run: first, service: fastService}
	next, leave := iter.Pull(fast.cases())
	defer leave()
	other := func() (dryCase, bool) { return dryCase{}, false }
	slow := &dryPlay{service: slowService}
	if first.exported["plan"] {
		again, done, err := first.second(ctx, c)
		if err != nil {
			return err
		}
		defer done()
		slow.run = again
		var leaveOther func()
		other, leaveOther = iter.Pull(slow.cases())
		defer leaveOther()
	}
	for {
		one, ok := next()
		two, otherOK := other()
		if first.exported["plan"] && parted(one, ok, two, otherOK) && ctx.Err() == nil && !first.stopped() {
			p.DependsFrom = len(p.Cases) + 1
			return nil
		}
		if !ok {
			return fast.err
		}
		if len(p.Cases) == most {
			return errDryCases
		}
		p.Cases = append(p.Cases, one.planned)
		if c.Progress != nil {
			c.Progress(len(p.Cases))
		}
	}
}

// dryCase is a case, and what would be played of it.
type dryCase struct {
	planned PlannedCase
	spec    *caseSpec
}

// parted tells whether what two plays come to next is not the same.
func parted(one dryCase, ok bool, two dryCase, otherOK bool) bool {
	if ok != otherOK || !ok {
		return ok != otherOK
	}
	for i := range one.spec.scenarios {
		if i >= len(two.spec.scenarios) || !reflect.DeepEqual(one.spec.scenarios[i].profile, two.spec.scenarios[i].profile) {
			return true
		}
	}
	return !reflect.DeepEqual(one.planned, two.planned)
}

// dryPlay is a plan that is played with a service that is not there.
type dryPlay struct {
	*run
	service service
	err     error // what has ended it
}

// errLeft ends a play whose cases nobody wants any more.
var errLeft = errors.New("left")

// cases yields one case after another; each has been played when the next is asked for.
func (d *dryPlay) cases() iter.Seq[dryCase] {
	return func(yield func(dryCase) bool) {
		d.err = d.eachCase(func(c *caseSpec) ([]*result.Case, error) {
			if err := d.checkExec(c); err != nil {
				return nil, err
			}
			planned, err := plannedCase(c)
			if err != nil {
				return nil, err
			}
			if !yield(dryCase{planned, c}) {
				return nil, errLeft
			}
			return d.service.play(c, planned, d.Custom), nil
		})
	}
}

// checkExec finds fault with a case whose iterations there are not, as playing it does.
func (r *run) checkExec(c *caseSpec) error {
	rt := r.runtimes[0]
	return r.call("data", r.inOptions(), func(*goja.Runtime) (goja.Value, error) {
		for _, s := range c.scenarios {
			if _, err := r.iterate(rt, c, s); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}, nil)
}

// explain says why the list of cases ends before that of the plan. What a dry run itself
// has brought about is no error.
func (p *Planned) explain(ctx context.Context, err error, c DryConfig, limit time.Duration) error {
	var unmet *script.UnmetError
	var undecided *script.UndecidedError
	var wrong *script.ParamError
	switch {
	case errors.Is(context.Cause(ctx), errDryTime):
		p.Ended = fmt.Sprintf("plan had not come to its end after %v, which is as long as it is looked at", limit)
	case ctx.Err() != nil:
		return script.ErrInterrupted
	case errors.Is(err, errDryCases):
		p.Ended = fmt.Sprintf("these are the first %d cases: more are not looked at, and plan may not end at all", len(p.Cases))
	case err == nil:
	case errors.As(err, &unmet), errors.As(err, &undecided):
		p.Ended = "plan ends the run here: " + reason(err).Error()
	case errors.Is(err, script.ErrInterrupted) && c.Stop != nil:
		p.Ended = "the script ends the run here"
	case errors.As(err, &wrong):
		p.Ended = planFailed
		return wrong
	case len(p.Withheld) > 0:
		p.Ended = fmt.Sprintf("plan failed without the answer (%s): %v", p.Withheld[0], err)
	case p.SetupSkipped && len(p.Cases) == 0:
		p.Ended = fmt.Sprintf("plan failed, as it seems without what setup() returns: %v", err)
	default:
		p.Ended = planFailed
		return err
	}
	return nil
}

// planFailed is why the cases end before a fault of plan, which the error tells.
const planFailed = "plan failed here"
