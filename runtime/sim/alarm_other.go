//go:build !linux

package sim

// newSleeper returns a sleeper on the Go runtime's timers; close does nothing.
func newSleeper() (s sleeper, close func() error, err error) {
	return timerSleeper{}, func() error { return nil }, nil
}
