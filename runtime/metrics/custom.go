package metrics

import (
	"fmt"
	"math"

	"weir/runtime/result"
)

// CustomKind is the kind of a metric that a script fills itself. They are k6's.
type CustomKind uint8

const (
	Trend   CustomKind = iota // a distribution
	Counter                   // a sum
	Gauge                     // the last value
	Rate                      // the share of values that are not 0
)

func (k CustomKind) String() string {
	switch k {
	case Trend:
		return "Trend"
	case Counter:
		return "Counter"
	case Gauge:
		return "Gauge"
	case Rate:
		return "Rate"
	}
	return fmt.Sprintf("CustomKind(%d)", uint8(k))
}

// Declarer is a module of scripts that fills metrics of its own ([Iteration.Observe]).
// Metrics lists them, by name, and is asked when the script's init code has been
// evaluated: what it does not list is measured as well, but no threshold can be on it.
// It may be called by any goroutine.
type Declarer interface {
	Metrics() map[string]CustomKind
}

// custom is one custom metric of a case.
type custom struct {
	kind CustomKind
	unit string

	trend    collector
	n        int64
	sum      float64 // Counter: of the values; Rate: number of values that are not 0
	min, max float64
	last     float64
}

// Observe adds a value to a custom metric. The first call for a name fixes its
// kind and unit. Another kind, a name that is one of weir's own, and a value
// that is no finite number are errors. Any goroutine; nil receiver: discards.
func (r *Recorder) Observe(name string, kind CustomKind, unit string, v float64) error {
	if err := CheckCustom(name, kind); err != nil {
		return err
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("add to metric %q: %v is not a finite number: check the value before it is added", name, v)
	}
	if r == nil {
		return nil
	}
	if err := r.whole.Observe(name, kind, unit, v); err != nil {
		return err
	}
	return r.observe(name, kind, unit, v)
}

// observe adds a value to this recorder alone.
func (r *Recorder) observe(name string, kind CustomKind, unit string, v float64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.custom[name]
	if c == nil {
		c = &custom{kind: kind, unit: unit, min: v, max: v}
		c.trend.limit = r.limit
		r.custom[name] = c
	}
	if c.kind != kind {
		return fmt.Errorf("add to metric %q: it is a %v and cannot also be a %v: give one of them another name", name, c.kind, kind)
	}
	c.n++
	switch kind {
	case Trend:
		c.trend.take([]float64{v}, &r.long)
	case Counter:
		c.sum += v
	case Gauge:
		c.last = v
		c.min, c.max = min(c.min, v), max(c.max, v)
	case Rate:
		if v != 0 {
			c.sum++
		}
	}
	return nil
}

// CheckCustom tells what is wrong with a name for a custom metric, such as that
// weir measures something under that name itself.
func CheckCustom(name string, kind CustomKind) error {
	if kind > Rate {
		return fmt.Errorf("metric %q: there is no kind %v: use Trend, Counter, Gauge or Rate", name, kind)
	}
	if !validName(name) {
		return fmt.Errorf("metric %q: a name is a letter or _ and then up to 127 letters, digits and _", name)
	}
	if _, own := builtin[name]; own {
		return fmt.Errorf("metric %q: weir measures a metric of this name itself: choose another name", name)
	}
	return nil
}

func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 128
}

// metric describes the values; seconds is the duration of the case.
func (c *custom) metric(seconds float64) *result.Metric {
	var m *result.Metric
	switch c.kind {
	case Counter:
		m = counter(c.unit, c.n, c.sum, seconds)
	case Gauge:
		m = &result.Metric{Kind: kindGauge, Unit: c.unit, N: c.n, Value: &c.last, Min: &c.min, Max: &c.max}
	case Rate:
		m = rate(int64(c.sum), c.n)
	default:
		m = c.trend.metric(c.unit)
	}
	m.Custom = true
	return m
}
