package metrics

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// Expr is a parsed threshold: an aggregate of a metric compared with a limit.
type Expr struct {
	Aggregate string  // avg, min, med, max, p, count, rate, value, per_second, missed
	P         float64 // for p(N): the percentile, 0…100
	Op        string  // < <= > >= == !=; === is read as ==
	Limit     float64
	Verdict   result.Verdict // instead of Limit, for the validity of a case; "" for all else
}

// operators in an order in which no one is hidden by its own beginning.
var operators = []string{"<=", ">=", "===", "==", "!=", "<", ">"}

// aggregates are those that each kind of metric has, in the order of error texts.
var aggregates = map[string][]string{
	kindDistribution: {"avg", "min", "med", "max", "p(N)", "count"},
	kindCounter:      {"count", "rate"},
	kindRate:         {"rate"},
	kindGauge:        {"value", "min", "max"},
	kindGoodput:      {"rate", "per_second", "missed"},
	kindValidity:     {"value"},
}

// ParseThreshold reads an expression in k6's grammar, such as "p(99)<500",
// "avg <= 20" or "rate<0.01", or in the same one about a verdict: "value==VALID",
// "value>=SUSPECT". Blanks do not matter.
func ParseThreshold(expr string) (Expr, error) {
	at := strings.IndexAny(expr, "<>=!")
	if at < 0 {
		return Expr{}, wrongThreshold(expr, "there is no comparison in it")
	}
	var e Expr
	for _, op := range operators {
		if strings.HasPrefix(expr[at:], op) {
			e.Op = op
			break
		}
	}
	if e.Op == "" {
		return Expr{}, wrongThreshold(expr, fmt.Sprintf("%q is no comparison: use < <= > >= == or !=", expr[at:at+1]))
	}
	right := strings.TrimSpace(expr[at+len(e.Op):])
	if e.Op == "===" {
		e.Op = "=="
	}
	if v := result.Verdict(right); v.Severity() > 0 {
		e.Verdict = v
	} else {
		var err error
		if e.Limit, err = number(right); err != nil {
			kinds := "latencies are in ms, rates from 0 to 1, without a unit"
			if strings.TrimSpace(expr[:at]) == "value" {
				kinds = "without a unit; of validity it is VALID, SUSPECT or INVALID"
			}
			return Expr{}, wrongThreshold(expr, fmt.Sprintf("%q, to the right of %s, is not a number (%s)", right, e.Op, kinds))
		}
	}
	if err := e.aggregate(strings.TrimSpace(expr[:at])); err != nil {
		return Expr{}, wrongThreshold(expr, err.Error())
	}
	return e, nil
}

func wrongThreshold(expr, why string) error {
	return fmt.Errorf("%q: %s; write it as p(99)<500 or rate<0.01", expr, why)
}

// aggregate reads the left side of a threshold.
func (e *Expr) aggregate(s string) error {
	if inner, ok := strings.CutPrefix(s, "p("); ok {
		inner, ok = strings.CutSuffix(inner, ")")
		p, err := number(strings.TrimSpace(inner))
		if !ok || err != nil || p < 0 || p > 100 {
			return fmt.Errorf("%q is not p(N) with N from 0 to 100", s)
		}
		e.Aggregate, e.P = "p", p
		return nil
	}
	switch s {
	case "avg", "min", "med", "max", "count", "rate", "value", "per_second", "missed":
		e.Aggregate = s
		return nil
	case "":
		return errors.New("nothing is compared")
	}
	return fmt.Errorf("%q is not one of avg, min, med, max, p(N), count, rate, value, per_second, missed", s)
}

