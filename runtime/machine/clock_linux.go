package machine

import (
	"golang.org/x/sys/unix"

	"weir/runtime/result"
)

// synchronized asks the kernel whether something, such as chronyd or a hypervisor,
// keeps its wall clock right: adjtimex with nothing to change, which needs no
// privilege. It is no file, so it is that of the machine whatever root is.
func synchronized(c *result.KernelClock) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return
	}
	synced := state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	c.Synchronized = &synced
	if synced {
		maximum, estimated := float64(t.Maxerror)/1000, float64(t.Esterror)/1000
		c.MaxError, c.EstError = &maximum, &estimated
	}
}
