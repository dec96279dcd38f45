//go:build !race

// Package race tells tests whether the race detector is on: what takes long with it and
// does nothing at once, or counts bytes of memory, is tested without it.
package race

// Enabled is true in programs that were built with the race detector.
const Enabled = false
