package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/runtime/device"
	"weir/runtime/health"
	"weir/runtime/result"
)

// Options say how a source is monitored.
type Options struct {
	Interval time.Duration // between two readings; 0: DefaultInterval
	// Budget is the limit of one reading, and the longest silence of a tool that keeps
	// running. 0: 5 s, or twice the interval where that is more.
	Budget time.Duration
	// Say is given what the user should know at once: the first failure, a tool that cannot
	// keep running, and lines that could not be read, each once. It is called on the monitor's goroutine. nil: nobody
	// is told before Stop.
	Say func(message string)
}

// DefaultInterval is how often a source is read when nobody says otherwise.
const DefaultInterval = time.Second

const (
	leastBudget  = 5 * time.Second // npu-smi takes seconds where there are many chips
	firstBackoff = time.Second     // before a tool that has died is started again …
	mostBackoff  = time.Minute     // … and at most
	mostUnread   = 10              // lines that are kept
)

// Monitor samples one source on a goroutine of its own, at fixed moments. It never
// catches up: a reading that is due while the last one still runs is missed, as is one
// that takes longer than its budget, and they are counted. A source that can watch
// does so; when it cannot, after all, it is read call by call.
type Monitor struct {
	options Options
	cancel  context.CancelFunc
	ended   chan struct{}

	mu     sync.Mutex // protects the following fields
	status result.Monitor
	took   *health.Tail
}

// Start begins sampling: emit is given every reading, on the monitor's goroutine. It
// ends with ctx, or with Stop.
func Start(ctx context.Context, s device.Source, o Options, emit func(device.Reading)) *Monitor {
	m := newMonitor(s.Name(), o)
	m.launch(ctx, func(ctx context.Context) { m.sample(ctx, s, emit) })
	return m
}

func newMonitor(name string, o Options) *Monitor {
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.Budget <= 0 {
		o.Budget = max(leastBudget, 2*o.Interval)
	}
	return &Monitor{
		options: o,
		ended:   make(chan struct{}),
		status:  result.Monitor{Source: name, Interval: o.Interval.Seconds()},
		took:    health.NewTail(),
	}
}

// launch runs the monitor's goroutine.
func (m *Monitor) launch(ctx context.Context, run func(context.Context)) {
	ctx, m.cancel = context.WithCancel(ctx)
	go func() {
		defer close(m.ended)
		run(ctx)
	}()
}

// Stop ends the monitor, waits for its goroutine and tells what became of it. It may
// be called any number of times, by any goroutine.
func (m *Monitor) Stop() result.Monitor {
	m.cancel()
	<-m.ended
	return m.Status()
}

// Status is what became of the monitor so far. Any goroutine may call it.
func (m *Monitor) Status() result.Monitor {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Unread = slices.Clone(s.Unread)
	s.Took = m.took.Result()
	return s
}

// sample reads a source until ctx ends.
func (m *Monitor) sample(ctx context.Context, s device.Source, emit func(device.Reading)) {
	if w, ok := s.(device.Watcher); ok && m.watch(ctx, w, emit) {
		return
	}
	m.poll(ctx, func(ctx context.Context) error {
		began := time.Now()
		r, err := s.Read(ctx)
		if err == nil {
			m.read(r.Unread, time.Since(began))
			emit(r)
		}
		return err
	})
}

// poll calls read at every interval until ctx ends.
func (m *Monitor) poll(ctx context.Context, read func(context.Context) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		m.readOnce(ctx, read)
		now := time.Now()
		passed := max(0, (now.Sub(due)-1)/m.options.Interval) // moments that are over
		m.missed(int64(passed))
		due = due.Add((passed + 1) * m.options.Interval)
		timer.Reset(due.Sub(now))
	}
}

