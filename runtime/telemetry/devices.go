package telemetry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/runtime/result"
)

// severity orders what tools say of a device's health. OK is 0.
func severity(health string) int {
	switch strings.ToLower(health) {
	case "", "ok", "healthy", "normal":
		return 0
	case "unknown":
		return 1
	case "warning":
		return 2
	case "critical":
		return 4
	}
	return 3 // alarm, unhealthy, and what a driver says of a device that is lost
}

// metered is a device of a case, and what it used.
type metered struct {
	key
	use    result.DeviceUse
	energy *used // nil: unknown
	method string
}

// describeDevices fills in what the devices did and used. The caller holds the hub's mu.
func (w *Window) describeDevices(c *result.Case) {
	inventory := w.hub.inventory()
	names := map[key]string{}
	for _, d := range inventory {
		names[key{d.Host, d.Kind, d.Index}] = d.Name
	}
	found := map[key]*metered{}
	for _, s := range w.hub.sources { // the first one that tells something of a device counts
		for k, u := range w.uses[s] {
			m := found[k]
			if m == nil {
				m = &metered{key: k, use: result.DeviceUse{
					Host: k.host, Kind: k.kind, Index: k.index, Name: names[k],
					Serves: w.hub.config.Serving.serves(k), Values: map[string]result.ValueStat{},
				}}
				found[k] = m
			}
			m.merge(u)
		}
	}
	all := slices.SortedFunc(maps.Values(found), func(a, b *metered) int { return a.compare(b.key) })
	for _, m := range all {
		if m.use.Readings > 0 || m.energy != nil {
			c.Devices = append(c.Devices, m.use)
		}
	}
	c.Energy = energyOf(all, inventory, w.hub.config.Serving, w.end.Sub(w.start), c)
}

// merge adds what another source told of the device.
func (m *metered) merge(u *use) {
	m.use.Readings = max(m.use.Readings, u.readings)
	if severity(u.health) > severity(m.use.Health) {
		m.use.Health = u.health
	}
	for q, s := range u.values {
		if _, told := m.use.Values[q]; !told {
			m.use.Values[q] = *s
		}
	}
	if counted, ok := u.counter.total(); ok && m.method != methodCounter {
		m.energy, m.method = &counted, methodCounter
	} else if integrated, ok := u.power.total(); ok && m.energy == nil {
		m.energy, m.method = &integrated, methodPower
	}
	if m.energy != nil {
		m.use.Joules = &m.energy.joules
	}
}

// How the energy of a device is known.
const (
	methodPower   = "power"
	methodCounter = "counter"
	methodMixed   = "mixed"
)

// energyOf sums up what the devices that serve used in a window; nil: none of them told.
func energyOf(all []*metered, inventory []result.Device, serving Selection, window time.Duration, c *result.Case) *result.Energy {
	e := &result.Energy{}
	counted, measured := map[key]bool{}, map[key]bool{} // measured: its power is known, whether it counts or not
	var worst notes
	for _, m := range all {
		measured[m.key] = m.energy != nil
		if !m.use.Serves || m.energy == nil {
			continue
		}
		counted[m.key] = true
		e.Joules += m.energy.joules
		e.Devices = append(e.Devices, m.String())
		if e.Method != "" && e.Method != m.method {
			e.Method = methodMixed
		}
		e.Method = cmp.Or(e.Method, m.method)
		worst.add(m)
	}
	if len(counted) == 0 || window <= 0 {
		return nil
	}
	for _, d := range inventory {
		k := key{d.Host, d.Kind, d.Index}
		if counted[k] || measured[k] {
			continue
		}
		other, ok := cardOf(d, inventory, counted)
		switch serves := serving.serves(k); {
		case ok && serves:
			worst.cards = append(worst.cards, fmt.Sprintf("%s tells the power of its whole card, with %s", other, k))
		case ok:
			worst.cards = append(worst.cards, fmt.Sprintf("%s tells the power of its whole card, with %s, which does not serve", other, k))
		case serves:
			e.Missing = append(e.Missing, k.String())
		}
	}
	e.Note = worst.text(window)
	e.Watts = e.Joules / window.Seconds()
	output, told := tokens(c, "generated_tokens")
	if told && output > 0 {
		e.PerOutputToken = ratio(e.Joules, output)
		e.TokensPerWatt = ratio(output, e.Joules)
	}
	if input, told := tokens(c, "prompt_tokens"); told {
		e.PerToken = ratio(e.Joules, input+output)
	}
	return e
}

// tokens is the sum of a counter of the case's completed requests.
func tokens(c *result.Case, metric string) (float64, bool) {
	m := c.Metrics[metric]
	if m == nil || m.Sum == nil {
		return 0, false
	}
	return *m.Sum, true
}

// ratio is nil where there is nothing to divide by.
func ratio(a, b float64) *float64 {
	if b <= 0 {
		return nil
	}
	q := a / b
	return &q
}

// cardOf finds a device whose energy counts, and which is on the same card: of an Atlas
// A3, whose cards have two chips, the first one tells the power of both.
func cardOf(d result.Device, inventory []result.Device, counted map[key]bool) (key, bool) {
	if d.Chip == nil || d.ID == "" {
		return key{}, false
	}
	for _, other := range inventory {
		k := key{other.Host, other.Kind, other.Index}
		if counted[k] && other.Host == d.Host && other.Kind == d.Kind && other.ID == d.ID && other.Chip != nil && *other.Chip != *d.Chip {
			return k, true
		}
	}
	return key{}, false
}

// notes are what an energy has to be read with.
type notes struct {
	held, lacking     time.Duration // the most of a device
	heldOf, lackingOf key
	resets            []string
	cards             []string
}

func (n *notes) add(m *metered) {
	if m.energy.held > n.held {
		n.held, n.heldOf = m.energy.held, m.key
	}
	if m.energy.lacking > n.lacking {
		n.lacking, n.lackingOf = m.energy.lacking, m.key
	}
	if m.energy.resets > 0 {
		n.resets = append(n.resets, m.String())
	}
}

// text is "" when there is nothing to say.
func (n *notes) text(window time.Duration) string {
	var parts []string
	if n.held > window/100 { // less of the window changes nothing
		parts = append(parts, fmt.Sprintf("at the edges, the nearest power was held for up to %.2f of %.2f s (%s)", n.held.Seconds(), window.Seconds(), n.heldOf))
	}
	if n.lacking > 0 {
		parts = append(parts, fmt.Sprintf("up to %.2f of %.2f s lacked readings (%s), and the mean power of the rest was held there", n.lacking.Seconds(), window.Seconds(), n.lackingOf))
	}
	if len(n.resets) > 0 {
		parts = append(parts, "the counter was set back: "+strings.Join(n.resets, ", "))
	}
	return strings.Join(append(parts, n.cards...), "; ")
}
