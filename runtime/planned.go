package runtime

import (
	"maps"
	"math"
	"slices"

	"weir/runtime/load"
	"weir/runtime/script"
)

// Planned is what a run would do, as far as that can be known without doing it. What is
// not known is absent.
type Planned struct {
	Options map[string]any `json:"options,omitempty"` // as the script exports them, without data and profilers
	Cases   []PlannedCase  `json:"cases"`
	Totals  PlannedTotals  `json:"totals"`
	// DependsFrom is the number of the first case, from 1, that depends on what is measured in
	// those before it; it and those that follow are not in Cases. 0: no case does.
	DependsFrom  int      `json:"depends_from,omitempty"`
	Ended        string   `json:"ended,omitempty"`    // why Cases ends before the plan does; "": it does not
	SetupSkipped bool     `json:"setup_skipped"`      // there is a setup(), which is not called: what it returns is missing
	Withheld     []string `json:"withheld,omitempty"` // requests and programs of the script that a dry run refuses, a sentence each
}

// PlannedCase is one case of the plan.
type PlannedCase struct {
	Name       string              `json:"name"`
	Repeat     int                 `json:"repeat"` // how often it is played
	Tags       map[string]any      `json:"tags"`
	Scenarios  []PlannedScenario   `json:"scenarios"` // at the same time; most cases have one
	PauseS     float64             `json:"pause_s,omitempty"`
	Preconnect int                 `json:"preconnect,omitempty"` // connections that are opened before it
	Window     string              `json:"window,omitempty"`     // that its numbers are of; "": all of it
	Expect     []string            `json:"expect,omitempty"`     // rules of validity whose findings belong to the experiment
	Thresholds map[string][]string `json:"thresholds,omitempty"` // expressions by metric
	StopWhen   map[string][]string `json:"stop_when,omitempty"`
	Profilers  int                 `json:"profilers,omitempty"`
}

// PlannedScenario is one load of a case.
type PlannedScenario struct {
	Name     string             `json:"name"`
	Exec     string             `json:"exec"` // the exported function that is an iteration
	Executor string             `json:"executor"`
	SLO      map[string]float64 `json:"slo,omitempty"` // by latency, ms
	PlannedLoad
	Warmup *PlannedLoad `json:"warmup,omitempty"`
	Tokens *Tokens      `json:"tokens,omitempty"` // nil: its data do not say
}

// PlannedLoad is what an executor is going to start: of this instance's share.
type PlannedLoad struct {
	Iterations *int64   `json:"iterations,omitempty"` // if nothing ends it early; absent: as many as the service makes possible
	About      bool     `json:"about,omitempty"`      // Iterations is a mean
	AtOnce     *int     `json:"at_once,omitempty"`    // the most at the same time; absent: as many as the service makes of it
	Rate       *float64 `json:"rate_per_s,omitempty"` // mean starts per second of an open loop; absent: a closed one, or all at once
	LastsS     *float64 `json:"lasts_s,omitempty"`    // at least; absent: only the service knows
	LimitS     *float64 `json:"limit_s,omitempty"`    // nothing starts later
}

// Tokens are those that the data ask for.
type Tokens struct {
	// Of is what is counted: "iterations", of which each takes the item of its number, or
	// "data", all items that the case is given, where it is not known which are sent how often.
	Of     string      `json:"of"`
	Items  int64       `json:"items"`
	Prompt *TokenStats `json:"prompt,omitempty"` // nil: no item says
	Output *TokenStats `json:"output,omitempty"`
}

// TokenStats are of the items that say how many tokens they have.
type TokenStats struct {
	N   int64   `json:"n"`
	Sum int64   `json:"sum"`
	Min int     `json:"min"`
	Avg float64 `json:"avg"`
	Max int     `json:"max"`
}

// PlannedTotals are of all cases, as often as they are played.
type PlannedTotals struct {
	Cases        int      `json:"cases"`
	Iterations   *int64   `json:"iterations,omitempty"`    // without warm-ups; absent: a case has as many as the service makes possible
	About        bool     `json:"about,omitempty"`         // Iterations is a mean
	Warmup       *int64   `json:"warmup,omitempty"`        // iterations of warm-ups; absent as Iterations
	PromptTokens *int64   `json:"prompt_tokens,omitempty"` // of Iterations; absent: the data of a case do not say
	OutputTokens *int64   `json:"output_tokens,omitempty"` // asked for
	AtOnce       *int     `json:"at_once,omitempty"`       // the most at the same time; absent: as many as the service makes of it
	LeastS       float64  `json:"least_s"`                 // what schedules, durations and pauses take alone
	LimitS       *float64 `json:"limit_s,omitempty"`       // nothing starts later; absent: a case has no limit
}

