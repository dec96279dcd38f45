package terminal

import "golang.org/x/sys/unix"

// typed is how many characters of finished lines nobody has read: who presses Enter moves
// the screen by a line.
func (s *Screen) typed() int {
	n, err := unix.IoctlGetInt(int(s.file.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}