// readOnce calls read within its budget.
func (m *Monitor) readOnce(ctx context.Context, read func(context.Context) error) {
	limited, cancel := context.WithTimeout(ctx, m.options.Budget)
	defer cancel()
	err := read(limited)
	switch {
	case err == nil || ctx.Err() != nil: // ended, not failed
	case limited.Err() != nil:
		m.missed(1)
		m.failure(fmt.Errorf("a reading took longer than %v: %w", m.options.Budget, err))
	default:
		m.failed(err)
	}
}

// watch has a source read by itself, and starts it again when that ends. It returns
// false when the source could not even begin to.
func (m *Monitor) watch(ctx context.Context, w device.Watcher, emit func(device.Reading)) (could bool) {
	last := time.Now() // a reading came, or could have begun to
	due := func() {
		now := time.Now()
		m.missed(int64((now.Sub(last)+m.options.Interval/2)/m.options.Interval) - 1)
		last = now
	}
	defer due()
	backoff := firstBackoff
	for {
		began := time.Now()
		err := m.watchOnce(ctx, w, func(r device.Reading) {
			could = true
			due()
			m.read(r.Unread, r.Took)
			emit(r)
		})
		switch {
		case ctx.Err() != nil:
			return true
		case !could:
			m.note(fmt.Sprintf("it could not keep watching, so that each reading is a call of its own: %v", err))
			return false
		}
		m.failed(err)
		if time.Since(began) >= mostBackoff {
			backoff = firstBackoff
		}
		select {
		case <-ctx.Done():
			return true
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, mostBackoff)
	}
}

// watchOnce watches until the source ends, or has been silent for the budget.
func (m *Monitor) watchOnce(ctx context.Context, w device.Watcher, emit func(device.Reading)) error {
	silence := fmt.Errorf("nothing came for %v; try its tool by hand: a device or a driver that hangs makes it hang", m.options.Budget)
	watched, end := context.WithCancelCause(ctx)
	defer end(nil)
	alarm := time.AfterFunc(m.options.Budget, func() { end(silence) })
	defer alarm.Stop()
	err := w.Watch(watched, m.options.Interval, func(r device.Reading) {
		alarm.Reset(m.options.Budget)
		emit(r)
	})
	switch {
	case context.Cause(watched) == silence:
		return silence
	case err == nil:
		return errors.New("it ended by itself")
	}
	return err
}

// read counts a reading, and keeps the lines of it that could not be read. A took of 0
// is not known.
func (m *Monitor) read(unread []string, took time.Duration) {
	m.mu.Lock()
	m.status.Readings++
	if took > 0 {
		m.took.Add(took)
	}
	m.mu.Unlock()
	m.unread(unread)
}

// unread keeps lines, and tells of them, each once.
func (m *Monitor) unread(lines []string) {
	for _, line := range lines {
		m.mu.Lock()
		known := len(m.status.Unread) == mostUnread || slices.Contains(m.status.Unread, line)
		if !known {
			m.status.Unread = append(m.status.Unread, line)
		}
		m.mu.Unlock()
		if !known {
			m.say(fmt.Sprintf("left out, as it could not be read: %q", line))
		}
	}
}

func (m *Monitor) missed(n int64) {
	if n > 0 {
		m.mu.Lock()
		m.status.Missed += n
		m.mu.Unlock()
	}
}

func (m *Monitor) failed(err error) {
	m.mu.Lock()
	m.status.Failed++
	m.mu.Unlock()
	m.failure(err)
}

// note keeps what is no failure, and tells of it.
func (m *Monitor) note(text string) {
	m.mu.Lock()
	m.status.Note = text
	m.mu.Unlock()
	m.say(text)
}

// failure keeps the first one, and tells of it.
func (m *Monitor) failure(err error) {
	m.mu.Lock()
	first := m.status.Error == ""
	if first {
		m.status.Error = err.Error()
	}
	m.mu.Unlock()
	if first {
		m.say(err.Error())
	}
}

func (m *Monitor) say(message string) {
	if m.options.Say != nil {
		m.options.Say(fmt.Sprintf("monitor %s: %s", m.status.Source, message))
	}
}
