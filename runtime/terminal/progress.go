package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	terminalInterval = time.Second
	logInterval      = 10 * time.Second
	rateWindow       = 5 // snapshots that a rate is taken over
)

// Snapshot is how far a run is.
type Snapshot struct {
	Case, Cases  int    // case number from 1, and how many there are; Cases 0: not known
	Name         string // of the case
	Phase        string // "warm-up" before it is measured, "" then, or such as "stopping"
	Elapsed      time.Duration
	Left         time.Duration // meaningful only if LeftKnown
	LeftKnown    bool
	InFlight     int
	Done, Failed int64 // requests that ended, in whatever way; of those, failed ones
	OutputTokens int64 // of requests that ended
}

// Progress writes a line about the running case: on a terminal one that is
// rewritten each second, elsewhere one every ten seconds. The last state of a
// case stays.
//
// It is also the writer for everything else that goes to the same place while a
// case runs: Write puts text above the line. All methods may be called from any
// goroutine.
type Progress struct {
	to       io.Writer
	terminal bool
	quiet    bool
	width    func() int

	mu      sync.Mutex // protects the following fields, and to
	line    string     // on the terminal now, without line end
	partial bool       // the last text written had no line end
}

// ProgressConfig says where progress goes.
type ProgressConfig struct {
	To       io.Writer
	Terminal bool       // To is a terminal
	Quiet    bool       // no progress, only Write
	Width    func() int // of the terminal, columns; nil: 80
}

// NewProgress makes a progress line. It starts nothing.
func NewProgress(c ProgressConfig) *Progress {
	if c.Width == nil {
		c.Width = func() int { return 80 }
	}
	return &Progress{to: c.To, terminal: c.Terminal, quiet: c.Quiet, width: c.Width}
}

// Start shows the progress of one case until stop is called; then the last line
// has been written and nothing goes on in the background. snapshot is called
// from another goroutine, and once from stop; stop may be called again.
func (p *Progress) Start(snapshot func() Snapshot) (stop func()) {
	if p.quiet {
		return func() {}
	}
	interval := logInterval
	if p.terminal {
		interval = terminalInterval
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	var rates speedometer
	rates.add(time.Now(), snapshot())
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case now := <-tick.C:
				s := snapshot()
				rates.add(now, s)
				p.show(s, rates.recent(), false)
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			close(quit)
			<-ended
			s := snapshot()
			rates.add(time.Now(), s)
			s.LeftKnown = false
			p.show(s, rates.overall(), true)
		})
	}
}

// show writes the line; last leaves it standing.
func (p *Progress) show(s Snapshot, v speed, last bool) {
	line := describe(s, v)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		p.finishText()
		fmt.Fprintln(p.to, line)
		return
	}
	// A line that fills the last column would wrap.
	p.line = text.Trim(line, max(p.width()-1, 1))
	p.finishText()
	fmt.Fprintf(p.to, "\r%s\x1b[K", p.line)
	if last {
		fmt.Fprintln(p.to)
		p.line = ""
	}
}

// finishText ends a line of other text that was left open.
func (p *Progress) finishText() {
	if p.partial {
		fmt.Fprintln(p.to)
		p.partial = false
	}
}

// Write writes text above the progress line.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	if p.line != "" && !p.partial {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
	n, err := p.to.Write(b)
	p.partial = b[len(b)-1] != '\n'
	if p.line != "" && !p.partial {
		fmt.Fprint(p.to, p.line)
	}
	return n, err
}

// describe makes the line, the most important parts first.
func describe(s Snapshot, v speed) string {
	var b strings.Builder
	b.WriteString("[")
	fmt.Fprint(&b, s.Case)
	if s.Cases > 0 {
		fmt.Fprintf(&b, "/%d", s.Cases)
	}
	b.WriteString("] ")
	b.WriteString(s.Name)
	if s.Phase != "" {
		fmt.Fprintf(&b, " (%s)", s.Phase)
	}
	fmt.Fprintf(&b, "  %s", Clock(s.Elapsed))
	if s.LeftKnown {
		fmt.Fprintf(&b, ", %s left", Clock(s.Left))
	}
	fmt.Fprintf(&b, "  %d done", s.Done)
	if s.Failed > 0 {
		fmt.Fprintf(&b, ", %d FAILED", s.Failed)
	}
	fmt.Fprintf(&b, "  %d in flight  %s req/s", s.InFlight, short(v.requests))
	if s.OutputTokens > 0 {
		fmt.Fprintf(&b, "  %s tok/s", short(v.tokens))
	}
	return b.String()
}

// Clock writes a duration as 0:07, 12:30 or 1:02:03.
func Clock(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// short writes a rate with three figures or all of those before the point.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// warmUp is the phase whose requests are in no other number.
const warmUp = "warm-up"

// speedometer takes rates from snapshots: over the last few, and over all since
// the warm-up.
type speedometer struct {
	start  point
	points []point
}

type point struct {
	at time.Time
	s  Snapshot
}

// speed is per second.
type speed struct{ requests, tokens float64 }

func (m *speedometer) add(at time.Time, s Snapshot) {
	now := point{at, s}
	if n := len(m.points); n == 0 || m.points[n-1].s.Phase == warmUp && s.Phase != warmUp {
		// After the warm-up another recorder counts, from 0.
		m.points = m.points[:0]
		m.start = now
	}
	if len(m.points) > rateWindow {
		m.points = append(m.points[:0], m.points[1:]...)
	}
	m.points = append(m.points, now)
}

func (m *speedometer) recent() speed { return between(m.points[0], m.points[len(m.points)-1]) }

func (m *speedometer) overall() speed { return between(m.start, m.points[len(m.points)-1]) }

func between(from, to point) speed {
	seconds := to.at.Sub(from.at).Seconds()
	if seconds <= 0 {
		return speed{}
	}
	return speed{
		requests: float64(to.s.Done-from.s.Done) / seconds,
		tokens:   float64(to.s.OutputTokens-from.s.OutputTokens) / seconds,
	}
}
