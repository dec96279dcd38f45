package convention

import (
	"math"

	"weir/runtime/result"
)

// rows makes the rows of one group.
type rows struct {
	l *load
	Group
}

func (l *load) rows(metric, why string) *rows {
	return &rows{l, Group{Metric: metric, Why: why}}
}

// add adds a row: the tool's value, which is not finite where it has none, beside weir's.
func (r *rows) add(name, unit string, value float64, weir own) {
	row := Row{Name: name, Unit: unit, Weir: weir.value, WeirMetric: weir.name}
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		row.Value = &value
	}
	if row.Value != nil && row.Weir != nil {
		switch {
		case *row.Weir != 0:
			row.Difference = new(100 * (value - *row.Weir) / math.Abs(*row.Weir))
		case value == 0:
			row.Difference = new(0.0)
		}
	}
	r.Rows = append(r.Rows, row)
}

// total adds a row that takes all requests of the case: without some, there is none.
func (r *rows) total(name, unit string, value float64, weir own) {
	if r.l.partial {
		value = math.NaN()
	}
	r.add(name, unit, value, weir)
}

// own is a number of weir's, in the unit of the row that it stands in.
type own struct {
	name  string
	value *float64
}

// none is for what weir has no metric for.
var none own

// stat is a statistic of a distribution of weir's, times scale.
func (l *load) stat(metric, stat string, scale float64) own {
	name := stat
	if stat == "mean" {
		name = "avg"
	}
	o := own{name: metric + " " + name}
	m := l.metrics()[metric]
	if m == nil {
		return o
	}
	var v *float64
	switch stat {
	case "mean":
		v = m.Avg
	case "std":
		v = m.Std
	case "min":
		v = m.Min
	case "max":
		v = m.Max
	case "p50":
		v = m.P50
	case "p75":
		v = m.P75
	case "p90":
		v = m.P90
	case "p95":
		v = m.P95
	case "p99":
		v = m.P99
	}
	if v != nil {
		o.value = new(*v * scale)
	}
	return o
}

// counted is a whole number of weir's.
func counted(name string, n int64) own { return own{name, new(float64(n))} }

// sum is the sum of a counter of weir's.
func (l *load) sum(metric string) own {
	o := own{name: metric + " sum"}
	if m := l.metrics()[metric]; m != nil {
		o.value = m.Sum
	}
	return o
}

// rate is one of weir's throughputs.
func (l *load) rate(name string, of func(result.Throughput) float64) own {
	o := own{name: "throughput." + name}
	t := l.of.Throughput
	if w := l.whole(); w != nil && w.Throughput != nil {
		t = *w.Throughput
	}
	if l.of.Duration > 0 {
		o.value = new(of(t))
	}
	return o
}

func requestRate(t result.Throughput) float64 { return t.Requests }
func inputRate(t result.Throughput) float64   { return t.InputTokens }
func outputRate(t result.Throughput) float64  { return t.OutputTokens }
func totalRate(t result.Throughput) float64   { return t.TotalTokens }

func (l *load) completed() own {
	n := l.of.Counts
	return counted("completed requests", n.Requests-n.RequestsFailed-n.RequestsCut)
}

// goodput is good requests a second.
func (l *load) goodput() own {
	g := l.of.Goodput
	if w := l.whole(); w != nil && w.Goodput != nil {
		g = w.Goodput
	}
	return own{"goodput per_second", &g.PerSecond}
}

func (l *load) failed() own   { return counted("requests_failed", l.of.Counts.RequestsFailed) }
func (l *load) duration() own { return own{"duration_s", &l.of.Duration} }

// whole is the window of the whole case, where the case's metrics are of another; nil:
// they are of the whole case.
func (l *load) whole() *result.Window {
	if l.of.Window == result.WindowSteady {
		return l.of.Windows[result.WindowAll]
	}
	return nil
}

// metrics are weir's of the whole case: tools know no steady window.
func (l *load) metrics() map[string]*result.Metric {
	if w := l.whole(); w != nil && w.Metrics != nil {
		return w.Metrics
	}
	return l.of.Metrics
}
