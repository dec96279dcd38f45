package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/runtime/result"
	"weir/runtime/serving"
)

// service is a service's page of metrics.
type service struct {
	serving.Target
	monitor *Monitor // nil: sampling has not begun
	latest  *Page    // nil: none has been read
}

// Page is what a service's page of metrics said last.
type Page struct {
	URL, Model string
	At         time.Time
	Gauges     map[string]float64 // read only
}

// LatestPages are the last ones of the services whose page has been read.
func (h *Hub) LatestPages() (all []Page) {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.services {
		if s.latest != nil {
			all = append(all, *s.latest)
		}
	}
	return all
}

// served is what a service's page said around and inside a window. The hub's mu
// protects polls.
type served struct {
	target        serving.Target
	before, after *serving.Snapshot
	err           error // why one of the two is missing
	polls         polls
}

// polls are pages from inside a window: of very many, every second, fourth, … one.
type polls struct {
	kept   []*serving.Snapshot
	step   int64 // one in so many is kept; 0: all of them
	seen   int64
	gauges map[string]*result.ValueStat // of all of them
}

// mostPolls is how many pages of a window are kept at most.
const mostPolls = 2048

func (p *polls) add(s *serving.Snapshot) {
	p.seen++
	p.step = max(p.step, 1)
	for name, v := range s.Gauges() {
		if p.gauges == nil {
			p.gauges = map[string]*result.ValueStat{}
		}
		p.gauges[name] = with(p.gauges[name], v)
	}
	if (p.seen-1)%p.step != 0 {
		return
	}
	if len(p.kept) == mostPolls {
		for i := range mostPolls / 2 {
			p.kept[i] = p.kept[2*i]
		}
		p.kept = p.kept[:mostPolls/2]
		p.step *= 2
	}
	p.kept = append(p.kept, s.Slim())
}

// AddService has a service's page of metrics scraped, from Begin on. When there is one
// of the same URL and model already, nothing changes.
func (h *Hub) AddService(t serving.Target) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || slices.ContainsFunc(h.services, func(other *service) bool { return other.URL == t.URL && other.Model == t.Model }) {
		return
	}
	added := &service{Target: t}
	h.services = append(h.services, added)
	if h.ctx != nil {
		h.beginService(added)
	}
}

// beginService starts scraping a page now and then. The caller holds h.mu.
func (h *Hub) beginService(s *service) {
	m := newMonitor(s.URL, Options{Interval: cmp.Or(h.config.ServiceInterval, DefaultInterval), Say: h.config.Say})
	s.monitor = m
	m.launch(h.ctx, func(ctx context.Context) {
		m.poll(ctx, func(ctx context.Context) error {
			began := time.Now()
			page, err := serving.Scrape(ctx, s.Target)
			if err == nil {
				took := time.Since(began)
				m.read(page.Unread, took)
				h.takePage(s, page, took)
			}
			return err
		})
	})
}

// takePage is given every page.
func (h *Hub) takePage(s *service, page *serving.Snapshot, took time.Duration) {
	h.mu.Lock()
	s.latest = &Page{URL: s.URL, Model: s.Model, At: page.At, Gauges: page.Gauges()}
	w := h.played
	if w.open() && w.holds(page.At) {
		for _, v := range w.services {
			if v.target.URL == s.URL && v.target.Model == s.Model {
				v.polls.add(page)
			}
		}
	}
	number := h.numberOf(page.At)
	h.mu.Unlock()
	h.write(&result.Sample{
		At: page.At.UnixNano(), Case: number, Source: s.URL, Kind: "service",
		Took: float64(took) / float64(time.Millisecond), Values: page.Gauges(),
	})
}

// scrapeBefore scrapes the pages just before a case, all at the same time.
func (h *Hub) scrapeBefore(ctx context.Context) []*served {
	h.mu.Lock()
	all := make([]*served, len(h.services))
	for i, s := range h.services {
		all[i] = &served{target: s.Target}
	}
	h.mu.Unlock()
	each(ctx, all, func(ctx context.Context, v *served) {
		if v.before, v.err = serving.Scrape(ctx, v.target); v.err != nil {
			v.err = fmt.Errorf("just before the case: %w", v.err)
		}
	})
	return all
}

// scrapeAfter scrapes the pages just after the case.
func (w *Window) scrapeAfter(ctx context.Context) {
	each(ctx, w.services, func(ctx context.Context, v *served) {
		var err error
		if v.after, err = serving.ScrapeIdle(ctx, v.target); err != nil && v.err == nil {
			v.err = fmt.Errorf("just after the case: %w", err)
		}
	})
}

// each calls scrape for all services at once, each with the time that there is.
func each(ctx context.Context, all []*served, scrape func(context.Context, *served)) {
	ctx, cancel := context.WithTimeout(ctx, afterLimit)
	defer cancel()
	var done sync.WaitGroup
	for _, v := range all {
		done.Go(func() { scrape(ctx, v) })
	}
	done.Wait()
}

// describeServices fills in what the pages say of the case. The caller holds the hub's mu.
func (w *Window) describeServices(c *result.Case) {
	for _, v := range w.services {
		s := serving.Compare(v.before, v.after, v.polls.kept, c)
		if v.polls.seen > int64(len(v.polls.kept)) {
			s.Polls, s.Gauges = v.polls.seen, stats(v.polls.gauges)
		}
		s.URL = v.target.URL
		if v.err != nil {
			s.Error = v.err.Error()
		}
		c.Server = append(c.Server, s)
	}
	c.Server = serving.Several(c.Server)
}
