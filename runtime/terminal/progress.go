// Package terminal shows runs on a terminal or in a log: how far a run is while it goes on
// (Progress), and the tables of one that has ended (Summary).
//
// What it shows comes in as snapshots and results: it asks nothing of a run, and computes
// no metric of its own.
package terminal

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"weir/runtime/result"
)

const (
	fullInterval  = 500 * time.Millisecond
	plainInterval = 10 * time.Second
	textInterval  = 50 * time.Millisecond // between two frames for the sake of text
)

// Progress shows the running case, in one of the modes, and tells what became of each.
//
// It is also the writer for everything else that goes to the same place while a run goes
// on: what is written comes above the panel, where there is one. All methods may be called
// from any goroutine.
type Progress struct {
	config ProgressConfig

	mu      sync.Mutex // protects the following fields, and config.To
	panel   Panel
	warned  map[string]bool // by rule and verdict, what the plain log has told of the case
	region  region
	lines   []string    // of the panel; nil: there is none now
	text    []byte      // that waits to be shown above the panel
	partial bool        // the last text written had no line end
	flushed time.Time   // when text was last shown above the panel
	flush   *time.Timer // shows the text that waits; nil: none does
	typed   int         // of the screen, when it was last looked at
	left    bool        // the process was about to be stopped
	release func()      // ends the watching of stops; nil: they are not watched
}

// ProgressConfig says where progress goes.
type ProgressConfig struct {
	To      io.Writer
	Mode    Mode    // Full, Plain or None
	Screen  *Screen // that To is; nil: of Full, only Size is known
	Colours bool
	Size    func() (width, height int) // for tests; nil: that of Screen
	Reflows bool                       // the terminal wraps what does not fit any more when it gets narrower
}

// NewProgress makes the progress of a run. It starts nothing.
func NewProgress(c ProgressConfig) *Progress {
	if c.Size == nil {
		c.Size = func() (int, int) { return 80, 24 }
		if c.Screen != nil {
			c.Size = c.Screen.Size
		}
	}
	return &Progress{config: c, region: region{to: c.To, reflows: c.Reflows}}
}

// Start shows the progress of one case until stop is called; then nothing goes on in the
// background. snapshot is called from another goroutine, and once from stop; stop may be
// called again.
func (p *Progress) Start(snapshot func() Snapshot) (stop func()) {
	if p.config.Mode == None {
		return func() {}
	}
	interval := plainInterval
	if p.config.Mode == Full {
		interval = fullInterval
	}
	p.begin(snapshot())
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p.look(snapshot())
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			close(quit)
			<-ended
			if p.config.Mode == Full { // a line of the log tells how it ended
				p.look(snapshot())
			}
		})
	}
}

// begin takes the first snapshot of a case.
func (p *Progress) begin(s Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warned = map[string]bool{}
	if p.config.Mode == Plain {
		p.panel.Look(s)
		return
	}
	if p.config.Screen != nil && p.release == nil {
		p.typed = p.config.Screen.typed()
		p.release = watchStops(p.leave, p.goOn)
	}
	p.show(s)
}

// look takes a snapshot, and shows it.
func (p *Progress) look(s Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(s)
}

// show is look for who holds p.mu.
func (p *Progress) show(s Snapshot) {
	p.panel.Look(s)
	if p.config.Mode == Full {
		width, height := p.config.Size()
		p.lines = p.panel.Lines(width, height, p.config.Colours)
		p.frame()
		return
	}
	p.finishText()
	fmt.Fprintln(p.config.To, p.panel.Line())
	for _, w := range s.Warnings {
		if key := w.Rule + string(w.Verdict); w.Verdict != result.Valid && !p.warned[key] {
			p.warned[key] = true
			fmt.Fprintf(p.config.To, "%s %s  %s %s: %s\n", s.number(), Harmless(s.Name), w.Verdict, w.Rule, Harmless(w.Message))
		}
	}
}

// Finished tells what became of a case, in one line that stays.
func (p *Progress) Finished(c *result.Case, number, of int) {
	if p.config.Mode == None {
		return
	}
	width := 0 // a log has no end of the line
	if p.config.Mode == Full {
		width, _ = p.config.Size()
	}
	line := finished(c, number, of, width, ink(p.config.Colours))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finishText()
	if p.lines == nil {
		fmt.Fprintln(p.config.To, line)
		return
	}
	p.text = append(p.text, line+"\n"...)
	p.frame()
}

// Close takes the panel away. What is written afterwards goes straight to its place.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines != nil {
		p.finishText()
		p.lines = nil
		p.frame()
	}
	if p.release != nil {
		p.release()
		p.release = nil
	}
}

// Write writes text above the panel. In a flood of it, some of it comes a moment later,
// and a line that has not ended waits for its end.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	if p.lines == nil {
		p.partial = b[len(b)-1] != '\n'
		return p.config.To.Write(b)
	}
	p.text = append(p.text, b...)
	switch wait := textInterval - time.Since(p.flushed); {
	case p.flush != nil:
	case wait <= 0:
		p.frame()
	default:
		p.flush = time.AfterFunc(wait, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.frame()
		})
	}
	return len(b), nil
}

// finishText ends a line of other text that was left open. The caller holds p.mu.
func (p *Progress) finishText() {
	if n := len(p.text); n > 0 && p.text[n-1] != '\n' {
		p.text = append(p.text, '\n')
	}
	if p.partial {
		fmt.Fprintln(p.config.To)
		p.partial = false
	}
}

// frame shows the panel, and above it the lines that wait. The caller holds p.mu.
func (p *Progress) frame() {
	if p.flush != nil {
		p.flush.Stop()
		p.flush = nil
	}
	p.flushed = time.Now()
	if p.partial { // written before there was a panel
		p.finishText()
	}
	end := bytes.LastIndexByte(p.text, '\n') + 1
	above := string(p.text[:end])
	p.text = append(p.text[:0], p.text[end:]...)
	if !p.hasScreen() {
		io.WriteString(p.config.To, above)
		p.region.forget()
		return
	}
	width, _ := p.config.Size()
	p.region.draw(above, p.lines, width, p.moved())
}

// hasScreen tells whether a panel can be drawn now.
func (p *Progress) hasScreen() bool { return p.config.Screen == nil || p.config.Screen.foreground() }

// moved is by how many lines somebody who pressed Enter has moved the screen since it was
// asked last: one, or none. The caller holds p.mu.
func (p *Progress) moved() int {
	if p.config.Screen == nil {
		return 0
	}
	before := p.typed
	p.typed = p.config.Screen.typed()
	if p.typed > before {
		return 1
	}
	return 0
}

// leave takes the panel away for the time that the process is stopped, and goOn draws it
// again, below what the shell has written.
func (p *Progress) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines != nil && p.hasScreen() {
		width, _ := p.config.Size()
		p.region.draw("", nil, width, p.moved())
	}
	p.left = true
}

func (p *Progress) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.left { // it could not be taken away
		p.region.forget()
	}
	p.left = false
	if p.lines != nil {
		p.frame()
	}
}
