//go:build !unix

package bundle

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// tryLock succeeds for a place that is being made, and for no other: without locks, what a
// killed process has left stays.
func tryLock(file *os.File) error {
	if _, err := os.Stat(strings.TrimSuffix(file.Name(), lockEnding)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.ErrUnsupported
}
