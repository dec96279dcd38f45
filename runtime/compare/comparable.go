package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"weir/runtime/result"
)

// Reason says why two cases, or some of their metrics, do not measure the same.
type Reason struct {
	Kind    string   `json:"kind"` // one of ReasonKinds
	Message string   `json:"message"`
	Metrics []string `json:"metrics,omitempty"` // that it is about; none: all
	Ignored bool     `json:"ignored,omitempty"` // as the user has asked for
}

// ReasonKinds are the kinds of reasons, which can be ignored by these names.
var ReasonKinds = []string{"model", "prompts", "lengths", "tokenizer", "load", "window", "invalid"}

// about tells whether the reason stands against a metric.
func (r Reason) about(metric string) bool {
	return !r.Ignored && (len(r.Metrics) == 0 || slices.Contains(r.Metrics, metric))
}

// What the length of an answer is in, and what the counting of tokens is in.
var (
	byLength = []string{"e2el", "e2el_from_schedule", "throughput", "goodput", "energy", "requests", "prompt_tokens", "generated_tokens"}
	byCount  = []string{"tpot", "tpot_from_second", "decode_per_token", "decode_speed", "tokens_per_event", "throughput", "goodput", "energy", "output_tokens", "generated_tokens"}
)

// promptParams are parameters of weir's own scenarios that say which prompts are sent.
var promptParams = []string{"datasetType", "samePrompt", "samePrompts", "prefixCachingNum", "enablePrefixCaching"}

// reasons tells why the cases of two points are not comparable.
func reasons(base, new *point, sets map[string]bool) []Reason {
	var list []Reason
	add := func(kind, message string, metrics ...string) {
		list = append(list, Reason{Kind: kind, Message: message, Metrics: metrics, Ignored: sets[kind]})
	}
	differ := func(kind, what string, of func(caseRun) map[string]bool, metrics ...string) {
		a, b := union(base, of), union(new, of)
		if len(a) > 0 && len(b) > 0 && !maps.Equal(a, b) {
			add(kind, fmt.Sprintf("%s: %s → %s", what, some(a), some(b)), metrics...)
		}
	}

	differ("model", "other model", models)
	differ("prompts", "other dataset", hashes("dataset"))
	for _, name := range promptParams {
		differ("prompts", "other prompts, by the parameter "+name, param(name))
	}
	differ("tokenizer", "other tokenizer", hashes("tokenizer"))
	differ("tokenizer", "output tokens are counted by another source", tokenSources, byCount...)
	differ("load", "other script", func(c caseRun) map[string]bool { return one(c.run.Result.Script.Name) })
	differ("load", "schedule", func(c caseRun) map[string]bool {
		if c.Metrics["start_lag"] != nil {
			return one("yes")
		}
		return one("none")
	})
	differ("load", "share of the load (--instance)", func(c caseRun) map[string]bool {
		if s := c.run.Result.Settings; s != nil && s.Instance != "" {
			return one(s.Instance)
		}
		return one("1/1")
	})
	if a, b := base.key(), new.key(); a != b {
		add("load", "other tags: "+changes(base.tags, new.tags))
	}
	differ("window", "other window", func(c caseRun) map[string]bool {
		if c.Window == "" {
			return one(result.WindowAll)
		}
		return one(c.Window)
	})
	for side, p := range []*point{base, new} {
		for _, c := range p.runs {
			if c.Validity.Verdict == result.Invalid {
				add("invalid", fmt.Sprintf("%s is INVALID: %s", [...]string{"the base", "the new one"}[side], why(c.Case, result.Invalid)))
				break
			}
		}
	}
	list = append(list, lengths(base, new, sets)...)
	return list
}

// Lengths count as other ones when their means are further apart than a few percent
// and than chance explains.
const (
	sameLength   = 0.02
	chanceLength = 3.3 // standard errors: once in a thousand
)

