// Package doctor tells whether a machine is fit to measure: what was found, why it
// matters for a measurement, and what to do about it.
//
// [Facts] are what the system tells of this machine, as package machine reads it;
// [Measure] measures for a moment what it does not tell, and [ReadDevices] asks the
// accelerators' tools. What is found in these is a pure function of them: [Machine]
// and [Devices]. docs/doctor.md has every check by its name.
//
// A fact that is absent is never judged: its finding is "skip". Nothing is changed on
// the machine, and nothing needs a privilege.
package doctor

import (
	"fmt"
	"time"

	"weir/runtime/result"
)

// Status is that of a result.Finding.
const (
	OK   = "ok"
	Warn = "warn"
	Fail = "fail"
	Skip = "skip" // it could not be looked at
)

// Group is that of a result.Finding.
const (
	OfService = "service"
	OfMachine = "machine"
	OfDevices = "devices"
)

// Need is what a run will ask of the machine.
type Need struct {
	Streams int           // requests at the same time
	Local   bool          // the service runs on this machine, or it is not known where
	Network string        // network interface that leads to the service on another machine; "": not known
	RTT     time.Duration // of the service; 0: not known
}

// DefaultStreams is how many requests at the same time a machine is looked at for when
// nobody says.
const DefaultStreams = 256

// Worst is the worst status of findings: Fail, Warn or OK.
func Worst(findings []result.Finding) string {
	worst := OK
	for _, f := range findings {
		if Worse(f.Status, worst) {
			worst = f.Status
		}
	}
	return worst
}

// severity puts statuses in order.
var severity = map[string]int{Skip: 0, OK: 1, Warn: 2, Fail: 3}

// Worse tells whether a status is worse than another.
func Worse(a, b string) bool { return severity[a] > severity[b] }

// Check makes the findings of one check.
type Check struct{ Group, Name string }

// OK is the finding that nothing is wrong.
func (c Check) OK(format string, args ...any) result.Finding {
	return c.finding(OK, "", "", format, args...)
}

// Skip says why it could not be looked at.
func (c Check) Skip(format string, args ...any) result.Finding {
	return c.finding(Skip, "", "", format, args...)
}

// Warn is a finding that may do harm: why, and what to do about it.
func (c Check) Warn(why, do, format string, args ...any) result.Finding {
	return c.finding(Warn, why, do, format, args...)
}

// Fail is a finding that keeps from measuring: why, and what to do about it.
func (c Check) Fail(why, do, format string, args ...any) result.Finding {
	return c.finding(Fail, why, do, format, args...)
}

func (c Check) finding(status, why, do, format string, args ...any) result.Finding {
	return result.Finding{Check: c.Name, Group: c.Group, Status: status, What: fmt.Sprintf(format, args...), Why: why, Do: do}
}

// plural is a number of things.
func plural[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
