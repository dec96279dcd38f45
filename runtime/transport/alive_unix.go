//go:build unix

package transport

import "golang.org/x/sys/unix"

// look tells what has arrived on an idle connection, without taking or waiting
// for anything.
func (l *line) look() arrival {
	found := closed
	err := l.Control(func(fd uintptr) {
		var b [1]byte
		for {
			n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			switch {
			case err == unix.EINTR:
				continue
			case err == unix.EAGAIN:
				found = nothing
			case err == nil && n > 0:
				found = data
			}
			return
		}
	})
	if err != nil {
		return closed
	}
	return found
}