func lengths(base, new *point, ignored map[string]bool) (list []Reason) {
	for _, l := range []struct {
		metric, what string
		metrics      []string
	}{{"input_tokens", "the prompts are", nil}, {"output_tokens", "the answers are", byLength}} {
		a, aSE := meanOf(base, l.metric)
		b, bSE := meanOf(new, l.metric)
		if change := b/a - 1; a > 0 && b > 0 && math.Abs(change) > sameLength && math.Abs(b-a) > chanceLength*math.Hypot(aSE, bSE) {
			longer := "longer"
			if change < 0 {
				longer = "shorter"
			}
			list = append(list, Reason{
				Kind: "lengths", Metrics: l.metrics, Ignored: ignored["lengths"],
				Message: fmt.Sprintf("%s %.0f%% %s: %s → %s tokens on average", l.what, 100*math.Abs(change), longer, number(a), number(b)),
			})
		}
	}
	return list
}

// meanOf is the mean of a metric over all runs of a point, and its standard error.
func meanOf(p *point, metric string) (mean, se float64) {
	var n, sum, squares float64
	for _, c := range p.runs {
		if m := c.Metrics[metric]; m != nil && m.Avg != nil && m.N > 0 {
			n += float64(m.N)
			sum += float64(m.N) * *m.Avg
			squares += float64(m.N) * *m.Avg * *m.Avg
			if m.Std != nil {
				squares += float64(m.N) * *m.Std * *m.Std
			}
		}
	}
	if n == 0 {
		return 0, 0
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean) / n)
}

// notes tells what is different and does not keep two cases from being compared.
func notes(base, new *point) (list []string) {
	for side, p := range []*point{base, new} {
		of := [...]string{"the base", "the new one"}[side]
		for _, c := range p.runs {
			if c.Validity.Verdict == result.Suspect {
				list = append(list, fmt.Sprintf("%s is SUSPECT: %s", of, why(c.Case, result.Suspect)))
				break
			}
		}
		if slices.ContainsFunc(p.runs, func(c caseRun) bool { return c.Case.Interrupted }) {
			list = append(list, of+" was interrupted: it is as far as it came")
		}
	}
	whole := func(c caseRun) bool { return c.Window != result.WindowSteady }
	if !slices.ContainsFunc(slices.Concat(base.runs, new.runs), whole) {
		list = append(list, "the numbers are those of the steady state, without warming up and draining; counts of requests are of the whole")
	}
	if a, b := cached(base), cached(new); math.Abs(a-b) > 0.05 {
		list = append(list, fmt.Sprintf("the service took %.0f%% of the prompts' tokens from its prefix cache before, and %.0f%% now", 100*a, 100*b))
	}
	return list
}

// cached is the share of the prompts' tokens that the service had in its cache.
func cached(p *point) float64 {
	in, _ := meanOf(p, "input_tokens")
	c, _ := meanOf(p, "cached_tokens")
	if in <= 0 {
		return 0
	}
	return c / in
}

