package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/runtime/health"
	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/telemetry"
)

// caseSpec is one case as plan yields it.
type caseSpec struct {
	name       string
	number     int // among those of plan, from 1
	of         int // cases in all; 0: not known
	repeat     int // how often it is played, at least once
	repetition int // which of these times it is, from 1; 0: it is played once
	tags       map[string]any
	scenarios  []*scenario   // at least one
	named      bool          // the script has named them, and wants their results
	pause      time.Duration // after the case
	preconnect int           // connections to each service before it
	profilers  []profiling.Profiler

	thresholds thresholds
	judged     map[string]thresholds // by the scenario that they are judged on, "" the whole case, and as the result calls them
	slo        metrics.SLOs          // of the case; each scenario has its own
	inRun      thresholds            // that are on tags which single requests and values may get while the case runs
	stopWhen   thresholds            // what ends the case early when it holds
	window     string                // that the case's numbers are of
	rules      metrics.Rules
}

// runOptions are the options of a run that are not those of its one case.
var runOptions = []string{"doctor", "setupTimeout", "summaryTrendStats", "teardownTimeout"}

// caseOptions are the options of a case besides those of a scenario.
var caseOptions = []string{"name", "scenario", "scenarios", "of", "repeat", "pause", "preconnect", "expect", "window", "stopWhen", "profile"}

const (
	mostCases = 10_000 // of a plan: each is written to the result, which is written again after each
	mostText  = 1000   // bytes of a name, and of a tag
	mostTags  = 100
)

// parseCase reads a case. What is wrong with it is a *script.ParamError.
func (r *run) parseCase(o map[string]any, number int) (*caseSpec, error) {
	c := &caseSpec{name: fmt.Sprintf("case %d", number), number: number, repeat: 1, thresholds: thresholds{}}
	if all, ok := o["scenarios"].(*script.Object); ok && !r.exported["plan"] {
		c.name = strings.Join(all.Keys, " + ")
	}
	if name, _ := o["name"].(string); name != "" {
		c.name = name
	}
	if err := r.parseCaseOptions(c, o); err != nil {
		return nil, &script.ParamError{Message: fmt.Sprintf("case %q: %v", c.name, err)}
	}
	return c, nil
}

func (r *run) parseCaseOptions(c *caseSpec, o map[string]any) (err error) {
	if err := checkOptions(o, slices.Concat(caseOptions, scenarioOptions, load.OptionNames())); err != nil {
		return err
	}
	for _, name := range []string{"name", "scenario"} {
		switch value, err := text(o, name); {
		case err != nil:
			return err
		case len(value) > mostText:
			c.name = c.name[:min(len(c.name), 40)] + "…"
			return fmt.Errorf("%s has %d bytes; it may have %d", name, len(value), mostText)
		}
	}
	if c.tags, err = parseTags(o["tags"]); err != nil {
		return err
	}
	if c.slo, err = r.sloOf(r.options.slo, o["slo"]); err != nil {
		return err
	}
	if err := r.parseScenarios(c, o); err != nil {
		return err
	}
	if o["of"] != nil {
		var ok bool
		if c.of, ok = asInt(o["of"]); !ok || c.of < 1 {
			return fmt.Errorf("of must be the number of cases in all, not %v", o["of"])
		}
	}
	if o["repeat"] != nil {
		var ok bool
		if c.repeat, ok = asInt(o["repeat"]); !ok || c.repeat < 1 {
			return fmt.Errorf("repeat must be how often the case is played, not %v", o["repeat"])
		}
	}
	if r.Repeat > 0 {
		c.repeat = r.Repeat
	}
	if o["pause"] != nil {
		if c.pause, err = load.ParseDuration(o["pause"]); err != nil {
			return fmt.Errorf("pause: %w", err)
		}
	}
	if c.preconnect, err = c.parsePreconnect(o["preconnect"]); err != nil {
		return err
	}
	if o["expect"] != nil {
		if c.rules, err = parseExpect(o["expect"]); err != nil {
			return err
		}
	}
	if c.window, err = r.windowOf(o["window"]); err != nil {
		return err
	}
	if c.profilers, err = r.parseProfilers(o["profile"]); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if c.stopWhen, err = r.parseStopWhen(c, o["stopWhen"]); err != nil {
		return err
	}
	return r.parseCaseThresholds(c, o["thresholds"])
}

