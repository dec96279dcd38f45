//go:build unix

package terminal

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// panels tells whether panels can be drawn on the terminals of this system.
const panels = true

// foreground tells whether this process has the terminal: behind a shell's & it has not,
// and what it drew would come between what others write.
func (s *Screen) foreground() bool {
	group, err := unix.IoctlGetInt(int(s.file.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// watchStops calls stop before this process is stopped by Ctrl-Z, and resume when it goes
// on, until release is called.
func watchStops(stop, resume func()) (release func()) {
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, unix.SIGTSTP, unix.SIGCONT)
	go func() {
		for s := range arrived {
			if s == unix.SIGCONT {
				resume()
				continue
			}
			stop()
			_ = unix.Kill(unix.Getpid(), unix.SIGSTOP) // what SIGTSTP does where nobody has asked for it
		}
	}()
	return func() {
		signal.Stop(arrived)
		close(arrived)
	}
}
