//go:build !linux

package terminal

func (s *Screen) typed() int { return 0 }
