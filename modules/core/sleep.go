package core

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/script"
)

// sleep returns a promise that is fulfilled after a while. A number is seconds,
// as in k6; text is a duration with its unit. When the iteration is cut off, so
// is the sleep.
func sleep(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	if rt.InInit() {
		return nil, errInit
	}
	d, err := sleepTime(call.Argument(0))
	if err != nil {
		return nil, err
	}
	return rt.Sleep(d, asleep(current(rt), d)), nil
}

// asleep notes the sleep of an iteration that has sent no request yet: a request
// that is sent later than its schedule because of it is not late. nil: nothing is
// to be noted.
func asleep(it *metrics.Iteration, d time.Duration) (woken func()) {
	if it == nil || it.Asleep == nil || it.Begun.Load() {
		return nil
	}
	from := time.Now()
	return func() {
		if !it.Begun.Load() {
			it.Asleep.Add(from, from.Add(d))
		}
	}
}

func sleepTime(v goja.Value) (time.Duration, error) {
	const want = `a number of seconds from 0, or a duration such as "500ms"`
	if text, ok := script.Export(v).(string); ok {
		d, err := script.ParseDuration(text)
		_, bare := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || bare == nil { // "5": seconds or milliseconds?
			return 0, script.TypeErrorf("%q is not %s", text, want)
		}
		return d, nil
	}
	seconds, ok := load.Number(script.Export(v))
	if !ok || seconds < 0 || seconds > math.MaxInt64/float64(time.Second) {
		return 0, script.TypeErrorf("%s is not %s", v, want)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
