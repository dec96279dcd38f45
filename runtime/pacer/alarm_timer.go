package pacer

import "time"

// timerAlarm is an alarm on the Go runtime's timers, for systems without a
// better one and for the clock of testing/synctest.
type timerAlarm struct {
	timer  *time.Timer
	closed chan struct{}
}

func newTimerAlarm() *timerAlarm {
	a := &timerAlarm{timer: time.NewTimer(time.Hour), closed: make(chan struct{})}
	a.timer.Stop()
	return a
}

func (a *timerAlarm) set(d time.Duration) error {
	a.timer.Reset(d)
	return nil
}

func (a *timerAlarm) wait() error {
	select {
	case <-a.timer.C:
		return nil
	case <-a.closed:
		return ErrClosed
	}
}

func (a *timerAlarm) close() error {
	a.timer.Stop()
	close(a.closed)
	return nil
}