// plannedCase describes a case.
func plannedCase(c *caseSpec) (p PlannedCase, err error) {
	p = PlannedCase{
		Name: c.name, Repeat: c.repeat, Tags: maps.Clone(c.tags), PauseS: c.pause.Seconds(), Preconnect: c.preconnect, Window: c.window,
		Expect: c.rules.Expected, Thresholds: c.thresholds.exprs(), StopWhen: c.stopWhen.exprs(), Profilers: len(c.profilers),
	}
	for _, s := range c.scenarios {
		planned := PlannedScenario{Name: s.name, Exec: s.exec, Executor: s.profile.Executor, SLO: s.slo}
		if planned.PlannedLoad, err = plannedLoad(s.profile); err != nil {
			return p, err
		}
		if s.warmup != nil {
			warmup, err := plannedLoad(*s.warmup)
			if err != nil {
				return p, err
			}
			planned.Warmup = &warmup
		}
		planned.Tokens = tokensOf(s, planned.Iterations)
		p.Scenarios = append(p.Scenarios, planned)
	}
	return p, nil
}

func plannedLoad(profile load.Profile) (p PlannedLoad, err error) {
	f, err := profile.Forecast()
	if err != nil {
		return p, err
	}
	p.About = f.About
	if f.Iterations >= 0 {
		p.Iterations = &f.Iterations
	}
	if _, closed := profile.AtOnce(); closed || f.AtOnce > 0 {
		p.AtOnce = &f.AtOnce
	}
	if f.Rate > 0 && !math.IsInf(f.Rate, 1) {
		p.Rate = &f.Rate
	}
	if f.Lasts > 0 {
		p.LastsS = new(f.Lasts.Seconds())
	}
	if f.Limit > 0 {
		p.LimitS = new(f.Limit.Seconds())
	}
	return p, nil
}

// lengths are data that say how many tokens an item has; 0: nobody knows.
type lengths interface {
	Len() int
	Lengths(i int) (prompt, output int)
}

// list is a plain array of items, which may say promptTokens and outputTokens.
type list []any

func (l list) Len() int { return len(l) }

func (l list) Lengths(i int) (prompt, output int) {
	switch item := l[i].(type) {
	case interface{ Lengths() (int, int) }:
		return item.Lengths()
	case *script.Object:
		prompt, _ = asInt(item.Get("promptTokens"))
		output, _ = asInt(item.Get("outputTokens"))
	}
	return max(prompt, 0), max(output, 0)
}

// mostItems bounds how many items are looked up for a case.
const mostItems = 5_000_000

// tokensOf adds up what a scenario's data ask for. Of data that are a list, iteration i
// takes item i, and begins it again when it is too short. So it does of a list in an object
// that has just one item for each iteration; what others are for, only the script knows.
func tokensOf(s *scenario, iterations *int64) *Tokens {
	data, each := itemsOf(s.data, iterations)
	if data == nil || data.Len() == 0 {
		return nil
	}
	t := &Tokens{Of: "data", Items: int64(data.Len())}
	index := func(i int64) int64 { return i }
	if each && *iterations <= mostItems {
		t.Of, t.Items = "iterations", *iterations
		index = s.profile.Index
	}
	var prompt, output TokenStats
	for i := range min(t.Items, mostItems) {
		p, o := data.Lengths(int(index(i) % int64(data.Len())))
		prompt.add(p)
		output.add(o)
	}
	t.Prompt, t.Output = prompt.known(), output.known()
	if t.Prompt == nil && t.Output == nil {
		return nil
	}
	return t
}

// itemsOf finds the items in data, and tells whether each iteration takes one.
func itemsOf(data any, iterations *int64) (items lengths, each bool) {
	if items := asItems(data); items != nil {
		return items, iterations != nil
	}
	o, ok := data.(*script.Object)
	if !ok {
		return nil, false
	}
	for _, v := range o.Values {
		list := asItems(v)
		if list == nil {
			continue
		}
		if iterations != nil && int64(list.Len()) == *iterations {
			return list, true
		}
		if items == nil {
			items = list
		}
	}
	return items, false
}

