package script

import (
	"fmt"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
)

// Limits bound what the code of a script takes. The zero value bounds nothing.
type Limits struct {
	// Time is how long code may run until it returns or comes to an await: one step of a
	// plan, one iteration up to its first await, the init code with what it has begun. What
	// modules do meanwhile, such as making prompts, does not count (Pause).
	Time time.Duration
	// Memory is how many bytes this program may have in use, whatever for.
	Memory uint64
	// Written is how many bytes the files may have that the script writes.
	Written int64
}

// Breach is a limit that was passed.
type Breach struct {
	Message string
	Hint    string

	place atomic.Pointer[string] // of the code that was interrupted; nil: not known, or not yet
}

// Problem is the message with the place of the code that was interrupted, once that is known.
func (b *Breach) Problem() string {
	if place := b.place.Load(); place != nil {
		return b.Message + " at " + *place
	}
	return b.Message
}

func (b *Breach) Error() string { return b.Problem() + "\n  hint: " + b.Hint }

const (
	// guardPeriod is how often is looked. Much of what allocates cannot fill more than some
	// hundred megabytes meanwhile.
	guardPeriod = 20 * time.Millisecond
	// stuckAfter is how long the script may go on after it was told to end: native code of
	// the engine, such as a sort or a regular expression, cannot be interrupted.
	stuckAfter = 3 * time.Second
	// mostStack is how much memory the stacks of goroutines may take together, beside a usual
	// one for each: Go ends the program when one alone takes 1 GB, and makes it twice as large
	// each time.
	mostStack  = 480 << 20
	usualStack = 24 << 10
)

// Guard holds a script to its limits, from before its init code to after its end. When it
// passes one, ended is called, once, which shall interrupt it; and when that does not end
// it soon, or memory is used up still, stuck, which shall end the program. Whoever calls
// release ends the guard.
func (s *Script) Guard(ended, stuck func(*Breach)) (release func()) {
	if s.cfg.Limits == (Limits{}) {
		return func() {}
	}
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		g := &guard{script: s, Limits: s.cfg.Limits, ended: ended, stuck: stuck}
		tick := time.NewTicker(guardPeriod)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				g.look(now)
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		over.Wait()
	})
}

// guard is what Guard knows. Its goroutine alone uses it.
type guard struct {
	Limits
	script *Script
	ended  func(*Breach)
	stuck  func(*Breach)
	breach *Breach // nil: none yet
	since  time.Time
	gone   bool // stuck was called
	ticks  int
}

// inUse are the bytes of the heap, with what is still to be swept, and of stacks, and
// whether these are too many.
func inUse() (heap, stacks uint64, deep bool) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	heap, stacks = samples[0].Value.Uint64(), samples[1].Value.Uint64()
	return heap, stacks, stacks > mostStack+usualStack*samples[2].Value.Uint64()
}

func (g *guard) look(now time.Time) {
	if g.gone {
		return
	}
	heap, stacks, deep := inUse()
	busy, busiest := g.script.busy()
	if g.breach == nil {
		if g.breach = g.passed(busy, heap, stacks, deep); g.breach == nil {
			g.breach = g.wrote()
		}
		if g.breach != nil {
			g.since = now
			if busiest != nil {
				busiest.breach.Store(g.breach)
			}
			g.ended(g.breach)
		}
		return
	}
	late := now.Sub(g.since) > stuckAfter && busy > stuckAfter
	if late || g.Memory > 0 && (heap+stacks > g.Memory/4*5 || deep) {
		g.gone = true
		g.stuck(g.breach)
	}
}

// passed is the limit that is passed; nil: none is.
func (g *guard) passed(busy time.Duration, heap, stacks uint64, deep bool) *Breach {
	switch {
	case g.Time > 0 && busy > g.Time:
		return &Breach{
			Message: fmt.Sprintf("the script's code ran for %v without coming to an await or to its end, and the run was ended", g.Time),
			Hint:    "look for an endless loop; if it needs that long, give --script-time-limit, such as 10m, or 0 for none",
		}
	case g.Memory > 0 && deep:
		return &Breach{
			Message: fmt.Sprintf("the script nests data too deeply: the stacks of calls take %d MB, and the run was ended", stacks/1e6),
			Hint:    "look for a recursion without end, or for arrays or objects in one another by the million",
		}
	case g.Memory > 0 && heap+stacks > g.Memory:
		return &Breach{
			Message: fmt.Sprintf("more than %d MB of memory are in use, and the run was ended", g.Memory/1e6),
			Hint:    "look for what the script keeps or makes; if it needs so much and the machine has it, give --memory-limit, in MB, or 0 for none",
		}
	}
	return nil
}

// wrote is the limit of what is written, once a second.
func (g *guard) wrote() *Breach {
	if g.ticks++; g.Written == 0 || g.ticks%int(time.Second/guardPeriod) != 0 || g.script.cfg.Access.Size() <= g.Written {
		return nil
	}
	return &Breach{
		Message: fmt.Sprintf("the script has written more than %d MB to files, and the run was ended", g.Written/1e6),
		Hint:    "a scenario that came from elsewhere may not write more; if you trust it, save it and run it as a file of yours",
	}
}

// busy is how long the code of one of the script's runtimes runs by now, the longest, and
// which one that is; nil: none runs.
func (s *Script) busy() (longest time.Duration, busiest *Runtime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.live {
		if busy := r.busy(); busy > longest {
			longest, busiest = busy, r
		}
	}
	return longest, busiest
}

// stoppedAt notes where code was interrupted for the limit that it has passed.
func (r *Runtime) stoppedAt(x *goja.InterruptedError) {
	b := r.breach.Load()
	if b == nil {
		return
	}
	if frames := userFrames(x.Stack()); len(frames) > 0 {
		f := frames[0]
		place := fmt.Sprintf("%s:%d:%d", f.file, f.line, f.column)
		b.place.CompareAndSwap(nil, &place)
	}
}

// busy is how long the runtime's code runs by now: since the loop took up what it does, or
// since it was paused.
func (r *Runtime) busy() time.Duration {
	since := r.since.Load()
	if begun := r.begun.Load(); begun > 0 {
		since = begun
	}
	if since > 0 {
		return r.now() - time.Duration(since)
	}
	return 0
}

// Pause tells that the loop waits for something that is not the script's code, as long as it
// takes. It is called on the loop, and so is resume.
func (r *Runtime) Pause() (resume func()) {
	since, begun, from := r.since.Swap(0), r.begun.Swap(0), r.now()
	return func() {
		paused := int64(r.now() - from)
		if since > 0 {
			r.since.Store(since + paused)
		}
		if begun > 0 {
			r.begun.Store(begun + paused)
		}
	}
}

// alive notes a runtime that has begun, or has ended.
func (s *Script) alive(r *Runtime, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		if s.live == nil {
			s.live = map[int]*Runtime{}
		}
		s.live[r.id] = r
	} else if s.live[r.id] == r {
		delete(s.live, r.id)
	}
}

// matchLimit is what regexp2.DefaultMatchTimeout was set to last.
var matchLimit struct {
	sync.Mutex
	time.Duration
}

// limitMatches bounds how long a regular expression is matched, which cannot be interrupted:
// by then the guard has ended the script.
func limitMatches(l Limits) {
	limit := l.Time + time.Second
	matchLimit.Lock()
	defer matchLimit.Unlock()
	if l.Time > 0 && matchLimit.Duration != limit { // what others compile meanwhile reads it
		matchLimit.Duration, regexp2.DefaultMatchTimeout = limit, limit
	}
}
