package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/runtime/result"
)

// view is what the page of a run shows: the result, put into words and tables.
type view struct {
	Run        *result.Result
	Target     []fact   // who was measured
	Origin     []fact   // when, with what
	Command    []string // its words, quoted for a shell
	Reasons    []reason
	Key        []keyFigure // the numbers that matter most
	KeyNote    string      // on them
	Tables     []table     // of the cases
	Window     string      // which window their numbers are of; "": they are of all
	Thresholds []table
	Failures   []table
	Notes      []string // on the figures
	Figures    []Figure
	Cases      []caseView
	Appendix   []part
	Glossary   []entry
}

// keyFigure is one number with what it is.
type keyFigure struct {
	Label string
	Term  string // glossary entry of Label
	Value string
	Unit  string
	Note  string
	Bad   bool
}

// part is a piece of the page with a title of its own.
type part struct {
	ID     string
	Title  string
	Notes  []string
	Facts  []fact
	Tables []table
	Closed bool // it is long and seldom read: only its title shows at first
}

// empty tells whether there is nothing to show.
func (p part) empty() bool { return len(p.Notes) == 0 && len(p.Facts) == 0 && len(p.Tables) == 0 }

// reason is a finding of the validity rules, with the cases that it concerns.
type reason struct {
	result.Reason
	Title  string
	Of     caseLink   // whose Message is; zero: that is plain
	Others []caseLink // that the rule speaks of likewise
	More   int        // others that are not listed
	All    bool       // these are all others of several cases
}

// caseLink is a place in the page.
type caseLink struct{ Name, Href string }

// caseID is the anchor of a case, i counted from 0.
func caseID(i int) string { return fmt.Sprintf("case-%d", i+1) }

func newView(run *result.Run, d *Data, l Lang) *view {
	r := run.Result
	v := &view{
		Run: r, Command: r.Words(),
		Target: target(r, l), Origin: origin(r, l),
		Reasons: reasons(r, l), Key: keyFigures(r, l), KeyNote: keyNote(r, l), Notes: d.Notes, Figures: d.Overview(),
		Tables: caseTables(r.Cases, l), Window: tableWindow(r.Cases, l), Thresholds: thresholdTables(r, l), Failures: failureTables(r.Cases, l),
		Appendix: appendix(r, l), Glossary: glossary,
	}
	for i, c := range r.Cases {
		v.Cases = append(v.Cases, newCaseView(c, i, d, l))
	}
	return v
}

// tableWindow says that numbers in the tables of cases are not of all of each.
func tableWindow(cases []*result.Case, l Lang) string {
	steady := 0
	for _, c := range cases {
		if c.Window == result.WindowSteady {
			steady++
		}
	}
	if steady == 0 {
		return ""
	}
	return l.F("table window", steady, len(cases))
}

// target says what was measured, as the services describe themselves.
func target(run *result.Result, l Lang) (all []fact) {
	add := func(key, value string) {
		if value != "" {
			all = append(all, fact{Name: l.T(key), Value: value})
		}
	}
	for i, s := range run.Services {
		if i == 4 {
			add("services", l.F("and more", len(run.Services)-i))
			break
		}
		add("service", strings.Join(nonEmpty(cmp.Or(s.Name, s.Kind, s.Server), s.Version, s.URL), " "))
		add("backend", s.Backend)
		var models []string
		for k, m := range s.Models {
			if k == 4 {
				models = append(models, l.F("and more", len(s.Models)-k))
				break
			}
			models = append(models, m.Name)
		}
		add("model", strings.Join(models, ", "))
	}
	if len(run.Services) == 0 {
		for _, name := range []string{"model", "url", "backend"} {
			if value, ok := run.Params[name].(string); ok {
				add(name, value)
			}
		}
	}
	if run.Environment.Sim != "" {
		add("simulated", l.T("simulated service"))
	}
	add("devices", devicesLine(run.Devices))
	return all
}

