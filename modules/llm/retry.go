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
	"weir/runtime/suggest"
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
		var err error
		r.attempts, err = attempts(v)
		s.retry = r
		return err
	}
	for _, name := range o.Keys() {
		var err error
		v := o.Get(name)
		switch name {
		case "attempts":
			r.attempts, err = attempts(v)
		case "wait":
			r.wait, err = script.Duration(v)
		case "on":
			list, isList := script.Export(v).([]any)
			if !isList {
				err = fmt.Errorf("%s is not a list of kinds of errors and of statuses", v)
			}
			r.on = []string{}
			for _, one := range list {
				if err == nil {
					r.on, err = append(r.on, fmt.Sprint(one)), retryable(one)
				}
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

func attempts(v goja.Value) (int, error) {
	f, err := number(v, 1, 1000)
	if err == nil && f != math.Trunc(f) {
		err = fmt.Errorf("%s is not a whole number", v)
	}
	return int(f), err
}

// retryable tells what keeps an element of option on from ever meeting an error.
func retryable(v any) error {
	switch v := v.(type) {
	case int64:
		if v >= 100 && v < 600 {
			return nil
		}
		return fmt.Errorf("%d is no status", v)
	case string:
		if slices.Contains(metrics.ErrorKinds, v) {
			return nil
		}
		if near := suggest.Nearest(v, metrics.ErrorKinds); near != "" {
			return fmt.Errorf("there is no kind of error %q; did you mean %q?", v, near)
		}
		return fmt.Errorf("there is no kind of error %q; they are %s", v, strings.Join(metrics.ErrorKinds, ", "))
	}
	return fmt.Errorf("%v is neither a kind of error nor a status", v)
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
	wait = min(r.wait, longestWait)
	for range min(n-1, 20) {
		wait = min(2*wait, longestWait)
	}
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
