//go:build !unix

package terminal

// panels tells whether panels can be drawn on the terminals of this system.
const panels = false

func (s *Screen) foreground() bool { return true }

func watchStops(stop, resume func()) (release func()) { return func() {} }
