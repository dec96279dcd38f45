package doctor

import "golang.org/x/sys/unix"

// usable tells whether this process may read and write a device.
func usable(path string) bool { return unix.Access(path, unix.R_OK|unix.W_OK) == nil }