// devicesLine counts the accelerators by their names.
func devicesLine(devices []result.Device) string {
	counts := map[string]int{}
	var names []string
	for _, d := range devices {
		if d.Kind == "host" {
			continue
		}
		name := cmp.Or(d.Name, d.Kind)
		if counts[name]++; counts[name] == 1 {
			names = append(names, name)
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%d × %s", counts[name], name)
	}
	return strings.Join(names, ", ")
}

// origin says when it was measured, how long, and with what.
func origin(run *result.Result, l Lang) (all []fact) {
	all = append(all, fact{Name: l.T("started"), Value: moment(run.Started)})
	if run.Ended != nil {
		all = append(all, fact{Name: l.T("took"), Value: span(run.Ended.Sub(run.Started))})
	}
	all = append(all,
		fact{Name: l.T("cases"), Value: whole(int64(len(run.Cases)))},
		fact{Name: l.T("script"), Value: run.Script.Path},
		fact{Name: "weir", Value: strings.Join(nonEmpty(run.Weir.Version, run.Weir.Commit), " ")},
	)
	return append(all, fact{Name: l.T("client machine"), Value: strings.Join(nonEmpty(
		run.Environment.Hostname, run.Environment.Product, run.Environment.CPUModel, l.F("cpus", run.Environment.CPUs)), " · ")})
}

func nonEmpty(parts ...string) []string {
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
}

// listedCases is how many other cases a reason lists by name.
const listedCases = 5

// reasons gathers what the validity rules found, the worst first.
func reasons(run *result.Result, l Lang) (all []reason) {
	for _, found := range result.Reasons(run.Cases) {
		r := reason{Reason: found.Reason, Title: l.rule(found.Rule)}
		if len(run.Cases) > 1 {
			r.All = len(found.Cases) == len(run.Cases)
			links := make([]caseLink, len(found.Cases))
			for n, i := range found.Cases {
				links[n] = caseLink{run.Cases[i].Title(), "#" + caseID(i)}
			}
			listed := min(len(links), 1+listedCases)
			r.Of, r.Others, r.More = links[0], links[1:listed], len(links)-listed
		}
		all = append(all, r)
	}
	return all
}

// rule is the name of a validity rule in words; of one that this weir does not know, its
// name as it is.
func (l Lang) rule(name string) string {
	if _, known := words["rule "+name]; !known {
		return name
	}
	return l.T("rule " + name)
}

// keyFigures are the numbers that a reader looks for first: of one case its own, of
// several the best ones. An INVALID case is never the best.
func keyFigures(run *result.Result, l Lang) (all []keyFigure) {
	best := func(label, term, unit string, lowest bool, of func(*result.Case) *float64) *result.Case {
		var found *result.Case
		var most float64
		for _, c := range run.Cases {
			v := of(c)
			if v == nil || c.Validity.Verdict == result.Invalid && len(run.Cases) > 1 {
				continue
			}
			if found == nil || lowest && *v < most || !lowest && *v > most {
				found, most = c, *v
			}
		}
		if found == nil {
			return nil
		}
		f := keyFigure{Label: l.T(label), Term: term, Value: number(most), Unit: unit}
		if len(run.Cases) > 1 {
			f.Label, f.Note = l.T(label+" best"), found.Title()
		}
		all = append(all, f)
		return found
	}
	lowest := func(label, metric string, p float64, of func(*result.Metric) *float64) {
		c := best(label, metric, "ms", true, func(c *result.Case) *float64 {
			if m := c.Metrics[metric]; m != nil {
				return of(m)
			}
			return nil
		})
		if c != nil && !c.Metrics[metric].Supports(p) {
			f := &all[len(all)-1]
			f.Value = vague + f.Value
		}
	}
	best("output throughput", "throughput", l.T("tokens per second"), false, func(c *result.Case) *float64 {
		if c.Metrics["generated_tokens"] == nil || c.Throughput.OutputTokens <= 0 {
			return nil
		}
		return &c.Throughput.OutputTokens
	})
	best("request throughput", "throughput", l.T("requests per second"), false, func(c *result.Case) *float64 {
		if c.Throughput.Requests <= 0 {
			return nil
		}
		return &c.Throughput.Requests
	})
	best("goodput share", "goodput", l.T("per second"), false, func(c *result.Case) *float64 {
		if c.Goodput == nil || c.Duration <= 0 {
			return nil
		}
		return &c.Goodput.PerSecond
	})
	lowest("TTFT p50", "ttft", 50, p50)
	lowest("TTFT p99", "ttft", 99, p99)
	lowest("TPOT p50", "tpot", 50, p50)
	lowest("ITL p99", "itl", 99, p99)
	lowest("E2EL p99", "e2el", 99, p99)
	lowest("HTTP p50", "http_req_duration", 50, p50)
	lowest("HTTP p99", "http_req_duration", 99, p99)
	return append(all, failedFigure(run, l))
}

// keyNote says that INVALID cases are not among the best, where there are any.
func keyNote(run *result.Result, l Lang) string {
	invalid := 0
	for _, c := range run.Cases {
		if c.Validity.Verdict == result.Invalid {
			invalid++
		}
	}
	switch n := len(run.Cases); {
	case n < 2 || invalid == 0:
		return ""
	case invalid == n:
		return l.T("none to put forward")
	default:
		return l.F("best of", invalid, n)
	}
}

// failedFigure counts the requests that failed; of a run without requests the
// iterations.
func failedFigure(run *result.Result, l Lang) keyFigure {
	var failed, of, threw, iterations int64
	for _, c := range run.Cases {
		failed, of = failed+c.Counts.RequestsFailed, of+c.Counts.Requests
		threw, iterations = threw+c.Counts.IterationFailed, iterations+c.Counts.Started
	}
	if of == 0 {
		return keyFigure{Label: l.T("failed iterations"), Value: whole(threw), Note: l.F("of n", whole(iterations)), Bad: threw > 0}
	}
	return keyFigure{Label: l.T("failed requests"), Value: whole(failed), Note: l.F("of n", whole(of)), Bad: failed > 0}
}
