package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
)

// options is what the script exports as options.
type options struct {
	given           map[string]any // as they are exported
	thresholds      thresholds
	limits          thresholds // from outside, besides those of the script
	slo             metrics.SLOs
	setupTimeout    time.Duration // of setup, and of each step of plan
	teardownTimeout time.Duration // of teardown, of leaving plan, and of handleSummary
	window          string        // that numbers are of, where a case does not say it; "": of all
	doctor          bool          // look at the machine and the services first
	single          *caseSpec     // without plan: the case that they describe
}

// Defaults of the time limits. k6 allows setup a minute, but a model that is
// warmed up there may take longer.
const (
	defaultSetupTimeout    = 10 * time.Minute
	defaultTeardownTimeout = time.Minute
)

// readOptions reads the exported options and checks them, before any load.
func (r *run) readOptions() error {
	rt := r.runtimes[0]
	var plain map[string]any
	r.exported = map[string]bool{}
	err := r.call("options", r.inOptions(), func(*goja.Runtime) (goja.Value, error) {
		for _, name := range []string{"setup", "plan", "teardown", "handleSummary"} {
			f, err := r.function(rt, name)
			if err != nil {
				return nil, err
			}
			r.exported[name] = f != nil
		}
		iterate := rt.Export("default")
		r.exported["default"] = iterate != nil && !goja.IsUndefined(iterate)
		v := rt.Export("options")
		if v == nil || goja.IsUndefined(v) {
			return nil, nil
		}
		detached, err := rt.Detach(v)
		if err != nil {
			return nil, fmt.Errorf("options: %w", err)
		}
		var ok bool
		if plain, ok = fields(detached); !ok {
			return nil, errors.New("the script exports options, but it is not an object")
		}
		return nil, nil
	}, nil)
	if err != nil {
		return err
	}
	return r.parseOptions(plain)
}

func (r *run) parseOptions(plain map[string]any) error {
	r.options.given = plain
	fault := func(format string, args ...any) error {
		return &script.ParamError{Message: "options: " + fmt.Sprintf(format, args...)}
	}
	given, err := parseThresholds("thresholds", plain["thresholds"])
	if err == nil {
		err = given.check("thresholds", r.Custom)
	}
	if err != nil {
		return fault("%v", err)
	}
	r.options.thresholds = given
	if r.options.limits, err = parseLimits(r.Thresholds); err == nil {
		err = r.options.limits.check("--threshold", r.Custom)
	}
	if err != nil {
		return &script.ParamError{Message: err.Error()}
	}
	if r.options.slo, err = parseSLO(plain["slo"]); err != nil {
		return fault("%v", err)
	}
	if r.options.window, err = r.windowOf(plain["window"]); err != nil {
		return fault("%v", err)
	}
	if r.outcome.TrendStats, err = parseTrendStats(plain["summaryTrendStats"]); err != nil {
		return fault("%v", err)
	}
	if r.options.doctor, err = parseDoctor(plain["doctor"]); err != nil {
		return fault("%v", err)
	}
	r.options.setupTimeout, r.options.teardownTimeout = defaultSetupTimeout, defaultTeardownTimeout
	single := maps.Clone(plain)
	delete(single, "thresholds")
	delete(single, "slo")
	delete(single, "window")
	delete(single, "doctor")
	delete(single, "summaryTrendStats")
	for name, to := range map[string]*time.Duration{"setupTimeout": &r.options.setupTimeout, "teardownTimeout": &r.options.teardownTimeout} {
		if plain[name] != nil {
			if *to, err = load.ParseDuration(plain[name]); err != nil {
				return fault("%s: %v", name, err)
			}
			if *to <= 0 {
				return fault("%s must be more than 0, got %v", name, plain[name])
			}
		}
		delete(single, name)
	}
	switch {
	case !r.exported["plan"]:
		if err := checkOptions(single, slices.Concat(runOptions, caseOptions, scenarioOptions, load.OptionNames())); err != nil {
			return fault("%v", err)
		}
		r.options.single, err = r.parseCase(single, 1)
		return err
	case len(single) > 0:
		return fault("the script exports plan, so its options can only be thresholds, slo, window, doctor, summaryTrendStats, setupTimeout and teardownTimeout; %s belong into the cases that plan yields",
			strings.Join(slices.Sorted(maps.Keys(single)), ", "))
	}
	return nil
}

