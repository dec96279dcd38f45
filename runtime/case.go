package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

// caseSpec is one case as plan yields it.
type caseSpec struct {
	name     string
	scenario string
	exec     string // exported function that is an iteration
	of       int    // cases in all; 0: not known
	tags     map[string]any
	data     any // detached
	profile  load.Profile
	warmup   *load.Profile
	pause    time.Duration // after the case

	thresholds map[string][]string
	rules      metrics.Rules
}

// caseOptions are the options of a case besides those of its executor.
var caseOptions = []string{"name", "scenario", "exec", "of", "tags", "data", "warmup", "pause", "thresholds", "expect"}

// parseCase reads a case. What is wrong with it is a *script.ParamError.
func (r *run) parseCase(o map[string]any, number int) (*caseSpec, error) {
	c := &caseSpec{name: fmt.Sprintf("case %d", number), scenario: "default", exec: "default", tags: map[string]any{}, thresholds: r.options.thresholds}
	if name, ok := o["name"].(string); ok && name != "" {
		c.name = name
	}
	fault := func(err error) error {
		return &script.ParamError{Message: fmt.Sprintf("case %q: %v", c.name, err)}
	}
	var err error
	if name, ok := o["executor"].(string); ok {
		if err := load.CheckExecutor(name); err != nil {
			return nil, fault(err) // rather than one of its options
		}
	}
	known := append(slices.Clone(caseOptions), load.OptionNames()...)
	for name := range o {
		if !slices.Contains(known, name) {
			if near := suggest.Nearest(name, known); near != "" {
				return nil, fault(fmt.Errorf("unknown option %q; did you mean %q?", name, near))
			}
			return nil, fault(fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(known, ", ")))
		}
	}
	if c.profile, err = load.Parse(o); err != nil {
		return nil, fault(err)
	}
	if v, ok := o["scenario"].(string); ok {
		c.scenario = v
	}
	if v, ok := o["exec"].(string); ok {
		c.exec = v
	}
	if v, ok := asInt(o["of"]); ok {
		c.of = v
	}
	if v, ok := fields(o["tags"]); ok {
		c.tags = v
	} else if o["tags"] != nil {
		return nil, fault(errors.New("tags must be an object of names and values"))
	}
	if c.data = o["data"]; c.data != nil {
		if err := r.checkData(c.data); err != nil {
			return nil, fault(err)
		}
	}
	if o["pause"] != nil {
		if c.pause, err = load.ParseDuration(o["pause"]); err != nil {
			return nil, fault(fmt.Errorf("pause: %w", err))
		}
	}
	if o["thresholds"] != nil {
		own, err := parseThresholds(o["thresholds"])
		if err == nil {
			err = checkThresholds(own, r.Custom)
		}
		if err != nil {
			return nil, fault(err)
		}
		c.thresholds = maps.Clone(c.thresholds)
		if c.thresholds == nil {
			c.thresholds = map[string][]string{}
		}
		maps.Copy(c.thresholds, own)
	}
	if o["expect"] != nil {
		if c.rules, err = parseExpect(o["expect"]); err != nil {
			return nil, fault(err)
		}
	}
	if o["warmup"] != nil {
		if c.warmup, err = parseWarmup(o["warmup"], c.profile); err != nil {
			return nil, fault(err)
		}
	}
	return c, nil
}

// parseWarmup reads warmup: a number of iterations, or {iterations, vus, …}.
// Without vus it runs as many at once as the case does.
func parseWarmup(v any, of load.Profile) (*load.Profile, error) {
	o, ok := fields(v)
	if n, isNumber := asInt(v); isNumber {
		o, ok = map[string]any{"iterations": n}, true
	}
	if !ok {
		return nil, errors.New("warmup must be a number of iterations, or an object such as { iterations: 8 }")
	}
	if n, isNumber := asInt(o["iterations"]); isNumber && n == 0 {
		return nil, nil
	}
	o = maps.Clone(o)
	if o["executor"] == nil && o["iterations"] != nil {
		o["executor"] = "shared-iterations"
		if n, _ := asInt(o["iterations"]); o["vus"] == nil && n > 0 {
			o["vus"] = min(n, of.VUs)
		}
	}
	p, err := load.Parse(o)
	if err != nil {
		return nil, fmt.Errorf("warmup: %w", err)
	}
	return &p, nil
}

// parseExpect reads the names of validity rules whose findings belong to the
// experiment.
func parseExpect(v any) (rules metrics.Rules, err error) {
	list, ok := v.([]any)
	for _, name := range list {
		text, isText := name.(string)
		ok = ok && isText
		rules.Expected = append(rules.Expected, text)
	}
	if !ok {
		return rules, errors.New(`expect must be a list of validity rules such as ["cached_prompts"]`)
	}
	return rules, rules.Check()
}

// checkData refuses data from which no iteration could take its item.
func (r *run) checkData(v any) error {
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

func asInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	}
	return 0, false
}

func keys(m map[string]any, but string) []string {
	names := slices.Sorted(maps.Keys(m))
	return slices.DeleteFunc(names, func(n string) bool { return n == but })
}

