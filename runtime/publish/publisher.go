package publish

import (
	"context"
	"os"
	"sync"
	"time"

	"weir/runtime/result"
	"weir/runtime/telemetry"
)

// DefaultInterval is between two pushes when nobody says otherwise.
const DefaultInterval = 5 * time.Second

// Config is what a publisher is made of.
type Config struct {
	Interval time.Duration // between two pushes; 0: DefaultInterval
	Run      string        // by which the run is found
	Script   string        // its name
	Version  string        // of weir
	Share    string        // of several instances that play a load together, such as "2/3"; "": there are not
	Hub      *telemetry.Hub

	Prometheus *Prometheus // nil: nothing is pushed to one
	OTLP       *OTLP       // likewise
}

// Publisher pushes the metrics of a run. Its methods may be called by any goroutine; a nil
// one does nothing.
type Publisher struct {
	config  Config
	outlets []*outlet
	stop    chan struct{} // closed by Close
	ended   chan struct{} // closed when nothing looks any more

	mu        sync.Mutex // protects the following fields
	run       *scope     // what is true of the whole run, and of finished cases
	monitored *scope     // devices and services
	playing   *Case      // nil: none
	played    *scope     // of the case that is played, or of one that has ended and is not told of yet; nil: none
	last      time.Time  // of the last snapshot
}

// Start connects to the receivers: the error is that of the first one that does not take
// a first push. Then it begins to look.
func Start(ctx context.Context, c Config) (*Publisher, error) {
	if c.Interval <= 0 {
		c.Interval = DefaultInterval
	}
	p := &Publisher{config: c, stop: make(chan struct{}), ended: make(chan struct{})}
	now := time.Now()
	host, _ := os.Hostname()
	run := []label{{"version", "service.version", c.Version}}
	if c.Share != "" {
		run = append(run, label{"share", "weir.share", c.Share})
	}
	p.run, p.monitored = newScope(now), newScope(now)
	p.run.of(runInfo, run...)
	of := identity{run: text(c.Run), script: text(c.Script), host: text(host), version: c.Version}
	first := p.look(nil)
	for _, open := range []func(context.Context, identity, *snapshot) (*outlet, error){c.Prometheus.open, c.OTLP.open} {
		o, err := open(ctx, of, first)
		if err != nil {
			return nil, err
		}
		if o != nil {
			o.status.Run, o.status.Interval = of.run, c.Interval.Seconds()
			p.outlets = append(p.outlets, o)
		}
	}
	for _, o := range p.outlets {
		o.begin()
	}
	go p.watch()
	return p, nil
}

// identity is what all series of a run have in common.
type identity struct{ run, script, host, version string }

// watch looks at every interval.
func (p *Publisher) watch() {
	defer close(p.ended)
	tick := time.NewTicker(p.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.push(nil)
		case <-p.stop:
			return
		}
	}
}

// push hands what is seen now to all outlets, in order. also adds to it, under the lock.
func (p *Publisher) push(also func(*snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.look(also)
	for _, o := range p.outlets {
		o.offer(s)
	}
}

// look makes a snapshot. The caller holds p.mu, unless nobody else has p yet.
func (p *Publisher) look(also func(*snapshot)) *snapshot {
	s := &snapshot{at: time.Now(), before: p.last}
	if least := p.last.Add(time.Millisecond); s.at.Before(least) { // Prometheus tells times by it
		s.at = least
	}
	for _, v := range p.run.series {
		s.add(v, max(v.last, 1))
	}
	lookAtMonitored(p.config.Hub, s, p.monitored)
	if p.playing != nil {
		p.playing.look(s, p.played)
	}
	if also != nil {
		also(s)
	}
	p.last = s.at
	if len(s.ended) > 0 {
		p.last = s.at.Add(endsAfter)
	}
	return s
}

// Begin tells that a case is played. The function that it returns is called when the last
// of its requests has ended.
func (p *Publisher) Begin(c Case) (done func()) {
	if p == nil {
		return func() {}
	}
	p.push(func(s *snapshot) {
		s.end(p.played)
		p.playing, p.played = &c, newScope(s.at, c.labels()...)
		if c.Of > 0 {
			p.run.of(runCases).last = float64(c.Of)
		}
		c.look(s, p.played)
	})
	return func() {
		p.push(func(*snapshot) { p.playing = nil })
	}
}

// Ended tells what became of the case that was begun last.
func (p *Publisher) Ended(c *result.Case, number int) {
	if p == nil {
		return
	}
	p.push(func(s *snapshot) {
		if p.played == nil {
			return
		}
		if number <= mostCases {
			v := p.run.of(caseVerdict, append(p.played.labels[:len(p.played.labels):len(p.played.labels)], label{"verdict", "weir.verdict", string(c.Validity.Verdict)})...)
			s.add(v, 1)
		}
		s.end(p.played)
		p.played = nil
	})
}

// Close makes a last push and waits, for some seconds at most, until all has been sent.
// It tells what became of it. When ctx ends, it waits no longer.
func (p *Publisher) Close(ctx context.Context) []result.Published {
	if p == nil {
		return nil
	}
	close(p.stop)
	<-p.ended
	p.push(func(s *snapshot) {
		s.end(p.played)
		s.end(p.monitored)
		s.end(p.run)
		s.last = true
	})
	var all sync.WaitGroup
	for _, o := range p.outlets {
		all.Go(func() { o.close(ctx) })
	}
	all.Wait()
	status := make([]result.Published, len(p.outlets))
	for i, o := range p.outlets {
		status[i] = o.status
	}
	return status
}
