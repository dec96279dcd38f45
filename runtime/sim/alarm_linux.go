package sim

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// newSleeper returns a sleeper on a kernel timer, which wakes to the microsecond
// where the Go runtime's own timers wake to the millisecond. close ends it when
// nobody sleeps any more.
func newSleeper() (s sleeper, close func() error, err error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("make a timer: %w", err)
	}
	// A non-blocking descriptor is watched by the runtime's poller: waiting for
	// it costs no thread.
	p := newPacer(&timerfd{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")})
	return p, p.close, nil
}

// timerfd is an alarm of the kernel.
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
