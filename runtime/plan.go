package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
)

// options is what the script exports as options.
type options struct {
	thresholds map[string][]string
	cases      []map[string]any // without plan: the case that they describe
}

// readOptions reads the exported options and checks them, before any load.
func (r *run) readOptions() error {
	rt := r.runtimes[0]
	var plain map[string]any
	r.exported = map[string]bool{}
	err := r.call("options", r.Stop, func(*goja.Runtime) (goja.Value, error) {
		for _, name := range []string{"setup", "plan", "teardown", "handleSummary"} {
			f, err := r.function(rt, name)
			if err != nil {
				return nil, err
			}
			r.exported[name] = f != nil
		}
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
	fault := func(format string, args ...any) error {
		return &script.ParamError{Message: "options: " + fmt.Sprintf(format, args...)}
	}
	var err error
	short := map[string]any{}
	for name, v := range plain {
		switch name {
		case "thresholds":
			if r.options.thresholds, err = parseThresholds(v); err != nil {
				return fault("%v", err)
			}
		case "scenarios":
			if r.options.cases, err = parseScenarios(v); err != nil {
				return fault("%v", err)
			}
		default:
			short[name] = v
		}
	}
	if err := checkThresholds(r.options.thresholds, r.Custom); err != nil {
		return fault("%v", err)
	}
	switch {
	case r.exported["plan"] && (len(short) > 0 || r.options.cases != nil):
		return fault("the script exports plan, so its options can only be thresholds; %s belong into the cases that plan yields", strings.Join(keys(plain, "thresholds"), ", "))
	case r.options.cases != nil && len(short) > 0:
		return fault("%s beside scenarios; put them into the scenario", strings.Join(keys(short, ""), ", "))
	case r.options.cases == nil:
		r.options.cases = []map[string]any{short}
	}
	return nil
}

// fields are the members of a detached object, but for undefined ones.
func fields(v any) (map[string]any, bool) {
	o, ok := v.(*script.Object)
	if !ok {
		return nil, false
	}
	m := make(map[string]any, len(o.Keys))
	for i, key := range o.Keys {
		if u, ok := o.Values[i].(goja.Value); !ok || !goja.IsUndefined(u) {
			m[key] = o.Values[i]
		}
	}
	return m, true
}

// parseScenarios reads k6's options.scenarios.
func parseScenarios(v any) ([]map[string]any, error) {
	scenarios, ok := fields(v)
	if !ok || len(scenarios) == 0 {
		return nil, errors.New("scenarios must be an object of at least one scenario")
	}
	if len(scenarios) > 1 {
		return nil, fmt.Errorf("scenarios has %s, but one at a time is what a case can play; yield them as cases from plan", strings.Join(keys(scenarios, ""), " and "))
	}
	for name, s := range scenarios {
		one, ok := fields(s)
		if !ok {
			return nil, fmt.Errorf("scenario %s must be an object", name)
		}
		if _, named := one["name"]; !named {
			one["name"] = name
		}
		one["scenario"] = name
		return []map[string]any{one}, nil
	}
	return nil, nil
}

func parseThresholds(v any) (map[string][]string, error) {
	byMetric, ok := fields(v)
	if !ok {
		return nil, errors.New(`thresholds must be an object such as { ttft: ["p(99)<2000"] }`)
	}
	out := map[string][]string{}
	for metric, list := range byMetric {
		if one, ok := list.(string); ok {
			list = []any{one}
		}
		exprs, ok := list.([]any)
		if !ok {
			return nil, fmt.Errorf("thresholds of %s must be a list of expressions", metric)
		}
		for _, e := range exprs {
			text, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("thresholds of %s: %v is not an expression such as \"p(99)<2000\"", metric, e)
			}
			out[metric] = append(out[metric], text)
		}
	}
	return out, nil
}

func checkThresholds(thresholds map[string][]string, custom func() map[string]metrics.CustomKind) error {
	var known map[string]metrics.CustomKind
	if custom != nil {
		known = custom()
	}
	return metrics.CheckThresholds(thresholds, known)
}

// eachCase takes the cases one after another from plan, or from the options,
// plays them, and gives plan each result. When the run stops early, plan's
// finally blocks still run.
func (r *run) eachCase(play func(c *caseSpec, number int) (*result.Case, error)) error {
	if !r.exported["plan"] {
		for i, o := range r.options.cases {
			c, err := r.parseCase(o, i+1)
			if err != nil {
				return err
			}
			c.of = len(r.options.cases)
			if r.stopped() {
				return nil
			}
			if _, err := play(c, i+1); err != nil {
				return err
			}
		}
		return nil
	}

	var steps *goja.Object // the generator
	if err := r.callExport("plan", r.Stop, r.setupData, func(v goja.Value) error {
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
	var last *result.Case
	for number := 1; ; number++ {
		if r.stopped() {
			return r.leavePlan(steps)
		}
		c, err := r.nextCase(steps, last, number)
		if err != nil {
			return errors.Join(err, r.unlessCut(r.leavePlan(steps)))
		}
		if c == nil {
			return nil
		}
		last, err = play(c, number)
		if err != nil {
			return errors.Join(err, r.unlessCut(r.leavePlan(steps)))
		}
	}
}

// nextCase resumes plan with the result of the case before; nil when it has
// no more.
func (r *run) nextCase(steps *goja.Object, last *result.Case, number int) (c *caseSpec, err error) {
	rt := r.runtimes[0]
	err = r.call("plan", r.Stop, func(vm *goja.Runtime) (goja.Value, error) {
		arg := goja.Undefined()
		if last != nil {
			if arg, err = toJS(rt, last); err != nil {
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

// leavePlan ends the generator before its time, so that its finally blocks run.
func (r *run) leavePlan(steps *goja.Object) error {
	if r.ctx.Err() != nil {
		return nil
	}
	return r.call("plan", nil, func(vm *goja.Runtime) (goja.Value, error) {
		if leave, ok := goja.AssertFunction(steps.Get("return")); ok {
			return leave(steps, goja.Undefined())
		}
		return nil, nil
	}, nil)
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
	parse, _ := goja.AssertFunction(vm.Get("JSON").ToObject(vm).Get("parse"))
	o, err := parse(goja.Undefined(), vm.ToValue(string(text)))
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *result.Case:
		addQuantiles(vm, o.ToObject(vm), v)
	case *result.Result:
		cases := o.ToObject(vm).Get("cases").ToObject(vm)
		for i, c := range v.Cases {
			addQuantiles(vm, cases.Get(fmt.Sprint(i)).ToObject(vm), c)
		}
	}
	return o, nil
}

func addQuantiles(vm *goja.Runtime, o *goja.Object, c *result.Case) {
	all := o.Get("metrics").ToObject(vm)
	for name, m := range metrics.Unsampled() {
		if c.Metrics[name] == nil {
			empty := vm.NewObject()
			empty.Set("kind", m.Kind)
			empty.Set("unit", m.Unit)
			empty.Set("n", 0)
			addQuantile(vm, empty, m)
			all.Set(name, empty)
		}
	}
	for name, m := range c.Metrics {
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
	return r.callExport("handleSummary", nil, result, func(v goja.Value) error {
		o, ok := v.(*goja.Object)
		if !ok {
			return nil
		}
		for _, path := range o.Keys() {
			text, ok := o.Get(path).Export().(string)
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
