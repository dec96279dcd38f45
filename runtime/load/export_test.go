package load

// UseTimers makes the executor wait with the Go runtime's timers, which are the
// only ones that a bubble of testing/synctest knows.
func (e *Executor) UseTimers() { e.timers = true }
