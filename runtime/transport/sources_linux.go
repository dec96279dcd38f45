package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// latePort leaves the choice of the local port to connect(2): chosen by bind(2),
// no two connections of an address could have the same, not even to different services.
func latePort(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// An old kernel does without it, with fewer ports.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
}