// number reads a finite decimal number: no hexadecimal, no underscores, no names.
func number(s string) (float64, error) {
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// String writes the threshold in the form that ParseThreshold reads.
func (e Expr) String() string {
	if e.Verdict != "" {
		return e.name() + e.Op + string(e.Verdict)
	}
	return e.name() + e.Op + strconv.FormatFloat(e.Limit, 'g', -1, 64)
}

func (e Expr) name() string {
	if e.Aggregate == "p" {
		return "p(" + strconv.FormatFloat(e.P, 'g', -1, 64) + ")"
	}
	return e.Aggregate
}

// CheckThresholds tells, before any load, everything that is wrong with
// thresholds (expressions by metric, as a Selector writes it), in one error. Whether
// there are the tags that it names, the caller knows. custom holds the
// metrics that the script makes itself, by name; it may be nil. option is what
// the script calls the thresholds.
func CheckThresholds(option string, thresholds map[string][]string, custom map[string]CustomKind) error {
	kinds := make(map[string]string, len(builtin)+len(custom))
	for name, d := range builtin {
		kinds[name] = d.kind
	}
	for name, kind := range custom {
		kinds[name] = [...]string{Trend: kindDistribution, Counter: kindCounter, Gauge: kindGauge, Rate: kindRate}[kind]
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(thresholds)) {
		on, err := ParseSelector(name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", option, err))
			continue
		}
		kind, known := kinds[on.Metric]
		if !known {
			wrong = append(wrong, unknownMetric(option, on.Metric, thresholds[name], kinds))
			continue
		}
		for _, expr := range thresholds[name] {
			e, err := ParseThreshold(expr)
			if err == nil {
				err = e.fits(kind)
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s of %s: %w", option, name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// fits tells whether a kind of metric has the aggregate.
func (e Expr) fits(kind string) error {
	switch {
	case e.Verdict != "" && kind != kindValidity:
		return fmt.Errorf("%q: a %s is held against a number; a verdict is that of validity: { validity: [%q] }", e, kind, e)
	case e.Verdict == "" && kind == kindValidity:
		return fmt.Errorf("%q: validity is held against a verdict: value==VALID, or value>=SUSPECT for all but INVALID", e)
	}
	name := e.Aggregate
	if name == "p" {
		name = "p(N)"
	}
	if slices.Contains(aggregates[kind], name) {
		return nil
	}
	return fmt.Errorf("%q: a %s has no %s, only %s", e, kind, e.name(), strings.Join(aggregates[kind], ", "))
}

func unknownMetric(option, name string, exprs []string, kinds map[string]string) error {
	of := ""
	if len(exprs) > 0 {
		of = fmt.Sprintf(" (%s)", strings.Join(exprs, ", "))
	}
	hint := "weir's own metrics are in docs/metrics.md; make others with new Trend, Counter, Gauge or Rate in init code"
	if near := suggest.Nearest(name, slices.Sorted(maps.Keys(kinds))); near != "" {
		hint = "did you mean " + near + "? Otherwise: " + hint
	}
	return fmt.Errorf("%s of %s%s: there is no such metric; %s", option, name, of, hint)
}

// metricOf is the metric's name of a threshold's, which may have a selector: that its
// tags are the case's or the part's, the caller has seen to.
func metricOf(name string) string {
	name, _, _ = strings.Cut(name, "{")
	return name
}

// evaluate compares the thresholds with a case's metrics and its verdict ("" as long
// as there is none), in the order of the metrics' names.
func evaluate(thresholds map[string][]string, metrics map[string]*result.Metric, verdict result.Verdict) []result.Threshold {
	list := []result.Threshold{}
	for _, name := range slices.Sorted(maps.Keys(thresholds)) {
		for _, expr := range thresholds[name] {
			t := result.Threshold{Metric: name, Expr: expr}
			metric := metrics[metricOf(name)]
			e, err := ParseThreshold(expr)
			if err == nil && metric != nil {
				err = e.fits(metric.Kind)
			}
			if err != nil {
				t.Note = err.Error()
			} else if v, ok := e.of(metric); ok {
				t.Value, t.OK = &v, Holds(v, e.Op, e.Limit)
				t.Unit = e.unit(metric)
				p, percentile := e.percentile()
				t.Thin = percentile && !metric.Supports(p)
			} else if metricOf(name) == validity && verdict != "" && e.Verdict != "" {
				t.Verdict, t.OK = verdict, HoldsVerdict(verdict, e.Op, e.Verdict)
			} else {
				t.Note = "no samples"
			}
			list = append(list, t)
		}
	}
	return list
}

// percentile is the one that the aggregate is; false: it is none.
func (e Expr) percentile() (p float64, ok bool) {
	switch e.Aggregate {
	case "p":
		return e.P, true
	case "med":
		return 50, true
	}
	return 0, false
}

// unit is that of the aggregate's value.
func (e Expr) unit(m *result.Metric) string {
	switch {
	case m.Kind == kindDistribution && e.Aggregate == "count", m.Kind == kindRate, m.Kind == kindGoodput:
		return ""
	case m.Kind == kindCounter && e.Aggregate == "rate":
		return strings.TrimPrefix(m.Unit+"/s", "/s")
	}
	return m.Unit
}

// of is the aggregate's value; false when the metric has none, for lack of samples.
func (e Expr) of(m *result.Metric) (float64, bool) {
	if m == nil {
		return 0, false
	}
	var v *float64
	if p, ok := e.percentile(); ok && m.Quantile != nil {
		if q := m.Quantile(p); !math.IsNaN(q) {
			v = &q
		}
	}
	switch e.Aggregate {
	case "avg":
		v = m.Avg
	case "min":
		v = m.Min
	case "max":
		v = m.Max
	case "rate":
		v = m.Rate
	case "value":
		v = m.Value
	case "per_second":
		v = m.PerSecond
	case "missed":
		v = m.Missed
	case "count":
		v = m.Sum
		if m.Kind == kindDistribution {
			v = new(float64(m.N))
		}
	}
	if v == nil {
		return 0, false
	}
	return *v, true
}

// HoldsVerdict compares a verdict with another one: VALID is the greatest.
func HoldsVerdict(v result.Verdict, op string, limit result.Verdict) bool {
	return Holds(float64(-v.Severity()), op, float64(-limit.Severity()))
}

// Holds compares a value with a limit, by < <= > >= == or !=.
func Holds(v float64, op string, limit float64) bool {
	switch op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	case ">=":
		return v >= limit
	case "!=":
		return v != limit
	}
	return v == limit
}
