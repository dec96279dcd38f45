package runtime

import (
	"errors"
	"fmt"
	"maps"

	"weir/runtime/load"
	"weir/runtime/metrics"
)

// parseSLO reads { ttft: 500, tpot: "50ms", e2el: null }: the most that latencies
// of a request may be. 0 stands for null, which takes an SLO away.
func parseSLO(v any) (metrics.SLOs, error) {
	o, ok := fields(v)
	if !ok && v != nil {
		return nil, errors.New("slo must be an object such as { ttft: 500, tpot: 50 }")
	}
	slos := make(metrics.SLOs, len(o))
	for name, limit := range o {
		if limit == nil {
			slos[name] = 0
			if err := metrics.CheckSLO(name, 1); err != nil {
				return nil, fmt.Errorf("slo: %w", err)
			}
			continue
		}
		d, err := load.ParseDuration(limit)
		if err != nil {
			return nil, fmt.Errorf("slo of %s: %w", name, err)
		}
		slos[name] = float64(d) / 1e6
		if err := metrics.CheckSLO(name, slos[name]); err != nil {
			return nil, fmt.Errorf("slo: %w", err)
		}
	}
	return slos, nil
}

// sloOf are the SLOs of a case or a scenario: its own replace those around it
// metric by metric, and those of the command line replace both.
func (r *run) sloOf(around metrics.SLOs, v any) (metrics.SLOs, error) {
	own, err := parseSLO(v)
	if err != nil {
		return nil, err
	}
	all := metrics.SLOs{}
	maps.Copy(all, around)
	maps.Copy(all, own)
	maps.Copy(all, r.SLOs)
	maps.DeleteFunc(all, func(_ string, limit float64) bool { return limit == 0 })
	return all, nil
}

var errNoSLO = errors.New("there are no SLOs to measure it by; give some: slo: { ttft: 500 }, or --goodput ttft:500")

// judges tells whether requests of a scenario, or with "" of any, are held
// against SLOs.
func (c *caseSpec) judges(scenario string) bool {
	for _, s := range c.scenarios {
		if (scenario == "" || s.name == scenario) && len(s.slo) > 0 {
			return true
		}
	}
	return false
}

// wholeSLO are the SLOs of the case's recorder: those that all of its requests that
// are held against any are held against; nil when its scenarios differ in them.
func (c *caseSpec) wholeSLO() metrics.SLOs {
	var all metrics.SLOs
	for _, s := range c.scenarios {
		switch {
		case len(s.slo) == 0:
		case all == nil:
			all = s.slo
		case !maps.Equal(all, s.slo):
			return nil
		}
	}
	return all
}
