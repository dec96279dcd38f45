package runtime

import (
	"fmt"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// windowOf reads which window the numbers of a case are of: that of the command line, the
// case's own, or that of the script's options.
func (r *run) windowOf(v any) (string, error) {
	own := r.options.window
	if v != nil {
		own, _ = v.(string)
		if own != result.WindowAll && own != result.WindowSteady {
			return "", fmt.Errorf("window must be %q or %q, not %v", result.WindowAll, result.WindowSteady, v)
		}
	}
	if r.Window != "" {
		own = r.Window
	}
	return own, nil
}

// load is what is known of the case's load before it begins.
func (c *caseSpec) load() (l metrics.Load) {
	open := false
	for _, s := range c.scenarios {
		n, closed := s.profile.AtOnce()
		l.Concurrency += n
		open = open || !closed
		l.Ramps = l.Ramps || s.profile.Ramps()
		if l.Unsteady == "" {
			l.Unsteady = s.profile.Unsteady()
		}
	}
	if open {
		l.Concurrency = 0
	}
	return l
}
