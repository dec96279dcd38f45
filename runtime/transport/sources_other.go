//go:build !linux

package transport

import "syscall"

// latePort does nothing here: the port is chosen when the address is bound.
func latePort(_, _ string, _ syscall.RawConn) error { return nil }
