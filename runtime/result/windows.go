package result

// Windowed tells whether a metric is one of a window's: what iterations, checks and a
// script's own metrics come to is known for the whole case only.
func Windowed(name string, m *Metric) bool {
	return m != nil && !m.Custom && name != "iteration_failed" && name != "checks"
}

// Show makes the case's metrics, throughput and goodput those of another of its windows,
// and says whether it has that one. Thresholds and the verdict stay what they are.
func (c *Case) Show(window string) bool {
	if c.Window == window {
		return true
	}
	from, to := c.Windows[c.Window], c.Windows[window]
	if from == nil || to == nil || !to.Found || to.Throughput == nil {
		return false
	}
	throughput := c.Throughput
	from.Metrics, from.Throughput, from.Goodput = map[string]*Metric{}, &throughput, c.Goodput
	shown := map[string]*Metric{}
	for name, m := range c.Metrics {
		if Windowed(name, m) {
			from.Metrics[name] = m
		} else {
			shown[name] = m
		}
	}
	for name, m := range to.Metrics {
		shown[name] = m
	}
	c.Metrics, c.Throughput, c.Goodput, c.Window = shown, *to.Throughput, to.Goodput, window
	to.Metrics, to.Throughput, to.Goodput = nil, nil, nil
	return true
}
