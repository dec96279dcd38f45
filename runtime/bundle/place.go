package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Place is a folder that a bundle is unpacked to, for as long as it is used.
type Place struct {
	Dir  string // absolute; nothing but what the bundle brings is below it
	lock *os.File
}

const (
	placePrefix = "weir-"
	lockEnding  = ".lock"
)

// NewPlace makes a fresh place below the folder unpacked of cache, or, where that cannot be
// written to, in the folder for temporary files. It removes places there that nobody uses
// any more, since their process was killed. Each place has a lock beside it that the
// system releases whatever becomes of the process, so that others leave it alone.
func NewPlace(cache string) (*Place, error) {
	parent := filepath.Join(cache, "unpacked")
	if cache == "" || os.MkdirAll(parent, 0o700) != nil {
		parent = os.TempDir()
	} else {
		sweep(parent)
	}
	p, err := newPlace(parent)
	if err != nil && parent != os.TempDir() {
		p, err = newPlace(os.TempDir())
	}
	if err != nil {
		return nil, fmt.Errorf("make a folder to unpack a bundle to: %w\n  hint: WEIR_CACHE, or else TMPDIR, names one that can be written to", err)
	}
	return p, nil
}

func newPlace(parent string) (*Place, error) {
	lock, err := os.CreateTemp(parent, placePrefix+"*"+lockEnding)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(strings.TrimSuffix(lock.Name(), lockEnding))
	if err == nil {
		err = tryLock(lock)
	}
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		lock.Close()
		os.Remove(lock.Name())
		return nil, err
	}
	return &Place{Dir: dir, lock: lock}, nil
}

// Remove removes the place and what is in it.
func (p *Place) Remove() error {
	err := os.RemoveAll(p.Dir)
	os.Remove(p.lock.Name())
	p.lock.Close()
	return err
}

// sweep removes the places in a folder whose processes are gone. What it cannot remove
// stays for the next one.
func sweep(parent string) {
	locks, _ := filepath.Glob(filepath.Join(parent, placePrefix+"*"+lockEnding)) // a pattern that is well-formed
	for _, name := range locks {
		lock, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if tryLock(lock) == nil && os.RemoveAll(strings.TrimSuffix(name, lockEnding)) == nil {
			os.Remove(name)
		}
		lock.Close()
	}
}
