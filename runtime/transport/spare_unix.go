//go:build unix

package transport

import (
	"golang.org/x/sys/unix"

	"weir/runtime/wire"
)

// spareDescriptors are left to the rest of the program. Connections that took
// all of them would keep it from writing down what it has measured.
const spareDescriptors = 16

// leavesSpare tells whether a connection leaves the rest of the program its
// descriptors: EMFILE when it does not. The system gives out the lowest free
// number, so that one near the limit says that few are left.
func leavesSpare(c *wire.Conn) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil
	}
	few := false
	err := c.Control(func(fd uintptr) { few = uint64(fd)+spareDescriptors >= uint64(limit.Cur) })
	if err == nil && few {
		err = unix.EMFILE
	}
	return err
}
