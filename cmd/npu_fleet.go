package cmd

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/runtime/device"
	"weir/runtime/device/sources"
	"weir/runtime/result"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
)

// fleet is the devices of any number of hosts that are looked at together. A host that
// fails keeps nobody waiting. Its methods may be called by any goroutine.
type fleet struct {
	devices telemetry.Selection // nil: all
	places  []*place
	changed chan struct{} // has something whenever there is news
}

// place is where a source is asked for, such as "auto" on a host.
type place struct {
	spec    string
	hosts   []string // one, or none: this machine
	clients *transport.Clients
	changed chan struct{}

	mu      sync.Mutex // protects the following field
	failure error      // why it is not open
	members []*member  // its sources; nil: not open
}

// member is a source of the fleet, and what it has told.
type member struct {
	device.Source
	changed chan struct{}

	mu      sync.Mutex // protects the following fields
	listing *device.Listing
	reading *device.Reading
	failure error // of what was asked last; nil: it was answered
	unread  []string
}

const (
	askLimit   = 30 * time.Second // of one question
	askAgain   = 10 * time.Second // after a host that did not answer
	mostUnread = 10               // lines that are kept of a source
)

// newFleet makes the fleet of specs on hosts, as sources.Open takes them. Nothing is
// asked yet.
func newFleet(specs, hosts []string, devices telemetry.Selection, clients *transport.Clients) *fleet {
	f := &fleet{devices: devices, changed: make(chan struct{}, 1)}
	add := func(spec string, hosts ...string) {
		f.places = append(f.places, &place{spec: spec, hosts: hosts, clients: clients, changed: f.changed})
	}
	for _, spec := range specs {
		if len(hosts) == 0 || !slices.Contains(sources.Names(), spec) { // a page, or a tool of one host
			add(spec)
			continue
		}
		for _, host := range hosts {
			add(spec, host)
		}
	}
	return f
}

// once asks every source for its devices and one reading of them.
func (f *fleet) once(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range f.places {
		all.Go(func() {
			for _, m := range p.open(ctx) {
				all.Go(func() {
					if m.list(ctx) == nil && m.read(ctx) {
						time.Sleep(shareTime)
						m.read(ctx)
					}
				})
			}
		})
	}
	all.Wait()
}

// shareTime is that of which a host's share of CPU is taken for a single sample.
const shareTime = 250 * time.Millisecond

// read takes one reading, and tells whether another one would tell more: the share of a
// host's CPUs is that between two.
func (m *member) read(ctx context.Context) (again bool) {
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	r, err := m.Read(limited)
	m.answered(&r, err)
	return err == nil && slices.ContainsFunc(r.Devices, func(v device.Values) bool {
		_, told := v.Of[device.CPU]
		return v.Kind == "host" && !told
	})
}

// watch samples every source until ctx ends, and returns when all of that has ended.
func (f *fleet) watch(ctx context.Context, interval time.Duration) {
	var all sync.WaitGroup
	for _, p := range f.places {
		all.Go(func() {
			var members []*member
			for again(ctx, func() bool { members = p.open(ctx); return members != nil }) {
			}
			for _, m := range members {
				all.Go(func() { m.watch(ctx, interval) })
			}
		})
	}
	all.Wait()
}

// again calls try; when that fails it waits, and tells that try is due again.
func again(ctx context.Context, try func() (done bool)) bool {
	if try() {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(askAgain):
		return true
	}
}

// open opens the sources of a place; nil: it failed.
func (p *place) open(ctx context.Context) []*member {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	opened, err := sources.Open(ctx, []string{p.spec}, p.hosts, p.clients)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
	for _, s := range opened {
		p.members = append(p.members, &member{Source: s, changed: p.changed})
	}
	tell(p.changed)
	return p.members
}

func (m *member) watch(ctx context.Context, interval time.Duration) {
	for again(ctx, func() bool { return m.list(ctx) == nil }) {
	}
	if ctx.Err() != nil {
		return
	}
	var source device.Source = noted{m}
	if w, ok := m.Source.(device.Watcher); ok {
		source = notedWatcher{noted{m}, w}
	}
	monitor := telemetry.Start(ctx, source, telemetry.Options{Interval: interval}, func(r device.Reading) { m.answered(&r, nil) })
	<-ctx.Done()
	monitor.Stop()
}

// list asks a source which devices there are.
func (m *member) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	l, err := m.List(ctx)
	m.mu.Lock()
	m.failure = err
	if err == nil {
		m.listing = &l
		m.note(l.Unread)
	}
	m.mu.Unlock()
	tell(m.changed)
	return err
}

