package pacer

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// newAlarm returns an alarm of the kernel: a timerfd has no slack, it rings to
// the microsecond.
//
// The descriptor is non-blocking, so the runtime's poller watches it. A thread
// of its own that blocks in read, or in clock_nanosleep, was exact when idle and
// far worse under load: a goroutine that comes out of a blocking system call
// finds its processor taken, and stands at the end of the global queue.
func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &timerfd{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// timerfd is an alarm of the kernel. The pacer does not set it once it is closed.
type timerfd struct {
	fd   int
	file *os.File
}

func (t *timerfd) set(d time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	return unix.TimerfdSettime(t.fd, 0, &spec, nil)
}

func (t *timerfd) wait() error {
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	return err
}

func (t *timerfd) close() error { return t.file.Close() }
