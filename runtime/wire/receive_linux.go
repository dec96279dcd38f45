package wire

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver takes data from a socket together with the stamp of its arrival, by
// recvmsg(2). Everything that a call needs is kept in it, so that a read
// allocates nothing.
type receiver struct {
	stamped atomic.Bool // the kernel stamps what comes
	header  unix.Msghdr
	vector  unix.Iovec
	control [128]byte // ancillary data
}

// open asks the kernel for receive stamps. Where it refuses, reads are plain.
func (r *receiver) open(s *socket) {
	_ = s.Control(func(fd uintptr) {
		r.stamped.Store(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampOptions) == nil)
	})
}

// Receive stamps are made in software for every packet (RX_SOFTWARE), and
// reported (SOFTWARE). Send stamps are asked for with each write, and come
// without a copy of what was sent (OPT_TSONLY).
const stampOptions = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY

// receive reads once. stamp is the arrival, Unix nanoseconds; 0 where the kernel
// gave none. Nothing of what was read had come at the time after, since base.
func (c *Conn) receive(p []byte) (n int, stamp int64, after time.Duration, err error) {
	s := &c.socket
	if len(p) == 0 {
		return 0, 0, 0, nil
	}
	for {
		switch {
		case s.reading.expired.Load():
			return 0, 0, 0, s.fault("read", os.ErrDeadlineExceeded)
		case !s.enter():
			return 0, 0, 0, s.fault("read", net.ErrClosed)
		case s.stepping && !s.mayRead():
			s.leave()
			return 0, 0, 0, ErrNothing
		}
		empty := time.Duration(s.empty.Load()) // of what epoll tells from here on, another may be true
		s.unread.Store(false)
		n, errno := c.take(s.fd, p)
		s.leave()
		switch {
		case errno == unix.EAGAIN && s.stepping:
			s.told, s.more = 0, false
			return 0, 0, 0, ErrNothing
		case errno == unix.EAGAIN:
			s.more = false
			<-s.readable
			continue
		}
		if s.stepping && errno == 0 && 0 < n && n < len(p) {
			// The socket is empty, and what comes later will be told. But an end or a reset
			// that has been told already is still to be read, behind the data.
			s.told &= ends
		}
		s.more = !s.stepping || s.told != 0
		switch {
		case errno != 0:
			return 0, 0, 0, s.fault("read", errno)
		case n == 0:
			return 0, 0, 0, io.EOF
		}
		return n, timestamp(c.control[:c.header.Controllen]), empty, nil
	}
}

// take reads without waiting.
func (r *receiver) take(fd int, p []byte) (n int, errno syscall.Errno) {
	if !r.stamped.Load() {
		return r.plain(fd, p)
	}
	r.vector.Base = &p[0]
	r.vector.SetLen(len(p))
	r.header.Iov = &r.vector
	r.header.SetIovlen(1)
	r.header.Control = &r.control[0]
	r.header.SetControllen(len(r.control))
	// It does not block, so the scheduler need not know of it.
	got, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.header)), unix.MSG_DONTWAIT)
	r.vector.Base = nil
	switch errno {
	case 0:
		return int(got), 0
	case unix.EINTR:
		return r.take(fd, p)
	case unix.ENOSYS, unix.EPERM: // a sandbox that allows read(2) alone
		r.stamped.Store(false)
		return r.plain(fd, p)
	}
	return 0, errno
}

// plain reads without a stamp.
func (r *receiver) plain(fd int, p []byte) (n int, errno syscall.Errno) {
	r.header.SetControllen(0)
	for {
		n, err := unix.Read(fd, p)
		if err != unix.EINTR {
			errno, _ := err.(syscall.Errno)
			return max(n, 0), errno
		}
	}
}

// timestamp finds the software stamp in ancillary data, Unix nanoseconds: the
// first of the three times of an SCM_TIMESTAMPING message. 0: there is none.
func timestamp(control []byte) int64 {
	for len(control) >= unix.CmsgLen(0) {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		length := int(h.Len)
		if length < unix.CmsgLen(0) || length > len(control) {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPING && length >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
			ts := (*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)]))
			if ts.Sec != 0 || ts.Nsec != 0 {
				return ts.Nano()
			}
		}
		control = control[min(unix.CmsgSpace(length-unix.CmsgLen(0)), len(control)):]
	}
	return 0
}
