package health

import (
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/result"
)

const (
	tick   = 100 * time.Millisecond // between looks at the event loops
	window = time.Second            // that a highest rate is taken over
	// fdWindows is how many windows pass between two counts of the open files
	// where they have to be listed, which takes milliseconds with thousands.
	fdWindows = 10
)

// Monitor watches this process from [Watch] to [Monitor.Stop].
type Monitor struct {
	lags        func() []time.Duration
	system      *system
	quit, ended chan struct{}
	stop        sync.Once
	client      *result.Client // once stopped
	wanted      atomic.Bool    // somebody asks for what follows
	sofar       atomic.Pointer[result.Client]

	// The following fields belong to the goroutine, and to Stop when it has ended.
	first, last sample
	rates       rates
	pauses      *histogram
	waits       *histogram
	due         time.Time // when the goroutine should wake next
	wakeLag     *Tail
	loopLag     *Tail
	rss, files  peak
	windows     int // that have been closed
}

// Watch starts watching this process. lags is called at once, every 100 ms, and
// from Stop; for every JavaScript event loop it returns the longest time that
// something has waited for it since the last call. What it returns to Watch
// happened before and is not looked at. It may be nil.
//
// Stop must be called, or a goroutine stays. Several monitors may watch at once.
func Watch(lags func() []time.Duration) *Monitor {
	return watch(os.DirFS("/"), lags)
}

// watch is Watch with the root of the file system.
func watch(root fs.FS, lags func() []time.Duration) *Monitor {
	m := &Monitor{
		lags:    lags,
		system:  newSystem(root),
		quit:    make(chan struct{}),
		ended:   make(chan struct{}),
		pauses:  newHistogram("/sched/pauses/total/gc:seconds"),
		waits:   newHistogram("/sched/latencies:seconds"),
		wakeLag: NewTail(),
		loopLag: NewTail(),
	}
	if lags != nil {
		lags()
	}
	m.first = m.system.sample()
	m.last = m.first
	m.sizes(true)
	m.due = m.first.at.Add(tick)
	go m.loop()
	return m
}

// Stop ends the watching and returns the figures, from the call of Watch to the
// first call of Stop; every call returns the same. It may be called by any
// goroutine; when it returns, the monitor's goroutine has ended.
func (m *Monitor) Stop() *result.Client {
	m.stop.Do(func() {
		close(m.quit)
		<-m.ended
		m.look(time.Now())
		m.sizes(true)
		m.closeWindow()
		m.client = m.report()
	})
	return m.client
}

// Sofar is the figures up to some second ago, from the call of Watch; nil in the second
// after somebody has asked first. Any goroutine may call it. What it returns does not
// change.
func (m *Monitor) Sofar() *result.Client {
	m.wanted.Store(true)
	return m.sofar.Load()
}

func (m *Monitor) loop() {
	defer close(m.ended)
	timer := time.NewTimer(time.Until(m.due))
	defer timer.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-timer.C:
		}
		now := time.Now()
		m.look(now)
		if now.Sub(m.last.at) >= window {
			m.sizes(m.windows%fdWindows == 0)
			m.closeWindow()
		}
		m.due = now.Add(tick)
		timer.Reset(time.Until(m.due))
	}
}

// look notes how late it is, and the longest wait for any of the event loops:
// with many of them and little to do, most have nothing to tell, and would hide
// those that have.
func (m *Monitor) look(now time.Time) {
	// Stop comes before the time.
	if late := now.Sub(m.due); late >= 0 {
		m.wakeLag.Add(late)
	}
	if m.lags == nil {
		return
	}
	if lags := m.lags(); len(lags) > 0 {
		m.loopLag.Add(slices.Max(lags))
	}
}

// closeWindow ends the window that began with the last sample.
func (m *Monitor) closeWindow() {
	s := m.system.sample()
	// What is left over at the end may be so short that the counters, some of
	// which move in steps of 10 ms, tell nothing about it.
	if m.windows == 0 || s.at.Sub(m.last.at) >= window/2 {
		m.rates.window(m.last, s, m.system.cpus())
		m.windows++
		m.last = s
	}
	m.rates.whole(m.first, s, m.system.cpus())
	if m.wanted.Load() {
		m.sofar.Store(m.report())
	}
}

// sizes notes how large the process is; the open files only if that is cheap, or
// if all is set.
func (m *Monitor) sizes(all bool) {
	if rss, ok := m.system.residentBytes(); ok {
		m.rss.add(rss)
	}
	if files, ok := m.system.openFiles(all); ok {
		m.files.add(files)
	}
}

func (m *Monitor) report() *result.Client {
	c := &result.Client{
		Wall:       m.rates.seconds,
		Cores:      m.system.cores(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),

		CPU:      m.rates.cpu.result(),
		Busy:     m.rates.busy.result(),
		Others:   m.rates.others.result(),
		Steal:    m.rates.steal.result(),
		Wait:     m.rates.wait.result(),
		Turn:     m.rates.turn.result(),
		Pressure: m.rates.pressure.result(),

		WaitTotal: known(m.rates.waited),
		Throttled: known(m.rates.throttled),

		GCPause:      m.pauses.pauses(),
		SchedLatency: m.waits.tail(),
		LoopLag:      m.loopLag.Result(),
		WakeLag:      m.wakeLag.Result(),

		OpenFiles:      m.files.result(),
		OpenFilesLimit: m.system.fileLimit,
	}
	if rss := m.rss.result(); rss != nil {
		mb := float64(*rss) / 1e6
		c.RSS = &mb
	}
	return c
}

// peak is the largest of the values that were added.
type peak struct {
	value int64
	any   bool
}

func (p *peak) add(v int64) {
	p.value = max(p.value, v)
	p.any = true
}

// result is nil when nothing was added.
func (p *peak) result() *int64 {
	if !p.any {
		return nil
	}
	v := p.value
	return &v
}
