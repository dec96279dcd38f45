package wire

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connected TCP socket outside of Go's poller.
type socket struct {
	fd            int
	users         atomic.Int64 // two for each call that uses fd; odd once it is closed
	local, remote net.Addr
	poller        *poller

	// Each holds at most one token, which says: look again. Who finds one may
	// find nothing else.
	readable, writable chan struct{}
	full               atomic.Bool // a write has found no room

	reading, writing deadline

	// Of the one who reads: there may be something that epoll will not tell again.
	more bool

	unread atomic.Bool  // epoll has told of data, and nobody has begun to read it
	empty  atomic.Int64 // a time before that at which there was none, since base

	// Of Follow. While following is set, step runs in the poller's goroutine, and
	// the fields after it are that one's.
	following atomic.Bool
	step      func() bool
	over      chan struct{} // step has returned true
	stepping  bool          // in a call of step
	told      uint32        // what epoll has told since the last read that found nothing
	reads     int           // in this call of step
}

// open takes over a connection's socket.
func (s *socket) open(c *net.TCPConn) error {
	defer c.Close() // one descriptor of the socket, which Go's poller knows; s gets another
	p, err := nextPoller()
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var dup error
	err = raw.Control(func(fd uintptr) {
		s.fd, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = os.NewSyscallError("fcntl", dup)
	}
	if err != nil {
		return err
	}
	s.local, s.remote, s.poller = c.LocalAddr(), c.RemoteAddr(), p
	s.readable, s.writable, s.over = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	if err := p.add(s); err != nil {
		unix.Close(s.fd)
		return err
	}
	return nil
}

// enter keeps fd from being closed until leave; false when it is too late.
func (s *socket) enter() bool {
	for {
		n := s.users.Load()
		if n&1 != 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+2) {
			return true
		}
	}
}

func (s *socket) leave() {
	if s.users.Add(-2) == 1 {
		s.release()
	}
}

// Close closes the connection. Calls that wait for it return. It may be called
// by any goroutine; a second call returns net.ErrClosed.
func (s *socket) Close() error {
	before := s.users.Or(1)
	if before&1 != 0 {
		return s.fault("close", net.ErrClosed)
	}
	s.reading.stop()
	s.writing.stop()
	if before == 0 {
		s.release()
	}
	s.wake()
	return nil
}

func (s *socket) release() {
	s.poller.remove(s)
	unix.Close(s.fd)
}