// parseTrendStats reads summaryTrendStats, a list of names as k6 has them.
func parseTrendStats(v any) (all []result.Stat, err error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	for _, name := range list {
		text, isText := name.(string)
		if ok = ok && isText; !ok {
			break
		}
		s, err := result.ParseStat(text)
		if err != nil {
			return nil, fmt.Errorf("summaryTrendStats: %w", err)
		}
		all = append(all, s)
	}
	if !ok || len(all) == 0 {
		return nil, errors.New(`summaryTrendStats must be a list such as ["avg", "p(99)"]`)
	}
	return all, nil
}

// eachCase takes the cases one after another from plan, or from the options,
// plays them, and gives plan each result. When the run stops early, plan's
// finally blocks still run, unless plan itself was cut off.
func (r *run) eachCase(play func(c *caseSpec) ([]*result.Case, error)) error {
	if !r.exported["plan"] {
		if r.stopped() {
			return nil
		}
		r.options.single.of = 1
		_, err := play(r.options.single)
		return err
	}

	var steps *goja.Object // the generator
	if err := r.callExport("plan", r.inPlan(), r.setupData, func(v goja.Value) error {
		var ok bool
		if steps, ok = v.(*goja.Object); ok {
			_, ok = goja.AssertFunction(steps.Get("next"))
		}
		if !ok {
			return &script.Error{Op: "plan", File: r.Script.Path, Message: "plan did not return a generator", Hint: "write it as: export function* plan() { … yield { executor: … } … }"}
		}
		return nil
	}); err != nil {
		return err
	}
	var last []*result.Case // repetitions of one
	for number := 1; ; number++ {
		if r.stopped() {
			return r.leavePlan(steps)
		}
		c, err := r.nextCase(steps, last, number)
		if c != nil && number > mostCases {
			c, err = nil, &script.ParamError{Message: fmt.Sprintf("plan has more than %d cases", mostCases), Hint: "is there a loop without end in it? Otherwise make several runs of it"}
		}
		if errors.Is(err, script.ErrInterrupted) {
			fmt.Fprintln(r.Errors, "weir: plan was cut off on its way to the next case, and its finally blocks did not run: what they write is missing")
			return err
		}
		if err != nil {
			return errors.Join(err, r.unlessCut(r.leavePlan(steps)))
		}
		if c == nil {
			return nil
		}
		last, err = play(c)
		if err != nil {
			return errors.Join(err, r.unlessCut(r.leavePlan(steps)))
		}
	}
}

// nextCase resumes plan with the result of the case before; nil when it has
// no more.
func (r *run) nextCase(steps *goja.Object, last []*result.Case, number int) (c *caseSpec, err error) {
	rt := r.runtimes[0]
	err = r.call("plan", r.inPlan(), func(vm *goja.Runtime) (goja.Value, error) {
		arg := goja.Undefined()
		if len(last) > 0 {
			if arg, err = lastToJS(rt, last); err != nil {
				return nil, err
			}
		}
		next, _ := goja.AssertFunction(steps.Get("next"))
		return next(steps, arg)
	}, func(v goja.Value) error {
		step, ok := v.(*goja.Object)
		if !ok {
			return errors.New("plan's generator returned no step")
		}
		if step.Get("done").ToBoolean() {
			return nil
		}
		if o, ok := step.Get("value").(*goja.Object); ok {
			if _, generator := goja.AssertFunction(o.Get("next")); generator {
				return &script.ParamError{Message: fmt.Sprintf("case %d of plan is a generator", number), Hint: "write yield* instead of yield to play all of its cases"}
			}
		}
		value, err := rt.Detach(step.Get("value"))
		if err != nil {
			return fmt.Errorf("case %d of plan: %w", number, err)
		}
		options, ok := fields(value)
		if !ok {
			return &script.ParamError{Message: fmt.Sprintf("case %d of plan is not an object but %v", number, value)}
		}
		c, err = r.parseCase(options, number)
		return err
	})
	return c, err
}

// leavePlan ends the generator before its time, so that its finally blocks run,
// also when Run's context has ended.
func (r *run) leavePlan(steps *goja.Object) error {
	err := r.call("plan", r.leavingPlan(), func(vm *goja.Runtime) (goja.Value, error) {
		if leave, ok := goja.AssertFunction(steps.Get("return")); ok {
			return leave(steps, goja.Undefined())
		}
		return nil, nil
	}, nil)
	if errors.Is(err, script.ErrInterrupted) {
		fmt.Fprintf(r.Errors, "weir: plan's finally blocks were cut off, %v after all else: what they write may be missing\n", leaveLimit)
	}
	return err
}

