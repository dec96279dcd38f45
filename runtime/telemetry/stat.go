package telemetry

import "weir/runtime/result"

// with adds a value to what was seen of others; nil: there are none yet.
func with(s *result.ValueStat, v float64) *result.ValueStat {
	if s == nil {
		s = &result.ValueStat{Min: v, Max: v}
	}
	s.N++
	s.Avg += (v - s.Avg) / float64(s.N)
	s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	return s
}

// stats are those of several values by their names.
func stats(of map[string]*result.ValueStat) map[string]result.ValueStat {
	all := make(map[string]result.ValueStat, len(of))
	for name, s := range of {
		all[name] = *s
	}
	return all
}
