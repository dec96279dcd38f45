package telemetry

import (
	"context"
	"sync"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
)

// Window is the time of a case, and what devices and services did in it. A nil one
// watches nothing.
type Window struct {
	hub    *Hub
	number int
	start  time.Time

	// The hub's mu protects the following fields.
	end      time.Time // zero: the case is played
	closed   bool      // nothing is added any more
	uses     map[*source]map[key]*use
	awaited  map[*source]bool // by Close: for a reading from after the end
	arrived  chan struct{}    // closed when all of these are there
	services []*served
}

// use is what a source told of a device inside the window.
type use struct {
	readings int64
	health   string // the worst
	values   map[device.Quantity]*result.ValueStat
	power    integral
	counter  integral
}

// afterLimit is how long Close waits for readings from after the case, by which its
// end is interpolated, and for the pages of services.
const afterLimit = 2 * time.Second

// gapOf is how many intervals two readings may be apart.
const gapOf = 3

// OpenCase begins the window of a case, just before its load. The pages of services
// are scraped first, for 2 s at most. number is that of the case in the run, from 1.
// There is one window at a time.
func (h *Hub) OpenCase(ctx context.Context, number int) *Window {
	if h == nil {
		return nil
	}
	w := &Window{hub: h, number: number, uses: map[*source]map[key]*use{}}
	w.services = h.scrapeBefore(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	w.start = time.Now()
	for _, s := range h.sources {
		for k, t := range s.tracks {
			if t.power != nil || t.counter != nil {
				w.use(s, k) // the last readings before the case are where its integrals begin
			}
		}
	}
	h.previous, h.played = h.played, w
	return w
}

// Close ends the window, just after the load. It waits for readings and pages from
// after the end, for 2 s at most.
func (w *Window) Close(ctx context.Context) {
	if w == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, afterLimit)
	defer cancel()
	arrived := w.finish()
	var pages sync.WaitGroup
	pages.Go(func() { w.scrapeAfter(ctx) })
	select {
	case <-arrived:
	case <-ctx.Done():
	}
	pages.Wait()
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.closed = true
}

// Describe fills what the window has seen into the case, which is finished otherwise.
// Close comes first.
func (w *Window) Describe(c *result.Case) {
	if w == nil {
		return
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.describeDevices(c)
	w.describeServices(c)
}

// finish sets the end. What it returns is closed when each source that tells power has
// been read after it.
func (w *Window) finish() (arrived <-chan struct{}) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.end = time.Now()
	w.arrived = make(chan struct{})
	w.awaited = map[*source]bool{}
	for s, uses := range w.uses {
		for _, u := range uses {
			u.power.end, u.counter.end = w.end, w.end
			if u.power.any || u.counter.any {
				w.awaited[s] = true
			}
		}
	}
	if len(w.awaited) == 0 {
		close(w.arrived)
	}
	return w.arrived
}

// saw is told that a source has been read. The caller holds the hub's mu.
func (w *Window) saw(s *source, at time.Time) {
	if w == nil || !w.awaited[s] || at.Before(w.end) {
		return
	}
	delete(w.awaited, s)
	if len(w.awaited) == 0 {
		close(w.arrived)
	}
}

// open tells whether readings are added. The caller holds the hub's mu.
func (w *Window) open() bool { return w != nil && !w.closed }

// holds tells whether a moment is in the window. The caller holds the hub's mu.
func (w *Window) holds(at time.Time) bool {
	return !at.Before(w.start) && (w.end.IsZero() || !at.After(w.end))
}

// use is what a source tells of a device. The caller holds the hub's mu.
func (w *Window) use(s *source, k key) *use {
	if w.uses[s] == nil {
		w.uses[s] = map[key]*use{}
	}
	u := w.uses[s][k]
	if u == nil {
		u = &use{values: map[device.Quantity]*result.ValueStat{}}
		u.power = integral{start: w.start, end: w.end}
		u.counter = integral{counter: true, start: w.start, end: w.end}
		if t := s.tracks[k]; t != nil && t.power != nil {
			u.power.add(*t.power)
		}
		if t := s.tracks[k]; t != nil && t.counter != nil {
			u.counter.add(*t.counter)
		}
		w.uses[s][k] = u
	}
	longest := gapOf * max(s.interval, s.spacing.usual())
	u.power.longest, u.counter.longest = longest, longest
	return u
}

// add takes what a device told. The caller holds the hub's mu.
func (u *use) add(w *Window, at time.Time, v device.Values) {
	if watts, ok := v.Of[device.Power]; ok {
		u.power.add(point{at, watts})
	}
	if joules, ok := v.Of[device.EnergyCounter]; ok {
		u.counter.add(point{at, joules})
	}
	if !w.holds(at) {
		return
	}
	u.readings++
	if severity(v.Health) > severity(u.health) {
		u.health = v.Health
	}
	for q, value := range v.Of {
		u.values[q] = with(u.values[q], value)
	}
}