// ready is told by the poller what epoll has said of a socket that held nothing at
// the time empty, since base.
func (s *socket) ready(events uint32, empty time.Duration) {
	// A socket that has room says so with all that comes.
	if events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0 && s.full.Load() {
		put(s.writable)
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	if s.unread.CompareAndSwap(false, true) {
		s.empty.Store(int64(empty))
	}
	if !s.following.Load() {
		put(s.readable)
		if !s.following.Load() { // else Follow may have missed the token
			return
		}
	}
	s.told |= events
	s.look()
}

// look lets the one who follows read what there is. It is called by the poller.
func (s *socket) look() {
	if !s.following.Load() {
		return
	}
	s.stepping, s.reads = true, 0
	over := s.step()
	s.stepping = false
	if over {
		s.more = s.more || s.told != 0
		s.following.Store(false)
		s.over <- struct{}{}
	}
}

// wake makes all who wait for the socket look again.
func (s *socket) wake() {
	put(s.readable)
	put(s.writable)
	if s.following.Load() { // else who begins to follow finds the token
		s.poller.post(s)
	}
}

func put(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// Follow calls step whenever something may have come, until step returns true,
// and then returns. In step, Read does not wait but returns [ErrNothing], upon
// which step should return false; step must not block in any other way either,
// since other connections are followed by the same goroutine, which is not the
// caller's. The end of the connection, a read deadline that passes and Close make
// Read fail in a call of step. Only step may write meanwhile.
func (c *Conn) Follow(step func() (over bool)) {
	s := &c.socket
	// Nobody has kept what was told before: the first read may have an end behind it.
	s.step, s.told = step, unix.EPOLLIN|ends
	come := s.more
	s.following.Store(true)
	select {
	case <-s.readable:
		come = true
	default:
	}
	if come || s.reading.expired.Load() || s.users.Load()&1 != 0 {
		s.poller.post(s)
	}
	<-s.over
	s.step = nil
}

// A stream that never pauses lets others have their turn after so many reads.
const readsAtOnce = 16

// mayRead tells, in a call of step, whether a read may find something, and whether
// it is still this stream's turn.
func (s *socket) mayRead() bool {
	if s.reads == readsAtOnce {
		s.poller.post(s)
		return false
	}
	s.reads++
	return s.told != 0
}

// ends are what epoll tells of the end of a connection. (EPOLLERR may also be a
// send stamp that nobody has taken yet.)
const ends = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// Write writes all of p, and waits where the socket takes no more.
func (s *socket) Write(p []byte) (n int, err error) {
	for n < len(p) || n == 0 {
		m, errno := s.send(p[n:], nil)
		if errno == unix.EAGAIN && s.full.CompareAndSwap(false, true) {
			continue // there may have been room before anybody was told to say so
		}
		n += m
		switch {
		case errno == unix.EAGAIN && s.stepping:
			return n, s.fault("write", os.ErrDeadlineExceeded) // nobody may wait there
		case errno == unix.EAGAIN:
			<-s.writable
			s.full.Store(false)
		case errno != nil:
			return n, s.fault("write", errno)
		case len(p) == 0:
			return 0, nil
		}
	}
	return n, nil
}

// send writes what the socket takes, with ancillary data.
func (s *socket) send(p, control []byte) (n int, err error) {
	if s.writing.expired.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	if !s.enter() {
		return 0, net.ErrClosed
	}
	defer s.leave()
	for {
		n, err = unix.SendmsgN(s.fd, p, control, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// fault is an error in the form of package net.
func (s *socket) fault(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: s.local, Addr: s.remote, Err: err}
}

// LocalAddr is this end's address.
func (s *socket) LocalAddr() net.Addr { return s.local }

// RemoteAddr is the other end's address.
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline limits reads, also one that waits: past it they fail with
// os.ErrDeadlineExceeded. The zero time takes the limit away.
func (s *socket) SetReadDeadline(t time.Time) error {
	s.reading.set(t, s.wake)
	return nil
}

// SetWriteDeadline limits writes, as SetReadDeadline does reads.
func (s *socket) SetWriteDeadline(t time.Time) error {
	s.writing.set(t, s.wake)
	return nil
}

// SetLinger makes Close reset the connection when sec is 0 (SO_LINGER).
func (s *socket) SetLinger(sec int) error {
	linger := unix.Linger{Onoff: 1, Linger: int32(sec)}
	if sec < 0 {
		linger = unix.Linger{}
	}
	return s.Control(func(fd uintptr) {
		_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &linger)
	})
}

// CloseWrite ends this end's sending (FIN); what comes can still be read.
func (s *socket) CloseWrite() error {
	var err error
	if closed := s.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) }); closed != nil {
		err = closed
	}
	if err != nil {
		err = s.fault("shutdown", err)
	}
	return err
}

// Control calls f with the descriptor, which stays open until f returns.
func (s *socket) Control(f func(fd uintptr)) error {
	if !s.enter() {
		return net.ErrClosed
	}
	defer s.leave()
	f(uintptr(s.fd))
	return nil
}

// deadline is a time after which a socket's calls fail. It may be used by
// several goroutines.
type deadline struct {
	expired atomic.Bool

	mu    sync.Mutex // protects the following fields
	at    time.Time  // zero: never
	timer *time.Timer
}

// set moves the deadline; wake is called when it has passed.
func (d *deadline) set(t time.Time, wake func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.Equal(t) {
		return
	}
	d.at = t
	left := time.Until(t)
	switch {
	case t.IsZero():
		d.expired.Store(false)
		if d.timer != nil {
			d.timer.Stop()
		}
	case left <= 0:
		d.expired.Store(true)
		wake()
	default:
		d.expired.Store(false)
		if d.timer == nil {
			d.timer = time.AfterFunc(left, func() { d.pass(wake) })
		} else {
			d.timer.Reset(left)
		}
	}
}

// pass notes that the time has come, unless it has been moved meanwhile.
func (d *deadline) pass(wake func()) {
	d.mu.Lock()
	due := !d.at.IsZero() && time.Until(d.at) <= 0
	if due {
		d.expired.Store(true)
	}
	d.mu.Unlock()
	if due {
		wake()
	}
}

// stop lets nothing happen any more.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = time.Time{}
	if d.timer != nil {
		d.timer.Stop()
	}
}
