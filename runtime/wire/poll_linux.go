package wire

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for many sockets in one goroutine: in epoll_wait(2) itself, not
// through Go's poller. That would have each reader, when it is woken, first wait
// for its turn among all goroutines, then read once for its data and once more
// to find that there is nothing else; here a socket that is followed is read
// where its readiness is seen, once. What this saves is in docs/performance.md.
//
// Sockets are registered once, edge-triggered (EPOLLET): each arrival is told
// once, and who waits for one has found the socket empty after the last.
type poller struct {
	epoll int
	event int // an eventfd that ends epoll_wait

	mu      sync.RWMutex // protects sockets
	sockets []*socket    // by descriptor

	postMu sync.Mutex // protects posted
	posted []*socket  // to be looked at although nothing was told of them
	called atomic.Bool

	// Its processor may be kept: there is another one, and the runtime may send
	// signals.
	mayKeep bool

	// Of the goroutine that runs.
	flowing bool          // data is expected soon
	came    bool          // since the last signal
	delays  delays        // of its thread
	empty   time.Duration // since base: then all that it tells of now held nothing that had not been told
}

// Each poller serves so many processors besides its own: about those that one
// thread can read for, when they do something with what is read.
const perPoller = 4

// Processors is how many processors Go should use (GOMAXPROCS) where the machine
// has n: the pollers, which are there for each four of them, keep theirs while
// data flows, and sleep most of the time.
func Processors(n int) int { return n + (n+perPoller-1)/perPoller }

var pollers struct {
	mu   sync.Mutex // protects the following fields
	all  []*poller
	next int
}

// nextPoller returns the poller of a new socket. The pollers are made with the
// first ones, and stay.
func nextPoller() (*poller, error) {
	pollers.mu.Lock()
	defer pollers.mu.Unlock()
	if procs := runtime.GOMAXPROCS(0); len(pollers.all) < max(1, procs/(perPoller+1)) {
		p, err := newPoller(procs)
		if err != nil {
			return nil, err
		}
		pollers.all = append(pollers.all, p)
		return p, nil
	}
	pollers.next = (pollers.next + 1) % len(pollers.all)
	return pollers.all[pollers.next], nil
}

func newPoller(procs int) (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	// Nobody reads the counter: each write to it is an edge of its own.
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, event, &unix.EpollEvent{Events: unix.EPOLLIN | edge, Fd: int32(event)}); err != nil {
		unix.Close(event)
		unix.Close(epoll)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	p := &poller{epoll: epoll, event: event, mayKeep: procs > 1 && !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1")}
	go p.run()
	return p, nil
}

// edge is EPOLLET, whose constant is negative.
const edge = 1 << 31

// add begins to wait for a socket.
func (p *poller) add(s *socket) error {
	p.mu.Lock()
	if s.fd >= len(p.sockets) {
		p.sockets = append(p.sockets, make([]*socket, s.fd+1-len(p.sockets))...)
	}
	p.sockets[s.fd] = s
	p.mu.Unlock()
	err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.fd,
		&unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | edge, Fd: int32(s.fd)})
	if err != nil {
		p.remove(s)
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// remove forgets a socket that is about to be closed, which ends the waiting
// for it. What has been told of it already may still reach a socket that gets
// the same number: it will look, and find nothing.
func (p *poller) remove(s *socket) {
	p.mu.Lock()
	p.sockets[s.fd] = nil
	p.mu.Unlock()
}

// post has a socket looked at soon.
func (p *poller) post(s *socket) {
	p.postMu.Lock()
	p.posted = append(p.posted, s)
	p.postMu.Unlock()
	if p.called.CompareAndSwap(false, true) {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(p.event, one[:])
	}
}

func (p *poller) run() {
	ready := make([]unix.EpollEvent, 1024)
	var posted []*socket
	p.empty = time.Since(base)
	for {
		asked := time.Since(base)
		n := p.wait(ready)
		answered := time.Since(base)
		slept := answered-asked > brief
		empty := p.empty
		if slept && p.mayKeep {
			// What has ended the wait came just now, but for the time in which the thread
			// waited for a processor.
			if waited, known := p.delays.since(); known {
				empty = max(empty, answered-brief-waited)
			}
		}
		for _, e := range ready[:n] {
			if s := p.socket(int(e.Fd)); s != nil {
				s.ready(e.Events, empty)
			}
		}
		if 0 < n && n < len(ready) { // all that were ready have been told
			p.empty = asked
			if slept {
				p.empty = answered
			}
		}
		if p.called.Swap(false) {
			p.postMu.Lock()
			posted, p.posted = p.posted, posted[:0]
			p.postMu.Unlock()
			for i, s := range posted {
				s.look()
				posted[i] = nil
			}
		}
	}
}

// The list of what is ready is made at the end of epoll_wait. Where that was brief,
// its beginning is as good, and surely not too late; where it has slept, the thread
// has a processor at the end, and will hardly lose it before it has looked at the
// clock. What ends the sleep is the first arrival.
const brief = 500 * time.Microsecond

// socket returns the one with a descriptor, nil for none.
func (p *poller) socket(fd int) *socket {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if fd >= len(p.sockets) {
		return nil
	}
	return p.sockets[fd]
}

// wait waits until epoll has something to tell, and returns of how many sockets.
//
// While data flows, it waits without telling Go's scheduler: the goroutine keeps
// its processor (a P), and goes on in the moment in which the system lets its
// thread run. Otherwise it would have to queue for a processor behind all the
// goroutines that make and send requests, for milliseconds in a burst of them,
// and several events of a stream would come in one read.
//
// The runtime sends a signal to a goroutine that must stop, for the collector or
// because it has kept its processor for 10 ms, and the signal ends epoll_wait
// (EINTR). When nothing has come since the signal before, the processor is given
// away while waiting.
func (p *poller) wait(ready []unix.EpollEvent) int {
	if p.flowing && p.mayKeep {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
			uintptr(unsafe.Pointer(&ready[0])), uintptr(len(ready)), ^uintptr(0), 0, 0)
		if errno == 0 {
			p.came = true
			return int(n)
		}
		p.flowing, p.came = p.came, false
		runtime.Gosched()
		return 0
	}
	n, err := unix.EpollWait(p.epoll, ready, -1)
	if err != nil && err != unix.EINTR {
		panic(fmt.Sprintf("wire: epoll_wait: %v", err)) // of a wrong argument: there is no other error
	}
	p.flowing = n > 0
	return max(n, 0)
}