// runNotes tells how two runs, or two lots of them, differ as a whole.
func runNotes(base, new []*Run) (list []string) {
	differ := func(what string, of func(*result.Result) map[string]string) {
		a, b := told(base, of), told(new, of)
		if text := changes(a, b); text != "" {
			list = append(list, what+": "+text)
		}
	}
	differ("other weir, whose definitions may differ", func(r *result.Result) map[string]string {
		return map[string]string{"version": strings.TrimSpace(r.Weir.Version + " " + r.Weir.Commit)}
	})
	differ("the script has changed", func(r *result.Result) map[string]string {
		return map[string]string{r.Script.Name: r.Script.SHA256[:min(12, len(r.Script.SHA256))]}
	})
	differ("other parameters", func(r *result.Result) map[string]string {
		list := map[string]string{}
		for name, value := range r.Params {
			list[name] = plain(value)
		}
		for name, value := range r.Chosen {
			list[name] = plain(value)
		}
		for _, name := range []string{"benchmarkCsv", "benchmarkDir", "rounds"} {
			delete(list, name)
		}
		return list
	})
	differ("other machine", func(r *result.Result) map[string]string {
		e := r.Environment
		return map[string]string{"host": e.Hostname, "CPU": e.CPUModel, "CPUs": fmt.Sprint(e.CPUs), "kernel": e.Kernel, "architecture": e.Arch}
	})
	differ("other service", func(r *result.Result) map[string]string {
		list := map[string]string{}
		for i, s := range r.Services {
			at := ""
			if len(r.Services) > 1 {
				at = fmt.Sprintf(" of service %d", i+1)
			}
			list["kind"+at], list["version"+at] = s.Kind, s.Version
			for name, value := range s.Flags {
				list[name+at] = value
			}
			for _, m := range s.Models {
				list["model "+m.Name+at] = m.Root
			}
		}
		return list
	})
	differ("other simulated service", func(r *result.Result) map[string]string {
		list := map[string]string{}
		if r.Settings != nil {
			maps.Copy(list, r.Settings.Sim)
		}
		return list
	})
	differ("other devices", func(r *result.Result) map[string]string {
		count := map[string]int{}
		for _, d := range r.Devices {
			if d.Kind != "host" {
				count[d.Kind+" "+d.Name]++
			}
		}
		list := map[string]string{}
		for name, n := range count {
			list[strings.TrimSpace(name)] = fmt.Sprint(n)
		}
		return list
	})
	return list
}

// told is what all of some runs say: what they do not agree in is left out, as is what
// is empty.
func told(runs []*Run, of func(*result.Result) map[string]string) map[string]string {
	var all map[string]string
	for _, r := range runs {
		list := of(r.Result)
		maps.DeleteFunc(list, func(_, value string) bool { return value == "" })
		if all == nil {
			all = list
			continue
		}
		maps.DeleteFunc(all, func(name, value string) bool { return list[name] != value })
	}
	return all
}

// changes says what is different in two lists, in the order of the names.
func changes(a, b map[string]string) string {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if a[name] != b[name] {
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, shown(a[name]), shown(b[name])))
		}
	}
	const most = 6
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

func shown(value string) string {
	const most = 60
	if value == "" {
		return "–"
	}
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return value
}

// why is the first reason for a verdict.
func why(c *result.Case, verdict result.Verdict) string {
	for _, r := range c.Validity.Reasons {
		if r.Verdict == verdict {
			return r.Rule + ": " + r.Message
		}
	}
	return "for no reason that is told"
}

func union(p *point, of func(caseRun) map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, c := range p.runs {
		maps.Copy(all, of(c))
	}
	return all
}

func one(s string) map[string]bool {
	if s == "" {
		return nil
	}
	return map[string]bool{s: true}
}

// some names a few of a set.
func some(set map[string]bool) string {
	list := names(set)
	for i, s := range list {
		list[i] = shown(s)
	}
	if len(list) > 3 {
		list = append(list[:3], fmt.Sprintf("and %d more", len(list)-3))
	}
	return strings.Join(list, ", ")
}

// models are those that the case's requests asked for, or that the run names.
func models(c caseRun) map[string]bool {
	if d := c.run.cases[c.number]; d != nil && len(d.models) > 0 {
		return d.models
	}
	return param("servedModelName")(c)
}

func param(name string) func(caseRun) map[string]bool {
	return func(c caseRun) map[string]bool {
		value, ok := c.run.Result.Params[name]
		if !ok || value == nil {
			return nil
		}
		if s, is := value.(string); is {
			return one(s)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		return one(string(text))
	}
}

// hashes are those of the files of a kind that a run has read.
func hashes(kind string) func(caseRun) map[string]bool {
	return func(c caseRun) map[string]bool {
		set := map[string]bool{}
		for _, f := range c.run.Result.Files {
			if f.Kind == kind && f.SHA256 != "" {
				set[f.SHA256[:min(12, len(f.SHA256))]] = true
			}
		}
		return set
	}
}

func tokenSources(c caseRun) map[string]bool {
	set := map[string]bool{}
	for source, n := range c.Tokens.Output {
		if n > 0 && source != "none" {
			set[source] = true
		}
	}
	return set
}
