package wire

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// WriteStamped is Write that also asks the kernel to stamp the moment at which
// it hands the data to the network device (on loopback: to the receiver).
func (c *Conn) WriteStamped(p []byte) (int, error) {
	if !c.stamped.Load() || len(p) == 0 {
		return c.Write(p)
	}
	var control [32]byte
	request := control[:unix.CmsgSpace(4)]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&request[0]))
	h.Level, h.Type = unix.SOL_SOCKET, unix.SO_TIMESTAMPING
	h.SetLen(unix.CmsgLen(4))
	*(*uint32)(unsafe.Pointer(&request[unix.CmsgLen(0)])) = unix.SOF_TIMESTAMPING_TX_SOFTWARE

	n, err := c.send(p, request)
	if n == len(p) && err == nil {
		return n, nil
	}
	// The socket took a part; or it is a kernel that does not know the request, or a
	// dead connection: Write will tell.
	m, err := c.Write(p[n:])
	return n + m, err
}

// Sent returns the kernel's stamp of the data that WriteStamped wrote last, on
// the monotonic clock; false when it has not come (yet), or not between begun
// and now. It is to be asked right after the write.
func (c *Conn) Sent(begun time.Time) (time.Time, bool) {
	if !c.stamped.Load() {
		return time.Time{}, false
	}
	var newest int64
	now := time.Now()
	// Stamps come through the error queue; earlier ones that came late are in it too.
	_ = c.Control(func(fd uintptr) {
		for {
			stamp, errno := errorQueue(fd)
			if errno != 0 {
				return
			}
			newest = stamp
		}
	})
	if newest == 0 {
		return time.Time{}, false
	}
	lag := time.Duration(now.UnixNano() - newest)
	at := now.Add(-lag)
	if lag < 0 || at.Before(begun) {
		return time.Time{}, false
	}
	return at, true
}

// errorQueue takes one stamp, Unix nanoseconds, from a socket's error queue.
func errorQueue(fd uintptr) (int64, syscall.Errno) {
	var control [256]byte
	header := unix.Msghdr{Control: &control[0]}
	header.SetControllen(len(control))
	_, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&header)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if errno != 0 {
		return 0, errno
	}
	return timestamp(control[:header.Controllen]), 0
}

// Retransmits is how often TCP has sent a segment again on this connection,
// false where the kernel does not say.
func (c *Conn) Retransmits() (int, bool) {
	n, ok := 0, false
	_ = c.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n, ok = int(info.Total_retrans), true
		}
	})
	return n, ok
}
