package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// Duration reads a duration as scripts write it: "10m", "1h30m", "250ms", or a
// number of milliseconds. It is not negative.
func Duration(v goja.Value) (time.Duration, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return 0, TypeErrorf("expected a duration (\"10m\", \"250ms\" or a number of milliseconds), got nothing")
	}
	switch x := v.Export().(type) {
	case int64:
		return milliseconds(float64(x))
	case float64:
		return milliseconds(x)
	case string:
		return ParseDuration(x)
	}
	return 0, TypeErrorf("expected a duration (\"10m\", \"250ms\" or a number of milliseconds), got %s", v)
}

// ParseDuration reads "10m", "1h30m", "2d", "250ms", or a number of milliseconds.
func ParseDuration(s string) (time.Duration, error) {
	wrong := TypeErrorf("expected a duration (\"10m\", \"250ms\" or a number of milliseconds), got %q", s)
	t := strings.TrimSpace(s)
	if ms, err := strconv.ParseFloat(t, 64); err == nil {
		return milliseconds(ms)
	}
	var days time.Duration
	if number, rest, found := strings.Cut(t, "d"); found {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n >= 0 && n < 1e5) {
			return 0, wrong
		}
		days, t = time.Duration(n*24*float64(time.Hour)), rest
		if t == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(t)
	if err != nil {
		return 0, wrong
	}
	if d < 0 || days+d < 0 {
		return 0, TypeErrorf("a duration cannot be negative: %q", s)
	}
	return days + d, nil
}

func milliseconds(ms float64) (time.Duration, error) {
	ns := ms * float64(time.Millisecond)
	switch {
	case math.IsNaN(ms) || ms < 0:
		return 0, TypeErrorf("a duration cannot be negative or NaN: %v", ms)
	case ns >= math.MaxInt64:
		return 0, fmt.Errorf("the duration %v ms is longer than 292 years", ms)
	}
	return time.Duration(ns), nil
}