// playCase warms up, plays the case, and sums it up.
func (r *run) playCase(c *caseSpec, number int) (*result.Case, error) {
	r.waitPause()
	bindings, err := r.bind(c)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	var warmed *result.Warmup
	if c.warmup != nil && !r.stopped() {
		recorder := metrics.NewRecorder(metrics.Options{})
		outcome := r.drive(c, number, *c.warmup, recorder, bindings, true)
		warmed = recorder.Warmup(outcome.Started)
	}
	recorder := metrics.NewRecorder(metrics.Options{})
	var outcome load.Outcome
	if !r.stopped() {
		started = time.Now()
		outcome = r.drive(c, number, c.profile, recorder, bindings, false)
	}
	found := recorder.Finish(result.Counts{
		Scheduled:       outcome.Scheduled,
		Started:         outcome.Started,
		Completed:       outcome.Completed,
		IterationFailed: outcome.Failed,
		Interrupted:     outcome.Interrupted,
		Dropped:         outcome.Dropped,
		Late:            outcome.Late,
	}, c.thresholds, c.rules)
	found.Name, found.Tags, found.Started, found.Warmup = c.name, c.tags, started, warmed
	found.Interrupted = outcome.Ended == load.EndStopped || outcome.Ended == load.EndCancelled || outcome.Ended == ""
	r.pause = c.pause
	return found, nil
}

// waitPause waits as long as the case before asked for. It comes before the
// next case, so that the one that ended is on disk meanwhile.
func (r *run) waitPause() {
	if r.pause == 0 {
		return
	}
	select {
	case <-time.After(r.pause):
	case <-r.Stop:
	case <-r.ctx.Done():
	}
	r.pause = 0
}

// binding is what the iterations of a case need in one runtime.
type binding struct {
	rt      *script.Runtime
	iterate goja.Callable
	setup   goja.Value   // what setup returned
	data    *goja.Object // nil: the case has none
	length  int          // of data; 0: it is no list
}

// bind brings the case's data and what setup returned into every runtime, once.
func (r *run) bind(c *caseSpec) ([]binding, error) {
	bindings := make([]binding, len(r.runtimes))
	errs := make([]error, len(r.runtimes))
	var wg sync.WaitGroup
	for i, rt := range r.runtimes {
		wg.Go(func() {
			errs[i] = rt.Wait(script.Task{Op: "data", Context: r.ctx, Run: func(*goja.Runtime) (_ goja.Value, err error) {
				bindings[i], err = r.bindTo(rt, c)
				return nil, err
			}}, nil)
		})
	}
	wg.Wait()
	for _, err := range errs { // all runtimes find the same fault
		if err != nil {
			return nil, err
		}
	}
	return bindings, nil
}

func (r *run) bindTo(rt *script.Runtime, c *caseSpec) (b binding, err error) {
	rt.Class(iterationClass)
	b.rt = rt
	if b.iterate, err = r.function(rt, c.exec); err != nil {
		return b, err
	}
	if b.iterate == nil {
		what := "a default export"
		if c.exec != "default" {
			what = "an exported function " + c.exec
		}
		return b, &script.Error{Op: "plan", File: r.Script.Path, Message: fmt.Sprintf("case %q needs %s, and the script has none", c.name, what),
			Hint: "an iteration is: export default async function (it) { … }"}
	}
	b.setup = rt.Attach(r.setup)
	if c.data == nil {
		return b, nil
	}
	b.data, _ = rt.Attach(c.data).(*goja.Object)
	if n := b.data.Get("length"); n != nil {
		b.length = int(n.ToInteger())
	}
	return b, nil
}

// afterCut is how long requests that were given up have to close their records.
const afterCut = 5 * time.Second

// drive plays one profile of a case.
func (r *run) drive(c *caseSpec, number int, p load.Profile, recorder *metrics.Recorder, bindings []binding, warmup bool) load.Outcome {
	executor, err := load.New(p)
	if err != nil { // parseCase has checked it
		panic(err)
	}
	if r.Watch != nil {
		done := r.Watch(CaseView{Name: c.name, Number: number, Of: c.of, Warmup: warmup, Progress: executor.Progress, Live: recorder.Live})
		defer done()
	}
	tags := make(map[string]string, len(c.tags))
	for name, v := range c.tags {
		tags[name] = fmt.Sprint(v)
	}
	abort := make([]func(), len(r.runtimes))
	for i, rt := range r.runtimes {
		abort[i] = sync.OnceFunc(rt.Abort)
	}
	// A wave says when its iterations start; a VU starts its next one whenever the
	// last has ended.
	scheduled := p.Executor == "waves"
	outcome := executor.Run(r.ctx, r.Stop, func(ctx context.Context, at load.Iteration) error {
		n := at.VU % len(bindings)
		it := &iteration{
			Iteration: metrics.Iteration{Recorder: recorder, Scenario: c.scenario, Index: at.Index, VU: at.VU, Tags: tags},
			inVU:      at.IterationInVU,
			spec:      c,
			warmup:    warmup,
			binding:   &bindings[n],
		}
		it.Begun = &it.begun
		if scheduled {
			it.Scheduled = at.Scheduled
		}
		return it.run(ctx, abort[n])
	})
	ctx, cancel := context.WithTimeout(context.Background(), afterCut)
	defer cancel()
	recorder.WaitClosed(ctx)
	return outcome
}
