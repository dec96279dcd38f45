//go:build race

package race

// Enabled is true in programs that were built with the race detector.
const Enabled = true
