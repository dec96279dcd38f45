package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// JSON has no NaN and no infinity, but scripts do: a tag may well be
// { rate: Infinity }. Such values are written as the strings "NaN", "Infinity"
// and "-Infinity" where a script gave them, and left out where they would stand
// for a metric's value. Lists and objects without content are written as [] and
// {}, so that readers need not ask for null.

// Encode writes the result as indented JSON, with a line end.
func (r *Result) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("write the result as JSON: %w", err)
	}
	return b.Bytes(), nil
}

// MarshalJSON writes what JSON can hold.
func (r *Result) MarshalJSON() ([]byte, error) {
	type plain Result
	p := plain(*r)
	p.Params = object(r.Params)
	p.Cases = list(r.Cases)
	return marshal(p)
}

// MarshalJSON writes what JSON can hold.
func (c *Case) MarshalJSON() ([]byte, error) {
	type plain Case
	p := plain(*c)
	p.Tags = object(c.Tags)
	p.Duration = zeroed(c.Duration)
	p.Throughput = c.Throughput.zeroed()
	p.Metrics = dict(c.Metrics)
	p.Tokens = TokenSources{Input: dict(c.Tokens.Input), Output: dict(c.Tokens.Output)}
	p.Stamps = dict(c.Stamps)
	p.Errors = list(c.Errors)
	p.Checks = list(c.Checks)
	p.Validity.Reasons = list(c.Validity.Reasons)
	p.Thresholds = list(c.Thresholds)
	return marshal(p)
}

// MarshalJSON writes what JSON can hold.
func (s *Scenario) MarshalJSON() ([]byte, error) {
	type plain Scenario
	p := plain(*s)
	p.Tags = object(s.Tags)
	p.Duration = zeroed(s.Duration)
	p.Throughput = s.Throughput.zeroed()
	p.Metrics = dict(s.Metrics)
	p.Errors = list(s.Errors)
	p.Checks = list(s.Checks)
	return marshal(p)
}

func (t Throughput) zeroed() Throughput {
	return Throughput{
		Requests:     zeroed(t.Requests),
		InputTokens:  zeroed(t.InputTokens),
		OutputTokens: zeroed(t.OutputTokens),
		TotalTokens:  zeroed(t.TotalTokens),
	}
}

// MarshalJSON leaves out values that are not finite.
func (m *Metric) MarshalJSON() ([]byte, error) {
	type plain Metric
	p := plain(*m)
	for _, v := range []**float64{&p.Avg, &p.AvgLow, &p.AvgHigh, &p.Min, &p.Max, &p.Std, &p.P50, &p.P75, &p.P90, &p.P95, &p.P99, &p.P999, &p.Sum, &p.Rate, &p.Value} {
		if *v != nil && !finite(**v) {
			*v = nil
		}
	}
	return marshal(p)
}

// MarshalJSON leaves out a value that is not finite.
func (t Threshold) MarshalJSON() ([]byte, error) {
	type plain Threshold
	p := plain(t)
	if p.Value != nil && !finite(*p.Value) {
		p.Value = nil
	}
	return marshal(p)
}

// MarshalJSON writes an empty list of errors as such.
func (w *Warmup) MarshalJSON() ([]byte, error) {
	type plain Warmup
	p := plain(*w)
	p.Errors = list(w.Errors)
	return marshal(p)
}

// marshal is json.Marshal without the escapes for HTML: the encoder's own
// setting does not reach into what a MarshalJSON returns.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func dict[T any](m map[string]T) map[string]T {
	if m == nil {
		return map[string]T{}
	}
	return m
}

func object(m map[string]any) map[string]any {
	o := make(map[string]any, len(m))
	for k, v := range m {
		o[k] = writable(v)
	}
	return o
}

// writable replaces numbers that JSON cannot hold by their names. It copies
// lists and objects of a script's values and leaves everything else alone.
func writable(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int, int64:
		return v
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return v
	case map[string]any:
		return object(v)
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return v
		}
		items := make([]any, value.Len())
		for i := range items {
			items[i] = writable(value.Index(i).Interface())
		}
		return items
	case reflect.Func, reflect.Chan:
		return fmt.Sprintf("(%v)", value.Kind())
	}
	return v
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func zeroed(v float64) float64 {
	if !finite(v) {
		return 0
	}
	return v
}
