package wire

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver takes data from a socket together with the stamp of its arrival, by
// recvmsg(2). Everything that a call needs is kept in it, so that a read
// allocates nothing.
type receiver struct {
	raw     syscall.RawConn
	stamped atomic.Bool // the kernel stamps what comes

	once func(fd uintptr) bool // c.recv, made once

	header  unix.Msghdr
	vector  unix.Iovec
	control [128]byte // ancillary data
	n       int
	errno   syscall.Errno
}

// open asks the kernel for receive stamps. Where it refuses, reads are plain.
func (r *receiver) open(c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	r.raw, r.once = raw, r.recv
	_ = raw.Control(func(fd uintptr) { // it fails on a closed connection, as its reads will
		r.stamped.Store(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampOptions) == nil)
	})
}

// Receive stamps are made in software for every packet (RX_SOFTWARE), and
// reported (SOFTWARE). Send stamps are asked for with each write, and come
// without a copy of what was sent (OPT_TSONLY).
const stampOptions = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY

// receive reads once. stamp is the arrival, Unix nanoseconds; 0 where the kernel
// gave none.
func (r *receiver) receive(c *net.TCPConn, p []byte) (n int, stamp int64, err error) {
	if !r.stamped.Load() || len(p) == 0 {
		n, err = c.Read(p)
		return n, 0, err
	}
	r.vector.Base = &p[0]
	r.vector.SetLen(len(p))
	err = r.raw.Read(r.once)
	r.vector.Base = nil
	switch {
	case err != nil:
		return 0, 0, err
	case r.errno == unix.ENOSYS || r.errno == unix.EPERM: // a sandbox that allows read(2) alone
		r.stamped.Store(false)
		return r.receive(c, p)
	case r.errno != 0:
		return 0, 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("recvmsg", r.errno)}
	case r.n == 0:
		return 0, 0, io.EOF
	}
	return r.n, timestamp(r.control[:r.header.Controllen]), nil
}

// recv calls recvmsg, and returns false when nothing has come yet.
func (r *receiver) recv(fd uintptr) bool {
	r.header.Iov = &r.vector
	r.header.SetIovlen(1)
	for {
		r.header.Control = &r.control[0]
		r.header.SetControllen(len(r.control))
		// It does not block, so the scheduler need not know of it.
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.header)), unix.MSG_DONTWAIT)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno
		return true
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
