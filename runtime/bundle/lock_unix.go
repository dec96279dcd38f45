//go:build unix

package bundle

import (
	"os"
	"syscall"
)

// tryLock locks an open file for this process, or fails when another one has.
func tryLock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
