// Package access says what a scenario may touch outside of itself, and notes what it
// touched.
//
// A script reads files under its own folder and those that the run names; it writes
// below the folder of the result and to paths that the run names; it talks to the hosts
// that the run names, where that is asked for; and starts no programs, except through
// modules that say so. Modules ask before they open anything, and open what they are
// given back. What was read is what a bundle has to bring along.
//
// The run names something on its command line, in a file of parameters, or in the
// environment: every value that was given for a parameter of the script. What a script
// says itself, in the default of a parameter too, names nothing.
package access

import (
	"fmt"
	"path/filepath"
	"sync"
)

// Rules are what a run allows.
type Rules struct {
	// Dir is the script's own folder, an absolute path: it is read from, and relative paths
	// that the script says start there. "": nothing may be read from it.
	Dir string
	// Trusted scripts, which are weir's own, may read and write whatever the user may.
	Trusted bool
	// Hosts limits where the script sends requests to: hosts that the run names, and these
	// (host, or host:port). Without Limited, it sends wherever it wants.
	Limited bool
	Hosts   []string
	// Dry: nothing that the script does may be seen outside. What it writes goes to a
	// folder that Close removes; requests and programs are refused.
	Dry bool
}

// Access is what one run allows and has seen. A nil *Access allows everything and notes
// nothing. Its methods may be called by any goroutine.
type Access struct {
	rules Rules

	mu      sync.Mutex // protects the fields below
	named   []string
	touched []File
	written []string
	out     string
}

// File is a file or folder that the script has read.
type File struct {
	Said string // as the script said it
	Path string // absolute
}

// New makes the access of a run.
func New(r Rules) *Access { return &Access{rules: r} }

// Name notes values that the run was given: paths, or URLs and hosts, or neither.
func (a *Access) Name(values ...string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.named = append(a.named, values...)
}

// Out says which folder the result is in, when it is there.
func (a *Access) Out(dir string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out = dir
}

// Read gives the absolute path of a file or folder that the script wants to read, or an
// error that says why it may not and what to do.
func (a *Access) Read(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if a == nil || err != nil {
		return abs, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touched = append(a.touched, File{Said: path, Path: abs})
	return abs, nil
}

// Write is Read for what is to be written.
func (a *Access) Write(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if a == nil || err != nil {
		return abs, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.written = append(a.written, path)
	return abs, nil
}

// Host tells whether requests may be sent to a host, given as host:port.
func (a *Access) Host(address string) error {
	if a == nil {
		return nil
	}
	if a.rules.Dry {
		return fmt.Errorf("no request is sent to %s in a dry run", address)
	}
	return nil
}

// Program tells whether a module may start a program for the script.
func (a *Access) Program(name string) error {
	if a == nil {
		return nil
	}
	if a.rules.Dry {
		return fmt.Errorf("%s is not started in a dry run", name)
	}
	return nil
}

// Files are what was read so far, in order, each once.
func (a *Access) Files() []File {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]File(nil), a.touched...)
}

// Written are the paths that were written to so far, as the script said them.
func (a *Access) Written() []string {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.written...)
}

// Close removes what a dry run has written.
func (a *Access) Close() error { return nil }
