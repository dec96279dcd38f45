package script

import (
	"time"

	"github.com/dop251/goja"

	"weir/runtime/load"
)

// Duration reads a duration as scripts write it: "10m", "1h30m", "250ms", or a
// number of milliseconds. It is not negative.
func Duration(v goja.Value) (time.Duration, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return 0, TypeErrorf("expected a duration (\"10m\", \"250ms\" or a number of milliseconds), got nothing")
	}
	return duration(Export(v))
}

// ParseDuration is Duration for a text.
func ParseDuration(s string) (time.Duration, error) { return duration(s) }

func duration(v any) (time.Duration, error) {
	d, err := load.ParseDuration(v)
	if err != nil {
		return 0, TypeErrorf("%v", err)
	}
	if d < 0 {
		return 0, TypeErrorf("a duration cannot be negative: %v", v)
	}
	return d, nil
}