// answered keeps a reading, or why there is none.
func (m *member) answered(r *device.Reading, err error) {
	m.mu.Lock()
	m.failure = err
	if err == nil {
		m.reading = r
		m.note(r.Unread)
	}
	m.mu.Unlock()
	tell(m.changed)
}

// note keeps lines that could not be read, each once. The caller holds m.mu.
func (m *member) note(lines []string) {
	for _, line := range lines {
		if len(m.unread) < mostUnread && !slices.Contains(m.unread, line) {
			m.unread = append(m.unread, line)
		}
	}
}

func tell(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// noted is a source whose failures its member knows; a monitor keeps the first one only.
type noted struct{ *member }

func (n noted) Read(ctx context.Context) (device.Reading, error) {
	r, err := n.Source.Read(ctx)
	if err != nil {
		n.answered(nil, err)
	}
	return r, err
}

type notedWatcher struct {
	noted
	watcher device.Watcher
}

func (n notedWatcher) Watch(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	err := n.watcher.Watch(ctx, interval, emit)
	if err != nil && ctx.Err() == nil {
		n.answered(nil, err)
	}
	return err
}

// group is the devices of a host, or of an exporter, at a moment.
type group struct {
	name     string
	asking   bool // something has neither answered nor failed yet
	rows     []deviceRow
	failures []failedSource
	unread   []string
}

// failedSource is one that could not be asked.
type failedSource struct {
	Source string `json:"source"`
	Error  string `json:"error"`
}

// deviceRow is a device and what it does.
type deviceRow struct {
	result.Device
	At     time.Time // zero: not read
	Took   time.Duration
	Values map[device.Quantity]float64
}

// inventory is the devices that have been listed, those too that are not shown.
func (f *fleet) inventory() (all []result.Device) {
	for _, p := range f.places {
		p.mu.Lock()
		members := p.members
		p.mu.Unlock()
		for _, m := range members {
			m.mu.Lock()
			if m.listing != nil {
				all = append(all, m.listing.Devices...)
			}
			m.mu.Unlock()
		}
	}
	return all
}

// groups are all devices as they are now.
func (f *fleet) groups() []group {
	var all []*group
	named := func(name string) *group {
		for _, g := range all {
			if g.name == name {
				return g
			}
		}
		all = append(all, &group{name: name})
		return all[len(all)-1]
	}
	seen := map[string]bool{}
	for _, p := range f.places {
		p.mu.Lock()
		members, failure := p.members, p.failure
		p.mu.Unlock()
		if members == nil {
			g := named(strings.Join(p.hosts, ""))
			g.asking = g.asking || failure == nil
			if failure != nil {
				g.failures = append(g.failures, failedSource{p.spec, failure.Error()})
			}
		}
		for _, m := range members {
			if !seen[m.Name()] { // two specs may mean one source
				seen[m.Name()] = true
				m.addTo(named, f.devices, strings.Join(p.hosts, ""))
			}
		}
	}
	groups := make([]group, len(all))
	for i, g := range all {
		groups[i] = *g
	}
	return groups
}

// addTo adds what a source has told to the group of its host; host is that of its place.
func (m *member) addTo(named func(string) *group, devices telemetry.Selection, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, at, remote := strings.Cut(m.Name(), "@"); remote && host == "" {
		host = at
	}
	var rows []deviceRow
	wanted := func(d result.Device) bool { return devices == nil || devices.Has(d.Host, d.Kind, d.Index) }
	if m.listing != nil {
		for _, d := range m.listing.Devices {
			host = d.Host
			if wanted(d) {
				rows = append(rows, deviceRow{Device: d})
			}
		}
	}
	if r := m.reading; r != nil {
		host = r.Host
		for _, v := range r.Devices {
			at := slices.IndexFunc(rows, func(row deviceRow) bool { return row.Kind == v.Kind && row.Index == v.Index })
			if at < 0 {
				d := result.Device{Host: r.Host, Kind: v.Kind, Index: v.Index, Source: r.Source}
				if !wanted(d) {
					continue
				}
				rows = append(rows, deviceRow{Device: d})
				at = len(rows) - 1
			}
			rows[at].At, rows[at].Took, rows[at].Values = r.At, r.Took, v.Of
			if v.Health != "" {
				rows[at].Health = v.Health
			}
		}
	}
	g := named(host)
	g.rows = append(g.rows, rows...)
	g.unread = append(g.unread, m.unread...)
	g.asking = g.asking || m.listing == nil && m.failure == nil
	if m.failure != nil {
		g.failures = append(g.failures, failedSource{m.Name(), m.failure.Error()})
	}
}