// toJS makes what scripts see of a result: its JSON, and metric.p(99) on every
// distribution. weir's own distributions are all there, even if a case has no
// samples of them, so that a script need not ask before it looks at one.
func toJS(rt *script.Runtime, v any) (goja.Value, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	vm := rt.VM()
	o, err := rt.ParseJSON(string(text))
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *result.Case:
		addCaseQuantiles(vm, o.ToObject(vm), v)
	case *result.Result:
		cases := o.ToObject(vm).Get("cases").ToObject(vm)
		for i, c := range v.Cases {
			addCaseQuantiles(vm, cases.Get(fmt.Sprint(i)).ToObject(vm), c)
		}
	}
	return o, nil
}

// lastToJS makes what plan sees of a case: the result of its last repetition, with
// those of all in repeats when there may be several.
func lastToJS(rt *script.Runtime, all []*result.Case) (goja.Value, error) {
	see := func(c *result.Case) (*goja.Object, error) {
		v, err := toJS(rt, c)
		if err != nil {
			return nil, err
		}
		o := v.ToObject(rt.VM())
		addTag(rt, o, c)
		return o, nil
	}
	last := all[len(all)-1]
	o, err := see(last)
	if err != nil || last.Repeat == 0 {
		return o, err
	}
	repeats := make([]any, len(all))
	for i, c := range all {
		if repeats[i], err = see(c); err != nil {
			return nil, err
		}
	}
	return o, o.Set("repeats", rt.VM().NewArray(repeats...))
}

// addTag adds tag(name, value) to what plan sees of a case: what it makes of it.
func addTag(rt *script.Runtime, o *goja.Object, c *result.Case) {
	tag := rt.VM().ToValue(func(call goja.FunctionCall) goja.Value {
		v := script.Export(call.Argument(1))
		ok := false
		switch n := v.(type) {
		case string, bool, int64:
			ok = true
		case float64:
			ok = !math.IsNaN(n) && !math.IsInf(n, 0)
		}
		if !ok {
			rt.Throw(script.TypeErrorf("tag(name, value): the value is %s, not a text, a finite number or a boolean", call.Argument(1)))
		}
		c.Tags[call.Argument(0).String()] = v
		return goja.Undefined()
	})
	o.DefineDataProperty("tag", tag, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

func addCaseQuantiles(vm *goja.Runtime, o *goja.Object, c *result.Case) {
	addQuantiles(vm, o.Get("metrics").ToObject(vm), c.Metrics)
	for name, s := range c.Scenarios {
		scenario := o.Get("scenarios").ToObject(vm).Get(name).ToObject(vm)
		addQuantiles(vm, scenario.Get("metrics").ToObject(vm), s.Metrics)
	}
}

func addQuantiles(vm *goja.Runtime, all *goja.Object, sampled map[string]*result.Metric) {
	for name, m := range metrics.Unsampled() {
		if sampled[name] == nil {
			empty := vm.NewObject()
			empty.Set("kind", m.Kind)
			empty.Set("unit", m.Unit)
			empty.Set("n", 0)
			addQuantile(vm, empty, m)
			all.Set(name, empty)
		}
	}
	for name, m := range sampled {
		if m.Quantile != nil {
			addQuantile(vm, all.Get(name).ToObject(vm), m)
		}
	}
}

// addQuantile adds p(q). It is not enumerable, so that the metric prints and
// copies as its JSON.
func addQuantile(vm *goja.Runtime, o *goja.Object, m *result.Metric) {
	p := vm.ToValue(func(call goja.FunctionCall) goja.Value {
		return vm.ToValue(m.Quantile(call.Argument(0).ToFloat()))
	})
	o.DefineDataProperty("p", p, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// callSummary calls handleSummary(result), and writes what it returns: text for
// "stdout" and "stderr", and files.
func (r *run) callSummary() error {
	result := func(rt *script.Runtime) ([]goja.Value, error) {
		o, err := toJS(rt, r.Result)
		return []goja.Value{o}, err
	}
	return r.callExport("handleSummary", r.atEnd(), result, func(v goja.Value) error {
		o, ok := v.(*goja.Object)
		if !ok {
			return nil
		}
		for _, path := range o.Keys() {
			text, ok := script.Export(o.Get(path)).(string)
			if !ok {
				return fmt.Errorf("handleSummary: what it returns for %q is no string; write JSON.stringify(…)", path)
			}
			var err error
			switch path {
			case "stdout":
				r.outcome.Summarised = true
				_, err = io.WriteString(r.Output, text)
			case "stderr":
				_, err = io.WriteString(r.Errors, text)
			default:
				err = r.Write(path, []byte(text))
			}
			if err != nil {
				return fmt.Errorf("handleSummary: %w", err)
			}
		}
		return nil
	})
}
