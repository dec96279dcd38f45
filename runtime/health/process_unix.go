//go:build unix

package health

import (
	"math"

	"golang.org/x/sys/unix"
)

// processTime is the CPU time that this process has used, in seconds.
func processTime() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return unknown
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// fileLimit is how many descriptors the process may open; nil: no limit, or not
// known.
func fileLimit() *int64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) >= math.MaxInt64 {
		return nil
	}
	n := int64(limit.Cur)
	return &n
}
