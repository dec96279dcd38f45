package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
)

// Config is what a hub is made of.
type Config struct {
	// Serving are the devices whose energy counts; nil: all NPUs and GPUs.
	Serving Selection
	// ServiceInterval is between two scrapes of a service's page; 0: DefaultInterval.
	ServiceInterval time.Duration
	// Samples makes the file that everything is written to, when there is something.
	// nil: nobody wants it.
	Samples func() (*result.Samples, error)
	// Say is given what the user should know at once. Any goroutine calls it. nil:
	// nobody is told.
	Say func(message string)
}

// Hub is all the telemetry of a run. Its methods may be called by any goroutine. A nil
// one watches nothing.
type Hub struct {
	config Config

	mu       sync.Mutex      // protects the following fields, and those of sources, services and windows
	ctx      context.Context // of Begin; nil: not yet
	ended    bool
	sources  []*source
	services []*service
	played   *Window // of the case that is played, or the last one that was; nil: none yet
	previous *Window // the one before it: a reading may take until after a case
	samples  *result.Samples
	noFile   error // why there are none
}

// source is a source of devices, and what is known of it.
type source struct {
	device.Source
	interval time.Duration
	monitor  *Monitor      // nil: sampling has not begun
	listed   chan struct{} // closed when listing is known, or there is none; nil: nobody has asked
	listing  device.Listing
	listErr  error
	latest   *device.Reading
	spacing  spacing
	tracks   map[key]*track
}

// key is which device of a run.
type key struct {
	host, kind string
	index      int
}

// track is the last of what a device told that matters for its energy.
type track struct{ power, counter *point }

const (
	listLimit   = 30 * time.Second // of asking which devices there are
	mostDevices = 4096             // of a source; more are no devices
)

// NewHub makes a hub without sources.
func NewHub(c Config) *Hub { return &Hub{config: c} }

// AddSource has a source of devices monitored, from Begin on; an interval of 0 is
// DefaultInterval. When there is one of that name already, nothing changes.
func (h *Hub) AddSource(s device.Source, interval time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || slices.ContainsFunc(h.sources, func(other *source) bool { return other.Name() == s.Name() }) {
		return
	}
	added := &source{Source: s, interval: cmp.Or(max(interval, 0), DefaultInterval), tracks: map[key]*track{}}
	h.sources = append(h.sources, added)
	if h.ctx != nil {
		h.begin(added)
	}
}

// List asks all sources which devices there are, at the same time. The error is that
// of the first of the required ones that cannot tell, or of a device of Config.Serving
// that nobody has. Without it, each source is asked when sampling begins.
func (h *Hub) List(ctx context.Context, required ...device.Source) error {
	h.mu.Lock()
	sources := slices.Clone(h.sources)
	h.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range sources {
		all.Go(func() { h.list(ctx, s) })
	}
	all.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range sources {
		if s.listErr != nil && slices.ContainsFunc(required, func(r device.Source) bool { return r.Name() == s.Name() }) {
			return fmt.Errorf("monitor %s: %w", s.Name(), s.listErr)
		}
	}
	return h.config.Serving.Check(h.inventory())
}

// list asks a source for its devices, once.
func (h *Hub) list(ctx context.Context, s *source) {
	h.mu.Lock()
	if listed := s.listed; listed != nil {
		h.mu.Unlock()
		select {
		case <-listed:
		case <-ctx.Done():
		}
		return
	}
	s.listed = make(chan struct{})
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	listing, err := s.List(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	s.listing, s.listErr = listing, err
	close(s.listed)
}

// Begin starts sampling; it goes on until ctx ends, or End.
func (h *Hub) Begin(ctx context.Context) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx != nil || h.ended {
		return
	}
	h.ctx = ctx
	for _, s := range h.sources {
		h.begin(s)
	}
	for _, s := range h.services {
		h.beginService(s)
	}
}

// begin starts the monitor of a source. The caller holds h.mu.
func (h *Hub) begin(s *source) {
	m := newMonitor(s.Name(), Options{Interval: s.interval, Say: h.config.Say})
	s.monitor = m
	m.launch(h.ctx, func(ctx context.Context) {
		began := time.Now()
		h.list(ctx, s)
		h.mu.Lock()
		listing, err := s.listing, s.listErr
		h.mu.Unlock()
		m.unread(listing.Unread)
		if err != nil { // nothing was read meanwhile, and the end of a run may come first
			over := time.Since(began)
			m.missed(int64(over / s.interval))
			if ctx.Err() == nil {
				m.failure(fmt.Errorf("which devices there are is not known: %w", err))
			} else if over >= s.interval {
				m.failure(fmt.Errorf("it had not told which devices there are when the run ended, %v later; try its tool by hand", over.Round(time.Millisecond)))
			}
		}
		if ctx.Err() == nil {
			m.sample(ctx, s.Source, func(r device.Reading) { h.take(s, r) })
		}
	})
}

