package llm

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// retry says whether a request that failed is sent again. Every attempt is a
// request of its own: counted, timed, and failed if it did.
type retry struct {
	attempts int           // in all; 0 and 1: none is sent again
	wait     time.Duration // before the second; it doubles each time
	on       []string      // kinds of errors and statuses; nil: those of passing
}

// longestWait bounds the wait between two attempts, also where the service asks for
// more (Retry-After).
const longestWait = time.Minute

// passing are the errors that may be gone the next time: kinds, and statuses of a
// service that is busy or starting.
var passing = []string{"rate_limited", "502", "503", "504", "connect", "connect_timeout", "connection_closed", "write"}

// setRetry is option retry: a number of attempts, or { attempts, wait, on }.
func setRetry(s *settings, v goja.Value) error {
	r := retry{wait: time.Second}
	o, ok := v.(*goja.Object)
	if !ok {
		f, err := number(v, 1, 1000)
		if err == nil && f != math.Trunc(f) {
			err = fmt.Errorf("%s is not a whole number", v)
		}
		r.attempts = int(f)
		s.retry = r
		return err
	}
	for _, name := range o.Keys() {
		var err error
		v := o.Get(name)
		switch name {
		case "attempts":
			var f float64
			f, err = number(v, 1, 1000)
			r.attempts = int(f)
		case "wait":
			r.wait, err = script.Duration(v)
		case "on":
			list, isList := v.Export().([]any)
			if !isList {
				err = fmt.Errorf("%s is not a list of kinds of errors and of statuses", v)
			}
			for _, one := range list {
				r.on = append(r.on, fmt.Sprint(one))
			}
		default:
			err = fmt.Errorf("there is only attempts, wait and on")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if r.attempts == 0 {
		return fmt.Errorf("attempts is missing: how many may there be?")
	}
	s.retry = r
	return nil
}

// again tells whether a request that failed in its n-th attempt (from 1) is to be sent
// once more, and after which wait.
func (r *retry) again(n int, failed *metrics.Error, after string) (wait time.Duration, ok bool) {
	if failed == nil || n >= r.attempts {
		return 0, false
	}
	on := r.on
	if on == nil {
		on = passing
	}
	if !slices.Contains(on, failed.Kind) && !slices.Contains(on, strconv.Itoa(failed.Status)) {
		return 0, false
	}
	wait = min(r.wait<<min(n-1, 20), longestWait)
	if asked, ok := retryAfter(after, time.Now()); ok {
		wait = min(max(asked, 0), longestWait)
	}
	return wait, true
}

// retryAfter reads the field Retry-After: seconds, or a date (RFC 9110, section
// 10.2.3).
func retryAfter(field string, now time.Time) (time.Duration, bool) {
	field = strings.TrimSpace(field)
	if field == "" {
		return 0, false
	}
	if s, err := strconv.ParseUint(field, 10, 31); err == nil {
		return time.Duration(s) * time.Second, true
	}
	at, err := time.Parse(time.RFC1123, field)
	if err != nil {
		return 0, false
	}
	return at.Sub(now), true
}

// pause waits, unless ctx ends before: then it is false.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