func asItems(v any) lengths {
	switch v := v.(type) {
	case lengths:
		return v
	case []any:
		if len(v) == 0 {
			return nil
		}
		switch v[0].(type) {
		case *script.Object, interface{ Lengths() (int, int) }:
			return list(v)
		}
	}
	return nil
}

func (s *TokenStats) add(n int) {
	if n <= 0 {
		return
	}
	if s.N == 0 {
		s.Min = n
	}
	s.N++
	s.Sum += int64(n)
	s.Min, s.Max = min(s.Min, n), max(s.Max, n)
}

func (s *TokenStats) known() *TokenStats {
	if s.N == 0 {
		return nil
	}
	s.Avg = float64(s.Sum) / float64(s.N)
	return s
}

// tokens are those of all scenarios; nil when one does not say.
func (p PlannedCase) tokens() *Tokens {
	if len(p.Scenarios) == 1 {
		return p.Scenarios[0].Tokens
	}
	return nil
}

// sum makes the totals.
func (p *Planned) sum() {
	t := PlannedTotals{Iterations: new(int64), Warmup: new(int64), PromptTokens: new(int64), OutputTokens: new(int64), AtOnce: new(int), LimitS: new(float64)}
	for _, c := range p.Cases {
		t.Cases += c.Repeat
		times := int64(c.Repeat)
		atOnce, lasts, limit := new(int), 0.0, new(float64)
		for _, s := range c.Scenarios {
			add(&t.Iterations, s.Iterations, times)
			t.About = t.About || s.About
			if s.Warmup != nil {
				add(&t.Warmup, s.Warmup.Iterations, times)
				t.LeastS += seconds(s.Warmup.LastsS) * float64(times)
			}
			if atOnce != nil && s.AtOnce != nil {
				*atOnce += *s.AtOnce
			} else {
				atOnce = nil
			}
			lasts = max(lasts, seconds(s.LastsS))
			if limit != nil && s.LimitS != nil {
				*limit = max(*limit, *s.LimitS)
			} else {
				limit = nil
			}
			add(&t.PromptTokens, s.asked((*Tokens).prompt), times)
			add(&t.OutputTokens, s.asked((*Tokens).output), times)
		}
		if t.AtOnce != nil && atOnce != nil {
			*t.AtOnce = max(*t.AtOnce, *atOnce)
		} else {
			t.AtOnce = nil
		}
		t.LeastS += (lasts + c.PauseS) * float64(times)
		if t.LimitS != nil && limit != nil {
			*t.LimitS += (*limit + c.PauseS) * float64(times)
		} else {
			t.LimitS = nil
		}
	}
	p.Totals = t
}

// add adds what is known; from what is not on, the sum is not known either.
func add(sum **int64, n *int64, times int64) {
	switch {
	case *sum == nil:
	case n == nil:
		*sum = nil
	default:
		**sum += *n * times
	}
}

func (t *Tokens) prompt() *TokenStats { return t.Prompt }
func (t *Tokens) output() *TokenStats { return t.Output }

// asked is the sum of tokens of all iterations; nil when it is not known of each of them.
func (s PlannedScenario) asked(of func(*Tokens) *TokenStats) *int64 {
	if s.Tokens == nil || s.Tokens.Of != "iterations" || of(s.Tokens) == nil || of(s.Tokens).N < s.Tokens.Items {
		return nil
	}
	return &of(s.Tokens).Sum
}

// plainOptions are options as JSON can have them: without what belongs to Go, and with
// numbers that JSON has none for as texts.
func plainOptions(given map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range given {
		if name != "data" && name != "profile" {
			out[name] = plainValue(v)
		}
	}
	return out
}

func plainValue(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return map[bool]string{true: "Infinity", false: "NaN"}[math.IsInf(v, 1)]
		}
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = plainValue(out[i])
		}
		return out
	case *script.Object:
		out := map[string]any{}
		for name, member := range v.Fields() {
			if name != "data" && name != "profile" { // of a scenario
				out[name] = plainValue(member)
			}
		}
		return out
	case script.Shared:
		return nil
	}
	return v
}