// take is given every reading.
func (h *Hub) take(s *source, r device.Reading) {
	if len(r.Devices) > mostDevices {
		r.Devices = r.Devices[:mostDevices]
	}
	// A window that has ended gets no reading from before its end any more.
	if now := time.Now(); r.At.IsZero() || r.At.After(now) {
		r.At = now
	}

	h.mu.Lock()
	if s.latest != nil && !r.At.After(s.latest.At) { // an exporter that has nothing new yet
		h.mu.Unlock()
		return
	}
	s.latest = &r
	s.spacing.add(r.At)
	w := h.played
	for _, v := range r.Devices {
		k := key{r.Host, v.Kind, v.Index}
		t := s.tracks[k]
		if t == nil {
			if len(s.tracks) == mostDevices {
				continue
			}
			t = new(track)
			s.tracks[k] = t
		}
		if w.open() {
			w.use(s, k).add(w, r.At, v)
		}
		if watts, ok := v.Of[device.Power]; ok {
			t.power = &point{r.At, watts}
		}
		if joules, ok := v.Of[device.EnergyCounter]; ok {
			t.counter = &point{r.At, joules}
		}
	}
	w.saw(s, r.At)
	number := h.numberOf(r.At)
	h.mu.Unlock()

	for _, v := range r.Devices {
		h.write(&result.Sample{
			At: r.At.UnixNano(), Case: number, Source: s.Name(), Host: r.Host, Kind: v.Kind, Index: v.Index,
			Health: v.Health, Took: float64(r.Took) / float64(time.Millisecond), Values: v.Of,
		})
	}
}

// numberOf is the number of the case that a moment is in, 0 for none. The caller holds
// h.mu.
func (h *Hub) numberOf(at time.Time) int {
	for _, w := range []*Window{h.played, h.previous} {
		if w != nil && w.holds(at) {
			return w.number
		}
	}
	return 0
}

// Open makes the file of samples, when there is something to sample. Without it, that is
// done with the first one, and what is wrong told by Close.
func (h *Hub) Open() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sources)+len(h.services) == 0 {
		return nil
	}
	_, err := h.file()
	return err
}

// file is the file of samples, nil where nobody wants one. The caller holds h.mu.
func (h *Hub) file() (*result.Samples, error) {
	if h.samples == nil && h.noFile == nil && h.config.Samples != nil {
		h.samples, h.noFile = h.config.Samples()
	}
	return h.samples, h.noFile
}

// write adds a line to the file of samples. It waits while the disk does not keep up:
// then readings are missed.
func (h *Hub) write(sample *result.Sample) {
	h.mu.Lock()
	to, err := h.file()
	h.mu.Unlock()
	if to != nil && err == nil {
		to.Add(sample)
	}
}

// Flush returns when all that was sampled is on disk, or with an error when the disk
// does not get there. It is for one goroutine at a time, as is Close.
func (h *Hub) Flush() error {
	to, err := h.begun()
	if to == nil || err != nil {
		return err
	}
	return to.Flush()
}

// Close completes the file of samples, after End. It reports whatever went wrong with it.
func (h *Hub) Close() error {
	to, err := h.begun()
	if to == nil || err != nil {
		return err
	}
	return to.Close()
}

// begun is the file of samples that there is.
func (h *Hub) begun() (*result.Samples, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.samples, h.noFile
}

func (h *Hub) say(message string) {
	if h.config.Say != nil {
		h.config.Say(message)
	}
}

// Latest is the last reading of each source that has been read.
func (h *Hub) Latest() []device.Reading {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []device.Reading
	for _, s := range h.sources {
		if s.latest != nil {
			all = append(all, *s.latest)
		}
	}
	return all
}

// End stops all monitors and tells what became of them, and which devices there are.
func (h *Hub) End(r *result.Result) {
	if h == nil {
		return
	}
	h.mu.Lock()
	h.ended = true
	var monitors []*Monitor
	for _, s := range h.sources {
		if s.monitor != nil {
			monitors = append(monitors, s.monitor)
		}
	}
	for _, s := range h.services {
		if s.monitor != nil {
			monitors = append(monitors, s.monitor)
		}
	}
	h.mu.Unlock()
	r.Monitors = nil
	for _, m := range monitors {
		m.cancel()
	}
	for _, m := range monitors {
		r.Monitors = append(r.Monitors, m.Stop())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Devices = h.inventory()
	if err := h.config.Serving.Check(r.Devices); err != nil && len(monitors) > 0 {
		h.say(err.Error())
	}
}

// inventory is the devices of all sources. Of one that several know, the first one's
// account counts; one that was read but not listed is known by its number alone. The
// caller holds h.mu.
func (h *Hub) inventory() []result.Device {
	var all []result.Device
	known := map[key]bool{}
	for _, s := range h.sources {
		for _, d := range s.listing.Devices {
			if k := (key{d.Host, d.Kind, d.Index}); !known[k] {
				known[k] = true
				all = append(all, d)
			}
		}
	}
	for _, s := range h.sources {
		for k := range s.tracks {
			if !known[k] {
				known[k] = true
				all = append(all, result.Device{Host: k.host, Kind: k.kind, Index: k.index, Source: s.Name()})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b result.Device) int {
		return key{a.Host, a.Kind, a.Index}.compare(key{b.Host, b.Kind, b.Index})
	})
	return all
}

// compare orders devices: those of this machine first.
func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.host, other.host), cmp.Compare(kindOrder(k.kind), kindOrder(other.kind)), cmp.Compare(k.kind, other.kind), cmp.Compare(k.index, other.index))
}

// kindOrder puts accelerators before the host that they are in.
func kindOrder(kind string) int {
	if kind == "host" {
		return 1
	}
	return 0
}

// String names a device, as in "npu 3 of host1".
func (k key) String() string {
	name := fmt.Sprintf("%s %d", k.kind, k.index)
	if k.kind == "host" {
		name = "host"
	}
	if k.host != "" {
		name += " of " + k.host
	}
	return name
}
