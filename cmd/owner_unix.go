//go:build unix

package cmd

import (
	"os"
	"syscall"
)

// ownedByUs tells whether a file belongs to the user that this process runs as.
func ownedByUs(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && int(stat.Uid) == os.Getuid()
}
