package result

// Percentile is one that a distribution reports.
type Percentile struct {
	P         float64 // 0…100
	Name      string  // its field in JSON, such as "p999"
	Value     *float64
	Supported bool // by enough samples, see [Metric.Supports]
}

// Percentiles are those that the metric reports, ascending; Value is nil where it has
// none.
func (m *Metric) Percentiles() []Percentile {
	all := []Percentile{
		{P: 50, Name: "p50", Value: m.P50}, {P: 75, Name: "p75", Value: m.P75}, {P: 90, Name: "p90", Value: m.P90},
		{P: 95, Name: "p95", Value: m.P95}, {P: 99, Name: "p99", Value: m.P99}, {P: 99.9, Name: "p999", Value: m.P999},
	}
	for i := range all {
		all[i].Supported = m.Supports(all[i].P)
	}
	return all
}

// Unsupported are the names of those percentiles that have a value, and too few
// samples for it.
func (m *Metric) Unsupported() (names []string) {
	for _, p := range m.Percentiles() {
		if p.Value != nil && !p.Supported {
			names = append(names, p.Name)
		}
	}
	return names
}