// parsePreconnect reads preconnect: whether connections are opened before the
// case, or how many. A closed loop says itself how many it needs, and so does an
// open one that is limited.
func (c *caseSpec) parsePreconnect(v any) (int, error) {
	closedOnes, all, unlimited := 0, 0, false
	for _, s := range c.scenarios {
		n, closed := s.profile.AtOnce()
		all += n
		if closed {
			closedOnes += n
		} else if n == 0 {
			unlimited = true
		}
	}
	switch v := v.(type) {
	case nil:
		return closedOnes, nil
	case bool:
		switch {
		case !v:
			return 0, nil
		case unlimited:
			return 0, errors.New("preconnect: nobody knows how many requests of an open loop without maxInFlight run at once; give the number of connections")
		}
		return all, nil
	}
	n, ok := asInt(v)
	if !ok || n < 0 || n > load.MaxVUs {
		return 0, fmt.Errorf("preconnect must be true, false or a number of connections from 0 to %d, not %v", load.MaxVUs, v)
	}
	return n, nil
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

// playCase opens connections, warms up, plays the case, and sums it up. A case
// whose warm-up was refused altogether is not played: it would be, too. It
// returns nil when the run was stopped before anything was measured.
func (r *run) playCase(c *caseSpec, number int) (*result.Case, error) {
	r.waitPause()
	bound, err := r.bind(c)
	if err != nil {
		return nil, err
	}
	r.examineCase(c)
	r.preconnect(c.preconnect)
	warmed := r.warmUp(c, number, bound)
	profiled := false
	if !warmed.Refused() {
		if profiled, err = r.startProfile(c); err != nil {
			return nil, err
		}
	}
	if profiled || warmed != nil && !warmed.Refused() {
		r.preconnect(c.preconnect) // what the service has closed meanwhile
	}
	if r.stopped() {
		if profiled {
			r.stopProfile(c)
		}
		return nil, nil
	}
	recorder := metrics.NewRecorder(metrics.Options{
		SLOs: c.wholeSLO(), Keep: r.keep(number, c.name), KeptBytes: metrics.KeptBytes, Window: c.window, Load: c.load(),
	})
	p := newPlay(c, bound, recorder)
	var window *telemetry.Window
	if !warmed.Refused() {
		window = r.Telemetry.OpenCase(r.ctx, number)
	}
	if !r.Unwatched {
		p.health = health.Watch(r.lags)
	}
	started := time.Now()
	if warmed.Refused() {
		p.skip(warmed)
	} else {
		r.drive(p, number)
	}
	if p.health != nil {
		recorder.SetClient(p.health.Stop())
	}
	window.Close(r.ctx)
	var traces []result.Trace
	if profiled {
		traces = r.stopProfile(c)
		c.rules.Profilers = profilerNames(traces)
	}
	found := p.finish()
	r.judged(c, found)
	if p.crossed != nil {
		r.aborted = p.crossed
	}
	found.Name, found.Tags, found.Started, found.Warmup, found.Profile = c.name, c.tags, started, warmed, traces
	window.Describe(found)
	found.Kept = r.keepRequests(recorder, number, c.name)
	r.pause = c.pause
	return found, nil
}

// preconnect opens connections, so that the case begins with them. Services that
// cannot be reached will be reported by the requests to them.
func (r *run) preconnect(n int) {
	if r.Preconnect == nil || n == 0 || r.stopped() {
		return
	}
	ctx, cancel := until(r.ctx, r.Stop, 0)
	defer cancel()
	_ = r.Preconnect(ctx, n)
}

// lags tells how long things have waited for the event loops.
func (r *run) lags() []time.Duration {
	all := make([]time.Duration, len(r.runtimes))
	for i, rt := range r.runtimes {
		all[i] = rt.TakeLag()
	}
	return all
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
